#pragma once
// ## Training on adversarial examples
//
// Adversarial training minimises the mean of two losses: that of the digits, and that of the digits
// after an attack on the network *as it is now* (introduction). The training loop of the library
// asks a `Task` for the loss of the next batch and for its gradient, so we write a task.

#include <cstddef>

#include <handgrad/data/data_loader.hpp>
#include <handgrad/train/task.hpp>

#include "attack.hpp"

// Returns half of dz: each of the two losses has the weight 1/2.
template <class T> Tensor<T> half(const Tensor<T>& dz) {
    Tensor<T> result = dz;
    for (T& value : result.storage()) { value *= static_cast<T>(0.5); }
    return result;
}

// Both passes of the attack are also half of the training step: the backward pass that finds $dx$
// adds the gradient of the first half of the loss to the weights, which training needs anyway. So
// the step costs two forward and two backward passes, twice as much as usual, and not three times.
//
// The attacked digits $x'$ depend on the weights, but only by the signs of $dx$. Signs do not change
// when a weight changes a little, so their derivative is zero, and we may treat $x'$ as data. The
// program checks this against the complex step.
template <class Backend> class AdversarialLoss {
public:
    using Tensor = typename Backend::Tensor;
    using Scalar = typename Backend::Scalar;

    explicit AdversarialLoss(double eps) : eps_(eps) {}

    // Returns the loss, and adds the gradient of its first half to the weights.
    Scalar forward(Network<Backend>& network, const Tensor& x,
                   const Labels& y) {
        const Scalar clean = clean_.forward(network(x), y);
        dz_ = half(clean_.backward());
        const Tensor& dx = network.backward(dz_, nn::InputGradient::needed);
        attacked_ = step_by_signs(x, dx, eps_, Limits::pixels);
        const Scalar attacked = adversarial_.forward(network(attacked_), y);
        return static_cast<Scalar>(0.5) * (clean + attacked);
    }

    // Adds the gradient of the second half.
    void backward(Network<Backend>& network) {
        dz_ = half(adversarial_.backward());
        network.backward(dz_, nn::InputGradient::not_needed);
    }

    // The network's answers for the digits as they are.
    const Tensor& probabilities() const { return clean_.probabilities(); }

private:
    double eps_;
    nn::CrossEntropyLoss<Backend> clean_, adversarial_;
    Tensor dz_, attacked_;
};

template <class Backend> class AdversarialTraining
    : public handgrad::train::Task<Backend> {
public:
    AdversarialTraining(Network<Backend>& network,
                        handgrad::data::DataLoader<Backend>& loader, double eps)
        : handgrad::train::Task<Backend>(network, loader), network_(network),
          loader_(loader), criterion_(eps) {}

    void forward() override {
        batch_ = &loader_.next();
        loss_ = criterion_.forward(network_, batch_->images, batch_->labels);
    }
    void backward() override { criterion_.backward(network_); }
    double loss() const override { return static_cast<double>(loss_); }
    std::size_t examples() const override { return batch_->labels.size(); }
    void add_to(handgrad::train::Tally<Backend>& tally) const override {
        tally.add(
            loss(), examples(),
            Backend::count_correct(criterion_.probabilities(), batch_->labels));
    }

private:
    Network<Backend>& network_;
    handgrad::data::DataLoader<Backend>& loader_;
    AdversarialLoss<Backend> criterion_;
    const handgrad::data::ImageBatch<Backend>* batch_ = nullptr;
    typename Backend::Scalar loss_{};
};
