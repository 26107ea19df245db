// Marks the coding exercises of chapter 08. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <cosine.hpp>
#include <dropout.hpp>

using namespace handgrad;

namespace {

void mark_dropout(check::Exercise& exercise) {
    const Tensor<double> ones = full<double>({2, 4}, 3.0);
    const Tensor<double> mask{{1.0, 0.0, 1.0, 1.0}, {0.0, 1.0, 0.0, 1.0}};
    exercise.value("y for x = 3 and p = 1/4", dropout_forward(ones, mask, 0.25),
                   Tensor<double>{{4.0, 0.0, 4.0, 4.0}, {0.0, 4.0, 0.0, 4.0}});
    NumpyRandom random(84);
    const Tensor<double> x = random.randn({2, 4}), dy = random.randn({2, 4});
    for (const double p : {0.25, 0.6}) {
        exercise.gradient("x", x, dropout_backward(dy, mask, p), [&](auto y) {
            for (std::size_t i = 0; i < y.size(); ++i) { y.data()[i] *= mask.data()[i] / (1 - p); }
            return check::weighted_sum(y, dy);
        });
    }
}

void mark_cosine(check::Exercise& exercise) {
    // The numbers of torch.optim.lr_scheduler.CosineAnnealingLR, PyTorch 1.13, T_max = 10.
    const Tensor<double> expected{0.1,
                                  0.09757729755661011,
                                  0.0905463412215599,
                                  0.07959536998847742,
                                  0.0657963412215599,
                                  0.0505,
                                  0.03520365877844011,
                                  0.02140463001152259,
                                  0.010453658778440109,
                                  0.0034227024433899004,
                                  0.001};
    Tensor<double> lr = zeros<double>(expected.shape());
    for (int epoch = 0; epoch <= 10; ++epoch) {
        lr(static_cast<std::size_t>(epoch)) = cosine_annealing_lr(epoch, 10, 0.1, 0.001);
    }
    exercise.value("lr", lr, expected);
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("08.4", "dropout_forward, _backward", "dropout.hpp", mark_dropout);
    exercises.add("08.5", "cosine_annealing_lr", "cosine.hpp", mark_cosine);
    return exercises.main(argc, argv);
}
