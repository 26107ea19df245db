// Marks the coding exercises of chapter 11. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <functional>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <dead.hpp>
#include <embedding.hpp>
#include <kaiming.hpp>

using namespace handgrad;

namespace {

// ---- 11.4 ----

void compare_kaiming(check::Exercise& exercise, const Tensor<double>& normal,
                     double alpha) {
    const auto inputs = static_cast<double>(normal.shape(0));
    const auto outputs = static_cast<double>(normal.shape(1));
    const double sum = 1 + alpha * alpha;
    const auto times = [&](double factor) {
        return Tensor<double>(normal * factor);
    };
    exercise.extents({{"D_in", normal.shape(0)}, {"D_out", normal.shape(1)}});
    exercise.value(
        "w", kaiming_weight(normal, alpha),
        times(std::sqrt(2 / (sum * inputs))),
        {
            {zeros<double>(normal.shape()),
             "w is 0 everywhere: is this still the stub?"},
            {times(std::sqrt(2 / (sum * outputs))),
             "the variance is divided by D_out: z adds up D_in products"},
            {times(2 / (sum * inputs)),
             "the numbers are multiplied by the variance: the factor is its "
             "square root"},
            {times(std::sqrt(2 / inputs)),
             "alpha is left out: this is the start for a ReLU"},
            {times(std::sqrt(1 / inputs)),
             "the gain is 1: the activation takes away a part of E[z^2]"},
            {times(std::sqrt(1 / (sum * inputs))),
             "the factor 2 is missing: half of the z are positive"},
            {times(std::sqrt(2 / sum)),
             "D_in is left out: z adds up D_in products"},
            {times(std::sqrt(sum / (2 * inputs))),
             "the gain is upside down: the weights make up for what the "
             "activation takes away"},
            {times(std::sqrt(2 / ((1 + alpha) * inputs))),
             "alpha is not squared: E[o^2] has alpha^2"},
            {times(std::sqrt(2 / ((1 + alpha) * (1 + alpha) * inputs))),
             "(1 + alpha)^2 stands in place of 1 + alpha^2"},
            {times(std::sqrt(2 / sum) / inputs),
             "the standard deviation is divided by D_in: divide by its root"},
            {times(std::sqrt(2 * sum / inputs)),
             "it is multiplied by 1 + alpha^2: divide by it"},
        });
}

void mark_kaiming(check::Exercise& exercise) {
    // 2 / ((1 + 15) 2) = 1/16, so that the factor is 1/4.
    const Tensor<double> small{{4.0, 8.0, -12.0}, {-4.0, 16.0, 4.0}};
    const double alpha = std::sqrt(15.0);
    exercise.by_hand({{"normal", small}, {"alpha", alpha}});
    compare_kaiming(exercise, small, alpha);
    NumpyRandom random(114);
    const Tensor<double> normal = random.randn({5, 3});
    exercise.begin("for random numbers and alpha = 0.2", {{"normal", normal}});
    compare_kaiming(exercise, normal, 0.2);
}

// ---- 11.5 ----

// The share of those i < count for which `holds` is true.
double share(std::size_t count, const std::function<bool(std::size_t)>& holds) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) { sum += holds(i) ? 1 : 0; }
    return sum / static_cast<double>(count);
}

void compare_dead(check::Exercise& exercise, const Tensor<double>& o) {
    const std::size_t N = o.shape(0), M = o.shape(1);
    const auto column_zeros = [&](std::size_t j) {
        return share(N, [&](std::size_t n) { return o(n, j) == 0; });
    };
    const auto row_zeros = [&](std::size_t n) {
        return share(M, [&](std::size_t j) { return o(n, j) == 0; });
    };
    const double dead =
        share(M, [&](std::size_t j) { return column_zeros(j) == 1; });
    const auto number = [](double value) { return full<double>({}, value); };
    exercise.value(
        "share", dead_share(o), dead,
        {
            {number(-1), "-1 is returned: is this still the stub?"},
            {number(share(o.size(),
                          [&](std::size_t i) { return o.data()[i] == 0; })),
             "all zeros are counted: a unit is dead if it is 0 for every "
             "example"},
            {number(
                 share(M, [&](std::size_t j) { return column_zeros(j) > 0; })),
             "a unit counts as dead if it is 0 for one example: it has to be 0 "
             "for all"},
            {number(share(N, [&](std::size_t n) { return row_zeros(n) == 1; })),
             "examples are counted and not units: the units are the columns"},
            {number(1 - dead), "the units that are alive are counted"},
            {number(dead * static_cast<double>(M)),
             "the number of dead units is returned: divide by M"},
            {number(dead * static_cast<double>(M) / static_cast<double>(N)),
             "it is divided by the number of examples: divide by M, the "
             "number of units"},
            {number(dead * static_cast<double>(M) /
                    static_cast<double>(o.size())),
             "it is divided by the number of outputs: divide by M, the number "
             "of units"},
            {number(share(M, [&](std::size_t j) { return o(0, j) == 0; })),
             "only the first example is looked at"},
            {number(share(M, [&](std::size_t j) { return o(N - 1, j) == 0; })),
             "only the last example counts: one example above 0 is enough to "
             "keep a unit alive"},
        });
}

void mark_dead(check::Exercise& exercise) {
    // 2 of 5 units are dead; 10 of 15 outputs are 0, and one example is.
    const Tensor<double> small{{0.0, 2.0, 0.0, 0.0, 0.0},
                               {0.0, 0.0, 0.0, 0.0, 0.0},
                               {3.0, 1.0, 0.0, 4.0, 0.0}};
    exercise.by_hand({{"o", small}});
    compare_dead(exercise, small);
    NumpyRandom random(115);
    Tensor<double> o = random.randn({4, 30});
    for (double& value : o.storage()) { value = value > 0.3 ? value : 0; }
    exercise.begin("for 30 units", {{"o", o}});
    compare_dead(exercise, o);
}

// ---- 11.6 ----

// dw of a mistake: `place` says what happens with row n of dy.
Tensor<double>
mistaken(const Tensor<double>& dy, std::size_t V,
         const std::function<void(Tensor<double>& dw, std::size_t n)>& place) {
    Tensor<double> dw = zeros<double>({V, dy.shape(1)});
    for (std::size_t n = 0; n < dy.shape(0); ++n) { place(dw, n); }
    return dw;
}

check::Mistakes embedding_mistakes(const Tensor<double>& dy,
                                   const Labels& token, std::size_t V) {
    const std::size_t N = dy.shape(0), C = dy.shape(1);
    const auto row = [&](std::size_t n) {
        return static_cast<std::size_t>(token(n));
    };
    const auto add = [&](Tensor<double>& dw, std::size_t v, std::size_t n,
                         double factor) {
        for (std::size_t c = 0; c < C; ++c) { dw(v, c) += factor * dy(n, c); }
    };
    const auto count = [&](std::size_t v) {
        return share(N, [&](std::size_t n) { return row(n) == v; }) *
               static_cast<double>(N);
    };
    const auto with = [&](const auto& place) { return mistaken(dy, V, place); };
    return {
        {zeros<double>({V, C}), "dw is 0 everywhere: is this still the stub?"},
        {with([&](auto& dw, std::size_t n) {
             for (std::size_t c = 0; c < C; ++c) { dw(row(n), c) = dy(n, c); }
         }),
         "a row is overwritten: a token that occurs twice gets the sum"},
        {with([&](auto& dw, std::size_t n) {
             for (std::size_t m = 0; m < n; ++m) {
                 if (row(m) == row(n)) { return; }
             }
             add(dw, row(n), n, 1);
         }),
         "only the first row of a token counts: add all of them"},
        {with([&](auto& dw, std::size_t n) {
             add(dw, row(n), n, 1 / count(row(n)));
         }),
         "the rows of a token are averaged: they are added"},
        {with([&](auto& dw, std::size_t n) {
             add(dw, row(n), n, 1 / static_cast<double>(N));
         }),
         "it is divided by N: dy contains this factor already"},
        {with([&](auto& dw, std::size_t n) { add(dw, n % V, n, 1); }),
         "row n of dy is added to row n of dw: it belongs to row token[n]"},
        {with([&](auto& dw, std::size_t n) {
             if (row(n) < N) { add(dw, row(n), row(n), 1); }
         }),
         "row token[n] of dy is added: it is row n of dy"},
        {with([&](auto& dw, std::size_t n) { add(dw, row(n), n, -1); }),
         "the rows are subtracted"},
        {with([&](auto& dw, std::size_t n) {
             for (std::size_t c = 0; c < C; ++c) { dw(row(n), c) += dy(n, 0); }
         }),
         "the first column of dy is added to all columns"},
        {with([&](auto& dw, std::size_t n) {
             if (n + 1 < N) { add(dw, row(n), n, 1); }
         }),
         "the last token is left out"},
        {with([&](auto& dw, std::size_t n) {
             for (std::size_t c = 0; c < C; ++c) { dw(row(n), c) += 1; }
         }),
         "the factor dy is missing: the tokens are counted"},
    };
}

void compare_embedding(check::Exercise& exercise, const Tensor<double>& w,
                       const Tensor<double>& dy, const Labels& token) {
    exercise.extents({{"N", dy.shape(0)}, {"C", dy.shape(1)}});
    exercise.gradient(
        "w", w, embedding_backward(dy, token, w.shape(0)),
        [&](const auto& w_) {
            return check::weighted_sum(reference::embedding_forward(w_, token),
                                       dy);
        },
        embedding_mistakes(dy, token, w.shape(0)));
}

void mark_embedding(check::Exercise& exercise) {
    const Tensor<double> w{{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}, {7.0, 8.0}};
    const Tensor<double> dy{{1.0, 2.0}, {4.0, 8.0}, {16.0, 32.0}, {3.0, 5.0}};
    const Labels token{2, 0, 2, 1};
    exercise.by_hand({{"dy", dy}, {"token", token}, {"V", 4.0}});
    compare_embedding(exercise, w, dy, token);
    NumpyRandom random(116);
    const Tensor<double> w2 = random.randn({6, 3}), dy2 = random.randn({8, 3});
    const Labels token2{5, 1, 1, 0, 5, 5, 3, 1};
    exercise.begin("for random numbers", {{"dy", dy2}, {"token", token2}});
    compare_embedding(exercise, w2, dy2, token2);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("11.4", "kaiming_weight", "kaiming.hpp", mark_kaiming);
    exercises.add("11.5", "dead_share", "dead.hpp", mark_dead);
    exercises.add("11.6", "embedding_backward", "embedding.hpp",
                  mark_embedding);
    return exercises.main(argc, argv);
}
