// Marks the coding exercises of chapter 15. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <algorithm>
#include <cmath>
#include <functional>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <letters.hpp>
#include <table.hpp>
#include <temperature.hpp>

using namespace handgrad;

namespace {

std::size_t index_of(std::int64_t token) {
    return static_cast<std::size_t>(token);
}

// ---- 15.4 ----

// A table to which each example adds something.
Tensor<double>
summed(const Shape& shape, std::size_t N,
       const std::function<void(Tensor<double>&, std::size_t)>& add) {
    Tensor<double> dw = zeros<double>(shape);
    for (std::size_t n = 0; n < N; ++n) { add(dw, n); }
    return dw;
}

check::Mistakes table_mistakes(const Tensor<double>& w, const Labels& x,
                               const Labels& y) {
    const std::size_t N = x.size(), V = w.shape(1);
    const double mean = 1 / static_cast<double>(N);
    const Tensor<double> p = reference::softmax_forward(w);
    const auto one = [&](std::size_t n, std::size_t k) {
        return k == index_of(y(n)) ? 1.0 : 0.0;
    };
    const auto count = [&](std::size_t n) {
        return static_cast<double>(std::count(x.begin(), x.end(), x(n)));
    };
    // Entry (row, k) of each example gets the value of `term`.
    const auto with = [&](const auto& term) {
        return summed(w.shape(), N, [&](Tensor<double>& dw, std::size_t n) {
            const std::size_t i = index_of(x(n));
            for (std::size_t k = 0; k < V; ++k) { dw(i, k) += term(n, i, k); }
        });
    };
    const auto right = [&](std::size_t n, std::size_t i, std::size_t k) {
        return (p(i, k) - one(n, k)) * mean;
    };
    return {
        {zeros<double>(w.shape()),
         "dw is 0 everywhere: is this still the stub?"},
        {summed(w.shape(), N,
                [&](Tensor<double>& dw, std::size_t n) {
                    const std::size_t i = index_of(x(n));
                    for (std::size_t k = 0; k < V; ++k) {
                        dw(i, k) = right(n, i, k);
                    }
                }),
         "a row is overwritten: every example with this letter adds to it"},
        {summed(w.shape(), N,
                [&](Tensor<double>& dw, std::size_t n) {
                    const std::size_t i = index_of(x(n));
                    for (std::size_t k = 0; k < V; ++k) {
                        dw(k, i) += right(n, i, k);
                    }
                }),
         "rows and columns are exchanged: row i of dw has the letters that "
         "follow letter i"},
        {with([&](auto n, auto i, auto k) { return p(i, k) - one(n, k); }),
         "the mean is missing: divide by N"},
        {with([&](auto n, auto i, auto k) {
             return (p(i, k) - one(n, k)) / count(n);
         }),
         "each row is divided by the number of its own examples: the loss is "
         "the mean over all N"},
        {with([&](auto, auto i, auto k) { return p(i, k) * mean; }),
         "1[k = y] is missing: the letter that followed is subtracted"},
        {with([&](auto n, auto, auto k) { return -one(n, k) * mean; }),
         "the probabilities are missing: the logarithm of the sum depends on "
         "all scores of the row"},
        {with([&](auto n, auto i, auto k) { return -right(n, i, k); }),
         "the sign is wrong: it is p - 1[k = y]"},
        {with([&](auto n, auto i, auto k) {
             return (p(i, k) - one(n, k)) * one(n, k) * mean;
         }),
         "only the entry of the letter that followed gets a gradient: the "
         "others get p"},
        {with([&](auto n, auto i, auto k) {
             return (w(i, k) - one(n, k)) * mean;
         }),
         "the scores are taken for probabilities: softmax is missing"},
        {with([&](auto n, auto i, auto k) {
             return (std::exp(w(i, k)) - one(n, k)) * mean;
         }),
         "the powers are not divided by their sum"},
        {summed(w.shape(), N,
                [&](Tensor<double>& dw, std::size_t n) {
                    const std::size_t i = index_of(x(n));
                    for (std::size_t k = 0; k < V; ++k) {
                        dw(i, k) += (k == i ? p(i, k) - 1 : p(i, k)) * mean;
                    }
                }),
         "1 is subtracted at the letter itself: it belongs to the letter that "
         "followed, y"},
    };
}

void compare_table(check::Exercise& exercise, const Tensor<double>& w,
                   const Labels& x, const Labels& y) {
    exercise.extents({{"N", x.size()}, {"V", w.shape(0)}});
    exercise.gradient(
        "w", w, table_gradient(w, x, y),
        [&](const auto& w_) {
            return reference::cross_entropy_forward(
                reference::embedding_forward(w_, x), y);
        },
        table_mistakes(w, x, y));
}

void mark_table(check::Exercise& exercise) {
    // Rows with the probabilities 1/3 (all), 1/2, 1/4, 1/4 and 1/5, 1/5, 3/5.
    const double two = std::log(2.0), three = std::log(3.0);
    const Tensor<double> w{{0, 0, 0}, {two, 0, 0}, {0, 0, three}};
    const Labels x{1, 0, 1, 1}, y{2, 1, 0, 2};
    exercise.by_hand({{"w", w}, {"x", x}, {"y", y}});
    compare_table(exercise, w, x, y);
    NumpyRandom random(154);
    const Tensor<double> w2 = random.randn({6, 6});
    const Labels x2{5, 1, 1, 0, 5, 5, 3, 1}, y2{0, 2, 2, 4, 5, 1, 0, 3};
    exercise.begin("for random numbers", {{"w", w2}, {"x", x2}, {"y", y2}});
    compare_table(exercise, w2, x2, y2);
}

// ---- 15.5 ----

check::Mistakes letters_mistakes(const Tensor<double>& dx, const Labels& token,
                                 std::size_t V) {
    const std::size_t N = token.shape(0), T = token.shape(1);
    const std::size_t C = dx.shape(1) / T;
    using Place =
        std::function<void(Tensor<double>&, std::size_t, std::size_t)>;
    const auto with = [&](const Place& place) {
        Tensor<double> dw0 = zeros<double>({V, C});
        for (std::size_t n = 0; n < N; ++n) {
            for (std::size_t t = 0; t < T; ++t) { place(dw0, n, t); }
        }
        return dw0;
    };
    const auto row = [&](std::size_t n, std::size_t t) {
        return index_of(token(n, t));
    };
    // Adds C numbers of row n, from `first` on and `stride` apart.
    const auto add = [&](Tensor<double>& dw0, std::size_t i, std::size_t n,
                         std::size_t first, std::size_t stride, double factor) {
        for (std::size_t c = 0; c < C; ++c) {
            dw0(i, c) += factor * dx(n, first + c * stride);
        }
    };
    return {
        {zeros<double>({V, C}), "dw0 is 0 everywhere: is this still the stub?"},
        {with([&](auto& dw0, auto n, auto t) {
             for (std::size_t c = 0; c < C; ++c) {
                 dw0(row(n, t), c) = dx(n, t * C + c);
             }
         }),
         "a row is overwritten: a letter that occurs twice gets the sum"},
        {with([&](auto& dw0, auto n, auto t) {
             for (std::size_t s = 0; s < t; ++s) {
                 if (row(n, s) == row(n, t)) { return; }
             }
             add(dw0, row(n, t), n, t * C, 1, 1);
         }),
         "a letter that occurs twice in one example is added once: every "
         "place has a part of dx"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, row(n, t), n, t, T, 1);
         }),
         "x is taken as C parts of T numbers: part t begins at t C, and its "
         "numbers lie beside each other"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, row(n, t), n, 0, 1, 1);
         }),
         "all letters get the first part of dx: part t begins at t C"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, row(n, t), n, (T - 1 - t) * C, 1, 1);
         }),
         "the parts are taken in the reverse order: token t belongs to part t"},
        {with([&](auto& dw0, auto n, auto t) {
             if (t == T - 1) { add(dw0, row(n, t), n, t * C, 1, 1); }
         }),
         "only the last letter of a context gets a gradient"},
        {with([&](auto& dw0, auto n, auto t) {
             if (t == 0) { add(dw0, row(n, t), n, t * C, 1, 1); }
         }),
         "only the first letter of a context gets a gradient"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, row(n, t), n, t * C, 1, 1 / static_cast<double>(N));
         }),
         "it is divided by N: dx contains this factor already"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, row(n, t), n, t * C, 1, 1 / static_cast<double>(T));
         }),
         "it is divided by T: the places of a letter are added, and no mean "
         "is taken"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, t % V, n, t * C, 1, 1);
         }),
         "part t is added to row t: it belongs to the row of token(n, t)"},
        {with([&](auto& dw0, auto n, auto t) {
             add(dw0, row(n, t), n, t * C, 1, -1);
         }),
         "the parts are subtracted"},
        {with([&](auto& dw0, auto n, auto t) {
             for (std::size_t c = 0; c < C; ++c) { dw0(row(n, t), c) += 1; }
         }),
         "the factor dx is missing: the letters are counted"},
    };
}

void compare_letters(check::Exercise& exercise, const Tensor<double>& w0,
                     const Tensor<double>& dx, const Labels& token) {
    const std::size_t N = token.shape(0), T = token.shape(1);
    exercise.extents({{"N", N}, {"T", T}, {"C", w0.shape(1)}});
    Tensor<double> parts = dx; // (N, T, C)
    parts.reshape({N, T, w0.shape(1)});
    exercise.gradient(
        "w0", w0, letters_backward(dx, token, w0.shape(0)),
        [&](const auto& w0_) {
            return check::weighted_sum(reference::embedding_forward(w0_, token),
                                       parts);
        },
        letters_mistakes(dx, token, w0.shape(0)));
}

void mark_letters(check::Exercise& exercise) {
    // Letter 2 stands in three places, two of them in the second example.
    const Tensor<double> w0{{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}, {7.0, 8.0}};
    const Tensor<double> dx{{1, 2, 4, 8, 16, 32}, {3, 5, 7, 11, 13, 17}};
    const Labels token{{0, 2, 1}, {2, 0, 2}};
    exercise.by_hand({{"dx", dx}, {"token", token}, {"V", 4.0}});
    compare_letters(exercise, w0, dx, token);
    NumpyRandom random(155);
    const Tensor<double> w2 = random.randn({6, 4});
    const Tensor<double> dx2 = random.randn({5, 12});
    const Labels token2{{0, 0, 0}, {0, 0, 4}, {0, 4, 1}, {4, 1, 4}, {1, 4, 3}};
    exercise.begin("for random numbers", {{"dx", dx2}, {"token", token2}});
    compare_letters(exercise, w2, dx2, token2);
}

// ---- 15.6 ----

void compare_temperature(check::Exercise& exercise, const Tensor<double>& p,
                         double temperature) {
    const auto V = static_cast<double>(p.size());
    // f of each probability, divided by the sum of all if `divide`.
    const auto of = [&](const std::function<double(double)>& f, bool divide) {
        Tensor<double> result = p;
        double sum = 0;
        for (double& value : result.storage()) {
            value = f(value);
            sum += value;
        }
        for (double& value : result.storage()) { value /= divide ? sum : 1; }
        return result;
    };
    const auto power = [&](double exponent) {
        return [exponent](double value) { return std::pow(value, exponent); };
    };
    exercise.extents({{"V", p.size()}});
    exercise.value(
        "p", at_temperature(p, temperature), of(power(1 / temperature), true),
        {
            {zeros<double>(p.shape()),
             "all probabilities are 0: is this still the stub?"},
            {of(power(1 / temperature), false),
             "the powers do not add up to 1: divide by their sum"},
            {of(power(temperature), true),
             "the power is the temperature: it is one over the temperature"},
            {of(power(temperature), false),
             "the power is the temperature, and the sum is not 1"},
            {p, "nothing changes: dividing probabilities by a number and then "
                "by their sum has no effect"},
            {of([&](double v) { return v / temperature; }, false),
             "the probabilities are divided by the temperature: divide the "
             "scores, their logarithms"},
            {of([&](double v) { return std::exp(v / temperature); }, true),
             "softmax is taken of the probabilities: take it of scores, their "
             "logarithms"},
            {of([&](double v) { return std::log(v) / temperature; }, false),
             "the scores are returned: softmax is missing"},
            {of([&](double v) { return std::pow(v, 1 / temperature) / V; },
                false),
             "the powers are divided by V: divide by their sum"},
            {of([&](double v) { return v * v; }, true),
             "the probabilities are squared at any temperature: the power is "
             "one over the temperature"},
            {of([&](double v) { return std::sqrt(v); }, true),
             "the root is taken at any temperature: the power is one over the "
             "temperature"},
        });
}

void mark_temperature(check::Exercise& exercise) {
    // At 0.5 the squares: 1/64, 4/64 and 25/64, so 1/30, 4/30 and 25/30.
    const Tensor<double> small{0.125, 0.25, 0.625};
    exercise.by_hand({{"p", small}, {"temperature", 0.5}});
    compare_temperature(exercise, small, 0.5);
    const Tensor<double> other{0.05, 0.0, 0.15, 0.6, 0.2};
    exercise.begin("for five letters, one of them impossible, at temperature 3",
                   {{"p", other}});
    compare_temperature(exercise, other, 3);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("15.4", "table_gradient", "table.hpp", mark_table);
    exercises.add("15.5", "letters_backward", "letters.hpp", mark_letters);
    exercises.add("15.6", "at_temperature", "temperature.hpp",
                  mark_temperature);
    return exercises.main(argc, argv);
}
