#pragma once
/// @file
/// What the recurrent operations share: extents, checks of shapes, the last state, and the gradients of the parameters.
///
/// A recurrent layer computes scores from the input of a step and from the state before it,
/// \f[ z_t = x_t w_{\text{ih}} + b_{\text{ih}} + h_{t-1} w_{\text{hh}} + b_{\text{hh}}, \f]
/// M scores in @ref op_rnn and 4 M in @ref op_lstm. Given the gradient of all scores, dz, the gradients of the
/// parameters are the same formulas in both.

#include "handgrad/ops/contract.hpp"
#include "handgrad/ops/linear/linear.hpp"

namespace handgrad {

/// The extents of a recurrent operation. A cell is the case of one token.
struct RecurrentExtents {
    std::size_t batch;  ///< number B of sequences
    std::size_t tokens; ///< number T of tokens in a sequence
    std::size_t inputs; ///< number C of features of a token
    std::size_t hidden; ///< number M of hidden units
};

/// What distinguishes the recurrent operations in their checks.
struct RecurrentForm {
    bool is_sequence;  ///< x is (B, T, C); for a cell it is (B, C)
    std::size_t gates; ///< scores for each hidden unit: 1 of an RNN, 4 of an LSTM
    /// The name of the state before the first step.
    std::string_view state() const { return is_sequence ? "h_0" : "h_prev"; }
    /// The name of the states that forward returns.
    std::string_view states() const { return is_sequence ? "y" : "h"; }
    /// The name of their upstream gradient.
    std::string_view upstream() const { return is_sequence ? "dy" : "dh"; }
    /// The shape of a tensor with `features` numbers for each token.
    Shape tokens(const RecurrentExtents& e, std::size_t features) const {
        return is_sequence ? Shape{e.batch, e.tokens, features} : Shape{e.batch, features};
    }
};

/// The parameters of a recurrent operation, G = M or 4 M scores for each token.
template <class T> struct RecurrentWeights {
    MatrixView<const T> w_ih; ///< (C, G)
    MatrixView<const T> w_hh; ///< (M, G)
    VectorView<const T> b_ih; ///< (G,)
    VectorView<const T> b_hh; ///< (G,)
};

/// The shapes of the parameters, for the checks.
struct RecurrentShapes {
    const Shape& w_ih; ///< shape of w_ih
    const Shape& w_hh; ///< shape of w_hh
    const Shape& b_ih; ///< shape of b_ih
    const Shape& b_hh; ///< shape of b_hh
};

/// Checks the arguments of forward on behalf of `where`. @throws ShapeError
RecurrentExtents recurrent_forward_extents(std::string_view where, RecurrentForm form, const Shape& x,
                                           const Shape& state, const RecurrentShapes& parameters);
/// Checks w_hh, states and their upstream gradient, for backward through the steps, which does not know C.
/// @throws ShapeError
RecurrentExtents recurrent_state_extents(std::string_view where, RecurrentForm form, const Shape& w_hh,
                                         std::string_view name, const Shape& states, const Shape& upstream);
/// Checks x, the state before the first step and dz, the arguments of the gradients of the parameters.
/// @throws ShapeError
RecurrentExtents recurrent_parameter_extents(std::string_view where, RecurrentForm form, const Shape& x,
                                             const Shape& state, const Shape& dz);

/// The gradients of the parameters, overwritten or added to.
template <class T> struct RecurrentGradients {
    MatrixView<T> dw_ih; ///< (C, G)
    MatrixView<T> dw_hh; ///< (M, G)
    VectorView<T> db_ih; ///< (G,)
    VectorView<T> db_hh; ///< (G,)
};

/// The kernels that the recurrent operations share. Rows n = b T + t of a matrix belong to token t of sequence b.
template <class Place> struct RecurrentKernels {
    /// The state after the last step, (B, M): rows b T + T - 1 of h, or h_0 if there is no step.
    template <class T>
    static void last(const RecurrentExtents& e, MatrixView<const T> h_0, MatrixView<const T> h, MatrixView<T> result);
    /// dw_ih = x^T dz, dw_hh = h_prev^T dz, where a row of h_prev is the state before the step, and db_ih = db_hh = the
    /// sum of the rows of dz. h has B T rows; it is not read if T = 1.
    template <class T> static void backward_parameters(const RecurrentExtents& e, MatrixView<const T> x,
                                                       MatrixView<const T> h_0, MatrixView<const T> h,
                                                       MatrixView<const T> dz, const RecurrentGradients<T>& g,
                                                       Accumulate mode);
};

/// The gradients of the input and of the parameters, for both recurrent operations.
template <class Place, class T> struct RecurrentOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// Checks memory and shapes, and computes dx = dz w_ih^T for dz of any rank. @throws ShapeError, AliasError
    static void backward_input(std::string_view where, const Tensor& dz, const Tensor& w_ih, Tensor& dx) {
        require_apart(where, {"dx", dx}, {{"dz", dz}, {"w_ih", w_ih}});
        require_rows(where, "dz", dz.shape(), "G");
        require_rank(where, "w_ih", w_ih.shape(), {"C", "G"});
        require_shape(where, "w_ih", w_ih.shape(), {w_ih.shape()[0], dz.shape().back()});
        resize(dx, with_last(dz.shape(), w_ih.shape()[0]));
        on_fast_kernels<Place>(
            [&](auto place) { LinearKernels<decltype(place)>::backward_input(rows(dz), rows(w_ih), rows(dx)); });
    }

    /// Checks memory and shapes, and computes dw_ih, dw_hh, db_ih and db_hh. `y`, all states, is null for a cell.
    /// @throws ShapeError, AliasError
    static void backward_parameters(std::string_view where, RecurrentForm form, const Tensor& x, const Tensor& state,
                                    const Tensor* y, const Tensor& dz, Tensor& dw_ih, Tensor& dw_hh, Tensor& db_ih,
                                    Tensor& db_hh, Accumulate mode) {
        const NamedTensor states{form.state(), state}, all_states{"y", y ? *y : state};
        const NamedTensor arguments[] = {{"x", x}, states, all_states, {"dz", dz}};
        require_all_apart(where, arguments, {{"dw_ih", dw_ih}, {"dw_hh", dw_hh}, {"db_ih", db_ih}, {"db_hh", db_hh}});
        const RecurrentExtents e = recurrent_parameter_extents(where, form, x.shape(), state.shape(), dz.shape());
        if (y) { require_shape(where, "y", y->shape(), form.tokens(e, e.hidden)); }
        const std::size_t scores = form.gates * e.hidden;
        prepare_gradient(where, "dw_ih", dw_ih, {e.inputs, scores}, mode);
        prepare_gradient(where, "dw_hh", dw_hh, {e.hidden, scores}, mode);
        prepare_gradient(where, "db_ih", db_ih, {scores}, mode);
        prepare_gradient(where, "db_hh", db_hh, {scores}, mode);
        const RecurrentGradients<T> g{rows(dw_ih), rows(dw_hh), entries(db_ih), entries(db_hh)};
        on_fast_kernels<Place>([&](auto place) {
            RecurrentKernels<decltype(place)>::backward_parameters(e, rows(x), rows(state), rows(y ? *y : state),
                                                                   rows(dz), g, mode);
        });
    }
};

} // namespace handgrad
