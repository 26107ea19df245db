#pragma once
/// @file

#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/sgd/sgd.hpp"
#include "handgrad/optim/optimizer.hpp"

namespace handgrad::optim {

/// Throws std::invalid_argument, as PyTorch does, for a negative or non-finite lr, momentum or weight_decay, and for
/// Nesterov's momentum without momentum or with dampening.
void check_sgd_options(const SgdOptions& options);

/// Stochastic gradient descent, torch.optim.SGD with all its options. Update rule: ops/sgd/sgd.hpp.
template <class Backend> class SGD : public Optimizer {
public:
    /// @param parameters of a model, which must outlive the optimiser
    /// @param options as torch.optim.SGD's, with its defaults
    /// @throws std::invalid_argument for options out of range
    SGD(std::vector<nn::Parameter<Backend>*> parameters, SgdOptions options)
        : parameters_(std::move(parameters)), options_(options),
          velocities_(parameters_.size(), typename Backend::Tensor(Shape{0})) {
        check_sgd_options(options_);
    }

    void step() override {
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            Backend::sgd_step(parameters_[i]->value, parameters_[i]->grad, velocities_[i], options_);
        }
    }

    void zero_grad() override {
        for (nn::Parameter<Backend>* parameter : parameters_) { parameter->grad.fill(typename Backend::Scalar(0)); }
    }

    double lr() const override { return options_.lr; }
    void set_lr(double lr) override {
        SgdOptions changed = options_;
        changed.lr = lr;
        check_sgd_options(changed);
        options_ = changed;
    }

    const SgdOptions& options() const { return options_; } ///< as they stand
    /// The momentum buffers, one a parameter; of shape (0,) until the first step with momentum.
    const std::vector<typename Backend::Tensor>& velocities() const { return velocities_; }
    /// What is learned, in the order of velocities().
    const std::vector<nn::Parameter<Backend>*>& parameters() const { return parameters_; }

    /// Goes on where another SGD over the same parameters stood. Nothing is changed if anything is refused.
    /// @param lr its step size
    /// @param velocities its velocities(): one a parameter, of its shape or of shape (0,)
    /// @throws ShapeError for other shapes or another number of them, std::invalid_argument for an lr out of range
    void restore(double lr, std::vector<typename Backend::Tensor> velocities) {
        require_shape("SGD::restore", "velocities", Shape{velocities.size()}, Shape{parameters_.size()});
        for (std::size_t i = 0; i < velocities.size(); ++i) {
            if (velocities[i].shape() == Shape{0}) { continue; }
            require_shape("SGD::restore", "a velocity", velocities[i].shape(), parameters_[i]->value.shape());
        }
        set_lr(lr);
        velocities_ = std::move(velocities);
    }

private:
    std::vector<nn::Parameter<Backend>*> parameters_;
    SgdOptions options_;
    std::vector<typename Backend::Tensor> velocities_;
};

} // namespace handgrad::optim
