#pragma once
/// @file
/// Optimisers: parameters in groups, the state that an optimiser keeps of each parameter, and learning rates.
///
/// An optimiser of its own derives from GroupedOptimizer and writes one function, the update of one parameter. Training
/// loop, schedulers and checkpoints then work with it.

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
    virtual std::size_t group_count() const = 0;           ///< number of groups
    virtual double lr(std::size_t group = 0) const = 0;    ///< learning rate of a group
    virtual void set_lr(double lr, std::size_t group) = 0; ///< sets it; throws std::invalid_argument if out of range
    void set_lr(double lr) {
        for_each_lr([&](double) { return lr; });
    } ///< sets that of every group
    std::vector<double> lrs() const {
        std::vector<double> all;
        for (std::size_t group = 0; group < group_count(); ++group) { all.push_back(lr(group)); }
        return all;
    } ///< the learning rates of all groups
    void scale_lr(double factor) {
        for_each_lr([&](double lr) { return factor * lr; });
    } ///< multiplies every one

private:
    template <class F> void for_each_lr(F changed) {
        for (std::size_t group = 0; group < group_count(); ++group) { set_lr(changed(lr(group)), group); }
    }
};

/// The names of what an optimiser keeps of each parameter, PyTorch's: "momentum_buffer"; "exp_avg", "exp_avg_sq", "step".
struct StateNames {
    std::vector<std::string> tensors; ///< tensors of the parameter's shape
    std::vector<std::string> counts;  ///< whole numbers
};

/// What an optimiser keeps of one parameter.
template <class Backend> struct ParameterState {
    std::vector<typename Backend::Tensor> tensors; ///< one for each name; of shape (0,) before the step that makes it
    std::vector<std::size_t> counts;               ///< one for each name, from 0
};

namespace detail {
/// Throws std::out_of_range: "Optimizer: no state 'exp_avg', expected one of momentum_buffer".
[[noreturn]] void refuse_state(std::string_view name, const StateNames& names);
/// Throws std::invalid_argument: the optimiser has a parameter that is not the model's.
[[noreturn]] void refuse_parameter();
/// Throws std::invalid_argument if a parameter is twice in the list, as PyTorch does.
void require_distinct(std::vector<const void*> parameters);
} // namespace detail

/// An optimiser as the training loop and a checkpoint see it.
template <class Backend> class Optimizer : public LearningRates {
public:
    using Tensor = typename Backend::Tensor;  ///< type of an array
    using Parameter = nn::Parameter<Backend>; ///< what is learned
    using State = ParameterState<Backend>;    ///< what is kept of it

    /// Takes one step of every parameter against its gradient.
    virtual void step() = 0;
    /// Sets every gradient to zero.
    void zero_grad() {
        for (Parameter* parameter : parameters_) { parameter->grad.fill(typename Backend::Scalar(0)); }
    }

    const std::vector<Parameter*>& parameters() const { return parameters_; } ///< all parameters, group after group
    /// Their names in a model. @throws std::invalid_argument if one is not a parameter of the model
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
    /// The options of all groups but for their learning rates, a line for each; where there are several, with the names
    /// of their parameters in a model. They must be the same where a saved run goes on. @throws as names_in()
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
    /// The options of a group but for its learning rate, as a text: "SGD(momentum=0.9, ...)".
    virtual std::string options_text(std::size_t group) const = 0;
    /// Whether a step makes state of the group's parameters: SGD without momentum keeps none.
    virtual bool keeps_state(std::size_t group) const = 0;

    const StateNames& state_names() const { return names_; }     ///< names of the state
    const std::vector<State>& states() const { return states_; } ///< the state of each of parameters()
    /// A state tensor by its name, as torch.optim's state[parameter][name]. @throws std::out_of_range for another name
    const Tensor& state(std::size_t parameter, std::string_view name) const {
        for (std::size_t k = 0; k < names_.tensors.size(); ++k) {
            if (names_.tensors[k] == name) { return states_.at(parameter).tensors[k]; }
        }
        detail::refuse_state(name, names_);
    }

    /// States of which everything that is kept has been made, with unspecified numbers: what load_state() expects.
    std::vector<State> made_states() const {
        std::vector<State> made = states_;
        for (std::size_t i = 0; i < made.size(); ++i) {
            const Shape shape = keeps_state(group_of(i)) ? parameters_[i]->value.shape() : Shape{0};
            for (Tensor& tensor : made[i].tensors) { tensor = Tensor(shape); }
        }
        return made;
    }

    /// The tensors that are kept, with their names in a model: "exp_avg.fc1.weight". @throws as names_in()
    std::vector<std::pair<std::string, Tensor*>> named_states(std::vector<State>& states,
                                                              const nn::Component<Backend>& model) const {
        std::vector<std::pair<std::string, Tensor*>> named;
        const auto names = names_in(model);
        for (std::size_t i = 0; i < states.size(); ++i) {
            for (std::size_t k = 0; k < names_.tensors.size() && keeps_state(group_of(i)); ++k) {
                named.emplace_back(names_.tensors[k] + "." + names[i], &states[i].tensors[k]);
            }
        }
        return named;
    }

    /// Goes on where another optimiser over the same parameters stood. If anything is refused, nothing is changed.
    /// @param lrs its learning rates, one for each group
    /// @param states its states(): tensors of the parameter's shape or of shape (0,)
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
    /// Throws std::invalid_argument if a group cannot have this learning rate.
    virtual void check_lr(double lr, std::size_t group) const = 0;

    State& state_of(std::size_t parameter) { return states_[parameter]; } ///< for a step to change

private:
    std::vector<Parameter*> parameters_;
    StateNames names_;
    std::vector<State> states_;
};

/// Parameters with options of their own, an entry of torch.optim's param_groups.
template <class Backend, class Options> struct ParameterGroup {
    std::vector<nn::Parameter<Backend>*> parameters; ///< must outlive the optimiser
    Options options;                                 ///< has a member lr
};

/// An optimiser that treats each parameter by itself, with the options of its group.
template <class Backend, class Options> class GroupedOptimizer : public Optimizer<Backend> {
public:
    using typename Optimizer<Backend>::Parameter;
    using typename Optimizer<Backend>::State;
    using Group = ParameterGroup<Backend, Options>; ///< parameters that share options

    const std::vector<Group>& groups() const { return groups_; } ///< with their options as they stand

    void step() override {
        std::size_t i = 0;
        for (const Group& group : groups_) {
            for (Parameter* parameter : group.parameters) { update(*parameter, this->state_of(i++), group.options); }
        }
    }

    std::size_t group_count() const override { return groups_.size(); }
    double lr(std::size_t group = 0) const override { return groups_.at(group).options.lr; }
    using Optimizer<Backend>::set_lr;
    void set_lr(double lr, std::size_t group) override {
        check_lr(lr, group);
        groups_[group].options.lr = lr;
    }
    std::size_t group_of(std::size_t parameter) const override {
        std::size_t group = 0;
        for (; parameter >= groups_.at(group).parameters.size(); ++group) {
            parameter -= groups_[group].parameters.size();
        }
        return group;
    }
    std::string options_text(std::size_t group) const override { return text(groups_.at(group).options); }
    bool keeps_state(std::size_t group) const override { return makes_state(groups_.at(group).options); }

protected:
    /// A derived class calls check() for each group in its constructor.
    GroupedOptimizer(std::vector<Group> groups, StateNames names)
        : Optimizer<Backend>(all_of(groups), std::move(names)), groups_(std::move(groups)) {}

    /// Takes one step of one parameter.
    virtual void update(Parameter& parameter, State& state, const Options& options) = 0;
    /// Throws std::invalid_argument for options out of range.
    virtual void check(const Options& options) const = 0;
    /// The options but for lr, as a text.
    virtual std::string text(const Options& options) const = 0;
    /// Whether update() makes state with these options.
    virtual bool makes_state(const Options& options) const = 0;

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
