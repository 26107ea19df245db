// Marks the coding exercises of chapter 04. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <classifier.hpp>
#include <cross_entropy.hpp>

using namespace handgrad;

namespace {

// ---- 04.4 ----

// q_nk for a true class with this target and others with that one.
Tensor<double> targets(const Tensor<double>& z, const Labels& y, double of_true,
                       double of_others) {
    Tensor<double> q = full<double>(z.shape(), of_others);
    for (std::size_t n = 0; n < y.size(); ++n) { q(n, y(n)) = of_true; }
    return q;
}

template <class T>
T smoothed_loss(const Tensor<T>& z, const Tensor<double>& q) {
    const Tensor<T> p = reference::softmax_forward(z);
    T sum(0);
    using std::log;
    for (std::size_t i = 0; i < z.size(); ++i) {
        sum -= q.data()[i] * log(p.data()[i]);
    }
    return sum / static_cast<double>(z.shape(0));
}

void compare_cross_entropy(check::Exercise& exercise, const Tensor<double>& z,
                           const Labels& y, double s) {
    const auto N = static_cast<double>(z.shape(0));
    const auto K = static_cast<double>(z.shape(1));
    const Tensor<double> p = reference::softmax_forward(z), e = xt::exp(z);
    const Tensor<double> of_columns = xt::transpose(
        reference::softmax_forward(Tensor<double>(xt::transpose(z))));
    const Tensor<double> q = targets(z, y, 1 - s + s / K, s / K);
    const Tensor<double> hard = targets(z, y, 1, 0);
    const auto from = [&](double of_true, double of_others) {
        return Tensor<double>((p - targets(z, y, of_true, of_others)) / N);
    };
    exercise.extents({{"N", z.shape(0)}, {"K", z.shape(1)}});
    exercise.labels(y);
    exercise.gradient(
        "z", z, ::smoothed_loss_backward(z, y, s),
        [&](const auto& z_) { return smoothed_loss(z_, q); },
        {
            {(p - hard) / N, "the labels are not smoothed: the target is q_nk, "
                             "not 1[k = y_n]"},
            {from(1 - s, s / K), "the target of the true class lacks its own "
                                 "share, smoothing / K"},
            {from(1 - s, s / (K - 1)),
             "the smoothing is shared by the K - 1 other classes: it is shared "
             "by all K"},
            {from(1 - s, s),
             "each class gets all of the smoothing, not 1/K of it"},
            {from(1, s / K), "the target of the true class is 1: it is smaller "
                             "with smoothing"},
            {from(1 + s / K, s / K), "the factor 1 - smoothing is missing"},
            {from(1 - s, 0), "smoothing / K is missing in all targets"},
            {Tensor<double>(p / N), "the target is not subtracted"},
            {Tensor<double>(-q / N), "the probabilities are left out: dz is "
                                     "probability minus target"},
            {Tensor<double>((e - q) / N),
             "exp(z) is not divided by the sum of its row"},
            {Tensor<double>(p / N - q),
             "only p is divided by N, and not the target"},
            {Tensor<double>(p - q / N),
             "only the target is divided by N, and not p"},
            {Tensor<double>((of_columns - q) / N),
             "the axes are swapped: the probabilities are divided by the sum "
             "of "
             "their column"},
            {Tensor<double>(p * (1 - p) / N),
             "p (1 - p) is taken for the derivative: that is only the diagonal "
             "of softmax's Jacobian"},
        });
}

void mark_cross_entropy(check::Exercise& exercise) {
    // All scores are 0, so p = 1/4; q is 0.85 for the true class, else 0.05.
    const Tensor<double> z = zeros<double>({2, 4});
    const Labels y{1, 3};
    exercise.by_hand({{"z", z}, {"y", y}, {"smoothing", 0.2}});
    compare_cross_entropy(exercise, z, y, 0.2);
    NumpyRandom random(44);
    exercise.begin("for random numbers and smoothing = 0.3");
    compare_cross_entropy(exercise, random.randn({5, 3}), {2, 0, 1, 1, 2}, 0.3);
}

// ---- 04.5 ----

void compare_classifier(check::Exercise& exercise, const Tensor<double>& x,
                        const Tensor<double>& w, double lambda,
                        const Tensor<double>& dz) {
    const std::size_t N = x.shape(0), K = w.shape(0), D = w.shape(1);
    const auto count = static_cast<double>(N);
    Tensor<double> data = zeros<double>({K, D}), last = data;
    Tensor<double> sum = zeros<double>({K}), last_dz = sum, all = sum;
    for (std::size_t k = 0; k < K; ++k) {
        for (std::size_t n = 0; n < N; ++n) {
            for (std::size_t i = 0; i < D; ++i) {
                data(k, i) += dz(n, k) * x(n, i);
                last(k, i) = dz(n, k) * x(n, i);
            }
            sum(k) += dz(n, k);
            last_dz(k) = dz(n, k);
        }
        all(k) = sum(k);
        for (std::size_t i = 0; i < D; ++i) { all(k) += lambda * w(k, i); }
    }
    const std::string overwritten =
        "each example overwrites the sum of those before: it is written with = "
        "and not with +=";
    exercise.extents({{"N", N}, {"D", D}, {"K", K}});
    const ClassifierGradients g = classifier_backward(x, w, lambda, dz);
    exercise.value(
        "dw", g.dw, Tensor<double>(data + lambda * w),
        {
            {data, "the penalty's gradient, lambda * w, is missing"},
            {Tensor<double>(data + 2 * lambda * w),
             "the penalty has a factor 2 too much: the derivative of w^2 / 2 "
             "is w"},
            {Tensor<double>(data + lambda / 2 * w),
             "the factor 1/2 of the penalty is still there: the derivative of "
             "w^2 / 2 is w"},
            {Tensor<double>(data + w), "the penalty lacks the factor lambda"},
            {Tensor<double>(data - lambda * w),
             "the penalty has the wrong sign: it is added to the loss"},
            {Tensor<double>(data + lambda * w * count),
             "the penalty is added once for every example"},
            {Tensor<double>(data + lambda * w * w),
             "the penalty itself is added, not its gradient"},
            {Tensor<double>(data / count + lambda * w),
             "the mean over the mini-batch is taken again: dz contains it "
             "already"},
            {Tensor<double>((data + lambda * w) / count),
             "the mean over the mini-batch is taken again: dz contains it "
             "already"},
            {Tensor<double>(last + lambda * w), overwritten},
            {last, overwritten + ", and this loses the penalty as well"},
            {Tensor<double>(lambda * w), "the gradient of the data is missing"},
            {Tensor<double>(xt::transpose(Tensor<double>(data + lambda * w))),
             "dw is stored as (D, K): here w and dw are (K, D)"},
        });
    exercise.value(
        "db", g.db, sum,
        {
            {last_dz, overwritten},
            {Tensor<double>(sum / count),
             "the mean over the mini-batch is taken again: dz contains it "
             "already"},
            {all, "the penalty is added to db: the bias is not penalised"},
        });
}

void mark_classifier(check::Exercise& exercise) {
    const Tensor<double> x{{1.0, 2.0, 0.0}, {3.0, 0.0, 1.0}, {0.0, 1.0, 2.0}};
    const Tensor<double> w{{2.0, 0.0, 4.0}, {0.0, 6.0, 2.0}};
    const Tensor<double> dz{{1.0, -1.0}, {2.0, 3.0}, {-2.0, 1.0}};
    exercise.by_hand({{"x", x}, {"w", w}, {"lambda", 0.5}, {"dz", dz}});
    compare_classifier(exercise, x, w, 0.5, dz);

    // The gradient of a whole loss, by the complex step.
    NumpyRandom random(45);
    const Tensor<double> x2 = random.randn({5, 3}), w2 = random.randn({4, 3});
    const Tensor<double> b2 = random.randn({4});
    const Labels y{3, 0, 1, 1, 2};
    const double lambda = 0.3;
    const auto scores = [&](const auto& w_, const auto& b_) {
        using T = std::decay_t<decltype(w_(0, 0))>;
        return reference::linear_forward(check::cast_like(w_, x2),
                                         Tensor<T>(xt::transpose(w_)), b_);
    };
    const auto loss = [&](const auto& w_, const auto& b_) {
        return reference::cross_entropy_forward(scores(w_, b_), y) +
               reference::l2_penalty_forward(w_, lambda);
    };
    const Tensor<double> dz2 = reference::cross_entropy_backward(
        reference::softmax_forward(scores(w2, b2)), y);
    exercise.begin("for random numbers");
    compare_classifier(exercise, x2, w2, lambda, dz2);
    exercise.begin("for the loss of a classifier");
    const ClassifierGradients g = classifier_backward(x2, w2, lambda, dz2);
    exercise.gradient("w", w2, g.dw, [&](const auto& w_) {
        return loss(w_, check::cast_like(w_, b2));
    });
    exercise.gradient("b", b2, g.db, [&](const auto& b_) {
        return loss(check::cast_like(b_, w2), b_);
    });
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("04.4", "smoothed_loss_backward", "cross_entropy.hpp",
                  mark_cross_entropy);
    exercises.add("04.5", "classifier_backward", "classifier.hpp",
                  mark_classifier);
    return exercises.main(argc, argv);
}
