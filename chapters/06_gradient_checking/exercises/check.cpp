// Marks the coding exercises of chapter 06. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <complex_step.hpp>
#include <five_point.hpp>
#include <residual.hpp>

using namespace handgrad;

namespace {

// exp(x0 x1) + x1 x2 / x0, for any scalar, and its gradient.
template <class T> T function(const Tensor<T>& x) {
    using std::exp;
    return exp(x(0) * x(1)) + x(1) * x(2) / x(0);
}
Tensor<double> gradient_of_function(const Tensor<double>& x) {
    const double e = std::exp(x(0) * x(1));
    return {x(1) * e - x(1) * x(2) / (x(0) * x(0)), x(0) * e + x(2) / x(0),
            x(1) / x(0)};
}

// ---- 06.4 ----

using Function = std::function<double(const Tensor<double>&)>;

// sum of weight * f(x + distance e_i) over the pairs (weight, distance), all
// divided by `divisor`. `restore`: whether an entry gets its old value back.
Tensor<double> stencil(const Function& f, const Tensor<double>& x,
                       const std::vector<std::pair<double, double>>& terms,
                       double divisor, bool restore = true) {
    Tensor<double> result = x, moved = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
        double sum = 0;
        for (const auto& [weight, distance] : terms) {
            moved.data()[i] = x.data()[i] + distance;
            sum += weight * f(moved);
        }
        if (restore) { moved.data()[i] = x.data()[i]; }
        result.data()[i] = sum / divisor;
    }
    return result;
}

void compare_five_point(check::Exercise& exercise, const Function& f,
                        const Tensor<double>& x, double delta,
                        const Tensor<double>& expected,
                        check::Tolerance tolerance) {
    const double d = delta;
    const auto weights = [d](double near, double far) {
        return std::vector<std::pair<double, double>>{
            {near, d}, {-near, -d}, {far, 2 * d}, {-far, -2 * d}};
    };
    exercise.value(
        "dx", ::five_point_difference(f, x, d), expected,
        {
            {stencil(f, x, weights(1, 0), 2 * d),
             "the plain central difference is taken: the far points are "
             "missing"},
            {stencil(f, x, weights(8, 1), 12 * d),
             "the far difference is added: it is subtracted"},
            {stencil(f, x, weights(1, -1), 12 * d), "the weight 8 is missing"},
            {stencil(f, x, weights(-1, 8), 12 * d),
             "the weights are exchanged"},
            {stencil(f, x, weights(8, -1), 12),
             "the division by delta is missing"},
            {stencil(f, x, weights(8, -1), 2 * d),
             "it is divided by 2 delta: the divisor is 12 delta"},
            {stencil(f, x, weights(8, -1), 1),
             "the division by 12 delta is missing"},
            {stencil(f, x, weights(8, 0), 12 * d),
             "the far points, x + 2 delta e_i and x - 2 delta e_i, are "
             "missing"},
            {stencil(f, x, {{8, d}, {-8, 0}, {-1, 2 * d}, {1, 0}}, 12 * d),
             "one-sided differences are taken: f(x) is subtracted in place of "
             "f(x - delta e_i)"},
            {stencil(f, x, {{8, d}, {-8, -d}, {-1, 2 * d}, {1, -2 * d}}, 12 * d,
                     false),
             "an entry that has been moved is not restored before the next "
             "one"},
            {stencil(f, x, {{8, d}, {-8, -d}, {-1, d * d}, {1, -d * d}},
                     12 * d),
             "the far points are at delta^2: they are at 2 delta"},
        },
        tolerance);
}

void mark_five_point(check::Exercise& exercise) {
    // Exact for polynomials up to degree 4, except for rounding.
    const auto polynomial = [](const Tensor<double>& x) {
        return x(0) * x(0) * x(0) * x(0) + x(0) * x(1) * x(1);
    };
    const Tensor<double> x{1.0, 2.0};
    exercise.by_hand({{"f(x)", "x_0^4 + x_0 x_1^2"}, {"x", x}, {"delta", 2.0}});
    compare_five_point(exercise, polynomial, x, 2, {8.0, 4.0}, {1e-13, 0});
    const Tensor<double> at{0.7, -0.4, 1.2};
    exercise.begin("for another function and delta = 1e-3");
    compare_five_point(exercise, function<double>, at, 1e-3,
                       gradient_of_function(at), {1e-9, 1e-9});
}

// ---- 06.5 ----

template <class F> void compare_complex_step(check::Exercise& exercise,
                                             const F& f,
                                             const Tensor<double>& x,
                                             const Tensor<double>& expected) {
    using Complex = std::complex<double>;
    const double delta = 1e-20;
    const auto with = [&](bool restore, const auto& part) {
        Tensor<double> result = x;
        Tensor<Complex> z(x.shape());
        for (std::size_t j = 0; j < x.size(); ++j) {
            z.data()[j] = x.data()[j];
        }
        for (std::size_t j = 0; j < x.size(); ++j) {
            z.data()[j] = {x.data()[j], delta};
            result.data()[j] = part(f(z));
            if (restore) { z.data()[j] = x.data()[j]; }
        }
        return result;
    };
    const auto derivative = [&](Complex v) { return v.imag() / delta; };
    // As `with`, but with all imaginary parts from the start.
    Tensor<Complex> all(x.shape());
    for (std::size_t j = 0; j < x.size(); ++j) {
        all.data()[j] = {x.data()[j], delta};
    }
    Tensor<Complex> step_alone(x.shape());
    Tensor<double> alone = x;
    for (std::size_t j = 0; j < x.size(); ++j) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            step_alone.data()[i] = {0, i == j ? delta : 0};
        }
        alone.data()[j] = derivative(f(step_alone));
    }
    exercise.value(
        "dx", ::complex_step(f, x), expected,
        {
            {with(true, [](Complex v) { return v.imag(); }),
             "the division by delta is missing"},
            {with(true, [&](Complex v) { return v.real() / delta; }),
             "the real part is taken: the derivative is in the imaginary part"},
            {with(true, [](Complex v) { return v.real(); }),
             "the real part is taken: it is f(x) itself"},
            {with(true, [&](Complex v) { return v.imag() / (2 * delta); }),
             "it is divided by 2 delta: there is one step only, so divide by "
             "delta"},
            {with(true, [&](Complex v) { return std::abs(v) / delta; }),
             "the absolute value is taken: the derivative is in the imaginary "
             "part"},
            {with(true, [&](Complex v) { return -v.imag() / delta; }),
             "the sign of the step is wrong"},
            {with(false, derivative), "the imaginary part of an entry is not "
                                      "set back to 0 before the next "
                                      "one"},
            {full<double>(x.shape(), derivative(f(all))),
             "all entries have an imaginary part at once: only entry j may"},
            {zeros<double>(x.shape()), "the step is added to the real part, or "
                                       "f is called without it (or "
                                       "is this still the stub?)"},
            {alone, "x is missing in the argument of f: it is x + i delta e_j"},
        },
        {1e-14, 1e-14});
}

void mark_complex_step(check::Exercise& exercise) {
    const auto small = [](const auto& x) { return x(0) * x(0) * x(1); };
    exercise.by_hand({{"f(x)", "x_0^2 x_1"}, {"x", Tensor<double>{2.0, 3.0}}});
    compare_complex_step(exercise, small, {2.0, 3.0}, {12.0, 4.0});
    const Tensor<double> at{0.7, -0.4, 1.2};
    exercise.begin("for another function");
    compare_complex_step(
        exercise,
        [](const Tensor<std::complex<double>>& z) { return function(z); }, at,
        gradient_of_function(at));
}

// ---- 06.6 ----

template <class T> Tensor<T>
residual_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
    Tensor<T> y = reference::tanh_forward(reference::linear_forward(x, w, b));
    for (std::size_t i = 0; i < x.size(); ++i) { y.data()[i] += x.data()[i]; }
    return y;
}

void compare_residual(check::Exercise& exercise, const Tensor<double>& x,
                      const Tensor<double>& w, const Tensor<double>& b,
                      const Tensor<double>& dy) {
    using check::cast_like;
    using check::weighted_sum;
    exercise.extents({{"N", x.shape(0)}, {"D", x.shape(1)}});
    // What other mistakes than the two bugs do: those are to be found.
    const Tensor<double> o =
        reference::tanh_forward(reference::linear_forward(x, w, b));
    struct Wrong {
        Tensor<double> dz;
        const char* cause;
    };
    const Wrong wrong[] = {
        {Tensor<double>(dy * (1 - xt::square(xt::tanh(o)))),
         "tanh is applied to o, which is tanh(z) already"},
        {Tensor<double>(1 - o * o), "the factor dy is missing in dz"},
        {Tensor<double>(dy * (1 - o)), "the square of o is missing in dz"},
        {dy, "tanh is left out on the way back: dz = dy (1 - o^2)"},
        {Tensor<double>(dy * o * (1 - o)),
         "the derivative of sigmoid is taken, not that of tanh"},
        {Tensor<double>(dy * (1 - xt::square(o + x))),
         "the derivative is computed from y: tanh's result is o, without x"},
        {Tensor<double>((dy + x) * (1 - o * o)),
         "x is added to the gradient dy: it is an input, not a gradient"},
    };
    check::Mistakes of_b, of_w, of_x;
    for (const auto& [dz, cause] : wrong) {
        const auto layer = reference::linear_backward(x, w, dz);
        of_b.push_back({layer.db, cause});
        of_w.push_back({layer.dw, cause});
        of_x.push_back({Tensor<double>(layer.dx + dy), cause});
        of_x.push_back({layer.dx, cause});
    }
    const auto right =
        reference::linear_backward(x, w, Tensor<double>(dy * (1 - o * o)));
    of_x.push_back({right.dx, "only the path through the layer is counted"});
    of_x.push_back({dy, "only the path past the layer is counted"});
    of_x.push_back({Tensor<double>(right.dx + x),
                    "x is added to dx: it is an input, not a gradient"});
    of_x.push_back(
        {Tensor<double>(right.dx * dy),
         "the gradients of the two paths are multiplied: they are added"});
    of_x.push_back({Tensor<double>(right.dx + 2 * dy),
                    "the path past the layer is counted twice"});
    of_x.push_back(
        {Tensor<double>(right.dx - dy),
         "the gradient of the second path is subtracted: it is added"});
    const ResidualGradients g = residual_backward(x, w, b, dy);
    // From the end of the block to its beginning.
    exercise.otherwise("db is the sum of dz over the examples, so dz is wrong "
                       "already: look at what is between dy and dz");
    exercise.gradient(
        "b", b, g.db,
        [&](const auto& v) {
            return weighted_sum(
                residual_forward(cast_like(v, x), cast_like(v, w), v), dy);
        },
        of_b);
    exercise.otherwise("dw is x^T dz: look at dz, and at the arguments of "
                       "linear_backward");
    exercise.gradient(
        "w", w, g.dw,
        [&](const auto& v) {
            return weighted_sum(
                residual_forward(cast_like(v, x), v, cast_like(v, b)), dy);
        },
        of_w);
    exercise.otherwise("on how many paths does x reach y?");
    exercise.gradient(
        "x", x, g.dx,
        [&](const auto& v) {
            return weighted_sum(
                residual_forward(v, cast_like(v, w), cast_like(v, b)), dy);
        },
        of_x);
}

void mark_residual(check::Exercise& exercise) {
    const Tensor<double> x{{1.0, 0.0}, {0.0, 2.0}}, w{{0.0, 1.0}, {1.0, 0.0}};
    const Tensor<double> b{0.0, 0.0}, dy{{1.0, 2.0}, {3.0, -1.0}};
    exercise.by_hand(
        {{"x", x},
         {"w", w},
         {"b", b},
         {"dy", dy},
         {"z", reference::linear_forward(x, w, b)},
         {"o", reference::tanh_forward(reference::linear_forward(x, w, b))}});
    compare_residual(exercise, x, w, b, dy);
    NumpyRandom random(66);
    const Tensor<double> x2 = random.randn({5, 3}), w2 = random.randn({3, 3});
    const Tensor<double> b2 = random.randn({3}), dy2 = random.randn({5, 3});
    exercise.begin("for random numbers", {{"dy", dy2}, {"x", x2}});
    compare_residual(exercise, x2, w2, b2, dy2);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("06.4", "five_point_difference", "five_point.hpp",
                  mark_five_point);
    exercises.add("06.5", "complex_step", "complex_step.hpp",
                  mark_complex_step);
    exercises.add("06.6", "residual_backward", "residual.hpp", mark_residual);
    return exercises.main(argc, argv);
}
