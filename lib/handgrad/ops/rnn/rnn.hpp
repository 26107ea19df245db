#pragma once
/// @file
/// # Recurrent network (RNN)
///
/// **Formulas.** The state of a sequence is a row of M numbers, the hidden units. Step t computes the state
/// \f$ h_t \f$ from the input \f$ x_t \f$, a row of C numbers, and from the state before it:
/// \f[ z_{tk} = \sum_c x_{tc}\, w_{\text{ih},ck} + b_{\text{ih},k}
///              + \sum_j h_{t-1,j}\, w_{\text{hh},jk} + b_{\text{hh},k},
///     \qquad h_{tk} = \tanh z_{tk}, \qquad y_t = h_t. \f]
/// Every step uses the same parameters. Backward goes from the last step to the first. A state is used twice, as a
/// result and by the next step. Its gradient \f$ dh_t \f$ is the sum of the upstream gradient \f$ dy_t \f$ and of what
/// comes back from the next step, which is 0 for the last one:
/// \f[ dh_{tj} = dy_{tj} + \sum_k dz_{t+1,k}\, w_{\text{hh},jk}, \qquad
///     dz_{tk} = dh_{tk} \bigl( 1 - h_{tk}^2 \bigr), \f]
/// \f[ dx_{tc} = \sum_k dz_{tk}\, w_{\text{ih},ck}, \qquad
///     dw_{\text{ih},ck} = \sum_t x_{tc}\, dz_{tk}, \qquad
///     dw_{\text{hh},jk} = \sum_t h_{t-1,j}\, dz_{tk}, \qquad
///     db_{\text{ih},k} = db_{\text{hh},k} = \sum_t dz_{tk}. \f]
/// The gradients of the parameters are also summed over all sequences. \f$ dh_0 \f$ is what step 1 passes back.
///
/// **Two forms.** `rnn_cell_...` is one step of B sequences, as torch.nn.RNNCell; `rnn_...` is all T steps, as
/// torch.nn.RNN with batch_first=True. In the second form, step t = 1, 2, ..., T has index t - 1 in the tensors.
///
/// **Shapes.**
/// | name                        | shape of a cell | shape of a sequence | meaning |
/// | --------------------------- | --------------- | ------------------- | ------- |
/// | x, dx                       | (B, C)          | (B, T, C)           | the input, C features of every token; and dL/dx |
/// | h_prev or h_0, its gradient | (B, M)          | (B, M)              | the state before the first step, and dL/dh_prev or dL/dh_0 |
/// | h, dh                       | (B, M)          |                     | the state after the step, and its whole gradient |
/// | y, dy                       |                 | (B, T, M)           | the states of all steps, and the upstream gradient |
/// | dz                          | (B, M)          | (B, T, M)           | dL/dz, from which dx and the gradients of the parameters are computed |
/// | h_last                      |                 | (B, M)              | the last state, which is h_0 if T = 0 |
/// | w_ih, dw_ih                 | (C, M)          | (C, M)              | weight from the input; PyTorch stores its transpose, (M, C) |
/// | w_hh, dw_hh                 | (M, M)          | (M, M)              | weight from the state; PyTorch stores its transpose |
/// | b_ih, b_hh, db_ih, db_hh    | (M,)            | (M,)                | both biases, whose gradients are equal |
///
/// To convert from PyTorch: transpose weight_ih (M, C) and weight_hh (M, M); the biases are the same.
///
/// **Backward** has three parts. `rnn_backward_state` goes through the steps: dz and dh_0 from dy. Then
/// `rnn_backward_input` computes dx, if it is needed, and `rnn_backward_parameters` all gradients of the parameters.
/// `rnn_backward` does all three.
///
/// **Memory.** Backward needs x, h_0, y, w_ih and w_hh. No result may replace an argument.
///
/// **Errors.** Throws ShapeError if the shapes do not fit; AliasError if a result shares memory with an argument or
/// another result of the same call.
///
/// **Source.** J. L. Elman, Finding Structure in Time (1990), Cognitive Science 14; torch.nn.RNNCell and torch.nn.RNN
/// with tanh.
//
// The derivation, step by step: rnn.md.

#include "handgrad/ops/rnn/recurrent.hpp"

namespace handgrad {

/// The kernels of rnn. x has B T rows of C numbers; the states h, their upstream gradient dy, and dz have B T rows of M.
/// A cell is the case T = 1.
template <class Place> struct RnnKernels {
    /// h.
    template <class T> static void forward(const RecurrentExtents& e, MatrixView<const T> x, MatrixView<const T> h_0,
                                           const RecurrentWeights<T>& w, MatrixView<T> h);
    /// dz and dh_0.
    template <class T> static void backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh,
                                                  MatrixView<const T> h, MatrixView<const T> dh, MatrixView<T> dz,
                                                  MatrixView<T> dh_0);
};

/// The results of rnn_forward.
template <class Tensor> struct RnnResult {
    Tensor y;      ///< (B, T, M), the states of all steps
    Tensor h_last; ///< (B, M), the last state
};

/// All gradients of rnn, for a cell or for sequences.
template <class Tensor> struct RnnGradients {
    Tensor dx;      ///< dL/dx, shape of x
    Tensor dh_prev; ///< dL/dh_prev of a cell or dL/dh_0 of sequences, (B, M)
    Tensor dw_ih;   ///< dL/dw_ih, (C, M)
    Tensor dw_hh;   ///< dL/dw_hh, (M, M)
    Tensor db_ih;   ///< dL/db_ih, (M,)
    Tensor db_hh;   ///< dL/db_hh, (M,)
};

/// The recurrent network, for all backends.
template <class Place, class T> struct RnnOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using RnnResult = handgrad::RnnResult<Tensor>;       ///< type of both results of forward together
    using RnnGradients = handgrad::RnnGradients<Tensor>; ///< type of all gradients together

    /// One step: h (B, M) of x (B, C) and h_prev (B, M). @throws ShapeError, AliasError
    static void rnn_cell_forward(const Tensor& x, const Tensor& h_prev, const Tensor& w_ih, const Tensor& w_hh,
                                 const Tensor& b_ih, const Tensor& b_hh, Tensor& h) {
        const auto where = "rnn_cell_forward";
        const NamedTensor arguments[] = {{"x", x},       {"h_prev", h_prev}, {"w_ih", w_ih},
                                         {"w_hh", w_hh}, {"b_ih", b_ih},     {"b_hh", b_hh}};
        require_all_apart(where, arguments, {{"h", h}});
        forward(where, cell, x, h_prev, w_ih, w_hh, b_ih, b_hh, h);
    }
    /// The same, as a new tensor.
    static Tensor rnn_cell_forward(const Tensor& x, const Tensor& h_prev, const Tensor& w_ih, const Tensor& w_hh,
                                   const Tensor& b_ih, const Tensor& b_hh) {
        Tensor h;
        rnn_cell_forward(x, h_prev, w_ih, w_hh, b_ih, b_hh, h);
        return h;
    }

    /// dz and dh_prev, (B, M) both, overwritten, given the state h of forward and its gradient dh, (B, M): the sum of
    /// what the loss and the next step give. @throws ShapeError, AliasError
    static void rnn_cell_backward_state(const Tensor& w_hh, const Tensor& h, const Tensor& dh, Tensor& dz,
                                        Tensor& dh_prev) {
        const auto where = "rnn_cell_backward_state";
        const NamedTensor arguments[] = {{"w_hh", w_hh}, {"h", h}, {"dh", dh}};
        require_all_apart(where, arguments, {{"dz", dz}, {"dh_prev", dh_prev}});
        backward_state(where, cell, w_hh, h, dh, dz, dh_prev);
    }

    /// dw_ih (C, M), dw_hh (M, M), db_ih and db_hh (M,), overwritten or added to, given dz (B, M).
    /// @throws ShapeError, AliasError
    static void rnn_cell_backward_parameters(const Tensor& x, const Tensor& h_prev, const Tensor& dz, Tensor& dw_ih,
                                             Tensor& dw_hh, Tensor& db_ih, Tensor& db_hh,
                                             Accumulate mode = Accumulate::no) {
        RecurrentOperations<Place, T>::backward_parameters("rnn_cell_backward_parameters", cell, x, h_prev, nullptr, dz,
                                                           dw_ih, dw_hh, db_ih, db_hh, mode);
    }

    /// All gradients of one step at once, as new tensors. @throws ShapeError
    static RnnGradients rnn_cell_backward(const Tensor& x, const Tensor& h_prev, const Tensor& w_ih, const Tensor& w_hh,
                                          const Tensor& h, const Tensor& dh) {
        RnnGradients g;
        Tensor dz;
        rnn_cell_backward_state(w_hh, h, dh, dz, g.dh_prev);
        rnn_cell_backward_parameters(x, h_prev, dz, g.dw_ih, g.dw_hh, g.db_ih, g.db_hh);
        rnn_backward_input(dz, w_ih, g.dx);
        return g;
    }

    /// dx, shape of x, overwritten, given dz, (B, M) of a cell or (B, T, M) of sequences.
    /// @throws ShapeError, AliasError
    static void rnn_backward_input(const Tensor& dz, const Tensor& w_ih, Tensor& dx) {
        RecurrentOperations<Place, T>::backward_input("rnn_backward_input", dz, w_ih, dx);
    }

    /// y (B, T, M), the states of all steps, of x (B, T, C), from h_0 (B, M) on, and the last one, h_last (B, M).
    /// @throws ShapeError, AliasError
    static void rnn_forward(const Tensor& x, const Tensor& h_0, const Tensor& w_ih, const Tensor& w_hh,
                            const Tensor& b_ih, const Tensor& b_hh, Tensor& y, Tensor& h_last) {
        const auto where = "rnn_forward";
        const NamedTensor arguments[] = {{"x", x},       {"h_0", h_0},   {"w_ih", w_ih},
                                         {"w_hh", w_hh}, {"b_ih", b_ih}, {"b_hh", b_hh}};
        require_all_apart(where, arguments, {{"y", y}, {"h_last", h_last}});
        const RecurrentExtents e = forward(where, sequence, x, h_0, w_ih, w_hh, b_ih, b_hh, y);
        resize(h_last, h_0.shape());
        RecurrentKernels<Place>::last(e, rows(h_0), rows(std::as_const(y)), rows(h_last));
    }
    /// The same, as new tensors.
    static RnnResult rnn_forward(const Tensor& x, const Tensor& h_0, const Tensor& w_ih, const Tensor& w_hh,
                                 const Tensor& b_ih, const Tensor& b_hh) {
        RnnResult result;
        rnn_forward(x, h_0, w_ih, w_hh, b_ih, b_hh, result.y, result.h_last);
        return result;
    }

    /// dz (B, T, M) and dh_0 (B, M), overwritten, given y of forward and dy, both (B, T, M).
    /// @throws ShapeError, AliasError
    static void rnn_backward_state(const Tensor& w_hh, const Tensor& y, const Tensor& dy, Tensor& dz, Tensor& dh_0) {
        const auto where = "rnn_backward_state";
        const NamedTensor arguments[] = {{"w_hh", w_hh}, {"y", y}, {"dy", dy}};
        require_all_apart(where, arguments, {{"dz", dz}, {"dh_0", dh_0}});
        backward_state(where, sequence, w_hh, y, dy, dz, dh_0);
    }

    /// dw_ih (C, M), dw_hh (M, M), db_ih and db_hh (M,), overwritten or added to, given y of forward and dz, both
    /// (B, T, M). @throws ShapeError, AliasError
    static void rnn_backward_parameters(const Tensor& x, const Tensor& h_0, const Tensor& y, const Tensor& dz,
                                        Tensor& dw_ih, Tensor& dw_hh, Tensor& db_ih, Tensor& db_hh,
                                        Accumulate mode = Accumulate::no) {
        RecurrentOperations<Place, T>::backward_parameters("rnn_backward_parameters", sequence, x, h_0, &y, dz, dw_ih,
                                                           dw_hh, db_ih, db_hh, mode);
    }

    /// All gradients of sequences at once, as new tensors. @throws ShapeError
    static RnnGradients rnn_backward(const Tensor& x, const Tensor& h_0, const Tensor& w_ih, const Tensor& w_hh,
                                     const Tensor& y, const Tensor& dy) {
        RnnGradients g;
        Tensor dz;
        rnn_backward_state(w_hh, y, dy, dz, g.dh_prev);
        rnn_backward_parameters(x, h_0, y, dz, g.dw_ih, g.dw_hh, g.db_ih, g.db_hh);
        rnn_backward_input(dz, w_ih, g.dx);
        return g;
    }

private:
    static constexpr RecurrentForm cell{false, 1}, sequence{true, 1};

    static RecurrentExtents forward(std::string_view where, RecurrentForm form, const Tensor& x, const Tensor& h_0,
                                    const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh,
                                    Tensor& h) {
        const RecurrentExtents e = recurrent_forward_extents(where, form, x.shape(), h_0.shape(),
                                                             {w_ih.shape(), w_hh.shape(), b_ih.shape(), b_hh.shape()});
        resize(h, form.tokens(e, e.hidden));
        const RecurrentWeights<T> w{rows(w_ih), rows(w_hh), entries(b_ih), entries(b_hh)};
        on_fast_kernels<Place>(
            [&](auto place) { RnnKernels<decltype(place)>::forward(e, rows(x), rows(h_0), w, rows(h)); });
        return e;
    }

    static void backward_state(std::string_view where, RecurrentForm form, const Tensor& w_hh, const Tensor& h,
                               const Tensor& dh, Tensor& dz, Tensor& dh_0) {
        const RecurrentExtents e =
            recurrent_state_extents(where, form, w_hh.shape(), form.states(), h.shape(), dh.shape());
        resize(dz, h.shape());
        resize(dh_0, {e.batch, e.hidden});
        on_fast_kernels<Place>([&](auto place) {
            RnnKernels<decltype(place)>::backward_state(e, rows(w_hh), rows(h), rows(dh), rows(dz), rows(dh_0));
        });
    }
};

HANDGRAD_CALL_AS(RnnOperations, rnn_cell_forward)
HANDGRAD_CALL_AS(RnnOperations, rnn_cell_backward_state)
HANDGRAD_CALL_AS(RnnOperations, rnn_cell_backward_parameters)
HANDGRAD_CALL_AS(RnnOperations, rnn_cell_backward)
HANDGRAD_CALL_AS(RnnOperations, rnn_backward_input)
HANDGRAD_CALL_AS(RnnOperations, rnn_forward)
HANDGRAD_CALL_AS(RnnOperations, rnn_backward_state)
HANDGRAD_CALL_AS(RnnOperations, rnn_backward_parameters)
HANDGRAD_CALL_AS(RnnOperations, rnn_backward)

} // namespace handgrad

#include "handgrad/ops/rnn/reference.hpp" // the kernels of the reference are templates
