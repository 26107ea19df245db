// ## What we need
//
// The products are in small files of their own, from the most obvious one to the fastest one; they are shown after this
// program and worth reading in that order. From handgrad we take the frame of our programs, figures, and at the end the
// library's linear layer, to see that it does the same.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/io/csv.hpp>
#include <handgrad/plot/figure.hpp>

#include "agreement.hpp"
#include "batched.hpp"
#include "blas.hpp"
#include "loops.hpp"
#include "simd.hpp"
#include "timing.hpp"

using namespace handgrad;

// All of them take the same arguments, so that we can put them into a list. The first one is the definition, and the
// others have to agree with it.
template <class T> struct NamedKernel {
    std::string name;
    Kernel<T> multiply;
};
template <class T> std::vector<NamedKernel<T>> all_kernels() {
    return {{"ijk", multiply_ijk<T>},
            {"ikj", multiply_ikj<T>},
            {"tiled", multiply_tiled<T>},
            {"SIMD", multiply_simd<T>},
            {"OpenBLAS", multiply_blas}};
}

// The cost of a product: each of the M N entries of the result takes K multiplications and K additions.
double flops(std::size_t M, std::size_t K, std::size_t N) { return 2.0 * double(M) * double(K) * double(N); }

// Billions of operations per second, as text. The sign ~ says that it will be another number on your machine.
std::string giga(double rate) { return app::about(rate / 1e9, ".2f"); }
std::string percent(double fraction) { return app::about(100 * fraction, ".1f"); }

// ## How fast can it be?
//
// Before we time a product we want to know what to expect, and that is what this machine can do at best. Its arithmetic
// units work on whole registers and start one or two fused multiply-adds in a cycle; but each result takes several
// cycles to come out. If every operation waits for the one before, the units are idle most of the time. So we run 1, 2,
// 4, ... independent chains side by side and see where the rate stops growing. That is the peak, for one core.
template <class T> double measure_peak() {
    const std::vector<std::pair<int, double>> rates = {{1, multiply_add_rate<T, 1>()},
                                                       {2, multiply_add_rate<T, 2>()},
                                                       {4, multiply_add_rate<T, 4>()},
                                                       {8, multiply_add_rate<T, 8>()},
                                                       {12, multiply_add_rate<T, 12>()}};
    fmt::print("Multiply-adds in registers of {} numbers, nothing loaded or stored\n\n", app::about(lanes<T>, ".0f"));
    fmt::print("chains   GFLOP/s\n");
    double peak = 0;
    for (const auto& [chains, rate] : rates) {
        fmt::print("{:>6} {:>9}\n", chains, giga(rate));
        peak = std::max(peak, rate);
    }
    fmt::print("\nThe peak of one core: {} GFLOP/s\n", giga(peak));
    return peak;
}

// ## Are they right?
//
// A fast product with a mistake at the edge of a tile is worth nothing, so we check before we time, at sizes that do not
// fit tiles and registers and at the ones of our network. With small whole numbers every entry must be equal. With
// fractions the difference must be within the bound for rounding errors. Each result starts out as NaN: an entry that is
// never written shows.
struct Size {
    std::size_t M, K, N;
};
const std::vector<Size> odd_sizes = {{1, 1, 1},      {1, 784, 100},   {2, 3, 4},     {3, 5, 7},
                                     {7, 1, 9},      {6, 17, 32},     {5, 64, 16},   {13, 64, 33},
                                     {65, 257, 600}, {128, 784, 100}, {128, 100, 10}};

struct Agreement {
    std::size_t unequal = 0; // entries, of products of whole numbers
    double error = 0;        // largest, in units of the bound
    bool same_bits = true;   // as the first kernel, for fractions as well
};

template <class T> Agreement compare_with_first(Kernel<T> multiply, Random random) {
    Agreement result;
    for (const auto [M, K, N] : odd_sizes) {
        for (const bool whole : {true, false}) {
            const Tensor<T> a = whole ? whole_numbers<T>({M, K}, random) : fractions<T>({M, K}, random);
            const Tensor<T> b = whole ? whole_numbers<T>({K, N}, random) : fractions<T>({K, N}, random);
            auto first = full<T>({M, N}, T(NAN));
            auto c = full<T>({M, N}, T(NAN));
            multiply_ijk(a.data(), b.data(), first.data(), M, K, N);
            multiply(a.data(), b.data(), c.data(), M, K, N);
            if (whole) {
                result.unequal += different(c, first);
            } else {
                const double error = error_over_bound(c, first, a, b);
                if (!(error <= result.error)) { result.error = error; }
                result.same_bits = result.same_bits && different(c, first) == 0;
            }
        }
    }
    return result;
}

// A check that cannot fail is no check. So here is a product that forgets the last k. It must not get through.
template <class T> void multiply_wrong(const T* a, const T* b, T* c, std::size_t M, std::size_t K, std::size_t N) {
    multiply_ijk(a, b, c, M, K, N);
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t j = 0; j < N; ++j) { c[i * N + j] -= a[i * K + K - 1] * b[(K - 1) * N + j]; }
    }
}

template <class T> void check_kernels(const std::vector<NamedKernel<T>>& kernels, const Random& random) {
    fmt::print("\nAgreement with ijk at {} sizes\n\n", odd_sizes.size());
    fmt::print("          whole numbers   fractions: largest error / bound\n");
    const auto passes = [](const Agreement& a) { return a.unequal == 0 && a.error <= 1; };
    for (const auto& kernel : kernels) {
        const Agreement a = compare_with_first(kernel.multiply, random);
        if (!passes(a)) {
            throw std::runtime_error(
                fmt::format("{}: {} whole numbers unequal, error {} bounds, expected 0 and at most 1", kernel.name,
                            a.unequal, a.error));
        }
        fmt::print("{:<9} {:<15} {}\n", kernel.name, "equal", app::about(a.error, ".3f"));
    }
    const Agreement wrong = compare_with_first(Kernel<T>(multiply_wrong<T>), random);
    fmt::print("{:<9} {}\n", "wrong", passes(wrong) ? "not noticed" : "noticed");
    for (const std::size_t i : {1, 2}) { // same terms, same order
        const bool same = compare_with_first(kernels[i].multiply, random).same_bits;
        fmt::print("{} gives the same bits as ijk: {}\n", kernels[i].name, same ? "yes" : "no");
    }
}

// ## The two products of our network
//
// 128 digits of 784 pixels meet the weights of 100 hidden units; their 100 activations meet those of ten classes. Beside
// the rate stands the fraction of the peak.
template <class T> double time_product(Kernel<T> multiply, Size s, Random random) {
    const Tensor<T> a = fractions<T>({s.M, s.K}, random), b = fractions<T>({s.K, s.N}, random);
    Tensor<T> c = zeros<T>({s.M, s.N});
    return seconds_per_call([&] { multiply(a.data(), b.data(), c.data(), s.M, s.K, s.N); });
}

template <class T>
void time_layers(const std::vector<NamedKernel<T>>& kernels, double peak, const Random& random, app::Program& program) {
    for (const Size s : {Size{128, 784, 100}, Size{128, 100, 10}}) {
        const double work = flops(s.M, s.K, s.N);
        const double bytes = static_cast<double>(sizeof(T) * (s.M * s.K + s.K * s.N + s.M * s.N));
        fmt::print("\n({}, {}) x ({}, {}): {:.2f} MFLOP, {:.1f} operations for each byte of the three matrices\n\n",
                   s.M, s.K, s.K, s.N, work / 1e6, work / bytes);
        fmt::print("                 us   GFLOP/s   % of peak\n");
        std::vector<double> rates;
        for (const auto& kernel : kernels) {
            const double seconds = time_product(kernel.multiply, s, random);
            rates.push_back(work / seconds / 1e9);
            fmt::print("{:<9} {:>9} {:>9} {:>11}\n", kernel.name, app::about(seconds * 1e6, ".1f"),
                       giga(work / seconds), percent(work / seconds / peak));
        }
        program.result(fmt::format("gflops_{}x{}x{}", s.M, s.K, s.N), rates);
    }
}

// ## A batch, or one digit after another
//
// The lecture writes the forward pass first for one input, a row vector times a matrix, and then for a batch, a matrix
// times a matrix. The numbers are the same, the operations are as many. Is it worth the trouble?
//
// A vector uses each weight once: two operations for every number that comes from memory. In a matrix product a weight
// that has been fetched serves all 128 digits, provided that the kernel makes use of it. `ikj` does not, it goes through
// the weights for each row anyway.
template <class T> void compare_vectors(const Random& generator) {
    Random random = generator;
    const std::size_t B = 128, K = 784, N = 100;
    const Tensor<T> x = fractions<T>({B, K}, random), w = fractions<T>({K, N}, random);
    Tensor<T> z = zeros<T>({B, N});
    const auto rate = [&](const auto& f) { return flops(B, K, N) / seconds_per_call(f); };
    const auto one_by_one = [&](auto multiply) {
        return rate([&] {
            for (std::size_t n = 0; n < B; ++n) { multiply(x.data() + n * K, w.data(), z.data() + n * N, 1, K, N); }
        });
    };
    const auto at_once = [&](auto multiply) { return rate([&] { multiply(x.data(), w.data(), z.data(), B, K, N); }); };
    const auto gemv = [](const T* a, const T* b, T* c, std::size_t, std::size_t k, std::size_t n) {
        multiply_vector_blas(a, b, c, k, n);
    };

    fmt::print("\n{} digits, GFLOP/s                          vectors    matrix   gain\n\n", B);
    const auto line = [](const char* name, double vectors, double matrix) {
        fmt::print("{:<40} {:>9} {:>9} {:>6}\n", name, giga(vectors), giga(matrix),
                   app::about(matrix / vectors, ".1f"));
    };
    line("ikj", one_by_one(multiply_ikj<T>), at_once(multiply_ikj<T>));
    line("OpenBLAS, gemm for a vector as well", one_by_one(Kernel<T>(multiply_blas)),
         at_once(Kernel<T>(multiply_blas)));
    line("OpenBLAS, gemv for a vector", one_by_one(gemv), at_once(Kernel<T>(multiply_blas)));
}

// ## Batches of matrices
//
// Sometimes each example has a matrix of its own on both sides, (B, M, K) times (B, K, N). That is B products, and there
// is nothing to share. But if the right-hand side is the same for all of them, they are one large product. We compute it
// in both ways, compare, and time.
template <class T> void compare_batched(const Random& generator) {
    Random random = generator;
    const std::size_t B = 64, M = 8, K = 32, N = 32;
    const Tensor<T> a = fractions<T>({B, M, K}, random), own = fractions<T>({B, K, N}, random);
    const Tensor<T> shared = fractions<T>({K, N}, random);
    Tensor<T> repeated = zeros<T>({B, K, N}); // the shared matrix, B times
    for (std::size_t n = 0; n < B; ++n) { std::copy_n(shared.data(), K * N, repeated.data() + n * K * N); }

    fmt::print("\nBatched product ({}, {}, {}) x ({}, {}, {}), GFLOP/s\n\n", B, M, K, B, K, N);
    fmt::print("           {} products   {} products, b shared   one product, b shared\n", B, B);
    const auto rate = [&](const auto& f) { return giga(flops(B * M, K, N) / seconds_per_call(f)); };
    Tensor<T> c, first;
    multiply_batched<T>(multiply_ijk<T>, a, repeated, first);
    bool same = true;
    for (const auto& [name, multiply] : all_kernels<T>()) {
        multiply_shared<T>(multiply, a, shared, c);
        for (std::size_t n = 0; n < c.size(); ++n) {
            same = same && std::abs(c.data()[n] - first.data()[n]) <= T(K * K) * std::numeric_limits<T>::epsilon();
        }
        const auto k = multiply;
        fmt::print("{:<9} {:>12} {:>22} {:>23}\n", name, rate([&] { multiply_batched<T>(k, a, own, c); }),
                   rate([&] { multiply_batched<T>(k, a, repeated, c); }),
                   rate([&] { multiply_shared<T>(k, a, shared, c); }));
    }
    fmt::print("\n{} products and one give the same result: {}\n", B, same ? "yes" : "no");
}

// ## The library's layer
//
// `linear_forward` computes $x w + b$. With b = 0 it has to give what our product gives.
template <class T> void compare_library(const Random& generator) {
    Random random = generator;
    const Tensor<T> x = fractions<T>({128, 784}, random), w = fractions<T>({784, 100}, random);
    const Tensor<T> b = zeros<T>({100});
    Tensor<T> y, z = zeros<T>({128, 100});
    multiply_ijk(x.data(), w.data(), z.data(), 128, 784, 100);
    cpu::linear_forward(x, w, b, y);
    const double seconds = seconds_per_call([&] { cpu::linear_forward(x, w, b, y); });
    fmt::print("\nhandgrad's linear_forward, (128, 784) x (784, 100): {} GFLOP/s, within the bound: {}\n",
               giga(flops(128, 784, 100) / seconds), error_over_bound(y, z, x, w) <= 1 ? "yes" : "no");
}

// ## From small to large
//
// How do the kernels behave when the matrices grow out of the caches? We multiply square matrices. The triple loop gets
// so slow that we time it for 32 rows of a only; each row takes as long as any other.
//
// The figure has both axes logarithmic: equal factors are equal lengths.
template <class T> void time_sizes(const std::vector<NamedKernel<T>>& kernels, std::size_t largest, double peak,
                                   const Random& random, app::Program& program) {
    std::vector<std::size_t> sizes;
    for (std::size_t n = 64; n <= largest; n *= 2) {
        sizes.push_back(n);
        if (n * 3 / 2 <= largest) { sizes.push_back(n * 3 / 2); }
    }
    std::vector<double> doublings; // log2(n / 64): where n stands on the axis
    std::vector<std::string> names;
    for (const std::size_t n : sizes) { doublings.push_back(std::log2(double(n) / 64)); }
    for (std::size_t n = 64; n <= largest; n *= 2) { names.push_back(std::to_string(n)); }

    std::vector<std::vector<double>> rates(kernels.size());
    fmt::print("\nSquare matrices, GFLOP/s\n\n     n");
    for (const auto& kernel : kernels) { fmt::print(" {:>9}", kernel.name); }
    fmt::print("\n");
    for (const std::size_t n : sizes) {
        fmt::print("{:>6}", n);
        for (std::size_t i = 0; i < kernels.size(); ++i) {
            const Size s = {i == 0 ? std::min<std::size_t>(n, 32) : n, n, n};
            const double rate = flops(s.M, s.K, s.N) / time_product(kernels[i].multiply, s, random);
            rates[i].push_back(rate / 1e9);
            fmt::print(" {:>9}", giga(rate));
        }
        fmt::print("\n");
    }

    plot::Figure figure;
    figure.title("One core multiplies two n x n matrices").x_label("n").y_label("GFLOP/s").y_log().x_ticks(names);
    io::CsvTable table;
    table.add("n", sizes);
    for (std::size_t i = kernels.size(); i-- > 0;) { figure.line_points(kernels[i].name, doublings, rates[i]); }
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        table.add(kernels[i].name, rates[i]);
        program.result("gflops_square_" + kernels[i].name, rates[i]);
    }
    figure.horizontal_line("peak", peak / 1e9);
    table.write(program.output("sizes.csv"));
    const auto saved = figure.save(program.output(""), "gflops");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
    fmt::print("\nThe same as a figure: gflops.svg and gflops.png in the output folder; the numbers: sizes.csv.\n");
    program.result("sizes", sizes);
}

// ## The lesson
//
// Everything above, for one type of number: float, or with `--double` double.
template <class T> void lesson(app::Program& program, std::size_t largest) {
    const Random random(program.options().seed);
    const auto kernels = all_kernels<T>();
    const double peak = measure_peak<T>();
    program.result("peak_gflops", peak / 1e9);
    check_kernels(kernels, random);
    time_layers(kernels, peak, random, program);
    compare_vectors<T>(random);
    compare_batched<T>(random);
    compare_library<T>(random);
    time_sizes(kernels, largest, peak, random, program);
}

// One thread does all of it, whatever `--threads` says: we compare kernels, not numbers of cores.
int main(int argc, char** argv) {
    app::Program program("03_batched_matmul", "A batch is one matrix product, and how fast that can be");
    program.options().threads = 1;
    bool use_double = false;
    std::size_t largest = 1024;
    program.flag("--double", use_double, "numbers of 64 bits in place of 32");
    program.option("--largest", largest, 64, 4096, "largest n of the square matrices");
    return program.main(argc, argv, [&] {
        fmt::print("{} precision, one thread\n\n", use_double ? "double" : "single");
        use_double ? lesson<double>(program, largest) : lesson<float>(program, largest);
    });
}
