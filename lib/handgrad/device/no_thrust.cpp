// What a library without Thrust has for the kernels: nothing here computes. device::require_available() says why, and the
// chapters do not offer the device.
#if defined(HANDGRAD_THRUST_OFF)

#include <stdexcept>

#include "handgrad/device/kernels.hpp"

namespace handgrad::device::kernels {
namespace {

[[noreturn]] void refuse() { throw std::runtime_error("the device backend: " + why_not_available()); }

} // namespace

const char* system_name() { return "OFF"; }
bool is_gpu() { return false; }
std::string description() { return "no Thrust"; }
std::string why_not_available() {
    return "this build has no Thrust: -DHANDGRAD_THRUST_DEVICE=OMP, TBB, CPP or CUDA makes one that has";
}
void synchronize() {}

void* allocate(std::size_t) { refuse(); }
void deallocate(void*) noexcept {}
void copy(const void*, void*, std::size_t) { refuse(); }
void copy_to_device(const void*, void*, std::size_t) { refuse(); }
void copy_to_host(const void*, void*, std::size_t) { refuse(); }
template <> void fill(std::int32_t*, std::size_t, std::int32_t) { refuse(); }
template <> void fill(std::int64_t*, std::size_t, std::int64_t) { refuse(); }

std::size_t first_bad_label(const std::int64_t*, std::size_t, std::size_t) { refuse(); }
std::size_t batch_parts(std::size_t) { refuse(); }
bool are_pixels(const std::int32_t*, std::size_t, std::size_t) { refuse(); }

using Size = std::size_t;
using Label = std::int64_t;
#define HANDGRAD_REFUSE(T)                                                                                             \
    template <> void fill(T*, Size, T) { refuse(); }                                                                   \
    template <> void relu_forward(const T*, T*, Size) { refuse(); }                                                    \
    template <> void relu_backward(const T*, const T*, T*, Size) { refuse(); }                                         \
    template <> void sigmoid_forward(const T*, T*, Size) { refuse(); }                                                 \
    template <> void sigmoid_backward(const T*, const T*, T*, Size) { refuse(); }                                      \
    template <> void tanh_forward(const T*, T*, Size) { refuse(); }                                                    \
    template <> void tanh_backward(const T*, const T*, T*, Size) { refuse(); }                                         \
    template <> void sgd_step(T*, const T*, T*, Size, const SgdNumbers<T>&) { refuse(); }                              \
    template <> void l2_penalty_parts(const T*, Size, T*) { refuse(); }                                                \
    template <> void l2_penalty_backward(const T*, Size, T, T*, bool) { refuse(); }                                    \
    template <> void softmax_forward(const T*, T*, Size, Size) { refuse(); }                                           \
    template <> void softmax_backward(const T*, const T*, T*, Size, Size) { refuse(); }                                \
    template <> void cross_entropy_forward(const T*, const Label*, T*, Size, Size, double*, T*) { refuse(); }          \
    template <> void cross_entropy_backward(const T*, const Label*, T*, Size, Size) { refuse(); }                      \
    template <> Size count_correct(const T*, const Label*, Size, Size) { refuse(); }                                   \
    template <> void add_to_tally(const T*, const T*, const Label*, Size, Size, double*, double*) { refuse(); }        \
    template <> void linear_forward(const T*, const T*, const T*, T*, Size, Size, Size, bool) { refuse(); }            \
    template <> void linear_backward_input(const T*, const T*, T*, Size, Size, Size, bool) { refuse(); }               \
    template <> void linear_backward_weight(const T*, const T*, T*, Size, Size, Size, bool, bool) { refuse(); }        \
    template <> void linear_backward_bias(const T*, T*, Size, Size, bool) { refuse(); }                                \
    template <> void conv2d_forward(const ConvExtents&, const T*, const T*, const T*, T*, bool) { refuse(); }          \
    template <> void conv2d_backward_input(const ConvExtents&, const T*, const T*, T*, bool) { refuse(); }             \
    template <> void conv2d_backward_weight(const ConvExtents&, const T*, const T*, T*, bool, T*, bool) { refuse(); }  \
    template <> void conv2d_backward_bias(const T*, T*, Size, Size, Size, bool, T*) { refuse(); }                      \
    template <> void max_pool2d_forward(const Axis&, const Axis&, Size, const T*, T*, std::int32_t*) { refuse(); }     \
    template <> void max_pool2d_backward(const T*, const std::int32_t*, T*, Size, Size, Size) { refuse(); }            \
    template <> void avg_pool2d_forward(const Axis&, const Axis&, bool, Size, const T*, T*) { refuse(); }              \
    template <> void avg_pool2d_backward(const Axis&, const Axis&, bool, Size, const T*, T*) { refuse(); }             \
    template <> void conv2d_relu_max_pool2d_forward(const ConvExtents&, const T*, const T*, const T*, T*, T*) {        \
        refuse();                                                                                                      \
    }                                                                                                                  \
    template <> void conv2d_relu_max_pool2d_backward_input(const ConvExtents&, const T*, const T*, const T*, T*) {     \
        refuse();                                                                                                      \
    }                                                                                                                  \
    template <> void conv2d_relu_max_pool2d_backward_parameters(const ConvExtents&, const T*, const T*, const T*, T*,  \
                                                                T*, bool, T*, T*) {                                    \
        refuse();                                                                                                      \
    }                                                                                                                  \
    template <>                                                                                                        \
    void gather(const std::uint8_t*, const Label*, const std::uint32_t*, Size, Size, const T*, T*, Label*) {           \
        refuse();                                                                                                      \
    }
HANDGRAD_REFUSE(float)
HANDGRAD_REFUSE(double)

} // namespace handgrad::device::kernels

#endif
