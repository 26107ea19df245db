#pragma once
// ## Four bugs
//
// A check that has never failed proves nothing. So we break the gradient on purpose, in four ways
// that happen in practice. None of these programs would crash, and most of them would still train,
// only worse. Without a check nobody would notice.

#include <fmt/format.h>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>

#include "model.hpp"

namespace bugs {

using namespace handgrad;

// ### Bug 1: the mean is forgotten
//
// The loss is a mean over the batch of N = 8 examples, so $dz_2 = (p - y)/N$, where $y$ stands for
// the rows with a 1 at the true class. Without the N every gradient is 8 times too large.
inline void forget_the_mean(const Problem<double>& net, const Gradients& g) {
    fmt::print("\n--- Bug 1: the mean over the batch is forgotten\n\n");
    const Activations<double> a = forward(net);
    Gradients bad = g;
    bad.dz2 = reference::softmax_forward(a.z2);
    for (std::size_t n = 0; n < 8; ++n) {
        bad.dz2(n, net.y(n)) -= 1; // and no division by N
    }
    reference::linear_backward_weight(a.o1, bad.dz2, bad.dw2);
    reference::linear_backward_bias(bad.dz2, bad.db2);
    reference::linear_backward_input(bad.dz2, net.w2, bad.do1);
    reference::relu_backward(a.z1, bad.do1, bad.dz1);
    reference::linear_backward_weight(net.x, bad.dz1, bad.dw1);
    reference::linear_backward_bias(bad.dz1, bad.db1);
    const check::GradientCheck checker = check_all(net, bad);
    fmt::print("{}\n{}", table(checker), to_string(checker.reports().back()));
}

// @output to "hint: every entry"
//
// All entries are too large by the same whole number, and the number is the size of the batch. The
// hint says so. We left out the penalty here. With it only the biases, which have no penalty, would
// show the factor so clearly.
//
// ### Bug 2: two arguments change places
//
// The right product is $dw_1 = x^\top dz_1$, not $dz_1^\top x$. In a network whose first weight is
// square the wrong product has the right shape, and nothing complains. All other gradients are
// right.
inline void swap_arguments(const Problem<double>& net, const Gradients& g) {
    fmt::print("\n--- Bug 2: dw1 = dz1^T x\n\n");
    Gradients bad = g;
    // The right call has (net.x, bad.dz1, ...).
    reference::linear_backward_weight(bad.dz1, net.x, bad.dw1);
    fmt::print("{}", to_string(check_all(net, bad).reports().front()));
}

// @output to "hint: the analytic gradient is the transpose"
//
// Four of the sixteen entries are right: those on the diagonal. The library's tests use sizes that
// are all different, so that every wrong transpose fails by its shape.
//
// ### Bug 3: the mask is taken from the wrong tensor
//
// The gradient passes ReLU where its *input* was positive. Here it passes where the upstream
// gradient is positive. The reports on w1 and b1 would show that something is wrong with the first
// layer; but a weight's gradient is a sum over the batch, and the sum hides the pattern. To find
// the place, check the gradients in between, from the loss backwards: dz2 is right, do1 is right,
// dz1 is not. The first one that is wrong is next to the bug. To differentiate with respect to z1,
// we let the network begin there.
inline auto loss_of_z1(const Problem<double>& net) {
    return [&net](const auto& z1) {
        const auto n = in_scalar_of(z1, net);
        const auto o1 = reference::relu_forward(z1);
        const auto z2 = reference::linear_forward(o1, n.w2, n.b2);
        return reference::cross_entropy_forward(z2, n.y);
    };
}

inline void mask_by_wrong_tensor(const Problem<double>& net,
                                 const Gradients& g) {
    fmt::print("\n--- Bug 3: ReLU's mask from do1 instead of z1\n\n");
    const Tensor<double> bad_dz1 = reference::relu_backward(g.do1, g.do1);
    const Tensor<double> numeric =
        check::complex_step(loss_of_z1(net), forward(net).z1);
    fmt::print("{}", to_string(check::compare("dz1", bad_dz1, numeric)));
}

// @output to "hint: 6 entries are zero"
//
// ### Bug 4: a factor 2 in the penalty
//
// The penalty is $\tfrac12 \lambda \sum w^2$, with the gradient $\lambda w$. If the one half is
// forgotten in one of the two places, the gradient is wrong by $\lambda w$ in every weight and
// right in every bias.
inline void double_the_penalty(const Problem<double>& penalised,
                               const Gradients& g) {
    fmt::print("\n--- Bug 4: the penalty's gradient 2 lambda w "
               "instead of lambda w\n\n");
    Gradients bad = g;
    bad.dw1 += penalised.lambda * penalised.w1; // once more
    bad.dw2 += penalised.lambda * penalised.w2;
    fmt::print("{}", to_string(check_all(penalised, bad).reports().front()));
}

// @output to "hint: analytic - numeric"
//
// This bug is small: half a percent of the gradient's largest entry. Training would hardly suffer,
// but the strength of the penalty would not be what we say it is. A check with a tolerance of one
// percent does not see it.
//
// ## The verdict
//
// This is the report on the gradient of chapter 05, penalty included. The errors are rounding
// errors; which entry has the largest one is a matter of chance.
inline void check_without_bug(const Problem<double>& penalised,
                              const Gradients& g) {
    const check::GradientCheck checker = check_all(penalised, g);
    fmt::print("\n--- No bug\n\n{}", table(checker));
    fmt::print("\nAll gradients of the two-layer net: {}\n",
               checker.passed() ? "passed" : "FAILED");
    check::require_passed(checker);
}

} // namespace bugs

// @output to end
