// The matrix product in tiles that only CUDA runs fast (device/cuda_tiles.hpp), on the CPU: which entries it reads and
// writes. The convolutions that are computed with it are in fast_kernels.cpp.

#include <atomic>

#include "catch.hpp"
#include "handgrad/device/cuda_tiles.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// A batch of matrix products, c = a b, that notes every access outside the matrices. Their depths differ.
template <class T> struct GuardedProducts {
    int m, n;
    std::vector<int> depths;
    std::vector<Tensor<T>> as, bs;
    std::vector<std::vector<T>> cs;
    std::vector<std::vector<int>> stored;
    std::atomic<int> outside{0};

    explicit GuardedProducts(std::size_t seed) {
        Random random(seed, 24);
        const int rows[] = {1, 2, 63, 64, 65, 130}, columns[] = {1, 15, 16, 17, 31, 32, 33, 64, 65},
                  steps[] = {0, 15, 16, 17};
        m = rows[random.below(6)];
        n = columns[seed % 9];
        for (std::size_t z = 0, batch = 1 + random.below(3); z < batch; ++z) {
            depths.push_back(steps[random.below(4)] + static_cast<int>(random.below(3)));
            const auto number = [](int i) { return static_cast<std::size_t>(i); };
            as.push_back(whole_numbers<T>({number(m), number(depths[z])}, seed + 2 * z));
            bs.push_back(whole_numbers<T>({number(depths[z]), number(n)}, seed + 2 * z + 1));
            cs.emplace_back(number(m * n), T(0));
            stored.emplace_back(number(m * n), 0);
        }
    }
    int batch() const { return static_cast<int>(depths.size()); }
    std::size_t wrong_entries() const {
        std::size_t wrong = 0;
        for (std::size_t z = 0; z < depths.size(); ++z) {
            for (int i = 0; i < m; ++i) {
                for (int j = 0; j < n; ++j) {
                    T sum(0);
                    for (int l = 0; l < depths[z]; ++l) { sum += as[z](i, l) * bs[z](l, j); }
                    const auto item = static_cast<std::size_t>(i * n + j);
                    wrong += cs[z][item] != sum || stored[z][item] != 1;
                }
            }
        }
        return wrong;
    }
};

/// The problem as a kernel gets it: by value.
template <class T> struct GuardedProblem {
    GuardedProducts<T>* products;

    int rows() const { return products->m; }
    int columns() const { return products->n; }
    int depth(int z) const { return products->depths[static_cast<std::size_t>(z)]; }
    bool inside(int z, int i, int l, int j) const {
        const bool is_inside = z >= 0 && z < products->batch() && i >= 0 && i < rows() && l >= 0 &&
                               (depth(z) == 0 || l < depth(z)) && j >= 0 && j < columns();
        if (!is_inside) { ++products->outside; }
        return is_inside;
    }
    T a(int z, int i, int l) const {
        return inside(z, i, l, 0) ? products->as[static_cast<std::size_t>(z)](i, l) : T(999);
    }
    T b(int z, int l, int j) const {
        return inside(z, 0, l, j) ? products->bs[static_cast<std::size_t>(z)](l, j) : T(999);
    }
    void store(int z, int i, int j, T sum) const {
        if (!inside(z, i, 0, j)) { return; }
        const auto item = static_cast<std::size_t>(i * columns() + j);
        products->cs[static_cast<std::size_t>(z)][item] = sum;
        ++products->stored[static_cast<std::size_t>(z)][item];
    }
};

} // namespace

TEMPLATE_TEST_CASE("tiles: a block reads only what is inside the matrices and stores each entry once", "[cuda]", float,
                   double) {
    for (std::size_t seed = 0; seed < 27; ++seed) {
        GuardedProducts<TestType> products(seed);
        INFO("case " << seed << ": " << products.batch() << " products, c (" << products.m << ", " << products.n
                     << "), depth " << products.depths[0]);
        device::tiles::multiply_all<TestType>(GuardedProblem<TestType>{&products}, products.batch());
        CHECK(products.outside == 0);
        CHECK(products.wrong_entries() == 0);
    }
}

TEST_CASE("tiles: without rows, columns or products there is nothing to do", "[cuda]") {
    GuardedProducts<float> products(0);
    device::tiles::multiply_all<float>(GuardedProblem<float>{&products}, 0);
    products.n = 0;
    device::tiles::multiply_all<float>(GuardedProblem<float>{&products}, products.batch());
    products.n = 1;
    products.m = 0;
    device::tiles::multiply_all<float>(GuardedProblem<float>{&products}, products.batch());
    CHECK(products.outside == 0);
    CHECK(products.stored[0][0] == 0);
}
