#pragma once
// ## One channel with numbers
//
// Four examples, and numbers that have short binary fractions: the column $x = (1, 2, 3, 6)$, the
// scale $w = 2$, the shift $b = 1$. The constant $\epsilon$ is usually $10^{-5}$; here it is 0.5,
// so that the root is a whole number. You can follow every line with a pencil.

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/tensor/random.hpp>

#include "graph.hpp"

namespace gradients {

using handgrad::Random;
using handgrad::Shape;
using handgrad::Tensor;
namespace cpu = handgrad::cpu;

inline std::string text(double number) { return fmt::format("{:g}", number); }

inline std::string text(const Column<double>& column) {
    std::string line;
    for (const double number : column) { line += fmt::format("{:8g}", number); }
    return line;
}

template <class Result> void print_step(int step, const char* name,
                                        const Result& result,
                                        const Result& gradient) {
    fmt::print("{:>4}  {:6}{:36}d{:6}{}\n", step ? std::to_string(step) : "",
               name, text(result), name, text(gradient));
}

// The picture of the graph in the book shows these numbers.
inline void record(handgrad::app::Program& program, const Graph<double>& g) {
    for (const auto& [name, numbers] : {std::pair("x", g.x),
                                        {"c", g.c},
                                        {"x_hat", g.x_hat},
                                        {"y", g.y},
                                        {"dx", g.dx},
                                        {"dc", g.dc},
                                        {"dx_hat", g.dx_hat},
                                        {"dy", g.dz}}) {
        program.result(name, numbers);
    }
    for (const auto& [name, number] : {std::pair("mu", g.mu),
                                       {"var", g.var},
                                       {"rstd", g.rstd},
                                       {"w", g.w},
                                       {"b", g.b},
                                       {"dmu", g.dmu},
                                       {"dvar", g.dvar},
                                       {"drstd", g.drstd},
                                       {"dw", g.dw},
                                       {"db", g.db}}) {
        program.result(name, number);
    }
}

// <details class="predict"><summary>Predict: what is the mean, the variance plus $\epsilon$, and $\text{rstd}$? What is the sum of the four numbers of $dx$?</summary>
//
// The mean is 12 / 4 = 3. The centred numbers are -2, -1, 0 and 3; their squares add up to 14, so
// the variance is 3.5, and with $\epsilon$ it is 4. So $t = 2$ and $\text{rstd} = 1/2$. The sum of
// $dx$ is 0 for every $dy$: if all of $x$ grows by the same number, nothing changes behind the
// normalisation, so the loss has no slope in this direction.
//
// </details>
inline void print_one_channel(handgrad::app::Program& program) {
    Graph<double> g(2, 1, 0.5);
    g.forward({1, 2, 3, 6});
    g.backward({1, -1, 2, 0});
    fmt::print("One channel through the graph: read the left half from top to "
               "bottom,\nthe right half from bottom to top\n\n");
    fmt::print("step  forward                                   backward\n");
    print_step(0, "x", g.x, g.dx);
    print_step(1, "s", g.s, g.ds);
    print_step(2, "mu", g.mu, g.dmu);
    print_step(3, "c", g.c, g.dc);
    print_step(4, "q", g.q, g.dq);
    print_step(5, "v", g.v, g.dv);
    print_step(6, "var", g.var, g.dvar);
    print_step(7, "e", g.e, g.de);
    print_step(8, "t", g.t, g.dt);
    print_step(9, "rstd", g.rstd, g.drstd);
    print_step(10, "x_hat", g.x_hat, g.dx_hat);
    print_step(11, "z", g.z, g.dz);
    print_step(12, "y", g.y, {1, -1, 2, 0});
    fmt::print("      w     {:36}dw     {}\n", text(g.w), text(g.dw));
    fmt::print("      b     {:36}db     {}\n", text(g.b), text(g.db));
    fmt::print("sum of dx {}, three terms: {}\n", text(sum(g.dx)),
               three_terms(g, g.dz) == g.dx ? "the same dx" : "ANOTHER dx");
    record(program, g);
}

// @output to "sum of dx"
//
// Three lines deserve a look. $dc$ is the sum of two parts: step 10 alone gives
// $d\hat x_i / 2 = (1, -1, 2, 0)$, and step 4 adds $2\, c_i\, dq_i$. The first line, $dx$, is $dc$
// with the same number $ds = -0.5$ added to every entry. And the sum of $dx$ is exactly 0.
//
// ## Four ways to the same gradient
//
// A mini-batch of 32 examples with 64 channels of random numbers is differentiated in four ways:
// by the twelve steps, by the three terms, by the library's `cpu::batch_norm_backward_input`, and
// by the complex step through the twelve steps forward. We do it in double, and the first two also
// in float.
struct Batch {
    std::size_t N, C;
    Tensor<double> x, dy, w, b; // (N, C), (N, C), (C), (C)

    explicit Batch(std::uint64_t seed, std::size_t N_ = 32, std::size_t C_ = 64)
        : N(N_), C(C_), x(Shape{N, C}), dy(x.shape()), w(Shape{C}),
          b(w.shape()) {
        Random random(seed);
        for (Tensor<double>* t : {&x, &dy, &w, &b}) {
            handgrad::normal_(*t, 0, 1, random);
        }
    }
};

template <class T>
Column<T> column(const Tensor<double>& batch, std::size_t c) {
    Column<T> result;
    for (std::size_t n = 0; n < batch.shape(0); ++n) {
        result.push_back(static_cast<T>(batch(n, c)));
    }
    return result;
}

template <class A, class B>
double difference(const std::vector<A>& a, const std::vector<B>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        largest = std::max(largest, std::abs(d));
    }
    return largest;
}

// The derivative of $\sum_i dy_i\, y_i$ with respect to each $x_i$.
inline Column<double> complex_step(const Graph<double>& at,
                                   const Column<double>& dy) {
    using Complex = std::complex<double>;
    Graph<Complex> graph(at.w, at.b, at.eps);
    Column<Complex> x(at.x.begin(), at.x.end());
    Column<double> dx;
    for (Complex& number : x) {
        number += Complex(0, 1e-20);
        const Column<Complex>& y = graph.forward(x);
        double slope = 0;
        for (std::size_t i = 0; i < dy.size(); ++i) {
            slope += dy[i] * y[i].imag() / 1e-20;
        }
        dx.push_back(slope);
        number = number.real();
    }
    return dx;
}

// The largest difference from the twelve steps in double.
struct Differences {
    double three_terms = 0, library = 0, numeric = 0, in_float = 0;
    double gradient = 0; // the largest entry of dx
};

inline Tensor<double> library_dx(const Batch& batch, double eps) {
    const auto forward =
        cpu::batch_norm_forward(batch.x, batch.w, batch.b, eps);
    Tensor<double> dw, db, dy_mean, dyx_mean;
    cpu::batch_norm_backward_parameters(batch.x, forward.mean, forward.rstd,
                                        batch.dy, dw, db, dy_mean, dyx_mean);
    return cpu::batch_norm_backward_input(batch.x, batch.w, forward.mean,
                                          forward.rstd, dy_mean, dyx_mean,
                                          batch.dy);
}

inline Differences compare(const Batch& batch) {
    const double eps = 1e-5;
    const Tensor<double> dx = library_dx(batch, eps);
    Differences most;
    for (std::size_t c = 0; c < batch.C; ++c) {
        Graph<double> graph(batch.w(c), batch.b(c), eps);
        graph.forward(column<double>(batch.x, c));
        const auto dy = column<double>(batch.dy, c);
        const auto& exact = graph.backward(dy);
        Graph<float> single(static_cast<float>(batch.w(c)),
                            static_cast<float>(batch.b(c)), 1e-5F);
        single.forward(column<float>(batch.x, c));
        const auto dy_single = column<float>(batch.dy, c);
        const auto& rounded = single.backward(dy_single);
        const auto raise = [](double& largest, double number) {
            largest = std::max(largest, number);
        };
        raise(most.three_terms, difference(exact, three_terms(graph, dy)));
        raise(most.library, difference(exact, column<double>(dx, c)));
        raise(most.numeric, difference(exact, complex_step(graph, dy)));
        raise(most.in_float,
              difference(rounded, three_terms(single, dy_single)));
        raise(most.gradient, difference(exact, Column<double>(batch.N)));
    }
    return most;
}

// <details class="predict"><summary>Predict: how far are the twelve steps and the three terms apart in double? And in float?</summary>
//
// The relative rounding error of one operation is $1.1 \cdot 10^{-16}$ in double and
// $6 \cdot 10^{-8}$ in float. The gradients are a few units large, and a few dozen roundings
// partly cancel: a few $10^{-15}$, and half a billion times as much in float, a few $10^{-7}$ to
// $10^{-6}$.
//
// </details>
inline void print_agreement(handgrad::app::Program& program,
                            std::uint64_t seed) {
    using handgrad::app::about;
    const Differences most = compare(Batch(seed));
    fmt::print("\nLargest difference from the twelve steps, entries of dx up "
               "to {:.2f}\n",
               most.gradient);
    fmt::print("  three terms                     {}\n",
               about(most.three_terms, ".1e"));
    fmt::print("  cpu::batch_norm_backward_input  {}\n",
               about(most.library, ".1e"));
    fmt::print("  complex step                    {}\n",
               about(most.numeric, ".1e"));
    fmt::print("  three terms, both in float      {}\n",
               about(most.in_float, ".1e"));
    const double worst =
        std::max({most.three_terms, most.library, most.numeric});
    if (!(worst <= 1e-14)) {
        throw std::runtime_error("the gradients differ by more than 1e-14");
    }
    fmt::print("in double all agree to 1e-14\n");
    program.result("three_terms_difference", most.three_terms);
    program.result("float_difference", most.in_float);
}

// @output to "in double all agree"
//
// Andrej Karpathy's lecture "Building makemore, part 4: becoming a backprop ninja" (2022) derives
// such a short form and compares it with PyTorch's automatic gradient, in float. The largest
// difference that it reports is $9.3 \cdot 10^{-10}$. The gradients there are smaller than ours,
// because the loss is a mean over the mini-batch. In double the forms agree to the last digit or
// two.
//
// ## An upstream gradient of ones proves nothing
//
// It is tempting to check a gradient with the loss "sum of all $y$", so that $dy$ is 1 everywhere.
// For batch normalisation this check is worthless. The $\hat x_i$ of a channel add up to 0, so the
// sum of $y$ is $m\, b$ whatever $x$ is, and the right $dx$ is 0. A backward pass with a grave
// mistake may be 0 as well. Here are five candidates: the right one, three wrong ones and a silly
// one.
//
// <details class="predict"><summary>Predict: which of the four wrong candidates pass the check with ones?</summary>
//
// With $dy = 1$ the mean of $dy$ is 1 and the mean of $dy \odot \hat x$ is 0. So the third term
// vanishes: its absence, or a wrong factor in it, cannot be seen. A gradient of zeros passes, too.
// Only the absence of the second term is found, since then $dx = w\, \text{rstd}$.
//
// </details>
inline double error(const Tensor<double>& x, const Column<double>& dy,
                    const Terms* terms) {
    double largest = 0;
    for (std::size_t c = 0; c < x.shape(1); ++c) {
        Graph<double> graph(1.5, 0.5, 1e-5);
        graph.forward(column<double>(x, c));
        const Column<double> dx =
            terms ? three_terms(graph, dy, *terms) : Column<double>(dy.size());
        largest = std::max(largest, difference(dx, complex_step(graph, dy)));
    }
    return largest;
}

inline void check_with_ones(std::uint64_t seed) {
    const Batch batch(seed, 8, 3);
    const Column<double> ones(batch.N, 1), random = column<double>(batch.dy, 0);
    const Terms right, no_mean{false, true, 0}, no_variance{true, false, 0},
        unbiased{true, true, 1};
    const std::array<std::pair<const char*, const Terms*>, 5> candidates = {
        {{"right", &right},
         {"the mean taken as a constant", &no_mean},
         {"the variance taken as a constant", &no_variance},
         {"m - 1 for m in the third term", &unbiased},
         {"zeros", nullptr}}};
    fmt::print("\nError of dx against the complex step   dy = 1        dy "
               "random\n");
    for (const auto& [name, terms] : candidates) {
        const double with_ones = error(batch.x, ones, terms),
                     with_random = error(batch.x, random, terms);
        const auto verdict = [](double e) {
            return e <= 1e-12 ? "passes" : "FOUND";
        };
        fmt::print("  {:33} {:8.4f} {:6} {:8.4f} {:6}\n", name, with_ones,
                   verdict(with_ones), with_random, verdict(with_random));
    }
}

// @output to "zeros"
//
// With ones, three of four mistakes pass. With a random $dy$ all of them are found. For this
// reason every gradient check of the library draws its upstream gradient at random.
//
// ## The same sums along the other axis
//
// A mini-batch is a matrix with an example in each row. Batch normalisation applies the graph to
// each column, **layer normalisation** (Ba, Kiros, Hinton 2016) to each row: mean and variance of
// one example over its features. Nothing else changes, except that the scale and the shift still
// belong to the feature: $y_{ni} = \hat x_{ni}\, w_i + b_i$. So the graph gets $w = 1$, and its
// upstream gradient is $d\hat x_{ni} = dy_{ni}\, w_i$.
inline double compare_layer_norm(const Batch& batch) {
    const auto forward =
        cpu::layer_norm_forward(batch.x, batch.w, batch.b, 1e-5);
    const Tensor<double> dx = cpu::layer_norm_backward_input(
        batch.x, batch.w, forward.mean, forward.rstd, batch.dy);
    double most = 0;
    for (std::size_t n = 0; n < batch.N; ++n) {
        Column<double> x, dx_hat, dx_row;
        for (std::size_t i = 0; i < batch.C; ++i) {
            x.push_back(batch.x(n, i));
            dx_hat.push_back(batch.dy(n, i) * batch.w(i));
            dx_row.push_back(dx(n, i));
        }
        Graph<double> graph(1, 0, 1e-5);
        graph.forward(x);
        most = std::max(most, difference(graph.backward(dx_hat), dx_row));
    }
    return most;
}

// Which entries of $y$ depend on the entry in the first row and column of $x$? We change it and
// mark the entries of $y$ that move.
template <class Forward>
std::vector<std::string> moved(const Forward& forward, Tensor<double> x) {
    const Tensor<double> before = forward(x);
    x(0, 0) += 1;
    const Tensor<double> after = forward(x);
    std::vector<std::string> lines;
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        std::string line;
        for (std::size_t i = 0; i < x.shape(1); ++i) {
            line += before(n, i) == after(n, i) ? " ." : " #";
        }
        lines.push_back(line);
    }
    return lines;
}

inline void compare_axes(std::uint64_t seed) {
    const double most = compare_layer_norm(Batch(seed));
    if (!(most <= 1e-14)) {
        throw std::runtime_error("the twelve steps are not layer_norm");
    }
    fmt::print("\nThe twelve steps along the rows are layer_norm to 1e-14\n");
    const Batch small(seed, 3, 4);
    const Tensor<double> mean = handgrad::zeros<double>({4}),
                         var = handgrad::full<double>({4}, 1);
    const auto batch_norm = [&](const auto& x) {
        return cpu::batch_norm_forward(x, small.w, small.b, 1e-5).y;
    };
    const auto evaluation = [&](const auto& x) {
        Tensor<double> y, rstd;
        cpu::batch_norm_eval_forward(x, small.w, small.b, mean, var, 1e-5, y,
                                     rstd);
        return y;
    };
    const auto layer_norm = [&](const auto& x) {
        return cpu::layer_norm_forward(x, small.w, small.b, 1e-5).y;
    };
    const auto left = moved(batch_norm, small.x),
               middle = moved(evaluation, small.x),
               right = moved(layer_norm, small.x);
    fmt::print("Entries of y that depend on x(0, 0)\n");
    fmt::print(
        "       BatchNorm, training  BatchNorm, evaluation  LayerNorm\n");
    for (std::size_t n = 0; n < 3; ++n) {
        fmt::print("row {} {:21}{:23}{}\n", n, left[n], middle[n], right[n]);
    }
}

// @output to "row 2"
//
// In training, batch normalisation lets the examples of a mini-batch see each other. No other
// layer of this book does that. Layer normalisation does not, and therefore computes the same in
// training and in evaluation, with any batch size. Transformers use it (chapter 17).

} // namespace gradients
