#pragma once
/// @file

#include <string>
#include <utility>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/rnn/rnn.hpp"
#include "handgrad/tensor/random.hpp"

namespace handgrad::nn {

/// The parameters of a recurrent layer, under the names of torch.nn.RNNCell and torch.nn.LSTMCell, and its state before
/// the first step.
///
/// forward starts from zeros, or from the state that was set. A text that is longer than T tokens is read in parts: set
/// the last state before the next forward. The gradient ends at the first step of the part (truncated backpropagation
/// through time).
template <class Backend> class Recurrent : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    Parameter<Backend> weight_ih; ///< (C, G), G = M scores of an RNN or 4 M of an LSTM
    Parameter<Backend> weight_hh; ///< (M, G)
    Parameter<Backend> bias_ih;   ///< (G,)
    Parameter<Backend> bias_hh;   ///< (G,)

    /// From now on forward starts from zeros.
    void reset_state() { has_state_ = false; }

    /// x (B, T, C) to (B, T, M). @throws ShapeError
    Shape output_shape(const Shape& x) const override {
        require_rank(this->name(), "x", x, {"B", "T", "C"});
        require_shape(this->name(), "x", x, with_last(x, weight_ih.value.shape(0)));
        return with_last(x, weight_hh.value.shape(0));
    }
    /// As PyTorch prints it.
    std::string arguments() const override {
        return std::to_string(weight_ih.value.shape(0)) + ", " + std::to_string(weight_hh.value.shape(0)) +
               ", batch_first=True";
    }

protected:
    /// All parameters are uniform within 1/sqrt(M), as in PyTorch. @throws ShapeError if a number is less than 1
    Recurrent(std::string_view where, std::size_t input_size, std::size_t hidden_size, std::size_t gates,
              Random& random) {
        require_at_least(where, "input_size", input_size, 1);
        require_at_least(where, "hidden_size", hidden_size, 1);
        const std::size_t scores = gates * hidden_size;
        const auto add = [&](std::string name, Parameter<Backend>& parameter, const Shape& shape) {
            auto values = zeros<typename Backend::Scalar>(shape);
            parameter.grad = Backend::from_host(values);
            fan_in_uniform_(values, hidden_size, random);
            parameter.value = Backend::from_host(std::move(values));
            this->register_parameter(std::move(name), parameter);
        };
        add("weight_ih", weight_ih, {input_size, scores});
        add("weight_hh", weight_hh, {hidden_size, scores});
        add("bias_ih", bias_ih, {scores});
        add("bias_hh", bias_hh, {scores});
    }

    /// The state for B sequences: a copy of the one that was set, or zeros. Backward needs it, and another may be set
    /// before backward.
    void start_from(const Tensor& set, std::size_t batch, Tensor& state) const {
        if (has_state_) {
            state = set;
        } else {
            resize(state, {batch, weight_hh.value.shape(0)});
            state.fill(typename Backend::Scalar(0));
        }
    }

    bool has_state_ = false; ///< whether forward starts from a state that was set
};

/// A recurrent network over whole sequences, as torch.nn.RNN with batch_first=True and one layer: x (B, T, C), y (B, T,
/// M), the states of all steps. Derivation: rnn.md.
template <class Backend> class RNN : public Recurrent<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// @param input_size C @param hidden_size M @param random draws the parameters
    /// @throws ShapeError if a number is less than 1
    RNN(std::size_t input_size, std::size_t hidden_size, Random& random)
        : Recurrent<Backend>("RNN", input_size, hidden_size, 1, random) {}

    /// From now on forward starts from a copy of h_0, (B, M).
    void set_state(const Tensor& h_0) {
        set_h_ = h_0;
        this->has_state_ = true;
    }
    /// The state after the last step of the last forward, (B, M).
    const Tensor& last_state() const { return h_last_; }
    /// dL/dh_0 of the last backward, (B, M).
    const Tensor& initial_state_gradient() const { return dh_0_; }

    std::string name() const override { return "RNN"; }

protected:
    /// Computes all states.
    const Tensor& forward_pass(const Tensor& x) override {
        this->output_shape(x.shape());
        this->start_from(set_h_, x.shape(0), h_0_);
        Backend::rnn_forward(x, h_0_, this->weight_ih.value, this->weight_hh.value, this->bias_ih.value,
                             this->bias_hh.value, y_, h_last_);
        x_ = &x;
        return y_;
    }

    /// Goes back through all steps: adds to the gradients of the parameters, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::rnn_backward_state(this->weight_hh.value, y_, dy, dz_, dh_0_);
        Backend::rnn_backward_parameters(*x_, h_0_, y_, dz_, this->weight_ih.grad, this->weight_hh.grad,
                                         this->bias_ih.grad, this->bias_hh.grad, Accumulate::yes);
        if (input == InputGradient::needed) { Backend::rnn_backward_input(dz_, this->weight_ih.value, dx_); }
        return dx_;
    }

private:
    const Tensor* x_ = nullptr;
    Tensor set_h_, h_0_, y_, h_last_, dz_, dh_0_, dx_;
};

} // namespace handgrad::nn
