#include "roofline.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "handgrad/plot/figure.hpp"

namespace handgrad::benchmarks {

void draw_roofline(const std::vector<Row>& rows, const Machine& machine, const std::filesystem::path& out) {
    plot::Figure figure;
    figure.title("The CNN's operations, batch 64, float, one thread")
        .x_label("operations for each byte that must be moved")
        .y_label("GFLOP/s")
        .x_log()
        .y_log()
        .legend(plot::Legend::below);

    const auto roof = [&](const std::string& name, double bandwidth) {
        std::vector<double> x, y;
        for (double e = -2; e <= 3.01; e += 0.05) {
            x.push_back(std::pow(10, e));
            y.push_back(std::min(machine.flops, x.back() * bandwidth) / 1e9);
        }
        figure.line(name, x, y);
    };
    if (machine.cache > 0) { roof("sgemm, and copying in the cache", machine.cache); }
    if (machine.memory > 0) { roof("sgemm, and copying in the memory", machine.memory); }

    // A name's group is the first whose word is in it.
    const std::vector<std::pair<std::string, std::string>> groups = {
        {"conv2d_relu_max_pool2d", "convolution, ReLU and pooling in one"},
        {", direct", "convolution, direct"},
        {", im2col", "convolution, im2col"},
        {"max_pool2d", "pooling"},
        {"relu", "ReLU"},
        {"", "linear layer, biases, loss, step"}};
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<double> x, y;
        for (const Row& row : rows) {
            const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& one) {
                return row.name.find(one.first) != std::string::npos;
            });
            if (!row.is_of_cnn() || row.intensity() == 0 || group != groups.begin() + static_cast<std::ptrdiff_t>(g)) {
                continue;
            }
            x.push_back(row.intensity());
            y.push_back(row.flops / 1e9);
        }
        figure.points(groups[g].second, x, y);
    }
    const auto saved = figure.save(out, "roofline");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

} // namespace handgrad::benchmarks
