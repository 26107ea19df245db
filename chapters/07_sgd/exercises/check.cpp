// Marks the coding exercises of chapter 07. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <string>
#include <vector>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>

#include <adam.hpp>
#include <momentum.hpp>
#include <nesterov.hpp>

using namespace handgrad;

namespace {

const Tensor<double> start{1.0, -2.0, 0.5};
const std::vector<Tensor<double>> gradients = {
    {0.5, -1.0, 2.0}, {0.25, 1.0, -2.0}, {-1.0, 0.5, 0.125}, {4.0, -0.5, 0.0}};

// What `step` makes of p in four steps, against the right numbers. After the first step we say so, since what is wrong
// there is easier to find.
template <class Step> void mark_steps(check::Exercise& exercise,
                                      const std::vector<Tensor<double>>& expected,
                                      const Step& step) {
    Tensor<double> p = start;
    for (std::size_t t = 0; t < gradients.size(); ++t) {
        step(p, gradients[t], static_cast<int>(t) + 1);
        exercise.value("p after step " + std::to_string(t + 1), p, expected[t]);
    }
}

void mark_momentum(check::Exercise& exercise) {
    // mu = 1/2 and lr = 1/4, so that the numbers can be reckoned: v is (0.5, -1, 2), (0.5, 0.5, -1), ...
    Tensor<double> v = zeros<double>(start.shape());
    mark_steps(exercise,
               {{0.875, -1.75, 0.0},
                {0.75, -1.875, 0.25},
                {0.9375, -2.0625, 0.34375},
                {0.03125, -2.03125, 0.390625}},
               [&](auto& p, const auto& g, int) { momentum_step(p, v, g, 0.25, 0.5); });
    exercise.value("v after step 4", v, Tensor<double>{3.625, -0.125, -0.1875});
}

// The numbers of torch.optim.SGD and torch.optim.Adam, PyTorch 1.13, in double precision.
void mark_nesterov(check::Exercise& exercise) {
    Tensor<double> v = zeros<double>(start.shape());
    mark_steps(exercise,
               {{0.9031, -1.8062, 0.11904999999999999},
                {0.81257411, -1.91014822, 0.336418805},
                {0.942869708191, -2.006697916382, 0.3277686787705},
                {0.20907561081633702, -1.9514990504826741, 0.33091358159878603}},
               [&](auto& p, const auto& g, int) { nesterov_step(p, v, g, 0.1, 0.9, 0.01); });
}

void mark_adam(check::Exercise& exercise) {
    Tensor<double> m = zeros<double>(start.shape()), s = zeros<double>(start.shape());
    mark_steps(exercise,
               {{0.9900000002, -1.9900000001, 0.49000000005},
                {0.9806782040477462, -1.9905263158842106, 0.4905263158368421},
                {0.9827417742885411, -1.9930406589081755, 0.4906505077637077},
                {0.9776199273557016, -1.9931547153703626, 0.49075223823325614}},
               [&](auto& p, const auto& g, int t) { adam_step(p, m, s, g, 0.01, t); });
    exercise.value("m after step 4", m, Tensor<double>{0.3667, 0.0031, -0.00495});
    exercise.value("s after step 4", s,
                   Tensor<double>{0.017310625812250017, 0.002494753999, 0.007995625371});
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("07.4", "momentum_step", "momentum.hpp", mark_momentum);
    exercises.add("07.5", "nesterov_step", "nesterov.hpp", mark_nesterov);
    exercises.add("07.6", "adam_step", "adam.hpp", mark_adam);
    return exercises.main(argc, argv);
}
