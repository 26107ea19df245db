// Marks the coding exercises of chapter 06. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <cmath>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <central_difference.hpp>
#include <complex_step.hpp>
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
    return {x(1) * e - x(1) * x(2) / (x(0) * x(0)), x(0) * e + x(2) / x(0), x(1) / x(0)};
}

void mark_central_difference(check::Exercise& exercise) {
    // Of a parabola the central difference is exact but for rounding, however large h is; a one-sided one is not.
    const Tensor<double> x{{0.5, -2.0, 3.0}, {1.5, 0.25, -1.0}};
    const auto parabola = [](const Tensor<double>& v) {
        double sum = 0;
        for (std::size_t i = 0; i < v.size(); ++i) {
            sum += static_cast<double>(i + 1) * v.data()[i] * v.data()[i];
        }
        return sum;
    };
    const Tensor<double> exact{{1.0, -8.0, 18.0}, {12.0, 2.5, -12.0}};
    exercise.value("g of a parabola, h = 0.25", ::central_difference(parabola, x, 0.25), exact,
                   {1e-13, 0});
    const Tensor<double> at{0.7, -0.4, 1.2};
    exercise.value("g, h = 1e-5", ::central_difference(function<double>, at, 1e-5),
                   gradient_of_function(at), check::central_difference_tolerance);
}

void mark_complex_step(check::Exercise& exercise) {
    const Tensor<double> at{0.7, -0.4, 1.2};
    exercise.value(
        "g", ::complex_step([](const Tensor<std::complex<double>>& z) { return function(z); }, at),
        gradient_of_function(at), {1e-14, 1e-14});
}

template <class T>
Tensor<T> residual_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
    Tensor<T> o = reference::tanh_forward(reference::linear_forward(x, w, b));
    for (std::size_t i = 0; i < x.size(); ++i) { o.data()[i] += x.data()[i]; }
    return o;
}

void mark_residual(check::Exercise& exercise) {
    NumpyRandom random(66);
    const Tensor<double> x = random.randn({5, 3}), w = random.randn({3, 3}), b = random.randn({3});
    const Tensor<double> d_o = random.randn({5, 3});
    exercise.extents({{"N", 5}, {"D", 3}});
    const ResidualGradients g = residual_backward(x, w, b, d_o);
    using check::cast_like;
    using check::weighted_sum;
    // From the layer's end to its beginning.
    exercise.gradient("b", b, g.db, [&](const auto& v) {
        return weighted_sum(residual_forward(cast_like(v, x), cast_like(v, w), v), d_o);
    });
    exercise.gradient("w", w, g.dw, [&](const auto& v) {
        return weighted_sum(residual_forward(cast_like(v, x), v, cast_like(v, b)), d_o);
    });
    exercise.gradient("x", x, g.dx, [&](const auto& v) {
        return weighted_sum(residual_forward(v, cast_like(v, w), cast_like(v, b)), d_o);
    });
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("06.4", "central_difference", "central_difference.hpp", mark_central_difference);
    exercises.add("06.5", "complex_step", "complex_step.hpp", mark_complex_step);
    exercises.add("06.6", "residual_backward", "residual.hpp", mark_residual);
    return exercises.main(argc, argv);
}
