// The gradients of whole networks, every parameter and the input: the modules run once forward and backward in real
// numbers, and many times forward in complex ones.

#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/gradients.hpp"

using namespace handgrad;
using namespace support;

namespace {

constexpr double weight_penalty = 0.0625;

/// Flatten, Linear, activation, Linear, activation, Linear; cross-entropy and an L2 penalty on the weights.
template <class B, template <class> class Activation> struct Network {
    using T = typename B::Scalar;
    nn::Sequential<B> body;
    nn::CrossEntropyLoss<B> criterion;
    std::vector<nn::Parameter<B>*> parameters;

    Network() {
        Random random(5);
        body.template add<nn::Flatten<B>>();
        body.template add<nn::Linear<B>>(4, 6, random);
        body.template add<Activation<B>>();
        body.template add<nn::Linear<B>>(6, 5, random);
        body.template add<Activation<B>>();
        body.template add<nn::Linear<B>>(5, 3, random);
        parameters = body.parameters();
    }

    void load(const std::vector<Tensor<double>>& values) {
        for (std::size_t i = 0; i < values.size(); ++i) { parameters[i]->value = check::cast<T>(values[i]); }
    }

    T forward(const Tensor<T>& x, const Labels& y) {
        T loss = criterion.forward(body(x), y);
        for (const auto* p : parameters) {
            if (p->value.dimension() == 2) { loss += B::l2_penalty_forward(p->value, weight_penalty); }
        }
        return loss;
    }

    Tensor<T> backward() {
        const Tensor<T> dx = body.backward(criterion.backward());
        for (auto* p : parameters) {
            if (p->value.dimension() == 2) {
                B::l2_penalty_backward(p->value, weight_penalty, p->grad, Accumulate::yes);
            }
        }
        return dx;
    }
};

/// Where the gradients are taken: input, labels, parameters.
struct Point {
    Tensor<double> x = normal_numbers<double>({7, 1, 2, 2}, 11);
    Labels y = random_labels(7, 3, 12);
    std::vector<Tensor<double>> parameters;
};

/// The loss as a function of one tensor of a Point, for any scalar.
template <template <class> class Activation> struct Loss {
    const Point& point;
    std::size_t which; ///< a parameter's number, or their count for x

    template <class S> S operator()(const Tensor<S>& changed) const {
        Network<Reference<S>, Activation> network;
        network.load(point.parameters);
        if (which < point.parameters.size()) { network.parameters[which]->value = changed; }
        const Tensor<S> x = which < point.parameters.size() ? check::cast<S>(point.x) : changed;
        return network.forward(x, point.y);
    }
};

/// Minus the middle of the widest gap between the sorted entries of column k of z: a bias with which nothing in the
/// column is near zero, and there is something on both sides of it.
double bias_off_kinks(const Tensor<double>& z, std::size_t k) {
    std::vector<double> column;
    for (std::size_t n = 0; n < z.shape(0); ++n) { column.push_back(z(n, k)); }
    std::sort(column.begin(), column.end());
    double widest = 0, middle = 0;
    for (std::size_t n = 1; n < column.size(); ++n) {
        const double gap = column[n] - column[n - 1];
        if (gap > widest) {
            widest = gap;
            middle = (column[n] + column[n - 1]) / 2;
        }
    }
    REQUIRE(widest > 0.02);
    return static_cast<float>(-middle);
}

/// Random parameters, all of them float's, with biases that keep every pre-activation off zero.
template <template <class> class Activation> Point make_point() {
    Point point;
    Network<Reference<double>, Activation> network;
    for (auto* p : network.parameters) {
        for (double& v : p->value.storage()) { v = static_cast<float>(2 * v); }
    }
    Tensor<double> o = point.x;
    o.reshape({7, 4});
    for (const std::size_t layer : {0, 1}) {
        const Tensor<double>& w = network.parameters[2 * layer]->value;
        Tensor<double>& b = network.parameters[2 * layer + 1]->value;
        const auto z = reference::linear_forward(o, w, zeros<double>(b.shape()));
        for (std::size_t k = 0; k < b.size(); ++k) { b(k) = bias_off_kinks(z, k); }
        const auto shifted = reference::linear_forward(o, w, b);
        Activation<Reference<double>> activation;
        o = activation(shifted);
    }
    for (const auto* p : network.parameters) { point.parameters.push_back(p->value); }
    return point;
}

template <class B, template <class> class Activation> void prove_all() {
    using T = typename B::Scalar;
    const Point point = make_point<Activation>();
    Network<B, Activation> network;
    network.load(point.parameters);
    const Tensor<T> x = to<T>(point.x);
    network.forward(x, point.y);
    const Tensor<T> dx = network.backward();

    const std::size_t count = point.parameters.size();
    REQUIRE(count == 6);
    for (std::size_t i = 0; i < count; ++i) {
        const auto name = network.body.named_parameters()[i].first;
        const Numeric numeric("d" + name, Loss<Activation>{point, i}, point.parameters[i]);
        const Tensor<T> gradient = network.parameters[i]->grad;
        numeric.prove(gradient);
        if (gradient.dimension() == 2) {
            const Tensor<T> no_penalty = gradient - static_cast<T>(weight_penalty) * network.parameters[i]->value;
            numeric.refuse("the penalty was forgotten", no_penalty);
        }
    }
    Numeric("dx", Loss<Activation>{point, count}, point.x).prove(dx);

    // The same again with gradients that nobody set to zero.
    network.forward(x, point.y);
    network.backward();
    Numeric("dbias", Loss<Activation>{point, 5}, point.parameters[5])
        .refuse("zero_grad was forgotten", network.parameters[5]->grad);
}

} // namespace

TEMPLATE_TEST_CASE("gradients of a network with ReLU", "[gradients]", HANDGRAD_BACKENDS) {
    prove_all<TestType, nn::ReLU>();
}

TEMPLATE_TEST_CASE("gradients of a network with Sigmoid", "[gradients]", HANDGRAD_BACKENDS) {
    prove_all<TestType, nn::Sigmoid>();
}

TEMPLATE_TEST_CASE("gradients of a network with Tanh", "[gradients]", HANDGRAD_BACKENDS) {
    prove_all<TestType, nn::Tanh>();
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

/// Calls f(B()) for each backend: numeric gradients are found once for all of them.
template <class... Backends, class F> void on_each(const F& f) { (f(Backends()), ...); }

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
        const Tensor<S> at = which < values.size() ? check::cast_like(changed, x) : changed;
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
