// ## What we need
//
// From handgrad we take the frame of our programs, the spiral, the operations, the gradient
// checker, and figures. The net itself is in `model.hpp`, shown before this program.
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

// ## The rival
//
// The net competes with the linear classifier of chapter 04. Here is the classifier in its shortest
// form, with the same loss and one layer less.
struct LinearClassifier {
    Tensor<double> w, b; // (D, K), (K)
    double reg = 0;
    Tensor<double> z, p, dz, dw, db;

    const Tensor<double>& scores(const Tensor<double>& x) {
        cpu::linear_forward(x, w, b, z);
        return z;
    }
    double forward(const Tensor<double>& x, const Labels& y) {
        scores(x);
        return cpu::cross_entropy_forward(z, y, p) +
               cpu::l2_penalty_forward(w, reg);
    }
    void backward(const Tensor<double>& x, const Labels& y) {
        cpu::cross_entropy_backward(p, y, dz);
        cpu::linear_backward_weight(x, dz, dw);
        cpu::linear_backward_bias(dz, db);
        cpu::l2_penalty_backward(w, reg, dw, Accumulate::yes);
    }
    void step(double lr) {
        Net::descend(w, dw, lr);
        Net::descend(b, db, lr);
    }
};

// ## Gradient descent
//
// One function trains both models. It needs only their `forward`, `backward` and `step`. It returns
// the loss before each step and after the last one. If the steps are too large, the loss grows
// until it is no longer a number; then the function throws.
template <class Model> std::vector<double>
train(Model& model, const data::Spiral& spiral, int iterations, double lr) {
    std::vector<double> losses;
    losses.reserve(static_cast<std::size_t>(iterations) + 1);
    for (int i = 0;; ++i) {
        losses.push_back(model.forward(spiral.x, spiral.y));
        if (!std::isfinite(losses.back())) {
            throw DivergenceError(fmt::format(
                "the training loss is {} at iteration {}: the step is too "
                "large; try a smaller one than --lr {}, or a smaller --reg "
                "than {}",
                losses.back(), i, lr, model.reg));
        }
        if (i == iterations) { return losses; }
        model.backward(spiral.x, spiral.y);
        model.step(lr);
    }
}

// ## The lesson at a glance
//
// As in chapter 04, the lesson is a class. `run()` is its table of contents: it calls one function
// for each section below, in the same order. The members hold what one section leaves for the next.
// The settings are read once and do not change.
struct Settings {
    std::size_t hidden = 100; // units in the hidden layer
    double reg = 1e-3;        // lambda, the weight of the L2 penalty
    std::size_t points = 100; // in each arm of the spiral
    int iterations = 10000;   // steps of gradient descent
};

class Lesson {
public:
    Lesson(app::Program& program_, const Settings& settings_)
        : program(program_), settings(settings_) {}

    void run() {
        work_through_one_point();
        prove_gradients();
        set_up_models();
        train_models();
        compare_losses();
        count_correct();
        draw();
    }

private:
    void work_through_one_point();
    void prove_gradients();
    void set_up_models();
    void train_models();
    void compare_losses();
    void count_correct();
    void draw();

    template <class Model> double accuracy(Model& model) const;
    template <class Model>
    plot::Figure draw_regions(const std::string& title, Model& model) const;
    plot::Figure draw_losses() const;

    app::Program& program;
    const Settings settings;
    const app::Options& options = program.options(); // --seed, --lr, --out
    const std::size_t D = 2, K = 3; // coordinates of a point, classes

    data::Spiral spiral;     // points x (N, D), classes y (N)
    LinearClassifier linear; // the rival
    Net net;                 // the two-layer net
    std::vector<double> linear_losses, net_losses; // of each iteration
    double seconds = 0;                            // of the net's training
};

// ## One point, number by number
//
// Before we train on 300 points, we follow a single one through a small net that has 2 inputs, 2
// hidden units and 2 classes. Every number can be checked with pencil and paper. The weights are
// small integers; the point is $(1, 2)$ and its class is 1. There is no penalty.
//
// These are the numbers in the graph of the introduction. The program writes them into run.json,
// from which the drawing takes them.
using Rows = std::vector<std::vector<double>>;

void print_matrix(const std::string& name, const Rows& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        fmt::print("  {:<4}", i == 0 ? name : "");
        for (const double entry : rows[i]) { fmt::print("{:8.4f}", entry); }
        fmt::print("\n");
    }
}

// A vector or a batch of one row is one row here. Adding 0 turns the -0 of a product with a
// negative number into 0.
Rows rows_of(const Tensor<double>& t) {
    const std::size_t rows = t.dimension() == 2 ? t.shape(0) : 1;
    const std::size_t columns = t.size() / rows;
    Rows result;
    for (std::size_t i = 0; i < rows; ++i) {
        result.emplace_back();
        for (std::size_t j = 0; j < columns; ++j) {
            result.back().push_back(t.data()[i * columns + j] + 0.0);
        }
    }
    return result;
}

// The net works in place and keeps neither $z_1$ nor $do_1$. To show them, we call the two
// operations once more.
void Lesson::work_through_one_point() {
    const Tensor<double> x{{1, 2}};
    const Labels y{1};
    Net small;
    small.w1 = Tensor<double>{{1, 2}, {1, -1}};
    small.b1 = Tensor<double>{-1, -1};
    small.w2 = Tensor<double>{{1, -1}, {3, 2}};
    small.b2 = Tensor<double>{-1, 2};
    const double loss = small.forward(x, y);
    small.backward(x, y);
    const Tensor<double> z1 = cpu::linear_forward(x, small.w1, small.b1);
    Tensor<double> do1;
    cpu::linear_backward_input(small.dz2, small.w2, do1);

    const auto show = [this](const std::string& name, const Tensor<double>& t) {
        const Rows rows = rows_of(t);
        print_matrix(name, rows);
        const bool matrix = rows.size() > 1;
        matrix ? program.result("graph_" + name, rows)
               : program.result("graph_" + name, rows[0]);
    };
    fmt::print("One point: forward\n");
    show("x", x);
    show("w1", small.w1);
    show("b1", small.b1);
    show("z1", z1);
    show("o1", small.o1);
    show("w2", small.w2);
    show("b2", small.b2);
    show("z2", small.z2);
    show("p", small.p);
    fmt::print("  L   {:8.4f} = -log {:.4f}\n", loss, small.p(0, y(0)));
    fmt::print("\nOne point: backward\n");
    show("dz2", small.dz2);
    show("dw2", small.dw2);
    show("db2", small.db2);
    show("do1", do1);
    show("dz1", small.dz1);
    show("dw1", small.dw1);
    show("db1", small.db1);
    program.result("graph_L", loss);
    program.result("graph_y", y(0));
}

// <details class="predict"><summary>Predict: unit 2 is off. Which gradients are zero?</summary>
//
// The second hidden unit has $z_1 = -1$, so $o_1$ is 0 there. The weights that lead out of it, the
// second row of $w_2$, are multiplied by 0 and get the gradient 0. ReLU stops what comes back to
// it, so $dz_1$ is 0 there, and with it the second column of $dw_1$ and the second entry of $db_1$.
//
// </details>
//
// @output to "db1"
//
// What to see: the forward block follows the net from the point to the loss. The backward block
// follows it from the loss back to the first layer. Each gradient has the shape of its tensor, and
// the entries of $dz_2$ sum to zero. The loss would change if the second hidden unit did, since its
// entry of $do_1$ is 0.7311, but ReLU lets nothing through.

// ## The gradients, proved
//
// Before we train, we check. `SpiralNet` is a template, so the same code can compute the loss with
// complex numbers, and that is all that the checker needs. `copy_of` makes such a net from ours.
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

// The checker differentiates a function of one parameter. For each parameter in turn, this function
// replaces the parameter by the checker's values, leaves all others as they are, and computes the
// loss.
struct LossOfParameter {
    const Net& net;
    const data::Spiral& spiral;
    Tensor<Complex> ComplexNet::*parameter;

    Complex operator()(const Tensor<Complex>& values) const {
        ComplexNet changed = copy_of(net);
        changed.*parameter = values;
        return changed.forward(check::cast<Complex>(spiral.x), spiral.y);
    }
};

// The net to be checked is small: 2 inputs, 7 hidden units, 3 classes, and 5 points in each arm.
// Its weights are random and of ordinary size. At the small weights that training starts from, a
// wrong penalty would hardly show. Only the sizes differ; the code is the code that we are about to
// train. If a gradient is wrong, the program prints the report and stops.
void Lesson::prove_gradients() {
    NumpyRandom random(options.seed);
    const data::Spiral small = data::make_spiral(random, 5);
    Net probe;
    probe.w1 = random.randn({D, 7});
    probe.b1 = random.randn({7});
    probe.w2 = random.randn({7, K});
    probe.b2 = random.randn({K});
    probe.reg = 0.1;
    probe.forward(small.x, small.y);
    probe.backward(small.x, small.y);

    check::GradientCheck checker;
    checker.wrt("w1", probe.w1, probe.dw1,
                LossOfParameter{probe, small, &ComplexNet::w1});
    checker.wrt("b1", probe.b1, probe.db1,
                LossOfParameter{probe, small, &ComplexNet::b1});
    checker.wrt("w2", probe.w2, probe.dw2,
                LossOfParameter{probe, small, &ComplexNet::w2});
    checker.wrt("b2", probe.b2, probe.db2,
                LossOfParameter{probe, small, &ComplexNet::b2});
    fmt::print("\nGradients against the complex step\n");
    for (const check::Report& report : checker.reports()) {
        fmt::print("  {} {}: {} entries compared, {}\n", report.name,
                   to_string(report.shape), report.compared,
                   report.passed() ? "passed" : "FAILED");
    }
    check::require_passed(checker);
    program.result("gradients_checked", checker.passed());
}

// @output to "db2 (3,)"
//
// All 45 entries agree with the complex step. Chapter 06 explains how it works and what a failed
// check looks like.

// ## Two models, one spiral
//
// The points are those of chapter 04. After drawing the points, both models continue in the same
// stream of random numbers; one of them takes a copy of the stream, so that neither takes numbers
// away from the other. So the linear classifier has the initial weights that it had in chapter 04,
// and the net has those of a NumPy program that draws the spiral, w1 and w2 in this order.
void Lesson::set_up_models() {
    NumpyRandom random(options.seed);
    spiral = data::make_spiral(random, settings.points);
    NumpyRandom same_place = random;
    linear.w = 0.01 * same_place.randn({D, K});
    linear.b = zeros<double>({K});
    linear.reg = settings.reg;
    net = initial_net(D, settings.hidden, K, settings.reg, random);
    fmt::print("\nParameters: linear {}, two-layer {}\n",
               linear.w.size() + linear.b.size(),
               net.w1.size() + net.b1.size() + net.w2.size() + net.b2.size());
}

// @output to "Parameters"

// ## Training
//
// <details class="predict"><summary>Predict: which loss starts nearer to log 3?</summary>
//
// The net's. All initial weights are about 0.01, so all scores are nearly zero and both losses
// start near $\log 3 = 1.0986$. The scores of the net contain two such factors, those of the linear
// classifier only one. The table below has 1.0988 for the net and 1.0969 for the classifier.
//
// </details>
void Lesson::train_models() {
    linear_losses = train(linear, spiral, settings.iterations, options.lr);
    const auto start = std::chrono::steady_clock::now();
    net_losses = train(net, spiral, settings.iterations, options.lr);
    const auto end = std::chrono::steady_clock::now();
    const std::chrono::duration<double> time = end - start;
    seconds = time.count();
}

// ## Side by side
//
// We print four decimals. There is a reason not to print more: with a learning rate of 1, later
// decimals depend on how the computer rounds, as a section further down explains. The last column
// has the losses that the lecture prints; its points and its initial weights differ from ours.
const std::map<int, double> lecture{
    {1000, 0.4045}, {2000, 0.2635}, {3000, 0.2561}, {4000, 0.2541},
    {5000, 0.2526}, {6000, 0.2520}, {7000, 0.2516}, {8000, 0.2513},
    {9000, 0.2511}, {10000, 0.2510}};

void Lesson::compare_losses() {
    fmt::print("\nLoss (log 3 = {:.4f})\n\n", std::log(3.0));
    fmt::print("  iteration   linear   two-layer   lecture, two-layer\n");
    const int interval = std::max(1, settings.iterations / 10);
    std::vector<double> iterations, linear_printed, net_printed;
    for (int i = 0; i <= settings.iterations; ++i) {
        if (i % interval != 0 && i != settings.iterations) { continue; }
        const auto n = static_cast<std::size_t>(i);
        const auto known = lecture.find(i);
        fmt::print("  {:9}   {:.4f}   {:.4f}", i, linear_losses[n],
                   net_losses[n]);
        if (known != lecture.end()) {
            fmt::print("      {:.4f}", known->second);
        }
        fmt::print("\n");
        iterations.push_back(i);
        linear_printed.push_back(linear_losses[n]);
        net_printed.push_back(net_losses[n]);
    }
    fmt::print("\nTime of the net's training: {} s, {} us an iteration\n",
               app::about(seconds, ".2f"),
               app::about(1e6 * seconds / settings.iterations, ".0f"));
    program.result("iterations", iterations);
    program.result("linear_losses", linear_printed);
    program.result("two_layer_losses", net_printed);
}

// @output to "Time of the net's training"
//
// What to see: the linear classifier is done before iteration 1000 and never gets below 0.7862. The
// net gets to 0.2450. It ends within three percent of the lecture's loss.
//
// ![Training losses: the classifier is flat from iteration 100 on, the net falls](losses.svg)
//
// In the figure, the net is the slower one at first. Its loss hardly moves for the first fifteen
// iterations: with small weights in both layers, the gradient of each layer contains the other as a
// small factor. Between iterations 100 and 1000 the loss has spikes. A learning rate of 1 is as
// large as it can be here; a step sometimes overshoots, and the net recovers.

// ## How many are right?
//
// A guess would be right for one point in three.
//
// <details class="predict"><summary>Predict: which points does the net get wrong?</summary>
//
// A few near the centre, where the three arms touch and points of different classes lie next to
// each other.
//
// </details>
template <class Model> double Lesson::accuracy(Model& model) const {
    const Labels& y = spiral.y;
    const std::size_t correct = cpu::count_correct(model.scores(spiral.x), y);
    return static_cast<double>(correct) / static_cast<double>(y.size());
}

void Lesson::count_correct() {
    const double of_linear = accuracy(linear), of_net = accuracy(net);
    fmt::print("\nTraining accuracy: linear {:.4f}, two-layer {:.4f}\n",
               of_linear, of_net);
    program.result("linear_accuracy", of_linear);
    program.result("two_layer_accuracy", of_net);
}

// @output to "Training accuracy"
//
// The net gets 98 of 100 points right, the classifier 49.

// ## Pictures
//
// The regions are drawn as in chapter 04: we classify all points of a fine grid, colour the grid by
// class, and draw the data over it.
void Lesson::draw() {
    const auto saved_regions =
        plot::save_side_by_side({draw_regions("Linear classifier", linear),
                                 draw_regions("Two-layer net", net)},
                                program.output(""), "boundaries");
    const auto saved_losses = draw_losses().save(program.output(""), "losses");
    for (const auto& saved : {saved_regions, saved_losses}) {
        if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
    }
}

// ![Regions: the classifier's are three sectors, the net's follow the arms](boundaries.svg)
//
// The scores of the linear classifier are linear functions, so straight lines bound its regions.
// Each hidden unit of the net switches on along a line of its own, and between these lines the
// scores are linear. So the boundary is a polygon, with as many corners as it needs to follow the
// arms. The points that stay wrong are near the centre, where the arms touch.
template <class Model> plot::Figure
Lesson::draw_regions(const std::string& title, Model& model) const {
    const Tensor<double> axis = data::linspace(-1.25, 1.25, 251);
    auto grid = zeros<double>({axis.size() * axis.size(), 2});
    for (std::size_t i = 0; i < grid.shape(0); ++i) {
        grid(i, 0) = axis(i % axis.size());
        grid(i, 1) = axis(i / axis.size());
    }
    const Tensor<double>& z = model.scores(grid);
    std::vector<std::int64_t> classes;
    for (std::size_t i = 0; i < z.shape(0); ++i) {
        const double* row = z.data() + i * z.shape(1);
        classes.push_back(std::max_element(row, row + z.shape(1)) - row);
    }
    std::vector<double> x1, x2;
    for (std::size_t n = 0; n < spiral.x.shape(0); ++n) {
        x1.push_back(spiral.x(n, 0));
        x2.push_back(spiral.x(n, 1));
    }
    plot::Figure figure;
    figure.title(title).equal_axes();
    figure.x_label("first coordinate").y_label("second coordinate");
    figure.x_range(-1.25, 1.25).y_range(-1.25, 1.25);
    figure.legend(plot::Legend::below);
    figure.regions(axis, axis, classes).scatter(x1, x2, spiral.y);
    return figure;
}

// The figure of the losses has a logarithmic axis for the iterations, since most of the change
// happens early. On such an axis late iterations lie close together, so each iteration that is
// drawn is about 1 percent later than the one before it.
void add_losses(plot::Figure& figure, const std::string& name,
                const std::vector<double>& losses) {
    std::vector<double> x, y;
    for (std::size_t i = 1; i < losses.size();) {
        x.push_back(static_cast<double>(i));
        y.push_back(losses[i]);
        const double later = 1.01 * static_cast<double>(i);
        i = std::max(i + 1, static_cast<std::size_t>(later));
    }
    figure.line(name, x, y);
}

plot::Figure Lesson::draw_losses() const {
    plot::Figure figure;
    figure.title("Training loss on the spiral");
    figure.x_label("iteration").y_label("loss [nats]").x_log();
    add_losses(figure, "linear classifier", linear_losses);
    add_losses(figure, "two-layer net", net_losses);
    return figure;
}

// ## The command line
//
// The defaults are the lecture's: 100 hidden units, a learning rate of 1, a penalty with the weight
// 0.001, and 10,000 iterations.
int main(int argc, char** argv) {
    app::Program program("05_two_layer_net",
                         "A two-layer net on the spiral, by hand");
    program.options().lr = 1.0;
    program.take({"--lr"});
    Settings settings;
    program.option("--hidden", settings.hidden, 1, 10000,
                   "units in the hidden layer");
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
