// ## What we need
//
// From handgrad we take the frame of our programs, the reference operations, which accept numbers
// of any type, the gradient checker, and figures. The net is in `model.hpp`, shown before this
// program.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/plot/figure.hpp>

#include "model.hpp"

using namespace handgrad;

// ## The definition, typed in
//
// A partial derivative is the limit of a quotient. Without the limit, and with a step to both sides
// so that the error of first order cancels, the quotient is the central difference
// $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}.$$
// Change one entry, evaluate, change it back: that takes two evaluations of the loss for every
// entry, whatever the function is. This is far too slow to train with. As a judge it is just right,
// because it knows nothing of our derivation. The type of a number is a template parameter, since
// we want to see the results in float as well as in double.
template <class T, class F> Tensor<T> central_differences(const F& f, Tensor<T> x, T h) {
    Tensor<T> gradient(x.shape());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T center = x.data()[i];
        x.data()[i] = center + h;
        const T above = f(x);
        x.data()[i] = center - h;
        const T below = f(x);
        x.data()[i] = center;
        gradient.data()[i] = (above - below) / (2 * h);
    }
    return gradient;
}

// To compare methods we need one number for the distance of two gradients. We take the largest
// difference, in units of the largest entry.
template <class T> double distance(const Tensor<T>& numeric, const Tensor<double>& analytic) {
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < analytic.size(); ++i) {
        error = std::max(error, std::abs(numeric.data()[i] - analytic.data()[i]));
        size = std::max(size, std::abs(analytic.data()[i]));
    }
    return error / size;
}

// ## The loss as a function of one parameter
//
// The judge differentiates a function at a point. To ask for the gradient with respect to one
// parameter, we hand it a lambda that replaces this parameter by its argument and leaves all others
// as they are. The argument is `const auto&` because the library's checker calls the lambda with
// complex numbers.
auto loss_of_w1(const Problem<double>& net) {
    return [&net](const auto& w1) {
        auto changed = in_scalar_of(w1, net);
        changed.w1 = w1;
        return loss(changed);
    };
}

auto loss_of_b1(const Problem<double>& net) {
    return [&net](const auto& b1) {
        auto changed = in_scalar_of(b1, net);
        changed.b1 = b1;
        return loss(changed);
    };
}

auto loss_of_w2(const Problem<double>& net) {
    return [&net](const auto& w2) {
        auto changed = in_scalar_of(w2, net);
        changed.w2 = w2;
        return loss(changed);
    };
}

auto loss_of_b2(const Problem<double>& net) {
    return [&net](const auto& b2) {
        auto changed = in_scalar_of(b2, net);
        changed.b2 = b2;
        return loss(changed);
    };
}

// The library's checker collects one report for each parameter. It uses the complex step.
check::GradientCheck check_all(const Problem<double>& net, const Gradients& g) {
    check::GradientCheck checker;
    checker.extents({{"N", net.x.shape(0)}}); // for the hints
    checker.wrt("w1", net.w1, g.dw1, loss_of_w1(net));
    checker.wrt("b1", net.b1, g.db1, loss_of_b1(net));
    checker.wrt("w2", net.w2, g.dw2, loss_of_w2(net));
    checker.wrt("b2", net.b2, g.db2, loss_of_b2(net));
    return checker;
}

// ## The lesson at a glance
//
// The lesson is a class, as in chapters 04 and 05, and `run()` is its table of contents. Its
// subject is the two-layer net of chapter 05, made small, at random weights: the loss must not be
// at a minimum, where every wrong factor hides behind a zero.
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
        forget_the_mean();
        swap_arguments();
        mask_by_wrong_tensor();
        double_the_penalty();
        check_without_bug();
    }

private:
    void compare_three_gradients() const;
    void compare_steps() const;
    void draw_steps() const;
    void step_across_corner() const;
    void check_at_kink() const;
    void compare_conditions() const;
    void forget_the_mean() const;
    void swap_arguments() const;
    void mask_by_wrong_tensor() const;
    void double_the_penalty() const;
    void check_without_bug() const;

    double error_in_float(double step) const;
    double error_in_double(double step) const;
    double error_of_complex_step(double step) const;

    app::Program& program;
    const double h = 1e-5; // the step, where nothing else is said
    const Problem<double> net = random_problem(program.options().seed);
    const Gradients g = gradients(net); // by our formula
    const Problem<double> penalised = with_penalty(net, 1e-3);
    const Gradients penalised_g = gradients(penalised);
};

// ## Two gradients of one loss
//
// There are three ways to the same sixteen numbers: our formula, central differences with
// $h = 10^{-5}$, and the complex step. The complex step evaluates the loss at $x + ih$ and takes
// the imaginary part:
// $$f(x + ih) = f(x) + ih f'(x) - \tfrac{h^2}{2} f''(x) - \dots \qquad\Longrightarrow\qquad
//   f'(x) = \frac{\operatorname{Im} f(x + ih)}{h} + O(h^2).$$
// It subtracts nothing, so we are free to choose $h = 10^{-20}$.
//
// The sections below measure every other method against our formula, so the formula must be right.
// Here the checker looks at all parameters; if a gradient is wrong, it prints the report and the
// program stops.
void Lesson::compare_three_gradients() const {
    const Tensor<double> by_differences = central_differences(loss_of_w1(net), net.w1, h);
    const Tensor<double> by_complex_step = check::complex_step(loss_of_w1(net), net.w1);

    fmt::print("The loss is {:.6f}. Its gradient with respect to w1, first row:\n\n", loss(net));
    fmt::print("  entry     formula           central difference  complex step\n");
    for (std::size_t k = 0; k < 4; ++k) {
        fmt::print("  dw1[0,{}]  {: .12f}  {: .12f}     {: .12f}\n", k, g.dw1(0, k),
                   by_differences(0, k), by_complex_step(0, k));
    }
    check::require_passed(check_all(net, g));
}

// ## How large a step? The V
//
// A smaller step should be better: by Taylor's formula, the error of the central difference is
// $h^2 f'''/6$, a hundred times smaller for every tenfold smaller step. But the two losses are
// rounded, each to a relative $\epsilon$ (about $10^{-16}$ in double, $6 \cdot 10^{-8}$ in float).
// Dividing their difference by $2h$ magnifies this error to $\epsilon |f| / h$, ten times *larger*
// for every tenfold smaller step. On logarithmic axes the sum of both errors is a V. Its bottom is
// where the two are equal, at $h \approx \epsilon^{1/3}$, with an error of about $\epsilon^{2/3}$.
// So we expect the bottom at $5 \cdot 10^{-6}$ with an error of $4 \cdot 10^{-11}$ in double, and
// at $4 \cdot 10^{-3}$ with an error of $2 \cdot 10^{-5}$ in float. The complex step has no
// rounding branch, only Taylor's.
double Lesson::error_in_float(double step) const {
    const auto h_float = static_cast<float>(step);
    return distance(central_differences(loss_of_w1(net), Tensor<float>(net.w1), h_float), g.dw1);
}

double Lesson::error_in_double(double step) const {
    return distance(central_differences(loss_of_w1(net), net.w1, step), g.dw1);
}

double Lesson::error_of_complex_step(double step) const {
    return distance(check::complex_step(loss_of_w1(net), net.w1, step), g.dw1);
}

void Lesson::compare_steps() const {
    fmt::print("\nError of dw1, in units of its largest entry:\n\n");
    fmt::print("       h     float    double  complex step\n");
    for (const double step : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 1e-20}) {
        fmt::print("  {:.0e}  {:8.1e}  {:8.1e}      {:8.1e}\n", step, error_in_float(step),
                   error_in_double(step), error_of_complex_step(step));
    }
}

// ### The V as a figure
//
// The figure has four steps to each power of ten, and the bottom of each V is recorded.
double best_step(const std::vector<double>& steps, const std::vector<double>& errors) {
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
        .x_label("step size h")
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

// ## Kinks
//
// ReLU has a corner at 0. If a pre-activation is closer to 0 than the step, the two evaluations lie
// on different sides of the corner, and the quotient is a mixture of two slopes. With $z = 0.3h$,
// ReLU gives $1.3h$ at $z + h$ and 0 at $z - h$, so the quotient is $1.3h / 2h = 0.65$, where the
// true slope is 1. No formula is wrong here; the judge is.
void Lesson::step_across_corner() const {
    const auto relu = [](const auto& z) { return reference::relu_forward(z)(0); };
    const Tensor<double> z{0.3 * h};
    fmt::print("\nReLU at z = 0.3 h: central difference {:.4f}, complex step {:.4f}\n",
               central_differences(relu, z, h)(0), check::complex_step(relu, z)(0));
}

// ### A kink inside the net
//
// We shift b1[0] so that the pre-activation of the first example is 0.3 h. The library's
// `central_difference()` runs the loss on a scalar type that records the outcome of every
// comparison. If a ReLU switches within the step, the report lists the entry with its two one-sided
// slopes and does not compare it. The checker never drops an entry silently: a check in which every
// entry is a kink fails.
//
// There are three ways out: another random point, a smaller step, or the complex step, which does
// not leave the point at all.
void Lesson::check_at_kink() const {
    Problem<double> at_kink = net;
    at_kink.b1(0) += 0.3 * h - forward(net).z1(0, 0);
    const Tensor<double> db1 = gradients(at_kink).db1;

    const auto differences = check::central_difference(loss_of_b1(at_kink), at_kink.b1, h);
    fmt::print("db1[0]: formula {:.6f}, central difference {:.6f}\n\n", db1(0),
               differences.gradient(0));
    fmt::print("{}", to_string(check::compare("db1", db1, differences)));

    const auto by_smaller_step = check::compare(
        "db1", db1, check::central_difference(loss_of_b1(at_kink), at_kink.b1, h / 10),
        check::Tolerance{1e-8, 1e-6});
    fmt::print("\nWith h = 1e-6: {} kinks, {}\n", by_smaller_step.kinks.size(),
               by_smaller_step.passed() ? "passed" : "FAILED");
    const auto by_complex_step =
        check::compare("db1", db1, check::complex_step(loss_of_b1(at_kink), at_kink.b1));
    fmt::print("With the complex step: {} entries compared, {}\n", by_complex_step.compared,
               by_complex_step.passed() ? "passed" : "FAILED");
}

// ## Absolute or relative error?
//
// Suppose that one feature has an unhappy unit, so that its numbers are about $10^{-9}$. Then its
// weights have equally small gradients. Central differences have an absolute error of about
// $10^{-11}$ in every entry, which is negligible for ordinary entries and a noticeable fraction of
// the small ones. A condition on the relative error of each entry alone would call a correct
// gradient wrong. A condition on the absolute error alone would accept any gradient that is small
// enough. The checker's condition has both,
// $$|a - c| \le \text{relative} \cdot \max|c| + \text{entrywise} \cdot |c|,$$
// with tolerances from one table in `handgrad/check/tolerances.hpp`. And where there is a choice,
// trust the complex step, which has neither problem. (A number after ~ is rounding, and differs
// between machines.)
void Lesson::compare_conditions() const {
    Problem<double> unhappy = net;
    for (std::size_t n = 0; n < unhappy.x.shape(0); ++n) { unhappy.x(n, 3) *= 1e-9; }
    const Tensor<double> dw1 = gradients(unhappy).dw1;
    const auto quotient = check::central_difference(loss_of_w1(unhappy), unhappy.w1);
    const Tensor<double> exact = check::complex_step(loss_of_w1(unhappy), unhappy.w1);

    fmt::print("\n                          central difference    complex step\n");
    fmt::print("  entry     formula       absolute  relative    absolute  relative\n");
    for (std::size_t d = 2; d < 4; ++d) {
        const double a = dw1(d, 0);
        const double error = std::abs(quotient.gradient(d, 0) - a);
        const double error_of_exact = std::abs(exact(d, 0) - a);
        fmt::print("  dw1[{},0]  {: .5e}  ~{:.0e}    ~{:.0e}      ~{:.0e}    ~{:.0e}\n", d, a,
                   error, error / std::abs(a), error_of_exact, error_of_exact / std::abs(a));
    }
    fmt::print("By both conditions together: central difference {}, complex step {}\n",
               check::compare("dw1", dw1, quotient).passed() ? "passed" : "FAILED",
               check::compare("dw1", dw1, exact).passed() ? "passed" : "FAILED");
}

// ## Four bugs
//
// A judge that has never convicted anybody proves nothing. So we break the gradient on purpose, in
// four ways that happen in practice. None of these programs would crash, and most of them would
// still train, only worse. Without a check, nobody would notice.
//
// ### The mean is forgotten
//
// The loss is a mean over the batch of N = 8, so $dz_2 = (p - y)/N$. Without the N, every gradient
// is 8 times too large.
void Lesson::forget_the_mean() const {
    fmt::print("\n--- Bug 1: the mean over the batch is forgotten\n\n");
    const Activations<double> a = forward(net);
    Gradients bad = g;
    bad.dz2 = reference::softmax_forward(a.z2);
    for (std::size_t n = 0; n < 8; ++n) { bad.dz2(n, net.y(n)) -= 1; } // and no division by N
    reference::linear_backward_weight(a.h, bad.dz2, bad.dw2);
    reference::linear_backward_bias(bad.dz2, bad.db2);
    reference::linear_backward_input(bad.dz2, net.w2, bad.dh);
    reference::relu_backward(a.z1, bad.dh, bad.dz1);
    reference::linear_backward_weight(net.x, bad.dz1, bad.dw1);
    reference::linear_backward_bias(bad.dz1, bad.db1);
    const check::GradientCheck checker = check_all(net, bad);
    fmt::print("{}\n{}", table(checker), to_string(checker.reports().back()));
}

// ### Two arguments change places
//
// The right product is $dw_1 = x^\top dz_1$, not $dz_1^\top x$. In a net whose first weight is
// square, the wrong product has the right shape, and nothing complains. All the other gradients are
// right.
void Lesson::swap_arguments() const {
    fmt::print("\n--- Bug 2: dw1 = dz1^T x\n\n");
    Gradients bad = g;
    reference::linear_backward_weight(bad.dz1, net.x, bad.dw1); // should be (net.x, bad.dz1, ...)
    fmt::print("{}", to_string(check_all(net, bad).reports().front()));
}

// ### The mask is taken from the wrong tensor
//
// The gradient passes ReLU where its *input* was positive. Here it passes where the upstream
// gradient is positive. The reports on w1 and b1 would show that something is wrong with the first
// layer; but a weight's gradient is a sum over the batch, and the sum hides the pattern. To find
// the place, check the gradients in between, from the loss backwards: dz2 is right, dh is right,
// dz1 is not. To differentiate with respect to z1, we let the net begin there.
auto loss_of_z1(const Problem<double>& net) {
    return [&net](const auto& z1) {
        const auto n = in_scalar_of(z1, net);
        const auto z2 = reference::linear_forward(reference::relu_forward(z1), n.w2, n.b2);
        return reference::cross_entropy_forward(z2, n.y);
    };
}

void Lesson::mask_by_wrong_tensor() const {
    fmt::print("\n--- Bug 3: ReLU's mask from dh instead of z1\n\n");
    const Tensor<double> bad_dz1 = reference::relu_backward(g.dh, g.dh);
    const Tensor<double> numeric = check::complex_step(loss_of_z1(net), forward(net).z1);
    fmt::print("{}", to_string(check::compare("dz1", bad_dz1, numeric)));
}

// ### A factor 2 in the penalty
//
// The penalty is $\tfrac12 \lambda \sum w^2$, with the gradient $\lambda w$. If the one half is
// forgotten in one of the two places, the gradient is wrong by $\lambda w$ in every weight, and
// right in every bias.
void Lesson::double_the_penalty() const {
    fmt::print("\n--- Bug 4: the penalty's gradient 2 lambda w instead of lambda w\n\n");
    Gradients bad = penalised_g;
    bad.dw1 += penalised.reg * penalised.w1; // once more
    bad.dw2 += penalised.reg * penalised.w2;
    fmt::print("{}", to_string(check_all(penalised, bad).reports().front()));
}

// ## The verdict
//
// This is the report on the gradient of chapter 05, penalty included. The errors are rounding;
// which entry is the worst is chance.
void Lesson::check_without_bug() const {
    const check::GradientCheck checker = check_all(penalised, penalised_g);
    fmt::print("\n--- No bug\n\n{}", table(checker));
    fmt::print("\nAll gradients of the two-layer net: {}\n",
               checker.passed() ? "passed" : "FAILED");
    check::require_passed(checker);
    program.result("passed", checker.passed());
}

int main(int argc, char** argv) {
    app::Program program("06_gradient_checking",
                         "Gradient checking: numeric against analytic, and four bugs caught");
    return program.main(argc, argv, [&program] { Lesson(program).run(); });
}
