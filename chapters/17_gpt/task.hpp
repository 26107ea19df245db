#pragma once
// ## The task
//
// The training loop of chapter 08 asks a task for the loss of a mini-batch and for its gradient. A
// mini-batch has B windows of the text and for each token the one that follows, so it has B T
// examples. After backward all gradients together are clipped: if their norm is above 1, they are
// scaled down to 1. A single unusual mini-batch cannot throw the weights far away.

#include <cstddef>

#include <handgrad/data/token_loader.hpp>
#include <handgrad/optim/clip_grad.hpp>
#include <handgrad/train/task.hpp>

#include "model.hpp"

template <class Backend> class NextToken
    : public handgrad::train::Task<Backend> {
public:
    NextToken(GPT<Backend>& model, handgrad::data::TokenLoader<Backend>& loader,
              double clip)
        : handgrad::train::Task<Backend>(model, loader), model_(model),
          loader_(loader), clip_(clip) {}

    void forward() override {
        batch_ = &loader_.next();
        criterion_.compute(model_.forward(batch_->inputs), batch_->targets);
    }
    std::size_t examples() const override { return batch_->targets.size(); }
    double loss() const override {
        return static_cast<double>(criterion_.item());
    }
    double lower_bound() const override { return 0; }
    void backward() override {
        model_.backward(criterion_.backward());
        handgrad::optim::clip_grad_norm_(model_.parameters(), clip_);
    }

private:
    GPT<Backend>& model_;
    handgrad::data::TokenLoader<Backend>& loader_;
    double clip_;
    nn::CrossEntropyLoss<Backend> criterion_;
    const handgrad::data::TokenBatch<Backend>* batch_ = nullptr;
};
