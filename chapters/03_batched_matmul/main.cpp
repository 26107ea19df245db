// ## What we need
//
// The products are in small files of their own, from the most obvious one to the fastest one. They
// are shown after this program and worth reading in that order. From handgrad we take the frame of
// our programs, figures, and at the end the library's linear layer, to see that it does the same.
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

// All products take the same arguments, so that we can put them into a list. The first one is the
// definition, and the others have to agree with it. The first two have the names of their loops:
// `nki` has the loop over i innermost, `nik` the loop over k.
template <class T> struct NamedKernel {
    std::string name;
    Kernel<T> multiply;
};
template <class T> std::vector<NamedKernel<T>> all_kernels() {
    return {{"nki", multiply_nki<T>},
            {"nik", multiply_nik<T>},
            {"tiled", multiply_tiled<T>},
            {"SIMD", multiply_simd<T>},
            {"OpenBLAS", multiply_blas}};
}

// The cost of a product: each of the N K entries of the result takes D multiplications and D
// additions.
double flops(std::size_t N, std::size_t D, std::size_t K) {
    return 2.0 * double(N) * double(D) * double(K);
}

// Billions of operations per second, as text. The sign ~ says that the number belongs to the
// machine.
std::string giga(double rate) { return app::about(rate / 1e9, ".2f"); }
std::string percent(double fraction) {
    return app::about(100 * fraction, ".1f");
}

// ## How fast can it be?
//
// Before we time a product, we want to know the best that this machine can do. Its arithmetic units
// work on whole registers and start one or two fused multiply-adds in a cycle; but each result
// takes several cycles to come out. If every operation waits for the one before, the units are idle
// most of the time. So we run 1, 2, 4, ... independent chains side by side and see where the rate
// stops growing. That is the peak of one core.
//
// <details class="predict"><summary>Predict: how much faster are 2 chains than 1?</summary>
//
// Twice as fast: while the unit waits for the result of one chain, it works on the other. This goes
// on until there are as many chains as latency times units.
//
// </details>
template <class T> double measure_peak() {
    const std::vector<std::pair<int, double>> rates = {
        {1, multiply_add_rate<T, 1>()},
        {2, multiply_add_rate<T, 2>()},
        {4, multiply_add_rate<T, 4>()},
        {8, multiply_add_rate<T, 8>()},
        {12, multiply_add_rate<T, 12>()}};
    fmt::print("Multiply-adds in registers of {} numbers, nothing loaded or "
               "stored\n\n",
               app::about(lanes<T>, ".0f"));
    fmt::print("chains   GFLOP/s\n");
    double peak = 0;
    for (const auto& [chains, rate] : rates) {
        fmt::print("{:>6} {:>9}\n", chains, giga(rate));
        peak = std::max(peak, rate);
    }
    fmt::print("\nThe peak of one core: {} GFLOP/s\n", giga(peak));
    return peak;
}

// @output to "The peak of one core"
//
// What to see: one chain gets about an eighth of the peak. Twice as many chains are twice as fast,
// until there are enough. More do not help, but they do no harm either, as long as there are
// registers for them.

// ## Are they right?
//
// A fast product with a mistake at the edge of a tile is worth nothing. So we check before we time,
// at sizes that do not fit tiles and registers, and at the sizes of our network. With small whole
// numbers every entry must be equal. With fractions the difference must be within the bound for
// rounding errors. Each result starts as NaN, so an entry that is never written is found.
struct Size {
    std::size_t N, D, K;
};
const std::vector<Size> odd_sizes = {
    {1, 1, 1},      {1, 784, 100},   {2, 3, 4},     {3, 5, 7},
    {7, 1, 9},      {6, 17, 32},     {5, 64, 16},   {13, 64, 33},
    {65, 257, 600}, {128, 784, 100}, {128, 100, 10}};

struct Agreement {
    std::size_t unequal = 0; // entries, of products of whole numbers
    double error = 0;        // largest, in units of the bound
    bool same_bits = true;   // as the first kernel, for fractions as well
};

template <class T>
Agreement compare_with_first(Kernel<T> multiply, Random random) {
    Agreement result;
    for (const auto [N, D, K] : odd_sizes) {
        for (const bool whole : {true, false}) {
            const auto draw = whole ? whole_numbers<T> : fractions<T>;
            const Tensor<T> a = draw({N, D}, random);
            const Tensor<T> b = draw({D, K}, random);
            auto first = full<T>({N, K}, T(NAN));
            auto c = full<T>({N, K}, T(NAN));
            multiply_nki(a.data(), b.data(), first.data(), N, D, K);
            multiply(a.data(), b.data(), c.data(), N, D, K);
            if (whole) {
                result.unequal += different(c, first);
            } else {
                const double error = error_over_bound(c, first, a, b);
                if (!(error <= result.error)) { result.error = error; }
                result.same_bits &= different(c, first) == 0;
            }
        }
    }
    return result;
}

// A check that cannot fail is no check. So here is a product that forgets the last row of b. It
// must not get through.
template <class T> void multiply_wrong(const T* a, const T* b, T* c,
                                       std::size_t N, std::size_t D,
                                       std::size_t K) {
    multiply_nki(a, b, c, N, D, K);
    for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t k = 0; k < K; ++k) {
            c[n * K + k] -= a[n * D + D - 1] * b[(D - 1) * K + k];
        }
    }
}

template <class T>
void check_kernels(const std::vector<NamedKernel<T>>& kernels,
                   const Random& random) {
    fmt::print("\nAgreement with nki at {} sizes\n\n", odd_sizes.size());
    fmt::print("          whole numbers   fractions: largest error / bound\n");
    const auto passes = [](const Agreement& agreement) {
        return agreement.unequal == 0 && agreement.error <= 1;
    };
    for (const auto& kernel : kernels) {
        const Agreement found = compare_with_first(kernel.multiply, random);
        if (!passes(found)) {
            throw std::runtime_error(fmt::format(
                "{}: {} whole numbers unequal, error {} bounds, expected 0 and "
                "at most 1",
                kernel.name, found.unequal, found.error));
        }
        fmt::print("{:<9} {:<15} {}\n", kernel.name, "equal",
                   app::about(found.error, ".3f"));
    }
    const Agreement wrong =
        compare_with_first(Kernel<T>(multiply_wrong<T>), random);
    fmt::print("{:<9} {}\n", "wrong",
               passes(wrong) ? "not noticed" : "noticed");
    for (const std::size_t m : {1, 2}) { // same terms, same order
        const bool same =
            compare_with_first(kernels[m].multiply, random).same_bits;
        fmt::print("{} gives the same bits as nki: {}\n", kernels[m].name,
                   same ? "yes" : "no");
    }
}

// @output to "tiled gives the same bits"
//
// What to see: `nik` and `tiled` add the terms of an entry in the same order as the definition and
// give the same bits. SIMD and OpenBLAS add in another order or round less often, so their last
// bits differ. That is no mistake, and the bound says how much is to be expected.

// ## The two products of our network
//
// The first layer multiplies 128 digits of 784 pixels by the weights of 100 hidden units. The
// second one multiplies their 100 activations by the weights of ten classes. We print the rate, and
// beside it the fraction of the peak.
//
// <details class="predict"><summary>Predict: how near to the peak is the definition?</summary>
//
// A few percent at best. Each addition waits for the one before, as in the table with one chain,
// and it handles a single number instead of a register.
//
// </details>
template <class T>
double time_product(Kernel<T> multiply, Size s, Random random) {
    const Tensor<T> a = fractions<T>({s.N, s.D}, random);
    const Tensor<T> b = fractions<T>({s.D, s.K}, random);
    Tensor<T> c = zeros<T>({s.N, s.K});
    return seconds_per_call(
        [&] { multiply(a.data(), b.data(), c.data(), s.N, s.D, s.K); });
}

template <class T> void time_layers(const std::vector<NamedKernel<T>>& kernels,
                                    double peak, const Random& random,
                                    app::Program& program) {
    for (const Size s : {Size{128, 784, 100}, Size{128, 100, 10}}) {
        const double work = flops(s.N, s.D, s.K);
        const std::size_t entries = s.N * s.D + s.D * s.K + s.N * s.K;
        const double bytes = static_cast<double>(sizeof(T) * entries);
        fmt::print("\n({}, {}) x ({}, {}): {:.2f} MFLOP, {:.1f} operations for "
                   "each byte of the three matrices\n\n",
                   s.N, s.D, s.D, s.K, work / 1e6, work / bytes);
        fmt::print("                 us   GFLOP/s   % of peak\n");
        std::vector<double> rates;
        for (const auto& kernel : kernels) {
            const double seconds = time_product(kernel.multiply, s, random);
            rates.push_back(work / seconds / 1e9);
            fmt::print("{:<9} {:>9} {:>9} {:>11}\n", kernel.name,
                       app::about(seconds * 1e6, ".1f"), giga(work / seconds),
                       percent(work / seconds / peak));
        }
        program.result(fmt::format("gflops_{}x{}x{}", s.N, s.D, s.K), rates);
    }
}

// @output to "OpenBLAS"
//
// What to see: exchanging two loops makes the product many times faster, without changing one bit
// of the result. No other change of code in this book has such an effect. The micro-kernel ("SIMD")
// comes closest to the peak.
//
// @output to "OpenBLAS"
//
// The second layer is small, and the micro-kernel is far from the peak. Of 16 lanes six compute
// zeros, since there are ten classes. There is one register of sums in each row and not two, so
// only six chains. And the edges are copied back and forth.

// ## A batch, or one digit after another
//
// We can compute the forward pass for one digit after another, a row vector times a matrix, or for
// a batch, a matrix times a matrix. The results are the same, and so is the number of operations.
// Is the batch worth the trouble?
//
// A vector uses each weight once: two operations for every number that comes from memory. In a
// matrix product a weight that has been loaded can be used for all 128 digits, provided that the
// kernel does so. `nik` does not: it reads all weights again for each row.
//
// <details class="predict"><summary>Predict: how much does nik gain from a batch?</summary>
//
// Nothing. For each row it does exactly what it does for a single vector.
//
// </details>
template <class T> void compare_vectors(const Random& generator) {
    Random random = generator;
    const std::size_t N = 128, D = 784, M = 100;
    const Tensor<T> x = fractions<T>({N, D}, random);
    const Tensor<T> w = fractions<T>({D, M}, random);
    Tensor<T> z = zeros<T>({N, M});
    const auto rate = [&](const auto& f) {
        return flops(N, D, M) / seconds_per_call(f);
    };
    const auto one_by_one = [&](auto multiply) {
        return rate([&] {
            for (std::size_t n = 0; n < N; ++n) {
                multiply(x.data() + n * D, w.data(), z.data() + n * M, 1, D, M);
            }
        });
    };
    const auto at_once = [&](auto multiply) {
        return rate([&] { multiply(x.data(), w.data(), z.data(), N, D, M); });
    };
    const auto gemv = [](const T* a, const T* b, T* c, std::size_t,
                         std::size_t rows_of_b, std::size_t columns) {
        multiply_vector_blas(a, b, c, rows_of_b, columns);
    };

    fmt::print(
        "\n{} digits, GFLOP/s                          vectors    matrix "
        "  gain\n\n",
        N);
    const auto line = [](const char* name, double vectors, double matrix) {
        fmt::print("{:<40} {:>9} {:>9} {:>6}\n", name, giga(vectors),
                   giga(matrix), app::about(matrix / vectors, ".1f"));
    };
    const Kernel<T> blas = multiply_blas;
    line("nik", one_by_one(multiply_nik<T>), at_once(multiply_nik<T>));
    line("OpenBLAS, gemm for a vector as well", one_by_one(blas),
         at_once(blas));
    line("OpenBLAS, gemv for a vector", one_by_one(gemv), at_once(blas));
}

// @output to "OpenBLAS, gemv for a vector"
//
// What to see: `nik` gains nothing from the batch. The matrix product of OpenBLAS is about twice as
// fast as its product for vectors (gemv), and many times as fast as itself (gemm) with one row at a
// time. Here the weights, 314 KB, still come from the cache; if they have to come from main memory,
// the gap is far wider.

// ## Batches of matrices
//
// Sometimes each example has a matrix of its own on both sides: (B, T, D) times (B, D, K). That is
// B products, and there is nothing to share. But if the right-hand side is the same for all of
// them, they are one large product. We compute it in both ways, compare, and time.
template <class Number> void compare_batched(const Random& generator) {
    Random random = generator;
    const std::size_t B = 64, T = 8, D = 32, K = 32;
    const auto a = fractions<Number>({B, T, D}, random);
    const auto own = fractions<Number>({B, D, K}, random);
    const auto shared = fractions<Number>({D, K}, random);
    auto repeated = zeros<Number>({B, D, K}); // the shared matrix, B times
    for (std::size_t m = 0; m < B; ++m) {
        std::copy_n(shared.data(), D * K, repeated.data() + m * D * K);
    }

    fmt::print("\nBatched product ({}, {}, {}) x ({}, {}, {}), GFLOP/s\n\n", B,
               T, D, B, D, K);
    fmt::print("           {} products   {} products, b shared   one product, "
               "b shared\n",
               B, B);
    const auto rate = [&](const auto& f) {
        return giga(flops(B * T, D, K) / seconds_per_call(f));
    };
    Tensor<Number> c, first;
    multiply_batched<Number>(multiply_nki<Number>, a, repeated, first);
    const Number bound = Number(D * D) * std::numeric_limits<Number>::epsilon();
    bool same = true;
    for (const auto& kernel : all_kernels<Number>()) {
        const auto multiply = kernel.multiply;
        multiply_shared<Number>(multiply, a, shared, c);
        for (std::size_t m = 0; m < c.size(); ++m) {
            same &= std::abs(c.data()[m] - first.data()[m]) <= bound;
        }
        fmt::print(
            "{:<9} {:>12} {:>22} {:>23}\n", kernel.name,
            rate([&] { multiply_batched<Number>(multiply, a, own, c); }),
            rate([&] { multiply_batched<Number>(multiply, a, repeated, c); }),
            rate([&] { multiply_shared<Number>(multiply, a, shared, c); }));
    }
    fmt::print("\n{} products and one give the same result: {}\n", B,
               same ? "yes" : "no");
}

// @output to "64 products and one"
//
// What to see: with SIMD and OpenBLAS, 64 small products are slower than one that is 64 times as
// high. The right-hand side is packed 64 times in one case and once in the other. Where shapes
// allow it, make one call.

// ## The library's layer
//
// `linear_forward` computes $x w + b$. With b = 0 it has to give what our product gives.
template <class T> void compare_library(const Random& generator) {
    Random random = generator;
    const Tensor<T> x = fractions<T>({128, 784}, random);
    const Tensor<T> w = fractions<T>({784, 100}, random);
    const Tensor<T> b = zeros<T>({100});
    Tensor<T> y, z = zeros<T>({128, 100});
    multiply_nki(x.data(), w.data(), z.data(), 128, 784, 100);
    cpu::linear_forward(x, w, b, y);
    const double seconds =
        seconds_per_call([&] { cpu::linear_forward(x, w, b, y); });
    fmt::print("\nhandgrad's linear_forward, (128, 784) x (784, 100): {} "
               "GFLOP/s, within the bound: {}\n",
               giga(flops(128, 784, 100) / seconds),
               error_over_bound(y, z, x, w) <= 1 ? "yes" : "no");
}

// @output to "handgrad's linear_forward"

// ## From small to large
//
// How do the kernels behave when the matrices grow out of the caches? We multiply square matrices,
// with 64, 96, 128, 192, ... rows and columns. The definition gets so slow that we time it for 32
// rows of a only; each row takes as long as any other. `Rates` holds a vector for each kernel.
using Rates = std::vector<std::vector<double>>;

std::vector<std::size_t> sizes_up_to(std::size_t largest) {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 64; size <= largest; size *= 2) {
        sizes.push_back(size);
        if (size * 3 / 2 <= largest) { sizes.push_back(size * 3 / 2); }
    }
    return sizes;
}

template <class T> Rates time_sizes(const std::vector<NamedKernel<T>>& kernels,
                                    const std::vector<std::size_t>& sizes,
                                    const Random& random) {
    Rates rates(kernels.size());
    fmt::print("\nSquare matrices, GFLOP/s\n\n  size");
    for (const auto& kernel : kernels) { fmt::print(" {:>9}", kernel.name); }
    fmt::print("\n");
    for (const std::size_t size : sizes) {
        fmt::print("{:>6}", size);
        for (std::size_t m = 0; m < kernels.size(); ++m) {
            const std::size_t N =
                m == 0 ? std::min<std::size_t>(size, 32) : size;
            const Size s = {N, size, size};
            const double rate = flops(s.N, s.D, s.K) /
                                time_product(kernels[m].multiply, s, random);
            rates[m].push_back(rate / 1e9);
            fmt::print(" {:>9}", giga(rate));
        }
        fmt::print("\n");
    }
    return rates;
}

// @output to "1024"
//
// The figure shows the same numbers. Both axes are logarithmic, so equal factors are equal lengths.
// The place of a size on its axis is the number of doublings from 64.
template <class T> void draw_sizes(const std::vector<NamedKernel<T>>& kernels,
                                   const std::vector<std::size_t>& sizes,
                                   const Rates& rates, double peak,
                                   app::Program& program) {
    std::vector<double> doublings;
    std::vector<std::string> names;
    for (const std::size_t size : sizes) {
        doublings.push_back(std::log2(double(size) / 64));
    }
    for (std::size_t size = 64; size <= sizes.back(); size *= 2) {
        names.push_back(std::to_string(size));
    }
    plot::Figure figure;
    figure.title("One core multiplies two square matrices");
    figure.x_label("rows and columns").y_label("GFLOP/s");
    figure.y_log().x_ticks(names);
    io::CsvTable table;
    table.add("size", sizes);
    for (std::size_t m = kernels.size(); m-- > 0;) {
        figure.line_points(kernels[m].name, doublings, rates[m]);
    }
    for (std::size_t m = 0; m < kernels.size(); ++m) {
        table.add(kernels[m].name, rates[m]);
        program.result("gflops_square_" + kernels[m].name, rates[m]);
    }
    figure.horizontal_line("peak", peak / 1e9);
    table.write(program.output("sizes.csv"));
    const auto saved = figure.save(program.output(""), "gflops");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
    program.result("sizes", sizes);
}

// ![Rates of the five products over the size of square matrices, and the peak: the micro-kernel stays near it, the definition falls further and further below](gflops.svg)
//
// What to see: the definition is at its worst where the size is a power of two, as 512 and 1024.
// There all entries of a column fall into the same few places of the cache and throw each other
// out; compare 384 and 768. Tiles help when b does not fit into the second-level cache, and by no
// more than a third: processors are prepared for streaming through a row. OpenBLAS holds a constant
// fraction of the peak.

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
    const std::vector<std::size_t> sizes = sizes_up_to(largest);
    const Rates rates = time_sizes(kernels, sizes, random);
    draw_sizes(kernels, sizes, rates, peak, program);
}

// One thread does all of it, whatever `--threads` says: we compare kernels, not numbers of cores.
int main(int argc, char** argv) {
    app::Program program("03_batched_matmul",
                         "A batch is one matrix product, and how fast that can "
                         "be");
    program.options().threads = 1;
    bool use_double = false;
    std::size_t largest = 1024;
    program.flag("--double", use_double, "numbers of 64 bits in place of 32");
    program.option("--largest", largest, 64, 4096,
                   "rows and columns of the largest square matrices");
    return program.main(argc, argv, [&] {
        fmt::print("{} precision, one thread\n\n",
                   use_double ? "double" : "single");
        use_double ? lesson<double>(program, largest)
                   : lesson<float>(program, largest);
    });
}

// Every run ends by saying where its figures are and what comes next.
//
// @output to end
