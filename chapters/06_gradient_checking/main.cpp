// ## What we need
//
// From handgrad we take the frame of our programs, the reference operations, which accept numbers
// of any type, the gradient checker, and figures. `model.hpp` is the file above. `bugs.hpp` holds
// the second half of the lesson and is shown below.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/plot/figure.hpp>

#include "bugs.hpp"
#include "model.hpp"

using namespace handgrad;

// ## The definition, typed in
//
// A partial derivative is the limit of a difference quotient. We leave out the limit and take a
// small step $\delta$ to both sides, so that the error of first order cancels. The result is the
// central difference
// $$\frac{\partial f}{\partial x_i} \approx
//   \frac{f(x + \delta e_i) - f(x - \delta e_i)}{2\delta},$$
// where $e_i$ is 1 in entry $i$ and 0 elsewhere. In code: change one entry, evaluate, change it
// back. That takes two evaluations of the loss for every entry, which is far too slow to train
// with. As a check it is just right, because it knows nothing of our derivation. The type of a
// number is a template parameter, since we want to see the results in float as well as in double.
template <class T, class F>
Tensor<T> central_differences(const F& f, Tensor<T> x, T delta) {
    Tensor<T> gradient(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T center = x.data()[i];
        x.data()[i] = center + delta;
        const T above = f(x);
        x.data()[i] = center - delta;
        const T below = f(x);
        x.data()[i] = center;
        gradient.data()[i] = (above - below) / (2 * delta);
    }
    return gradient;
}

// To compare methods we need one number for the distance of two gradients: the largest difference,
// in units of the largest entry.
template <class T>
double distance(const Tensor<T>& numeric, const Tensor<double>& analytic) {
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < analytic.size(); ++i) {
        const double difference = numeric.data()[i] - analytic.data()[i];
        error = std::max(error, std::abs(difference));
        size = std::max(size, std::abs(analytic.data()[i]));
    }
    return error / size;
}

// ## The lesson at a glance
//
// The lesson is a class, as in chapters 04 and 05, and `run()` is its table of contents. The
// parameters are random numbers. They must not be at a minimum of the loss: there every gradient is
// zero, and a wrong factor times zero is zero as well.
class Lesson {
public:
    explicit Lesson(app::Program& program_) : program(program_) {}

    void run() {
        compare_three_gradients();
        compare_steps();
        draw_steps();
        step_across_corner();
        check_at_kink();
        compare_conditions();
        bugs::forget_the_mean(net, g);
        bugs::swap_arguments(net, g);
        bugs::mask_by_wrong_tensor(net, g);
        bugs::double_the_penalty(penalised, penalised_g);
        bugs::check_without_bug(penalised, penalised_g);
        program.result("passed", true); // otherwise the line above throws
    }

private:
    void compare_three_gradients() const;
    void compare_steps() const;
    void draw_steps() const;
    void step_across_corner() const;
    void check_at_kink() const;
    void compare_conditions() const;

    double error_in_float(double step) const;
    double error_in_double(double step) const;
    double error_of_complex_step(double step) const;

    app::Program& program;
    const double delta = 1e-5; // the step, unless another one is named
    const Problem<double> net = random_problem(program.options().seed);
    const Gradients g = gradients(net); // by our formula
    const Problem<double> penalised = with_penalty(net, 1e-3);
    const Gradients penalised_g = gradients(penalised);
};

int main(int argc, char** argv) {
    app::Program program("06_gradient_checking",
                         "Gradient checking: numeric against analytic, "
                         "and four bugs caught");
    return program.main(argc, argv, [&program] { Lesson(program).run(); });
}

// ## Three gradients of one loss
//
// We compute the same sixteen numbers in three ways: by our formula, by central differences with
// $\delta = 10^{-5}$, and by the complex step. The complex step evaluates the loss at
// $x + i\delta$, where $i$ is the imaginary unit, and takes the imaginary part:
// $$f(x + i\delta) = f(x) + i\delta f'(x) - \tfrac{\delta^2}{2} f''(x) - \dots
//   \qquad\Longrightarrow\qquad
//   f'(x) = \frac{\operatorname{Im} f(x + i\delta)}{\delta} + O(\delta^2).$$
// It subtracts nothing, so we are free to choose $\delta = 10^{-20}$.
//
// The sections below measure every other method against our formula, so the formula must be right.
// The last line of the function checks all parameters. If a gradient is wrong, it prints the report
// and the program stops.
void Lesson::compare_three_gradients() const {
    const Tensor<double> by_differences =
        central_differences(loss_of_w1(net), net.w1, delta);
    const Tensor<double> by_complex_step =
        check::complex_step(loss_of_w1(net), net.w1);

    fmt::print("The loss is {:.6f}. Its gradient with respect to w1, "
               "first row:\n\n",
               loss(net));
    fmt::print("  entry     formula           central difference  "
               "complex step\n");
    for (std::size_t j = 0; j < 4; ++j) {
        fmt::print("  dw1[0,{}]  {: .12f}  {: .12f}     {: .12f}\n", j,
                   g.dw1(0, j), by_differences(0, j), by_complex_step(0, j));
    }
    check::require_passed(check_all(net, g));
}

// <details class="predict"><summary>Predict: in how many decimals will the three columns agree?</summary>
//
// The formula and the complex step agree in all twelve decimals. The central difference agrees in
// ten or eleven. That is not the fault of our formula: the quotient is no better than that.
//
// </details>
//
// @output to "dw1[0,3]"
//
// ## How large a step? The V
//
// A smaller step should be better. By Taylor's formula the error of the central difference is
// $\delta^2 f'''/6$: a step ten times smaller makes it a hundred times smaller. But the two losses
// are rounded, each with a relative error $\epsilon$ of about $10^{-16}$ in double and
// $6 \cdot 10^{-8}$ in float. Dividing their difference by $2\delta$ magnifies this error to
// $\epsilon |f| / \delta$, which is ten times *larger* for a step ten times smaller.
//
// On logarithmic axes the sum of both errors has the shape of a V. Its bottom is where the two
// errors are equal, at $\delta \approx \epsilon^{1/3}$, and the error there is about
// $\epsilon^{2/3}$. The complex step has Taylor's error only: its curve has no left branch.
//
// <details class="predict"><summary>Predict: where is the bottom of the V in double, and where in float?</summary>
//
// In double at $\delta \approx (10^{-16})^{1/3} \approx 5 \cdot 10^{-6}$ with an error of about
// $2 \cdot 10^{-11}$; in float at $\delta \approx (6 \cdot 10^{-8})^{1/3} \approx 4 \cdot 10^{-3}$
// with an error of about $2 \cdot 10^{-5}$. The table confirms both within a factor of
// three.
//
// </details>
double Lesson::error_in_float(double step) const {
    const auto in_float = static_cast<float>(step);
    return distance(
        central_differences(loss_of_w1(net), Tensor<float>(net.w1), in_float),
        g.dw1);
}

double Lesson::error_in_double(double step) const {
    return distance(central_differences(loss_of_w1(net), net.w1, step), g.dw1);
}

double Lesson::error_of_complex_step(double step) const {
    return distance(check::complex_step(loss_of_w1(net), net.w1, step), g.dw1);
}

void Lesson::compare_steps() const {
    fmt::print("\nError of dw1, in units of its largest entry:\n\n");
    fmt::print("   delta     float    double  complex step\n");
    for (const double step :
         {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 1e-20}) {
        fmt::print("  {:.0e}  {:8.1e}  {:8.1e}      {:8.1e}\n", step,
                   error_in_float(step), error_in_double(step),
                   error_of_complex_step(step));
    }
}

// @output to "1e-20"
//
// Read the column "double" from the top. The error falls by a factor of 100 in each line, as Taylor
// says, until rounding takes over near $\delta = 10^{-5}$. From there it grows by a factor of 10
// for every factor of 10. In the last line it is exactly 1: $w + \delta$ is rounded to $w$, both
// losses are equal, and the quotient is 0. The complex step continues undisturbed.
//
// In float the best error is about $5 \cdot 10^{-5}$, and at $\delta = 10^{-5}$, the right step for
// double, the gradient is off by several percent. A checker that runs in float has to allow errors
// so large that wrong gradients pass.
//
// ### The V as a figure
//
// The figure has four steps to each power of ten. The program also records the best step of each
// type.
double best_step(const std::vector<double>& steps,
                 const std::vector<double>& errors) {
    const auto best = std::min_element(errors.begin(), errors.end());
    return steps[static_cast<std::size_t>(best - errors.begin())];
}

void Lesson::draw_steps() const {
    std::vector<double> steps, in_float, in_double, by_complex_step;
    for (int k = 4; k <= 80; ++k) {
        const double step = std::pow(10.0, -0.25 * k);
        steps.push_back(step);
        in_float.push_back(error_in_float(step));
        in_double.push_back(error_in_double(step));
        by_complex_step.push_back(error_of_complex_step(step));
    }
    program.result("best_step_float", best_step(steps, in_float));
    program.result("best_step_double", best_step(steps, in_double));

    plot::Figure figure;
    figure.title("Error of a numeric gradient against the size of the step")
        .x_label("step delta")
        .y_label("error / largest entry")
        .x_log()
        .y_log()
        .y_range(1e-17, 1e2)
        .legend(plot::Legend::below);
    figure.line_points("central difference, float", steps, in_float)
        .line_points("central difference, double", steps, in_double)
        .line_points("complex step, double", steps, by_complex_step);
    const auto saved = figure.save(program.output(""), "step_size");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// ![The V: on the right Taylor's error, the same line for all three methods; on the left rounding, which float reaches first, double later and the complex step never.](step_size.svg)
//
// ## Kinks
//
// ReLU has a corner at 0. If $z$ is closer to 0 than the step, the two evaluations lie on different
// sides of the corner, and the quotient mixes two slopes. No formula is wrong in such a case. The
// check is.
//
// <details class="predict"><summary>Predict: which slope does the central difference give for ReLU at z = 0.3 delta?</summary>
//
// ReLU gives $1.3\delta$ at $z + \delta$ and 0 at $z - \delta$, so the quotient is
// $1.3\delta / 2\delta = 0.65$. The true slope is 1.
//
// </details>
void Lesson::step_across_corner() const {
    const auto relu = [](const auto& z) {
        return reference::relu_forward(z)(0);
    };
    const Tensor<double> z{0.3 * delta};
    fmt::print("\nReLU at z = 0.3 delta: central difference {:.4f}, "
               "complex step {:.4f}\n",
               central_differences(relu, z, delta)(0),
               check::complex_step(relu, z)(0));
}

// @output to "ReLU at"
//
// ### A kink inside the network
//
// We shift `b1[0]` so that $z_1$ of the first example and the first unit is $0.3\delta$. The
// library's `central_difference()` runs the loss on a scalar type that records the outcome of every
// comparison. If a ReLU switches within the step, the report lists the entry with its two one-sided
// slopes and does not compare it. The checker never drops an entry silently: if every entry is a
// kink, the check fails.
//
// There are three ways out: another random point, a smaller step, or the complex step, which does
// not leave the point at all.
void Lesson::check_at_kink() const {
    Problem<double> at_kink = net;
    at_kink.b1(0) += 0.3 * delta - forward(net).z1(0, 0);
    const auto f = loss_of_b1(at_kink);
    const Tensor<double> db1 = gradients(at_kink).db1;

    const auto differences = check::central_difference(f, at_kink.b1, delta);
    fmt::print("db1[0]: formula {:.6f}, central difference {:.6f}\n\n", db1(0),
               differences.gradient(0));
    fmt::print("{}", to_string(check::compare("db1", db1, differences)));

    const auto by_smaller_step = check::compare(
        "db1", db1, check::central_difference(f, at_kink.b1, delta / 10),
        check::Tolerance{1e-8, 1e-6});
    fmt::print("\nWith delta = 1e-6: {} kinks, {}\n",
               by_smaller_step.kinks.size(),
               by_smaller_step.passed() ? "passed" : "FAILED");
    const auto by_complex_step =
        check::compare("db1", db1, check::complex_step(f, at_kink.b1));
    fmt::print("With the complex step: {} entries compared, {}\n",
               by_complex_step.compared,
               by_complex_step.passed() ? "passed" : "FAILED");
}

// @output to "With the complex step"
//
// The report names the entry at the kink and its two slopes, and passes the gradient on the
// strength of the other three entries. If all four had been kinks, it would have failed, because
// nothing would have been compared. For the same reason it fails on a gradient that is zero
// everywhere, unless we say that zero is right.
//
// ## Absolute or relative error?
//
// Suppose that one feature is measured in an unsuitable unit, so that its numbers are about
// $10^{-9}$. Then its weights have equally small gradients. Central differences have an absolute
// error of about $10^{-11}$ in every entry, which is negligible for ordinary entries and a large
// part of the small ones. A condition on the relative error of each entry would reject a correct
// gradient. A condition on the absolute error would accept any gradient that is small enough. The
// checker's condition combines both: an analytic entry $a$ and the numeric entry $c$ must satisfy
// $$|a - c| \le \text{relative} \cdot \max|c| + \text{entrywise} \cdot |c|,$$
// with tolerances from one table in `handgrad/check/tolerances.hpp`. Where there is a choice, trust
// the complex step, which has neither problem.
void Lesson::compare_conditions() const {
    Problem<double> scaled = net;
    for (std::size_t n = 0; n < scaled.x.shape(0); ++n) {
        scaled.x(n, 3) *= 1e-9;
    }
    const auto f = loss_of_w1(scaled);
    const Tensor<double> dw1 = gradients(scaled).dw1;
    const auto quotient = check::central_difference(f, scaled.w1);
    const Tensor<double> exact = check::complex_step(f, scaled.w1);

    fmt::print("\n                          "
               "central difference    complex step\n");
    fmt::print("  entry     formula       "
               "absolute  relative    absolute  relative\n");
    for (std::size_t i = 2; i < 4; ++i) {
        const double a = dw1(i, 0);
        const double error = std::abs(quotient.gradient(i, 0) - a);
        const double error_of_exact = std::abs(exact(i, 0) - a);
        fmt::print("  dw1[{},0]  {: .5e}  ~{:.0e}    ~{:.0e}      ~{:.0e}"
                   "    ~{:.0e}\n",
                   i, a, error, error / std::abs(a), error_of_exact,
                   error_of_exact / std::abs(a));
    }
    fmt::print(
        "By both conditions together: central difference {}, complex step {}\n",
        check::compare("dw1", dw1, quotient).passed() ? "passed" : "FAILED",
        check::compare("dw1", dw1, exact).passed() ? "passed" : "FAILED");
}

// @output to "By both conditions"
//
// (A number after ~ differs between machines.) The entry of the tiny feature is right, as the
// complex step shows, and yet the central difference has a relative error of several percent or
// more. A check of the relative error alone would reject it. The usual reaction is to raise the
// tolerance until the test passes, and that would let real bugs through.
