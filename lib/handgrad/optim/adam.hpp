#pragma once
/// @file

#include <string>
#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/adam/adam.hpp"
#include "handgrad/optim/optimizer.hpp"

namespace handgrad::optim {

/// Throws std::invalid_argument, as PyTorch does, for a negative or non-finite lr, eps or weight_decay, and for betas
/// outside [0, 1).
void check_adam_options(const AdamOptions& options);

/// Returns the options but for the learning rate: "Adam(betas=(0.9, 0.999), ...)", or "AdamW(...)" for decoupled decay.
std::string to_string(const AdamOptions& options);

/// Adam, torch.optim.Adam without amsgrad. Update rule: ops/adam/adam.hpp. The state of a parameter is "exp_avg",
/// "exp_avg_sq" and "step", the number of steps so far.
template <class Backend> class Adam : public GroupedOptimizer<Backend, AdamOptions> {
    using Base = GroupedOptimizer<Backend, AdamOptions>;

public:
    using typename Base::Group;
    using typename Base::Parameter;
    using typename Base::State;

    /// Puts all parameters into one group.
    /// @param parameters parameters of a model; must outlive the optimiser
    /// @param options options with the names and defaults of torch.optim.Adam
    /// @throws std::invalid_argument for options out of range or a parameter that appears twice
    explicit Adam(std::vector<Parameter*> parameters, const AdamOptions& options = {})
        : Adam(std::vector<Group>{Group{std::move(parameters), options}}) {}

    /// Takes groups of parameters, each with its own options. Throws as the other constructor.
    explicit Adam(std::vector<Group> groups) : Base(std::move(groups), {{"exp_avg", "exp_avg_sq"}, {"step"}}) {
        for (const Group& group : this->groups()) { check_adam_options(group.options); }
    }

private:
    void update(Parameter& parameter, State& state, const AdamOptions& options) override {
        Backend::adam_step(parameter.value, parameter.grad, state.tensors[0], state.tensors[1], ++state.counts[0],
                           options);
    }
    void check(const AdamOptions& options) const override { check_adam_options(options); }
    std::string text(const AdamOptions& options) const override { return to_string(options); }
    bool makes_state(const AdamOptions&, std::size_t) const override { return true; }
};

/// Adam with decoupled weight decay, torch.optim.AdamW. It differs from Adam in the type of its options, whose defaults
/// are AdamW's. Groups that should not decay, such as biases, set weight_decay to 0.
template <class Backend> class AdamW : public Adam<Backend> {
public:
    using typename Adam<Backend>::Parameter;

    /// The parameters of a group and their options.
    using Group = ParameterGroup<Backend, AdamWOptions>;

    /// Puts all parameters into one group. See Adam.
    explicit AdamW(std::vector<Parameter*> parameters, const AdamWOptions& options = {})
        : AdamW(std::vector<Group>{Group{std::move(parameters), options}}) {}

    /// Takes groups of parameters, each with its own options. See Adam.
    explicit AdamW(const std::vector<Group>& groups) : Adam<Backend>(decoupled(groups)) {}

private:
    static std::vector<typename Adam<Backend>::Group> decoupled(const std::vector<Group>& groups) {
        std::vector<typename Adam<Backend>::Group> all;
        for (const Group& group : groups) {
            all.push_back({group.parameters, group.options});
            all.back().options.decoupled_weight_decay = true;
        }
        return all;
    }
};

} // namespace handgrad::optim
