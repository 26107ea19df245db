// Marks the coding exercises of chapter 08. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <cosine.hpp>
#include <dropout.hpp>

using namespace handgrad;

namespace {

// ---- 08.4 ----

// What mistakes make of a tensor t, forward (x) or backward (dy): `name`.
check::Mistakes dropout_mistakes(const Tensor<double>& t,
                                 const Tensor<double>& mask, double rate,
                                 const std::string& name) {
    const double scale = 1 / (1 - rate);
    return {
        {Tensor<double>(t * mask), "the division by 1 - rate is missing"},
        {Tensor<double>(t * scale), "the mask is left out"},
        {Tensor<double>(t), "nothing is done: " + name + " is returned"},
        {Tensor<double>(t * mask * (1 - rate)),
         "it is multiplied by 1 - rate: divide by it"},
        {Tensor<double>(t * mask / rate),
         "it is divided by rate: a unit stays with the probability 1 - rate"},
        {Tensor<double>(t * mask * rate),
         "it is multiplied by rate: divide by 1 - rate"},
        {Tensor<double>(t * (1 - mask) * scale),
         "the mask is inverted: 1 means that the unit stays"},
        {Tensor<double>(t * mask * scale * scale),
         "it is divided by 1 - rate twice"},
        {Tensor<double>(t * mask + (1 - mask) * t * scale),
         "the units that are off are scaled, and not those that stay"},
        {Tensor<double>(mask * scale), "the factor " + name + " is missing"},
        {Tensor<double>(t * mask * scale + (1 - mask) * t),
         "the units that are off keep their value: they become 0"},
    };
}

void compare_dropout(check::Exercise& exercise, const Tensor<double>& x,
                     const Tensor<double>& dy, const Tensor<double>& mask,
                     double rate) {
    const auto forward = [&](auto y) {
        for (std::size_t i = 0; i < y.size(); ++i) {
            y.data()[i] *= mask.data()[i] / (1 - rate);
        }
        return y;
    };
    exercise.value("y", dropout_forward(x, mask, rate), forward(x),
                   dropout_mistakes(x, mask, rate, "x"));
    exercise.gradient(
        "x", x, dropout_backward(dy, mask, rate),
        [&](const auto& x_) { return check::weighted_sum(forward(x_), dy); },
        dropout_mistakes(dy, mask, rate, "dy"));
}

void mark_dropout(check::Exercise& exercise) {
    const Tensor<double> x{{3.0, 6.0, -3.0, 9.0}, {12.0, -6.0, 3.0, 15.0}};
    const Tensor<double> dy{{6.0, -3.0, 9.0, 3.0}, {3.0, 12.0, -9.0, 6.0}};
    const Tensor<double> mask{{1.0, 0.0, 1.0, 1.0}, {0.0, 1.0, 0.0, 1.0}};
    exercise.by_hand({{"x", x}, {"dy", dy}, {"mask", mask}, {"rate", 0.25}});
    compare_dropout(exercise, x, dy, mask, 0.25);
    NumpyRandom random(84);
    const Tensor<double> x2 = random.randn({2, 4}), dy2 = random.randn({2, 4});
    exercise.begin("for random numbers and rate = 0.6",
                   {{"x", x2}, {"dy", dy2}});
    compare_dropout(exercise, x2, dy2, mask, 0.6);
}

// ---- 08.5 ----

// The learning rates of epochs 0 to `epochs`, from the part of the way that is
// done, epoch / epochs.
template <class F> Tensor<double> rates(int epochs, const F& formula) {
    Tensor<double> result =
        zeros<double>({static_cast<std::size_t>(epochs) + 1});
    for (int epoch = 0; epoch <= epochs; ++epoch) {
        result(static_cast<std::size_t>(epoch)) =
            formula(static_cast<double>(epoch) / epochs);
    }
    return result;
}

check::Mistakes cosine_mistakes(int epochs, double lr, double lr_min) {
    const double pi = std::acos(-1.0), range = lr - lr_min;
    using std::cos;
    const auto T = static_cast<double>(epochs);
    return {
        {rates(epochs,
               [=](double t) {
                   return lr_min + range * (1 + cos(2 * pi * t)) / 2;
               }),
         "a whole period of the cosine is taken, 2 pi: half a period is pi"},
        {rates(epochs,
               [=](double t) { return lr_min + range * cos(pi * t / 2); }),
         "a quarter of a period is taken: its slope at the end is not zero"},
        {rates(epochs, [=](double t) { return lr_min + range * cos(pi * t); }),
         "cos falls from 1 to -1: (1 + cos) / 2 falls from 1 to 0"},
        {rates(epochs, [=](double t) { return range * (1 + cos(pi * t)) / 2; }),
         "lr_min is not added"},
        {rates(epochs, [=](double t) { return lr * (1 + cos(pi * t)) / 2; }),
         "lr_min is left out: the curve ends at 0"},
        {rates(epochs,
               [=](double t) { return lr_min + lr * (1 + cos(pi * t)) / 2; }),
         "the factor is lr: it is lr - lr_min, so that the curve starts at lr"},
        {rates(epochs,
               [=](double t) { return lr_min + range * (1 + cos(pi * t)); }),
         "the factor 1/2 is missing"},
        {rates(
             epochs,
             [=](double t) { return lr_min + range * (1 - cos(pi * t)) / 2; }),
         "the curve rises: (1 + cos) / 2 falls, and 1 - cos rises"},
        {rates(epochs, [=](double t) { return lr - range * t; }),
         "the learning rate falls along a straight line"},
        {rates(epochs, [=](double t) { return t < 1 ? lr : lr_min; }),
         "epoch / epochs is a division of whole numbers: make one of them a "
         "double"},
        {rates(
             epochs,
             [=](double t) { return lr_min + range * (1 + cos(180 * t)) / 2; }),
         "the angle is in degrees: std::cos takes radians"},
        {rates(epochs,
               [=](double t) {
                   return lr_min + range * (1 + cos(pi * t * T)) / 2;
               }),
         "the division by epochs is missing"},
        {rates(epochs,
               [=](double t) {
                   return lr_min + range * (1 + cos(pi * t * T / (T + 1))) / 2;
               }),
         "it is divided by epochs + 1: the curve ends in epoch `epochs`"},
        {rates(epochs,
               [=](double t) {
                   return lr_min + range * (1 + cos(pi * t * T / (T - 1))) / 2;
               }),
         "it is divided by epochs - 1: the curve ends in epoch `epochs`"},
    };
}

Tensor<double> readers_rates(int epochs, double lr, double lr_min) {
    Tensor<double> result =
        zeros<double>({static_cast<std::size_t>(epochs) + 1});
    for (int epoch = 0; epoch <= epochs; ++epoch) {
        result(static_cast<std::size_t>(epoch)) =
            cosine_annealing_lr(epoch, epochs, lr, lr_min);
    }
    return result;
}

void mark_cosine(check::Exercise& exercise) {
    // cos of 0, 60, 120 and 180 degrees is 1, 1/2, -1/2 and -1.
    exercise.by_hand({{"epoch", Tensor<double>{0.0, 1.0, 2.0, 3.0}},
                      {"epochs", 3.0},
                      {"lr", 9.0},
                      {"lr_min", 1.0}});
    exercise.value("lr", readers_rates(3, 9, 1),
                   Tensor<double>{9.0, 7.0, 3.0, 1.0},
                   cosine_mistakes(3, 9, 1));
    // The numbers of torch.optim.lr_scheduler.CosineAnnealingLR, PyTorch 1.13,
    // T_max = 10.
    exercise.begin("of PyTorch");
    exercise.value("lr", readers_rates(10, 0.1, 0.001),
                   Tensor<double>{0.1, 0.09757729755661011, 0.0905463412215599,
                                  0.07959536998847742, 0.0657963412215599,
                                  0.0505, 0.03520365877844011,
                                  0.02140463001152259, 0.010453658778440109,
                                  0.0034227024433899004, 0.001},
                   cosine_mistakes(10, 0.1, 0.001));
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("08.4", "dropout_forward, _backward", "dropout.hpp",
                  mark_dropout);
    exercises.add("08.5", "cosine_annealing_lr", "cosine.hpp", mark_cosine);
    return exercises.main(argc, argv);
}
