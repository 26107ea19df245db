#include <cmath>
#include <string>

#include "catch.hpp"
#include "fixtures/fixtures.hpp"
#include "handgrad/data/spiral.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;

TEST_CASE("make_spiral gives NumPy's points", "[data][spiral]") {
    struct Case {
        std::uint64_t seed;
        std::size_t points, classes;
    };
    const auto [seed, points, classes] = GENERATE(Case{0, 100, 3}, Case{7, 5, 2}, Case{7, 1, 2});
    const std::string key = "_" + std::to_string(seed) + "_" + std::to_string(points) + "_" + std::to_string(classes);
    const Fixtures numpy = read_fixtures("numpy_spiral.txt");

    NumpyRandom random(seed);
    const data::Spiral spiral = data::make_spiral(random, points, classes);
    REQUIRE(spiral.x.shape() == Shape{points * classes, 2});
    REQUIRE(spiral.y.shape() == Shape{points * classes});
    const auto& r = numpy.at("r" + key);
    const auto& t = numpy.at("t" + key);
    const auto& x = numpy.at("x" + key);
    REQUIRE(x.size() == spiral.x.size());
    for (std::size_t i = 0; i < points * classes; ++i) {
        // With NumPy's radius and angle, the C library's sine and cosine: exactly ours, so r and t are NumPy's to the
        // bit.
        REQUIRE(spiral.x(i, 0) == r[i] * std::sin(t[i]));
        REQUIRE(spiral.x(i, 1) == r[i] * std::cos(t[i]));
        // NumPy's own vectorised sine and cosine may differ in the last bits.
        REQUIRE_THAT(spiral.x(i, 0), Catch::Matchers::WithinRel(x[2 * i], 4 * 0x1p-52));
        REQUIRE_THAT(spiral.x(i, 1), Catch::Matchers::WithinRel(x[2 * i + 1], 4 * 0x1p-52));
        REQUIRE(spiral.y(i) == static_cast<std::int64_t>(i / points));
    }
    for (const double expected : numpy.at("next" + key)) { // the stream is left where NumPy leaves it
        REQUIRE_THAT(random.normal(), Catch::Matchers::WithinRel(expected, 0x1p-52));
    }
}

TEST_CASE("linspace ends where it is told to", "[data][spiral]") {
    REQUIRE(data::linspace(0.0, 1.0, 0).size() == 0);
    REQUIRE(data::linspace(2.0, 1.0, 1)(0) == 2.0);
    const Tensor<double> t = data::linspace(0.0, 0.7, 50);
    REQUIRE(t(0) == 0.0);
    REQUIRE(t(49) == 0.7);
    REQUIRE(t(1) == 0.7 / 49);
}

TEST_CASE("make_spiral refuses to make no points", "[data][spiral]") {
    NumpyRandom random(0);
    REQUIRE_THROWS_AS(data::make_spiral(random, 0, 3), ShapeError);
    REQUIRE_THROWS_AS(data::make_spiral(random, 3, 0), ShapeError);
}
