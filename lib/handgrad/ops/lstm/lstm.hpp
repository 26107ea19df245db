#pragma once
/// @file
/// # Long short-term memory (LSTM)
///
/// **Formulas.** A sequence has two states, rows of M numbers: the hidden state \f$ h_t \f$ and the cell state
/// \f$ c_t \f$. Step t computes 4 M scores from the input \f$ x_t \f$, a row of C numbers, and from the hidden state
/// before it,
/// \f[ z_{tk} = \sum_c x_{tc}\, w_{\text{ih},ck} + b_{\text{ih},k}
///              + \sum_j h_{t-1,j}\, w_{\text{hh},jk} + b_{\text{hh},k}, \f]
/// and from these the input gate, the forget gate, the candidate and the output gate, in this order, M numbers each:
/// \f[ i_{tk} = \text{sigmoid}\, z_{t,k}, \quad f_{tk} = \text{sigmoid}\, z_{t,M+k}, \quad
///     g_{tk} = \tanh z_{t,2M+k}, \quad o_{tk} = \text{sigmoid}\, z_{t,3M+k}, \f]
/// \f[ c_{tk} = f_{tk}\, c_{t-1,k} + i_{tk}\, g_{tk}, \qquad h_{tk} = o_{tk} \tanh c_{tk}, \qquad y_t = h_t. \f]
/// Backward goes from the last step to the first. Both states are used twice: \f$ h_t \f$ as a result and by the next
/// step, \f$ c_t \f$ by \f$ h_t \f$ and by the next step. Their gradients are the sums
/// \f[ dh_{tj} = dy_{tj} + \sum_k dz_{t+1,k}\, w_{\text{hh},jk}, \qquad
///     dc_{tk} = dc_{t+1,k}\, f_{t+1,k} + dh_{tk}\, o_{tk} \bigl( 1 - \tanh^2 c_{tk} \bigr), \f]
/// where what comes from the next step is 0 for the last one, and
/// \f[ dz_{t,k} = dc_{tk}\, g_{tk}\, i_{tk} (1 - i_{tk}), \qquad
///     dz_{t,M+k} = dc_{tk}\, c_{t-1,k}\, f_{tk} (1 - f_{tk}), \f]
/// \f[ dz_{t,2M+k} = dc_{tk}\, i_{tk} \bigl( 1 - g_{tk}^2 \bigr), \qquad
///     dz_{t,3M+k} = dh_{tk} \tanh c_{tk}\; o_{tk} (1 - o_{tk}). \f]
/// Given dz, the gradients of the input and of the parameters are those of @ref op_rnn :
/// \f[ dx_{tc} = \sum_k dz_{tk}\, w_{\text{ih},ck}, \quad
///     dw_{\text{ih},ck} = \sum_t x_{tc}\, dz_{tk}, \quad
///     dw_{\text{hh},jk} = \sum_t h_{t-1,j}\, dz_{tk}, \quad
///     db_{\text{ih},k} = db_{\text{hh},k} = \sum_t dz_{tk}, \f]
/// summed over all sequences as well.
///
/// **Two forms.** `lstm_cell_...` is one step of B sequences, as torch.nn.LSTMCell; `lstm_...` is all T steps, as
/// torch.nn.LSTM with batch_first=True. In the second form, step t = 1, 2, ..., T has index t - 1 in the tensors.
///
/// **Shapes.**
/// | name                              | shape of a cell | shape of a sequence | meaning |
/// | --------------------------------- | --------------- | ------------------- | ------- |
/// | x, dx                             | (B, C)          | (B, T, C)           | the input, C features of every token; and dL/dx |
/// | h_prev, c_prev or h_0, c_0        | (B, M)          | (B, M)              | the states before the first step; their gradients have the same shape |
/// | h, dh                             | (B, M)          |                     | the hidden state after the step, and its whole gradient |
/// | y, dy                             |                 | (B, T, M)           | the hidden states of all steps, and the upstream gradient |
/// | c                                 | (B, M)          | (B, T, M)           | the cell states |
/// | dc                                | (B, M)          |                     | what the next step passes back to c, without the way through h |
/// | gates                             | (B, 4 M)        | (B, T, 4 M)         | i, f, g and o side by side, which forward returns |
/// | dz                                | (B, 4 M)        | (B, T, 4 M)         | dL/dz, from which dx and the gradients of the parameters are computed |
/// | h_last, c_last                    |                 | (B, M)              | the last states, which are h_0 and c_0 if T = 0 |
/// | w_ih, dw_ih                       | (C, 4 M)        | (C, 4 M)            | weight from the input; PyTorch stores its transpose, (4 M, C) |
/// | w_hh, dw_hh                       | (M, 4 M)        | (M, 4 M)            | weight from the hidden state; PyTorch stores its transpose |
/// | b_ih, b_hh, db_ih, db_hh          | (4 M,)          | (4 M,)              | both biases, whose gradients are equal |
///
/// To convert from PyTorch: transpose weight_ih (4 M, C) and weight_hh (4 M, M); the biases are the same. The order of
/// the gates is PyTorch's.
///
/// **Backward** has three parts. `lstm_backward_state` goes through the steps: dz, dh_0 and dc_0 from dy. Then
/// `lstm_backward_input` computes dx, if it is needed, and `lstm_backward_parameters` all gradients of the parameters.
/// `lstm_backward` does all three.
///
/// **Memory.** Backward needs x, h_0, c_0, y, c, gates, w_ih and w_hh. No result may replace an argument.
///
/// **Errors.** Throws ShapeError if the shapes do not fit; AliasError if a result shares memory with an argument or
/// another result of the same call.
///
/// **Source.** S. Hochreiter, J. Schmidhuber, Long Short-Term Memory (1997), Neural Computation 9; the forget gate: F.
/// A. Gers, J. Schmidhuber, F. Cummins, Learning to Forget (2000), Neural Computation 12; torch.nn.LSTMCell and
/// torch.nn.LSTM.
//
// The derivation, step by step: lstm.md.

#include "handgrad/ops/rnn/recurrent.hpp"

namespace handgrad {

/// The tensors that a step of the LSTM leaves for backward: rows n = b T + t, as in RecurrentKernels.
template <class T> struct LstmKept {
    MatrixView<T> h;     ///< (B T, M)
    MatrixView<T> c;     ///< (B T, M)
    MatrixView<T> gates; ///< (B T, 4 M)
};

/// The kernels of lstm. x has B T rows of C numbers. A cell is the case T = 1.
template <class Place> struct LstmKernels {
    /// h, c and gates.
    template <class T> static void forward(const RecurrentExtents& e, MatrixView<const T> x, MatrixView<const T> h_0,
                                           MatrixView<const T> c_0, const RecurrentWeights<T>& w,
                                           const LstmKept<T>& kept);
    /// dz, dh_0 and dc_0. dc_last, (B, M), is what is passed back to the last cell state; its data is null for zeros.
    template <class T>
    static void backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh, MatrixView<const T> c_0,
                               MatrixView<const T> gates, MatrixView<const T> c, MatrixView<const T> dh,
                               MatrixView<const T> dc_last, MatrixView<T> dz, MatrixView<T> dh_0, MatrixView<T> dc_0);
};

/// The results of lstm_cell_forward.
template <class Tensor> struct LstmCellResult {
    Tensor h;     ///< (B, M), the hidden state
    Tensor c;     ///< (B, M), the cell state
    Tensor gates; ///< (B, 4 M): i, f, g, o
};

/// The results of lstm_forward.
template <class Tensor> struct LstmResult {
    Tensor y;      ///< (B, T, M), the hidden states of all steps
    Tensor c;      ///< (B, T, M), all cell states
    Tensor gates;  ///< (B, T, 4 M): i, f, g, o
    Tensor h_last; ///< (B, M), the last hidden state
    Tensor c_last; ///< (B, M), the last cell state
};

/// All gradients of lstm, for a cell or for sequences.
template <class Tensor> struct LstmGradients {
    Tensor dx;      ///< dL/dx, shape of x
    Tensor dh_prev; ///< dL/dh_prev of a cell or dL/dh_0 of sequences, (B, M)
    Tensor dc_prev; ///< dL/dc_prev of a cell or dL/dc_0 of sequences, (B, M)
    Tensor dw_ih;   ///< dL/dw_ih, (C, 4 M)
    Tensor dw_hh;   ///< dL/dw_hh, (M, 4 M)
    Tensor db_ih;   ///< dL/db_ih, (4 M,)
    Tensor db_hh;   ///< dL/db_hh, (4 M,)
};

/// The LSTM, for all backends.
template <class Place, class T> struct LstmOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using LstmCellResult = handgrad::LstmCellResult<Tensor>; ///< type of the results of a step together
    using LstmResult = handgrad::LstmResult<Tensor>;         ///< type of the results of forward together
    using LstmGradients = handgrad::LstmGradients<Tensor>;   ///< type of all gradients together

    /// One step: h, c (B, M) and gates (B, 4 M) of x (B, C), h_prev and c_prev (B, M). @throws ShapeError, AliasError
    static void lstm_cell_forward(const Tensor& x, const Tensor& h_prev, const Tensor& c_prev, const Tensor& w_ih,
                                  const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh, Tensor& h, Tensor& c,
                                  Tensor& gates) {
        const auto where = "lstm_cell_forward";
        const NamedTensor arguments[] = {{"x", x},       {"h_prev", h_prev}, {"c_prev", c_prev}, {"w_ih", w_ih},
                                         {"w_hh", w_hh}, {"b_ih", b_ih},     {"b_hh", b_hh}};
        require_all_apart(where, arguments, {{"h", h}, {"c", c}, {"gates", gates}});
        forward(where, cell, x, h_prev, c_prev, w_ih, w_hh, b_ih, b_hh, h, c, gates);
    }
    /// The same, as new tensors.
    static LstmCellResult lstm_cell_forward(const Tensor& x, const Tensor& h_prev, const Tensor& c_prev,
                                            const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih,
                                            const Tensor& b_hh) {
        LstmCellResult result;
        lstm_cell_forward(x, h_prev, c_prev, w_ih, w_hh, b_ih, b_hh, result.h, result.c, result.gates);
        return result;
    }

    /// dz (B, 4 M), dh_prev and dc_prev (B, M), overwritten, given the gates and c of forward; dh (B, M), the whole
    /// gradient of h; and dc (B, M), what the next step passes back to c. The way from h to c is added here. @throws ShapeError, AliasError
    static void lstm_cell_backward_state(const Tensor& w_hh, const Tensor& c_prev, const Tensor& gates, const Tensor& c,
                                         const Tensor& dh, const Tensor& dc, Tensor& dz, Tensor& dh_prev,
                                         Tensor& dc_prev) {
        const auto where = "lstm_cell_backward_state";
        const NamedTensor arguments[] = {{"w_hh", w_hh}, {"c_prev", c_prev}, {"gates", gates},
                                         {"c", c},       {"dh", dh},         {"dc", dc}};
        require_all_apart(where, arguments, {{"dz", dz}, {"dh_prev", dh_prev}, {"dc_prev", dc_prev}});
        const RecurrentExtents e = backward_extents(where, cell, w_hh, "c_prev", c_prev, gates, c, dh);
        require_shape(where, "dc", dc.shape(), c.shape());
        backward_state(e, w_hh, c_prev, gates, c, dh, rows(dc), dz, dh_prev, dc_prev);
    }

    /// dw_ih (C, 4 M), dw_hh (M, 4 M), db_ih and db_hh (4 M,), overwritten or added to, given dz (B, 4 M).
    /// @throws ShapeError, AliasError
    static void lstm_cell_backward_parameters(const Tensor& x, const Tensor& h_prev, const Tensor& dz, Tensor& dw_ih,
                                              Tensor& dw_hh, Tensor& db_ih, Tensor& db_hh,
                                              Accumulate mode = Accumulate::no) {
        RecurrentOperations<Place, T>::backward_parameters("lstm_cell_backward_parameters", cell, x, h_prev, nullptr,
                                                           dz, dw_ih, dw_hh, db_ih, db_hh, mode);
    }

    /// All gradients of one step at once, as new tensors. @throws ShapeError
    static LstmGradients lstm_cell_backward(const Tensor& x, const Tensor& h_prev, const Tensor& c_prev,
                                            const Tensor& w_ih, const Tensor& w_hh, const Tensor& gates,
                                            const Tensor& c, const Tensor& dh, const Tensor& dc) {
        LstmGradients g;
        Tensor dz;
        lstm_cell_backward_state(w_hh, c_prev, gates, c, dh, dc, dz, g.dh_prev, g.dc_prev);
        lstm_cell_backward_parameters(x, h_prev, dz, g.dw_ih, g.dw_hh, g.db_ih, g.db_hh);
        lstm_backward_input(dz, w_ih, g.dx);
        return g;
    }

    /// dx, shape of x, overwritten, given dz, (B, 4 M) of a cell or (B, T, 4 M) of sequences.
    /// @throws ShapeError, AliasError
    static void lstm_backward_input(const Tensor& dz, const Tensor& w_ih, Tensor& dx) {
        RecurrentOperations<Place, T>::backward_input("lstm_backward_input", dz, w_ih, dx);
    }

    /// y and c, the states of all steps (B, T, M), and gates (B, T, 4 M), of x (B, T, C), from h_0 and c_0 (B, M) on;
    /// and the last states, h_last and c_last (B, M). @throws ShapeError, AliasError
    static void lstm_forward(const Tensor& x, const Tensor& h_0, const Tensor& c_0, const Tensor& w_ih,
                             const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh, Tensor& y, Tensor& c,
                             Tensor& gates, Tensor& h_last, Tensor& c_last) {
        const auto where = "lstm_forward";
        const NamedTensor arguments[] = {{"x", x},       {"h_0", h_0},   {"c_0", c_0},  {"w_ih", w_ih},
                                         {"w_hh", w_hh}, {"b_ih", b_ih}, {"b_hh", b_hh}};
        require_all_apart(where, arguments,
                          {{"y", y}, {"c", c}, {"gates", gates}, {"h_last", h_last}, {"c_last", c_last}});
        const RecurrentExtents e = forward(where, sequence, x, h_0, c_0, w_ih, w_hh, b_ih, b_hh, y, c, gates);
        resize(h_last, h_0.shape());
        resize(c_last, c_0.shape());
        RecurrentKernels<Place>::last(e, rows(h_0), rows(std::as_const(y)), rows(h_last));
        RecurrentKernels<Place>::last(e, rows(c_0), rows(std::as_const(c)), rows(c_last));
    }
    /// The same, as new tensors.
    static LstmResult lstm_forward(const Tensor& x, const Tensor& h_0, const Tensor& c_0, const Tensor& w_ih,
                                   const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
        LstmResult r;
        lstm_forward(x, h_0, c_0, w_ih, w_hh, b_ih, b_hh, r.y, r.c, r.gates, r.h_last, r.c_last);
        return r;
    }

    /// dz (B, T, 4 M), dh_0 and dc_0 (B, M), overwritten, given gates and c of forward, and dy (B, T, M).
    /// @throws ShapeError, AliasError
    static void lstm_backward_state(const Tensor& w_hh, const Tensor& c_0, const Tensor& gates, const Tensor& c,
                                    const Tensor& dy, Tensor& dz, Tensor& dh_0, Tensor& dc_0) {
        const auto where = "lstm_backward_state";
        const NamedTensor arguments[] = {{"w_hh", w_hh}, {"c_0", c_0}, {"gates", gates}, {"c", c}, {"dy", dy}};
        require_all_apart(where, arguments, {{"dz", dz}, {"dh_0", dh_0}, {"dc_0", dc_0}});
        const RecurrentExtents e = backward_extents(where, sequence, w_hh, "c_0", c_0, gates, c, dy);
        backward_state(e, w_hh, c_0, gates, c, dy, MatrixView<const T>{nullptr, e.batch, e.hidden}, dz, dh_0, dc_0);
    }

    /// dw_ih (C, 4 M), dw_hh (M, 4 M), db_ih and db_hh (4 M,), overwritten or added to, given y of forward,
    /// (B, T, M), and dz (B, T, 4 M). @throws ShapeError, AliasError
    static void lstm_backward_parameters(const Tensor& x, const Tensor& h_0, const Tensor& y, const Tensor& dz,
                                         Tensor& dw_ih, Tensor& dw_hh, Tensor& db_ih, Tensor& db_hh,
                                         Accumulate mode = Accumulate::no) {
        RecurrentOperations<Place, T>::backward_parameters("lstm_backward_parameters", sequence, x, h_0, &y, dz, dw_ih,
                                                           dw_hh, db_ih, db_hh, mode);
    }

    /// All gradients of sequences at once, as new tensors. @throws ShapeError
    static LstmGradients lstm_backward(const Tensor& x, const Tensor& h_0, const Tensor& c_0, const Tensor& w_ih,
                                       const Tensor& w_hh, const Tensor& gates, const Tensor& y, const Tensor& c,
                                       const Tensor& dy) {
        LstmGradients g;
        Tensor dz;
        lstm_backward_state(w_hh, c_0, gates, c, dy, dz, g.dh_prev, g.dc_prev);
        lstm_backward_parameters(x, h_0, y, dz, g.dw_ih, g.dw_hh, g.db_ih, g.db_hh);
        lstm_backward_input(dz, w_ih, g.dx);
        return g;
    }

private:
    static constexpr RecurrentForm cell{false, 4}, sequence{true, 4};

    static RecurrentExtents forward(std::string_view where, RecurrentForm form, const Tensor& x, const Tensor& h_0,
                                    const Tensor& c_0, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih,
                                    const Tensor& b_hh, Tensor& h, Tensor& c, Tensor& gates) {
        const RecurrentExtents e = recurrent_forward_extents(where, form, x.shape(), h_0.shape(),
                                                             {w_ih.shape(), w_hh.shape(), b_ih.shape(), b_hh.shape()});
        require_shape(where, form.is_sequence ? "c_0" : "c_prev", c_0.shape(), {e.batch, e.hidden});
        resize(h, form.tokens(e, e.hidden));
        resize(c, form.tokens(e, e.hidden));
        resize(gates, form.tokens(e, 4 * e.hidden));
        const RecurrentWeights<T> w{rows(w_ih), rows(w_hh), entries(b_ih), entries(b_hh)};
        const LstmKept<T> kept{rows(h), rows(c), rows(gates)};
        on_fast_kernels<Place>(
            [&](auto place) { LstmKernels<decltype(place)>::forward(e, rows(x), rows(h_0), rows(c_0), w, kept); });
        return e;
    }

    static RecurrentExtents backward_extents(std::string_view where, RecurrentForm form, const Tensor& w_hh,
                                             std::string_view name, const Tensor& c_0, const Tensor& gates,
                                             const Tensor& c, const Tensor& dh) {
        const RecurrentExtents e = recurrent_state_extents(where, form, w_hh.shape(), "c", c.shape(), dh.shape());
        require_shape(where, name, c_0.shape(), {e.batch, e.hidden});
        require_shape(where, "gates", gates.shape(), form.tokens(e, 4 * e.hidden));
        return e;
    }

    static void backward_state(const RecurrentExtents& e, const Tensor& w_hh, const Tensor& c_0, const Tensor& gates,
                               const Tensor& c, const Tensor& dh, MatrixView<const T> dc_last, Tensor& dz, Tensor& dh_0,
                               Tensor& dc_0) {
        resize(dz, gates.shape());
        resize(dh_0, c_0.shape());
        resize(dc_0, c_0.shape());
        on_fast_kernels<Place>([&](auto place) {
            LstmKernels<decltype(place)>::backward_state(e, rows(w_hh), rows(c_0), rows(gates), rows(c), rows(dh),
                                                         dc_last, rows(dz), rows(dh_0), rows(dc_0));
        });
    }
};

HANDGRAD_CALL_AS(LstmOperations, lstm_cell_forward)
HANDGRAD_CALL_AS(LstmOperations, lstm_cell_backward_state)
HANDGRAD_CALL_AS(LstmOperations, lstm_cell_backward_parameters)
HANDGRAD_CALL_AS(LstmOperations, lstm_cell_backward)
HANDGRAD_CALL_AS(LstmOperations, lstm_backward_input)
HANDGRAD_CALL_AS(LstmOperations, lstm_forward)
HANDGRAD_CALL_AS(LstmOperations, lstm_backward_state)
HANDGRAD_CALL_AS(LstmOperations, lstm_backward_parameters)
HANDGRAD_CALL_AS(LstmOperations, lstm_backward)

} // namespace handgrad

#include "handgrad/ops/lstm/reference.hpp" // the kernels of the reference are templates
