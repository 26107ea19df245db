#pragma once
// ## The CNN's training step, put together
//
// We make the network of chapter 09 out of this chapter's functions. A step gathers a batch, goes
// forward, goes backward, and updates all parameters. Every number stays in the system's memory.
// The host only starts one function after another.

#include <vector>

#include "array.hpp"
#include "system.hpp"

// The data: all digits as bytes, their labels, the shuffled order, and the size of a batch.
struct Digits {
    const Array<std::uint8_t>& bytes;
    const Array<std::int32_t>&labels, &order;
    int N;
};

// One convolution, ReLU and pooling, with the arrays that it needs: both directions, in one pass or
// in three.
class Block {
public:
    Block(System& system, const ConvSizes& sizes)
        : s_(sizes), system_(system), z(system, n(sizes.y())),
          o(system, n(sizes.y())), dz(system, n(sizes.y())),
          d_o(system, n(sizes.y())), y(system, n(sizes.pooled())),
          dy(system, n(sizes.pooled())), parts(system, n(sizes.N * sizes.w())),
          winners(system, n(sizes.pooled())) {}

    void forward(const float* x, const float* w, const float* b, bool fused) {
        if (fused) {
            return system_.conv2d_relu_max_pool2d_forward(s_, x, w, b, y.data(),
                                                          winners.data());
        }
        system_.conv2d_forward(s_, x, w, b, z.data());
        system_.relu_forward(z.data(), o.data(), z.size());
        system_.max_pool2d_forward(o.data(), s_.N * s_.C_out, s_.P(), s_.Q(),
                                   y.data(), winners.data());
    }
    // dx may be null: the gradient of the images is not needed.
    void backward(const float* x, const float* w, float* dw, float* db,
                  float* dx, bool fused) {
        if (fused) {
            system_.relu_max_pool2d_backward(dy.data(), y.data(),
                                             winners.data(), s_.pooled(),
                                             dz.data(), s_.y());
        } else {
            system_.max_pool2d_backward(dy.data(), winners.data(), s_.pooled(),
                                        d_o.data(), s_.y());
            system_.relu_backward(z.data(), d_o.data(), dz.data(), z.size());
        }
        system_.conv2d_backward_weight(s_, x, dz.data(), parts.data(), dw);
        system_.conv2d_backward_bias(s_, dz.data(), parts.data(), db);
        if (dx != nullptr) {
            system_.conv2d_backward_input(s_, dz.data(), w, dx);
        }
    }

private:
    static std::size_t n(int count) { return static_cast<std::size_t>(count); }
    ConvSizes s_;
    System& system_;
    Array<float> z, o, dz, d_o; // (N, C_out, P, Q)

public:
    Array<float> y, dy; // (N, C_out, P/2, Q/2)

private:
    Array<float> parts;
    Array<std::int32_t> winners;
};

// The network. All parameters are in one array, in PyTorch's order, and all gradients in another.
// So one start of SGD serves all six.
class Network {
public:
    Network(System& system, const Digits& digits,
            const std::vector<float>& parameters, int steps, bool fused)
        : system_(system), digits_(digits),
          fused_(fused), sizes1_{digits.N, 1, 28, 28, 10, 5, 5},
          sizes2_{digits.N, 10, 12, 12, 20, 5, 5}, block1_(system, sizes1_),
          block2_(system, sizes2_), images_(system, n(digits.N) * 784),
          z_(system, n(digits.N) * 10), p_(system, z_.size()),
          dz_(system, z_.size()), row_losses_(system, n(digits.N)),
          loss_(system, 1), losses_(system, n(steps)),
          parameters_(system, parameters),
          gradients_(system, parameters.size()),
          velocities_(system, std::vector<float>(parameters.size(), 0.0f)),
          labels_(system, n(digits.N)),
          first_(system, std::vector<std::int32_t>{0}) {}

    void step(float lr, float beta) {
        const float *w1 = parameters_.data(), *b1 = w1 + 250, *w2 = b1 + 10,
                    *b2 = w2 + 5000, *w3 = b2 + 20, *b3 = w3 + 3200;
        float *dw1 = gradients_.data(), *db1 = dw1 + 250, *dw2 = db1 + 10,
              *db2 = dw2 + 5000, *dw3 = db2 + 20, *db3 = dw3 + 3200;
        const int N = digits_.N;
        system_.gather_batch(digits_.bytes.data(), digits_.labels.data(),
                             digits_.order.data(), first_.data(), N, 784,
                             images_.data(), labels_.data());

        // (N, 1, 28, 28) -> (N, 10, 12, 12) -> (N, 20, 4, 4) = (N, 320) -> (N, 10)
        block1_.forward(images_.data(), w1, b1, fused_);
        block2_.forward(block1_.y.data(), w2, b2, fused_);
        system_.linear_forward(block2_.y.data(), w3, b3, z_.data(), N, 320, 10);
        system_.cross_entropy_forward(z_.data(), labels_.data(), p_.data(),
                                      row_losses_.data(), loss_.data(), N, 10);

        system_.cross_entropy_backward(p_.data(), labels_.data(), dz_.data(), N,
                                       10);
        system_.linear_backward_weight(block2_.y.data(), dz_.data(), dw3, N,
                                       320, 10);
        system_.column_sums(dz_.data(), db3, N, 10);
        system_.linear_backward_input(dz_.data(), w3, block2_.dy.data(), N, 320,
                                      10);
        block2_.backward(block1_.y.data(), w2, dw2, db2, block1_.dy.data(),
                         fused_);
        block1_.backward(images_.data(), w1, dw1, db1, nullptr, fused_);

        system_.sgd_step(parameters_.data(), gradients_.data(),
                         velocities_.data(), parameters_.size(), lr, beta);
        system_.next_batch(first_.data(), loss_.data(), losses_.data(), N);
    }

    // The losses of all steps are the only numbers that come back.
    std::vector<float> losses() const { return losses_.numbers(); }

private:
    static std::size_t n(int count) { return static_cast<std::size_t>(count); }

    System& system_;
    Digits digits_;
    bool fused_;
    ConvSizes sizes1_, sizes2_;
    Block block1_, block2_;
    Array<float> images_, z_, p_, dz_, row_losses_, loss_, losses_, parameters_,
        gradients_, velocities_;
    Array<std::int32_t> labels_, first_;
};
