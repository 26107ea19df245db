#pragma once
// ## In a valley, seen from above
//
// A network has too many parameters for a map. A map needs two, so we take a loss with two
// parameters that is as simple as possible and still difficult for gradient descent:
// $$L(w) = \tfrac12 \left( w_0^2 + 20\, w_1^2 \right), \qquad
//   dw = (w_0,\; 20\, w_1).$$
// It is a long valley. Across the valley, in the direction of $w_1$, the curvature is 20; along the
// valley it is 1. (These are the two eigenvalues of the matrix of second derivatives.) A plain step
// multiplies $w_0$ by $1 - \eta$ and $w_1$ by $1 - 20\eta$. For $\eta > 0.1$ the second factor is
// less than -1 and the path leaves the valley. So the steep direction limits the learning rate, and
// the flat direction pays for it: with $\eta = 0.09$ each step leaves 91 percent of $w_0$.

#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/plot/figure.hpp>

namespace valley {

constexpr double across = 20; // the curvature in the direction of w_1

inline double loss(double w0, double w1) {
    return 0.5 * (w0 * w0 + across * w1 * w1);
}

// The points of 30 steps. With $\beta = 0$ this is plain SGD.
struct Path {
    std::vector<double> w0, w1;
    double distance() const { return std::hypot(w0.back(), w1.back()); }
};

inline Path descend(double lr, double beta) {
    std::array<double, 2> w = {-10, 1.5}, v = {0, 0};
    Path path{{w[0]}, {w[1]}};
    for (int t = 0; t < 30; ++t) {
        const std::array<double, 2> dw = {w[0], across * w[1]};
        for (const std::size_t i : {0, 1}) {
            v[i] = beta * v[i] + dw[i];
            w[i] -= lr * v[i];
        }
        path.w0.push_back(w[0]);
        path.w1.push_back(w[1]);
    }
    return path;
}

// The map shows contour lines of the loss and both paths.
inline void draw(const handgrad::app::Program& program, const Path& plain,
                 const Path& momentum) {
    std::vector<double> w0, w1, losses;
    for (int i = 0; i <= 140; ++i) { w0.push_back(-11 + 0.1 * i); }
    for (int j = 0; j <= 80; ++j) { w1.push_back(-2 + 0.05 * j); }
    for (const double second : w1) {
        for (const double first : w0) { losses.push_back(loss(first, second)); }
    }
    handgrad::plot::Figure figure;
    figure.title("30 steps in a valley").x_label("w_0").y_label("w_1");
    figure.contour(w0, w1, losses, {1, 5, 15, 30, 50, 75});
    figure.line_points("plain SGD", plain.w0, plain.w1)
        .line_points("momentum", momentum.w0, momentum.w1);
    const auto saved = figure.save(program.output(""), "valley");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// Momentum may use the same learning rate. Across the valley the gradients change their sign with
// each step and cancel in the velocity; along the valley they add up to $dw / (1 - \beta)$.
//
// <details class="predict"><summary>Predict: how far from the minimum is w_0 = -10 after 30 plain steps of 0.09?</summary>
//
// Each step leaves 91 percent, so $10 \cdot 0.91^{30} = 0.59$ is left.
//
// </details>
inline void walk(handgrad::app::Program& program) {
    const double lr = 0.09, beta = 0.6;
    const Path plain = descend(lr, 0), momentum = descend(lr, beta);
    fmt::print("\nIn a valley, 30 steps of lr {}: distance from the minimum "
               "{:.4f}, with momentum {} {:.4f}\n",
               lr, plain.distance(), beta, momentum.distance());
    draw(program, plain, momentum);
    program.result("valley_distance_plain", plain.distance());
    program.result("valley_distance_momentum", momentum.distance());
}

} // namespace valley

// @output to "In a valley"
//
// ![Plain SGD jumps from one side of the valley to the other and creeps along it; momentum with the same learning rate calms down across the valley and gathers speed along it.](valley.svg)
//
// Every run ends by saying where its figures are and what comes next.
//
// @output to end
