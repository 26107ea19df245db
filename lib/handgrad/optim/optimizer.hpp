#pragma once
/// @file
/// Optimisers: parameters in groups, the state that an optimiser keeps of each parameter, and learning rates.
///
/// A new optimiser derives from GroupedOptimizer and defines the update of one parameter. The training loop, the
/// schedulers and the checkpoints then work with it.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"

namespace handgrad::optim {

/// The learning rates of an optimiser, one for each group of parameters: the part that a scheduler changes.
class LearningRates {
public:
    virtual ~LearningRates() = default;
    virtual std::size_t group_count() const = 0;        ///< number of groups
    virtual double lr(std::size_t group = 0) const = 0; ///< learning rate of a group
    /// Sets the learning rate of a group. Throws std::invalid_argument if it is out of range.
    virtual void set_lr(double lr, std::size_t group) = 0;
    /// Sets the learning rate of every group.
    void set_lr(double lr) {
        for (std::size_t group = 0; group < group_count(); ++group) { set_lr(lr, group); }
    }
    /// Multiplies the learning rate of every group.
    void scale_lr(double factor) {
        for (std::size_t group = 0; group < group_count(); ++group) { set_lr(factor * lr(group), group); }
    }
    /// Returns the learning rates of all groups.
    std::vector<double> lrs() const {
        std::vector<double> all;
        for (std::size_t group = 0; group < group_count(); ++group) { all.push_back(lr(group)); }
        return all;
    }
};

/// The names of an optimiser's state, which are PyTorch's: "momentum_buffer"; "exp_avg", "exp_avg_sq", "step".
struct StateNames {
    std::vector<std::string> tensors; ///< tensors of the parameter's shape
    std::vector<std::string> counts;  ///< whole numbers
};

/// The state of one parameter.
template <class Backend> struct ParameterState {
    std::vector<typename Backend::Tensor> tensors; ///< one for each name; of shape (0,) until a step computes it
    std::vector<std::size_t> counts;               ///< one for each name; 0 at first
};

namespace detail {
/// Throws std::out_of_range: "Optimizer: no state 'exp_avg', expected one of momentum_buffer".
[[noreturn]] void refuse_state(std::string_view name, const StateNames& names);
/// Throws std::invalid_argument: the optimiser has a parameter that is not the model's.
[[noreturn]] void refuse_parameter();
/// Throws std::invalid_argument if a parameter appears twice, as PyTorch does.
void require_distinct(std::vector<const void*> parameters);
} // namespace detail

/// An optimiser as the training loop and a checkpoint see it.
template <class Backend> class Optimizer : public LearningRates {
public:
    using Tensor = typename Backend::Tensor;  ///< type of an array
    using Parameter = nn::Parameter<Backend>; ///< type of a parameter
    using State = ParameterState<Backend>;    ///< type of its state

    /// Moves every parameter by one step against its gradient.
    virtual void step() = 0;
    /// Sets every gradient to zero.
    void zero_grad() {
        for (Parameter* parameter : parameters_) { parameter->grad.fill(typename Backend::Scalar(0)); }
    }

    const std::vector<Parameter*>& parameters() const { return parameters_; } ///< all parameters, group after group
    /// Returns the names of parameters() in a model. Throws std::invalid_argument if the model has not all of them.
    std::vector<std::string> names_in(const nn::Component<Backend>& model) const {
        std::map<const Parameter*, std::string> names;
        for (const auto& [name, parameter] : model.named_parameters()) { names.emplace(parameter, name); }
        std::vector<std::string> result;
        for (const Parameter* parameter : parameters_) {
            const auto found = names.find(parameter);
            if (found == names.end()) { detail::refuse_parameter(); }
            result.push_back(found->second);
        }
        return result;
    }
    /// Returns the options of all groups but for their learning rates, one line for each group. If there are several
    /// groups, each line names the group's parameters. A resumed run must have the same text. Throws as names_in().
    std::string options_text_in(const nn::Component<Backend>& model) const {
        const auto names = names_in(model);
        std::string text;
        for (std::size_t group = 0; group < this->group_count(); ++group) {
            text += (group > 0 ? "\n" : "") + options_text(group);
            for (std::size_t i = 0; i < names.size() && this->group_count() > 1; ++i) {
                if (group_of(i) == group) { text += ' ' + names[i]; }
            }
        }
        return text;
    }
    virtual std::size_t group_of(std::size_t parameter) const = 0; ///< the group of parameters()[parameter]
    /// Returns the options of a group but for its learning rate: "SGD(momentum=0.9, ...)".
    virtual std::string options_text(std::size_t group) const = 0;
    /// Returns whether the parameters of a group have the k-th state tensor. Those of SGD without momentum have none.
    virtual bool keeps_state(std::size_t group, std::size_t k) const = 0;

    const StateNames& state_names() const { return names_; }     ///< names of the state
    const std::vector<State>& states() const { return states_; } ///< the state of each of parameters()
    /// Returns a state tensor, as torch.optim's state[parameter][name]. Throws std::out_of_range for an unknown name.
    const Tensor& state(std::size_t parameter, std::string_view name) const {
        for (std::size_t k = 0; k < names_.tensors.size(); ++k) {
            if (names_.tensors[k] == name) { return states_.at(parameter).tensors[k]; }
        }
        detail::refuse_state(name, names_);
    }

    /// Returns states in their full shapes, with unspecified numbers.
    std::vector<State> made_states() const {
        std::vector<State> made = states_;
        for (std::size_t i = 0; i < made.size(); ++i) {
            for (std::size_t k = 0; k < names_.tensors.size(); ++k) {
                made[i].tensors[k] = Tensor(keeps_state(group_of(i), k) ? parameters_[i]->value.shape() : Shape{0});
            }
        }
        return made;
    }

    /// Returns the tensors of `states` under names such as "exp_avg.fc1.weight". Leaves out those that are not kept.
    /// Throws as names_in().
    std::vector<std::pair<std::string, Tensor*>> named_states(std::vector<State>& states,
                                                              const nn::Component<Backend>& model) const {
        std::vector<std::pair<std::string, Tensor*>> named;
        const auto names = names_in(model);
        for (std::size_t i = 0; i < states.size(); ++i) {
            for (std::size_t k = 0; k < names_.tensors.size(); ++k) {
                if (!keeps_state(group_of(i), k)) { continue; }
                named.emplace_back(names_.tensors[k] + "." + names[i], &states[i].tensors[k]);
            }
        }
        return named;
    }

    /// Takes over the state of another optimiser of the same parameters. If it throws, nothing has changed.
    /// @param lrs learning rates, one for each group
    /// @param states one for each parameter, with tensors of the parameter's shape or of shape (0,)
    /// @throws ShapeError for other shapes or numbers of them, std::invalid_argument for a learning rate out of range
    void load_state(const std::vector<double>& lrs, std::vector<State> states) {
        const auto require_count = [](const char* what, std::size_t count, std::size_t expected) {
            require_shape("Optimizer::load_state", what, Shape{count}, Shape{expected});
        };
        require_count("lrs", lrs.size(), group_count());
        require_count("states", states.size(), parameters_.size());
        for (std::size_t i = 0; i < states.size(); ++i) {
            require_count("a list of tensors", states[i].tensors.size(), names_.tensors.size());
            require_count("a list of counts", states[i].counts.size(), names_.counts.size());
            for (std::size_t k = 0; k < names_.tensors.size(); ++k) {
                const Shape& shape = states[i].tensors[k].shape();
                if (shape == Shape{0}) { continue; }
                require_shape("Optimizer::load_state", names_.tensors[k], shape, parameters_[i]->value.shape());
            }
        }
        for (std::size_t group = 0; group < lrs.size(); ++group) { check_lr(lrs[group], group); }
        for (std::size_t group = 0; group < lrs.size(); ++group) { set_lr(lrs[group], group); }
        states_ = std::move(states);
    }

protected:
    /// @param parameters group after group @param names of the state that is kept of each
    Optimizer(std::vector<Parameter*> parameters, StateNames names)
        : parameters_(std::move(parameters)), names_(std::move(names)),
          states_(parameters_.size(), State{std::vector<Tensor>(names_.tensors.size(), Tensor(Shape{0})),
                                            std::vector<std::size_t>(names_.counts.size())}) {
        detail::require_distinct({parameters_.begin(), parameters_.end()});
    }
    /// Throws std::invalid_argument if a learning rate is out of range for a group.
    virtual void check_lr(double lr, std::size_t group) const = 0;

    State& state_of(std::size_t parameter) { return states_[parameter]; } ///< state of parameters()[parameter]

private:
    std::vector<Parameter*> parameters_;
    StateNames names_;
    std::vector<State> states_;
};

/// Parameters that share options: an entry of torch.optim's param_groups.
template <class Backend, class Options> struct ParameterGroup {
    std::vector<nn::Parameter<Backend>*> parameters; ///< must outlive the optimiser
    Options options;                                 ///< learning rate `lr` and others
};

/// An optimiser that updates each parameter by itself, with the options of its group.
template <class Backend, class Options> class GroupedOptimizer : public Optimizer<Backend> {
public:
    using typename Optimizer<Backend>::Parameter;
    using typename Optimizer<Backend>::State;
    using Group = ParameterGroup<Backend, Options>; ///< type of a group

    const std::vector<Group>& groups() const { return groups_; } ///< the groups with their current options

    /// See Optimizer.
    void step() override {
        std::size_t i = 0;
        for (const Group& group : groups_) {
            for (Parameter* parameter : group.parameters) { update(*parameter, this->state_of(i++), group.options); }
        }
    }

    std::size_t group_count() const override { return groups_.size(); } ///< see LearningRates
    /// See LearningRates.
    double lr(std::size_t group = 0) const override { return groups_.at(group).options.lr; }
    using Optimizer<Backend>::set_lr;
    /// See LearningRates.
    void set_lr(double lr, std::size_t group) override {
        check_lr(lr, group);
        groups_[group].options.lr = lr;
    }
    /// See Optimizer.
    std::size_t group_of(std::size_t parameter) const override {
        std::size_t group = 0;
        for (; parameter >= groups_.at(group).parameters.size(); ++group) {
            parameter -= groups_[group].parameters.size();
        }
        return group;
    }
    /// See Optimizer.
    std::string options_text(std::size_t group) const override { return text(groups_.at(group).options); }
    /// See Optimizer.
    bool keeps_state(std::size_t group, std::size_t k) const override {
        return makes_state(groups_.at(group).options, k);
    }

protected:
    /// A derived class calls check() for each group in its constructor.
    GroupedOptimizer(std::vector<Group> groups, StateNames names)
        : Optimizer<Backend>(all_of(groups), std::move(names)), groups_(std::move(groups)) {}

    /// Moves one parameter by one step.
    virtual void update(Parameter& parameter, State& state, const Options& options) = 0;
    /// Throws std::invalid_argument for options out of range.
    virtual void check(const Options& options) const = 0;
    /// Returns the options but for lr, as a text.
    virtual std::string text(const Options& options) const = 0;
    /// Returns whether update() computes the k-th state tensor with these options.
    virtual bool makes_state(const Options& options, std::size_t k) const = 0;

    /// See Optimizer.
    void check_lr(double lr, std::size_t group) const override {
        Options changed = groups_.at(group).options;
        changed.lr = lr;
        check(changed);
    }

private:
    static std::vector<Parameter*> all_of(const std::vector<Group>& groups) {
        std::vector<Parameter*> all;
        for (const Group& group : groups) { all.insert(all.end(), group.parameters.begin(), group.parameters.end()); }
        return all;
    }

    std::vector<Group> groups_;
};

} // namespace handgrad::optim
