#pragma once
// ## Six optimisers in a valley
//
// We look at the optimisers on a loss with two parameters, the valley of chapter 07,
// $$L(w) = \tfrac12 \left( w_0^2 + 20\, w_1^2 \right), \qquad dw = (w_0,\; 20\, w_1),$$
// from the same start, $w = (-10, 1.5)$. The optimisers are those of the library.
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/rmsprop.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/figure.hpp>

namespace paths {

namespace optim = handgrad::optim;
using Backend = handgrad::Cpu<double>;
using Parameter = handgrad::nn::Parameter<Backend>;
using Optimizer = optim::Optimizer<Backend>;
using Make = std::function<std::unique_ptr<Optimizer>(std::vector<Parameter*>)>;

// ### Three valleys
//
// The valley of chapter 07 has the curvature 20 across. A second one is a hundred times as steep
// across, 2,000. The third is the first one, turned by 45 degrees: its loss at $w$ is that of the
// straight valley at $w$ turned back, and its gradient is that of the straight valley, turned.
constexpr int steps = 60;

struct Valley {
    double across = 20; // the curvature in the direction of w_1
    double angle = 0;
    static std::pair<double, double> turned(double a, double b, double by) {
        const double c = std::cos(by), s = std::sin(by);
        return {c * a - s * b, s * a + c * b};
    }
    double loss(double w0, double w1) const {
        const auto [along, over] = turned(w0, w1, -angle);
        return 0.5 * (along * along + across * over * over);
    }
    std::pair<double, double> gradient(double w0, double w1) const {
        const auto [along, over] = turned(w0, w1, -angle);
        return turned(along, across * over, angle);
    }
};

// ### A path
//
// The points before and after each step of an optimiser.
struct Path {
    std::string name;
    std::vector<double> w0 = {}, w1 = {};
    double distance() const { return std::hypot(w0.back(), w1.back()); }
};

inline Path walk(const std::string& name, const Make& make,
                 const Valley& valley) {
    const auto start = valley.turned(-10, 1.5, valley.angle);
    Parameter w{{start.first, start.second}, {0.0, 0.0}};
    const auto optimizer = make({&w});
    Path path{name};
    for (int t = 0; t <= steps; ++t) {
        path.w0.push_back(w.value(0));
        path.w1.push_back(w.value(1));
        const auto dw = valley.gradient(w.value(0), w.value(1));
        w.grad(0) = dw.first;
        w.grad(1) = dw.second;
        optimizer->step();
    }
    return path;
}

// ### The rules
//
// Plain SGD makes a step along the gradient. Momentum and Nesterov's momentum keep a velocity.
// RMSprop divides the gradient of each parameter by the root of a running mean of its squares. Adam
// does the same with a running mean of the gradient, and corrects both means for their start at 0.
// AdamW also shrinks the parameter by a factor of $1 - \eta \lambda$.
//
// The first three need a learning rate that fits the steep direction: here it is a constant divided
// by the curvature across, 0.09 for plain SGD in the first valley. The other three have the same
// learning rate in all valleys.
inline std::vector<std::pair<std::string, Make>> rules(double across) {
    const auto sgd = [&](double lr, double momentum, bool nesterov) -> Make {
        return [=, lr = lr / across](std::vector<Parameter*> w) {
            handgrad::SgdOptions options;
            options.lr = lr;
            options.momentum = momentum;
            options.nesterov = nesterov;
            return std::make_unique<optim::SGD<Backend>>(std::move(w), options);
        };
    };
    const Make rmsprop = [](std::vector<Parameter*> w) {
        handgrad::RMSpropOptions options;
        options.lr = 0.3;
        options.alpha = 0.9;
        return std::make_unique<optim::RMSprop<Backend>>(std::move(w), options);
    };
    const auto adam = [](double decay) -> Make {
        return [=](std::vector<Parameter*> w) {
            handgrad::AdamOptions options;
            options.lr = 0.5;
            options.weight_decay = decay;
            options.decoupled_weight_decay = decay > 0;
            return std::make_unique<optim::Adam<Backend>>(std::move(w),
                                                          options);
        };
    };
    return {{"SGD", sgd(1.8, 0, false)},
            {"momentum", sgd(0.6, 0.8, false)},
            {"Nesterov", sgd(0.6, 0.8, true)},
            {"RMSprop", rmsprop},
            {"Adam", adam(0)},
            {"AdamW", adam(0.05)}};
}

// ### The first step
//
// <details class="predict"><summary>Predict: the gradient at the start is (-10, 30). What are the first steps of SGD with a learning rate of 0.09, and of Adam with 0.5?</summary>
//
// SGD moves by $-\eta\, dw = (0.9, -2.7)$. After Adam's corrections the two means of the first step
// are $dw$ and $dw^2$, so it moves by $-\eta\, dw / |dw|$ in each parameter, $(0.5, -0.5)$: the
// learning rate with the opposite sign of the gradient. The size of the gradient does not matter.
//
// </details>
inline void show_first_steps(const std::vector<Path>& all) {
    fmt::print("The first step from (-10, 1.5), where dw = (-10, 30)\n\n");
    for (const Path& path : all) {
        fmt::print("  {:9} ({:6.4f}, {:7.4f})\n", path.name,
                   path.w0[1] - path.w0[0], path.w1[1] - path.w1[0]);
    }
}

// @output to "AdamW     ("
//
// AdamW moves $w_0$ by 0.75, Adam's 0.5 and $\eta \lambda \cdot 10 = 0.25$ of decay.
//
// ### 60 steps
//
// <details class="predict"><summary>Predict: the second valley is a hundred times as steep across, the third is turned by 45 degrees. Which optimisers notice which of the two?</summary>
//
// SGD and both momenta notice the steepness: their learning rates are a hundred times smaller, and
// along the valley they hardly move. Turning does not matter to them, because the gradient turns
// with the valley. The others divide each gradient by its own size: all gradients of $w_1$ a hundred
// times as large give the same steps, to the last digit shown. But they work parameter by parameter,
// so they notice that the axes of the valley are no longer those of the parameters.
//
// </details>
inline void show_table(handgrad::app::Program& program) {
    const double quarter = std::acos(0.0) / 2; // 45 degrees
    const std::vector<Valley> valleys = {{20, 0}, {2000, 0}, {20, quarter}};
    std::vector<std::vector<double>> distances;
    fmt::print("\nDistance from the minimum after {} steps\n\n  {:9}  "
               "{:>12}  {:>14}  {:>20}\n",
               steps, "", "curvature 20", "curvature 2000",
               "20, turned 45 degrees");
    for (std::size_t i = 0; i < rules(1).size(); ++i) {
        std::vector<double> row;
        for (const Valley& valley : valleys) {
            const auto [name, make] = rules(valley.across)[i];
            row.push_back(walk(name, make, valley).distance());
        }
        fmt::print("  {:9}  {:12.4f}  {:14.4f}  {:21.4f}\n", rules(1)[i].first,
                   row[0], row[1], row[2]);
        distances.push_back(row);
    }
    program.result("distances", distances);
}

inline void draw(const handgrad::app::Program& program,
                 const std::vector<Path>& all, const Valley& valley) {
    std::vector<double> w0, w1, losses;
    for (int i = 0; i <= 140; ++i) { w0.push_back(-11 + 0.1 * i); }
    for (int j = 0; j <= 80; ++j) { w1.push_back(-2 + 0.05 * j); }
    for (const double second : w1) {
        for (const double first : w0) {
            losses.push_back(valley.loss(first, second));
        }
    }
    handgrad::plot::Figure figure;
    figure.title("60 steps of six optimisers").x_label("w_0").y_label("w_1");
    figure.contour(w0, w1, losses, {1, 5, 15, 30, 50, 75});
    for (const Path& path : all) {
        figure.line_points(path.name, path.w0, path.w1);
    }
    const auto saved = figure.save(program.output(""), "paths");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// @output to "AdamW      "
//
// ![60 steps of the six optimisers in the valley with curvature 20, from the left to the minimum at (0, 0). Plain SGD jumps across the valley; momentum calms down; RMSprop and Adam begin with a diagonal.](paths.svg)
//
// In the first valley a well chosen plain step is as good as any. The minimum is at 0, where weight
// decay pulls anyway, so the lead of AdamW over Adam says nothing here. None of the adaptive ones
// settles by itself, because their steps keep a length of about $\eta$ until the signs of the
// gradients change. That is why the learning rate is lowered at the end of a training.
//
// ## Decay is not a penalty
//
// For plain SGD, weight decay and the L2 penalty are the same: both subtract $\eta \lambda w$. Adam
// with an L2 penalty adds $\lambda w$ to the gradient and then divides by the gradient's size, so a
// weight with large gradients decays less. AdamW shrinks all weights alike, beside the step
// (Loshchilov, Hutter 2019).
//
// We try both on two weights that start at 1. Their gradients are noise: of the size 100 for one,
// 0.01 for the other, with changing signs, so that without decay nothing happens in the long run.
//
// <details class="predict"><summary>Predict: $\eta = 0.01$ and $\lambda = 0.1$. What is left of each weight after 100 steps of AdamW, and of Adam with the penalty?</summary>
//
// AdamW leaves $(1 - \eta\lambda)^{100} = 0.999^{100} = 0.905$ of what both are without decay. With
// the penalty the first weight hardly decays: $\lambda w$ is a thousandth of its gradients, so it
// loses a thousandth of a step of 0.01 each time, 0.001 in 100 steps. For the second weight the
// penalty is ten times as large as the noise. Adam begins with full steps of 0.01 towards 0, and
// takes shorter ones when the weight, and with it the penalty, gets smaller. Most of the weight is
// lost.
//
// </details>
inline void compare_decay(handgrad::app::Program& program) {
    fmt::print("\nTwo weights that start at 1, after 100 steps with lr 0.01, "
               "weight decay 0.1\n\n");
    const std::vector<std::pair<std::string, double>> ways = {
        {"Adam without decay", 0},
        {"Adam with an L2 penalty", 0.1},
        {"AdamW", 0.1}};
    for (const auto& [name, decay] : ways) {
        Parameter w{{1.0, 1.0}, {0.0, 0.0}};
        handgrad::AdamOptions options;
        options.lr = 0.01;
        options.weight_decay = decay;
        options.decoupled_weight_decay = name == "AdamW";
        optim::Adam<Backend> optimizer({&w}, options);
        for (int t = 0; t < 100; ++t) {
            const double sign = t % 4 == 0 || t % 4 == 3 ? 1 : -1; // + - - +
            w.grad(0) = 100 * sign;
            w.grad(1) = 0.01 * sign;
            optimizer.step();
        }
        fmt::print("  {:23}  gradients of 100: {:6.4f}   of 0.01: {:6.4f}\n",
                   name, w.value(0), w.value(1));
        program.result(fmt::format("{}, two weights", name), w.value);
    }
    fmt::print("\n");
}

// @output to "AdamW                    gradients"
inline void compare(handgrad::app::Program& program) {
    const Valley valley;
    std::vector<Path> all;
    for (const auto& [name, make] : rules(valley.across)) {
        all.push_back(walk(name, make, valley));
    }
    show_first_steps(all);
    show_table(program);
    draw(program, all, valley);
    compare_decay(program);
}

} // namespace paths
