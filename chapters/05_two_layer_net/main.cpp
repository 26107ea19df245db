#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/data/spiral.hpp>
#include <handgrad/error.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/tensor/random.hpp>

#include "model.hpp"

using namespace handgrad;

using Net = SpiralNet<Cpu<double>>;

// What the lecture prints. Its seed is not given, so its points and its first weights are others than ours.
const std::map<int, double> lecture{{1000, 0.4045}, {2000, 0.2635}, {3000, 0.2561}, {4000, 0.2541},
                                    {5000, 0.2526}, {6000, 0.2520}, {7000, 0.2516}, {8000, 0.2513},
                                    {9000, 0.2511}, {10000, 0.2510}};

// ## The rival
//
// The linear classifier of chapter 04, in its shortest form: the same loss, one layer less.
struct LinearClassifier {
    Tensor<double> w, b; // (D, K), (K)
    double reg;
    Tensor<double> u, p, du, dw, db;

    const Tensor<double>& scores(const Tensor<double>& x) {
        cpu::linear_forward(x, w, b, u);
        return u;
    }
    double forward(const Tensor<double>& x, const Labels& y) {
        scores(x);
        return cpu::cross_entropy_forward(u, y, p) + cpu::l2_penalty_forward(w, reg);
    }
    void backward(const Tensor<double>& x, const Labels& y) {
        cpu::cross_entropy_backward(p, y, du);
        cpu::linear_backward_weight(x, du, dw);
        cpu::linear_backward_bias(du, db);
        cpu::l2_penalty_backward(w, reg, dw, Accumulate::yes);
    }
    void step(double lr) {
        Net::descend(w, dw, lr);
        Net::descend(b, db, lr);
    }
};

// ## Gradient descent
//
// One function trains both: all that it asks of a model is `forward`, `backward` and `step`. It returns the loss before
// each step and after the last.
template <class Model>
std::vector<double> train(Model& model, const data::Spiral& spiral, int iterations, double lr) {
    std::vector<double> losses;
    losses.reserve(static_cast<std::size_t>(iterations) + 1);
    for (int i = 0;; ++i) {
        losses.push_back(model.forward(spiral.x, spiral.y));
        if (!std::isfinite(losses.back())) {
            throw DivergenceError(
                fmt::format("the training loss is {} at iteration {}: the step is too large; try a "
                            "smaller one than --lr {}, or a smaller --reg than {}",
                            losses.back(), i, lr, model.reg));
        }
        if (i == iterations) { return losses; }
        model.backward(spiral.x, spiral.y);
        model.step(lr);
    }
}

// ## Are the gradients right?
//
// The same template, filled with complex numbers, computes the loss for the checker. `copy_of` makes such a net from
// ours.
using Complex = std::complex<double>;
using ComplexNet = SpiralNet<Reference<Complex>>;

ComplexNet copy_of(const Net& net) {
    ComplexNet copy;
    copy.w1 = check::cast<Complex>(net.w1);
    copy.b1 = check::cast<Complex>(net.b1);
    copy.w2 = check::cast<Complex>(net.w2);
    copy.b2 = check::cast<Complex>(net.b2);
    copy.reg = net.reg;
    return copy;
}

// For each parameter in turn: put the checker's values in its place, leave all else as it is, and evaluate the loss.
check::GradientCheck check_gradients(const Net& net, const Tensor<double>& x, const Labels& y) {
    const auto complex_x = check::cast<Complex>(x);
    const auto loss_of = [&](Tensor<Complex> ComplexNet::*parameter) {
        return [&, parameter](const auto& value) {
            ComplexNet changed = copy_of(net);
            changed.*parameter = value;
            return changed.forward(complex_x, y);
        };
    };
    check::GradientCheck checker;
    checker.wrt("w1", net.w1, net.dw1, loss_of(&ComplexNet::w1));
    checker.wrt("b1", net.b1, net.db1, loss_of(&ComplexNet::b1));
    checker.wrt("w2", net.w2, net.dw2, loss_of(&ComplexNet::w2));
    checker.wrt("b2", net.b2, net.db2, loss_of(&ComplexNet::b2));
    return checker;
}

// ## Pictures
//
// As in chapter 04: classify all points of a fine grid, colour it by class, and draw the data over it.
template <class Model>
plot::Figure draw_regions(const std::string& title, const data::Spiral& spiral, Model& model) {
    const Tensor<double> axis = data::linspace(-1.25, 1.25, 251);
    auto grid = zeros<double>({axis.size() * axis.size(), 2});
    for (std::size_t i = 0; i < grid.shape(0); ++i) {
        grid(i, 0) = axis(i % axis.size());
        grid(i, 1) = axis(i / axis.size());
    }
    const Tensor<double>& u = model.scores(grid);
    std::vector<std::int64_t> classes;
    for (std::size_t i = 0; i < u.shape(0); ++i) {
        const double* row = u.data() + i * u.shape(1);
        classes.push_back(std::max_element(row, row + u.shape(1)) - row);
    }
    std::vector<double> x1, x2;
    for (std::size_t n = 0; n < spiral.x.shape(0); ++n) {
        x1.push_back(spiral.x(n, 0));
        x2.push_back(spiral.x(n, 1));
    }
    plot::Figure figure;
    figure.title(title).x_label("first coordinate").y_label("second coordinate").equal_axes();
    figure.x_range(-1.25, 1.25).y_range(-1.25, 1.25).legend(plot::Legend::below);
    figure.regions(axis, axis, classes).scatter(x1, x2, spiral.y);
    return figure;
}

// Both losses over the iterations, on a logarithmic axis, since most happens early.
plot::Figure draw_losses(const std::vector<double>& linear, const std::vector<double>& two_layer) {
    plot::Figure figure;
    figure.title("Training loss on the spiral").x_label("iteration").y_label("loss [nats]").x_log();
    const auto add = [&figure](const std::string& name, const std::vector<double>& losses) {
        std::vector<double> x, y;
        for (std::size_t i = 1; i < losses.size();
             i = std::max(i + 1, static_cast<std::size_t>(1.01 * static_cast<double>(i)))) {
            x.push_back(static_cast<double>(i));
            y.push_back(losses[i]);
        }
        figure.line(name, x, y);
    };
    add("linear classifier", linear);
    add("two-layer net", two_layer);
    return figure;
}

int main(int argc, char** argv) {
    // The defaults are the lecture's: 100 hidden units, steps of size 1, a penalty of strength 0.001, 10,000
    // iterations.
    app::Program program("05_two_layer_net", "A two-layer net on the spiral, by hand");
    app::Options& options = program.options();
    options.lr = 1.0;
    program.take({"--lr"});
    std::size_t hidden = 100, points = 100;
    double reg = 1e-3;
    int iterations = 10000;
    program.option("--hidden", hidden, 1, 10000, "units in the hidden layer");
    program.option("--reg", reg, 0.0, 1000.0, "strength of the penalty on the weights");
    program.option("--points", points, 2, 100000, "points in each arm of the spiral");
    program.option("--iterations", iterations, 1, 1000000, "steps of gradient descent");

    return program.main(argc, argv, [&] {
        // ## The gradients, proved
        //
        // Before we train, we check, on a small net with random weights of a decent size: 2 inputs, 7 hidden units, 3
        // classes, the first points of each arm. (At the small weights that training starts from, a wrong penalty would
        // hardly show.) It is the code that is about to be trained, in `model.hpp`; only the sizes are others.
        const std::size_t D = 2, K = 3;
        {
            NumpyRandom random(options.seed);
            const data::Spiral few = data::make_spiral(random, 5);
            Net net;
            net.w1 = random.randn({D, 7});
            net.b1 = random.randn({7});
            net.w2 = random.randn({7, K});
            net.b2 = random.randn({K});
            net.reg = 0.1;
            net.forward(few.x, few.y);
            net.backward(few.x, few.y);
            const check::GradientCheck checker = check_gradients(net, few.x, few.y);
            fmt::print("Gradients against the complex step\n");
            for (const check::Report& report : checker.reports()) {
                fmt::print("  {} {}: {} entries compared, {}\n", report.name,
                           to_string(report.shape), report.compared,
                           report.passed() ? "passed" : "FAILED");
            }
            program.result("gradients_checked", checker.passed());
        }

        // ## Two models, one spiral
        //
        // The points are chapter 04's. From there both models go on in the same stream of random numbers (a copy of
        // the stream, so that neither takes numbers away from the other): the linear classifier has the first weights
        // that it had in chapter 04, and the net has those of a NumPy program that draws spiral, w1, w2 in this order.
        NumpyRandom random(options.seed);
        const data::Spiral spiral = data::make_spiral(random, points);
        NumpyRandom same_place = random;
        LinearClassifier linear{
            0.01 * same_place.randn({D, K}), zeros<double>({K}), reg, {}, {}, {}, {}, {}};
        Net net = initial_net(D, hidden, K, reg, random);
        fmt::print("\nParameters: linear {}, two-layer {}\n", linear.w.size() + linear.b.size(),
                   net.w1.size() + net.b1.size() + net.w2.size() + net.b2.size());

        // The weights are small again, so all scores are nearly zero, and both losses start at $\log 3 = 1.0986$. With
        // two small factors one after the other, the net's scores are smaller still: it starts even closer.
        const std::vector<double> linear_losses = train(linear, spiral, iterations, options.lr);
        const auto start = std::chrono::steady_clock::now();
        const std::vector<double> losses = train(net, spiral, iterations, options.lr);
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;

        // ## Side by side
        //
        // The lecture prints four decimals, and there is a reason not to print more: with steps of size 1, later
        // decimals depend on how the computer rounds, as the results section explains.
        fmt::print(
            "\nLoss (log 3 = {:.4f})\n\n  iteration   linear   two-layer   lecture, two-layer\n",
            std::log(3.0));
        const int interval = std::max(1, iterations / 10);
        std::vector<double> at, linear_at, net_at;
        for (int i = 0; i <= iterations; ++i) {
            if (i % interval != 0 && i != iterations) { continue; }
            const auto n = static_cast<std::size_t>(i);
            const auto printed = lecture.find(i);
            fmt::print("  {:9}   {:.4f}   {:.4f}{}\n", i, linear_losses[n], losses[n],
                       printed == lecture.end() ? ""
                                                : fmt::format("      {:.4f}", printed->second));
            at.push_back(i);
            linear_at.push_back(linear_losses[n]);
            net_at.push_back(losses[n]);
        }
        fmt::print("\nTime of the net's training: {} s, {} us an iteration\n",
                   app::about(time.count(), ".2f"),
                   app::about(1e6 * time.count() / iterations, ".0f"));

        // ## How many are right?
        //
        // Guessing would be right for a third.
        const auto accuracy = [&](auto& model) {
            const std::size_t correct = cpu::count_correct(model.scores(spiral.x), spiral.y);
            return static_cast<double>(correct) / static_cast<double>(spiral.y.size());
        };
        fmt::print("\nTraining accuracy: linear {:.4f}, two-layer {:.4f}\n", accuracy(linear),
                   accuracy(net));

        // The scores of the linear classifier are linear functions, so its regions are cut out by straight lines. Each
        // hidden unit of the net switches on along a line of its own, and between these lines the scores are linear:
        // the boundary is a polygon with as many corners as it needs to follow the arms.
        program.result("iterations", at);
        program.result("linear_losses", linear_at);
        program.result("two_layer_losses", net_at);
        program.result("linear_accuracy", accuracy(linear));
        program.result("two_layer_accuracy", accuracy(net));
        for (const auto& saved :
             {plot::save_side_by_side({draw_regions("Linear classifier", spiral, linear),
                                       draw_regions("Two-layer net", spiral, net)},
                                      program.output(""), "boundaries"),
              draw_losses(linear_losses, losses).save(program.output(""), "losses")}) {
            if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
        }
    });
}
