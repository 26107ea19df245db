// Marks the coding exercises of chapter 10, on the system with one thread. Angle brackets: the include path says whether
// these are the stubs or the solutions.

#include <thrust/system/cpp/execution_policy.h>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <conv_bias.hpp>
#include <tanh.hpp>

using namespace handgrad;

namespace {

Tensor<double> in_double(const Tensor<float>& x) { return check::cast<double>(x); }

void mark_tanh(check::Exercise& exercise) {
    NumpyRandom random(104);
    const Tensor<double> x = random.randn({1000}), dy = random.randn({1000});
    const Tensor<float> y = check::cast<float>(Tensor<double>(xt::tanh(x))), dy_float = check::cast<float>(dy);
    Tensor<float> dx = zeros<float>(x.shape());
    tanh_backward(thrust::cpp::par, y.data(), dy_float.data(), dx.data(), dx.size());
    const Tensor<double> expected = check::complex_step(
        [&](auto y_) {
            for (auto& value : y_) { value = std::tanh(value); }
            return check::weighted_sum(y_, dy);
        },
        x);
    exercise.value("dx", in_double(dx), expected, check::float_tolerance);
}

void mark_conv_bias(check::Exercise& exercise) {
    // Whole numbers: every order of the additions gives the same bits. Channel k of image n holds 100 k + 10 n + p, so
    // with three images and four places db_k = 12 * 100 k + 4 * (0 + 10 + 20) + 3 * (0 + 1 + 2 + 3) = 1200 k + 138.
    const int N = 3, K = 5, places = 4;
    Tensor<float> dy = zeros<float>({3, 5, 4});
    Tensor<double> expected = zeros<double>({5});
    for (std::size_t k = 0; k < 5; ++k) {
        expected(k) = 1200.0 * static_cast<double>(k) + 138.0;
        for (std::size_t n = 0; n < 3; ++n) {
            for (std::size_t p = 0; p < 4; ++p) { dy(n, k, p) = static_cast<float>(100 * k + 10 * n + p); }
        }
    }
    Tensor<float> db = zeros<float>({5});
    conv_bias_backward(thrust::cpp::par, dy.data(), db.data(), N, K, places);
    exercise.value("db", in_double(db), expected);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("10.4", "tanh_backward", "tanh.hpp", mark_tanh);
    exercises.add("10.5", "conv_bias_backward", "conv_bias.hpp", mark_conv_bias);
    return exercises.main(argc, argv);
}
