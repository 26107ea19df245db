// Marks the coding exercises of chapter 10, on the system with one thread.
// Angle brackets: the include path decides whether these are the stubs or the
// solutions.

#include <cmath>
#include <functional>
#include <vector>

#include <thrust/system/cpp/execution_policy.h>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <conv_bias.hpp>
#include <tanh.hpp>

using namespace handgrad;

namespace {

Tensor<double> in_double(const Tensor<float>& x) {
    return check::cast<double>(x);
}

// ---- 10.4 ----

void compare_tanh(check::Exercise& exercise, const Tensor<double>& y,
                  const Tensor<double>& dy) {
    const Tensor<float> y_float = check::cast<float>(y);
    const Tensor<float> dy_float = check::cast<float>(dy);
    Tensor<float> dx = zeros<float>(y.shape());
    tanh_backward(thrust::cpp::par, y_float.data(), dy_float.data(), dx.data(),
                  dx.size());
    exercise.value(
        "dx", in_double(dx), Tensor<double>(dy * (1 - y * y)),
        {
            {Tensor<double>(1 - y * y), "the upstream gradient dy is left out"},
            {Tensor<double>(dy * (1 - xt::square(xt::tanh(y)))),
             "y is taken for x: y is tanh(x) already, so no tanh is needed"},
            {Tensor<double>(dy * (1 - y)), "the square of y is missing"},
            {Tensor<double>(dy * (1 + y * y)),
             "y^2 is added: the derivative is 1 - y^2"},
            {Tensor<double>(dy - y * y),
             "only 1 is multiplied by dy: 1 - y^2 needs parentheses"},
            {Tensor<double>(y * (1 - dy * dy)),
             "the two input ranges are exchanged: y comes first"},
            {Tensor<double>(1 - y * y) * y,
             "y is passed twice: the second range is dy"},
            {Tensor<double>(dy * (1 - dy * dy)),
             "dy is passed twice: the first range is y"},
            {Tensor<double>(dy * y * (1 - y)),
             "the derivative of sigmoid is taken, y (1 - y)"},
            {Tensor<double>(dy * y * y),
             "1 - is missing: the derivative is 1 - y^2"},
            {zeros<double>(y.shape()),
             "nothing is written: is thrust::transform called, or is this "
             "still the "
             "stub?"},
        },
        check::float_tolerance);
}

void mark_tanh(check::Exercise& exercise) {
    const Tensor<double> y{0.0, 0.5, -0.5, 0.5}, dy{1.0, 4.0, -4.0, 8.0};
    exercise.by_hand({{"y", y}, {"dy", dy}});
    compare_tanh(exercise, y, dy);
    NumpyRandom random(104);
    const Tensor<double> x = random.randn({1000}), dy2 = random.randn({1000});
    exercise.begin("for 1000 random numbers");
    compare_tanh(exercise, xt::tanh(x), dy2);
}

// ---- 10.5 ----

// reduce_by_key on one thread, for the keys and positions of a mistake.
Tensor<double> reduced(const Tensor<double>& dy,
                       const std::function<int(int)>& key,
                       const std::function<int(int)>& place) {
    std::vector<double> sums;
    for (int i = 0; i < static_cast<int>(dy.size()); ++i) {
        if (i == 0 || key(i) != key(i - 1)) { sums.push_back(0); }
        sums.back() += dy.data()[place(i)];
    }
    sums.resize(dy.shape(1), 0); // the check compares that many
    Tensor<double> result = zeros<double>({sums.size()});
    std::copy(sums.begin(), sums.end(), result.begin());
    return result;
}

void compare_conv_bias(check::Exercise& exercise, const Tensor<double>& dy) {
    const int N = static_cast<int>(dy.shape(0)),
              C = static_cast<int>(dy.shape(1));
    const int places = static_cast<int>(dy.shape(2));
    const auto channel = [=](int i) { return i / (N * places); };
    const auto place = [=](int i) {
        const int k = i / (N * places), n = i / places % N, p = i % places;
        return (n * C + k) * places + p;
    };
    const Tensor<float> dy_float = check::cast<float>(dy);
    // A wrong key makes more sums than there are channels.
    Tensor<float> db = zeros<float>({dy.size()});
    conv_bias_backward(thrust::cpp::par, dy_float.data(), db.data(), N, C,
                       places);
    const Tensor<double> sums = in_double(db);
    Tensor<double> got = zeros<double>({dy.shape(1)});
    std::copy(sums.begin(), sums.begin() + C, got.begin());
    const bool too_many = std::any_of(sums.begin() + C, sums.end(),
                                      [](double v) { return v != 0; });
    exercise.otherwise(too_many
                           ? "there are more sums than channels: numbers of "
                             "the same channel are neighbours and must have "
                             "the same key, i / (N places)"
                           : "i is (k N + n) places + p: what are k, n and p?");
    exercise.value(
        "db", got, reduced(dy, channel, place),
        {
            {reduced(dy, channel, [](int i) { return i; }),
             "PlaceOf is the identity: the numbers of a channel do not lie "
             "side by "
             "side in dy, which is ordered by images first"},
            {reduced(
                 dy, [](int) { return 0; }, place),
             "all keys are equal, so that there is only one sum: the key is "
             "the "
             "channel"},
            {reduced(
                 dy, [](int) { return 0; }, [](int) { return 0; }),
             "both functions return 0: is this still the stub?"},
            {reduced(dy, channel, [](int) { return 0; }),
             "PlaceOf returns 0 for every number"},
            {reduced(
                 dy, [=](int i) { return i / places; }, place),
             "the key changes with every image: it is i / (N places)"},
            {reduced(
                 dy, [=](int i) { return i / N; }, place),
             "the key is i / N: it is i / (N places)"},
            {reduced(
                 dy, [=](int i) { return i % C; }, place),
             "the key is i % C_out, which differs for neighbours: it is "
             "i / (N places)"},
            {reduced(dy, channel,
                     [=](int i) {
                         const int k = i / (N * places), n = i / places % N;
                         return (n * C + k) * places;
                     }),
             "the place p within an image is left out of PlaceOf"},
            {reduced(
                 dy, channel,
                 [=](int i) { return i / (N * places) * places + i % places; }),
             "the image n is left out of PlaceOf"},
            {reduced(dy, channel,
                     [=](int i) {
                         const int k = i / (N * places), n = i / places % N;
                         return (k * N + n) * places + i % places;
                     }),
             "n and k are exchanged in PlaceOf: dy is ordered by images first"},
            {reduced(dy, channel,
                     [=](int i) {
                         const int n = i / (C * places), k = i / places % C;
                         return (n * C + k) * places + i % places;
                     }),
             "i is taken for the position in dy: here it counts channel by "
             "channel"},
        });
}

void mark_conv_bias(check::Exercise& exercise) {
    const Tensor<double> small{{{1.0, 2.0}, {10.0, 20.0}, {100.0, 300.0}},
                               {{3.0, 5.0}, {40.0, 10.0}, {200.0, 500.0}}};
    exercise.by_hand({{"dy", small}});
    compare_conv_bias(exercise, small);
    // Integers, so that every order of the additions gives the same bits.
    // Channel k of image n holds 100 k + 10 n + p.
    Tensor<double> dy = zeros<double>({3, 5, 4});
    for (std::size_t i = 0; i < dy.size(); ++i) {
        dy.data()[i] =
            static_cast<double>(100 * (i / 4 % 5) + 10 * (i / 20) + i % 4);
    }
    exercise.begin("for 3 images, 5 channels and 4 places");
    compare_conv_bias(exercise, dy);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("10.4", "tanh_backward", "tanh.hpp", mark_tanh);
    exercises.add("10.5", "conv_bias_backward", "conv_bias.hpp",
                  mark_conv_bias);
    return exercises.main(argc, argv);
}
