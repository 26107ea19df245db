#include "catch.hpp"
#include "handgrad/data/spiral.hpp"

using namespace handgrad;

TEST_CASE("linspace: the last value is exactly the one that was asked for", "[data][spiral]") {
    // (n - 1) * ((last - first) / (n - 1)) + first is rounded to another number in each of these cases.
    struct Case {
        double first, last;
        std::size_t n;
    };
    for (const auto& [first, last, n] : {Case{0.0, 1.0, 50}, Case{0.3, 0.9, 2}, Case{0.3, 0.1, 4}, Case{0.0, 0.9, 4}}) {
        INFO("linspace(" << first << ", " << last << ", " << n << ")");
        const double step = (last - first) / static_cast<double>(n - 1);
        REQUIRE(static_cast<double>(n - 1) * step + first != last);
        const Tensor<double> t = data::linspace(first, last, n);
        CHECK(t(0) == first);
        CHECK(t(n - 1) == last);
    }
}
