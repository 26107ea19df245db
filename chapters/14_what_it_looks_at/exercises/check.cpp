// Marks the coding exercises of chapter 14. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <string>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <adversarial_step.hpp>
#include <gradient_sign.hpp>
#include <input_gradient.hpp>

using namespace handgrad;

namespace {

template <class T> Tensor<T> matmul(const Tensor<T>& a, const Tensor<T>& b) {
    auto c = zeros<T>({a.shape(0), b.shape(1)});
    for (std::size_t n = 0; n < a.shape(0); ++n) {
        for (std::size_t i = 0; i < a.shape(1); ++i) {
            for (std::size_t k = 0; k < b.shape(1); ++k) {
                c(n, k) += a(n, i) * b(i, k);
            }
        }
    }
    return c;
}

Tensor<double> transposed(const Tensor<double>& a) {
    auto t = zeros<double>({a.shape(1), a.shape(0)});
    for (std::size_t i = 0; i < a.shape(0); ++i) {
        for (std::size_t k = 0; k < a.shape(1); ++k) { t(k, i) = a(i, k); }
    }
    return t;
}

// softmax(x w) row by row; the scores are small.
template <class T> Tensor<T> softmax(const Tensor<T>& x, const Tensor<T>& w) {
    Tensor<T> p = matmul(x, w);
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        T sum(0);
        for (std::size_t k = 0; k < p.shape(1); ++k) {
            p(n, k) = std::exp(p(n, k));
            sum += p(n, k);
        }
        for (std::size_t k = 0; k < p.shape(1); ++k) { p(n, k) /= sum; }
    }
    return p;
}

template <class T>
T cross_entropy(const Tensor<T>& x, const Tensor<T>& w, const Labels& y) {
    const Tensor<T> p = softmax(x, w);
    T sum(0);
    for (std::size_t n = 0; n < y.size(); ++n) {
        sum -= std::log(p(n, static_cast<std::size_t>(y(n))));
    }
    return sum / T(static_cast<double>(y.size()));
}

// The matrix with a 1 for the class of each row.
Tensor<double> one_hot(const Labels& y, std::size_t classes) {
    auto result = zeros<double>({y.size(), classes});
    for (std::size_t n = 0; n < y.size(); ++n) {
        result(n, static_cast<std::size_t>(y(n))) = 1;
    }
    return result;
}

Labels largest(const Tensor<double>& p) {
    Labels result(Shape{p.shape(0)});
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        const double* row = &p(n, 0);
        result(n) = std::max_element(row, row + p.shape(1)) - row;
    }
    return result;
}

// formula(a_i, b_i) for every entry.
template <class F> Tensor<double>
each(const Tensor<double>& a, const Tensor<double>& b, const F& formula) {
    Tensor<double> result = a;
    for (std::size_t i = 0; i < a.size(); ++i) {
        result.data()[i] = formula(a.data()[i], b.data()[i]);
    }
    return result;
}

// Pixels, from 0 to 1.
Tensor<double> random_pixels(const Shape& shape, NumpyRandom& random) {
    Tensor<double> x(shape);
    for (double& v : x.storage()) { v = random.random(); }
    return x;
}

double sign(double v) { return static_cast<double>((v > 0) - (v < 0)); }
double limited(double v) { return std::clamp(v, 0.0, 1.0); }

// ---- 14.4 ----

check::Mistakes input_mistakes(const Tensor<double>& p, const Labels& y,
                               const Tensor<double>& w) {
    const auto N = static_cast<double>(y.size()),
               K = static_cast<double>(w.shape(1)),
               D = static_cast<double>(w.shape(0));
    const Tensor<double> hot = one_hot(y, w.shape(1)), wt = transposed(w);
    const auto dx = [&](const Tensor<double>& dz) { return matmul(dz, wt); };
    const Tensor<double> right = (p - hot) / N;
    Tensor<double> mean = dx(right), only_true = right;
    for (std::size_t i = 0; i < w.shape(0); ++i) {
        double sum = 0;
        for (std::size_t n = 0; n < y.size(); ++n) { sum += mean(n, i); }
        for (std::size_t n = 0; n < y.size(); ++n) { mean(n, i) = sum; }
    }
    only_true = right * hot;
    return {
        {dx(p - hot), "the factor 1/N of the mean is missing"},
        {dx(p / N), "1 is not subtracted for the true class: dz = (p - 1[k = "
                    "y]) / N"},
        {dx(p), "1 is not subtracted for the true class, and the factor 1/N is "
                "missing"},
        {dx(-right), "the sign is wrong: dz is p - 1[k = y], and the gradient "
                     "points to a larger loss"},
        {dx(hot - p), "the sign is wrong, and the factor 1/N is missing"},
        {dx((p - one_hot(largest(p), w.shape(1))) / N),
         "1 is subtracted for the class with the largest p: it is that of the "
         "true class y"},
        {dx(only_true), "only the column of the true class is used: every "
                        "class has a part in dx"},
        {dx(right - only_true), "the column of the true class is left out"},
        {dx(-hot / N), "p is left out of dz = (p - 1[k = y]) / N"},
        {dx((p - hot) / K), "it is divided by K: L is the mean over the N "
                            "examples"},
        {dx((p - hot) / D), "it is divided by D: L is the mean over the N "
                            "examples"},
        {mean, "the examples are added up: each row of dx belongs to one"},
        {dx((p - 1) / N), "1 is subtracted for all classes: only for the true "
                          "one"},
        {dx(p * (1 - p) / N), "dz is p (1 - p), the derivative of softmax "
                              "alone: the loss contains a logarithm"},
    };
}

void mark_input_gradient(check::Exercise& exercise) {
    const Tensor<double> p{{0.5, 0.25, 0.25}, {0.25, 0.5, 0.25}};
    const Tensor<double> w{{8.0, 0.0, -8.0},
                           {16.0, 8.0, 0.0},
                           {0.0, -8.0, 24.0},
                           {8.0, 8.0, 16.0}};
    const Labels y = {2, 1};
    exercise.by_hand({{"p", p}, {"y", y}, {"w", w}});
    exercise.extents({{"N", 2}, {"D", 4}, {"K", 3}});
    exercise.value(
        "dx", input_gradient(p, y, w),
        matmul(Tensor<double>((p - one_hot(y, 3)) / 2.0), transposed(w)),
        input_mistakes(p, y, w));

    NumpyRandom random(144);
    const Tensor<double> x = random.randn({5, 6}), w2 = random.randn({6, 4});
    const Labels y2 = {3, 0, 2, 2, 1};
    const Tensor<double> p2 = softmax(x, w2);
    exercise.begin("for random numbers");
    exercise.extents({{"N", 5}, {"D", 6}, {"K", 4}});
    exercise.gradient(
        "x", x, input_gradient(p2, y2, w2),
        [&](const auto& x_) {
            return cross_entropy(x_, check::cast_like(x_, w2), y2);
        },
        input_mistakes(p2, y2, w2));
}

// ---- 14.5 ----

// Mistakes of a step with `towards` = 1 to a larger loss, -1 to a smaller one.
check::Mistakes sign_mistakes(const Tensor<double>& x, const Tensor<double>& dx,
                              double eps, double towards) {
    const double step = towards * eps;
    double largest = 0;
    for (const double d : dx) { largest = std::max(largest, std::abs(d)); }
    Tensor<double> mean = dx;
    for (std::size_t i = 0; i < dx.shape(1); ++i) {
        double sum = 0;
        for (std::size_t n = 0; n < dx.shape(0); ++n) { sum += dx(n, i); }
        for (std::size_t n = 0; n < dx.shape(0); ++n) { mean(n, i) = sum; }
    }
    const auto all = [&](const auto& formula) { return each(x, dx, formula); };
    const std::string way = towards > 0
                                ? "the step goes towards a smaller loss: the "
                                  "attack wants a larger one"
                                : "the step goes towards a larger loss of the "
                                  "wanted class: the attacker wants it small";
    return {
        {all([&](double v, double d) { return limited(v - step * sign(d)); }),
         way},
        {all([&](double v, double d) { return v + step * sign(d); }),
         "the pixels are not limited to 0 .. 1"},
        {all([&](double v, double d) { return v - step * sign(d); }),
         way + "; and the pixels are not limited to 0 .. 1"},
        {all([&](double v, double d) { return limited(v + step * d); }),
         "the sign is not taken: every pixel moves by eps, however small its "
         "gradient is"},
        {all([&](double v, double d) {
             return limited(v + step * d / largest);
         }),
         "dx is divided by its largest entry: take the sign of each entry"},
        {all([&](double v, double d) {
             return limited(v + step * (d >= 0 ? 1 : -1));
         }),
         "a gradient of 0 counts as positive: its sign is 0"},
        {all([&](double v, double d) {
             return limited(v + step * (d > 0 ? 1 : -1));
         }),
         "a gradient of 0 counts as negative: its sign is 0"},
        {all([&](double v, double d) {
             return limited(v + step * (d > 0 ? 1 : 0));
         }),
         "only positive gradients make a step: the sign of a negative one is "
         "-1"},
        {all([&](double v, double d) {
             return std::min(v + step * sign(d), 1.0);
         }),
         "the pixels are limited above and not below"},
        {all([&](double v, double d) {
             return std::max(v + step * sign(d), 0.0);
         }),
         "the pixels are limited below and not above"},
        {all([&](double v, double d) {
             return std::clamp(v + step * sign(d), -1.0, 1.0);
         }),
         "the pixels are limited to -1 .. 1: they go from 0 to 1"},
        {each(x, mean,
              [&](double v, double d) { return limited(v + step * sign(d)); }),
         "the sign is taken after the mean over the images: each image has "
         "signs of its own"},
        {all([&](double, double d) { return limited(step * sign(d)); }),
         "x is left out: the step is added to it"},
        {all([&](double, double d) { return step * sign(d); }),
         "only the step is returned: add it to x, and limit the sum"},
        {all([&](double v, double d) {
             return limited(v + towards * sign(d));
         }),
         "the factor eps is missing"},
        {all([&](double v, double d) {
             return v + std::clamp(step * sign(d), 0.0, 1.0);
         }),
         "the step is limited to 0 .. 1, and not the sum x + step"},
    };
}

void compare_signs(check::Exercise& exercise, const Tensor<double>& x,
                   const Tensor<double>& dx, double eps) {
    const auto expected = [&](double towards) {
        return each(x, dx, [&](double v, double d) {
            return limited(v + towards * eps * sign(d));
        });
    };
    exercise.value("attacked image", fast_gradient_sign(x, dx, eps),
                   expected(1), sign_mistakes(x, dx, eps, 1));
    exercise.value("image attacked with a target",
                   targeted_gradient_sign(x, dx, eps), expected(-1),
                   sign_mistakes(x, dx, eps, -1));
}

void mark_gradient_sign(check::Exercise& exercise) {
    const Tensor<double> x{{0.0, 0.5, 1.0, 0.5}, {0.25, 1.0, 0.0, 0.5}};
    const Tensor<double> dx{{-2.0, 3.0, 4.0, 0.0}, {1.0, -4.0, 8.0, -2.0}};
    exercise.by_hand({{"x", x}, {"dx", dx}, {"eps", 0.25}});
    compare_signs(exercise, x, dx, 0.25);
    NumpyRandom random(145);
    const Tensor<double> x2 = random_pixels({3, 8}, random);
    exercise.begin("for random numbers and eps = 0.3");
    compare_signs(exercise, x2, random.randn({3, 8}), 0.3);
}

// ---- 14.6 ----

check::Mistakes step_mistakes(const Tensor<double>& w,
                              const Tensor<double>& old,
                              const Tensor<double>& x, const Labels& y,
                              double eps) {
    const auto N = static_cast<double>(y.size());
    const Tensor<double> hot = one_hot(y, w.shape(1));
    const auto dz = [&](const Tensor<double>& input) {
        return Tensor<double>((softmax(input, w) - hot) / N);
    };
    const auto dw = [](const Tensor<double>& input, const Tensor<double>& d) {
        return matmul(transposed(input), d);
    };
    const Tensor<double> dx = matmul(dz(x), transposed(w)), z = dz(x);
    const Tensor<double> a = attack(x, dx, eps), za = dz(a),
                         away = attack(x, dx, -eps);
    const Tensor<double> clean = dw(x, z), attacked = dw(a, za);
    return {
        {old + 0.5 * clean + 0.5 * attacked,
         "dw is not set to zero first: backward adds"},
        {clean + attacked, "the two halves are added without the factor 1/2"},
        {old + clean + attacked,
         "dw is not set to zero first, and the factor 1/2 is missing"},
        {1.5 * clean + 0.5 * attacked,
         "the backward pass that finds dx has added to dw as well: dw contains "
         "the gradient of the digits one and a half times"},
        {clean + 0.5 * attacked,
         "the gradient of the digits is in dw twice, or with the weight 1: the "
         "backward pass that finds dx adds to dw as well"},
        {1.5 * clean + attacked,
         "the backward pass that finds dx has added to dw as well, and the "
         "second half has the weight 1"},
        {0.5 * clean + attacked, "the second half has the weight 1"},
        {0.5 * attacked,
         "the first half of the loss is lost: is dw set to zero "
         "after its backward pass?"},
        {attacked, "only the attacked digits are used, with the weight 1"},
        {0.5 * clean, "only the first half of the loss is used"},
        {clean, "the attacked digits are not used: dw is that of the digits "
                "alone"},
        {0.5 * clean + 0.5 * dw(x, za),
         "the second backward pass is given x: its input is x'"},
        {0.5 * clean + 0.5 * dw(a, z),
         "the second backward pass is given the probabilities of x: call "
         "forward for x'"},
        {0.5 * clean + 0.5 * dw(away, dz(away)),
         "the attack goes towards a smaller loss"},
        {dw(Tensor<double>(0.5 * (x + a)), dz(Tensor<double>(0.5 * (x + a)))),
         "the digits are averaged with the attacked ones: average the losses"},
    };
}

void compare_step(check::Exercise& exercise, const Tensor<double>& x,
                  const Labels& y, const Tensor<double>& w, double eps) {
    const Tensor<double> old = full<double>(w.shape(), 8.0);
    Classifier classifier{w, old};
    adversarial_gradient(classifier, x, y, eps);
    exercise.gradient(
        "w", w, classifier.dw,
        [&](const auto& w_) {
            // The signs are those at w: they do not change with the step.
            Classifier fixed{w, zeros<double>(w.shape())};
            const auto dx = fixed.backward(x, fixed.forward(x), y, 1);
            const auto clean = cross_entropy(check::cast_like(w_, x), w_, y);
            const auto attacked =
                cross_entropy(check::cast_like(w_, attack(x, dx, eps)), w_, y);
            return 0.5 * (clean + attacked);
        },
        step_mistakes(w, old, x, y, eps));
}

void mark_adversarial_step(check::Exercise& exercise) {
    const Tensor<double> x{{1.0, 0.0}, {0.5, 1.0}};
    const Tensor<double> w{{0.0, 1.0}, {1.0, 0.0}};
    const Labels y = {1, 0};
    exercise.by_hand({{"x", x},
                      {"y", y},
                      {"w", w},
                      {"dw before", full<double>({2, 2}, 8.0)},
                      {"eps", 0.25}});
    exercise.extents({{"N", 2}});
    compare_step(exercise, x, y, w, 0.25);
    NumpyRandom random(146);
    const Tensor<double> x2 = random_pixels({4, 5}, random),
                         w2 = random.randn({5, 3});
    exercise.begin("for random numbers and eps = 0.1");
    exercise.extents({{"N", 4}, {"D", 5}, {"K", 3}});
    compare_step(exercise, x2, {2, 0, 1, 1}, w2, 0.1);
}

} // namespace

Tensor<double> Classifier::forward(const Tensor<double>& x) const {
    return softmax(x, w);
}

Tensor<double> Classifier::backward(const Tensor<double>& x,
                                    const Tensor<double>& p, const Labels& y,
                                    double weight) {
    const auto N = static_cast<double>(y.size());
    const Tensor<double> dz = weight * (p - one_hot(y, w.shape(1))) / N;
    dw += matmul(transposed(x), dz);
    return matmul(dz, transposed(w));
}

Tensor<double> attack(const Tensor<double>& x, const Tensor<double>& dx,
                      double eps) {
    return each(x, dx,
                [&](double v, double d) { return limited(v + eps * sign(d)); });
}

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("14.4", "input_gradient", "input_gradient.hpp",
                  mark_input_gradient);
    exercises.add("14.5", "fast_, targeted_gradient_sign", "gradient_sign.hpp",
                  mark_gradient_sign);
    exercises.add("14.6", "adversarial_gradient", "adversarial_step.hpp",
                  mark_adversarial_step);
    return exercises.main(argc, argv);
}
