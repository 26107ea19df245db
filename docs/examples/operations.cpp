// The examples that the reference shows for the operations. Each is a test case, so what they claim is true.
#include <cmath>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/error.hpp>

#include "examples.hpp"

using namespace handgrad;

TEST_CASE("example: linear", "[examples]") {
    //! [linear]
    // one row of D_in = 2 numbers
    const Tensor<double> x{{1, 2}};
    const Tensor<double> w{{1, 0, -1}, {0, 1, 1}}; // (D_in, D_out) = (2, 3)
    const Tensor<double> b{10, 20, 30};            // (3,)
    const auto y = cpu::linear_forward(x, w, b);   // x w + b
    assert(y == Tensor<double>{{11, 22, 31}});

    const Tensor<double> dy{{1, 0, 0}}; // what if L were y_00 itself?
    const auto [dx, dw, db] = cpu::linear_backward(x, w, dy);
    assert(dx == Tensor<double>{{1, 0}}); // dy w^T: the first column of w
    assert(dw == Tensor<double>{{1, 0, 0}, {2, 0, 0}}); // x^T dy
    assert(db == Tensor<double>{1, 0, 0});
    //! [linear]
}

TEST_CASE("example: linear, gradients that add up", "[examples]") {
    //! [accumulate]
    const Tensor<float> x{{1, 2}}, dy{{1, 1}};
    // any shape: it is given the right one
    Tensor<float> dw;
    cpu::linear_backward_weight(x, dy, dw); // dw = x^T dy
    // dw += x^T dy: a weight that is used twice
    cpu::linear_backward_weight(x, dy, dw, Accumulate::yes);
    assert(dw == Tensor<float>{{2, 2}, {4, 4}});
    //! [accumulate]
}

TEST_CASE("example: shapes", "[examples]") {
    //! [shapes]
    const auto x = zeros<double>({2, 3}), w = zeros<double>({4, 5}),
               b = zeros<double>({5});
    std::string message;
    try {
        cpu::linear_forward(x, w, b);
    } catch (const ShapeError& error) { message = error.what(); }
    assert(message ==
           "linear_forward: w has shape (4, 5), expected (3, 5)");
    //! [shapes]
}

TEST_CASE("example: relu", "[examples]") {
    //! [relu]
    const Tensor<double> x{-1, 0, 2}, dy{5, 5, 5};
    assert(cpu::relu_forward(x) == Tensor<double>{0, 0, 2});
    // the mask is x > 0; at 0 it is 0, as in PyTorch
    assert(cpu::relu_backward(x, dy) == Tensor<double>{0, 0, 5});
    //! [relu]
}

TEST_CASE("example: sigmoid", "[examples]") {
    //! [sigmoid]
    const Tensor<double> x{0.0}, dy{8.0};
    const auto y = cpu::sigmoid_forward(x);
    assert(y(0) == 0.5);
    assert(cpu::sigmoid_backward(y, dy)(0) ==
           2.0); // dy y (1 - y): it needs the result, not x
    //! [sigmoid]
}

TEST_CASE("example: tanh", "[examples]") {
    //! [tanh]
    const Tensor<double> x{0.0}, dy{8.0};
    const auto y = cpu::tanh_forward(x);
    assert(y(0) == 0.0);
    assert(cpu::tanh_backward(y, dy)(0) == 8.0); // dy (1 - y^2)
    //! [tanh]
}

TEST_CASE("example: gelu", "[examples]") {
    //! [gelu]
    const Tensor<double> x{-100, 0, 100}, dy{8, 8, 8};
    assert(cpu::gelu_forward(x) ==
           Tensor<double>{0, 0, 100}); // far from 0, as relu
    // smooth at 0
    assert(cpu::gelu_backward(x, dy) == Tensor<double>{0, 4, 8});
    //! [gelu]
}

TEST_CASE("example: layer_norm", "[examples]") {
    //! [layer_norm]
    const Tensor<double> x{{1, 3}, {10, 30}}; // two rows of D = 2 features
    const Tensor<double> w{1, 1}, b{0, 0};
    const auto [y, mean, rstd] = cpu::layer_norm_forward(x, w, b, 0);
    // the scale of a row is gone
    assert(y == Tensor<double>{{-1, 1}, {-1, 1}});
    assert(mean == Tensor<double>{2, 20});

    const Tensor<double> dy{{1, 1}, {1, 1}};
    const auto dx = cpu::layer_norm_backward_input(x, w, mean, rstd, dy);
    // no x changes the sum of a row's y
    assert(dx == zeros<double>({2, 2}));
    //! [layer_norm]
}

TEST_CASE("example: attention", "[examples]") {
    //! [attention]
    // B = 1 sequence of T = 2 tokens with query, key, value; C = 1
    const Tensor<double> qkv{{{1, 5, 10}, {0, 7, 20}}};
    const auto [y, p] = cpu::attention_forward(qkv, 1, Mask::causal);
    // The first token sees itself alone. The query 0 of the second
    // finds all keys alike: it gets the mean of the values.
    assert(p == Tensor<double>{{{{1, 0}, {0.5, 0.5}}}});
    assert(y(0, 0, 0) == 10 && y(0, 1, 0) == 15);

    const auto dy = full<double>({1, 2, 1}, 1);
    const auto dqkv = cpu::attention_backward(qkv, 1, Mask::causal, p, dy);
    // dz of the second token is (-2.5, 2.5): dq = 2.5 (7 - 5), and
    // dk = 0 as q = 0. Half of its dy goes to each value.
    assert(dqkv == Tensor<double>{{{0, 0, 1.5}, {5, 0, 0.5}}});
    //! [attention]
}

TEST_CASE("example: rnn", "[examples]") {
    //! [rnn]
    // B = 1 sequence of T = 3 tokens, C = 1 input, M = 1 unit
    Tensor<double> x = zeros<double>({1, 3, 1});
    x(0, 0, 0) = 100;
    const auto h_0 = zeros<double>({1, 1}), b = zeros<double>({1});
    const auto w_ih = full<double>({1, 1}, 1),
               w_hh = full<double>({1, 1}, 100);
    const auto [y, h_last] = cpu::rnn_forward(x, h_0, w_ih, w_hh, b, b);
    // The unit remembers that the first input was positive ...
    assert(y == full<double>({1, 3, 1}, 1));
    assert(h_last == full<double>({1, 1}, 1));

    const auto dy = full<double>({1, 3, 1}, 1);
    const auto g = cpu::rnn_backward(x, h_0, w_ih, w_hh, y, dy);
    // ... but its slope is 0: no gradient comes back to the input
    assert(g.dx == zeros<double>({1, 3, 1}));
    //! [rnn]
}

TEST_CASE("example: lstm", "[examples]") {
    //! [lstm]
    // B = 1, T = 3, C = 1, M = 1. The biases alone decide:
    // i = 0, f = 1, g = 0, o = 1.
    const auto x = zeros<double>({1, 3, 1}), h_0 = zeros<double>({1, 1});
    const auto c_0 = full<double>({1, 1}, 0.25);
    const auto w_ih = zeros<double>({1, 4}), w_hh = w_ih;
    const Tensor<double> b{-1000, 1000, 0, 1000}, none = zeros<double>({4});
    const auto r = cpu::lstm_forward(x, h_0, c_0, w_ih, w_hh, b, none);
    assert(r.gates ==
           Tensor<double>{{{0, 1, 0, 1}, {0, 1, 0, 1}, {0, 1, 0, 1}}});
    assert(r.c_last == c_0); // it keeps the number

    Tensor<double> dy = zeros<double>({1, 3, 1});
    dy(0, 2, 0) = 1;
    const auto g =
        cpu::lstm_backward(x, h_0, c_0, w_ih, w_hh, r.gates, r.y, r.c, dy);
    // and the whole gradient comes back to it, through three steps
    const double h = r.h_last(0, 0);
    assert(g.dc_prev(0, 0) == 1 - h * h);
    //! [lstm]
}

TEST_CASE("example: batch_norm", "[examples]") {
    //! [batch_norm]
    const Tensor<double> x{{1, 10},
                           {3, 30}}; // N = 2 examples of C = 2 channels
    const Tensor<double> w{1, 1}, b{0, 0};
    const auto kept = cpu::batch_norm_forward(x, w, b, 0);
    assert(
        kept.y ==
        Tensor<double>{{-1, -1}, {1, 1}}); // the scale of a channel is gone
    assert(kept.mean == Tensor<double>{2, 20});
    assert(kept.var == Tensor<double>{1, 100}); // divided by N

    auto running_mean = zeros<double>({2}),
         running_var = full<double>({2}, 1);
    auto batches = zeros<double>({});
    cpu::batch_norm_update(kept.mean, kept.var, 2, 0.5, running_mean,
                           running_var, batches);
    assert(running_mean == Tensor<double>{1, 10});
    assert(running_var ==
           Tensor<double>{1.5,
                          100.5}); // half of 1 and of the unbiased variance

    const Tensor<double> dy{{1, 0}, {1, 1}};
    Tensor<double> dw, db, dy_mean, dyx_mean;
    cpu::batch_norm_backward_parameters(x, kept.mean, kept.rstd, dy, dw, db,
                                        dy_mean, dyx_mean);
    assert(dw == Tensor<double>{0, 1}); // the sum of dy x_hat
    assert(db == Tensor<double>{2, 1});
    const auto dx = cpu::batch_norm_backward_input(
        x, w, kept.mean, kept.rstd, dy_mean, dyx_mean, dy);
    assert(dx ==
           zeros<double>({2, 2})); // of two numbers, y is always -1 and 1
    //! [batch_norm]
}

TEST_CASE("example: add", "[examples]") {
    //! [add]
    const Tensor<double> a{1, 2}, b{10, 20}, dy{3, 4};
    assert(cpu::add_forward(a, b) == Tensor<double>{11, 22});
    const auto [da, db] = cpu::add_backward(dy);
    assert(da == dy); // the gradient passes to both
    assert(db == dy);
    //! [add]
}

TEST_CASE("example: leaky_relu", "[examples]") {
    //! [leaky_relu]
    const Tensor<double> x{-4, 2}, dy{1, 1};
    assert(cpu::leaky_relu_forward(x, 0.25) == Tensor<double>{-1, 2});
    assert(cpu::leaky_relu_backward(x, dy, 0.25) ==
           Tensor<double>{0.25, 1});
    //! [leaky_relu]
}

TEST_CASE("example: silu", "[examples]") {
    //! [silu]
    const Tensor<double> x{0, 1}, dy{1, 1};
    const double s = 1 / (1 + std::exp(-1.0));
    assert(cpu::silu_forward(x)(1) == Approx(s));
    assert(cpu::silu_backward(x, dy)(0) == 0.5);
    assert(cpu::silu_backward(x, dy)(1) == Approx(s * (1 + 1 - s)));
    //! [silu]
}

TEST_CASE("example: dropout", "[examples]") {
    //! [dropout]
    const Tensor<double> x{1, 2, 3, 4, 5, 6, 7, 8};
    const DropoutCounter counter{5, 0, 0}; // seed, layer, step
    assert(cpu::dropout_forward(x, 0.5, counter) ==
           Tensor<double>{2, 0, 6, 8, 0, 0, 14, 0});
    const DropoutCounter next{5, 0, 1}; // drops others
    assert(cpu::dropout_forward(x, 0.5, next) !=
           Tensor<double>{2, 0, 6, 8, 0, 0, 14, 0});

    const Tensor<double> dy{8, 7, 6, 5, 4, 3, 2, 1};
    const auto dx =
        cpu::dropout_backward(dy, 0.5, counter); // the same mask
    assert(dx == Tensor<double>{16, 0, 12, 10, 0, 0, 4, 0});
    //! [dropout]
}

TEST_CASE("example: embedding", "[examples]") {
    //! [embedding]
    const Tensor<double> w{{1, 2}, {3, 4}, {5, 6}}; // V = 3 tokens, C = 2
    const Labels token{2, 0, 2};
    assert(cpu::embedding_forward(w, token) ==
           Tensor<double>{{5, 6}, {1, 2}, {5, 6}});

    const Tensor<double> dy{{1, 10}, {2, 20}, {3, 30}};
    const auto dw = cpu::embedding_backward(dy, token, w.shape());
    // token 2 occurs twice: its row is a sum; token 1 does not occur
    assert(dw == Tensor<double>{{2, 20}, {0, 0}, {4, 40}});
    //! [embedding]
}

TEST_CASE("example: softmax", "[examples]") {
    //! [softmax]
    // two rows of scores
    const Tensor<double> z{{0, std::log(3.0)}, {1000, 1000}};
    const auto p = cpu::softmax_forward(z);
    assert(p(0, 1) == Approx(0.75)); // 3 / (1 + 3)
    // no overflow: the row's maximum is subtracted first
    assert(p(1, 0) == 0.5);

    const Tensor<double> dp{{0, 1}, {0, 1}};
    const auto dz = cpu::softmax_backward(p, dp);
    assert(dz(0, 1) == Approx(0.75 * 0.25)); // p_1 (1 - p_1)
    // a row's gradients add up to 0
    assert(dz(0, 0) == Approx(-0.75 * 0.25));
    //! [softmax]
}

TEST_CASE("example: cross_entropy", "[examples]") {
    //! [cross_entropy]
    // N = 2 examples, K = 3 classes, all scores equal
    const Tensor<double> z{{0, 0, 0}, {0, 0, 0}};
    const Labels y{0, 2};
    Tensor<double> p; // softmax(z), which backward needs
    // the loss of a guess
    assert(cpu::cross_entropy_forward(z, y, p) == Approx(std::log(3.0)));

    // (p - one_hot(y)) / N
    const auto dz = cpu::cross_entropy_backward(p, y);
    assert(dz(0, 0) == Approx((1.0 / 3 - 1) / 2));
    assert(dz(0, 1) == Approx(1.0 / 3 / 2));
    //! [cross_entropy]
}

TEST_CASE("example: l2_penalty", "[examples]") {
    //! [l2_penalty]
    const Tensor<double> w{{3, -4}};
    assert(cpu::l2_penalty_forward(w, 0.5) == 6.25); // 0.5 / 2 (9 + 16)
    // 0.5 w
    assert(cpu::l2_penalty_backward(w, 0.5) == Tensor<double>{{1.5, -2}});
    //! [l2_penalty]
}

TEST_CASE("example: sgd", "[examples]") {
    //! [sgd]
    SgdOptions options;
    options.lr = 0.1;
    options.momentum = 0.5;
    Tensor<double> p{1.0},
        v; // the parameter; its velocity, empty before the first step
    const Tensor<double> g{1.0};
    cpu::sgd_step(p, g, v, options); // v = g = 1,         p = 1 - 0.1
    cpu::sgd_step(p, g, v, options); // v = 0.5 + 1 = 1.5, p = 0.9 - 0.15
    assert(p(0) == Approx(0.75));
    //! [sgd]
}

TEST_CASE("example: adam", "[examples]") {
    //! [adam]
    AdamWOptions options; // weight_decay is 0.01
    options.lr = 0.1;
    Tensor<double> p{1.0}, mean, square; // the means are empty at first
    const Tensor<double> g{123.0};
    cpu::adam_step(p, g, mean, square, 1, options);
    assert(p(0) == Approx(0.999 - 0.1)); // the decay; the learning rate
    //! [adam]
}

TEST_CASE("example: rmsprop", "[examples]") {
    //! [rmsprop]
    RMSpropOptions options; // alpha is 0.99
    options.lr = 0.1;
    Tensor<double> p{1.0}, square, mean, velocity; // only square is used
    const Tensor<double> g{123.0};
    cpu::rmsprop_step(p, g, square, mean, velocity, options);
    assert(1 + p(0) == Approx(1)); // 0.1 / sqrt(1 - 0.99) = 1
    //! [rmsprop]
}

TEST_CASE("example: the same operation in complex numbers", "[examples]") {
    //! [reference]
    using Complex = std::complex<double>;
    const Tensor<Complex> x{Complex(2, 1e-20)}; // 2 + ih
    const Tensor<Complex> dy{1.0};
    const auto y = reference::sigmoid_forward(x);
    const double s = 1 / (1 + std::exp(-2.0));
    // the derivative, without differences
    assert(std::imag(y(0)) / 1e-20 == Approx(s * (1 - s)).epsilon(1e-14));
    //! [reference]
}
