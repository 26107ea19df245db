#include "handgrad/ops/rnn/recurrent.hpp"

namespace handgrad {

namespace {

void require_tokens(std::string_view where, RecurrentForm form, std::string_view what, const Shape& shape,
                    std::string_view last) {
    if (form.is_sequence) {
        require_rank(where, what, shape, {"B", "T", last});
    } else {
        require_rank(where, what, shape, {"B", last});
    }
}

std::size_t tokens_of(RecurrentForm form, const Shape& shape) { return form.is_sequence ? shape[1] : 1; }

/// Checks w_hh, and returns M.
std::size_t hidden_units(std::string_view where, RecurrentForm form, const Shape& w_hh) {
    require_rank(where, "w_hh", w_hh, {"M", form.gates == 1 ? "M" : "4 M"});
    require_shape(where, "w_hh", w_hh, {w_hh[0], form.gates * w_hh[0]});
    return w_hh[0];
}

} // namespace

RecurrentExtents recurrent_forward_extents(std::string_view where, RecurrentForm form, const Shape& x,
                                           const Shape& state, const RecurrentShapes& parameters) {
    require_tokens(where, form, "x", x, "C");
    const std::size_t M = hidden_units(where, form, parameters.w_hh), scores = form.gates * M;
    const RecurrentExtents e{x[0], tokens_of(form, x), x.back(), M};
    require_shape(where, "w_ih", parameters.w_ih, {e.inputs, scores});
    require_shape(where, "b_ih", parameters.b_ih, {scores});
    require_shape(where, "b_hh", parameters.b_hh, {scores});
    require_shape(where, form.state(), state, {e.batch, M});
    return e;
}

RecurrentExtents recurrent_state_extents(std::string_view where, RecurrentForm form, const Shape& w_hh,
                                         std::string_view name, const Shape& states, const Shape& upstream) {
    const std::size_t M = hidden_units(where, form, w_hh);
    require_tokens(where, form, name, states, "M");
    require_shape(where, name, states, with_last(states, M));
    require_shape(where, form.upstream(), upstream, states);
    return {states[0], tokens_of(form, states), 0, M};
}

RecurrentExtents recurrent_parameter_extents(std::string_view where, RecurrentForm form, const Shape& x,
                                             const Shape& state, const Shape& dz) {
    require_tokens(where, form, "x", x, "C");
    require_rank(where, form.state(), state, {"B", "M"});
    const RecurrentExtents e{x[0], tokens_of(form, x), x.back(), state[1]};
    require_shape(where, form.state(), state, {e.batch, e.hidden});
    require_shape(where, "dz", dz, form.tokens(e, form.gates * e.hidden));
    return e;
}

} // namespace handgrad
