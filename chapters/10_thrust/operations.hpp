#pragma once
// The operations of the step one by one, at the sizes of the network: by the functions of this
// chapter on a System, and by the library's backends, with the same inputs.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/tensor/random.hpp>

#include "array.hpp"
#include "system.hpp"

using handgrad::Shape;

// An operation with its arrays: a function that runs it, and one that copies its first result to
// the host.
struct Ready {
    std::function<void()> run;
    std::function<std::vector<float>()> result;
};

struct Operation {
    std::string name, algorithm; // the library's name, and Thrust's
    double items, bytes, flops;  // each number is read or written once
    std::function<Ready(System&)> on_system;
    std::function<Ready()> on_cpu, on_device;
};

using Inputs = std::vector<handgrad::Tensor<float>>;
using Numbers = std::vector<std::int32_t>; // labels, or places of winners

// Small whole numbers. Nothing is rounded, so all backends must get the same results (chapter 03).
inline handgrad::Tensor<float> whole_numbers(const Shape& shape,
                                             handgrad::Random& random) {
    auto t = handgrad::zeros<float>(shape);
    for (float& value : t.storage()) {
        value = static_cast<float>(random.below(9)) - 4;
    }
    return t;
}

// Results are filled with one half, which no operation leaves by accident.
template <class Run>
Ready ready_on(System& system, const Inputs& inputs, const Numbers& numbers,
               const std::vector<Shape>& results, const Run& run) {
    struct Arrays {
        std::vector<std::unique_ptr<Array<float>>> in, out;
        std::unique_ptr<Array<std::int32_t>> numbers;
    };
    const auto arrays = std::make_shared<Arrays>();
    std::vector<const float*> x;
    std::vector<float*> y;
    for (const auto& input : inputs) {
        const std::vector<float> values(input.begin(), input.end());
        x.push_back(
            arrays->in
                .emplace_back(std::make_unique<Array<float>>(system, values))
                ->data());
    }
    for (const Shape& shape : results) {
        const std::vector<float> values(handgrad::zeros<float>(shape).size(),
                                        0.5f);
        y.push_back(
            arrays->out
                .emplace_back(std::make_unique<Array<float>>(system, values))
                ->data());
    }
    arrays->numbers = std::make_unique<Array<std::int32_t>>(system, numbers);
    return {[=, &system] { run(system, x, y, arrays->numbers->data()); },
            [arrays] { return arrays->out.at(0)->numbers(); }};
}

template <class Backend, class Run>
Ready ready_by(const Inputs& inputs, const Numbers& numbers,
               const std::vector<Shape>& results, const Run& run) {
    struct Arrays {
        std::vector<typename Backend::Tensor> in, out;
        typename Backend::Labels labels;
        typename Backend::Indices indices;
    };
    const auto arrays = std::make_shared<Arrays>();
    for (const auto& input : inputs) {
        arrays->in.push_back(Backend::from_host(input));
    }
    for (const Shape& shape : results) {
        arrays->out.push_back(Backend::from_host(handgrad::full(shape, 0.5f)));
    }
    const Shape shape_of_numbers = numbers.size() == inputs.at(0).size()
                                       ? inputs[0].shape()
                                       : Shape{numbers.size()};
    handgrad::Labels labels(Shape{numbers.size()});
    handgrad::Indices indices(shape_of_numbers);
    std::copy(numbers.begin(), numbers.end(), labels.begin());
    std::copy(numbers.begin(), numbers.end(), indices.begin());
    arrays->labels = Backend::from_host(labels);
    arrays->indices = Backend::from_host(indices);
    return {[=] {
                run(Backend{}, arrays->in, arrays->out, arrays->labels,
                    arrays->indices);
            },
            [arrays] {
                const handgrad::Tensor<float> host =
                    Backend::to_host(arrays->out.at(0));
                return std::vector<float>(host.begin(), host.end());
            }};
}

// An operation without its arrays.
struct Description {
    std::string name, algorithm;
    double items, flops;
};

template <class Run, class RunLibrary>
Operation operation(const Description& what, const Inputs& inputs,
                    const std::vector<Shape>& results, const Run& run,
                    const RunLibrary& library, const Numbers& numbers = {},
                    const Numbers& library_numbers = {}) {
    double bytes = 4.0 * static_cast<double>(numbers.size());
    for (const auto& input : inputs) {
        bytes += 4.0 * static_cast<double>(input.size());
    }
    for (const Shape& shape : results) {
        bytes +=
            4.0 * static_cast<double>(handgrad::zeros<float>(shape).size());
    }
    return {what.name,
            what.algorithm,
            what.items,
            bytes,
            what.flops,
            [=](System& system) {
                return ready_on(system, inputs, numbers, results, run);
            },
            [=] {
                return ready_by<handgrad::Cpu<float>>(inputs, library_numbers,
                                                      results, library);
            },
            [=] {
                return ready_by<handgrad::Device<float>>(
                    inputs, library_numbers, results, library);
            }};
}

// In `run`, x are the inputs and y the results. `backend` is a Cpu<float> or a Device<float>, of
// which only the type is used.
inline std::vector<Operation> all_operations(std::size_t N,
                                             handgrad::Random random) {
    const auto n = static_cast<int>(N);
    const ConvSizes first{n, 1, 28, 28, 10, 5, 5},
        second{n, 10, 12, 12, 20, 5, 5};
    const Shape images{N, 1, 28, 28}, maps1{N, 10, 24, 24},
        pooled1{N, 10, 12, 12}, maps2{N, 20, 8, 8}, rows{N, 320}, scores{N, 10},
        w1{10, 1, 5, 5}, w2{20, 10, 5, 5}, w3{320, 10};
    const auto whole = [&](const Shape& shape) {
        return whole_numbers(shape, random);
    };
    const auto size = [](const Shape& shape) {
        return static_cast<double>(handgrad::zeros<float>(shape).size());
    };
    const double products1 = 2 * size(maps1) * 25,
                 products2 = 2 * size(maps2) * 250,
                 products3 = 2 * size(rows) * 10;
    const handgrad::Conv2dOptions plain;

    Numbers labels(N), places(handgrad::zeros<float>(pooled1).size()),
        library_places = places, room = places;
    for (auto& label : labels) {
        label = static_cast<std::int32_t>(random.below(10));
    }
    for (std::size_t i = 0; i < places.size(); ++i) { // a random winner
        const auto window = static_cast<std::int32_t>(i % 144),
                   map = static_cast<std::int32_t>(i / 144);
        const auto corner = window / 12 * 2 * 24 + window % 12 * 2,
                   place = static_cast<std::int32_t>(random.below(4));
        library_places[i] = corner + place / 2 * 24 + place % 2;
        places[i] = map * 576 + library_places[i];
    }

    const std::size_t h1 = handgrad::zeros<float>(maps1).size();
    const auto windows = static_cast<int>(places.size());
    std::vector<Operation> all;
    all.push_back(operation(
        {"relu_forward", "transform", size(maps1), size(maps1)}, {whole(maps1)},
        {maps1},
        [=](System& s, auto& x, auto& y, auto*) {
            s.relu_forward(x[0], y[0], h1);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.relu_forward(x[0], y[0]);
        }));
    all.push_back(operation(
        {"relu_backward", "transform", size(maps1), size(maps1)},
        {whole(maps1), whole(maps1)}, {maps1},
        [=](System& s, auto& x, auto& y, auto*) {
            s.relu_backward(x[0], x[1], y[0], h1);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.relu_backward(x[0], x[1], y[0]);
        }));
    handgrad::SgdOptions sgd;
    sgd.lr = sgd.momentum = 0.5;
    all.push_back(operation(
        {"sgd_step", "for_each", 8490, 4 * 8490}, {whole({8490})},
        {{8490}, {8490}},
        [](System& s, auto& x, auto& y, auto*) {
            s.sgd_step(y[0], x[0], y[1], 8490, 0.5f, 0.5f);
        },
        [=](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.sgd_step(y[0], x[0], y[1], sgd);
        }));
    all.push_back(operation(
        {"conv2d_forward", "tabulate", size(maps2), products2},
        {whole(pooled1), whole(w2), whole({20})}, {maps2},
        [=](System& s, auto& x, auto& y, auto*) {
            s.conv2d_forward(second, x[0], x[1], x[2], y[0]);
        },
        [=](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.conv2d_forward(x[0], x[1], x[2], plain, y[0]);
        }));
    all.push_back(operation(
        {"conv2d_backward_input", "tabulate", size(pooled1), products2},
        {whole(maps2), whole(w2)}, {pooled1},
        [=](System& s, auto& x, auto& y, auto*) {
            s.conv2d_backward_input(second, x[0], x[1], y[0]);
        },
        [=](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.conv2d_backward_input(x[0], x[1], pooled1, plain, y[0]);
        }));
    all.push_back(operation(
        {"conv2d_backward_weight", "tabulate", size(w2) * n, products2},
        {whole(pooled1), whole(maps2)}, {w2, {N, 5000}},
        [=](System& s, auto& x, auto& y, auto*) {
            s.conv2d_backward_weight(second, x[0], x[1], y[1], y[0]);
        },
        [=](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.conv2d_backward_weight(x[0], x[1], w2, plain, y[0]);
        }));
    all.push_back(operation(
        {"conv2d_backward_bias", "tabulate", 20.0 * n, size(maps2)},
        {whole(maps2)}, {{20}, {N, 20}},
        [=](System& s, auto& x, auto& y, auto*) {
            s.conv2d_backward_bias(second, x[0], y[1], y[0]);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.conv2d_backward_bias(x[0], y[0]);
        }));
    all.push_back(operation(
        {"max_pool2d_forward", "transform", size(pooled1), size(maps1)},
        {whole(maps1)}, {pooled1},
        [=](System& s, auto& x, auto& y, auto* i) {
            s.max_pool2d_forward(x[0], 10 * n, 24, 24, y[0], i);
        },
        [](auto backend, auto& x, auto& y, auto&, auto& i) {
            backend.max_pool2d_forward(x[0], handgrad::MaxPool2dOptions(2),
                                       y[0], i);
        },
        room, room));
    all.push_back(operation(
        {"max_pool2d_backward", "scatter", size(pooled1), 0}, {whole(pooled1)},
        {maps1},
        [=](System& s, auto& x, auto& y, auto* i) {
            s.max_pool2d_backward(x[0], i, windows, y[0], static_cast<int>(h1));
        },
        [=](auto backend, auto& x, auto& y, auto&, auto& i) {
            backend.max_pool2d_backward(x[0], i, maps1, y[0]);
        },
        places, library_places));
    all.push_back(operation(
        {"conv2d_relu_max_pool2d_forward", "transform", size(pooled1),
         products1},
        {whole(images), whole(w1), whole({10})}, {pooled1, pooled1},
        [=](System& s, auto& x, auto& y, auto* i) {
            s.conv2d_relu_max_pool2d_forward(first, x[0], x[1], x[2], y[0], i);
        },
        [=](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.conv2d_relu_max_pool2d_forward(x[0], x[1], x[2], plain,
                                                   y[0], y[1]);
        },
        room));
    all.push_back(operation(
        {"linear_forward", "tabulate", size(scores), products3},
        {whole(rows), whole(w3), whole({10})}, {scores},
        [=](System& s, auto& x, auto& y, auto*) {
            s.linear_forward(x[0], x[1], x[2], y[0], n, 320, 10);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.linear_forward(x[0], x[1], x[2], y[0]);
        }));
    all.push_back(operation(
        {"linear_backward_input", "tabulate", size(rows), products3},
        {whole(scores), whole(w3)}, {rows},
        [=](System& s, auto& x, auto& y, auto*) {
            s.linear_backward_input(x[0], x[1], y[0], n, 320, 10);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.linear_backward_input(x[0], x[1], y[0]);
        }));
    all.push_back(operation(
        {"linear_backward_weight", "tabulate", size(w3), products3},
        {whole(rows), whole(scores)}, {w3},
        [=](System& s, auto& x, auto& y, auto*) {
            s.linear_backward_weight(x[0], x[1], y[0], n, 320, 10);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.linear_backward_weight(x[0], x[1], y[0]);
        }));
    all.push_back(operation(
        {"linear_backward_bias", "tabulate", 10, size(scores)}, {whole(scores)},
        {{10}},
        [=](System& s, auto& x, auto& y, auto*) {
            s.column_sums(x[0], y[0], n, 10);
        },
        [](auto backend, auto& x, auto& y, auto&, auto&) {
            backend.linear_backward_bias(x[0], y[0]);
        }));
    all.push_back(operation(
        {"cross_entropy_forward", "for_each", 1.0 * n, 25 * size(scores)},
        {whole(scores)}, {scores, {N}, {1}},
        [=](System& s, auto& x, auto& y, auto* i) {
            s.cross_entropy_forward(x[0], i, y[0], y[1], y[2], n, 10);
        },
        [](auto backend, auto& x, auto& y, auto& classes, auto&) {
            backend.cross_entropy_forward(x[0], classes, y[0]);
        },
        labels, labels));
    all.push_back(operation(
        {"cross_entropy_backward", "tabulate", size(scores), 3 * size(scores)},
        {whole(scores)}, {scores},
        [=](System& s, auto& x, auto& y, auto* i) {
            s.cross_entropy_backward(x[0], i, y[0], n, 10);
        },
        [](auto backend, auto& x, auto& y, auto& classes, auto&) {
            backend.cross_entropy_backward(x[0], classes, y[0]);
        },
        labels, labels));
    return all;
}
