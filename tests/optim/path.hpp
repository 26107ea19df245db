#pragma once
// Steps of an optimiser beside PyTorch's.

#include <algorithm>
#include <limits>

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/nn/component.hpp"
#include "support/tensors.hpp"

namespace support {

/// The i-th of the tensors that lie one after another in `all`.
inline Tensor<double> part(const Tensor<double>& all, std::size_t i) {
    Tensor<double> t(Shape(all.shape().begin() + 1, all.shape().end()));
    std::copy_n(all.data() + i * t.size(), t.size(), t.data());
    return t;
}

/// Checks the parameter after each of a case's six steps. PyTorch fuses multiplications with additions, we do not: a
/// rounding or two a step.
template <class B, class Optimizer, class Options> void check_path(const pytorch::Case& c, const Options& options) {
    using T = typename B::Scalar;
    const Tensor<double> gradients = c.get<double>("gradients"), path = c.get<double>("path");
    handgrad::nn::Parameter<B> p{c.get<T>("start"), handgrad::zeros<T>(c.get<T>("start").shape())};
    Optimizer optimizer({&p}, options);
    REQUIRE(path.shape(0) == 6);
    for (std::size_t step = 0; step < path.shape(0); ++step) {
        INFO(c.name << ", step " << step);
        p.grad = to<T>(part(gradients, step));
        optimizer.step();
        CHECK(difference(p.value, part(path, step)) <= 8 * std::numeric_limits<T>::epsilon());
    }
}

} // namespace support
