// The gradients of the operations on images and of a small convolutional network, every entry, on every backend.

#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/gradients.hpp"
#include "support/options.hpp"

using namespace handgrad;
using namespace support;
using check::cast_like;
using check::weighted_sum;

namespace {

/// Calls f(B()) for each backend: numeric gradients are found once for all of them.
template <class... Backends, class F> void on_each(const F& f) { (f(Backends()), ...); }

/// All different, so that no window's maximum is near another pixel: shuffled multiples of 0.05, float's.
Tensor<double> numbers_apart(const Shape& shape, std::uint64_t seed) {
    Tensor<double> t(shape);
    for (std::size_t i = 0; i < t.size(); ++i) {
        t.data()[i] = static_cast<float>(0.05 * (static_cast<double>(i) - static_cast<double>(t.size()) / 2));
    }
    Random random(seed, 4);
    for (std::size_t i = t.size(); i > 1; --i) { std::swap(t.data()[i - 1], t.data()[random.below(i)]); }
    return t;
}

/// A kernel, its stride, padding and dilation.
struct Window {
    Size2d kernel, stride, padding, dilation;
};

std::string to_text(const Shape& x, const Window& w) {
    return "x " + to_string(x) + ", kernel " + to_string(w.kernel) + ", stride " + to_string(w.stride) + ", padding " +
           to_string(w.padding) + ", dilation " + to_string(w.dilation);
}

/// Every batch and number of channels, each with every window. High images and wide ones.
template <std::size_t Count, class F> void for_each_case(const Window (&windows)[Count], const F& f) {
    std::size_t number = 0;
    for (const std::size_t n : {1, 2, 3, 7}) {
        for (const std::size_t c : {1, 2, 3}) {
            for (std::size_t i = 0; i < Count; ++i, ++number) {
                f(number % 2 ? Shape{n, c, 5, 4} : Shape{n, c, 4, 7}, windows[i], number);
            }
        }
    }
}

} // namespace

TEST_CASE("gradients of conv2d", "[gradients]") {
    const Window windows[] = {
        {{3, 2}, 1, 0, 1}, {{2, 3}, 1, 1, 1}, {3, 2, 1, 1}, {2, {1, 2}, {2, 0}, {2, 1}}, {1, {2, 3}, 0, 1}};
    for_each_case(windows, [](const Shape& shape, const Window& window, std::size_t number) {
        const std::size_t c = shape[1], groups = number % 3 == 0 ? c : 1, k = groups == 1 ? 2 : 2 * c;
        Conv2dOptions options;
        options.stride = window.stride;
        options.padding = window.padding;
        options.dilation = window.dilation;
        options.groups = groups;
        INFO(to_text(shape, window) << ", groups " << groups);
        const auto x = normal_numbers<double>(shape, 1), b = normal_numbers<double>({k}, 3),
                   w = normal_numbers<double>({k, c / groups, window.kernel.h, window.kernel.w}, 2);
        const auto dy = normal_numbers<double>(reference::conv2d_forward(x, w, b, options).shape(), 4);
        const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
            return weighted_sum(reference::conv2d_forward(x_, w_, b_, options), dy);
        };
        const Numeric dx(
            "dx", [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); }, x);
        const Numeric dw(
            "dw", [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); }, w);
        const Numeric db(
            "db", [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); }, b);
        on_each<HANDGRAD_BACKENDS>([&](auto backend) {
            using B = decltype(backend);
            using T = typename B::Scalar;
            const Tensor<T> xt = to<T>(x), wt = to<T>(w);
            Tensor<T> dyt = to<T>(dy);
            for (const ConvAlgorithm algorithm : conv_algorithms) {
                options.algorithm = algorithm;
                const auto g = B::conv2d_backward(xt, wt, dyt, options);
                dx.prove(g.dx);
                dw.prove(g.dw);
                db.prove(g.db);
            }
            if (shape[0] > 1) {
                std::fill_n(dyt.data() + dyt.size() - dyt.size() / shape[0], dyt.size() / shape[0], T(0));
                const auto incomplete = B::conv2d_backward(xt, wt, dyt, options);
                dx.refuse("an image was forgotten", incomplete.dx);
                dw.refuse("an image was forgotten", incomplete.dw);
                db.refuse("an image was forgotten", incomplete.db);
            }
            if (window.kernel != Size2d(1)) {
                Tensor<T> flipped = wt;
                const std::size_t area = window.kernel.h * window.kernel.w;
                for (std::size_t i = 0; i < wt.size(); i += area) {
                    std::reverse(flipped.data() + i, flipped.data() + i + area);
                }
                dyt = to<T>(dy);
                dx.refuse("the kernel was flipped", B::conv2d_backward(xt, flipped, dyt, options).dx);
            }
        });
    });
}

TEST_CASE("gradients of max_pool2d and avg_pool2d", "[gradients]") {
    const Window windows[] = {{2, 2, 0, 1}, {{3, 2}, 1, {1, 0}, 1}, {2, 1, 1, {2, 1}}, {{2, 3}, {3, 1}, {0, 1}, 1}};
    for_each_case(windows, [](const Shape& shape, const Window& window, std::size_t number) {
        INFO(to_text(shape, window));
        const bool ceil_mode = number % 3 == 0, include_pad = number % 2 == 0;
        const MaxPool2dOptions max(window.kernel, window.stride, window.padding, window.dilation, ceil_mode);
        const AvgPool2dOptions avg(window.kernel, window.stride, window.padding, ceil_mode, include_pad);
        const auto x = numbers_apart(shape, 1);
        const auto dy_max = normal_numbers<double>(reference::max_pool2d_forward(x, max).y.shape(), 2);
        const auto dy_avg = normal_numbers<double>(reference::avg_pool2d_forward(x, avg).shape(), 3);
        const Numeric dx_max(
            "dx", [&](const auto& v) { return weighted_sum(reference::max_pool2d_forward(v, max).y, dy_max); }, x);
        const Numeric dx_avg(
            "dx", [&](const auto& v) { return weighted_sum(reference::avg_pool2d_forward(v, avg), dy_avg); }, x);
        on_each<HANDGRAD_BACKENDS>([&](auto backend) {
            using B = decltype(backend);
            using T = typename B::Scalar;
            const Tensor<T> xt = to<T>(x), dy = to<T>(dy_max);
            const auto result = B::max_pool2d_forward(xt, max);
            const Tensor<T> dx = B::max_pool2d_backward(dy, result.indices, shape);
            dx_max.prove(dx);
            Indices shifted = result.indices;
            const auto pixels = static_cast<std::int32_t>(shape[2] * shape[3]);
            for (auto& index : shifted.storage()) { index = (index + 1) % pixels; }
            dx_max.refuse("the winners are off by one", B::max_pool2d_backward(dy, shifted, shape));
            const Tensor<T> dx_of_avg = B::avg_pool2d_backward(to<T>(dy_avg), shape, avg);
            dx_avg.prove(dx_of_avg);
            const Tensor<T> summed = dx_of_avg * static_cast<T>(window.kernel.h * window.kernel.w);
            dx_avg.refuse("it is not divided by the window's size", summed);
            const Tensor<T> last = T(0.5) * dx;
            dx_max.refuse("it is half of it", last);
        });
    });
}

TEST_CASE("a tie in max_pool2d is a kink, and is found", "[gradients]") {
    auto x = numbers_apart({1, 1, 4, 4}, 1);
    x(0, 0, 1, 1) = x(0, 0, 0, 0) = 7;
    const auto found = check::central_difference(
        [&](const auto& v) {
            return weighted_sum(reference::max_pool2d_forward(v, Size2d(2)).y, full<double>({1, 1, 2, 2}, 1.0));
        },
        x);
    REQUIRE(found.kinks.size() == 2);
    CHECK(found.kinks[0].entry == 0);
    CHECK(found.kinks[1].entry == 5);
}

namespace {

/// Two blocks of convolution, ReLU and max-pooling, and a linear layer; cross-entropy.
template <class B> struct CheckedCnn {
    using T = typename B::Scalar;
    nn::Sequential<B> body;
    nn::CrossEntropyLoss<B> criterion;
    std::vector<nn::Parameter<B>*> parameters;

    explicit CheckedCnn(const std::vector<Tensor<double>>& values = {}) {
        Random random(5);
        Conv2dOptions padded;
        padded.padding = 1;
        body.template add<nn::Conv2d<B>>(1, 2, Size2d(3, 2), random);
        body.template add<nn::ReLU<B>>();
        body.template add<nn::MaxPool2d<B>>(2);
        body.template add<nn::Conv2d<B>>(2, 3, Size2d(2), random, padded);
        body.template add<nn::ReLU<B>>();
        body.template add<nn::MaxPool2d<B>>(2);
        body.template add<nn::Flatten<B>>();
        body.template add<nn::Linear<B>>(12, 4, random);
        parameters = body.parameters();
        for (std::size_t i = 0; i < values.size(); ++i) { parameters[i]->value = check::cast<T>(values[i]); }
    }
};

} // namespace

TEST_CASE("gradients of a convolutional network, every parameter and the input", "[gradients]") {
    const auto x = normal_numbers<double>({3, 1, 9, 8}, 11);
    const Labels y = random_labels(3, 4, 12);
    std::vector<Tensor<double>> values;
    for (const auto* p : CheckedCnn<Reference<double>>().parameters) {
        Tensor<double> value = p->value;
        for (double& v : value.storage()) { v = static_cast<float>(2 * v); } // what float can hold
        values.push_back(value);
    }
    REQUIRE(values.size() == 6);
    const auto loss = [&](std::size_t which, const auto& changed) {
        using S = typename std::decay_t<decltype(changed)>::value_type;
        CheckedCnn<Reference<S>> network(values);
        if (which < values.size()) { network.parameters[which]->value = changed; }
        const Tensor<S> at = which < values.size() ? cast_like(changed, x) : changed;
        return network.criterion.forward(network.body(at), y);
    };
    std::vector<Numeric> numeric;
    const auto names = CheckedCnn<Reference<double>>().body.named_parameters();
    for (std::size_t i = 0; i <= values.size(); ++i) {
        numeric.emplace_back(
            "d" + (i < values.size() ? names[i].first : "x"), [&](const auto& v) { return loss(i, v); },
            i < values.size() ? values[i] : x);
    }
    on_each<HANDGRAD_BACKENDS>([&](auto backend) {
        using B = decltype(backend);
        using T = typename B::Scalar;
        CheckedCnn<B> network(values);
        const Tensor<T> xt = to<T>(x);
        network.criterion.forward(network.body(xt), y);
        const Tensor<T> dx = network.body.backward(network.criterion.backward());
        for (std::size_t i = 0; i < values.size(); ++i) { numeric[i].prove(network.parameters[i]->grad); }
        numeric.back().prove(dx);

        // The same again with gradients that nobody set to zero.
        network.criterion.forward(network.body(xt), y);
        network.body.backward(network.criterion.backward());
        numeric[0].refuse("zero_grad was forgotten", network.parameters[0]->grad);
    });
}
