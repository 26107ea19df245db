#pragma once
// The small examples of the derivation pages, which can be followed with pencil and paper. Every result is computed by
// the fast operations and by the reference, and compared with the numbers that the page derives by hand.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/tensor/philox.hpp>

namespace pencil {

using namespace handgrad;
namespace ref = handgrad::reference;

/// Four decimals, without zeros at the end: 0.5, 3, -0.3333.
inline std::string number(double value) {
    std::string text = fmt::format("{:.4f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') { text.pop_back(); }
    return text == "-0" ? "0" : text;
}

/// The text of an example.
class Example {
public:
    /// A line of words.
    void say(const std::string& line) { text_ += text_.empty() ? line + "\n" : "\n" + line + "\n"; }

    /// A tensor, a line for each row.
    template <class Tensor> void show(const std::string& name, const Tensor& tensor) {
        std::vector<std::string> numbers;
        for (std::size_t i = 0; i < tensor.size(); ++i) { numbers.push_back(number(double(tensor.data()[i]))); }
        std::size_t width = 0;
        for (const auto& n : numbers) { width = std::max(width, n.size()); }
        const std::size_t columns = tensor.shape().empty() ? 1 : tensor.shape().back();
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (i % columns == 0) { text_ += fmt::format("{:>9} [", i == 0 ? name + " =" : ""); }
            text_ += fmt::format(" {:>{}}", numbers[i], width);
            if ((i + 1) % columns == 0) { text_ += " ]\n"; }
        }
    }
    /// A number.
    void show(const std::string& name, double value) { text_ += fmt::format("{:>9} {}\n", name + " =", number(value)); }

    /// A result: `fast` and `plain` must both be what the page computes by hand.
    /// @throws std::runtime_error if an entry is not
    template <class Tensor>
    void show(const std::string& name, const Tensor& fast, const Tensor& plain, const std::vector<double>& by_hand) {
        for (const Tensor* tensor : {&fast, &plain}) {
            bool right = tensor->size() == by_hand.size();
            for (std::size_t i = 0; right && i < by_hand.size(); ++i) {
                right = std::abs(double(tensor->data()[i]) - by_hand[i]) < 1e-12;
            }
            if (!right) { throw std::runtime_error("the pencil example gives another " + name); }
        }
        show(name, fast);
    }
    /// The same for a number.
    void show(const std::string& name, double fast, double plain, double by_hand) {
        for (const double value : {fast, plain}) {
            if (!(std::abs(value - by_hand) < 1e-12)) {
                throw std::runtime_error("the pencil example gives another " + name);
            }
        }
        show(name, fast);
    }

    /// Everything so far.
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

inline Example linear() {
    const Tensor<double> x = {{1, 2}, {3, 4}}, w = {{1, -1}, {0, 2}}, b = {1, 0}, dy = {{1, 0}, {2, -1}};
    const auto g = cpu::linear_backward(x, w, dy), h = ref::linear_backward(x, w, dy);
    Example example;
    example.say("Forward, y = x w + b:");
    example.show("x", x);
    example.show("w", w);
    example.show("b", b);
    example.show("y", cpu::linear_forward(x, w, b), ref::linear_forward(x, w, b), {2, 3, 4, 5});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dx", g.dx, h.dx, {1, 0, 3, -2});
    example.show("dw", g.dw, h.dw, {7, -3, 10, -4});
    example.show("db", g.db, h.db, {3, -1});
    return example;
}

inline Example activation() {
    const double log2 = std::log(2.0);
    const Tensor<double> x = {-log2, 0, log2}, dy = {9, 4, 18};
    Example example;
    example.show("x", x);
    example.show("dy", dy);
    example.say("relu:");
    example.show("y", cpu::relu_forward(x), ref::relu_forward(x), {0, 0, log2});
    example.show("dx", cpu::relu_backward(x, dy), ref::relu_backward(x, dy), {0, 0, 18});
    example.say("sigmoid:");
    const auto sigmoid = cpu::sigmoid_forward(x);
    example.show("y", sigmoid, ref::sigmoid_forward(x), {1.0 / 3, 0.5, 2.0 / 3});
    example.show("dx", cpu::sigmoid_backward(sigmoid, dy), ref::sigmoid_backward(sigmoid, dy), {2, 1, 4});
    example.say("tanh:");
    const auto tanh = cpu::tanh_forward(x);
    example.show("y", tanh, ref::tanh_forward(x), {-0.6, 0, 0.6});
    example.show("dx", cpu::tanh_backward(tanh, dy), ref::tanh_backward(tanh, dy), {5.76, 4, 11.52});
    example.say("gelu:");
    example.show("y", cpu::gelu_forward(x));
    example.show("dx", cpu::gelu_backward(x, dy));
    return example;
}

inline Example softmax() {
    const Tensor<double> z = {{0, std::log(2.0), std::log(3.0)}}, dp = {{6, 3, 0}};
    const auto p = cpu::softmax_forward(z);
    Example example;
    example.say("Forward:");
    example.show("z", z);
    example.show("p", p, ref::softmax_forward(z), {1.0 / 6, 1.0 / 3, 1.0 / 2});
    example.say("Backward, from dp:");
    example.show("dp", dp);
    example.show("dz", cpu::softmax_backward(p, dp), ref::softmax_backward(p, dp), {2.0 / 3, 1.0 / 3, -1});
    example.say("Row k has the derivatives of p_k with respect to z_0, z_1 and z_2:");
    const Tensor<double> p3 = {{p(0, 0), p(0, 1), p(0, 2)}, {p(0, 0), p(0, 1), p(0, 2)}, {p(0, 0), p(0, 1), p(0, 2)}};
    const Tensor<double> unit = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    example.show("dp/dz", cpu::softmax_backward(p3, unit), ref::softmax_backward(p3, unit),
                 {5.0 / 36, -2.0 / 36, -3.0 / 36, -2.0 / 36, 8.0 / 36, -6.0 / 36, -3.0 / 36, -6.0 / 36, 9.0 / 36});
    return example;
}

inline Example cross_entropy() {
    const double log2 = std::log(2.0), log3 = std::log(3.0);
    const Tensor<double> z = {{0, log2, log3}, {0, 0, 0}};
    const Labels y = {2, 0};
    Tensor<double> p, plain_p;
    const double loss = cpu::cross_entropy_forward(z, y, p), plain_loss = ref::cross_entropy_forward(z, y, plain_p);
    Example example;
    example.say("Forward. The classes are numbered 0, 1, 2:");
    example.show("z", z);
    example.show("y", y);
    example.show("p", p, plain_p, {1.0 / 6, 1.0 / 3, 1.0 / 2, 1.0 / 3, 1.0 / 3, 1.0 / 3});
    example.show("L", loss, plain_loss, (log2 + log3) / 2);
    example.say("Backward:");
    example.show("dz", cpu::cross_entropy_backward(p, y), ref::cross_entropy_backward(p, y),
                 {1.0 / 12, 1.0 / 6, -1.0 / 4, -1.0 / 3, 1.0 / 6, 1.0 / 6});
    return example;
}

inline Example l2_penalty() {
    const Tensor<double> w = {{1, -2}, {3, 0}};
    Example example;
    example.say("Forward, with lambda = 0.1:");
    example.show("w", w);
    example.show("L_reg", cpu::l2_penalty_forward(w, 0.1), ref::l2_penalty_forward(w, 0.1), 0.7);
    example.say("Backward:");
    example.show("dw", cpu::l2_penalty_backward(w, 0.1), ref::l2_penalty_backward(w, 0.1), {0.1, -0.2, 0.3, 0});
    return example;
}

/// An image of one channel.
inline Tensor<double> image(const Tensor<double>& rows) {
    Tensor<double> result = rows;
    result.reshape({1, 1, rows.shape()[0], rows.shape()[1]});
    return result;
}

inline const Tensor<double> conv_x = image({{1, 2, 0}, {0, 1, 3}, {2, 0, 1}}), conv_w = image({{1, 0}, {-1, 2}});
inline const Tensor<double> conv_b = {1};

inline Example conv2d() {
    const auto& x = conv_x;
    const auto& w = conv_w;
    const auto dy = image({{1, 2}, {0, -1}});
    const auto g = cpu::conv2d_backward(x, w, dy), h = ref::conv2d_backward(x, w, dy);
    Example example;
    example.say("Forward:");
    example.show("x", x);
    example.show("w", w);
    example.show("b", conv_b);
    example.show("y", cpu::conv2d_forward(x, w, conv_b), ref::conv2d_forward(x, w, conv_b), {4, 8, -1, 4});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dw", g.dw, h.dw, {4, -1, 2, 6});
    example.show("db", g.db, h.db, {2});
    example.show("dx", g.dx, h.dx, {1, 2, 0, -1, -1, 4, 0, 1, -2});
    return example;
}

inline Example pool2d() {
    const auto x = image({{1, 3, 2, 0}, {4, 2, 1, 5}, {0, 1, 2, 2}, {6, 1, 0, 2}}), dy = image({{1, 2}, {3, 4}});
    const MaxPool2dOptions max(2);
    const AvgPool2dOptions average(2);
    const auto found = cpu::max_pool2d_forward(x, max), plain = ref::max_pool2d_forward(x, max);
    Example example;
    example.show("x", x);
    example.show("dy", dy);
    example.say("Max-pooling. The winners are numbered row by row, from 0 to 15:");
    example.show("y", found.y, plain.y, {4, 5, 6, 2});
    example.show("winners", found.indices, plain.indices, {4, 7, 12, 10});
    example.show("dx", cpu::max_pool2d_backward(dy, found.indices, x.shape()),
                 ref::max_pool2d_backward(dy, plain.indices, x.shape()),
                 {0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 4, 0, 3, 0, 0, 0});
    example.say("Average-pooling:");
    example.show("y", cpu::avg_pool2d_forward(x, average), ref::avg_pool2d_forward(x, average), {2.5, 2, 2, 1.5});
    example.show("dx", cpu::avg_pool2d_backward(dy, x.shape(), average),
                 ref::avg_pool2d_backward(dy, x.shape(), average),
                 {0.25, 0.25, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1, 1, 0.75, 0.75, 1, 1});
    return example;
}

inline Example conv2d_relu_max_pool2d() {
    const auto& x = conv_x;
    const auto& w = conv_w;
    Tensor<double> dy = {3};
    dy.reshape({1, 1, 1, 1});
    const Conv2dOptions options;
    Tensor<double> y, winners, dx, dw, db, plain_y, plain_winners, plain_dx, plain_dw, plain_db;
    cpu::conv2d_relu_max_pool2d_forward(x, w, conv_b, options, y, winners);
    cpu::conv2d_relu_max_pool2d_backward_input(dy, winners, w, x.shape(), options, dx);
    cpu::conv2d_relu_max_pool2d_backward_parameters(x, dy, winners, w.shape(), options, dw, db);
    ref::conv2d_relu_max_pool2d_forward(x, w, conv_b, options, plain_y, plain_winners);
    ref::conv2d_relu_max_pool2d_backward_input(dy, plain_winners, w, x.shape(), options, plain_dx);
    ref::conv2d_relu_max_pool2d_backward_parameters(x, dy, plain_winners, w.shape(), options, plain_dw, plain_db);
    const auto z = cpu::conv2d_forward(x, w, conv_b);
    const auto o = cpu::relu_forward(z);
    const auto found = cpu::max_pool2d_forward(o, MaxPool2dOptions(2));
    const auto back = cpu::max_pool2d_backward(dy, found.indices, z.shape());
    Example example;
    example.say("Forward, with x, w and b of the convolution's example:");
    example.show("z", z);
    example.show("relu(z)", o);
    example.show("y", y, plain_y, {8});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dz", cpu::relu_backward(z, back), ref::relu_backward(z, back), {0, 3, 0, 0});
    example.show("dw", dw, plain_dw, {6, 0, 3, 9});
    example.show("db", db, plain_db, {3});
    example.show("dx", dx, plain_dx, {0, 3, 0, 0, -3, 6, 0, 0, 0});
    return example;
}

inline Example layer_norm() {
    const Tensor<double> x = {{1, 1, 5, 5}}, w = {1, 2, 1, 1}, b = {0, 0, 0, 1}, dy = {{1, 1, 0, 2}};
    const auto fast = cpu::layer_norm_forward(x, w, b, 0), plain = ref::layer_norm_forward(x, w, b, 0);
    Tensor<double> dw, db, plain_dw, plain_db;
    cpu::layer_norm_backward_parameters(x, fast.mean, fast.rstd, dy, dw, db);
    ref::layer_norm_backward_parameters(x, plain.mean, plain.rstd, dy, plain_dw, plain_db);
    Example example;
    example.say("Forward, with epsilon = 0:");
    example.show("x", x);
    example.show("w", w);
    example.show("b", b);
    example.show("mean", fast.mean, plain.mean, {3});
    example.show("rstd", fast.rstd, plain.rstd, {0.5});
    example.show("y", fast.y, plain.y, {-1, -2, 1, 2});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dx", cpu::layer_norm_backward_input(x, w, fast.mean, fast.rstd, dy),
                 ref::layer_norm_backward_input(x, w, plain.mean, plain.rstd, dy), {-0.25, 0.25, -0.5, 0.5});
    example.show("dw", dw, plain_dw, {-1, -1, 0, 2});
    example.show("db", db, plain_db, {1, 1, 0, 2});
    return example;
}

inline Example embedding() {
    const Tensor<double> w = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}, dy = {{1, 0}, {2, 1}, {3, 5}};
    const Labels token = {2, 0, 2};
    Example example;
    example.say("Forward, with V = 4 tokens and rows of C = 2 numbers:");
    example.show("w", w);
    example.show("token", token);
    example.show("y", cpu::embedding_forward(w, token), ref::embedding_forward(w, token), {5, 6, 1, 2, 5, 6});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dw", cpu::embedding_backward(dy, token, w.shape()), ref::embedding_backward(dy, token, w.shape()),
                 {2, 1, 0, 0, 4, 5, 0, 0});
    return example;
}

inline Example batch_norm() {
    const Tensor<double> w = {2}, b = {1};
    Tensor<double> x = {1, 1, 5, 5}, dy = {2, 1, 0, 1};
    x.reshape({4, 1});
    dy.reshape({4, 1});
    const auto fast = cpu::batch_norm_forward(x, w, b, 0), plain = ref::batch_norm_forward(x, w, b, 0);
    Tensor<double> dw, db, dy_mean, dyx_mean, plain_dw, plain_db, plain_dy_mean, plain_dyx_mean;
    cpu::batch_norm_backward_parameters(x, fast.mean, fast.rstd, dy, dw, db, dy_mean, dyx_mean);
    ref::batch_norm_backward_parameters(x, plain.mean, plain.rstd, dy, plain_dw, plain_db, plain_dy_mean,
                                        plain_dyx_mean);
    Example example;
    example.say("Forward, with epsilon = 0:");
    example.show("x", x);
    example.show("w", w);
    example.show("b", b);
    example.show("mean", fast.mean, plain.mean, {3});
    example.show("var", fast.var, plain.var, {4});
    example.show("rstd", fast.rstd, plain.rstd, {0.5});
    example.show("y", fast.y, plain.y, {-1, -1, 3, 3});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dw", dw, plain_dw, {-2});
    example.show("db", db, plain_db, {4});
    example.show("dy_mean", dy_mean, plain_dy_mean, {1});
    example.show("dyx_mean", dyx_mean, plain_dyx_mean, {-0.5});
    example.show("dx", cpu::batch_norm_backward_input(x, w, fast.mean, fast.rstd, dy_mean, dyx_mean, dy),
                 ref::batch_norm_backward_input(x, w, plain.mean, plain.rstd, plain_dy_mean, plain_dyx_mean, dy),
                 {0.5, -0.5, -0.5, 0.5});
    return example;
}

inline Example add() {
    const Tensor<double> a = {1, 2, 3}, b = {10, 20, 30}, dy = {4, 5, 6};
    const auto fast = cpu::add_backward(dy), plain = ref::add_backward(dy);
    Example example;
    example.say("Forward:");
    example.show("a", a);
    example.show("b", b);
    example.show("y", cpu::add_forward(a, b), ref::add_forward(a, b), {11, 22, 33});
    example.say("Backward:");
    example.show("dy", dy);
    example.show("da", fast.da, plain.da, {4, 5, 6});
    example.show("db", fast.db, plain.db, {4, 5, 6});
    return example;
}

inline Example attention() {
    const double log3 = std::log(3.0);
    const Tensor<double> qkv = {{{1, 0, 4}, {1, log3, 8}}};
    Tensor<double> dy = zeros<double>({1, 2, 1});
    dy(0, 0, 0) = 1;
    dy(0, 1, 0) = 2;
    const auto fast = cpu::attention_forward(qkv, 1, Mask::causal),
               plain = ref::attention_forward(qkv, 1, Mask::causal);
    Example example;
    example.say("Two tokens with a query, a key and a value of one number each:");
    example.show("qkv", qkv);
    example.show("p", fast.p, plain.p, {1, 0, 0.25, 0.75});
    example.show("y", fast.y, plain.y, {4, 7});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dqkv", cpu::attention_backward(qkv, 1, Mask::causal, fast.p, dy),
                 ref::attention_backward(qkv, 1, Mask::causal, plain.p, dy), {0, -1.5, 1.5, 1.5 * log3, 1.5, 1.5});
    return example;
}

inline Example rnn() {
    const double log2 = std::log(2.0), log3 = std::log(3.0);
    Tensor<double> x = zeros<double>({1, 2, 1}), dy = x;
    x(0, 0, 0) = 1;
    dy(0, 1, 0) = 1;
    const auto h_0 = zeros<double>({1, 1}), b = zeros<double>({1}), w_ih = full<double>({1, 1}, log2),
               w_hh = full<double>({1, 1}, 5 * log3 / 3);
    const auto fast = cpu::rnn_forward(x, h_0, w_ih, w_hh, b, b), plain = ref::rnn_forward(x, h_0, w_ih, w_hh, b, b);
    const auto g = cpu::rnn_backward(x, h_0, w_ih, w_hh, fast.y, dy),
               h = ref::rnn_backward(x, h_0, w_ih, w_hh, plain.y, dy);
    const double dz_1 = 48 * log3 / 125, dz_2 = 9.0 / 25;
    Example example;
    example.say("Forward, one step after another:");
    example.show("x", x);
    example.show("w_ih", w_ih);
    example.show("w_hh", w_hh);
    example.show("y", fast.y, plain.y, {0.6, 0.8});
    example.say("Backward, from dy:");
    example.show("dy", dy);
    example.show("dh_0", g.dh_prev, h.dh_prev, {16 * log3 * log3 / 25});
    example.show("dw_ih", g.dw_ih, h.dw_ih, {dz_1});
    example.show("dw_hh", g.dw_hh, h.dw_hh, {27.0 / 125});
    example.show("db_ih", g.db_ih, h.db_ih, {dz_1 + dz_2});
    return example;
}

inline Example lstm() {
    const double log2 = std::log(2.0), log3 = std::log(3.0), before = 2 * log2 - 0.6;
    const auto x = full<double>({1, 1}, 1), h_prev = zeros<double>({1, 1}), c_prev = full<double>({1, 1}, before),
               b = zeros<double>({4}), dh = x, dc = x;
    const Tensor<double> w_ih = {{0, 0, log2, log3}}, w_hh = {{1, 0, -1, 0}};
    const auto fast = cpu::lstm_cell_forward(x, h_prev, c_prev, w_ih, w_hh, b, b),
               plain = ref::lstm_cell_forward(x, h_prev, c_prev, w_ih, w_hh, b, b);
    const auto g = cpu::lstm_cell_backward(x, h_prev, c_prev, w_ih, w_hh, fast.gates, fast.c, dh, dc),
               h = ref::lstm_cell_backward(x, h_prev, c_prev, w_ih, w_hh, plain.gates, plain.c, dh, dc);
    Example example;
    example.say("One step:");
    example.show("c_prev", c_prev);
    example.show("w_ih", w_ih);
    example.show("w_hh", w_hh);
    example.show("gates", fast.gates, plain.gates, {0.5, 0.5, 0.6, 0.75});
    example.show("c", fast.c, plain.c, {log2});
    example.show("h", fast.h, plain.h, {0.45});
    example.say("Backward; the gradient of the biases is dz:");
    example.show("dh", dh);
    example.show("dc", dc);
    example.show("db_ih", g.db_ih, h.db_ih, {0.222, 0.37 * before, 0.4736, 0.1125});
    example.show("dh_prev", g.dh_prev, h.dh_prev, {0.222 - 0.4736});
    example.show("dc_prev", g.dc_prev, h.dc_prev, {0.74});
    return example;
}

inline Example dropout() {
    const Tensor<double> x = {1, 2, 3, 4, 5, 6, 7, 8}, dy = {8, 7, 6, 5, 4, 3, 2, 1};
    const DropoutCounter counter = {5, 0, 0};
    Tensor<double> u = x; // in thousandths
    for (std::size_t i = 0; i < 8; ++i) {
        u(i) = std::floor(1000.0 * static_cast<double>(random_uniform(5, 0, 0, i))) / 1000;
    }
    Example example;
    example.say("Forward:");
    example.show("u", u);
    example.show("x", x);
    example.show("y", cpu::dropout_forward(x, 0.5, counter), ref::dropout_forward(x, 0.5, counter),
                 {2, 0, 6, 8, 0, 0, 14, 0});
    example.say("Backward:");
    example.show("dy", dy);
    example.show("dx", cpu::dropout_backward(dy, 0.5, counter), ref::dropout_backward(dy, 0.5, counter),
                 {16, 0, 12, 10, 0, 0, 4, 0});
    return example;
}

inline Example flatten() {
    Tensor<double> x = {1, 2, 3, 4, 5, 6, 7, 8};
    x.reshape({2, 1, 2, 2});
    const Tensor<double> dy = {{8, 7, 6, 5}, {4, 3, 2, 1}};
    Example example;
    example.say("Forward, from shape (2, 1, 2, 2) to (2, 4):");
    example.show("x", x);
    example.show("y", cpu::flatten_forward(x), ref::flatten_forward(x), {1, 2, 3, 4, 5, 6, 7, 8});
    example.say("Backward:");
    example.show("dy", dy);
    example.show("dx", cpu::flatten_backward(dy, x.shape()), ref::flatten_backward(dy, x.shape()),
                 {8, 7, 6, 5, 4, 3, 2, 1});
    return example;
}

/// Three steps from w = 10 on L = w^2 / 2, whose gradient is w itself.
inline Example sgd() {
    Example example;
    example.say("Three steps from w = 10 with lr = 0.1 on L = w^2 / 2, so dw = w:");
    const auto steps = [&](const std::string& title, const SgdOptions& options, const std::vector<double>& w_by_hand,
                           const std::vector<double>& v_by_hand) {
        Tensor<double> w = {10}, v, plain_w = {10}, plain_v;
        Tensor<double> ws = Tensor<double>(Shape{3}), vs = ws, plain_ws = ws, plain_vs = ws;
        for (std::size_t t = 0; t < 3; ++t) {
            cpu::sgd_step(w, Tensor<double>(w), v, options);
            ref::sgd_step(plain_w, Tensor<double>(plain_w), plain_v, options);
            ws(t) = w(0);
            plain_ws(t) = plain_w(0);
            if (options.momentum != 0) {
                vs(t) = v(0);
                plain_vs(t) = plain_v(0);
            }
        }
        example.say(title);
        if (options.momentum != 0) { example.show("v", vs, plain_vs, v_by_hand); }
        example.show("w", ws, plain_ws, w_by_hand);
    };
    SgdOptions options;
    options.lr = 0.1;
    steps("plain:", options, {9, 8.1, 7.29}, {});
    options.weight_decay = 0.1;
    steps("weight decay, lambda = 0.1:", options, {8.9, 7.921, 7.04969}, {});
    options.weight_decay = 0;
    options.momentum = 0.9;
    steps("momentum, beta = 0.9:", options, {9, 7.2, 4.86}, {10, 18, 23.4});
    options.dampening = 0.5;
    steps("momentum with dampening 0.5:", options, {9, 7.65, 6.0525}, {10, 13.5, 15.975});
    options.dampening = 0;
    options.nesterov = true;
    steps("Nesterov's momentum:", options, {8.1, 5.751, 3.27321}, {10, 17.1, 21.141});
    return example;
}

/// Steps from w = 10 on L = w^2 / 2, by the cpu backend and by the reference.
/// @param step takes step(backend, w, state, t), the t-th step; it may keep what it needs in three state tensors
template <class Step>
void follow(Example& example, const std::string& title, const std::vector<double>& w_by_hand, const Step& step) {
    const auto path = [&](auto on) {
        Tensor<double> w = {10}, ws(Shape{w_by_hand.size()});
        std::vector<Tensor<double>> state(3);
        for (std::size_t t = 1; t <= ws.size(); ++t) {
            step(on, w, state, t);
            ws(t - 1) = w(0);
        }
        return ws;
    };
    example.say(title);
    example.show("w", path(Cpu<double>()), path(Reference<double>()), w_by_hand);
}

inline Example adam() {
    Example example;
    AdamOptions options;
    options.lr = 1;
    options.betas = {0.5, 0.5};
    options.eps = 0;
    const auto steps = [&](const std::string& title, double factor, const std::vector<double>& w_by_hand) {
        follow(example, title, w_by_hand, [&](auto on, Tensor<double>& w, auto& state, std::size_t t) {
            on.adam_step(w, Tensor<double>(factor * w), state[0], state[1], t, options);
        });
    };
    example.say("From w = 10 with lr = 1, betas 0.5 and 0.5, eps = 0, on L = w^2 / 2, so dw = w:");
    const double second = 9 - (7 / 0.75) / std::sqrt(65.5 / 0.75);
    steps("two steps of Adam:", 1, {9, second});
    steps("two steps if the gradient is 1000 times as large, dw = 1000 w:", 1000, {9, second});
    options.weight_decay = 0.1;
    steps("one step of Adam with weight decay, lambda = 0.1:", 1, {9});
    options.decoupled_weight_decay = true;
    steps("one step of AdamW with the same weight decay:", 1, {8});
    return example;
}

inline Example rmsprop() {
    Example example;
    RMSpropOptions options;
    options.lr = 1;
    options.alpha = 0.75;
    options.eps = 0;
    const auto steps = [&](const std::string& title, const std::vector<double>& w_by_hand) {
        follow(example, title, w_by_hand, [&](auto on, Tensor<double>& w, auto& state, std::size_t) {
            on.rmsprop_step(w, Tensor<double>(w), state[0], state[1], state[2], options);
        });
    };
    example.say("From w = 10 with lr = 1, alpha = 0.75, eps = 0, on L = w^2 / 2, so dw = w:");
    const double shorter = 8 / std::sqrt(34.75);
    steps("two steps:", {8, 8 - shorter});
    options.momentum = 0.5;
    steps("two steps with momentum, beta = 0.5:", {8, 7 - shorter});
    options.momentum = 0;
    options.centered = true;
    steps("one step, centered:", {10 - 10 / std::sqrt(18.75)});
    return example;
}

/// All examples by their pages' names.
inline const std::map<std::string, std::function<Example()>> examples = {
    {"linear", linear},
    {"activation", activation},
    {"softmax", softmax},
    {"cross_entropy", cross_entropy},
    {"l2_penalty", l2_penalty},
    {"conv2d", conv2d},
    {"pool2d", pool2d},
    {"conv2d_relu_max_pool2d", conv2d_relu_max_pool2d},
    {"layer_norm", layer_norm},
    {"attention", attention},
    {"rnn", rnn},
    {"lstm", lstm},
    {"batch_norm", batch_norm},
    {"dropout", dropout},
    {"add", add},
    {"embedding", embedding},
    {"flatten", flatten},
    {"sgd", sgd},
    {"adam", adam},
    {"rmsprop", rmsprop}};

} // namespace pencil
