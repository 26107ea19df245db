#pragma once
// The kernels by name, on raw pointers into the device's memory: what the operations of handgrad::device call once they
// have checked all shapes. No Thrust here, and no xtensor there: the files behind it are compiled by nvcc, too.
// T is float or double. Shapes and formulas: the contract of each operation.

#include <cstddef>
#include <cstdint>
#include <string>

#include "handgrad/device/extents.hpp"

namespace handgrad::device::kernels {

// ---- The system (system.cpp) ----
const char* system_name();
bool is_gpu();
std::string description();
std::string why_not_available(); ///< empty if it can be used
void synchronize();

// ---- Memory (memory.cpp); on the host only fill and copy are used ----
void* allocate(std::size_t bytes); ///< throws std::runtime_error if there is not enough
void deallocate(void* memory) noexcept;
void copy(const void* from, void* to, std::size_t bytes); ///< within the device
void copy_to_device(const void* from, void* to, std::size_t bytes);
void copy_to_host(const void* from, void* to, std::size_t bytes); ///< waits for all kernels before
template <class T> void fill(T* x, std::size_t n, T value);

// ---- Entry by entry ----
template <class T> void relu_forward(const T* x, T* y, std::size_t n);
template <class T> void relu_backward(const T* x, const T* dy, T* dx, std::size_t n);
template <class T> void sigmoid_forward(const T* x, T* y, std::size_t n);
template <class T> void sigmoid_backward(const T* y, const T* dy, T* dx, std::size_t n);
template <class T> void tanh_forward(const T* x, T* y, std::size_t n);
template <class T> void tanh_backward(const T* y, const T* dy, T* dx, std::size_t n);

/// The numbers of SgdOptions in T.
template <class T> struct SgdNumbers {
    T lr, momentum, undamped, weight_decay; ///< undamped = 1 - dampening
    bool decays, nesterov, maximize;
    bool has_velocity, first; ///< whether v is used, and whether it is written for the first time
};
template <class T> void sgd_step(T* p, const T* g, T* v, std::size_t n, const SgdNumbers<T>& numbers);

/// parts[i] = the sum of w^2 over block i of `l2_block` entries; ceil(n / l2_block) of them.
constexpr std::size_t l2_block = 256;
template <class T> void l2_penalty_parts(const T* w, std::size_t n, T* parts);
template <class T> void l2_penalty_backward(const T* w, std::size_t n, T lambda, T* dw, bool add);

// ---- Row by row: n rows of k scores ----
template <class T> void softmax_forward(const T* z, T* p, std::size_t n, std::size_t k);
template <class T> void softmax_backward(const T* p, const T* dp, T* dz, std::size_t n, std::size_t k);
/// @param rows scratch for n + 64 numbers @param loss one number
template <class T> void cross_entropy_forward(const T* z, const std::int64_t* y, T* p, std::size_t n, std::size_t k,
                                              double* rows, T* loss);
template <class T> void cross_entropy_backward(const T* p, const std::int64_t* y, T* dz, std::size_t n, std::size_t k);
template <class T> std::size_t count_correct(const T* z, const std::int64_t* y, std::size_t n, std::size_t k);
/// @param rows scratch for n + 64 numbers @param tally two numbers: += n loss, += how many are right
template <class T> void add_to_tally(const T* loss, const T* z, const std::int64_t* y, std::size_t n, std::size_t k,
                                     double* rows, double* tally);
/// The first label outside 0 .. k-1, or n.
std::size_t first_bad_label(const std::int64_t* y, std::size_t n, std::size_t k);

// ---- Matrix products: x (n, in), w (in, out) ----
/// plain: Thrust; otherwise cuBLAS (CUDA only).
template <class T> void linear_forward(const T* x, const T* w, const T* b, T* y, std::size_t n, std::size_t in,
                                       std::size_t out, bool plain);
template <class T>
void linear_backward_input(const T* dy, const T* w, T* dx, std::size_t n, std::size_t in, std::size_t out, bool plain);
template <class T> void linear_backward_weight(const T* x, const T* dy, T* dw, std::size_t n, std::size_t in,
                                               std::size_t out, bool add, bool plain);
template <class T> void linear_backward_bias(const T* dy, T* db, std::size_t n, std::size_t out, bool add);

// ---- Images ----
/// How many partial sums a gradient over a batch of n images needs memory for.
std::size_t batch_parts(std::size_t n);
/// plain: one item a pixel, by Thrust; otherwise tiles in shared memory (CUDA only).
template <class T> void conv2d_forward(const ConvExtents& e, const T* x, const T* w, const T* b, T* y, bool plain);
template <class T> void conv2d_backward_input(const ConvExtents& e, const T* dy, const T* w, T* dx, bool plain);
/// @param parts scratch for batch_parts(N) times w
template <class T>
void conv2d_backward_weight(const ConvExtents& e, const T* x, const T* dy, T* dw, bool add, T* parts, bool plain);
/// @param parts scratch for batch_parts(n) times k
template <class T>
void conv2d_backward_bias(const T* dy, T* db, std::size_t n, std::size_t k, std::size_t pixels, bool add, T* parts);

template <class T> void max_pool2d_forward(const Axis& rows, const Axis& columns, std::size_t images, const T* x, T* y,
                                           std::int32_t* indices);
template <class T> void max_pool2d_backward(const T* dy, const std::int32_t* indices, T* dx, std::size_t images,
                                            std::size_t windows, std::size_t pixels);
/// Whether every index is a pixel.
bool are_pixels(const std::int32_t* indices, std::size_t n, std::size_t pixels);
template <class T> void avg_pool2d_forward(const Axis& rows, const Axis& columns, bool count_include_pad,
                                           std::size_t images, const T* x, T* y);
template <class T> void avg_pool2d_backward(const Axis& rows, const Axis& columns, bool count_include_pad,
                                            std::size_t images, const T* dy, T* dx);

template <class T>
void conv2d_relu_max_pool2d_forward(const ConvExtents& e, const T* x, const T* w, const T* b, T* y, T* winners);
template <class T>
void conv2d_relu_max_pool2d_backward_input(const ConvExtents& e, const T* dy, const T* winners, const T* w, T* dx);
/// @param parts scratch for batch_parts(N) times w @param spoilt scratch for N times C
template <class T> void conv2d_relu_max_pool2d_backward_parameters(const ConvExtents& e, const T* x, const T* dy,
                                                                   const T* winners, T* dw, T* db, bool add, T* parts,
                                                                   T* spoilt);

// ---- Data ----
/// Batch entry b is image order[b]: images[b, i] = table[bytes[order[b], i]], labels[b] = all_labels[order[b]].
template <class T> void gather(const std::uint8_t* bytes, const std::int64_t* all_labels, const std::uint32_t* order,
                               std::size_t n, std::size_t pixels, const T* table, T* images, std::int64_t* labels);

} // namespace handgrad::device::kernels
