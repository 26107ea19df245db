#pragma once
/// @file

#include <string>
#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/sgd/sgd.hpp"
#include "handgrad/optim/optimizer.hpp"

namespace handgrad::optim {

/// Throws std::invalid_argument, as PyTorch does, for a negative or non-finite lr, momentum or weight_decay, and for
/// Nesterov's momentum without momentum or with dampening.
void check_sgd_options(const SgdOptions& options);

/// Returns the options but for the learning rate: "SGD(momentum=0.9, ...)".
std::string to_string(const SgdOptions& options);

/// Stochastic gradient descent, torch.optim.SGD with all its options. Update rule: ops/sgd/sgd.hpp. The state of a
/// parameter is its "momentum_buffer", which the first step with momentum computes.
template <class Backend> class SGD : public GroupedOptimizer<Backend, SgdOptions> {
    using Base = GroupedOptimizer<Backend, SgdOptions>;

public:
    using typename Base::Group;
    using typename Base::Parameter;
    using typename Base::State;

    /// Puts all parameters into one group.
    /// @param parameters parameters of a model; must outlive the optimiser
    /// @param options options with the names and defaults of torch.optim.SGD
    /// @throws std::invalid_argument for options out of range or a parameter that appears twice
    SGD(std::vector<Parameter*> parameters, const SgdOptions& options)
        : SGD(std::vector<Group>{Group{std::move(parameters), options}}) {}

    /// Takes groups of parameters, each with its own options. Throws as the other constructor.
    explicit SGD(std::vector<Group> groups) : Base(std::move(groups), {{"momentum_buffer"}, {}}) {
        for (const Group& group : this->groups()) { check_sgd_options(group.options); }
    }

private:
    void update(Parameter& parameter, State& state, const SgdOptions& options) override {
        Backend::sgd_step(parameter.value, parameter.grad, state.tensors[0], options);
    }
    void check(const SgdOptions& options) const override { check_sgd_options(options); }
    std::string text(const SgdOptions& options) const override { return to_string(options); }
    bool makes_state(const SgdOptions& options, std::size_t) const override { return options.momentum != 0; }
};

} // namespace handgrad::optim
