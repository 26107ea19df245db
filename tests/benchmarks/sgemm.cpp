// How fast OpenBLAS multiplies matrices on this machine: the peak that others are measured against.

#include <algorithm>
#include <chrono>
#include <vector>

#include <cblas.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "arguments.hpp"

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The best rate, in operations a second, of products that went on for that long.
double best_rate(int n, double seconds) {
    const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
    const std::vector<float> a(size, 1.0F), b(size, 0.5F);
    std::vector<float> c(size);
    double fastest = 1e300;
    for (const double start = now(); now() - start < seconds;) {
        const double before = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(), n);
        fastest = std::min(fastest, now() - before);
    }
    return 2.0 * n * n * n / fastest;
}

} // namespace

int main(int argc, char** argv) {
    handgrad::benchmarks::Arguments app("The time that so many operations take at sgemm's rate");
    int threads = 1;
    double flops = 1e9, seconds = 0.2;
    app.option("--threads", threads);
    app.option("--flops", flops);
    app.option("--seconds", seconds, "of measuring, for each size of matrices and each time printed");
    if (const auto status = app.parse(argc, argv)) { return *status; }
    openblas_set_num_threads(threads);

    std::vector<double> times;
    for (int i = 0; i < 3; ++i) {
        times.push_back(flops / std::max(best_rate(512, seconds), best_rate(1024, seconds)));
    }
    fmt::print("{{\"seconds\": [{}]}}\n", fmt::join(times, ", "));
}
