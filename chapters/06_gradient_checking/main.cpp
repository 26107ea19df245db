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
// A partial derivative is the limit of a quotient. Without the limit, and with a step to both sides so that the error
// of first order cancels, it is the central difference
// $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}.$$
// Change one entry, evaluate, change it back: two evaluations of the loss for every entry, whatever the function is.
// This is far too slow to train with, and just right as a judge, because it knows nothing of our derivation. The
// scalar type is left open, since we want to see what it does in float as well as in double.
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

// To compare methods we need one number for the distance of two gradients. The largest difference in units of the
// largest entry will do.
template <class T> double distance(const Tensor<T>& numeric, const Tensor<double>& analytic) {
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < analytic.size(); ++i) {
        error = std::max(error, std::abs(numeric.data()[i] - analytic.data()[i]));
        size = std::max(size, std::abs(analytic.data()[i]));
    }
    return error / size;
}

// The library's checker takes a function and the place where to differentiate it. To ask for the gradient with respect
// to one parameter, we hand it a lambda that puts its argument in that parameter's place and leaves all else as it is.
// The argument is `const auto&` because the checker calls the lambda with complex numbers.
check::GradientCheck check_all(const Problem<double>& net, const Gradients& g) {
    check::GradientCheck checker;
    checker.wrt("w1", net.w1, g.dw1, [&](const auto& w1) {
        auto changed = in_scalar_of(w1, net);
        changed.w1 = w1;
        return loss(changed);
    });
    checker.wrt("b1", net.b1, g.db1, [&](const auto& b1) {
        auto changed = in_scalar_of(b1, net);
        changed.b1 = b1;
        return loss(changed);
    });
    checker.wrt("w2", net.w2, g.dw2, [&](const auto& w2) {
        auto changed = in_scalar_of(w2, net);
        changed.w2 = w2;
        return loss(changed);
    });
    checker.wrt("b2", net.b2, g.db2, [&](const auto& b2) {
        auto changed = in_scalar_of(b2, net);
        changed.b2 = b2;
        return loss(changed);
    });
    return checker;
}

int main(int argc, char** argv) {
    app::Program program("06_gradient_checking",
                         "Gradient checking: numeric against analytic, and four bugs caught");
    return program.main(argc, argv, [&] {
        // ## Two gradients of one loss
        //
        // Our subject is the two-layer net of chapter 05, made small, at random weights: the loss must not be at a
        // minimum, where every wrong factor hides behind a zero.
        const Problem<double> net = random_problem(program.options().seed);
        const Gradients g = gradients(net);
        const auto loss_of_w1 = [&](const auto& w1) {
            auto changed = in_scalar_of(w1, net);
            changed.w1 = w1;
            return loss(changed);
        };

        // Three ways to the same sixteen numbers: our formula, central differences with $h = 10^{-5}$, and the complex
        // step. The last one evaluates the loss at $x + ih$ and reads off the imaginary part:
        // $$f(x + ih) = f(x) + ih f'(x) - \tfrac{h^2}{2} f''(x) - \dots \qquad\Longrightarrow\qquad
        //   f'(x) = \frac{\operatorname{Im} f(x + ih)}{h} + O(h^2).$$
        // There is no subtraction in it, so nothing stops us from choosing $h = 10^{-20}$.
        const Tensor<double> by_differences = central_differences(loss_of_w1, net.w1, 1e-5);
        const Tensor<double> by_complex_step = check::complex_step(loss_of_w1, net.w1);

        fmt::print("The loss is {:.6f}. Its gradient with respect to w1, first row:\n\n",
                   loss(net));
        fmt::print("  entry     formula           central difference  complex step\n");
        for (std::size_t k = 0; k < 4; ++k) {
            fmt::print("  dw1[0,{}]  {: .12f}  {: .12f}     {: .12f}\n", k, g.dw1(0, k),
                       by_differences(0, k), by_complex_step(0, k));
        }

        // ## How large a step? The V
        //
        // A smaller step should be better: Taylor's formula puts the error of the central difference at
        // $h^2 f'''/6$, a hundred times less for every tenfold smaller step. But the two losses are rounded, each to a
        // relative $\epsilon$ (about $10^{-16}$ in double, $6 \cdot 10^{-8}$ in float), and dividing their difference
        // by $2h$ blows that up to $\epsilon |f| / h$: ten times *more* for every tenfold smaller step. The sum of both
        // is a V on logarithmic axes. Its bottom is where the two are equal, at $h \approx \epsilon^{1/3}$ with an
        // error of about $\epsilon^{2/3}$: we expect $5 \cdot 10^{-6}$ and $4 \cdot 10^{-11}$ in double, and
        // $4 \cdot 10^{-3}$ and $2 \cdot 10^{-5}$ in float. The complex step has the left branch only.
        const auto error_in_double = [&](double h) {
            return distance(central_differences(loss_of_w1, net.w1, h), g.dw1);
        };
        const auto error_in_float = [&](double h) {
            return distance(
                central_differences(loss_of_w1, Tensor<float>(net.w1), static_cast<float>(h)),
                g.dw1);
        };
        const auto error_of_complex_step = [&](double h) {
            return distance(check::complex_step(loss_of_w1, net.w1, h), g.dw1);
        };

        fmt::print("\nError of dw1, in units of its largest entry:\n\n");
        fmt::print("       h     float    double  complex step\n");
        for (const double h : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 1e-20}) {
            fmt::print("  {:.0e}  {:8.1e}  {:8.1e}      {:8.1e}\n", h, error_in_float(h),
                       error_in_double(h), error_of_complex_step(h));
        }

        std::vector<double> steps;
        std::vector<double> float_errors;
        std::vector<double> double_errors;
        std::vector<double> complex_errors;
        for (int k = 4; k <= 80; ++k) {
            const double h = std::pow(10.0, -0.25 * k);
            steps.push_back(h);
            float_errors.push_back(error_in_float(h));
            double_errors.push_back(error_in_double(h));
            complex_errors.push_back(error_of_complex_step(h));
        }
        const auto best_step = [&](const std::vector<double>& errors) {
            return steps[static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) -
                                                  errors.begin())];
        };
        program.result("best_step_float", best_step(float_errors));
        program.result("best_step_double", best_step(double_errors));

        plot::Figure figure;
        figure.title("Error of a numeric gradient against the size of the step")
            .x_label("step size h")
            .y_label("error / largest entry")
            .x_log()
            .y_log()
            .y_range(1e-17, 1e2)
            .legend(plot::Legend::below);
        figure.line_points("central difference, float", steps, float_errors)
            .line_points("central difference, double", steps, double_errors)
            .line_points("complex step, double", steps, complex_errors);
        const auto saved = figure.save(program.options().out, "step_size");
        if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }

        // ## Kinks
        //
        // ReLU has a corner at 0. If a pre-activation is closer to 0 than the step, the two evaluations lie on
        // different sides of the corner, and the quotient is a mixture of two slopes. With $z = 0.3h$, ReLU gives
        // $1.3h$ at $z + h$ and 0 at $z - h$, so we will be told a slope of $1.3h / 2h = 0.65$, where the true one
        // is 1. No formula is wrong here; the judge is.
        const double h = 1e-5;
        const auto relu = [](const auto& z) { return reference::relu_forward(z)(0); };
        const Tensor<double> z{0.3 * h};
        fmt::print("\nReLU at z = 0.3 h: central difference {:.4f}, complex step {:.4f}\n",
                   central_differences(relu, z, h)(0), check::complex_step(relu, z)(0));

        // The same inside the net: we shift b1[0] so that the pre-activation of the first example is 0.3 h. The
        // library's central_difference() runs the loss on a scalar type that notes how every comparison comes out. If
        // a ReLU switches within the step, the entry is listed with its two one-sided slopes, and not compared. It is
        // never dropped in silence: a check in which every entry is a kink fails.
        Problem<double> at_kink = net;
        at_kink.b1(0) += 0.3 * h - forward(net).z1(0, 0);
        const auto loss_of_b1 = [&](const auto& b1) {
            auto changed = in_scalar_of(b1, at_kink);
            changed.b1 = b1;
            return loss(changed);
        };
        const Tensor<double> db1 = gradients(at_kink).db1;
        const check::Differences differences = check::central_difference(loss_of_b1, at_kink.b1, h);
        fmt::print("db1[0]: formula {:.6f}, central difference {:.6f}\n\n", db1(0),
                   differences.gradient(0));
        fmt::print("{}", to_string(check::compare("db1", db1, differences)));

        // There are three ways out: another random point, a smaller step, or the complex step, which does not leave
        // the point at all.
        const check::Report with_smaller_step =
            check::compare("db1", db1, check::central_difference(loss_of_b1, at_kink.b1, h / 10),
                           check::Tolerance{1e-8, 1e-6});
        fmt::print("\nWith h = 1e-6: {} kinks, {}\n", with_smaller_step.kinks.size(),
                   with_smaller_step.passed() ? "passed" : "FAILED");
        const check::Report with_complex_step =
            check::compare("db1", db1, check::complex_step(loss_of_b1, at_kink.b1));
        fmt::print("With the complex step: {} entries compared, {}\n", with_complex_step.compared,
                   with_complex_step.passed() ? "passed" : "FAILED");

        // ## Absolute or relative error?
        //
        // Suppose that one feature comes in an unhappy unit, so that its numbers are about $10^{-9}$. So are its
        // weights' gradients. Central differences carry an absolute error of about $10^{-11}$ in every entry, which
        // is next to nothing for the others, and a noticeable part of these. The relative error of an entry alone
        // would call a correct gradient wrong; the absolute error alone would let any gradient pass that is small
        // enough. The checker's condition has both,
        // $$|a - c| \le \text{relative} \cdot \max|c| + \text{entrywise} \cdot |c|,$$
        // with tolerances from one table in handgrad/check/tolerances.hpp. And where there is a choice, trust the
        // complex step, which has neither problem. (A number after ~ is rounding, and differs between machines.)
        Problem<double> unhappy = net;
        for (std::size_t n = 0; n < unhappy.x.shape(0); ++n) { unhappy.x(n, 3) *= 1e-9; }
        const auto unhappy_loss = [&](const auto& w1) {
            auto changed = in_scalar_of(w1, unhappy);
            changed.w1 = w1;
            return loss(changed);
        };
        const Tensor<double> dw1 = gradients(unhappy).dw1;
        const check::Differences quotient = check::central_difference(unhappy_loss, unhappy.w1);
        const Tensor<double> exact = check::complex_step(unhappy_loss, unhappy.w1);
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

        // ## Four bugs
        //
        // A judge that has never convicted anybody proves nothing. So we break the gradient on purpose, four times,
        // as it happens in practice. None of these programs would crash, and most of them would still train, only
        // worse. Nothing but a check would tell.
        //
        // **The mean is forgotten.** The loss is a mean over the batch of N = 8, so $dz_2 = (p - y)/N$. Without the N,
        // everything that follows is 8 times too large.
        fmt::print("\n--- Bug 1: the mean over the batch is forgotten\n\n");
        {
            const Activations<double> a = forward(net);
            Gradients bad = g;
            bad.dz2 = reference::softmax_forward(a.z2);
            for (std::size_t n = 0; n < 8; ++n) {
                bad.dz2(n, net.y(n)) -= 1;
            } // and no division by N
            reference::linear_backward_weight(a.h, bad.dz2, bad.dw2);
            reference::linear_backward_bias(bad.dz2, bad.db2);
            reference::linear_backward_input(bad.dz2, net.w2, bad.dh);
            reference::relu_backward(a.z1, bad.dh, bad.dz1);
            reference::linear_backward_weight(net.x, bad.dz1, bad.dw1);
            reference::linear_backward_bias(bad.dz1, bad.db1);
            const check::GradientCheck checker = check_all(net, bad);
            fmt::print("{}\n{}", table(checker), to_string(checker.reports().back()));
        }

        // **Two arguments change places.** $dw_1 = x^T dz_1$, and not $dz_1^T x$. In a net whose first weight is
        // square, the wrong product has the right shape, and nobody complains. All the other gradients are right.
        fmt::print("\n--- Bug 2: dw1 = dz1^T x\n\n");
        {
            Gradients bad = g;
            reference::linear_backward_weight(bad.dz1, net.x,
                                              bad.dw1); // should be (net.x, bad.dz1, ...)
            fmt::print("{}", to_string(check_all(net, bad).reports().front()));
        }

        // **The mask is taken from the wrong tensor.** The gradient passes ReLU where its *input* was positive. Here it
        // passes where the incoming gradient is positive. The tables of w1 and b1 would show that something is wrong
        // with the first layer, but a weight's gradient is a sum over the batch, in which the pattern drowns. To find
        // the place, check the gradients on the way, from the loss backwards: dz2 is right, dh is right, dz1 is not.
        // To differentiate by z1, we let the net begin there.
        fmt::print("\n--- Bug 3: ReLU's mask from dh instead of z1\n\n");
        {
            Gradients bad = g;
            bad.dz1 = reference::relu_backward(bad.dh, bad.dh);
            const auto loss_of_z1 = [&](const auto& z1) {
                const auto n = in_scalar_of(z1, net);
                const auto z2 = reference::linear_forward(reference::relu_forward(z1), n.w2, n.b2);
                return reference::cross_entropy_forward(z2, n.y);
            };
            const Tensor<double> numeric = check::complex_step(loss_of_z1, forward(net).z1);
            fmt::print("{}", to_string(check::compare("dz1", bad.dz1, numeric)));
        }

        // **A factor 2 in the penalty.** The penalty is $\tfrac12 \lambda \sum w^2$, with the gradient $\lambda w$. If
        // the one half is forgotten in one of the two places, the gradient is off by $\lambda w$, in every weight and
        // no bias.
        fmt::print("\n--- Bug 4: the penalty's gradient 2 lambda w instead of lambda w\n\n");
        Problem<double> penalised = net;
        penalised.reg = 1e-3;
        const Gradients right = gradients(penalised);
        {
            Gradients bad = right;
            bad.dw1 += penalised.reg * penalised.w1; // once more
            bad.dw2 += penalised.reg * penalised.w2;
            const check::GradientCheck checker = check_all(penalised, bad);
            fmt::print("{}", to_string(checker.reports().front()));
        }

        // ## The verdict
        //
        // And this is what the gradient of chapter 05 looks like, penalty included. The errors are rounding; which
        // entry is the worst is chance.
        const check::GradientCheck checker = check_all(penalised, right);
        fmt::print("\n--- No bug\n\n{}", table(checker));
        fmt::print("\nAll gradients of the two-layer net: {}\n",
                   checker.passed() ? "passed" : "FAILED");
        program.result("passed", checker.passed());
    });
}
