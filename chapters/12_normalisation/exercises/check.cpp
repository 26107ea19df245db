// Marks the coding exercises of chapter 12. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <complex>
#include <functional>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <batch_norm.hpp>
#include <batch_norm_backward.hpp>
#include <counted_dropout.hpp>

using namespace handgrad;

namespace {

// A mini-batch and its parameters, with the statistics of its columns.
struct Case {
    Tensor<double> x, w, b, dy;
    double eps;
    std::size_t N = x.shape(0), C = x.shape(1);
    double m = static_cast<double>(N);
    Tensor<double> mean = zeros<double>({C}), var = zeros<double>({C});
    Tensor<double> dw = zeros<double>({C}), db = zeros<double>({C});

    Case(Tensor<double> x_, Tensor<double> w_, Tensor<double> b_,
         Tensor<double> dy_, double eps_)
        : x(std::move(x_)), w(std::move(w_)), b(std::move(b_)),
          dy(std::move(dy_)), eps(eps_) {
        const auto forward = reference::batch_norm_forward(x, w, b, eps);
        mean = forward.mean;
        var = forward.var;
        for (std::size_t i = 0; i < x.size(); ++i) {
            dw(i % C) += dy.data()[i] * x_hat(i / C, i % C);
            db(i % C) += dy.data()[i];
        }
    }
    double rstd(std::size_t c) const { return 1 / std::sqrt(var(c) + eps); }
    double x_hat(std::size_t n, std::size_t c) const {
        return (x(n, c) - mean(c)) * rstd(c);
    }

    // formula(n, c) for every entry of a matrix, formula(c) for every channel.
    template <class F> Tensor<double> entries(const F& formula) const {
        Tensor<double> result = x;
        for (std::size_t n = 0; n < N; ++n) {
            for (std::size_t c = 0; c < C; ++c) {
                result(n, c) = formula(n, c);
            }
        }
        return result;
    }
    template <class F> Tensor<double> channels(const F& formula) const {
        Tensor<double> result = w;
        for (std::size_t c = 0; c < C; ++c) { result(c) = formula(c); }
        return result;
    }
    // y from other statistics.
    Tensor<double>
    normalised(const Tensor<double>& mu,
               const std::function<double(std::size_t)>& root) const {
        return entries([&](std::size_t n, std::size_t c) {
            return (x(n, c) - mu(c)) / root(c) * w(c) + b(c);
        });
    }
};

Case random_case(std::uint32_t seed, const Shape& shape) {
    NumpyRandom random(seed);
    Tensor<double> x = random.randn(shape), w = random.randn({shape[1]}),
                   b = random.randn({shape[1]}), dy = random.randn(shape);
    return {x, w, b, dy, 1e-5};
}

// ---- 12.4 ----

// What mistakes make of y in training; `old` are the running statistics before.
check::Mistakes mistakes_in_training(const Case& k, const Running& old,
                                     double momentum) {
    using std::sqrt;
    const Tensor<double> none = zeros<double>(k.mean.shape());
    const auto root = [&](std::size_t c) { return sqrt(k.var(c) + k.eps); };
    const auto unbiased = [&](std::size_t c) {
        return k.var(c) * k.m / (k.m - 1);
    };
    const auto moved = [&](double from, double to) {
        return from + momentum * (to - from);
    };
    const auto moved_mean =
        k.channels([&](auto c) { return moved(old.mean(c), k.mean(c)); });
    return {
        {k.normalised(moved_mean,
                      [&](auto c) {
                          return sqrt(moved(old.var(c), unbiased(c)) + k.eps);
                      }),
         "the running statistics are used in training, after they have moved: "
         "there mean and variance are those of the mini-batch"},
        {k.normalised(old.mean,
                      [&](auto c) { return sqrt(old.var(c) + k.eps); }),
         "the running statistics are used in training: there mean and variance "
         "are those of the mini-batch"},
        {k.normalised(k.mean,
                      [&](auto c) { return sqrt(unbiased(c) + k.eps); }),
         "the variance is divided by N - 1: y needs the biased one, divided "
         "by N"},
        {k.normalised(k.mean,
                      [&](auto c) { return sqrt(k.var(c) * k.m + k.eps); }),
         "the sum of the squares is not divided by N"},
        {k.normalised(k.mean, [&](auto c) { return sqrt(k.var(c)) + k.eps; }),
         "eps is added to the root: add it to the variance"},
        {k.normalised(k.mean, [&](auto c) { return sqrt(k.var(c)); }),
         "eps is left out"},
        {k.normalised(k.mean, [&](auto c) { return k.var(c) + k.eps; }),
         "the root is missing: divide by the standard deviation"},
        {k.normalised(none, root), "the mean is not subtracted"},
        {k.entries([&](auto n, auto c) { return k.x_hat(n, c) * k.w(c); }),
         "b is not added"},
        {k.entries([&](auto n, auto c) { return k.x_hat(n, c) + k.b(c); }),
         "w is left out"},
        {k.entries([&](auto n, auto c) { return k.x_hat(n, c); }),
         "w and b are left out"},
        {reference::layer_norm_forward(k.x, k.w, k.b, k.eps).y,
         "each row is normalised, as in layer normalisation: the statistics "
         "are those of a column"},
    };
}

void compare_running(check::Exercise& exercise, const Case& k,
                     const Running& old, const Running& got, double momentum) {
    const auto moved = [&](const Tensor<double>& from, double weight,
                           const std::function<double(std::size_t)>& to) {
        return k.channels([&](std::size_t c) {
            return (1 - weight) * from(c) + weight * to(c);
        });
    };
    const double factor = k.m / (k.m - 1);
    const auto mean = [&](std::size_t c) { return k.mean(c); };
    const auto unbiased = [&](std::size_t c) { return k.var(c) * factor; };
    const auto biased = [&](std::size_t c) { return k.var(c); };
    const char* const stays = "it does not move in training";
    const char* const exchanged =
        "the two weights are exchanged: momentum is the weight of the new "
        "mini-batch, 1 - momentum that of the old value";
    const char* const replaced =
        "the old value is forgotten: its weight is 1 - momentum";
    exercise.value("running mean", got.mean, moved(old.mean, momentum, mean),
                   {{old.mean, stays},
                    {moved(old.mean, 1 - momentum, mean), exchanged},
                    {moved(old.mean, 1, mean), replaced}});
    exercise.value(
        "running variance", got.var, moved(old.var, momentum, unbiased),
        {{old.var, stays},
         {moved(old.var, momentum, biased),
          "it takes the biased variance: divide by N - 1 here"},
         {moved(old.var, 1 - momentum, unbiased), exchanged},
         {moved(old.var, 1 - momentum, biased), exchanged},
         {moved(old.var, momentum,
                [&](auto c) { return std::sqrt(unbiased(c)); }),
          "it takes the standard deviation: the variance is needed"},
         {moved(old.var, momentum,
                [&](auto c) { return k.var(c) * k.m * k.m / (k.m + 1); }),
          "it is divided by N + 1: divide by N - 1"},
         {moved(old.var, momentum, [&](auto c) { return k.var(c) / factor; }),
          "the factor is (N - 1) / N: the unbiased variance is the larger "
          "one"},
         {moved(old.var, 1, unbiased), replaced}});
}

void compare_batch_norm(check::Exercise& exercise, const Case& k,
                        const Running& old, double momentum) {
    Running running = old;
    const Tensor<double> y =
        batch_norm_training(k.x, k.w, k.b, k.eps, momentum, running);
    exercise.value("y in training", y,
                   reference::batch_norm_forward(k.x, k.w, k.b, k.eps).y,
                   mistakes_in_training(k, old, momentum));
    compare_running(exercise, k, old, running, momentum);

    const auto root = [&](std::size_t c) {
        return std::sqrt(old.var(c) + k.eps);
    };
    exercise.value(
        "y in evaluation", batch_norm_evaluation(k.x, k.w, k.b, k.eps, old),
        k.normalised(old.mean, root),
        {{reference::batch_norm_forward(k.x, k.w, k.b, k.eps).y,
          "the statistics of the mini-batch are used: evaluation uses the "
          "running ones"},
         {k.normalised(old.mean, [&](auto c) { return std::sqrt(old.var(c)); }),
          "eps is left out"},
         {k.normalised(old.mean, [&](auto c) { return old.var(c) + k.eps; }),
          "the root is missing: divide by the standard deviation"},
         {k.normalised(k.mean, root),
          "the mean is that of the mini-batch: evaluation uses the running "
          "one"}});
}

void mark_batch_norm(check::Exercise& exercise) {
    // Both columns have the variance 3.5, so the root is 2.
    const Case k({{1.0, 4.0}, {2.0, 8.0}, {3.0, 3.0}, {6.0, 5.0}}, {2.0, 4.0},
                 {1.0, -1.0}, {{0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}},
                 0.5);
    const Running old{{10.0, 1.0}, {8.5, 15.5}};
    exercise.by_hand({{"x", k.x},
                      {"w", k.w},
                      {"b", k.b},
                      {"eps", k.eps},
                      {"momentum", 0.75},
                      {"running mean", old.mean},
                      {"running variance", old.var}});
    compare_batch_norm(exercise, k, old, 0.75);
    const Case other = random_case(124, {5, 3});
    exercise.begin("for random numbers", {{"x", other.x}});
    compare_batch_norm(exercise, other, {{0.5, -1.0, 2.0}, {0.5, 1.0, 3.0}},
                       0.1);
}

// ---- 12.5 ----

check::Mistakes dx_mistakes(const Case& k) {
    // factor (dy - a db - b x_hat dw)
    const auto terms = [&](double a, double b) {
        return k.entries([&](auto n, auto c) {
            return k.w(c) * k.rstd(c) *
                   (k.dy(n, c) - a * k.db(c) - b * k.x_hat(n, c) * k.dw(c));
        });
    };
    const double m = k.m;
    const auto without = [&](const auto& divisor) {
        return k.entries([&](auto n, auto c) {
            return terms(1 / m, 1 / m)(n, c) / divisor(c);
        });
    };
    return {
        {terms(0, 0), "mean and variance are taken as constants: both depend "
                      "on x, so two terms are missing"},
        {terms(0, 1 / m), "the mean is taken as a constant: it depends on x, "
                          "so the mean of dy must be subtracted"},
        {terms(1 / m, 0), "the variance is taken as a constant: the term with "
                          "x_hat is missing"},
        {terms(1, 1), "the sums are not divided by N"},
        {terms(1, 1 / m), "the sum of dy is not divided by N"},
        {terms(1 / m, 1), "the sum of dy x_hat is not divided by N"},
        {terms(1 / m, -1 / m),
         "the sign of the third term is wrong: it is subtracted"},
        {terms(-1 / m, 1 / m),
         "the sign of the second term is wrong: the mean of dy is subtracted"},
        {terms(1 / m, 1 / (m - 1)),
         "the third term is divided by N - 1: forward divides by N"},
        {terms(1 / (m - 1), 1 / (m - 1)),
         "the sums are divided by N - 1: forward divides by N"},
        {without([&](auto c) { return k.w(c); }), "the factor w is missing"},
        {without([&](auto c) { return k.rstd(c); }),
         "the factor 1 / sqrt(var + eps) is missing"},
        {k.entries([&](auto n, auto c) {
             return k.w(c) * k.rstd(c) *
                    (k.dy(n, c) - k.db(c) / m -
                     (k.x(n, c) - k.mean(c)) * k.dw(c) / m);
         }),
         "in the third term x - mean stands for x_hat"},
    };
}

void compare_backward(check::Exercise& exercise, const Case& k) {
    const BatchNormGradients g = batch_norm_backward(k.x, k.w, k.eps, k.dy);
    exercise.extents({{"N", k.N}, {"C", k.C}});
    const auto loss = [&](const auto& x, const auto& w, const auto& b) {
        const auto y = reference::batch_norm_forward(x, w, b, k.eps).y;
        return check::weighted_sum(y, k.dy);
    };
    using check::cast_like;
    const auto raw = [&](double shift, bool scaled) {
        return k.channels([&](std::size_t c) {
            double total = 0;
            for (std::size_t n = 0; n < k.N; ++n) {
                total += k.dy(n, c) * (k.x(n, c) - shift * k.mean(c)) *
                         (scaled ? k.rstd(c) : 1);
            }
            return total;
        });
    };
    exercise.gradient("b", k.b, g.db,
                      [&](const auto& b) {
                          return loss(cast_like(b, k.x), cast_like(b, k.w), b);
                      },
                      {{k.channels([&](auto c) { return k.db(c) / k.m; }),
                        "the mean of dy is taken: db is the sum"}});
    exercise.gradient(
        "w", k.w, g.dw,
        [&](const auto& w) {
            return loss(cast_like(w, k.x), w, cast_like(w, k.b));
        },
        {{k.channels([&](auto c) { return k.dw(c) / k.m; }),
          "the mean is taken: dw is the sum of dy x_hat"},
         {raw(0, false), "x stands for x_hat: w multiplies x_hat in forward"},
         {raw(1, false), "x - mean stands for x_hat: 1 / sqrt(var + eps) is "
                         "missing"},
         {raw(0, true), "the mean is not subtracted from x"},
         {k.db, "the factor x_hat is missing"},
         {k.channels([&](auto c) { return k.dw(c) * k.w(c); }),
          "w is a factor: the derivative of x_hat w with respect to w is "
          "x_hat"}});
    exercise.gradient(
        "x", k.x, g.dx,
        [&](const auto& x) {
            return loss(x, cast_like(x, k.w), cast_like(x, k.b));
        },
        dx_mistakes(k));
}

void mark_backward(check::Exercise& exercise) {
    const Case k({{1.0, 4.0}, {2.0, 8.0}, {3.0, 3.0}, {6.0, 5.0}}, {2.0, 4.0},
                 {1.0, -1.0},
                 {{1.0, 2.0}, {-1.0, 0.0}, {2.0, 4.0}, {4.0, -1.0}}, 0.5);
    exercise.by_hand({{"x", k.x}, {"w", k.w}, {"eps", k.eps}, {"dy", k.dy}});
    compare_backward(exercise, k);
    const Case other = random_case(125, {5, 3});
    exercise.begin("for random numbers", {{"x", other.x}, {"dy", other.dy}});
    compare_backward(exercise, other);
}

// ---- 12.6 ----

struct Counter {
    double p;
    std::uint64_t seed;
    std::uint32_t layer;

    // kept(u) times t, where u_i is uniform number i of a step and a layer.
    template <class Factor>
    Tensor<double> times(const Tensor<double>& t, std::uint32_t step,
                         std::uint32_t of_layer, const Factor& factor) const {
        Tensor<double> result = t;
        for (std::size_t i = 0; i < t.size(); ++i) {
            result.data()[i] *= factor(random_uniform(seed, of_layer, step, i));
        }
        return result;
    }
    double keep(double u) const { return u >= p ? 1 / (1 - p) : 0; }
    Tensor<double> right(const Tensor<double>& t, std::uint32_t step) const {
        return times(t, step, layer, [&](double u) { return keep(u); });
    }
};

check::Mistakes dropout_mistakes(const Counter& c, const Tensor<double>& t,
                                 std::uint32_t step, bool backward) {
    const double scale = 1 / (1 - c.p);
    const auto with = [&](const auto& factor) {
        return c.times(t, step, c.layer, factor);
    };
    const std::uint32_t before = step == 0 ? 7 : step - 1;
    return {
        {with([&](double u) { return u >= c.p ? 1.0 : 0.0; }),
         "the division by 1 - p is missing"},
        {with([&](double u) { return u >= c.p ? 1 / c.p : 0.0; }),
         "it is divided by p: an entry is kept with probability 1 - p"},
        {with([&](double u) { return u >= c.p ? 1 - c.p : 0.0; }),
         "it is multiplied by 1 - p: divide by it"},
        {with([&](double u) { return u < c.p ? scale : 0.0; }),
         "the condition is inverted: an entry is kept if u >= p"},
        {with([&](double u) { return u < 1 - c.p ? scale : 0.0; }),
         "an entry is kept if u < 1 - p: the condition here is u >= p"},
        {Tensor<double>(t * scale),
         "nothing is dropped: each entry needs a random number of its own, and "
         "i is the last argument"},
        {c.right(t, step + 1),
         backward ? "the mask is drawn anew: backward needs the mask of the "
                    "last forward"
                  : "the mask is that of the next step: the first forward is "
                    "step 0"},
        {c.right(t, before), "the mask is that of an earlier step: each "
                             "forward is a step of its own"},
        {c.times(t, step, 0, [&](double u) { return c.keep(u); }),
         "the layer is left out: its number is the second argument"},
    };
}

void compare_dropout(check::Exercise& exercise, const Counter& c,
                     const Tensor<double>& x, const Tensor<double>& dy) {
    CountedDropout layer(c.p, c.seed, c.layer);
    for (std::uint32_t step = 0; step < 2; ++step) {
        const std::string in = step == 0 ? " in step 0" : " in step 1";
        exercise.value("y" + in, layer.forward(x), c.right(x, step),
                       dropout_mistakes(c, x, step, false));
        exercise.value("dx" + in, layer.backward(dy), c.right(dy, step),
                       dropout_mistakes(c, dy, step, true));
    }
}

void mark_dropout(check::Exercise& exercise) {
    const Counter c{0.25, 25, 2};
    const Tensor<double> x{3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0},
        dy{6.0, -3.0, 3.0, 9.0, -6.0, 3.0, 12.0, -9.0};
    const Tensor<double> ones = full<double>({8}, 1);
    const auto u = [&](std::uint32_t step) {
        return c.times(ones, step, c.layer,
                       [](double v) { return std::round(100 * v) / 100; });
    };
    exercise.by_hand({{"x", x},
                      {"dy", dy},
                      {"p", c.p},
                      {"u in step 0, rounded", u(0)},
                      {"u in step 1, rounded", u(1)}});
    compare_dropout(exercise, c, x, dy);
    NumpyRandom random(126);
    const Tensor<double> x2 = random.randn({4, 5}), dy2 = random.randn({4, 5});
    exercise.begin("for random numbers and p = 0.6", {{"x", x2}, {"dy", dy2}});
    compare_dropout(exercise, {0.6, 77, 3}, x2, dy2);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("12.4", "batch_norm_training, _evaluation", "batch_norm.hpp",
                  mark_batch_norm);
    exercises.add("12.5", "batch_norm_backward", "batch_norm_backward.hpp",
                  mark_backward);
    exercises.add("12.6", "CountedDropout", "counted_dropout.hpp",
                  mark_dropout);
    return exercises.main(argc, argv);
}
