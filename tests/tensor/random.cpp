#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "fixtures/fixtures.hpp"
#include "handgrad/error.hpp"
#include "handgrad/tensor/random.hpp"

using namespace handgrad;

namespace {

// How many doubles lie between a and b; 0 if they are the same.
double ulps(double a, double b) {
    if (a == b) { return 0.0; }
    const double spacing =
        std::nextafter(std::max(std::abs(a), std::abs(b)), INFINITY) - std::max(std::abs(a), std::abs(b));
    return std::abs(a - b) / spacing;
}

} // namespace

TEST_CASE("NumpyRandom repeats NumPy's stream", "[random]") {
    const Fixtures numpy = read_fixtures("numpy_random.txt");
    const std::uint64_t seed = GENERATE(0ULL, 1ULL, 1234ULL, 0xffffffffULL);
    const std::string s = "_" + std::to_string(seed);

    NumpyRandom uniform(seed);
    for (const double expected : numpy.at("random" + s)) { REQUIRE(uniform.random() == expected); }

    // One stream, used as the script uses it: an odd number of normals leaves one behind for later.
    NumpyRandom mixed(seed);
    const Tensor<double> normals = mixed.randn({5, 5});
    REQUIRE(normals.size() == numpy.at("randn" + s).size());
    for (std::size_t i = 0; i < normals.size(); ++i) {
        REQUIRE(ulps(normals.storage()[i], numpy.at("randn" + s)[i]) <= 1.0); // log is the C library's
    }
    for (const double expected : numpy.at("uniform" + s)) { REQUIRE(mixed.uniform(-2.0, 3.0) == expected); }
    for (const double expected : numpy.at("normal_after" + s)) { REQUIRE(ulps(mixed.normal(), expected) <= 1.0); }
    const Labels order = mixed.permutation(100);
    REQUIRE(std::equal(order.begin(), order.end(), numpy.at("permutation" + s).begin()));

    NumpyRandom many(seed);
    double sum = 0.0;
    for (int i = 0; i < 100000; ++i) { sum += many.normal(); }
    REQUIRE_THAT(sum, Catch::Matchers::WithinAbs(numpy.at("sum_of_100000_normals" + s).at(0), 1e-9));
}

TEST_CASE("NumpyRandom takes the seeds that NumPy takes", "[random]") {
    REQUIRE_THROWS_AS(NumpyRandom(0x100000000ULL), ShapeError);
    REQUIRE_THROWS_AS(NumpyRandom(static_cast<std::uint64_t>(-1)), ShapeError);
    REQUIRE(NumpyRandom(0).permutation(0).size() == 0);
    REQUIRE(NumpyRandom(0).permutation(1)(0) == 0);
}

TEST_CASE("Random's numbers never change", "[random]") {
    // Recorded once. If these fail, every checkpoint and every published output is void.
    Random random(1234);
    CHECK(random.bits() == 0xf7c44f4a8f0e206d);
    CHECK(random.uniform() == 0x1.aa3c47b48baddp-1);
    CHECK(ulps(random.normal(), -0x1.8fbda9fb78ec4p-2) <= 1.0); // log is the C library's
    CHECK(random.below(1000) == 694);
    CHECK(Random(1234, 1).bits() == 0x3796e4bbf5f3af8f);
    std::array<int, 8> order{0, 1, 2, 3, 4, 5, 6, 7};
    random.shuffle(order.begin(), order.end());
    CHECK(order == std::array<int, 8>{7, 3, 0, 6, 1, 4, 2, 5});
}

TEST_CASE("Random streams of different seed or number differ", "[random]") {
    std::set<std::uint64_t> first;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        for (std::uint64_t stream = 0; stream < 10; ++stream) { first.insert(Random(seed, stream).bits()); }
    }
    first.insert(Random(1ULL << 32).bits()); // the upper half of the seed counts as well
    first.insert(Random(0, 1ULL << 32).bits());
    REQUIRE(first.size() == 102);
}

TEST_CASE("Random's distributions have the right moments", "[random]") {
    Random random(7);
    const int n = 200000;
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; ++i) {
        const double u = random.uniform(-1.0, 3.0);
        REQUIRE((u >= -1.0 && u < 3.0));
        sum += u;
    }
    CHECK_THAT(sum / n, Catch::Matchers::WithinAbs(1.0, 5 * std::sqrt(16.0 / 12.0 / n)));

    sum = 0.0;
    double fourth = 0.0;
    for (int i = 0; i < n; ++i) {
        const double z = random.normal();
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    CHECK_THAT(sum / n, Catch::Matchers::WithinAbs(0.0, 5 * std::sqrt(1.0 / n)));
    CHECK_THAT(squares / n, Catch::Matchers::WithinAbs(1.0, 5 * std::sqrt(2.0 / n)));
    CHECK_THAT(fourth / n, Catch::Matchers::WithinAbs(3.0, 5 * std::sqrt(96.0 / n)));

    std::array<int, 6> count{}; // 6 of 8 values pass the mask: a modulus would favour 0 and 1
    for (int i = 0; i < n; ++i) { ++count.at(random.below(6)); }
    for (const int c : count) { CHECK_THAT(c, Catch::Matchers::WithinAbs(n / 6.0, 5 * std::sqrt(n * 5.0 / 36.0))); }
    CHECK(random.below(1) == 0);
    CHECK(random.below(~0ULL) < ~0ULL);
    CHECK_THROWS_AS(random.below(0), ShapeError);
}

TEST_CASE("Random::shuffle makes every order equally likely", "[random]") {
    Random random(3);
    std::map<std::array<int, 3>, int> count;
    const int n = 60000;
    for (int i = 0; i < n; ++i) {
        std::array<int, 3> order{0, 1, 2};
        random.shuffle(order.begin(), order.end());
        ++count[order];
    }
    REQUIRE(count.size() == 6);
    for (const auto& [order, c] : count) {
        CHECK_THAT(c, Catch::Matchers::WithinAbs(n / 6.0, 5 * std::sqrt(n * 5.0 / 36.0)));
    }
    std::vector<int> none;
    random.shuffle(none.begin(), none.end());
}

TEST_CASE("Random goes on from a saved state", "[random]") {
    Random random(99, 5);
    for (int i = 0; i < 1000; ++i) { random.bits(); }
    if (GENERATE(false, true)) { random.normal(); } // with and without a normal kept for later
    const std::string state = random.state();

    Random restored(1);
    restored.set_state(state);
    Random copy = random;
    for (int i = 0; i < 5; ++i) {
        const double next = random.normal();
        REQUIRE(restored.normal() == next);
        REQUIRE(copy.normal() == next);
        const auto bits = random.bits();
        REQUIRE(restored.bits() == bits);
        REQUIRE(copy.bits() == bits);
    }
    REQUIRE(restored.state() == random.state());
}

TEST_CASE("Random refuses a damaged state and stays as it was", "[random]") {
    Random random(4);
    random.normal();
    const std::string good = random.state();
    for (const std::string& bad :
         {std::string(), std::string("handgrad-random-1"), std::string("handgrad-random-2 1 0 0 -"),
          std::string("handgrad-random-1 1 0 0"), std::string("handgrad-random-1 1 0 0 - "), good + " ", good + " 1",
          std::string("handgrad-random-1 -1 0 0 -"), std::string("handgrad-random-1 1 0 18446744073709551616 -"),
          std::string("handgrad-random-1 1 0 18446744073709551615 -"), std::string("handgrad-random-1  1 0 0 -"),
          std::string("handgrad-random-1 1 0 0 7ff8000000000000"), std::string("handgrad-random-1 1 0 0 xyz")}) {
        CAPTURE(bad);
        REQUIRE_THROWS_AS(random.set_state(bad), DataError);
        REQUIRE(random.state() == good);
    }
}

TEMPLATE_TEST_CASE("initialisers fill the tensor from the stream", "[random]", float, double, std::complex<double>) {
    Tensor<TestType> t = full<TestType>({3, 4}, TestType(999));
    Random random(5), same(5);
    uniform_(t, -0.5, 0.25, random);
    for (const TestType& v : t.storage()) { REQUIRE(v == static_cast<TestType>(same.uniform(-0.5, 0.25))); }
    normal_(t, 1.0, 0.01, random);
    for (const TestType& v : t.storage()) { REQUIRE(v == static_cast<TestType>(1.0 + 0.01 * same.normal())); }
    fan_in_uniform_(t, 16, random);
    for (const TestType& v : t.storage()) {
        REQUIRE(v == static_cast<TestType>(same.uniform(-0.25, 0.25)));
        REQUIRE(std::abs(v) <= 0.25);
    }
    REQUIRE_THROWS_AS(fan_in_uniform_(t, 0, random), ShapeError);
}
