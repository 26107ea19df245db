// ## The lesson at a glance
//
// This program is divided into small files, in the order in which this chapter shows them. This one
// is the table of contents.
//
// 1. *What a parallel primitive is*: `places.hpp` finds Thrust's systems, `entrywise.hpp` and `sums.hpp`
//    hold our first functions, and `primitives.hpp` times them.
// 2. *The network on the device*: `batch.hpp`, `matrices.hpp`, `classes.hpp`, `images.hpp` and `fused.hpp`
//    hold the functions of a training step, `network.hpp` puts them together, and `training.hpp` trains.
// 3. *What an operation costs*: `costs.hpp` times each operation, and `block.hpp` looks inside a GPU's
//    block.
//
// The other files are helpers. `thrust_system.hpp` and the four files `system_...` compile our
// functions for all systems that this machine has. They and the functions' own files are the only
// ones that include Thrust.
#include <stdexcept>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/mnist.hpp>

#include "block.hpp"
#include "costs.hpp"
#include "places.hpp"
#include "primitives.hpp"
#include "training.hpp"

using namespace handgrad;

// The first digits of MNIST, as many as the training steps need.
Task training_task(const data::ImageDataset& train_set,
                   const app::Options& options, int steps) {
    const std::size_t needed =
        options.batch_size * static_cast<std::size_t>(steps);
    if (needed > train_set.size()) {
        throw std::runtime_error(
            fmt::format("{} steps of {} digits need {}, and there are {}",
                        steps, options.batch_size, needed, train_set.size()));
    }
    Task task{train_set, {options.batch_size}, steps, options.seed, {}};
    task.loader.seed = options.seed;
    task.loader.limit = needed;
    task.sgd.lr = 0.02;
    task.sgd.momentum = 0.9;
    return task;
}

std::size_t most_parallel(const Systems& systems) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < systems.size(); ++i) {
        if (systems[i]->at_a_time() > systems[best]->at_a_time()) { best = i; }
    }
    return best;
}

void run(app::Program& program, int steps) {
    const auto& options = program.options();
    const auto train_set = data::load_mnist(data::Split::train, options.data);
    const Task task = training_task(train_set, options, steps);

    const Systems systems = find_systems(options.threads);
    const auto bandwidths = lesson_transform(systems, program);
    lesson_sums(systems, Random(options.seed, 1));

    lesson_step(systems, task, program);

    const std::size_t N = options.batch_size;
    const auto operations = all_operations(N, Random(options.seed, 2));
    check_operations(systems, operations, N);
    const auto seconds = time_operations(systems, operations, program);
    const std::size_t best = most_parallel(systems);
    read_times(*systems[best], best, bandwidths[best], operations, seconds);
    read_occupancy(systems);
    lesson_fusion(systems, static_cast<int>(N), Random(options.seed, 3));
    block::lesson();
}

int main(int argc, char** argv) {
    app::Program program("10_thrust",
                         "The same operations as parallel primitives, "
                         "on any number of threads and on a GPU");
    auto& options = program.options();
    options.seed = 1234;
    options.batch_size = 64;
    int steps = 20;
    program.take({"--batch-size", "--data"});
    program.option("--steps", steps, 2, 900, "training steps");
    return program.main(argc, argv, [&] { run(program, steps); });
}
