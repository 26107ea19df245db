#pragma once
// ## A recurrent network
//
// One step takes the input $x_t$ and the state $h_{t-1}$, and makes the next state:
// $$h_t = \tanh(x_t w_{\text{ih}} + h_{t-1} w_{\text{hh}} + b).$$
// All steps use the same weights. `i` stands for input and `h` for hidden; the indices are PyTorch's.
// A mini-batch has B sequences of T steps, C inputs at each step, and M hidden units.
//
// Forward and backward stand side by side, first for one step, then for the sequence. The class is
// a template over the backend: `Cpu<double>` computes, and `Reference<std::complex<double>>` runs
// the same lines with complex numbers, to prove the gradients.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/tensor/random.hpp>

namespace nn = handgrad::nn;
using handgrad::Accumulate;
using handgrad::Random;
using handgrad::Shape;

// A parameter and its gradient, of one shape. The first weights are PyTorch's for recurrent layers:
// uniform within $1 / \sqrt M$.
template <class Backend> void begin(nn::Parameter<Backend>& parameter,
                                    const Shape& shape, std::size_t hidden,
                                    Random& random) {
    using T = typename Backend::Scalar;
    parameter.value = handgrad::zeros<T>(shape);
    parameter.grad = handgrad::zeros<T>(shape);
    const double bound = 1 / std::sqrt(static_cast<double>(hidden));
    handgrad::uniform_(parameter.value, -bound, bound, random);
}

// The three parameters of one step. An RNN computes M numbers for each sequence, an LSTM, further
// below, 4 M. The gradients are those of two linear layers. Each step adds its own to those of the
// other steps, since all steps use the same weights.
template <class Backend> class StepWeights : public nn::Component<Backend> {
public:
    using typename nn::Component<Backend>::Tensor;
    nn::Parameter<Backend> w_ih; // (C, M) or (C, 4 M)
    nn::Parameter<Backend> w_hh; // (M, M) or (M, 4 M)
    nn::Parameter<Backend> b;    // (M) or (4 M)

    StepWeights(std::size_t inputs, std::size_t hidden, std::size_t results,
                Random& random) {
        begin(w_ih, {inputs, results}, hidden, random);
        begin(w_hh, {hidden, results}, hidden, random);
        begin(b, {results}, hidden, random);
        this->register_parameter("w_ih", w_ih);
        this->register_parameter("w_hh", w_hh);
        this->register_parameter("b", b);
    }

    // If nothing else is said, the first state is 0.
    Tensor first_state(const std::vector<Tensor>& x) const {
        return handgrad::zeros<typename Backend::Scalar>(
            {x[0].shape(0), w_hh.value.shape(0)});
    }

    // $z_t = x_t w_{\text{ih}} + h_{t-1} w_{\text{hh}} + b$.
    Tensor linear(const Tensor& x, const Tensor& h_before) const {
        const Tensor none =
            handgrad::zeros<typename Backend::Scalar>(b.value.shape());
        return Backend::linear_forward(x, w_ih.value, b.value) +
               Backend::linear_forward(h_before, w_hh.value, none);
    }

    // Given $dz_t$: $dw_{\text{ih}} \mathrel{+}= x_t^\top dz_t$,
    // $dw_{\text{hh}} \mathrel{+}= h_{t-1}^\top dz_t$, $db \mathrel{+}= \sum_n dz_{t,n}$, and
    // $dx_t = dz_t\, w_{\text{ih}}^\top$, $dh_{t-1} = dz_t\, w_{\text{hh}}^\top$.
    void linear_backward(const Tensor& x, const Tensor& h_before,
                         const Tensor& dz, Tensor& dx, Tensor& dh_before) {
        const Accumulate add = Accumulate::yes;
        Backend::linear_backward_weight(x, dz, w_ih.grad, add);
        Backend::linear_backward_weight(h_before, dz, w_hh.grad, add);
        Backend::linear_backward_bias(dz, b.grad, add);
        Backend::linear_backward_input(dz, w_ih.value, dx);
        Backend::linear_backward_input(dz, w_hh.value, dh_before);
    }
};

// ### One step, and all of them
//
// `x[t - 1]` holds $x_t$, since a vector counts from 0. `h[0]` is the first state, and `h[t]` is
// $h_t$. A state has two uses. The layer above reads it, and the next step starts from it. So its
// gradient has two parts, and backward adds them:
// $$dh_t = dy_t + dz_{t+1} w_{\text{hh}}^\top.$$
// The first part is the upstream gradient $dy_t$, the second comes from the later steps. After the
// last step there is no second part. This is *backpropagation through time*.
template <class Backend> class RNN : public StepWeights<Backend> {
public:
    using typename nn::Component<Backend>::Tensor;
    using Sequence = std::vector<Tensor>; // one (B, C) or (B, M) for each step
    Sequence h;                           // T + 1 states
    Sequence dh;                          // and their gradients
    Sequence dx;                          // T gradients of the inputs

    RNN(std::size_t inputs, std::size_t hidden, Random& random)
        : StepWeights<Backend>(inputs, hidden, hidden, random) {}

    Tensor step(const Tensor& x, const Tensor& h_before) const {
        return Backend::tanh_forward(this->linear(x, h_before));
    }

    // The derivative of tanh is $1 - h_t^2$: $dz_t = dh_t \odot (1 - h_t \odot h_t)$.
    void step_backward(const Tensor& x, const Tensor& h_before,
                       const Tensor& h_after, const Tensor& dh_after,
                       Tensor& dx_, Tensor& dh_before) {
        const Tensor dz = Backend::tanh_backward(h_after, dh_after);
        this->linear_backward(x, h_before, dz, dx_, dh_before);
    }

    void forward(const Sequence& x, const Tensor& h_0) {
        h.assign(x.size() + 1, h_0);
        for (std::size_t t = 1; t < h.size(); ++t) {
            h[t] = step(x[t - 1], h[t - 1]);
        }
    }
    void forward(const Sequence& x) { forward(x, this->first_state(x)); }
    const Tensor& state(std::size_t t) const { return h[t]; }

    // dy[t - 1] is the upstream gradient of $h_t$.
    void backward(const Sequence& x, const Sequence& dy) {
        dx.resize(x.size());
        dh.resize(h.size());
        dh.back() = dy.back(); // no later step
        for (std::size_t t = x.size(); t > 0; --t) {
            step_backward(x[t - 1], h[t - 1], h[t], dh[t], dx[t - 1],
                          dh[t - 1]);
            if (t > 1) { dh[t - 1] += dy[t - 2]; }
        }
    }

    std::string name() const override { return "RNN"; }
};

// ## Gates: the LSTM
//
// An LSTM (long short-term memory) has a second state, the cell $c_t$. Four linear layers read
// $x_t$ and $h_{t-1}$; we compute them as one with 4 M results and take its four parts:
//
// - the input gate, $i_t = \text{sigmoid}(\cdot)$: how much of the candidate is written;
// - the forget gate, $f_t = \text{sigmoid}(\cdot)$: how much of the old cell is kept;
// - the candidate, $g_t = \tanh(\cdot)$: the new value;
// - the output gate, $o_t = \text{sigmoid}(\cdot)$: how much of the cell is shown.
//
// The cell is a sum, and the new state is what the output gate shows of it:
// $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t).$$
template <class Tensor> Tensor quarter_of(const Tensor& z, std::size_t which) {
    const std::size_t rows = z.shape(0), M = z.shape(1) / 4;
    Tensor part(Shape{rows, M});
    for (std::size_t n = 0; n < rows; ++n) {
        for (std::size_t j = 0; j < M; ++j) {
            part(n, j) = z(n, which * M + j);
        }
    }
    return part;
}

template <class Tensor>
void put_quarter(const Tensor& part, std::size_t which, Tensor& z) {
    const std::size_t M = part.shape(1);
    for (std::size_t n = 0; n < part.shape(0); ++n) {
        for (std::size_t j = 0; j < M; ++j) {
            z(n, which * M + j) = part(n, j);
        }
    }
}

template <class Backend> class LSTM : public StepWeights<Backend> {
public:
    using typename nn::Component<Backend>::Tensor;
    using Sequence = std::vector<Tensor>;
    struct Step { // what forward leaves for backward; all (B, M)
        Tensor i, f, g, o, c, tanh_c, h;
    };
    std::vector<Step> steps; // T + 1; of the first only c and h
    Sequence dh, dc;         // T + 1 gradients each
    Sequence dx;             // T gradients of the inputs

    LSTM(std::size_t inputs, std::size_t hidden, Random& random)
        : StepWeights<Backend>(inputs, hidden, 4 * hidden, random) {}

    Step step(const Tensor& x, const Step& before) const {
        const Tensor z = this->linear(x, before.h);
        Step s;
        s.i = Backend::sigmoid_forward(quarter_of(z, 0));
        s.f = Backend::sigmoid_forward(quarter_of(z, 1));
        s.g = Backend::tanh_forward(quarter_of(z, 2));
        s.o = Backend::sigmoid_forward(quarter_of(z, 3));
        s.c = s.f * before.c + s.i * s.g;
        s.tanh_c = Backend::tanh_forward(s.c);
        s.h = s.o * s.tanh_c;
        return s;
    }

    // The cell $c_t$ has two uses as well: $h_t$ is computed from it, and so is $c_{t+1}$.
    // `dc_after` is the gradient from the later step, and we add that from $h_t$. The way back to
    // $c_{t-1}$ is a product with the forget gate, entry by entry. There is no matrix and no tanh
    // in it.
    void step_backward(const Tensor& x, const Step& before, const Step& s,
                       const Tensor& dh_after, Tensor& dc_after, Tensor& dx_,
                       Tensor& dh_before, Tensor& dc_before) {
        dc_after += Backend::tanh_backward(s.tanh_c, Tensor(dh_after * s.o));
        dc_before = dc_after * s.f;
        Tensor dz(Shape{s.h.shape(0), 4 * s.h.shape(1)});
        const Tensor di = dc_after * s.g, df = dc_after * before.c,
                     dg = dc_after * s.i, do_ = dh_after * s.tanh_c;
        put_quarter(Backend::sigmoid_backward(s.i, di), 0, dz);
        put_quarter(Backend::sigmoid_backward(s.f, df), 1, dz);
        put_quarter(Backend::tanh_backward(s.g, dg), 2, dz);
        put_quarter(Backend::sigmoid_backward(s.o, do_), 3, dz);
        this->linear_backward(x, before.h, dz, dx_, dh_before);
    }

    void forward(const Sequence& x, const Tensor& h_0, const Tensor& c_0) {
        steps.assign(1, {});
        steps[0].h = h_0;
        steps[0].c = c_0;
        for (const Tensor& x_t : x) {
            steps.push_back(step(x_t, steps.back()));
        }
    }
    void forward(const Sequence& x) {
        forward(x, this->first_state(x), this->first_state(x));
    }
    const Tensor& state(std::size_t t) const { return steps[t].h; }

    void backward(const Sequence& x, const Sequence& dy) {
        const std::size_t T = x.size();
        dx.resize(T);
        dh.resize(T + 1);
        dc.resize(T + 1);
        dh[T] = dy[T - 1];
        dc[T] = handgrad::zeros<typename Backend::Scalar>(dh[T].shape());
        for (std::size_t t = T; t > 0; --t) {
            step_backward(x[t - 1], steps[t - 1], steps[t], dh[t], dc[t],
                          dx[t - 1], dh[t - 1], dc[t - 1]);
            if (t > 1) { dh[t - 1] += dy[t - 2]; }
        }
    }

    std::string name() const override { return "LSTM"; }
};
