#pragma once
/// @file

#include <cmath>
#include <vector>

#include "handgrad/nn/module.hpp"

namespace handgrad::optim {

/// Throws std::invalid_argument unless max_norm is above 0; it may be infinite.
void check_max_norm(double max_norm);

/// Scales all gradients by one factor, so that their common norm is at most max_norm; call it between backward and the
/// optimiser's step. torch.nn.utils.clip_grad_norm_.
///
/// With g_i all entries of all gradients: \f$ \lVert g \rVert = \sqrt{\sum_i g_i^2} \f$ and
/// \f$ g \leftarrow \min(1, \text{max\_norm} / (\lVert g \rVert + 10^{-6}))\, g \f$. A gradient that is not finite makes
/// the norm, and then all gradients, NaN or infinite, as in PyTorch.
/// @param parameters parameters whose gradients are scaled
/// @param max_norm largest norm, above 0
/// @returns the norm before
/// @throws std::invalid_argument for another max_norm
/// Source: documentation of torch.nn.utils.clip_grad_norm_.
template <class Backend>
double clip_grad_norm_(const std::vector<nn::Parameter<Backend>*>& parameters, double max_norm) {
    check_max_norm(max_norm);
    double sum = 0;
    for (const nn::Parameter<Backend>* parameter : parameters) { // lambda = 2: the sum of squares
        sum += static_cast<double>(Backend::l2_penalty_forward(parameter->grad, 2));
    }
    const double norm = std::sqrt(sum), factor = max_norm / (norm + 1e-6);
    if (factor >= 1) { return norm; } // false for NaN
    for (nn::Parameter<Backend>* parameter : parameters) {
        Backend::l2_penalty_backward(parameter->grad, factor, parameter->grad);
    }
    return norm;
}

} // namespace handgrad::optim
