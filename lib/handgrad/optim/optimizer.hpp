#pragma once
/// @file

namespace handgrad::optim {

/// What all optimisers have in common, as far as schedulers and the training loop need it.
class Optimizer {
public:
    virtual ~Optimizer() = default;
    virtual void step() = 0;            ///< one step of every parameter against its gradient
    virtual void zero_grad() = 0;       ///< sets every gradient to zero
    virtual double lr() const = 0;      ///< the step size
    virtual void set_lr(double lr) = 0; ///< sets it
};

} // namespace handgrad::optim
