#pragma once
/// @file

#include <string>
#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/rmsprop/rmsprop.hpp"
#include "handgrad/optim/optimizer.hpp"

namespace handgrad::optim {

/// Throws std::invalid_argument, as PyTorch does, for a negative or non-finite lr, alpha, eps, momentum or weight_decay.
void check_rmsprop_options(const RMSpropOptions& options);

/// Returns the options but for the learning rate: "RMSprop(alpha=0.99, ...)".
std::string to_string(const RMSpropOptions& options);

/// RMSprop, torch.optim.RMSprop. Update rule: ops/rmsprop/rmsprop.hpp. The state of a parameter is "square_avg", with
/// `centered` also "grad_avg", and with momentum also "momentum_buffer".
template <class Backend> class RMSprop : public GroupedOptimizer<Backend, RMSpropOptions> {
    using Base = GroupedOptimizer<Backend, RMSpropOptions>;

public:
    using typename Base::Group;
    using typename Base::Parameter;
    using typename Base::State;

    /// Puts all parameters into one group.
    /// @param parameters parameters of a model; must outlive the optimiser
    /// @param options options with the names and defaults of torch.optim.RMSprop
    /// @throws std::invalid_argument for options out of range or a parameter that appears twice
    explicit RMSprop(std::vector<Parameter*> parameters, const RMSpropOptions& options = {})
        : RMSprop(std::vector<Group>{Group{std::move(parameters), options}}) {}

    /// Takes groups of parameters, each with its own options. Throws as the other constructor.
    explicit RMSprop(std::vector<Group> groups)
        : Base(std::move(groups), {{"square_avg", "grad_avg", "momentum_buffer"}, {}}) {
        for (const Group& group : this->groups()) { check_rmsprop_options(group.options); }
    }

private:
    void update(Parameter& parameter, State& state, const RMSpropOptions& options) override {
        Backend::rmsprop_step(parameter.value, parameter.grad, state.tensors[0], state.tensors[1], state.tensors[2],
                              options);
    }
    void check(const RMSpropOptions& options) const override { check_rmsprop_options(options); }
    std::string text(const RMSpropOptions& options) const override { return to_string(options); }
    bool makes_state(const RMSpropOptions& options, std::size_t k) const override {
        return k == 0 || (k == 1 ? options.centered : options.momentum != 0);
    }
};

} // namespace handgrad::optim
