// Marks the coding exercises of chapter 05. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <complex>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <leaky_relu.hpp>
#include <tanh.hpp>
#include <three_layers.hpp>

using namespace handgrad;

namespace {

void mark_leaky_relu(check::Exercise& exercise) {
    NumpyRandom random(54);
    const Tensor<double> x = random.randn({3, 5}), dy = random.randn({3, 5});
    for (const double slope : {0.01, 0.3}) {
        exercise.gradient("x", x, leaky_relu_backward(x, dy, slope), [&](auto y) {
            for (auto& value : y) { value *= std::real(value) > 0 ? 1 : slope; }
            return check::weighted_sum(y, dy);
        });
    }
}

void mark_tanh(check::Exercise& exercise) {
    NumpyRandom random(55);
    const Tensor<double> x = random.randn({3, 5}), dy = random.randn({3, 5});
    const Tensor<double> y = xt::tanh(x);
    exercise.mistake(dy * (1 - xt::square(xt::tanh(y))),
                     "y was taken for x: y is tanh(x) already, and has no tanh applied to it");
    exercise.gradient("x", x, tanh_backward(y, dy), [&](auto y_) {
        for (auto& value : y_) { value = std::tanh(value); }
        return check::weighted_sum(y_, dy);
    });
}

// Another scalar for everything, and another value for one of the parameters.
template <class T> T loss_with(const Tensor<T>& value, Tensor<T> ThreeLayers<T>::*which,
                               const ThreeLayers<double>& net, const Tensor<double>& x,
                               const Labels& y) {
    using check::cast;
    ThreeLayers<T> other{cast<T>(net.w1), cast<T>(net.b1), cast<T>(net.w2),
                         cast<T>(net.b2), cast<T>(net.w3), cast<T>(net.b3)};
    other.*which = value;
    return forward(other, cast<T>(x), y).loss;
}

void mark_three_layers(check::Exercise& exercise) {
    NumpyRandom random(56);
    const Tensor<double> x = random.randn({6, 2});
    const Labels y{0, 1, 2, 2, 1, 0};
    const ThreeLayers<double> net{random.randn({2, 5}), random.randn({5}),    random.randn({5, 4}),
                                  random.randn({4}),    random.randn({4, 3}), random.randn({3})};
    const ThreeLayers<double> g = backward(net, forward(net, x, y), x, y);
    using D = ThreeLayers<double>;
    using C = ThreeLayers<std::complex<double>>;
    exercise.extents({{"N", 6}, {"D", 2}, {"H", 5}, {"M", 4}, {"K", 3}});
    const auto check_one = [&](const char* name, auto D::*real, auto C::*complex) {
        exercise.gradient(name, net.*real, g.*real,
                          [&](const auto& v) { return loss_with(v, complex, net, x, y); });
    };
    // From the loss backwards: the first that is wrong is next to the error.
    check_one("w3", &D::w3, &C::w3);
    check_one("b3", &D::b3, &C::b3);
    check_one("w2", &D::w2, &C::w2);
    check_one("b2", &D::b2, &C::b2);
    check_one("w1", &D::w1, &C::w1);
    check_one("b1", &D::b1, &C::b1);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("05.4", "leaky_relu_backward", "leaky_relu.hpp", mark_leaky_relu);
    exercises.add("05.5", "tanh_backward", "tanh.hpp", mark_tanh);
    exercises.add("05.6", "backward", "three_layers.hpp", mark_three_layers);
    return exercises.main(argc, argv);
}
