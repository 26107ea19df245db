// The gradient of every operation, every entry, on every backend.
//
// The operation's result is made a number by a random upstream gradient: the gradient of sum(y_i dy_i) is what the
// backward operation must return for dy.

#include "support/gradients.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"

using namespace handgrad;
using namespace support;
using check::cast_like;
using check::weighted_sum;

TEMPLATE_TEST_CASE("gradients of linear", "[gradients]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    struct Size {
        std::size_t n, in, out;
    };
    for (const Size s : {Size{3, 4, 5}, {5, 10, 12}, {4, 9, 3}, {2, 3, 17}, {7, 18, 8}, {1, 1, 1}}) {
        INFO("N " << s.n << ", D_in " << s.in << ", D_out " << s.out);
        const auto x = normal_numbers<double>({s.n, s.in}, 1), w = normal_numbers<double>({s.in, s.out}, 2),
                   b = normal_numbers<double>({s.out}, 3), dy = normal_numbers<double>({s.n, s.out}, 4);
        const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
            return weighted_sum(reference::linear_forward(x_, w_, b_), dy);
        };
        const Numeric dx(
            "dx", [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); }, x);
        const Numeric dw(
            "dw", [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); }, w);
        const Numeric db(
            "db", [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); }, b);
        const Tensor<T> xt = to<T>(x), wt = to<T>(w), dyt = to<T>(dy);
        const auto g = B::linear_backward(xt, wt, dyt);
        dx.prove(g.dx);
        dw.prove(g.dw);
        db.prove(g.db);
        if (s.n == 1) { continue; }
        Tensor<T> without_last = dyt;
        for (std::size_t k = 0; k < s.out; ++k) { without_last(s.n - 1, k) = 0; }
        const auto incomplete = B::linear_backward(xt, wt, without_last);
        dw.refuse("a sample was forgotten", incomplete.dw);
        db.refuse("a sample was forgotten", incomplete.db);
        dx.refuse("a row was forgotten", incomplete.dx);
        const Tensor<T> mean = g.db / static_cast<T>(s.n);
        db.refuse("it is the mean over the batch", mean);
        Tensor<T> transposed = g.dw;
        transposed.reshape({s.out, s.in});
        dw.refuse("it is transposed", transposed);
    }
}

TEMPLATE_TEST_CASE("gradients of the activations", "[gradients]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 4}, Shape{40}}) {
        INFO(to_string(shape));
        const auto x = numbers_off_zero<double>(shape, 1), dy = normal_numbers<double>(shape, 2);
        const Tensor<T> xt = to<T>(x), dyt = to<T>(dy);
        const T one(1);

        const Numeric relu(
            "drelu", [&](const auto& v) { return weighted_sum(reference::relu_forward(v), dy); }, x);
        relu.prove(B::relu_backward(xt, dyt));
        relu.refuse("it passes everywhere", dyt);
        const Tensor<T> negated = -xt;
        relu.refuse("it passes where x < 0", B::relu_backward(negated, dyt));

        const Numeric sigmoid(
            "dsigmoid", [&](const auto& v) { return weighted_sum(reference::sigmoid_forward(v), dy); }, x);
        const Tensor<T> s = B::sigmoid_forward(xt);
        sigmoid.prove(B::sigmoid_backward(s, dyt));
        const Tensor<T> without_y = dyt * (one - s);
        sigmoid.refuse("y is missing", without_y);
        sigmoid.refuse("x was taken for y", B::sigmoid_backward(xt, dyt));

        const Numeric tanh(
            "dtanh", [&](const auto& v) { return weighted_sum(reference::tanh_forward(v), dy); }, x);
        const Tensor<T> t = B::tanh_forward(xt);
        tanh.prove(B::tanh_backward(t, dyt));
        const Tensor<T> not_squared = dyt * (one - t);
        tanh.refuse("y is not squared", not_squared);
        tanh.refuse("x was taken for y", B::tanh_backward(xt, dyt));
    }
}

TEMPLATE_TEST_CASE("gradients of softmax and cross-entropy", "[gradients]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    struct Size {
        std::size_t n, k;
    };
    for (const Size size : {Size{3, 5}, {7, 3}, {4, 20}}) {
        INFO("N " << size.n << ", K " << size.k);
        const Shape shape{size.n, size.k};
        const auto z = normal_numbers<double>(shape, 1), dp = normal_numbers<double>(shape, 2);
        const Labels y = random_labels(size.n, size.k, 3);
        const Tensor<T> zt = to<T>(z), dpt = to<T>(dp);
        const Tensor<T> p = B::softmax_forward(zt);

        const Numeric softmax(
            "dz", [&](const auto& v) { return weighted_sum(reference::softmax_forward(v), dp); }, z);
        softmax.prove(B::softmax_backward(p, dpt));
        const Tensor<T> diagonal = dpt * p * (T(1) - p);
        softmax.refuse("only the diagonal of the Jacobian was taken", diagonal);

        const Numeric loss(
            "dz", [&](const auto& v) { return reference::cross_entropy_forward(v, y); }, z);
        const Tensor<T> dz = B::cross_entropy_backward(p, y);
        loss.prove(dz);
        const Tensor<T> summed = dz * static_cast<T>(size.n);
        loss.refuse("it is not divided by N", summed);
        const Tensor<T> no_label = p / static_cast<T>(size.n);
        loss.refuse("the label is not subtracted", no_label);
        Labels shifted = y;
        for (auto& label : shifted.storage()) { label = (label + 1) % static_cast<std::int64_t>(size.k); }
        loss.refuse("the labels are off by one", B::cross_entropy_backward(p, shifted));
    }
}

TEMPLATE_TEST_CASE("gradients of flatten and the L2 penalty", "[gradients]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Shape shape{2, 3, 4, 5};
    const auto x = normal_numbers<double>(shape, 1), dy = normal_numbers<double>({2, 60}, 2);
    const Numeric flatten(
        "dx",
        [&](const auto& v) {
            std::decay_t<decltype(v)> y;
            reference::flatten_forward(v, y);
            return weighted_sum(y, dy);
        },
        x);
    const Tensor<T> dyt = to<T>(dy);
    Tensor<T> dx;
    B::flatten_backward(dyt, shape, dx);
    flatten.prove(dx);
    std::reverse(dx.storage().begin(), dx.storage().end());
    flatten.refuse("its entries are in another order", dx);

    const double lambda = 0.375;
    const auto w = normal_numbers<double>({4, 5}, 3);
    const Numeric l2(
        "dw", [&](const auto& v) { return reference::l2_penalty_forward(v, lambda); }, w);
    const Tensor<T> wt = to<T>(w);
    l2.prove(B::l2_penalty_backward(wt, lambda));
    l2.refuse("the half was forgotten", B::l2_penalty_backward(wt, 2 * lambda));
}
