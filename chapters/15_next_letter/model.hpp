#pragma once
// ## The network
//
// The network sees T letters and gives a score to each of the V letters that may come next. The
// table $w_0$ has a row of C numbers for each letter. The T rows of a context, one after another,
// are the input x of a two-layer net with tanh:
// $$o_1 = \tanh(x w_1 + b_1), \qquad z = o_1 w_2 + b_2.$$

#include <cstddef>
#include <string>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/nn/init.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/tensor/random.hpp>

namespace nn = handgrad::nn;
using handgrad::Accumulate;
using handgrad::Random;

struct LetterSizes {
    std::size_t letters = 27; // V
    std::size_t context = 3;  // T
    std::size_t width = 10;   // C
    std::size_t hidden = 200; // M

    std::size_t parameters() const {
        return letters * width + (context * width + 1) * hidden +
               (hidden + 1) * letters;
    }
};

// It is a template over the backend, as the net of chapter 05: `Reference<std::complex<double>>`
// runs the same lines for the complex step. A component holds its parameters, each a value with a
// gradient, under their names.
template <class Backend> class LetterNet : public nn::Component<Backend> {
public:
    using typename nn::Component<Backend>::Scalar;
    using typename nn::Component<Backend>::Tensor;
    using Labels = typename Backend::Labels;

    nn::Parameter<Backend> w0;     // (V, C)
    nn::Parameter<Backend> w1, b1; // (T C, M), (M)
    nn::Parameter<Backend> w2, b2; // (M, V), (V)

    LetterNet(const LetterSizes& sizes, Random& random) : sizes_(sizes) {
        const std::size_t inputs = sizes.context * sizes.width;
        add("w0", w0, {sizes.letters, sizes.width});
        add("w1", w1, {inputs, sizes.hidden});
        add("b1", b1, {sizes.hidden});
        add("w2", w2, {sizes.hidden, sizes.letters});
        add("b2", b2, {sizes.letters});
        initialise(random);
    }

    // Forward, for N contexts: tokens (N, T). Each step leaves what backward needs.
    const Tensor& scores(const Labels& tokens) {
        const std::size_t N = tokens.shape(0);

        // A row for each token, (N, T, C); then the T rows of an example as one, (N, T C).
        Backend::embedding_forward(w0.value, tokens, x_);
        x_.reshape({N, sizes_.context * sizes_.width});

        // The hidden units, (N, M). tanh works in place.
        Backend::linear_forward(x_, w1.value, b1.value, o1_);
        Backend::tanh_forward(o1_, o1_);

        // The scores, (N, V).
        Backend::linear_forward(o1_, w2.value, b2.value, z_);
        return z_;
    }

    // The loss against the letters that come next, targets (N), and the probabilities p (N, V).
    Scalar forward(const Labels& tokens, const Labels& targets) {
        return Backend::cross_entropy_forward(scores(tokens), targets, p_);
    }

    // Backward, from the loss to the table.
    void backward(const Labels& tokens, const Labels& targets) {
        // The scores: $dz_{nk} = (p_{nk} - 1[k = y_n]) / N$. This is the bigram table's gradient,
        // for each example by itself.
        Backend::cross_entropy_backward(p_, targets, dz_);

        // The second layer: $dw_2 = o_1^\top dz$, $db_2 = \sum_n dz_n$, $do_1 = dz\, w_2^\top$.
        Backend::linear_backward_weight(o1_, dz_, w2.grad, add_to);
        Backend::linear_backward_bias(dz_, b2.grad, add_to);
        Backend::linear_backward_input(dz_, w2.value, do1_);

        // tanh: $dz_1 = do_1 \odot (1 - o_1^2)$, in place.
        Backend::tanh_backward(o1_, do1_, do1_);

        // The first layer: $dw_1 = x^\top dz_1$, $db_1 = \sum_n dz_{1,n}$, $dx = dz_1 w_1^\top$.
        Backend::linear_backward_weight(x_, do1_, w1.grad, add_to);
        Backend::linear_backward_bias(do1_, b1.grad, add_to);
        Backend::linear_backward_input(do1_, w1.value, dx_);

        // The table: each of the T parts of a row of dx is added to the row of $dw_0$ that its
        // token names. A letter occurs many times in a mini-batch, and in several places of a
        // context. All of its parts are added up.
        dx_.reshape({tokens.shape(0), sizes_.context, sizes_.width});
        Backend::embedding_backward(dx_, tokens, w0.value.shape(), w0.grad,
                                    add_to);
    }

    const LetterSizes& sizes() const { return sizes_; }
    std::string name() const override { return "LetterNet"; }

private:
    void add(const std::string& name, nn::Parameter<Backend>& parameter,
             const handgrad::Shape& shape) {
        parameter.value = handgrad::zeros<Scalar>(shape);
        parameter.grad = handgrad::zeros<Scalar>(shape);
        this->register_parameter(name, parameter);
    }

    // Chapter 11 has derived the start: a table of size 1, the weights of the first layer so that
    // the hidden units are not saturated, and small last weights, so that the first loss is near
    // log V.
    void initialise(Random& random) {
        const double gain = nn::kaiming_std(
            w1.value.shape(), 0, nn::FanMode::fan_in, nn::Nonlinearity::tanh);
        handgrad::normal_(w0.value, 0, 1, random);
        handgrad::normal_(w1.value, 0, gain, random);
        handgrad::normal_(w2.value, 0, 0.01, random);
    }

    static constexpr Accumulate add_to = Accumulate::yes; // zero_grad() clears
    LetterSizes sizes_;
    Tensor x_, o1_, z_, p_; // (N, T C), (N, M), (N, V), (N, V)
    Tensor dz_, do1_, dx_;  // as z, o1, x; do1 becomes dz1
};
