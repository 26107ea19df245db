// Truths that hold whatever the numbers are: about an operation and its transpose, about a batch and its members, about
// a doubled loss. No reference values, so nothing here can be wrong in the same way as the code.

#include <cmath>
#include <numeric>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// The sum of a_i b_i, in double.
template <class T> double inner(const Tensor<T>& a, const Tensor<T>& b) {
    REQUIRE(a.shape() == b.shape());
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[i]);
    }
    return sum;
}

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

struct Convolution {
    Shape x, w;
    Conv2dOptions options;
};

std::vector<Convolution> convolutions() {
    std::vector<Convolution> all;
    for (const std::size_t n : {1, 5, 17}) {
        for (const std::size_t stride : {1, 2}) {
            for (const std::size_t padding : {0, 2}) {
                for (const std::size_t dilation : {1, 2}) {
                    for (const std::size_t groups : {1, 2}) {
                        Conv2dOptions options;
                        options.stride = {stride, 1};
                        options.padding = {padding, 1};
                        options.dilation = {1, dilation};
                        options.groups = groups;
                        all.push_back({{n, 4, 7, 8}, {6, 4 / groups, 3, 2}, options});
                    }
                }
            }
        }
    }
    return all;
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

TEMPLATE_TEST_CASE("conv2d: both backwards are the transposes of forward", "[metamorphic][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    // Forward without a bias is linear in x and in w: <conv(x, w), dy> = <x, dx> = <w, dw>. Whole numbers: exactly.
    for (const Convolution& c : convolutions()) {
        const auto x = whole_numbers<T>(c.x, 1), w = whole_numbers<T>(c.w, 2), none = zeros<T>({0});
        const Tensor<T> y = B::conv2d_forward(x, w, none, c.options);
        const auto dy = whole_numbers<T>(y.shape(), 3);
        const auto g = B::conv2d_backward(x, w, dy, c.options);
        const double sum = inner(y, dy);
        CHECK(inner(x, g.dx) == sum);
        CHECK(inner(w, g.dw) == sum);
        // The transpose of any x and any w, not only of those at which it was computed.
        const auto other = whole_numbers<T>(c.x, 4);
        CHECK(inner(B::conv2d_forward(other, w, none, c.options), dy) == inner(other, g.dx));
    }
}

TEMPLATE_TEST_CASE("linear, pooling and flatten: backward is the transpose of forward", "[metamorphic]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = whole_numbers<T>({5, 7}, 1), w = whole_numbers<T>({7, 9}, 2), dy = whole_numbers<T>({5, 9}, 3);
    const auto g = B::linear_backward(x, w, dy);
    const double sum = inner(B::linear_forward(x, w, zeros<T>({9})), dy);
    CHECK(inner(x, g.dx) == sum);
    CHECK(inner(w, g.dw) == sum);
    CHECK(inner(full<T>({9}, 1), g.db) == inner(full<T>({5, 9}, 1), dy));

    const auto image = whole_numbers<T>({3, 2, 7, 6}, 4);
    for (const AvgPool2dOptions& options : {AvgPool2dOptions(2), AvgPool2dOptions(4, 2, 2), {2, 1}}) {
        const Tensor<T> y = B::avg_pool2d_forward(image, options); // over 4 or 16 pixels: exact
        const auto d = whole_numbers<T>(y.shape(), 5);
        CHECK(inner(image, B::avg_pool2d_backward(d, image.shape(), options)) == inner(y, d));
    }
    // Max-pooling is linear as long as the winners stay, as they do for the very x.
    for (const MaxPool2dOptions& options : {MaxPool2dOptions(2), MaxPool2dOptions(3, 1, 1), {2, 1, 0, 2}}) {
        const auto result = B::max_pool2d_forward(image, options);
        const auto d = whole_numbers<T>(result.y.shape(), 6);
        CHECK(inner(image, B::max_pool2d_backward(d, result.indices, image.shape())) == inner(result.y, d));
    }
    Tensor<T> flat, back;
    B::flatten_forward(image, flat);
    const auto d = whole_numbers<T>(flat.shape(), 7);
    B::flatten_backward(d, image.shape(), back);
    CHECK(inner(image, back) == inner(flat, d));
}

TEMPLATE_TEST_CASE("cross_entropy: every row of the gradient sums to zero", "[metamorphic][softmax]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const auto& [n, k] : {std::pair<std::size_t, std::size_t>{1, 1}, {7, 10}, {64, 3}, {3, 600}}) {
        const Tensor<T> z = T(3) * normal_numbers<T>({n, k}, 1);
        Tensor<T> p;
        B::cross_entropy_forward(z, random_labels(n, k, 2), p);
        const Tensor<T> dz = B::cross_entropy_backward(p, random_labels(n, k, 2)), ds = B::softmax_backward(p, z);
        for (std::size_t row = 0; row < n; ++row) {
            double sum = 0, softmax_sum = 0;
            for (std::size_t i = 0; i < k; ++i) { sum += dz(row, i), softmax_sum += ds(row, i); }
            CHECK(std::abs(sum) <= rounding<T>() / static_cast<double>(n));
            CHECK(std::abs(softmax_sum) <= 10 * rounding<T>());
        }
    }
}

TEMPLATE_TEST_CASE("softmax: what is added to all scores of a row does not matter", "[metamorphic][softmax]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto z = whole_numbers<T>({6, 10}, 1);
    const Labels y = random_labels(6, 10, 2);
    for (const T shift : {T(1), T(-1024), T(65536)}) { // whole numbers: z + shift is exact, and so is the difference
        const Tensor<T> shifted = z + shift;
        CHECK(same_bits(B::softmax_forward(shifted), B::softmax_forward(z)));
        CHECK(B::cross_entropy_forward(shifted, y) == B::cross_entropy_forward(z, y));
    }
}

TEMPLATE_TEST_CASE("a loss twice as large has gradients exactly twice as large", "[metamorphic]", HANDGRAD_BACKENDS) {
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
    const auto s = normal_numbers<T>({5, 7}, 3), ds = normal_numbers<T>({5, 7}, 4);
    const Tensor<T> two_ds = T(2) * ds;
    CHECK(same_bits(Tensor<T>(T(2) * B::softmax_backward(s, ds)), B::softmax_backward(s, two_ds)));
    CHECK(same_bits(Tensor<T>(T(2) * B::sigmoid_backward(s, ds)), B::sigmoid_backward(s, two_ds)));
    CHECK(same_bits(Tensor<T>(T(2) * B::tanh_backward(s, ds)), B::tanh_backward(s, two_ds)));
    CHECK(same_bits(Tensor<T>(T(2) * B::l2_penalty_backward(s, 0.3)), B::l2_penalty_backward(s, 0.6)));
}

TEMPLATE_TEST_CASE("a batch's gradient is the mean of its members'", "[metamorphic]", HANDGRAD_BACKENDS) {
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
                   HANDGRAD_BACKENDS) {
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

TEMPLATE_TEST_CASE("a 1 x 1 convolution is a linear layer for each pixel", "[metamorphic][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    constexpr std::size_t n = 3, c = 4, k = 5, pixels = 6;
    const auto x = whole_numbers<T>({n, c, 2, 3}, 1), w = whole_numbers<T>({k, c, 1, 1}, 2),
               b = whole_numbers<T>({k}, 3), dy = whole_numbers<T>({n, k, 2, 3}, 4);
    Tensor<T> rows_x(Shape{n * pixels, c}), w_t(Shape{c, k}), rows_dy(Shape{n * pixels, k});
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t p = 0; p < pixels; ++p) {
            for (std::size_t j = 0; j < c; ++j) { rows_x(i * pixels + p, j) = x(i, j, p / 3, p % 3); }
            for (std::size_t j = 0; j < k; ++j) { rows_dy(i * pixels + p, j) = dy(i, j, p / 3, p % 3); }
        }
    }
    for (std::size_t i = 0; i < c; ++i) {
        for (std::size_t j = 0; j < k; ++j) { w_t(i, j) = w(j, i, 0, 0); }
    }
    const Tensor<T> y = B::conv2d_forward(x, w, b), rows_y = B::linear_forward(rows_x, w_t, b);
    const auto g = B::conv2d_backward(x, w, dy);
    const auto h = B::linear_backward(rows_x, w_t, rows_dy);
    CHECK(equal_numbers(g.db, h.db));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t p = 0; p < pixels; ++p) {
            for (std::size_t j = 0; j < k; ++j) { CHECK(y(i, j, p / 3, p % 3) == rows_y(i * pixels + p, j)); }
            for (std::size_t j = 0; j < c; ++j) { CHECK(g.dx(i, j, p / 3, p % 3) == h.dx(i * pixels + p, j)); }
        }
    }
    for (std::size_t i = 0; i < c; ++i) {
        for (std::size_t j = 0; j < k; ++j) { CHECK(g.dw(j, i, 0, 0) == h.dw(i, j)); }
    }
}

TEMPLATE_TEST_CASE("who knows nothing loses log K", "[metamorphic]", HANDGRAD_BACKENDS) {
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

TEMPLATE_TEST_CASE("relu(x) - relu(-x) is x, and so are their gradients'", "[metamorphic]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = numbers_off_zero<T>({11, 13}, 1), dy = normal_numbers<T>({11, 13}, 2);
    const Tensor<T> minus_x = -x;
    CHECK(equal_numbers(Tensor<T>(B::relu_forward(x) - B::relu_forward(minus_x)), x));
    CHECK(equal_numbers(Tensor<T>(B::relu_backward(x, dy) + B::relu_backward(minus_x, dy)), dy));
    // tanh is odd, and the sigmoid is a tanh: s(x) = (1 + tanh(x / 2)) / 2.
    const Tensor<T> half = T(0.5) * x, tanh = B::tanh_forward(half), minus = B::tanh_forward(Tensor<T>(-half));
    CHECK(equal_numbers(Tensor<T>(-minus), tanh));
    CHECK(difference(B::sigmoid_forward(x), Tensor<T>(T(0.5) + T(0.5) * tanh)) <= rounding<T>());
}
