// Trains chapter 05's two-layer net on the spiral in double and prints how long it took.

#include <chrono>

#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/spiral.hpp"
#include "handgrad/tensor/parallel.hpp"

#include "05_two_layer_net/model.hpp"
#include "arguments.hpp"

int main(int argc, char** argv) {
    handgrad::benchmarks::Arguments app("Chapter 05's net, timed");
    std::size_t iterations = 10000;
    app.option("--iterations", iterations);
    if (const auto status = app.parse(argc, argv)) { return *status; }

    using namespace handgrad;
    set_num_threads(1);
    NumpyRandom random(0);
    const data::Spiral spiral = data::make_spiral(random);
    SpiralNet<Cpu<double>> net = initial_net(2, 100, 3, 1e-3, random);

    const auto start = std::chrono::steady_clock::now();
    double loss = 0;
    for (std::size_t i = 0; i <= iterations; ++i) { // the last one for its loss alone, as in NumPy
        loss = net.forward(spiral.x, spiral.y);
        if (i == iterations) { break; }
        net.backward(spiral.x, spiral.y);
        net.step(1.0);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    fmt::print("{{\"seconds\": {}, \"loss\": {}}}\n", time.count(), loss);
}
