// Results that share memory with an argument: refused where they would be wrong, right where ops/aliasing.hpp
// allows them. On the backends themselves, as support/on_device.hpp copies every argument.

#include <functional>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/algorithm.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

#define HANDGRAD_BARE_BACKENDS                                                                                         \
    Reference<float>, Reference<double>, Cpu<float>, Cpu<double>, Device<float>, Device<double>

namespace {

/// A call of an operation: its tensors by their names, of which those from number `first_result` on are written to.
template <class B> struct AliasedCall {
    using T = typename B::Scalar;
    using Tensors = std::vector<typename B::Tensor*>;

    std::string operation;
    std::vector<std::string> names;
    std::vector<Tensor<T>> values;
    std::size_t first_result;
    std::function<void(const Tensors&)> run;

    std::vector<typename B::Tensor> tensors() const {
        std::vector<typename B::Tensor> all;
        for (const Tensor<T>& value : values) { all.push_back(B::from_host(value)); }
        return all;
    }

    /// The call with the tensor `other` passed for `result` as well. Demands that it is refused and changes nothing.
    void refuses(std::size_t result, std::size_t other) const {
        auto all = tensors();
        Tensors passed;
        for (auto& tensor : all) { passed.push_back(&tensor); }
        passed[result] = passed[other];
        const std::size_t first = std::min(result, other) >= first_result ? std::min(result, other) : result;
        const std::size_t second = first == result ? other : result;
        CHECK(message_of<AliasError>([&] { run(passed); }) == operation + ": " + names[first] + " shares memory with " +
                                                                  names[second] + ", expected a tensor of its own");
        for (std::size_t i = 0; i < all.size(); ++i) { CHECK(same_bits(Tensor<T>(B::to_host(all[i])), values[i])); }
    }

    /// The call with all tensors apart.
    void runs() const {
        auto all = tensors();
        Tensors passed;
        for (auto& tensor : all) { passed.push_back(&tensor); }
        CHECK_NOTHROW(run(passed));
    }
};

/// Every operation whose result may not be an argument. All shapes fit, whatever is passed twice.
template <class B> std::vector<AliasedCall<B>> refused_calls() {
    using T = typename B::Scalar;
    using Tensors = typename AliasedCall<B>::Tensors;
    const auto t = [](const Shape& shape, std::uint64_t seed) { return normal_numbers<T>(shape, seed); };
    const Tensor<T> m = t({3, 3}, 1), square = t({3, 3}, 2), row = t({3}, 3), out = t({3, 3}, 4);
    const Tensor<T> x = t({2, 2, 4, 4}, 5), w = t({2, 2, 3, 3}, 6), b = t({2}, 7), y = t({2, 2, 4, 4}, 8);
    const Shape shape_of_x = x.shape(), shape_of_w = w.shape();
    Conv2dOptions same; // as large a result as x
    same.padding = 1;
    const auto once = MaxPool2dOptions(1);
    const auto labels_of_m = std::make_shared<typename B::Labels>(B::from_host(labels({0, 2, 1})));
    const auto indices = std::make_shared<typename B::Indices>();
    typename B::Tensor pooled;
    B::max_pool2d_forward(B::from_host(x), once, pooled, *indices);
    typename B::Tensor fused_y, fused_winners;
    B::conv2d_relu_max_pool2d_forward(B::from_host(x), B::from_host(w), B::from_host(b), same, fused_y, fused_winners);
    const Tensor<T> winners = B::to_host(fused_winners), dy = t(fused_y.shape(), 9);

    std::vector<AliasedCall<B>> calls{
        {"linear_forward",
         {"x", "w", "b", "y"},
         {m, square, row, out},
         3,
         [](const Tensors& a) { B::linear_forward(*a[0], *a[1], *a[2], *a[3]); }},
        {"linear_backward_input",
         {"dy", "w", "dx"},
         {m, square, out},
         2,
         [](const Tensors& a) { B::linear_backward_input(*a[0], *a[1], *a[2]); }},
        {"conv2d_forward",
         {"x", "w", "b", "y"},
         {x, w, b, y},
         3,
         [=](const Tensors& a) { B::conv2d_forward(*a[0], *a[1], *a[2], same, *a[3]); }},
        {"conv2d_backward_input",
         {"dy", "w", "dx"},
         {x, w, y},
         2,
         [=](const Tensors& a) { B::conv2d_backward_input(*a[0], *a[1], shape_of_x, same, *a[2]); }},
        {"max_pool2d_forward",
         {"x", "y"},
         {x, y},
         1,
         [=](const Tensors& a) { B::max_pool2d_forward(*a[0], once, *a[1], *indices); }},
        {"max_pool2d_backward",
         {"dy", "dx"},
         {x, y},
         1,
         [=](const Tensors& a) { B::max_pool2d_backward(*a[0], *indices, shape_of_x, *a[1]); }},
        {"avg_pool2d_forward",
         {"x", "y"},
         {x, y},
         1,
         [=](const Tensors& a) { B::avg_pool2d_forward(*a[0], AvgPool2dOptions(1), *a[1]); }},
        {"avg_pool2d_backward",
         {"dy", "dx"},
         {x, y},
         1,
         [=](const Tensors& a) { B::avg_pool2d_backward(*a[0], shape_of_x, AvgPool2dOptions(1), *a[1]); }},
        {"conv2d_relu_max_pool2d_forward",
         {"x", "w", "b", "y", "winners"},
         {x, w, b, y, y},
         3,
         [=](const Tensors& a) { B::conv2d_relu_max_pool2d_forward(*a[0], *a[1], *a[2], same, *a[3], *a[4]); }},
        {"conv2d_relu_max_pool2d_backward_input",
         {"dy", "winners", "w", "dx"},
         {dy, winners, w, y},
         3,
         [=](const Tensors& a) {
             B::conv2d_relu_max_pool2d_backward_input(*a[0], *a[1], *a[2], shape_of_x, same, *a[3]);
         }},
        {"flatten_forward", {"x", "y"}, {x, y}, 1, [](const Tensors& a) { B::flatten_forward(*a[0], *a[1]); }},
        {"flatten_backward",
         {"dy", "dx"},
         {m, out},
         1,
         [=](const Tensors& a) {
             B::flatten_backward(*a[0], Shape{3, 3}, *a[1]);
         }},
        {"cross_entropy_forward", {"z", "p"}, {m, out}, 1, [=](const Tensors& a) {
             B::cross_entropy_forward(*a[0], *labels_of_m, *a[1]);
         }}};
    for (const Accumulate mode : {Accumulate::no, Accumulate::yes}) {
        calls.push_back({"linear_backward_weight", {"x", "dy", "dw"}, {m, square, out}, 2, [=](const Tensors& a) {
                             B::linear_backward_weight(*a[0], *a[1], *a[2], mode);
                         }});
        calls.push_back({"linear_backward_bias", {"dy", "db"}, {m, row}, 1, [=](const Tensors& a) {
                             B::linear_backward_bias(*a[0], *a[1], mode);
                         }});
        calls.push_back({"conv2d_backward_weight", {"x", "dy", "dw"}, {x, y, w}, 2, [=](const Tensors& a) {
                             B::conv2d_backward_weight(*a[0], *a[1], shape_of_w, same, *a[2], mode);
                         }});
        calls.push_back({"conv2d_backward_bias", {"dy", "db"}, {y, b}, 1, [=](const Tensors& a) {
                             B::conv2d_backward_bias(*a[0], *a[1], mode);
                         }});
        calls.push_back({"conv2d_relu_max_pool2d_backward_parameters",
                         {"x", "dy", "winners", "dw", "db"},
                         {x, dy, winners, w, b},
                         3,
                         [=](const Tensors& a) {
                             B::conv2d_relu_max_pool2d_backward_parameters(*a[0], *a[1], *a[2], shape_of_w, same, *a[3],
                                                                           *a[4], mode);
                         }});
    }
    for (const bool nesterov : {false, true}) {
        calls.push_back({"sgd_step", {"p", "g", "v"}, {m, square, out}, 2, [=](const Tensors& a) {
                             SgdOptions options;
                             options.momentum = 0.9;
                             options.nesterov = nesterov;
                             B::sgd_step(*a[0], *a[1], *a[2], options);
                         }});
    }
    return calls;
}

/// What an operation writes to its last tensor when that is the one of number `in_place`, and what it should write.
template <class B, class Run> void works_in_place(const std::string& operation, std::vector<Shape> of_arguments,
                                                  std::vector<std::size_t> in_place, const Run& run) {
    using T = typename B::Scalar;
    std::vector<Tensor<T>> values;
    for (const Shape& shape : of_arguments) { values.push_back(normal_numbers<T>(shape, values.size() + 1)); }
    for (const std::size_t place : in_place) {
        INFO(operation << ", the result in place of argument " << place);
        const auto call = [&](bool same) {
            std::vector<typename B::Tensor> all;
            for (const Tensor<T>& value : values) { all.push_back(B::from_host(value)); }
            typename B::Tensor apart = B::from_host(values[place]); // added to where the operation adds
            typename B::Tensor& result = same ? all[place] : apart;
            run(all, result);
            for (std::size_t i = 0; i < all.size(); ++i) { // no other argument has changed
                if (!same || i != place) { CHECK(same_bits(Tensor<T>(B::to_host(all[i])), values[i])); }
            }
            return Tensor<T>(B::to_host(result));
        };
        CHECK(same_bits(call(true), call(false)));
    }
}

/// Calls f with each kind of kernels that the backend has.
template <class F> void with_all_kernels(const F& f) {
    for (const auto algorithm : {device::Algorithm::fast, device::Algorithm::plain}) {
        const Chosen chosen(algorithm);
        f();
    }
}

} // namespace

TEMPLATE_TEST_CASE("a result that is an argument or another result is refused, and nothing is changed",
                   "[ops][aliasing]", HANDGRAD_BARE_BACKENDS) {
    with_all_kernels([] {
        for (const AliasedCall<TestType>& call : refused_calls<TestType>()) {
            INFO(call.operation);
            call.runs();
            for (std::size_t result = call.first_result; result < call.names.size(); ++result) {
                for (std::size_t other = 0; other < call.names.size(); ++other) {
                    if (other != result) { call.refuses(result, other); }
                }
            }
        }
    });
}

TEMPLATE_TEST_CASE("a result may be an argument where the contract says so", "[ops][aliasing]",
                   HANDGRAD_BARE_BACKENDS) {
    using B = TestType;
    using All = std::vector<typename B::Tensor>;
    using Result = typename B::Tensor;
    with_all_kernels([] {
        // Rows of some and of very many numbers: the latter are cut up for the threads.
        for (const Shape& s : {Shape{3, 7}, Shape{300, 1000}}) {
            const std::vector<Shape> one{s}, two{s, s};
            works_in_place<B>("relu_forward", one, {0}, [](All& a, Result& y) { B::relu_forward(a[0], y); });
            works_in_place<B>("sigmoid_forward", one, {0}, [](All& a, Result& y) { B::sigmoid_forward(a[0], y); });
            works_in_place<B>("tanh_forward", one, {0}, [](All& a, Result& y) { B::tanh_forward(a[0], y); });
            works_in_place<B>("softmax_forward", one, {0}, [](All& a, Result& p) { B::softmax_forward(a[0], p); });
            works_in_place<B>("relu_backward", two, {0, 1},
                              [](All& a, Result& dx) { B::relu_backward(a[0], a[1], dx); });
            works_in_place<B>("sigmoid_backward", two, {0, 1},
                              [](All& a, Result& dx) { B::sigmoid_backward(a[0], a[1], dx); });
            works_in_place<B>("tanh_backward", two, {0, 1},
                              [](All& a, Result& dx) { B::tanh_backward(a[0], a[1], dx); });
            works_in_place<B>("softmax_backward", two, {0, 1},
                              [](All& a, Result& dz) { B::softmax_backward(a[0], a[1], dz); });
            const typename B::Labels y = B::from_host(random_labels(s[0], s[1], 1));
            works_in_place<B>("cross_entropy_backward", one, {0},
                              [&](All& a, Result& dz) { B::cross_entropy_backward(a[0], y, dz); });
            for (const Accumulate mode : {Accumulate::no, Accumulate::yes}) {
                works_in_place<B>("l2_penalty_backward", one, {0},
                                  [&](All& a, Result& dw) { B::l2_penalty_backward(a[0], 0.3, dw, mode); });
            }
            for (const double momentum : {0.0, 0.9}) {
                works_in_place<B>("sgd_step", one, {0}, [&](All& a, Result& p) {
                    SgdOptions options;
                    options.lr = 0.1;
                    options.momentum = momentum;
                    options.weight_decay = 0.2;
                    Result v = B::from_host(full<typename B::Scalar>(s, 1));
                    B::sgd_step(p, a[0], v, options);
                });
            }
        }
    });
}

TEMPLATE_TEST_CASE("two arguments that are only read may be one tensor", "[ops][aliasing]", HANDGRAD_BARE_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Tensor<T> m = whole_numbers<T>({3, 3}, 1);
    const typename B::Tensor x = B::from_host(m), copy = B::from_host(m), b = B::from_host(zeros<T>({3}));
    with_all_kernels([&] {
        typename B::Tensor once, twice;
        B::linear_forward(x, copy, b, once);
        B::linear_forward(x, x, b, twice);
        CHECK(same_bits(Tensor<T>(B::to_host(once)), Tensor<T>(B::to_host(twice))));
        // Without momentum, v is not looked at.
        typename B::Tensor p = B::from_host(m);
        B::sgd_step(p, x, p, SgdOptions{});
        CHECK(p.shape() == Shape{3, 3});
    });
}

TEST_CASE("the device's loss has a tensor of its own", "[ops][aliasing][device]") {
    const auto z = normal_numbers<float>({1, 1}, 1);
    device::Tensor<float> scores = device::to_device(z), p;
    const device::Labels y = device::to_device(labels({0}));
    CHECK(message_of<AliasError>([&] { device::cross_entropy_forward(scores, y, p, scores); }) ==
          "cross_entropy_forward: loss shares memory with z, expected a tensor of its own");
    CHECK(message_of<AliasError>([&] { device::cross_entropy_forward(scores, y, p, p); }) ==
          "cross_entropy_forward: loss shares memory with p, expected a tensor of its own");
    CHECK(same_bits(device::to_host(scores), z));
}

TEST_CASE("a tensor that is empty is another's neighbour, and still itself", "[ops][aliasing]") {
    const Tensor<float> empty = zeros<float>({0, 3}), other = zeros<float>({0, 3}), some = zeros<float>({2, 3});
    CHECK(NamedTensor("a", empty).overlaps({"b", empty}));
    CHECK_FALSE(NamedTensor("a", empty).overlaps({"b", other}));
    CHECK_FALSE(NamedTensor("a", empty).overlaps({"b", some}));
    CHECK(NamedTensor("a", some).overlaps({"b", some}));
    // A tensor without rows would be reshaped under its own feet.
    Tensor<float> x = zeros<float>({0, 3});
    CHECK_THROWS_AS(Cpu<float>::linear_forward(x, zeros<float>({3, 2}), zeros<float>({2}), x), AliasError);
    CHECK(x.shape() == Shape{0, 3});
}

TEST_CASE("a module whose input is its own output is refused where the operation is", "[nn][aliasing]") {
    using B = Cpu<float>;
    Random random(1);
    nn::Linear<B> linear(3, 3, random);
    nn::ReLU<B> relu;
    const auto x = normal_numbers<float>({2, 3}, 1);
    CHECK(message_of<AliasError>([&] { linear(linear(x)); }) ==
          "linear_forward: y shares memory with x, expected a tensor of its own");
    CHECK(equal_numbers(Tensor<float>(relu(relu(x))), B::relu_forward(x)));
}
