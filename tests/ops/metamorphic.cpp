// Truths that hold whatever the numbers are: about a batch and its members, about a doubled loss. No reference values, so
// nothing here can be wrong in the same way as the code. Those about one operation stand in its file.

#include <cmath>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "ops/chains.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// The rows (or images) of x in this order.
template <class T> Tensor<T> rows(const Tensor<T>& x, const std::vector<std::size_t>& order) {
    Shape shape = x.shape();
    const std::size_t row = shape[0] == 0 ? 0 : x.size() / shape[0];
    shape[0] = order.size();
    Tensor<T> result(shape);
    for (std::size_t n = 0; n < order.size(); ++n) {
        std::copy_n(x.data() + order[n] * row, row, result.data() + n * row);
    }
    return result;
}

/// A small network with every kind of layer, the loss of a batch, and the gradients.
template <class B> struct Net {
    using T = typename B::Scalar;
    nn::Sequential<B> net;
    nn::CrossEntropyLoss<B> criterion;
    Tensor<T> dx; ///< of the last batch

    Net() {
        Random random(7);
        net.template add<nn::Conv2d<B>>(2, 3, 3, random);
        net.template add<nn::ReLU<B>>();
        net.template add<nn::MaxPool2d<B>>(2);
        net.template add<nn::Flatten<B>>();
        net.template add<nn::Linear<B>>(12, 5, random);
        net.template add<nn::Tanh<B>>();
        net.template add<nn::Linear<B>>(5, 4, random);
    }
    /// The gradients of the loss, scaled; the parameters' one after another.
    std::vector<Tensor<T>> gradients(const Tensor<T>& x, const Labels& y, T scale = 1) {
        net.zero_grad();
        criterion.forward(net(x), y);
        Tensor<T> dz = criterion.backward();
        dz *= scale;
        dx = net.backward(dz);
        std::vector<Tensor<T>> all;
        for (const auto* p : net.parameters()) { all.push_back(p->grad); }
        return all;
    }
};

} // namespace

TEMPLATE_TEST_CASE("a loss twice as large has gradients exactly twice as large", "[metamorphic]",
                   HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Net<B> net;
    const auto x = normal_numbers<T>({6, 2, 6, 6}, 1);
    const Labels y = random_labels(6, 4, 2);
    const auto once = net.gradients(x, y);
    const Tensor<T> dx = net.dx;
    const auto twice = net.gradients(x, y, 2);
    REQUIRE(once.size() == 6);
    for (std::size_t i = 0; i < once.size(); ++i) {
        CHECK(difference(once[i], zeros<T>(once[i].shape())) > 0); // not all zero
        CHECK(same_bits(Tensor<T>(T(2) * once[i]), twice[i]));
    }
    CHECK(same_bits(Tensor<T>(T(2) * dx), net.dx));
}

TEMPLATE_TEST_CASE("a batch's gradient is the mean of its members'", "[metamorphic]", HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    constexpr std::size_t n = 7;
    Net<B> net;
    const auto x = normal_numbers<T>({n, 2, 6, 6}, 1);
    const Labels y = random_labels(n, 4, 2);
    const auto batch = net.gradients(x, y);
    const Tensor<T> dx = net.dx;
    std::vector<Tensor<double>> mean;
    for (const auto& g : batch) { mean.push_back(zeros<double>(g.shape())); }
    for (std::size_t i = 0; i < n; ++i) {
        const auto one = net.gradients(rows(x, {i}), rows(y, {i}));
        for (std::size_t j = 0; j < one.size(); ++j) { mean[j] += to<double>(one[j]) / static_cast<double>(n); }
        CHECK(difference(rows(dx, {i}), Tensor<double>(to<double>(net.dx) / static_cast<double>(n))) <= rounding<T>());
    }
    for (std::size_t j = 0; j < batch.size(); ++j) { CHECK(difference(batch[j], mean[j]) <= rounding<T>()); }
}

TEMPLATE_TEST_CASE("a batch in another order has the same loss, and gradients in that order", "[metamorphic]",
                   HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const std::vector<std::size_t> order{3, 0, 6, 5, 1, 4, 2};
    Net<B> net;
    const auto x = normal_numbers<T>({7, 2, 6, 6}, 1);
    const Labels y = random_labels(7, 4, 2);
    const auto before = net.gradients(x, y);
    const double loss = static_cast<double>(net.criterion.item());
    const Tensor<T> dx = net.dx;
    const auto after = net.gradients(rows(x, order), rows(y, order));
    CHECK(std::abs(static_cast<double>(net.criterion.item()) - loss) <= rounding<T>() * loss);
    CHECK(difference(net.dx, rows(dx, order)) <= rounding<T>());
    for (std::size_t j = 0; j < before.size(); ++j) { CHECK(difference(after[j], before[j]) <= rounding<T>()); }
}

TEMPLATE_TEST_CASE("who knows nothing loses log K", "[metamorphic]", HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Random random(1);
    nn::Linear<B> layer(784, 10, random);
    nn::CrossEntropyLoss<B> criterion;
    const auto x = normal_numbers<T>({64, 784}, 1);
    const Labels y = random_labels(64, 10, 2);
    layer.weight.value.fill(0);
    layer.bias.value.fill(0);
    CHECK(std::abs(static_cast<double>(criterion.forward(layer(x), y)) - std::log(10.0)) <= rounding<T>());
    // And a network fresh from its initialisation knows next to nothing.
    nn::Linear<B> fresh(784, 10, random);
    const Tensor<T> small = T(0.1) * x;
    CHECK(std::abs(static_cast<double>(criterion.forward(fresh(small), y)) - std::log(10.0)) < 0.1);
}

HANDGRAD_TEST_ON_BACKENDS("a 1 x 1 convolution is a linear layer for each pixel", "[metamorphic][conv2d]") {
    constexpr std::size_t n = 3, c = 4, k = 5, pixels = 6;
    const auto x = whole_numbers<double>({n, c, 2, 3}, 1), w = whole_numbers<double>({k, c, 1, 1}, 2),
               b = whole_numbers<double>({k}, 3), dy = whole_numbers<double>({n, k, 2, 3}, 4);
    Tensor<double> rows_x(Shape{n * pixels, c}), w_t(Shape{c, k}), rows_dy(Shape{n * pixels, k});
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t p = 0; p < pixels; ++p) {
            for (std::size_t j = 0; j < c; ++j) { rows_x(i * pixels + p, j) = x(i, j, p / 3, p % 3); }
            for (std::size_t j = 0; j < k; ++j) { rows_dy(i * pixels + p, j) = dy(i, j, p / 3, p % 3); }
        }
    }
    for (std::size_t i = 0; i < c; ++i) {
        for (std::size_t j = 0; j < k; ++j) { w_t(i, j) = w(j, i, 0, 0); }
    }
    Values g = conv2d()(on, {{"x", x}, {"w", w}, {"b", b}, {"dy", dy}});
    Values h = chain_of("linear")(on, {{"x", rows_x}, {"w", w_t}, {"b", b}, {"dy", rows_dy}});
    CHECK(equal_numbers(g["db"], h["db"]));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t p = 0; p < pixels; ++p) {
            for (std::size_t j = 0; j < k; ++j) { CHECK(g["y"](i, j, p / 3, p % 3) == h["y"](i * pixels + p, j)); }
            for (std::size_t j = 0; j < c; ++j) { CHECK(g["dx"](i, j, p / 3, p % 3) == h["dx"](i * pixels + p, j)); }
        }
    }
    for (std::size_t i = 0; i < c; ++i) {
        for (std::size_t j = 0; j < k; ++j) { CHECK(g["dw"](j, i, 0, 0) == h["dw"](i, j)); }
    }
}
