#pragma once
// Exercise 12.6: dropout with a mask from a counter.

#include <cstdint>

#include <handgrad/tensor/philox.hpp>
#include <handgrad/tensor/tensor.hpp>

using handgrad::random_uniform;
using handgrad::Tensor;
using handgrad::zeros;

class CountedDropout {
public:
    CountedDropout(double p, std::uint64_t seed, std::uint32_t layer)
        : p_(p), seed_(seed), layer_(layer) {}

    Tensor<double> forward(const Tensor<double>& x) {
        ++step_;
        return apply(x, step_ - 1);
    }

    // The counter of the last forward gives the same mask again.
    Tensor<double> backward(const Tensor<double>& dy) {
        return apply(dy, step_ - 1);
    }

    double p() const { return p_; }

private:
    Tensor<double> apply(const Tensor<double>& x, std::uint32_t step) const {
        Tensor<double> y = zeros<double>(x.shape());
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double u = random_uniform(seed_, layer_, step, i);
            if (u >= p_) { y.data()[i] = x.data()[i] / (1 - p_); }
        }
        return y;
    }

    double p_;
    std::uint64_t seed_;
    std::uint32_t layer_;
    std::uint32_t step_ = 0; // of the next forward
};
