#pragma once
/// @file

#include <string>

#include "handgrad/ops/lstm/lstm.hpp"
#include "handgrad/ops/rnn/layer.hpp"

namespace handgrad::nn {

/// A long short-term memory over whole sequences, as torch.nn.LSTM with batch_first=True and one layer: x (B, T, C), y
/// (B, T, M), the hidden states of all steps. Derivation: lstm.md.
template <class Backend> class LSTM : public Recurrent<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// @param input_size C @param hidden_size M @param random draws the parameters
    /// @throws ShapeError if a number is less than 1
    LSTM(std::size_t input_size, std::size_t hidden_size, Random& random)
        : Recurrent<Backend>("LSTM", input_size, hidden_size, 4, random) {}

    /// From now on forward starts from copies of h_0 and c_0, (B, M).
    void set_state(const Tensor& h_0, const Tensor& c_0) {
        set_h_ = h_0;
        set_c_ = c_0;
        this->has_state_ = true;
    }
    /// The hidden state after the last step of the last forward, (B, M).
    const Tensor& last_state() const { return h_last_; }
    /// The cell state after the last step of the last forward, (B, M).
    const Tensor& last_cell_state() const { return c_last_; }
    /// All cell states of the last forward, (B, T, M).
    const Tensor& cell_states() const { return c_; }
    /// The gates of the last forward, (B, T, 4 M): i, f, g, o.
    const Tensor& gates() const { return gates_; }
    /// dL/dh_0 of the last backward, (B, M).
    const Tensor& initial_state_gradient() const { return dh_0_; }
    /// dL/dc_0 of the last backward, (B, M).
    const Tensor& initial_cell_state_gradient() const { return dc_0_; }

    std::string name() const override { return "LSTM"; }

protected:
    /// Computes all states.
    const Tensor& forward_pass(const Tensor& x) override {
        this->output_shape(x.shape());
        this->start_from(set_h_, x.shape(0), h_0_);
        this->start_from(set_c_, x.shape(0), c_0_);
        Backend::lstm_forward(x, h_0_, c_0_, this->weight_ih.value, this->weight_hh.value, this->bias_ih.value,
                              this->bias_hh.value, y_, c_, gates_, h_last_, c_last_);
        x_ = &x;
        return y_;
    }

    /// Goes back through all steps: adds to the gradients of the parameters, and computes dx if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        Backend::lstm_backward_state(this->weight_hh.value, c_0_, gates_, c_, dy, dz_, dh_0_, dc_0_);
        Backend::lstm_backward_parameters(*x_, h_0_, y_, dz_, this->weight_ih.grad, this->weight_hh.grad,
                                          this->bias_ih.grad, this->bias_hh.grad, Accumulate::yes);
        if (input == InputGradient::needed) { Backend::lstm_backward_input(dz_, this->weight_ih.value, dx_); }
        return dx_;
    }

private:
    const Tensor* x_ = nullptr;
    Tensor set_h_, set_c_, h_0_, c_0_, y_, c_, gates_, h_last_, c_last_, dz_, dh_0_, dc_0_, dx_;
};

} // namespace handgrad::nn
