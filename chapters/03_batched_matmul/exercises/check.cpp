// Marks the coding exercises of chapter 03. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/linalg.hpp>
#include <handgrad/tensor/random.hpp>

#include <matmul_backward.hpp>
#include <matmul_tiled.hpp>

using namespace handgrad;

namespace {

void mark_tiled(check::Exercise& exercise) {
    NumpyRandom random(34);
    struct Sizes {
        std::size_t M, K, N, tile;
    };
    for (const Sizes s : {Sizes{8, 8, 8, 4}, Sizes{7, 10, 5, 4}, Sizes{3, 2, 5, 16}, Sizes{33, 20, 41, 8}}) {
        const Tensor<double> a = random.randn({s.M, s.K}), b = random.randn({s.K, s.N});
        exercise.value("c", matmul_tiled(a, b, s.tile), xt::linalg::dot(a, b), {1e-12, 0});
    }
}

// A product is a linear layer without a bias.
template <class T> Tensor<T> product(const Tensor<T>& a, const Tensor<T>& b) {
    return reference::linear_forward(a, b, zeros<T>({b.shape(1)}));
}

void mark_backward(check::Exercise& exercise) {
    NumpyRandom random(35);
    for (const std::size_t square : {0, 1}) { // 4 x 4 matrices as well, where no shape betrays a transpose
        const std::size_t M = square ? 4 : 3, N = square ? 4 : 5;
        const Tensor<double> a = random.randn({M, 4}), b = random.randn({4, N}), dc = random.randn({M, N});
        const MatmulGradients g = matmul_backward(a, b, dc);
        using check::cast_like;
        using check::weighted_sum;
        exercise.gradient("a", a, g.da,
                          [&](const auto& a_) { return weighted_sum(product(a_, cast_like(a_, b)), dc); });
        exercise.gradient("b", b, g.db,
                          [&](const auto& b_) { return weighted_sum(product(cast_like(b_, a), b_), dc); });
    }
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("03.4", "matmul_tiled", "matmul_tiled.hpp", mark_tiled);
    exercises.add("03.5", "matmul_backward", "matmul_backward.hpp", mark_backward);
    return exercises.main(argc, argv);
}
