// Marks the coding exercises of chapter 17. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <complex>
#include <cstddef>
#include <functional>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <causal_softmax.hpp>
#include <tied_head.hpp>

using namespace handgrad;

namespace {

// formula(row, column) for every entry of a matrix of this shape.
template <class F>
Tensor<double> entries(std::size_t rows, std::size_t columns, F formula) {
    auto result = zeros<double>({rows, columns});
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            result(i, j) = formula(i, j);
        }
    }
    return result;
}

double sum_over(std::size_t count,
                const std::function<double(std::size_t)>& f) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) { sum += f(i); }
    return sum;
}

// ---- 17.4 ----

// The right weights, for scores that are not large.
template <class T> Tensor<T> weights(const Tensor<T>& z) {
    auto p = zeros<T>(z.shape());
    for (std::size_t t = 0; t < z.shape(0); ++t) {
        T sum(0);
        for (std::size_t s = 0; s <= t; ++s) { sum += std::exp(z(t, s)); }
        for (std::size_t s = 0; s <= t; ++s) {
            p(t, s) = std::exp(z(t, s)) / sum;
        }
    }
    return p;
}

check::Mistakes softmax_mistakes(const Tensor<double>& z) {
    const std::size_t T = z.shape(0);
    using Sees = bool (*)(std::size_t t, std::size_t s);
    const Sees mask = [](std::size_t t, std::size_t s) { return s <= t; },
               all = [](std::size_t, std::size_t) { return true; },
               earlier = [](std::size_t t, std::size_t s) { return s < t; },
               later = [](std::size_t t, std::size_t s) { return s >= t; };
    const auto power = [&](std::size_t t, std::size_t s) {
        return std::exp(z(t, s));
    };
    // e^z where `shown`, divided by the sum over what `summed` says.
    const auto divided = [&](Sees shown, Sees summed, double hidden = 0) {
        return entries(T, T, [&](std::size_t t, std::size_t s) {
            const double sum = sum_over(T, [&](std::size_t r) {
                return summed(t, r) ? power(t, r) : hidden;
            });
            return shown(t, s) ? power(t, s) / sum : 0;
        });
    };
    Tensor<double> empty = divided(earlier, earlier);
    for (std::size_t s = 0; s < T; ++s) { empty(0, s) = 0; }
    const auto filled = entries(T, T, [&](std::size_t t, std::size_t s) {
        const double sum = sum_over(
            T, [&](std::size_t r) { return r <= t ? power(t, r) : 1; });
        return (s <= t ? power(t, s) : 1) / sum;
    });
    const auto columns = entries(T, T, [&](std::size_t t, std::size_t s) {
        const double sum = sum_over(
            T, [&](std::size_t r) { return r >= s ? power(r, s) : 0; });
        return s <= t ? power(t, s) / sum : 0;
    });
    return {
        {zeros<double>(z.shape()), "it is all zeros: is this still the stub?"},
        {divided(all, all), "the mask is missing: token t does not see the "
                            "tokens after it"},
        {divided(mask, all), "the mask comes after softmax: the weights of a "
                             "row no longer add up to 1"},
        {divided(earlier, earlier),
         "a token does not see itself: it sees all s up to and including t"},
        {empty,
         "a token does not see itself: it sees all s up to and including t"},
        {divided(later, later),
         "the mask is on the wrong side: token t sees the tokens up to t"},
        {divided(mask, mask, 1),
         "a hidden score counts as 0 in the sum: e^0 is 1, leave it out"},
        {filled, "a hidden score is set to 0 before softmax: e^0 is 1, it "
                 "would have to be minus infinity"},
        {columns, "the sum runs over a column: the weights of a row add up "
                  "to 1"},
        {entries(T, T,
                 [&](std::size_t t, std::size_t s) {
                     return s <= t ? power(t, s) : 0;
                 }),
         "the powers are not divided by their sum"},
    };
}

check::Mistakes backward_mistakes(const Tensor<double>& p,
                                  const Tensor<double>& dp) {
    const std::size_t T = p.shape(0);
    const auto row = [&](std::size_t t) {
        return sum_over(T, [&](std::size_t s) { return p(t, s) * dp(t, s); });
    };
    const auto make = [&](const auto& formula) {
        return entries(T, T, formula);
    };
    return {
        {zeros<double>(p.shape()), "it is all zeros: is this still the stub?"},
        {p * dp, "the mean of dp over the row is not subtracted"},
        {make([&](auto t, auto s) {
             return p(t, s) * (dp(t, s) - sum_over(t + 1, [&](auto r) {
                                   return dp(t, r);
                               }));
         }),
         "the sum of dp is subtracted without its weights: it is the sum of "
         "p dp"},
        {make([&](auto t, auto s) {
             return p(t, s) *
                    (dp(t, s) - sum_over(T, [&](auto r) { return dp(t, r); }));
         }),
         "the sum of dp is subtracted without its weights: it is the sum of "
         "p dp"},
        {make([&](auto t, auto s) {
             return p(t, s) * (1 - p(t, s)) * dp(t, s);
         }),
         "only the diagonal of softmax's derivative is there: each score has a "
         "part in all weights of its row"},
        {make([&](auto t, auto s) { return s <= t ? dp(t, s) - row(t) : 0; }),
         "the factor p is missing"},
        {make([&](auto t, auto s) { return dp(t, s) - row(t); }),
         "the factor p is missing"},
        {make([&](auto t, auto s) { return -p(t, s) * (dp(t, s) - row(t)); }),
         "the sign is wrong"},
        {make([&](auto t, auto s) {
             const double column =
                 sum_over(T, [&](auto r) { return p(r, s) * dp(r, s); });
             return p(t, s) * (dp(t, s) - column);
         }),
         "the sum runs over a column: each row of p is a softmax of its own"},
    };
}

void mark_causal_softmax(check::Exercise& exercise) {
    const double l2 = std::log(2.0), l3 = std::log(3.0);
    const Tensor<double> z{{0.0, 1.0, l2}, {0.0, l3, 2.0}, {l2, 0.0, 0.0}};
    const Tensor<double> p{
        {1.0, 0.0, 0.0}, {0.25, 0.75, 0.0}, {0.5, 0.25, 0.25}};
    const Tensor<double> dp{{3.0, 1.0, 2.0}, {4.0, 8.0, 5.0}, {4.0, 8.0, -4.0}};
    const Tensor<double> dz{
        {0.0, 0.0, 0.0}, {-0.75, 0.75, 0.0}, {0.5, 1.25, -1.75}};
    exercise.by_hand({{"z", z}, {"p of backward", p}, {"dp", dp}});
    exercise.value("p", causal_softmax(z), p, softmax_mistakes(z));
    exercise.value("dz", causal_softmax_backward(p, dp), dz,
                   backward_mistakes(p, dp));

    NumpyRandom random(174);
    const Tensor<double> x = random.randn({6, 6}), dy = random.randn({6, 6});
    exercise.begin("for random numbers");
    exercise.value("p", causal_softmax(x), weights(x), softmax_mistakes(x));
    exercise.gradient(
        "z", x, causal_softmax_backward(weights(x), dy),
        [&](const auto& x_) { return check::weighted_sum(weights(x_), dy); },
        backward_mistakes(weights(x), dy));

    exercise.begin("with scores of 1000");
    exercise.otherwise("e^1000 is infinite in double: subtract the largest "
                       "score that t sees first, which cancels in p");
    exercise.value("p", causal_softmax(Tensor<double>(x + 1000.0)), weights(x),
                   {}, {1e-11, 1e-11});
    Tensor<double> hidden = x;
    for (std::size_t t = 0; t < 6; ++t) {
        for (std::size_t s = t + 1; s < 6; ++s) { hidden(t, s) = 2000; }
    }
    exercise.begin("with hidden scores of 2000");
    exercise.otherwise("the largest score may be a hidden one: take the "
                       "largest of those that t sees");
    exercise.value("p", causal_softmax(hidden), weights(x));
}

// ---- 17.5 ----

struct Tied {
    Labels tokens;
    Tensor<double> x, dz, de;
    std::size_t N = x.shape(0), C = x.shape(1), V = dz.shape(1);

    Tensor<double> head() const {
        return entries(V, C, [&](auto k, auto c) {
            return sum_over(N, [&](auto n) { return dz(n, k) * x(n, c); });
        });
    }
    // The rows of `from`, added up by token, or the last one of each token.
    Tensor<double> rows(const Tensor<double>& from, bool added) const {
        auto result = zeros<double>({V, C});
        for (std::size_t n = 0; n < N; ++n) {
            for (std::size_t c = 0; c < C; ++c) {
                double& to = result(static_cast<std::size_t>(tokens(n)), c);
                to = (added ? to : 0) + from(n, c);
            }
        }
        return result;
    }
    Tensor<double> gradient() const { return head() + rows(de, true); }

    // What is left if the rows of the embedding overwrite what the head has
    // written.
    Tensor<double> overwritten(bool added) const {
        Tensor<double> result = head();
        const Tensor<double> last = rows(de, added);
        for (std::size_t n = 0; n < N; ++n) {
            const auto k = static_cast<std::size_t>(tokens(n));
            for (std::size_t c = 0; c < C; ++c) { result(k, c) = last(k, c); }
        }
        return result;
    }

    check::Mistakes mistakes() const {
        const Tensor<double> right = gradient();
        const double examples = static_cast<double>(N);
        return {
            {zeros<double>({V, C}), "it is all zeros: is this still the stub?"},
            {head(), "the embedding's part is lost: the gradients of both "
                     "places add up"},
            {rows(de, true), "the head's part is lost: the gradients of both "
                             "places add up"},
            {head() + rows(de, false),
             "a token that occurs twice keeps its last row only: add the rows "
             "up"},
            {rows(de, false), "the head's part is lost, and a token that "
                              "occurs twice keeps its last row only"},
            {overwritten(true), "the embedding's part overwrites the head's: "
                                "add it"},
            {overwritten(false), "the embedding's part overwrites the head's: "
                                 "add it"},
            {head() - rows(de, true), "the embedding's part is subtracted: "
                                      "the two add up"},
            {rows(de, true) - head(), "the head's part is subtracted: the two "
                                      "add up"},
            {right / 2.0, "the two parts are averaged: they add up"},
            {right / examples, "it is divided by N: the mean over the tokens "
                               "is in dz already"},
            {head() * rows(de, true), "the two parts are multiplied: they add "
                                      "up"},
            {head() + rows(x, true), "the embedding's part has x in place of "
                                     "de"},
        };
    }
};

void mark_tied_head(check::Exercise& exercise) {
    const Tied small{{1, 0, 1},
                     {{1.0, 2.0}, {3.0, -1.0}, {0.0, 4.0}},
                     {{1.0, 0.0, 2.0}, {0.0, 5.0, 1.0}, {-2.0, 1.0, 0.0}},
                     {{10.0, 20.0}, {40.0, 30.0}, {50.0, 70.0}}};
    exercise.by_hand({{"tokens", small.tokens},
                      {"x", small.x},
                      {"dz", small.dz},
                      {"de", small.de}});
    exercise.extents({{"N", 3}, {"C", 2}, {"V", 3}});
    exercise.value("dw",
                   tied_gradient(small.tokens, small.x, small.dz, small.de),
                   {{41.0, 24.0}, {75.0, 89.0}, {5.0, 3.0}}, small.mistakes());

    // The block is x = e e, entry by entry, so de = 2 e dx with dx = dz w.
    NumpyRandom random(175);
    const Labels tokens = {3, 0, 3, 2, 3, 5, 0};
    const Tensor<double> w = random.randn({6, 4}), dz = random.randn({7, 6});
    const auto token = [&](std::size_t n) {
        return static_cast<std::size_t>(tokens(n));
    };
    const auto x = entries(
        7, 4, [&](auto n, auto c) { return w(token(n), c) * w(token(n), c); });
    const auto de = entries(7, 4, [&](auto n, auto c) {
        return 2 * w(token(n), c) *
               sum_over(6, [&](auto k) { return dz(n, k) * w(k, c); });
    });
    const Tied large{tokens, x, dz, de};
    exercise.begin("for random numbers");
    exercise.extents({{"N", 7}, {"C", 4}, {"V", 6}});
    exercise.gradient(
        "w", w, tied_gradient(tokens, x, dz, de),
        [&](const auto& w_) {
            typename std::decay_t<decltype(w_)>::value_type loss(0);
            for (std::size_t n = 0; n < 7; ++n) {
                for (std::size_t k = 0; k < 6; ++k) {
                    for (std::size_t c = 0; c < 4; ++c) {
                        loss += dz(n, k) * w_(token(n), c) * w_(token(n), c) *
                                w_(k, c);
                    }
                }
            }
            return loss;
        },
        large.mistakes());
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("17.4", "causal_softmax", "causal_softmax.hpp",
                  mark_causal_softmax);
    exercises.add("17.5", "tied_gradient", "tied_head.hpp", mark_tied_head);
    return exercises.main(argc, argv);
}
