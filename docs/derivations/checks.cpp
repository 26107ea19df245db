// Checks the gradient of every operation once more, for the pages that derive them: what the pages show is what this
// prints when they are made. Each operation is reduced to one number by random upstream gradients, the gradients come
// from the fast operations, and the complex step runs on the plain ones.
//
//   derivation_checks OUT: writes OUT/check_<operation>.txt, and OUT/example_<operation>.txt with the page's example
//   (pencil.hpp). Ends with an error if a gradient or a number of an example is wrong.

#include <cstdint>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/io/file.hpp>
#include <handgrad/tensor/random.hpp>

#include "pencil.hpp"

using namespace handgrad;
using check::cast_like;
using check::weighted_sum;
namespace ref = handgrad::reference;

namespace {

NumpyRandom random_numbers(0);

Tensor<double> normal(const Shape& shape) { return random_numbers.randn(shape); }

check::GradientCheck linear() {
    const auto x = normal({3, 4}), w = normal({4, 5}), b = normal({5}), dy = normal({3, 5});
    const auto g = cpu::linear_backward(x, w, dy);
    const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
        return weighted_sum(ref::linear_forward(x_, w_, b_), dy);
    };
    check::GradientCheck checker;
    checker.wrt("x", x, g.dx, [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); });
    checker.wrt("w", w, g.dw, [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); });
    checker.wrt("b", b, g.db, [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); });
    return checker;
}

check::GradientCheck activation() {
    const auto x = normal({3, 5}), dy = normal({3, 5});
    check::GradientCheck checker;
    checker.wrt("x (relu)", x, cpu::relu_backward(x, dy),
                [&](const auto& v) { return weighted_sum(ref::relu_forward(v), dy); });
    checker.wrt("x (sigmoid)", x, cpu::sigmoid_backward(cpu::sigmoid_forward(x), dy),
                [&](const auto& v) { return weighted_sum(ref::sigmoid_forward(v), dy); });
    checker.wrt("x (tanh)", x, cpu::tanh_backward(cpu::tanh_forward(x), dy),
                [&](const auto& v) { return weighted_sum(ref::tanh_forward(v), dy); });
    checker.wrt("x (gelu)", x, cpu::gelu_backward(x, dy),
                [&](const auto& v) { return weighted_sum(ref::gelu_forward(v), dy); });
    checker.wrt("x (leaky_relu)", x, cpu::leaky_relu_backward(x, dy, 0.01),
                [&](const auto& v) { return weighted_sum(ref::leaky_relu_forward(v, 0.01), dy); });
    checker.wrt("x (silu)", x, cpu::silu_backward(x, dy),
                [&](const auto& v) { return weighted_sum(ref::silu_forward(v), dy); });
    return checker;
}

check::GradientCheck layer_norm() {
    const auto x = normal({2, 3, 4}), w = normal({4}), b = normal({4}), dy = normal({2, 3, 4});
    const auto kept = cpu::layer_norm_forward(x, w, b, 1e-5);
    Tensor<double> dw, db;
    cpu::layer_norm_backward_parameters(x, kept.mean, kept.rstd, dy, dw, db);
    const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
        return weighted_sum(ref::layer_norm_forward(x_, w_, b_, 1e-5).y, dy);
    };
    check::GradientCheck checker;
    checker.wrt("x", x, cpu::layer_norm_backward_input(x, w, kept.mean, kept.rstd, dy),
                [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); });
    checker.wrt("w", w, dw, [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); });
    checker.wrt("b", b, db, [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); });
    return checker;
}

check::GradientCheck attention() {
    const auto qkv = normal({2, 4, 12}), dy = normal({2, 4, 4});
    check::GradientCheck checker;
    for (const Mask mask : {Mask::causal, Mask::none}) {
        const auto kept = cpu::attention_forward(qkv, 2, mask);
        checker.wrt(mask == Mask::causal ? "qkv (causal)" : "qkv", qkv,
                    cpu::attention_backward(qkv, 2, mask, kept.p, dy),
                    [&](const auto& v) { return weighted_sum(ref::attention_forward(v, 2, mask).y, dy); });
    }
    return checker;
}

check::GradientCheck rnn() {
    const auto x = normal({2, 6, 3}), h_0 = normal({2, 4}), w_ih = normal({3, 4}), w_hh = normal({4, 4}),
               b_ih = normal({4}), b_hh = normal({4}), dy = normal({2, 6, 4});
    const auto kept = cpu::rnn_forward(x, h_0, w_ih, w_hh, b_ih, b_hh);
    const auto g = cpu::rnn_backward(x, h_0, w_ih, w_hh, kept.y, dy);
    const Tensor<double>* const arguments[] = {&x, &h_0, &w_ih, &w_hh, &b_ih, &b_hh};
    const Tensor<double>* const gradients[] = {&g.dx, &g.dh_prev, &g.dw_ih, &g.dw_hh, &g.db_ih, &g.db_hh};
    const char* const names[] = {"x", "h_0", "w_ih", "w_hh", "b_ih", "b_hh"};
    check::GradientCheck checker;
    for (std::size_t i = 0; i < 6; ++i) {
        checker.wrt(names[i], *arguments[i], *gradients[i], [&](const auto& v) {
            const auto at = [&](std::size_t k) { return k == i ? v : cast_like(v, *arguments[k]); };
            return weighted_sum(ref::rnn_forward(at(0), at(1), at(2), at(3), at(4), at(5)).y, dy);
        });
    }
    return checker;
}

check::GradientCheck lstm() {
    const auto x = normal({2, 6, 3}), h_0 = normal({2, 3}), c_0 = normal({2, 3}), w_ih = normal({3, 12}),
               w_hh = normal({3, 12}), b_ih = normal({12}), b_hh = normal({12}), dy = normal({2, 6, 3});
    const auto kept = cpu::lstm_forward(x, h_0, c_0, w_ih, w_hh, b_ih, b_hh);
    const auto g = cpu::lstm_backward(x, h_0, c_0, w_ih, w_hh, kept.gates, kept.y, kept.c, dy);
    const Tensor<double>* const arguments[] = {&x, &h_0, &c_0, &w_ih, &w_hh, &b_ih, &b_hh};
    const Tensor<double>* const gradients[] = {&g.dx, &g.dh_prev, &g.dc_prev, &g.dw_ih, &g.dw_hh, &g.db_ih, &g.db_hh};
    const char* const names[] = {"x", "h_0", "c_0", "w_ih", "w_hh", "b_ih", "b_hh"};
    check::GradientCheck checker;
    for (std::size_t i = 0; i < 7; ++i) {
        checker.wrt(names[i], *arguments[i], *gradients[i], [&](const auto& v) {
            const auto at = [&](std::size_t k) { return k == i ? v : cast_like(v, *arguments[k]); };
            return weighted_sum(ref::lstm_forward(at(0), at(1), at(2), at(3), at(4), at(5), at(6)).y, dy);
        });
    }
    return checker;
}

check::GradientCheck batch_norm() {
    const auto x = normal({4, 3, 2}), w = normal({3}), b = normal({3}), dy = normal({4, 3, 2});
    const auto kept = cpu::batch_norm_forward(x, w, b, 1e-5);
    Tensor<double> dw, db, dy_mean, dyx_mean;
    cpu::batch_norm_backward_parameters(x, kept.mean, kept.rstd, dy, dw, db, dy_mean, dyx_mean);
    const auto dx = cpu::batch_norm_backward_input(x, w, kept.mean, kept.rstd, dy_mean, dyx_mean, dy);
    const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
        return weighted_sum(ref::batch_norm_forward(x_, w_, b_, 1e-5).y, dy);
    };
    check::GradientCheck checker;
    checker.wrt("x", x, dx, [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); });
    checker.wrt("w", w, dw, [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); });
    checker.wrt("b", b, db, [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); });
    const auto mean = normal({3}), var = Tensor<double>{0.5, 1.0, 2.0};
    Tensor<double> y, rstd;
    cpu::batch_norm_eval_forward(x, w, b, mean, var, 1e-5, y, rstd);
    checker.wrt("x (evaluation)", x, cpu::batch_norm_eval_backward_input(w, rstd, dy), [&](const auto& v) {
        std::decay_t<decltype(v)> y_, rstd_;
        ref::batch_norm_eval_forward(v, cast_like(v, w), cast_like(v, b), cast_like(v, mean), cast_like(v, var), 1e-5,
                                     y_, rstd_);
        return weighted_sum(y_, dy);
    });
    return checker;
}

check::GradientCheck add() {
    const auto a = normal({3, 5}), b = normal({3, 5}), dy = normal({3, 5});
    const auto g = cpu::add_backward(dy);
    check::GradientCheck checker;
    checker.wrt("a", a, g.da, [&](const auto& v) { return weighted_sum(ref::add_forward(v, cast_like(v, b)), dy); });
    checker.wrt("b", b, g.db, [&](const auto& v) { return weighted_sum(ref::add_forward(cast_like(v, a), v), dy); });
    return checker;
}

check::GradientCheck dropout() {
    const auto x = normal({3, 5}), dy = normal({3, 5});
    const DropoutCounter counter{5, 0, 0};
    check::GradientCheck checker;
    checker.wrt("x", x, cpu::dropout_backward(dy, 0.5, counter),
                [&](const auto& v) { return weighted_sum(ref::dropout_forward(v, 0.5, counter), dy); });
    return checker;
}

check::GradientCheck embedding() {
    const auto w = normal({4, 3}), dy = normal({2, 3, 3});
    Labels token = {1, 0, 1, 3, 1, 0}; // token 2 does not occur
    token.reshape({2, 3});
    check::GradientCheck checker;
    checker.wrt("w", w, cpu::embedding_backward(dy, token, w.shape()),
                [&](const auto& v) { return weighted_sum(ref::embedding_forward(v, token), dy); });
    return checker;
}

check::GradientCheck softmax() {
    const auto z = normal({3, 5}), dp = normal({3, 5});
    check::GradientCheck checker;
    checker.wrt("z", z, cpu::softmax_backward(cpu::softmax_forward(z), dp),
                [&](const auto& v) { return weighted_sum(ref::softmax_forward(v), dp); });
    return checker;
}

check::GradientCheck cross_entropy() {
    const auto z = normal({3, 5});
    const Labels y = {4, 0, 2};
    Tensor<double> p;
    cpu::cross_entropy_forward(z, y, p);
    check::GradientCheck checker;
    checker.wrt("z", z, cpu::cross_entropy_backward(p, y),
                [&](const auto& v) { return ref::cross_entropy_forward(v, y); });
    return checker;
}

check::GradientCheck l2_penalty() {
    const auto w = normal({4, 5});
    check::GradientCheck checker;
    checker.wrt("w", w, cpu::l2_penalty_backward(w, 0.1),
                [&](const auto& v) { return ref::l2_penalty_forward(v, 0.1); });
    return checker;
}

check::GradientCheck conv2d() {
    const auto x = normal({2, 3, 6, 7}), w = normal({4, 3, 3, 2}), b = normal({4});
    Conv2dOptions options;
    options.stride = {2, 1};
    options.padding = 1;
    const auto dy = normal(check_conv2d_forward(x.shape(), w.shape(), b.shape(), options));
    const auto g = cpu::conv2d_backward(x, w, dy, options);
    const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
        return weighted_sum(ref::conv2d_forward(x_, w_, b_, options), dy);
    };
    check::GradientCheck checker;
    checker.wrt("x", x, g.dx, [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); });
    checker.wrt("w", w, g.dw, [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); });
    checker.wrt("b", b, g.db, [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); });
    return checker;
}

check::GradientCheck pool2d() {
    const auto x = normal({2, 3, 6, 7});
    const MaxPool2dOptions max_options(3, 2); // windows that overlap
    const AvgPool2dOptions avg_options(3, 2, 1);
    const auto dy = normal(check_max_pool2d_forward(x.shape(), max_options));
    const auto dy_avg = normal(check_avg_pool2d_forward(x.shape(), avg_options));
    const auto found = cpu::max_pool2d_forward(x, max_options);
    check::GradientCheck checker;
    checker.wrt("x (max)", x, cpu::max_pool2d_backward(dy, found.indices, x.shape()),
                [&](const auto& v) { return weighted_sum(ref::max_pool2d_forward(v, max_options).y, dy); });
    checker.wrt("x (average)", x, cpu::avg_pool2d_backward(dy_avg, x.shape(), avg_options),
                [&](const auto& v) { return weighted_sum(ref::avg_pool2d_forward(v, avg_options), dy_avg); });
    return checker;
}

check::GradientCheck conv2d_relu_max_pool2d() {
    const auto x = normal({2, 3, 7, 8}), w = normal({4, 3, 3, 3}), b = normal({4});
    const Conv2dOptions options;
    Tensor<double> y, winners, dx, dw, db;
    cpu::conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
    const auto dy = normal(y.shape());
    cpu::conv2d_relu_max_pool2d_backward_input(dy, winners, w, x.shape(), options, dx);
    cpu::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, dw, db);
    const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
        const auto z = ref::conv2d_forward(x_, w_, b_, options);
        return weighted_sum(ref::max_pool2d_forward(ref::relu_forward(z), MaxPool2dOptions(2)).y, dy);
    };
    check::GradientCheck checker;
    checker.wrt("x", x, dx, [&](const auto& v) { return loss(v, cast_like(v, w), cast_like(v, b)); });
    checker.wrt("w", w, dw, [&](const auto& v) { return loss(cast_like(v, x), v, cast_like(v, b)); });
    checker.wrt("b", b, db, [&](const auto& v) { return loss(cast_like(v, x), cast_like(v, w), v); });
    return checker;
}

check::GradientCheck flatten() {
    const auto x = normal({2, 3, 4, 5}), dy = normal({2, 60});
    Tensor<double> dx;
    cpu::flatten_backward(dy, x.shape(), dx);
    check::GradientCheck checker;
    checker.wrt("x", x, dx, [&](const auto& v) {
        auto y = v;
        ref::flatten_forward(v, y);
        return weighted_sum(y, dy);
    });
    return checker;
}

/// The table of a checker without its column "worst entry", which would make it wider than a page.
std::string narrow_table(const std::string& table) {
    const std::size_t begin = table.find("worst entry"), end = table.find("verdict");
    std::string result;
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) { result += line.erase(begin, end - begin) + '\n'; }
    return result;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "derivation_checks: usage: derivation_checks OUT\n";
        return 2;
    }
    const std::map<std::string, std::function<check::GradientCheck()>> all = {
        {"linear", linear},
        {"activation", activation},
        {"softmax", softmax},
        {"layer_norm", layer_norm},
        {"attention", attention},
        {"rnn", rnn},
        {"lstm", lstm},
        {"batch_norm", batch_norm},
        {"dropout", dropout},
        {"add", add},
        {"embedding", embedding},
        {"pool2d", pool2d},
        {"l2_penalty", l2_penalty},
        {"cross_entropy", cross_entropy},
        {"flatten", flatten},
        {"conv2d", conv2d},
        {"conv2d_relu_max_pool2d", conv2d_relu_max_pool2d}};
    try {
        for (const auto& [name, run] : all) {
            random_numbers = NumpyRandom(1);
            const check::GradientCheck checker = run();
            io::write_file(std::string(argv[1]) + "/check_" + name + ".txt", narrow_table(to_string(checker)));
            if (!checker.passed()) { throw std::runtime_error(name + " has a wrong gradient:\n" + to_string(checker)); }
        }
        for (const auto& [name, run] : pencil::examples) {
            try {
                io::write_file(std::string(argv[1]) + "/example_" + name + ".txt", run().text());
            } catch (const std::runtime_error& error) { throw std::runtime_error(name + ": " + error.what()); }
        }
    } catch (const std::exception& error) {
        std::cerr << "derivation_checks: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
