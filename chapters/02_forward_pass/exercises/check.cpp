// Marks the coding exercises of chapter 02. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <cmath>
#include <limits>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>

#include <leaky_relu.hpp>
#include <log_sum_exp.hpp>

using namespace handgrad;

namespace {

void mark_leaky_relu(check::Exercise& exercise) {
    const Tensor<double> x{{-2.0, 3.0, 0.0}, {0.5, -0.25, 8.0}};
    exercise.value("y", leaky_relu_forward(x, 0.1), Tensor<double>{{-0.2, 3.0, 0.0}, {0.5, -0.025, 8.0}});
    exercise.value("y for slope 0.5", leaky_relu_forward(x, 0.5), Tensor<double>{{-1.0, 3.0, 0.0}, {0.5, -0.125, 8.0}});
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Tensor<double> y = leaky_relu_forward(Tensor<double>{nan}, 0.1);
    exercise.require(y.size() == 1 && std::isnan(y(0)), "a NaN that went in did not come out");
}

void mark_log_sum_exp(check::Exercise& exercise) {
    // log(e^0 + e^0) = log 2, log(1 + 2 + 3) = log 6; and log(e^m + e^m) = m + log 2 for every m.
    const double log2 = std::log(2.0), inf = std::numeric_limits<double>::infinity();
    exercise.value("s", log_sum_exp(Tensor<double>{{0.0, 0.0, -inf}, {0.0, log2, std::log(3.0)}}),
                   Tensor<double>{log2, std::log(6.0)});
    exercise.value("s for scores of 1000", log_sum_exp(Tensor<double>{{1000.0, 1000.0}, {999.0, 1000.0}}),
                   Tensor<double>{1000 + log2, 1000 + std::log1p(std::exp(-1.0))});
    exercise.value("s for scores of -1000", log_sum_exp(Tensor<double>{{-1000.0, -1000.0}, {-2000.0, -3000.0}}),
                   Tensor<double>{-1000 + log2, -2000.0});
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("02.4", "leaky_relu_forward", "leaky_relu.hpp", mark_leaky_relu);
    exercises.add("02.5", "log_sum_exp", "log_sum_exp.hpp", mark_log_sum_exp);
    return exercises.main(argc, argv);
}
