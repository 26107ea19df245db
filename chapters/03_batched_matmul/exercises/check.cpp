// Marks the coding exercises of chapter 03. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <algorithm>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <matmul_backward.hpp>
#include <matmul_tiled.hpp>

using namespace handgrad;

namespace {

// ---- 03.4 ----

// The product of which some terms count: those with keep(n, i, k).
template <class F> Tensor<double>
product_of(const Tensor<double>& a, const Tensor<double>& b, const F& keep) {
    Tensor<double> c = zeros<double>({a.shape(0), b.shape(1)});
    for (std::size_t n = 0; n < a.shape(0); ++n) {
        for (std::size_t i = 0; i < a.shape(1); ++i) {
            for (std::size_t k = 0; k < b.shape(1); ++k) {
                if (keep(n, i, k)) { c(n, k) += a(n, i) * b(i, k); }
            }
        }
    }
    return c;
}

Tensor<double> product_of(const Tensor<double>& a, const Tensor<double>& b) {
    return product_of(a, b, [](auto...) { return true; });
}

// The product if b is stored transposed; of square matrices only.
check::Mistakes transposed_products(const Tensor<double>& a,
                                    const Tensor<double>& b) {
    if (a.shape(0) != a.shape(1) || b.shape() != a.shape()) { return {}; }
    const Tensor<double> at = xt::transpose(a), bt = xt::transpose(b);
    return {
        {product_of(a, bt), "b is read as b(k, i): its indices are swapped"},
        {product_of(at, b), "a is read as a(i, n): its indices are swapped"}};
}

void compare_tiled(check::Exercise& exercise, const Tensor<double>& a,
                   const Tensor<double>& b, std::size_t tile) {
    const std::size_t N = a.shape(0), D = a.shape(1), K = b.shape(1);
    const auto full_tiles = [tile](std::size_t extent) {
        return extent / tile * tile; // where the last complete tile ends
    };
    const std::size_t last =
        (D - 1) / tile * tile; // where the last tile begins
    const std::string incomplete = "the last, incomplete tile is left out, in ";
    check::Mistakes mistakes = {
        {product_of(a, b,
                    [&](std::size_t, std::size_t i, std::size_t) {
                        return i == D - 1;
                    }),
         "each i overwrites the sum of those before: c is written with = and "
         "not with +="},
        {product_of(a, b,
                    [&](std::size_t, std::size_t i, std::size_t) {
                        return i >= last;
                    }),
         "each tile of i overwrites the sums of the tiles before: += is "
         "missing"},
        {product_of(a, b,
                    [&](std::size_t, std::size_t i, std::size_t) {
                        return i < full_tiles(D);
                    }),
         incomplete + "the loop over i"},
        {product_of(a, b,
                    [&](std::size_t n, std::size_t, std::size_t) {
                        return n < full_tiles(N);
                    }),
         incomplete + "the loop over n"},
        {product_of(a, b,
                    [&](std::size_t, std::size_t, std::size_t k) {
                        return k < full_tiles(K);
                    }),
         incomplete + "the loop over k"},
        {product_of(a, b,
                    [&](std::size_t n, std::size_t i, std::size_t k) {
                        return n < full_tiles(N) && i < full_tiles(D) &&
                               k < full_tiles(K);
                    }),
         "the last, incomplete tiles are left out, in all three loops"},
        {product_of(
             a, b,
             [&](std::size_t, std::size_t i, std::size_t) { return i < tile; }),
         "only the first tile of i is added up"},
        {product_of(a, b,
                    [&](std::size_t n, std::size_t i, std::size_t k) {
                        return n / tile == i / tile && i / tile == k / tile;
                    }),
         "the three outer loops are one: n0, i0 and k0 are always equal"},
    };
    for (auto& mistake : transposed_products(a, b)) {
        mistakes.push_back(mistake);
    }
    exercise.value("c", matmul_tiled(a, b, tile), product_of(a, b), mistakes,
                   {1e-12, 0});
}

void mark_tiled(check::Exercise& exercise) {
    const Tensor<double> a{{1.0, 2.0, 0.0, 1.0, 3.0},
                           {0.0, 1.0, 3.0, 2.0, 1.0},
                           {2.0, 0.0, 1.0, 1.0, 2.0}};
    const Tensor<double> b{{1.0, 0.0, 2.0},
                           {0.0, 1.0, 1.0},
                           {3.0, 2.0, 0.0},
                           {1.0, 4.0, 1.0},
                           {2.0, 0.0, 5.0}};
    exercise.by_hand({{"a", a}, {"b", b}, {"tile", 2.0}});
    compare_tiled(exercise, a, b, 2);
    NumpyRandom random(34);
    struct Sizes {
        std::size_t N, D, K, tile;
        const char* name;
    };
    for (const Sizes s :
         {Sizes{8, 8, 8, 4, "for 8 x 8 and tiles of 4"},
          Sizes{7, 10, 5, 4, "for 7 x 10 x 5 and tiles of 4"},
          Sizes{3, 2, 5, 16, "for 3 x 2 x 5 and tiles of 16"},
          Sizes{33, 20, 41, 8, "for 33 x 20 x 41 and tiles of 8"}}) {
        exercise.begin(s.name);
        const Tensor<double> left = random.randn({s.N, s.D});
        compare_tiled(exercise, left, random.randn({s.D, s.K}), s.tile);
    }
}

// ---- 03.5 ----

// A product is a linear layer without a bias.
template <class T> Tensor<T> product(const Tensor<T>& a, const Tensor<T>& b) {
    return reference::linear_forward(a, b, zeros<T>({b.shape(1)}));
}

void compare_backward(check::Exercise& exercise, const Tensor<double>& a,
                      const Tensor<double>& b, const Tensor<double>& dc) {
    using check::cast_like;
    using check::weighted_sum;
    const std::size_t N = a.shape(0), K = b.shape(1);
    exercise.extents({{"N", N}, {"D", a.shape(1)}, {"K", K}});
    const Tensor<double> at = xt::transpose(a), bt = xt::transpose(b);
    const Tensor<double> ones = full<double>(dc.shape(), 1.0);
    const std::string overwritten = "each term overwrites those before: it is "
                                    "written with = and not with +=";
    check::Mistakes of_a = {
        {product_of(dc, bt,
                    [&](std::size_t, std::size_t k, std::size_t) {
                        return k == K - 1;
                    }),
         overwritten},
        {product_of(ones, bt), "the upstream gradient dc is left out"},
    };
    check::Mistakes of_b = {
        {product_of(at, dc,
                    [&](std::size_t, std::size_t n, std::size_t) {
                        return n == N - 1;
                    }),
         overwritten},
        {product_of(at, ones), "the upstream gradient dc is left out"},
    };
    if (dc.shape() == a.shape() && dc.shape() == b.shape()) { // square
        const Tensor<double> dct = xt::transpose(dc);
        of_a.push_back({product_of(dc, b), "b is not transposed: da = dc b^T"});
        of_a.push_back({product_of(dct, bt), "dc is transposed: da = dc b^T"});
        of_a.push_back(
            {product_of(b, dc), "the factors are exchanged: da = dc b^T"});
        of_a.push_back(
            {product_of(bt, dc), "the factors are exchanged: da = dc b^T"});
        of_b.push_back({product_of(a, dc), "a is not transposed: db = a^T dc"});
        of_b.push_back({product_of(at, dct), "dc is transposed: db = a^T dc"});
        of_b.push_back(
            {product_of(dc, a), "the factors are exchanged: db = a^T dc"});
        of_b.push_back(
            {product_of(dc, at), "the factors are exchanged: db = a^T dc"});
    }
    const MatmulGradients g = matmul_backward(a, b, dc);
    exercise.gradient(
        "a", a, g.da,
        [&](const auto& a_) {
            return weighted_sum(product(a_, cast_like(a_, b)), dc);
        },
        of_a);
    exercise.gradient(
        "b", b, g.db,
        [&](const auto& b_) {
            return weighted_sum(product(cast_like(b_, a), b_), dc);
        },
        of_b);
}

void mark_backward(check::Exercise& exercise) {
    const Tensor<double> a{{1.0, 2.0}, {3.0, 0.0}};
    const Tensor<double> b{{1.0, 4.0}, {2.0, 1.0}};
    const Tensor<double> dc{{1.0, 2.0}, {0.0, -1.0}};
    exercise.by_hand({{"a", a}, {"b", b}, {"dc", dc}});
    compare_backward(exercise, a, b, dc);
    NumpyRandom random(35);
    // Square matrices as well, whose shapes do not betray a missing transpose.
    for (const bool square : {true, false}) {
        const std::size_t N = square ? 4 : 3, K = square ? 4 : 5;
        exercise.begin(square ? "for 4 x 4 matrices" : "for 3 x 4 x 5");
        const Tensor<double> left = random.randn({N, 4}),
                             right = random.randn({4, K});
        compare_backward(exercise, left, right, random.randn({N, K}));
    }
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("03.4", "matmul_tiled", "matmul_tiled.hpp", mark_tiled);
    exercises.add("03.5", "matmul_backward", "matmul_backward.hpp",
                  mark_backward);
    return exercises.main(argc, argv);
}
