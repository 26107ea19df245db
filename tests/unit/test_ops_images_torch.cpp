// The operations on images, on all backends, against PyTorch's results in float64 (fixtures/make_image_fixtures.py).

#include "catch.hpp"
#include "fixtures/fixtures.hpp"
#include "handgrad/cpu/cpu.hpp"
#include "handgrad/reference/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Fixtures& fixtures() {
    static const Fixtures all = read_fixtures("images.txt");
    return all;
}

std::size_t count_of(const std::string& operation) {
    return static_cast<std::size_t>(fixtures().at(operation + ".count").at(0));
}

/// A case of the file; asking for what is not there throws.
struct Case {
    std::string name;
    std::vector<std::size_t> options;

    Case(const std::string& operation, std::size_t i) : name(operation + "." + std::to_string(i)) {
        for (const double v : fixtures().at(name + ".options")) { options.push_back(static_cast<std::size_t>(v)); }
    }
    Size2d pair(std::size_t i) const { return {options.at(i), options.at(i + 1)}; }
    Shape shape() const { return {options.at(0), options.at(1), options.at(2), options.at(3)}; }

    /// The numbers of an entry.
    template <class T> Tensor<T> get(const std::string& key, const Shape& shape) const {
        const std::vector<double>& values = fixtures().at(name + "." + key);
        Tensor<T> t(shape);
        if (t.size() != values.size()) { throw std::runtime_error("fixture " + name + "." + key + " does not fit"); }
        std::transform(values.begin(), values.end(), t.data(), [](double v) { return static_cast<T>(v); });
        return t;
    }
};

/// Whether all numbers are equal, NaN counting as equal to NaN.
template <class T> bool equal_or_nan(const Tensor<T>& a, const Tensor<T>& b) {
    return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data(),
                                                [](T u, T v) { return u == v || (std::isnan(u) && std::isnan(v)); });
}

} // namespace

TEMPLATE_TEST_CASE("conv2d equals PyTorch's, to the last bit", "[ops][conv2d][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(count_of("conv2d") == 16);
    for (std::size_t i = 0; i < count_of("conv2d"); ++i) {
        const Case c("conv2d", i);
        INFO(c.name);
        const std::size_t k = c.options.at(4);
        const bool with_bias = c.options.at(14) != 0;
        Conv2dOptions options;
        options.stride = c.pair(7);
        options.padding = c.pair(9);
        options.dilation = c.pair(11);
        options.groups = c.options.at(13);
        const Shape shape_of_w{k, c.options.at(1) / options.groups, c.options.at(5), c.options.at(6)}, none{0};
        const auto x = c.get<T>("x", c.shape()), w = c.get<T>("w", shape_of_w),
                   b = with_bias ? c.get<T>("b", {k}) : zeros<T>(none);
        for (const auto algorithm : {ConvAlgorithm::automatic, ConvAlgorithm::im2col, ConvAlgorithm::direct}) {
            options.algorithm = algorithm;
            const Tensor<T> y = B::conv2d_forward(x, w, b, options);
            CHECK(equal_numbers(y, c.get<T>("y", y.shape())));
            const Conv2dGradients<T> g = B::conv2d_backward(x, w, c.get<T>("dy", y.shape()), options);
            CHECK(equal_numbers(g.dx, c.get<T>("dx", c.shape())));
            CHECK(equal_numbers(g.dw, c.get<T>("dw", shape_of_w)));
            if (with_bias) { CHECK(equal_numbers(g.db, c.get<T>("db", {k}))); }
        }
    }
}

TEMPLATE_TEST_CASE("max_pool2d equals PyTorch's, winners too, with ties and NaN", "[ops][max_pool2d][torch]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(count_of("max_pool2d") == 40);
    std::size_t with_nan = 0;
    for (std::size_t i = 0; i < count_of("max_pool2d"); ++i) {
        const Case c("max_pool2d", i);
        INFO(c.name);
        const MaxPool2dOptions options(c.pair(4), c.pair(6), c.pair(8), c.pair(10), c.options.at(12) != 0);
        const auto x = c.get<T>("x", c.shape());
        const MaxPool2dResult<T> result = B::max_pool2d_forward(x, options);
        const Shape& shape = result.y.shape();
        CHECK(equal_or_nan(result.y, c.get<T>("y", shape)));
        CHECK(equal_numbers(result.indices, c.get<std::int32_t>("indices", shape)));
        CHECK(equal_numbers(B::max_pool2d_backward(c.get<T>("dy", shape), result.indices, x.shape()),
                            c.get<T>("dx", c.shape())));
        with_nan += std::any_of(result.y.data(), result.y.data() + result.y.size(), [](T v) { return std::isnan(v); });
    }
    CHECK(with_nan > 10);
}

TEMPLATE_TEST_CASE("avg_pool2d equals PyTorch's", "[ops][avg_pool2d][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(count_of("avg_pool2d") == 28);
    for (std::size_t i = 0; i < count_of("avg_pool2d"); ++i) {
        const Case c("avg_pool2d", i);
        INFO(c.name);
        const AvgPool2dOptions options(c.pair(4), c.pair(6), c.pair(8), c.options.at(10) != 0, c.options.at(11) != 0);
        const auto x = c.get<T>("x", c.shape());
        const Tensor<T> y = B::avg_pool2d_forward(x, options);
        CHECK(difference(y, c.get<double>("y", y.shape())) <= rounding<T>());
        CHECK(difference(B::avg_pool2d_backward(c.get<T>("dy", y.shape()), x.shape(), options),
                         c.get<double>("dx", c.shape())) <= rounding<T>());
    }
}
