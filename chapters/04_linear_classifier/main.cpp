#include <algorithm>
#include <cmath>
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

// ## Two helpers
//
// We are going to write the formulas of the introduction as array expressions. xtensor gives us arithmetic, `exp` and
// sums; the matrix product is the one thing that it leaves to others, so here is its definition,
// $c_{ij} = \sum_k a_{ik} b_{kj}$. Chapter 03 has shown that this is no way to compute a large one.
Tensor<double> matmul(const Tensor<double>& a, const Tensor<double>& b) {
    auto c = zeros<double>({a.shape(0), b.shape(1)});
    for (std::size_t i = 0; i < c.shape(0); ++i) {
        for (std::size_t j = 0; j < c.shape(1); ++j) {
            for (std::size_t k = 0; k < a.shape(1); ++k) { c(i, j) += a(i, k) * b(k, j); }
        }
    }
    return c;
}

Tensor<double> transpose(const Tensor<double>& a) {
    auto t = zeros<double>({a.shape(1), a.shape(0)});
    for (std::size_t i = 0; i < a.shape(0); ++i) {
        for (std::size_t j = 0; j < a.shape(1); ++j) { t(j, i) = a(i, j); }
    }
    return t;
}

// And one number for "are these two arrays the same?": the largest difference of two entries.
double largest_difference(const Tensor<double>& a, const Tensor<double>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
    }
    return largest;
}

// What the lecture prints. Its seed is not given, so its points and its first weights are others than ours.
const std::map<int, double> lecture{
    {10, 0.9134}, {20, 0.8324}, {50, 0.7651}, {100, 0.7475}, {200, 0.7441}};

// ## Pictures
//
// The points, each class with its own colour and marker. The name of a figure's file is its stem: spiral.svg,
// spiral.png, the numbers behind it in spiral.csv.
plot::Figure draw_points(const std::string& title, const data::Spiral& spiral) {
    std::vector<double> x1, x2;
    for (std::size_t n = 0; n < spiral.x.shape(0); ++n) {
        x1.push_back(spiral.x(n, 0));
        x2.push_back(spiral.x(n, 1));
    }
    plot::Figure figure;
    figure.title(title).x_label("first coordinate").y_label("second coordinate").equal_axes();
    figure.x_range(-1.25, 1.25).y_range(-1.25, 1.25).legend(plot::Legend::below);
    figure.scatter(x1, x2, spiral.y);
    return figure;
}

// A classifier divides the plane: each point belongs to the class with the largest score. To draw its regions we
// classify all points of a fine grid, as if they were a batch of data.
plot::Figure draw_regions(const std::string& title, const data::Spiral& spiral,
                          const LinearClassifier& model) {
    const Tensor<double> axis = data::linspace(-1.25, 1.25, 251);
    auto grid = zeros<double>({axis.size() * axis.size(), 2});
    for (std::size_t i = 0; i < grid.shape(0); ++i) {
        grid(i, 0) = axis(i % axis.size());
        grid(i, 1) = axis(i / axis.size());
    }
    const Tensor<double> u = cpu::linear_forward(grid, model.w, model.b);
    std::vector<std::int64_t> classes;
    for (std::size_t i = 0; i < u.shape(0); ++i) {
        const double* row = u.data() + i * u.shape(1);
        classes.push_back(std::max_element(row, row + u.shape(1)) - row);
    }
    return draw_points(title, spiral).regions(axis, axis, classes);
}

void save(const app::Program& program, const plot::Figure& figure, const std::string& stem) {
    const auto saved = figure.save(program.output(""), stem);
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

int main(int argc, char** argv) {
    // The defaults are the lecture's: steps of size 1, a penalty of strength 0.001, 200 iterations.
    app::Program program("04_linear_classifier", "A linear classifier on the spiral, by hand");
    app::Options& options = program.options();
    options.lr = 1.0;
    program.take({"--lr"});
    double reg = 1e-3;
    std::size_t points = 100;
    int iterations = 200;
    program.option("--reg", reg, 0.0, 1000.0, "strength of the penalty on the weights");
    program.option("--points", points, 2, 100000, "points in each arm of the spiral");
    program.option("--iterations", iterations, 1, 1000000, "steps of gradient descent");

    return program.main(argc, argv, [&] {
        // ## The data
        //
        // Three arms of 100 points, each turning through 4 radians and starting where the one before it ends. The
        // stream of random numbers is NumPy's for the same seed, so a NumPy program that starts with
        // `np.random.seed(0)` draws the same points, and then the same weights.
        NumpyRandom random(options.seed);
        const data::Spiral spiral = data::make_spiral(random, points);
        const Tensor<double>& x = spiral.x;
        const Labels& y = spiral.y;
        const std::size_t N = x.shape(0), D = x.shape(1), K = 3;
        fmt::print("{} points x {}, classes y {}\n", N, to_string(x.shape()), to_string(y.shape()));
        save(program, draw_points("The spiral", spiral), "spiral");

        // ## The first weights
        //
        // The lecture says that W is drawn from a standard normal distribution; its code then multiplies by 0.01, and
        // so do we. The factor matters: with small weights all scores are nearly zero, no class is preferred, and the
        // loss starts where we can predict it. The biases start at zero.
        LinearClassifier model(D, K, reg, random);
        const Tensor<double>& w = model.w;
        const Tensor<double>& b = model.b;

        // ## The loss, as it stands on the slides
        //
        // Scores, exponentials, their sums along each row, probabilities. Each line is one array expression, and its
        // result has a name and a shape. (An array that is used by a later expression gets a variable of its own:
        // xtensor computes lazily, and what is lazy is computed again, or too late.)
        const Tensor<double> u = matmul(x, w) + b;                   // (N, K)
        const Tensor<double> e = xt::exp(u);                         // (N, K)
        const Tensor<double> total = xt::sum(e, {1}, xt::keep_dims); // (N, 1)
        const Tensor<double> p = e / total;                          // (N, K)

        // The mean of $-\log p_{n y_n}$, and the penalty. The lecture's text describes the penalty as the squares of W
        // and b; its code takes W only, with a factor one half, and so do we. The half cancels the 2 of the derivative;
        // and a bias only shifts the scores, which is no complexity that would have to be paid for.
        double data_loss = 0;
        for (std::size_t n = 0; n < N; ++n) { data_loss -= std::log(p(n, y(n))); }
        data_loss /= static_cast<double>(N);
        double penalty = 0;
        for (const double weight : w) { penalty += 0.5 * reg * weight * weight; }

        // What do we expect? Three classes of equal standing have the probability 1/3 each, so the loss should be close
        // to $-\log \frac13 = \log 3 = 1.0986$, whatever the labels are. Not exactly, because the weights are not
        // exactly zero. And the penalty is $0.0005$ times six squares of about $0.01$: three ten-millionths.
        fmt::print("\nWritten out, before training\n");
        fmt::print("  loss of the data  {:.6f}   (log 3 = {:.6f})\n", data_loss, std::log(3.0));
        fmt::print("  penalty           {:.1e}\n", penalty);

        // ## The gradient, as it stands on the slides
        //
        // $\partial L / \partial u_{nk} = (p_{nk} - 1[k = y_n]) / N$: copy the probabilities, subtract one at the true
        // class, divide by the number of points.
        Tensor<double> du = p; // (N, K)
        for (std::size_t n = 0; n < N; ++n) { du(n, y(n)) -= 1; }
        du /= static_cast<double>(N);

        // Then $dw = x^\top du + \lambda w$ and $db_k = \sum_n du_{nk}$. The lecture writes "$du/dW = X^\top$", which
        // is shorthand: the derivative of a matrix by a matrix has four indices. The introduction has the sum over all
        // of them; what remains of it is this product.
        const Tensor<double> dw = matmul(transpose(x), du) + reg * w; // (D, K)
        const Tensor<double> db = xt::sum(du, {0});                   // (K)
        fmt::print("\n  dw   {:9.6f} {:9.6f} {:9.6f}\n", dw(0, 0), dw(0, 1), dw(0, 2));
        fmt::print("       {:9.6f} {:9.6f} {:9.6f}\n", dw(1, 0), dw(1, 1), dw(1, 2));
        fmt::print("  db   {:9.6f} {:9.6f} {:9.6f}\n", db(0), db(1), db(2));

        // A first test needs no tool. The probabilities of a point sum to one, and so does its $1[k = y]$; hence each
        // row of $du$ sums to zero, and so does $db$: what one class gains the others lose.
        fmt::print("  db sums to zero: {}\n",
                   std::abs(db(0) + db(1) + db(2)) < 1e-14 ? "yes" : "NO");

        // ## The gradient, proved
        //
        // That the formulas look right proves nothing. The checker differentiates the loss numerically, by the complex
        // step that chapter 06 is about, with errors of the order of rounding. All that it needs is the loss as a
        // function of the parameter in question, written so that it can be evaluated with complex numbers: the
        // library's reference operations can.
        const auto loss_of = [&](const auto& w_, const auto& b_) {
            const auto scores = reference::linear_forward(check::cast_like(w_, x), w_, b_);
            return reference::cross_entropy_forward(scores, y) +
                   reference::l2_penalty_forward(w_, reg);
        };
        check::GradientCheck checker;
        checker.wrt("w", w, dw,
                    [&](const auto& w_) { return loss_of(w_, check::cast_like(w_, b)); });
        checker.wrt("b", b, db,
                    [&](const auto& b_) { return loss_of(check::cast_like(b_, w), b_); });
        fmt::print("\nAgainst the complex step\n");
        for (const check::Report& report : checker.reports()) {
            fmt::print("  {} {}: {} entries compared, {}\n", report.name, to_string(report.shape),
                       report.compared, report.passed() ? "passed" : "FAILED");
        }

        // ## The same by the library
        //
        // `LinearClassifier` in `model.hpp` consists of the library's operations: linear, softmax cross-entropy, the L2
        // penalty, each with a forward and a backward. They do the same sums in another order (and subtract the largest
        // score before `exp`, so that nothing can overflow), so the results may differ in the last digit or two, by
        // some $10^{-16}$, and not by more.
        const double loss = model.forward(x, y);
        model.backward(x, y);
        const double difference =
            std::max({largest_difference(model.u, u), largest_difference(model.p, p),
                      largest_difference(model.du, du), largest_difference(model.dw, dw),
                      largest_difference(model.db, db), std::abs(loss - (data_loss + penalty))});
        fmt::print("\nThe library's loss, scores, probabilities and gradients differ from these by "
                   "{} at most\n",
                   app::about(difference, ".0e"));

        // ## Training
        //
        // Gradient descent on all points at once: forward, backward, a step against the gradient. Beside our losses we
        // print the lecture's at the iterations that it prints. The loss at iteration $i$ is the loss after $i$ steps.
        fmt::print("\n  iteration      loss   lecture\n");
        std::vector<double> steps, losses;
        for (int i = 0; i <= iterations; ++i) {
            const double current = model.forward(x, y);
            if (!std::isfinite(current)) {
                throw DivergenceError(fmt::format(
                    "the training loss is {} at iteration {}: the step is too large; try "
                    "a smaller one than --lr {}, or a smaller --reg than {}",
                    current, i, options.lr, reg));
            }
            if (i % 10 == 0 || i == iterations) {
                steps.push_back(i);
                losses.push_back(current);
            }
            const auto printed = lecture.find(i);
            if (printed != lecture.end()) {
                fmt::print("  {:9}  {:#8.6g}   {:.4f}\n", i, current, printed->second);
            } else if (i == 0 || i == iterations) {
                fmt::print("  {:9}  {:#8.6g}\n", i, current);
            }
            if (i < iterations) {
                model.backward(x, y);
                model.step(options.lr);
            }
        }

        // ## How many are right?
        //
        // The class that the model chooses is the one with the largest score. Guessing would be right for a third.
        const std::size_t correct = cpu::count_correct(model.u, y);
        const double accuracy = static_cast<double>(correct) / static_cast<double>(N);
        fmt::print("\nTraining accuracy: {:.4f} ({} of {})\n", accuracy, correct, N);
        save(program, draw_regions("Linear classifier", spiral, model), "regions");

        program.result("iterations", steps);
        program.result("losses", losses);
        program.result("gradients_checked", checker.passed());
        program.result("training_accuracy", accuracy);
    });
}
