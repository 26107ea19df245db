#pragma once
// Exercise 12.6: dropout with a mask from a counter.
// Background: the book's page "Dropout" (lib/handgrad/ops/dropout/dropout.md).

#include <cstdint>

#include <handgrad/tensor/philox.hpp>
#include <handgrad/tensor/tensor.hpp>

using handgrad::random_uniform;
using handgrad::Tensor;
using handgrad::zeros;

// A dropout layer in training mode. Entry i is kept if
//
//     random_uniform(seed, layer, step, i) >= p,
//
// and entries that are kept are divided by 1 - p. The first call of forward is
// step 0, the next one step 1, and so on.
class CountedDropout {
public:
    CountedDropout(double p, std::uint64_t seed, std::uint32_t layer)
        : p_(p), seed_(seed), layer_(layer) {}

    // x may have any shape; i counts its entries, x.data()[i].
    Tensor<double> forward(const Tensor<double>& x) {
        Tensor<double> y = zeros<double>(x.shape());
        // Your code goes here.
        return y;
    }

    // The gradient with respect to the x of the last forward.
    Tensor<double> backward(const Tensor<double>& dy) {
        Tensor<double> dx = zeros<double>(dy.shape());
        // Your code goes here.
        return dx;
    }

    double p() const { return p_; }

private:
    double p_;
    [[maybe_unused]] std::uint64_t seed_;
    [[maybe_unused]] std::uint32_t layer_;
    [[maybe_unused]] std::uint32_t step_ = 0;
};
