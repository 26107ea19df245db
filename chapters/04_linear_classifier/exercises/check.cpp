// Marks the coding exercises of chapter 04. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <classifier.hpp>
#include <cross_entropy.hpp>

using namespace handgrad;

namespace {

void mark_cross_entropy(check::Exercise& exercise) {
    NumpyRandom random(44);
    const Tensor<double> u = random.randn({5, 3});
    const Labels y{2, 0, 1, 1, 2};
    exercise.extents({{"N", 5}, {"K", 3}});
    exercise.labels(y);
    exercise.gradient("u", u, ::cross_entropy_backward(u, y),
                      [&](const auto& u_) { return reference::cross_entropy_forward(u_, y); });
}

void mark_classifier(check::Exercise& exercise) {
    NumpyRandom random(45);
    const Tensor<double> x = random.randn({5, 3}), w = random.randn({3, 4}), b = random.randn({4});
    const Labels y{3, 0, 1, 1, 2};
    const double lambda = 0.3;
    const Tensor<double> p = reference::softmax_forward(reference::linear_forward(x, w, b));
    const Tensor<double> du = reference::cross_entropy_backward(p, y);
    const auto loss = [&](const auto& w_, const auto& b_) {
        const auto u = reference::linear_forward(check::cast_like(w_, x), w_, b_);
        return reference::cross_entropy_forward(u, y) + reference::l2_penalty_forward(w_, lambda);
    };
    exercise.extents({{"N", 5}, {"D", 3}, {"K", 4}});
    const ClassifierGradients g = classifier_backward(x, w, lambda, du);
    exercise.gradient("w", w, g.dw,
                      [&](const auto& w_) { return loss(w_, check::cast_like(w_, b)); });
    exercise.gradient("b", b, g.db,
                      [&](const auto& b_) { return loss(check::cast_like(b_, w), b_); });
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("04.4", "cross_entropy_backward", "cross_entropy.hpp", mark_cross_entropy);
    exercises.add("04.5", "classifier_backward", "classifier.hpp", mark_classifier);
    return exercises.main(argc, argv);
}
