#pragma once
// The device backend for tests with host tensors: every operation copies its arguments to the device, runs there, and
// copies the results back. So the same tests run on all backends.

#include <cstdlib>
#include <exception>
#include <string_view>
#include <type_traits>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "support/same_bits.hpp"

namespace support {

namespace on_device {

/// An argument that is not a tensor is passed unchanged.
template <class Arg> struct Passed {
    Arg& arg;
    explicit Passed(Arg& a) : arg(a) {}
    Arg& get() { return arg; }
};

/// A tensor that the operation only reads.
template <class T> struct Passed<const handgrad::Tensor<T>> {
    handgrad::device::Tensor<T> copy;
    explicit Passed(const handgrad::Tensor<T>& a) : copy(handgrad::device::to_device(a)) {}
    const handgrad::device::Tensor<T>& get() { return copy; }
};

/// A tensor that the operation may write. If the operation throws, the tensor does not change. A tensor that is passed
/// twice has two copies, one of which the operation writes. The compiler chooses the order in which they are copied
/// back, so only a copy that has changed is.
template <class T> struct Passed<handgrad::Tensor<T>> {
    handgrad::Tensor<T>& arg;
    const handgrad::Tensor<T> before = arg;
    handgrad::device::Tensor<T> copy;
    int exceptions = std::uncaught_exceptions();
    explicit Passed(handgrad::Tensor<T>& a) : arg(a), copy(handgrad::device::to_device(a)) {}
    Passed(const Passed&) = delete;
    Passed& operator=(const Passed&) = delete;
    ~Passed() {
        if (std::uncaught_exceptions() != exceptions) { return; }
        const handgrad::Tensor<T> now = handgrad::device::to_host(copy);
        if (!same_bits(now, before)) { arg = now; }
    }
    handgrad::device::Tensor<T>& get() { return copy; }
};

template <class Arg> using PassedFor =
    Passed<std::conditional_t<std::is_lvalue_reference_v<Arg>, std::remove_reference_t<Arg>, const Arg>>;

// Results as host tensors.
template <class T> handgrad::Tensor<T> returned(const handgrad::device::Tensor<T>& x) {
    return handgrad::device::to_host(x);
}
template <template <class> class Three, class T> // LinearGradients, for example
Three<handgrad::Tensor<T>> returned(const Three<handgrad::device::Tensor<T>>& result) {
    const auto& [first, second, third] = result;
    return {returned(first), returned(second), returned(third)};
}
template <class T> handgrad::MaxPool2dResult<handgrad::Tensor<T>, handgrad::Indices>
returned(const handgrad::MaxPool2dResult<handgrad::device::Tensor<T>, handgrad::device::Indices>& r) {
    return {returned(r.y), returned(r.indices)};
}
inline float returned(float x) { return x; }
inline double returned(double x) { return x; }
inline std::size_t returned(std::size_t x) { return x; }

/// With HANDGRAD_TEST_ALGORITHM=fast the tests run the fast kernels, otherwise Thrust's alone.
inline void choose_algorithm() {
    static const bool chosen = [] {
        const char* wanted = std::getenv("HANDGRAD_TEST_ALGORITHM");
        const bool fast = wanted != nullptr && std::string_view(wanted) == "fast";
        handgrad::device::set_algorithm(fast ? handgrad::device::Algorithm::fast : handgrad::device::Algorithm::plain);
        return true;
    }();
    static_cast<void>(chosen);
}

} // namespace on_device

/// Device<T> with the tensors of Cpu<T>.
template <class T> struct OnDevice : handgrad::Cpu<T> {
#define HANDGRAD_X(name)                                                                                               \
    template <class... Args> static auto name(Args&&... args) {                                                        \
        on_device::choose_algorithm();                                                                                 \
        using Result = decltype(handgrad::device::name(on_device::PassedFor<Args>(args).get()...));                    \
        if constexpr (std::is_void_v<Result>) {                                                                        \
            handgrad::device::name(on_device::PassedFor<Args>(args).get()...);                                         \
        } else {                                                                                                       \
            return on_device::returned(handgrad::device::name(on_device::PassedFor<Args>(args).get()...));             \
        }                                                                                                              \
    }
    // The list of operations.
    // clang-format off
    HANDGRAD_X(relu_forward) HANDGRAD_X(relu_backward)
    HANDGRAD_X(sigmoid_forward) HANDGRAD_X(sigmoid_backward)
    HANDGRAD_X(tanh_forward) HANDGRAD_X(tanh_backward)
    HANDGRAD_X(gelu_forward) HANDGRAD_X(gelu_backward)
    HANDGRAD_X(leaky_relu_forward) HANDGRAD_X(leaky_relu_backward) HANDGRAD_X(silu_forward) HANDGRAD_X(silu_backward)
    HANDGRAD_X(linear_forward) HANDGRAD_X(linear_backward)
    HANDGRAD_X(linear_backward_input) HANDGRAD_X(linear_backward_weight) HANDGRAD_X(linear_backward_bias)
    HANDGRAD_X(conv2d_forward) HANDGRAD_X(conv2d_backward)
    HANDGRAD_X(conv2d_backward_input) HANDGRAD_X(conv2d_backward_weight) HANDGRAD_X(conv2d_backward_bias)
    HANDGRAD_X(max_pool2d_forward) HANDGRAD_X(max_pool2d_backward)
    HANDGRAD_X(avg_pool2d_forward) HANDGRAD_X(avg_pool2d_backward)
    HANDGRAD_X(conv2d_relu_max_pool2d_forward) HANDGRAD_X(conv2d_relu_max_pool2d_backward_input)
    HANDGRAD_X(conv2d_relu_max_pool2d_backward_parameters)
    HANDGRAD_X(softmax_forward) HANDGRAD_X(softmax_backward)
    HANDGRAD_X(cross_entropy_forward) HANDGRAD_X(cross_entropy_backward) HANDGRAD_X(count_correct)
    HANDGRAD_X(l2_penalty_forward) HANDGRAD_X(l2_penalty_backward)
    HANDGRAD_X(layer_norm_forward) HANDGRAD_X(layer_norm_backward_input) HANDGRAD_X(layer_norm_backward_parameters)
    HANDGRAD_X(batch_norm_forward) HANDGRAD_X(batch_norm_eval_forward) HANDGRAD_X(batch_norm_backward_parameters)
    HANDGRAD_X(batch_norm_backward_input) HANDGRAD_X(batch_norm_eval_backward_input) HANDGRAD_X(batch_norm_update)
    HANDGRAD_X(add_forward) HANDGRAD_X(add_backward)
    HANDGRAD_X(attention_forward) HANDGRAD_X(attention_backward) HANDGRAD_X(attention_append)
    HANDGRAD_X(dropout_forward) HANDGRAD_X(dropout_backward)
    HANDGRAD_X(embedding_forward) HANDGRAD_X(embedding_backward)
    HANDGRAD_X(rnn_forward) HANDGRAD_X(rnn_backward_state) HANDGRAD_X(rnn_backward_input)
    HANDGRAD_X(rnn_backward_parameters)
    HANDGRAD_X(lstm_forward) HANDGRAD_X(lstm_backward_state) HANDGRAD_X(lstm_backward_input)
    HANDGRAD_X(lstm_backward_parameters)
    HANDGRAD_X(sgd_step) HANDGRAD_X(adam_step) HANDGRAD_X(rmsprop_step)
    // clang-format on
#undef HANDGRAD_X
        // Functions that layers call.
        static void cross_entropy_forward(const handgrad::Tensor<T>& z, const handgrad::Labels& y,
                                          handgrad::Tensor<T>& p, T& loss) {
        loss = cross_entropy_forward(z, y, p);
    }
    template <class F> static void activation_forward(const handgrad::Tensor<T>& x, handgrad::Tensor<T>& y, F f = F()) {
        y = on_device::returned(handgrad::Device<T>::template activation_forward<F>(handgrad::device::to_device(x), f));
    }
    template <class F> static void activation_backward(std::string_view where, const handgrad::Tensor<T>& kept,
                                                       const handgrad::Tensor<T>& dy, handgrad::Tensor<T>& dx,
                                                       F f = F()) {
        dx = on_device::returned(handgrad::Device<T>::template activation_backward<F>(
            where, handgrad::device::to_device(kept), handgrad::device::to_device(dy), f));
    }
};

} // namespace support
