// Marks the coding exercises of chapter 02. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <algorithm>
#include <cmath>
#include <limits>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <leaky_relu.hpp>
#include <log_sum_exp.hpp>

using namespace handgrad;

namespace {

// ---- 02.4 ----

template <class F>
Tensor<double> each(const Tensor<double>& x, const F& formula) {
    Tensor<double> y = x;
    for (double& value : y) { value = formula(value); }
    return y;
}

void compare_leaky_relu(check::Exercise& exercise, const Tensor<double>& x,
                        double alpha) {
    exercise.value(
        "y", leaky_relu_forward(x, alpha),
        each(x, [&](double v) { return v > 0 ? v : alpha * v; }),
        {
            {each(x, [](double v) { return v > 0 ? v : 0; }),
             "negative entries become 0, as in ReLU: alpha * x is missing"},
            {each(x, [&](double v) { return alpha * v; }),
             "alpha multiplies the positive entries as well"},
            {each(x, [&](double v) { return v > 0 ? alpha * v : v; }),
             "the two branches are exchanged"},
            {each(x, [&](double v) { return v > 0 ? v : alpha; }),
             "a negative entry becomes alpha itself: the factor x is missing"},
            {each(x, [&](double v) { return v > 0 ? v : -alpha * v; }),
             "the negative entries change their sign"},
            {each(x, [&](double v) { return v > 0 ? v : v + alpha; }),
             "alpha is added to the negative entries: it is a factor"},
            {each(x, [&](double v) { return v > 0 ? v : v / alpha; }),
             "the negative entries are divided by alpha"},
            {each(x, [&](double v) { return v > 0 ? 1 : alpha; }),
             "the derivative is computed: this is the forward pass"},
            {each(x, [&](double v) { return v > 1 ? v : alpha * v; }),
             "x is compared with 1 and not with 0"},
        });
}

void mark_leaky_relu(check::Exercise& exercise) {
    const Tensor<double> x{{-2.0, 3.0, 0.0}, {4.0, -6.0, 1.0}};
    exercise.by_hand({{"x", x}, {"alpha", 0.5}});
    compare_leaky_relu(exercise, x, 0.5);
    NumpyRandom random(24);
    const Tensor<double> other = random.randn({4, 5});
    exercise.begin("for random numbers and alpha = 0.1", {{"x", other}});
    compare_leaky_relu(exercise, other, 0.1);

    exercise.begin("for x = NaN");
    exercise.otherwise(
        "a comparison with NaN is false: which branch does a NaN take?");
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Tensor<double> y = leaky_relu_forward(Tensor<double>{nan}, 0.1);
    exercise.require(
        "y", y.size() == 1 && std::isnan(y(0)),
        "y for x = NaN is a number\nhint: a comparison with NaN is false: "
        "which branch does a NaN take?");
}

// ---- 02.5 ----

// For each row: formula(scores of the row as a vector, largest score).
template <class F>
Tensor<double> by_rows(const Tensor<double>& z, const F& formula) {
    Tensor<double> result = zeros<double>({z.shape(0)});
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        Tensor<double> row = zeros<double>({z.shape(1)});
        for (std::size_t k = 0; k < row.size(); ++k) { row(k) = z(n, k); }
        result(n) = formula(row, *std::max_element(row.begin(), row.end()));
    }
    return result;
}

double sum_of_exp(const Tensor<double>& row, double shift) {
    double sum = 0;
    for (const double z : row) { sum += std::exp(z - shift); }
    return sum;
}

check::Mistakes log_sum_exp_mistakes(const Tensor<double>& z) {
    using Row = const Tensor<double>&;
    const double of_all = *std::max_element(z.begin(), z.end());
    const double K = static_cast<double>(z.shape(1));
    const Tensor<double> columns = Tensor<double>(xt::transpose(z));
    return {
        {by_rows(z,
                 [](Row r, double m) {
                     m = std::max(m, 0.0);
                     return m + std::log(sum_of_exp(r, m));
                 }),
         "the search for the largest score starts at 0: start at z(n, 0)"},
        {by_rows(z, [](Row r, double) { return std::log(sum_of_exp(r, 0)); }),
         "exp is applied to the scores as they are, so that it overflows or "
         "all its "
         "results are 0: subtract the largest score of the row first, and add "
         "it to "
         "the logarithm"},
        {by_rows(z,
                 [&](Row r, double) {
                     return of_all + std::log(sum_of_exp(r, of_all));
                 }),
         "the largest score of all rows is subtracted: take that of the row"},
        {by_rows(z, [](Row r, double m) { return std::log(sum_of_exp(r, m)); }),
         "the largest score is subtracted and not added again"},
        {by_rows(
             z, [](Row r, double m) { return m * std::log(sum_of_exp(r, m)); }),
         "the largest score multiplies the logarithm: add it"},
        {by_rows(
             z, [](Row r, double m) { return std::log(sum_of_exp(r, m)) - m; }),
         "the largest score is subtracted once more at the end: add it"},
        {by_rows(z, [](Row, double m) { return m; }),
         "only the largest score counts: the other classes are left out"},
        {by_rows(z, [](Row r, double m) { return m + sum_of_exp(r, m); }),
         "the logarithm is left out"},
        {by_rows(
             z, [](Row r, double m) { return std::exp(m) * sum_of_exp(r, m); }),
         "the logarithm is left out"},
        {by_rows(z, [](Row r,
                       double m) { return m + std::log10(sum_of_exp(r, m)); }),
         "the logarithm has base 10: take the natural one, std::log"},
        {by_rows(z,
                 [&](Row r, double m) {
                     return m + std::log(sum_of_exp(r, m) / K);
                 }),
         "the mean of the exponentials is taken: take their sum"},
        {by_rows(z,
                 [](Row r, double) {
                     return r(0) + std::log(sum_of_exp(r, r(0)));
                 }),
         "the first score of the row is subtracted: take the largest"},
        {by_rows(
             columns,
             [](Row r, double m) { return m + std::log(sum_of_exp(r, m)); }),
         "the sum runs over n: the axes are swapped, since it runs over the "
         "classes k"},
    };
}

Tensor<double> exact_log_sum_exp(const Tensor<double>& z) {
    return by_rows(z, [](const Tensor<double>& row, double m) {
        return m + std::log(sum_of_exp(row, m));
    });
}

void compare_log_sum_exp(check::Exercise& exercise, const Tensor<double>& z) {
    exercise.value("result", log_sum_exp(z), exact_log_sum_exp(z),
                   log_sum_exp_mistakes(z));
}

void mark_log_sum_exp(check::Exercise& exercise) {
    // log 2 = 0.693147, 3 + log 2 = 3.69315, and log(e + e^3) = 3.12693.
    const Tensor<double> z{{0.0, 0.0}, {3.0, 3.0}, {1.0, 3.0}};
    exercise.by_hand({{"z", z}});
    compare_log_sum_exp(exercise, z);
    NumpyRandom random(25);
    const Tensor<double> other = random.randn({5, 4});
    exercise.begin("for random numbers");
    compare_log_sum_exp(exercise, other);
    exercise.begin("for scores of 1000");
    compare_log_sum_exp(exercise, {{1000.0, 1000.0}, {999.0, 1000.0}});
    exercise.begin("for scores of -1000");
    compare_log_sum_exp(exercise, {{-1000.0, -1000.0}, {-2000.0, -3000.0}});
    exercise.begin("for a row of 1000 and a row of -1000");
    compare_log_sum_exp(exercise, {{1000.0, 999.0}, {-1000.0, -999.0}});
    exercise.begin("for a class of score -1000 first");
    compare_log_sum_exp(exercise, {{-1000.0, 1.0}, {-1000.0, 2.0}});
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("02.4", "leaky_relu_forward", "leaky_relu.hpp",
                  mark_leaky_relu);
    exercises.add("02.5", "log_sum_exp", "log_sum_exp.hpp", mark_log_sum_exp);
    return exercises.main(argc, argv);
}
