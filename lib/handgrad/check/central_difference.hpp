#pragma once
/// @file
/// Derivatives by central differences. Kinks of the function are detected and reported.

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "handgrad/check/report.hpp"
#include "handgrad/check/step.hpp"
#include "handgrad/check/traced.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// The step that balances the truncation error (h^2) against the rounding error (eps / h): about the cube root of eps.
template <class T> inline constexpr double default_step = std::is_same_v<T, float> ? 5e-3 : 1e-5;

/// Whether f accepts a tensor of traced scalars.
template <class F, class T, class = void> inline constexpr bool is_traceable = false;
template <class F, class T>
inline constexpr bool is_traceable<F, T, std::enable_if_t<std::is_invocable_v<F&, const Tensor<TracedScalar<T>>&>>> =
    std::is_same_v<std::decay_t<std::invoke_result_t<F&, const Tensor<TracedScalar<T>>&>>, TracedScalar<T>>;

/// The gradient of a scalar function by central differences.
///
///     df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h + O(h^2) + O(eps |f| / h)
///
/// The divisor is the rounded step, (x + h) - (x - h) in the arithmetic of T.
///
/// If f has a kink between x - h and x + h, the quotient does not approximate a derivative. Examples: a ReLU changes
/// from 0 to x, or a maximum moves to another entry. Such entries are found in one of two ways:
/// - If f accepts a Tensor<TracedScalar<T>>, as a generic lambda over the reference operations does, an entry is a kink
///   if and only if the outcome of a comparison differs between x - h, x and x + h.
/// - Otherwise an entry is a possible kink if the slopes to the right and to the left differ by more than
///   `100 h max|df/dx| + 16 eps max|f| / h`: then the curvature would exceed a hundred times the largest slope, and
///   rounding does not explain the difference. A weaker kink is not detected; the comparison fails there.
///
/// @param f a function of Tensor<T> that returns a number and runs in the calling thread
/// @param x the point at which to differentiate, any shape, float or double
/// @param h the step
/// @return  the gradient (shape of x), the kinks, and the tolerance for T
/// @throws  ShapeError if h is not a positive number, or so small that x + h = x - h
template <class F, class T> Differences central_difference(F&& f, const Tensor<T>& x, double h = default_step<T>) {
    constexpr bool traceable = is_traceable<F, T>;
    using Scalar = std::conditional_t<traceable, TracedScalar<T>, T>;
    require_step("central_difference", h);

    struct Sample {
        double value;
        std::uint64_t decisions;
    };
    Tensor<Scalar> point(x.shape());
    std::copy(x.data(), x.data() + x.size(), point.data());
    const auto evaluate = [&]() -> Sample {
        Decisions::restart();
        if constexpr (traceable) {
            const double value = value_of(f(std::as_const(point)));
            return {value, Decisions::digest()};
        } else {
            return {static_cast<double>(f(std::as_const(point))), 0};
        }
    };

    Differences result{Tensor<double>(x.shape()),
                       {},
                       std::is_same_v<T, float> ? float_difference_tolerance : central_difference_tolerance};
    if (x.size() == 0) { return result; }
    const Sample here = evaluate();
    Tensor<double> left(x.shape());
    Tensor<double> right(x.shape());
    double largest_value = std::abs(here.value);
    double largest_slope = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T center = x.data()[i];
        const T above = static_cast<T>(center + h);
        const T below = static_cast<T>(center - h);
        if (above == center || below == center) { throw_lost_step(h, center); }
        point.data()[i] = above;
        const Sample after = evaluate();
        point.data()[i] = below;
        const Sample before = evaluate();
        point.data()[i] = center;

        const double width = static_cast<double>(above) - static_cast<double>(below);
        left.data()[i] = (here.value - before.value) / (static_cast<double>(center) - below);
        right.data()[i] = (after.value - here.value) / (above - static_cast<double>(center));
        result.gradient.data()[i] = (after.value - before.value) / width;
        if (after.decisions != here.decisions || before.decisions != here.decisions) {
            result.kinks.push_back({i, left.data()[i], right.data()[i], true});
        }
        largest_value = std::max({largest_value, std::abs(after.value), std::abs(before.value)});
        largest_slope = std::max(largest_slope, std::abs(result.gradient.data()[i]));
    }
    if constexpr (!traceable) {
        const double eps = std::numeric_limits<T>::epsilon();
        const double allowed = 100 * h * largest_slope + 16 * eps * largest_value / h;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (std::abs(right.data()[i] - left.data()[i]) > allowed) {
                result.kinks.push_back({i, left.data()[i], right.data()[i], false});
            }
        }
    }
    return result;
}

} // namespace handgrad::check
