// ## What we need
//
// From handgrad we take the frame of our programs, the spiral, the operations, the gradient
// checker, and figures. There are two implementations of the operations: `cpu` is fast, and
// `reference` accepts complex numbers. The classifier that we train is in `model.hpp`, shown after
// this program.
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
// We are going to write the formulas of the introduction as array expressions. xtensor provides
// arithmetic, `exp` and sums, but no matrix product. Here is its definition,
// $c_{mk} = \sum_i a_{mi} b_{ik}$. Chapter 03 has shown that this is a slow way to compute a large
// product.
Tensor<double> matmul(const Tensor<double>& a, const Tensor<double>& b) {
    auto c = zeros<double>({a.shape(0), b.shape(1)});
    for (std::size_t m = 0; m < c.shape(0); ++m) {
        for (std::size_t k = 0; k < c.shape(1); ++k) {
            for (std::size_t i = 0; i < a.shape(1); ++i) {
                c(m, k) += a(m, i) * b(i, k);
            }
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

// One number answers whether two arrays are the same: the largest difference of two entries.
double largest_difference(const Tensor<double>& a, const Tensor<double>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
    }
    return largest;
}

// ## The formulas, written out
//
// This struct is the introduction, line by line. `forward` computes the scores, their exponentials,
// the sum of the exponentials of each row, and the probabilities. Each line is one array
// expression, and its result has a name and a shape. (An array that a later expression uses gets a
// variable of its own: xtensor evaluates an expression only when it is assigned.)
struct WrittenOut {
    Tensor<double> w, b; // (D, K), (K): the parameters
    double reg = 0;      // lambda, the weight of the L2 penalty on w

    double L_data = 0, L_reg = 0;
    Tensor<double> z, p;       // (N, K): scores and probabilities
    Tensor<double> dz, dw, db; // gradients of L, with the shapes of z, w, b

    void forward(const Tensor<double>& x, const Labels& y) {
        z = matmul(x, w) + b;                                        // (N, K)
        const Tensor<double> e = xt::exp(z);                         // (N, K)
        const Tensor<double> total = xt::sum(e, {1}, xt::keep_dims); // (N, 1)
        p = e / total;                                               // (N, K)

        // The loss of the data is the mean of $-\log p_{n y_n}$. The penalty is
        // $\frac\lambda2 \sum w^2$; its one half cancels the 2 of the derivative. The biases are
        // not penalised: a bias shifts the scores of a class by a constant, and that does not make
        // the model more complex.
        L_data = 0;
        for (std::size_t n = 0; n < y.size(); ++n) {
            L_data -= std::log(p(n, y(n)));
        }
        L_data /= static_cast<double>(y.size());
        L_reg = 0;
        for (const double weight : w) { L_reg += 0.5 * reg * weight * weight; }
    }

    // `backward` begins with $\partial L / \partial z_{nk} = (p_{nk} - 1[k = y_n]) / N$: it copies
    // the probabilities, subtracts one at the true class, and divides by the number of points. Then
    // $dw = x^\top dz + \lambda w$ and $db_k = \sum_n dz_{nk}$.
    void backward(const Tensor<double>& x, const Labels& y) {
        dz = p;
        for (std::size_t n = 0; n < y.size(); ++n) { dz(n, y(n)) -= 1; }
        dz /= static_cast<double>(y.size());

        dw = matmul(transpose(x), dz) + reg * w;
        db = xt::sum(dz, {0});
    }
};

// ## The lesson at a glance
//
// The lesson is a class. `run()` is its table of contents: it calls one function for each section
// below, in the same order. The members hold what one section leaves for the next. The settings are
// read once and do not change.
struct Settings {
    double reg = 1e-3;        // lambda, the weight of the L2 penalty
    std::size_t points = 100; // in each arm of the spiral
    int iterations = 200;     // steps of gradient descent
};

class Lesson {
public:
    Lesson(app::Program& program_, const Settings& settings_)
        : program(program_), settings(settings_) {}

    void run() {
        show_data();
        compute_first_loss();
        compute_first_gradient();
        prove_gradient();
        compare_with_library();
        train();
        count_correct();
    }

private:
    void show_data() const;
    void compute_first_loss();
    void compute_first_gradient();
    void prove_gradient();
    void compare_with_library();
    void train();
    void count_correct();

    void require_finite(double loss, int iteration) const;
    plot::Figure draw_points(const std::string& title) const;
    plot::Figure draw_regions(const std::string& title) const;
    void save(const plot::Figure& figure, const std::string& stem) const;

    app::Program& program;
    const Settings settings;
    const app::Options& options = program.options(); // --seed, --lr, --out

    NumpyRandom random{options.seed};
    const data::Spiral spiral = data::make_spiral(random, settings.points);
    const Tensor<double>& x = spiral.x;                      // (N, D): points
    const Labels& y = spiral.y;                              // (N): classes
    const std::size_t N = x.shape(0), D = x.shape(1), K = 3; // classes
    LinearClassifier model{D, K, settings.reg, random};      // by the library
    WrittenOut by_hand; // by the formulas, with the same weights
};

// ## The data
//
// The spiral has three arms of 100 points. Each arm turns through 4 radians and starts where the
// one before it ends. The random numbers are NumPy's for the same seed, so a NumPy program that
// starts with `np.random.seed(0)` draws the same points, and then the same weights.
void Lesson::show_data() const {
    fmt::print("{} points x {}, classes y {}\n", N, to_string(x.shape()),
               to_string(y.shape()));
    save(draw_points("The spiral"), "spiral");
}

// @output to "300 points"
//
// ![The spiral: three arms, which start at the centre and wind around each other](spiral.svg)
//
// What to see: no straight line separates one arm from the other two. Near the centre the points of
// all arms lie on top of each other, and no classifier that knows only the coordinates can tell
// them apart.

// ## The first loss
//
// The weights start as normal random numbers times 0.01. The factor matters: with small weights all
// scores are nearly zero, no class is preferred, and we can predict the first loss. The biases
// start at zero.
//
// <details class="predict"><summary>Predict: how large is the loss before training?</summary>
//
// Each of the three classes has a probability of about 1/3, so the loss is close to
// $-\log \frac13 = \log 3 = 1.0986$, whatever the labels are. It is not exactly that, because the
// weights are not exactly zero. The penalty is 0.0005 times the sum of six squares of numbers of
// about 0.01, which is about $3 \cdot 10^{-7}$.
//
// </details>
void Lesson::compute_first_loss() {
    by_hand.w = model.w;
    by_hand.b = model.b;
    by_hand.reg = settings.reg;
    by_hand.forward(x, y);
    fmt::print("\nWritten out, before training\n");
    fmt::print("  L_data  {:.6f}   (log 3 = {:.6f})\n", by_hand.L_data,
               std::log(3.0));
    fmt::print("  L_reg   {:.1e}\n", by_hand.L_reg);
}

// @output to "L_reg"
//
// What to see: 1.0969 is close to $\log 3$. It is a little less because the weights are small, not
// zero, and happen to point in a good direction; with another seed it may be a little more. A
// program of this kind that starts elsewhere is wrong before it has learned anything.

// ## The first gradient
//
// A first test needs no tool. The probabilities of a point sum to one, and so does its
// $1[k = y_n]$. Hence each row of $dz$ sums to zero, and so does $db$: the score of one class goes
// up by as much as the others go down.
void Lesson::compute_first_gradient() {
    by_hand.backward(x, y);
    const Tensor<double>& dw = by_hand.dw;
    const Tensor<double>& db = by_hand.db;
    fmt::print("\n");
    for (const std::size_t i : {0, 1}) {
        fmt::print("  {:<4} {:9.6f} {:9.6f} {:9.6f}\n", i == 0 ? "dw" : "",
                   dw(i, 0), dw(i, 1), dw(i, 2));
    }
    fmt::print("  db   {:9.6f} {:9.6f} {:9.6f}\n", db(0), db(1), db(2));
    const bool zero = std::abs(db(0) + db(1) + db(2)) < 1e-14;
    fmt::print("  db sums to zero: {}\n", zero ? "yes" : "NO");
}

// @output to "db sums to zero"
//
// What to see: the gradient of the biases is about 0.0001, that of the weights up to 0.1. Each
// class has the same number of points and, at the start, nearly the same probability, so the biases
// have next to nothing to correct.

// ## The gradient, proved
//
// The formulas look right, but that proves nothing. The checker differentiates the loss numerically
// by the complex step, which chapter 06 explains, with errors of the size of rounding errors. It
// needs nothing but the loss as a function of the parameter in question. The function must accept
// complex numbers, and the library's reference operations do.
struct ReferenceLoss {
    const Tensor<double>& x;
    const Labels& y;
    double reg;

    template <class T>
    T operator()(const Tensor<T>& w, const Tensor<T>& b) const {
        const Tensor<T> points = check::cast_like(w, x);
        const Tensor<T> z = reference::linear_forward(points, w, b);
        return reference::cross_entropy_forward(z, y) +
               reference::l2_penalty_forward(w, reg);
    }
};

// At the initial weights this check would be a poor judge. The classes are equally likely there, so
// the 300 terms of $db_k$ cancel almost completely, and the small remainder has a large relative
// rounding error. And with weights so small, a wrong penalty would hardly show. So we check the
// same formulas at random weights of ordinary size, on another spiral with 5 points in each arm. If
// a gradient is wrong, the program prints the report and stops.
void Lesson::prove_gradient() {
    NumpyRandom other(options.seed);
    const data::Spiral small = data::make_spiral(other, 5);
    WrittenOut formulas;
    formulas.w = other.randn({D, K});
    formulas.b = other.randn({K});
    formulas.reg = 0.1;
    formulas.forward(small.x, small.y);
    formulas.backward(small.x, small.y);

    const Tensor<double>& w = formulas.w;
    const Tensor<double>& b = formulas.b;
    const ReferenceLoss loss{small.x, small.y, formulas.reg};
    check::GradientCheck checker;
    checker.wrt("w", w, formulas.dw, [&loss, &b](const auto& w_) {
        return loss(w_, check::cast_like(w_, b));
    });
    checker.wrt("b", b, formulas.db, [&loss, &w](const auto& b_) {
        return loss(check::cast_like(b_, w), b_);
    });

    fmt::print("\nAgainst the complex step\n");
    for (const check::Report& report : checker.reports()) {
        fmt::print("  {} {}: {} entries compared, {}\n", report.name,
                   to_string(report.shape), report.compared,
                   report.passed() ? "passed" : "FAILED");
    }
    check::require_passed(checker);
    program.result("gradients_checked", checker.passed());
}

// @output to "db (3,)"

// ## The same by the library
//
// `LinearClassifier` in `model.hpp` consists of the library's operations: linear, softmax
// cross-entropy and the L2 penalty, each with a forward and a backward. They compute the same sums
// in another order, and subtract the largest score before `exp` so that nothing can overflow. So
// the results may differ in the last digit or two, by about $10^{-16}$. A larger difference in a
// gradient is a mistake in one of the two, and the program stops.
//
// <details class="predict"><summary>Predict: do both compute exactly the same bits?</summary>
//
// No. Sums in another order round differently. The largest difference is printed below, about
// $10^{-16}$.
//
// </details>
void Lesson::compare_with_library() {
    const double loss = model.forward(x, y);
    model.backward(x, y);
    const double difference =
        std::max({largest_difference(model.z, by_hand.z),
                  largest_difference(model.p, by_hand.p),
                  largest_difference(model.dz, by_hand.dz),
                  largest_difference(model.dw, by_hand.dw),
                  largest_difference(model.db, by_hand.db),
                  std::abs(loss - (by_hand.L_data + by_hand.L_reg))});
    fmt::print("\nThe library's loss, scores, probabilities and gradients "
               "differ from these by {} at most\n",
               app::about(difference, ".0e"));

    const check::Tolerance tolerance = check::central_difference_tolerance;
    check::GradientCheck checker;
    checker.add(check::compare("model.dw", model.dw, by_hand.dw, tolerance));
    checker.add(check::compare("model.db", model.db, by_hand.db, tolerance));
    check::require_passed(checker);
}

// @output to "The library's loss"
//
// The sign ~ marks a number that depends on the machine, here the size of the rounding errors.

// ## Training
//
// Gradient descent on all points at once repeats three calls: forward, backward, and a step against
// the gradient. The loss at iteration $t$ is the loss after $t$ steps. The last column has the five
// losses that the lecture prints; its points and its initial weights differ from ours.
//
// <details class="predict"><summary>Predict: how far can the loss of such a model fall?</summary>
//
// Not far. Three straight lines cannot separate three arms that wind around each other, so many
// points stay wrong, and each of these costs at least $\log 2 = 0.69$. The loss stops at 0.786.
//
// </details>
const std::map<int, double> lecture{
    {10, 0.9134}, {20, 0.8324}, {50, 0.7651}, {100, 0.7475}, {200, 0.7441}};

void Lesson::train() {
    fmt::print("\n  iteration      loss   lecture\n");
    std::vector<double> iterations, losses;
    for (int t = 0;; ++t) {
        const double loss = model.forward(x, y);
        require_finite(loss, t);
        const bool last = t == settings.iterations;
        if (t % 10 == 0 || last) {
            iterations.push_back(t);
            losses.push_back(loss);
        }
        const auto known = lecture.find(t);
        if (known != lecture.end()) {
            fmt::print("  {:9}  {:#8.6g}   {:.4f}\n", t, loss, known->second);
        } else if (t == 0 || last) {
            fmt::print("  {:9}  {:#8.6g}\n", t, loss);
        }
        if (last) { break; }
        model.backward(x, y);
        model.step(options.lr);
    }
    program.result("iterations", iterations);
    program.result("losses", losses);
}

// @output to "200"
//
// What to see: the loss falls to 0.786 and stays there. The lecture's loss falls to 0.744. Other
// seeds draw other spirals, on which the best linear classifier has a loss between 0.74 and 0.79. A
// NumPy program with our seed prints our numbers; the tests compare the two to nine digits.
//
// If the steps are too large, the loss grows until it is no longer a number. Then the program stops
// and says so:
void Lesson::require_finite(double loss, int iteration) const {
    if (std::isfinite(loss)) { return; }
    throw DivergenceError(fmt::format(
        "the training loss is {} at iteration {}: the step is too large; "
        "try a smaller one than --lr {}, or a smaller --reg than {}",
        loss, iteration, options.lr, settings.reg));
}

// ## How many are right?
//
// The model chooses the class with the largest score. A guess would be right for one point in
// three.
void Lesson::count_correct() {
    const std::size_t correct = cpu::count_correct(model.z, y);
    const double accuracy =
        static_cast<double>(correct) / static_cast<double>(N);
    fmt::print("\nTraining accuracy: {:.4f} ({} of {})\n", accuracy, correct,
               N);
    save(draw_regions("Linear classifier"), "regions");
    program.result("training_accuracy", accuracy);
}

// @output to "Training accuracy"
//
// About half of the points are right. That is better than a third, and no learning rate, no seed
// and no patience will make it good.
//
// ![The regions of the classifier are three sectors, and every arm winds through all three](regions.svg)
//
// The picture shows why. Where two classes $j$ and $k$ have the same score,
// $\sum_i x_i (w_{ij} - w_{ik}) + b_j - b_k = 0$, and that is a straight line. Three scores cut the
// plane into three sectors. However they are placed, every arm winds through all three.

// ## Pictures
//
// The points are drawn with a colour and a marker for each class.
plot::Figure Lesson::draw_points(const std::string& title) const {
    std::vector<double> x1, x2;
    for (std::size_t n = 0; n < N; ++n) {
        x1.push_back(x(n, 0));
        x2.push_back(x(n, 1));
    }
    plot::Figure figure;
    figure.title(title).equal_axes();
    figure.x_label("first coordinate").y_label("second coordinate");
    figure.x_range(-1.25, 1.25).y_range(-1.25, 1.25);
    figure.legend(plot::Legend::below);
    figure.scatter(x1, x2, y);
    return figure;
}

// A classifier divides the plane: each point belongs to the class with the largest score. To draw
// the regions, we classify all points of a fine grid, as if they were a batch of data.
plot::Figure Lesson::draw_regions(const std::string& title) const {
    const Tensor<double> axis = data::linspace(-1.25, 1.25, 251);
    auto grid = zeros<double>({axis.size() * axis.size(), 2});
    for (std::size_t i = 0; i < grid.shape(0); ++i) {
        grid(i, 0) = axis(i % axis.size());
        grid(i, 1) = axis(i / axis.size());
    }
    const Tensor<double> z = cpu::linear_forward(grid, model.w, model.b);
    std::vector<std::int64_t> classes;
    for (std::size_t i = 0; i < z.shape(0); ++i) {
        const double* row = z.data() + i * z.shape(1);
        classes.push_back(std::max_element(row, row + z.shape(1)) - row);
    }
    return draw_points(title).regions(axis, axis, classes);
}

// The stem of a figure's file is its name: `spiral` becomes spiral.svg and spiral.png, and the
// numbers behind the figure are in spiral.csv.
void Lesson::save(const plot::Figure& figure, const std::string& stem) const {
    const auto saved = figure.save(program.output(""), stem);
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// ## The command line
//
// The defaults are the lecture's: a learning rate of 1, a penalty with the weight 0.001, and 200
// iterations.
int main(int argc, char** argv) {
    app::Program program("04_linear_classifier",
                         "A linear classifier on the spiral, by hand");
    program.options().lr = 1.0;
    program.take({"--lr"});
    Settings settings;
    program.option("--reg", settings.reg, 0.0, 1000.0,
                   "weight of the L2 penalty");
    program.option("--points", settings.points, 2, 100000,
                   "points in each arm of the spiral");
    program.option("--iterations", settings.iterations, 1, 1000000,
                   "steps of gradient descent");
    return program.main(
        argc, argv, [&program, &settings] { Lesson(program, settings).run(); });
}

// Every run ends by saying where its figures are and what comes next.
//
// @output to end
