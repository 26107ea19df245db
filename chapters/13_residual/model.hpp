#pragma once
// ## Residual blocks
//
// All networks of this chapter are made of a few parts: a convolution with batch normalisation, and
// a block of two of them that may have a shortcut around it.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <handgrad/nn/nn.hpp>
#include <handgrad/tensor/random.hpp>

namespace nn = handgrad::nn;
using handgrad::Random;

// A convolution and the normalisation of its channels (chapter 12). The convolution has no bias,
// because the normalisation subtracts the mean and with it every bias, and adds one of its own.
// With a kernel of 3 and a padding of 1 the image keeps its size; a stride of 2 halves it.
template <class Backend>
void add_conv_norm(nn::Sequential<Backend>& net, std::size_t in_channels,
                   std::size_t out_channels, std::size_t kernel,
                   std::size_t stride, Random& random) {
    handgrad::Conv2dOptions options;
    options.stride = stride;
    options.padding = kernel / 2;
    net.template add<nn::Conv2d<Backend>>(in_channels, out_channels, kernel,
                                          random, options, false);
    net.template add<nn::BatchNorm2d<Backend>>(out_channels);
}

// A block computes $F(x)$: convolution, normalisation, ReLU, convolution, normalisation. A plain
// network takes $y = \text{relu}(F(x))$, a residual network $y = \text{relu}(F(x) + x)$. The
// shortcut does not need a parameter, except where the shape changes: there a convolution with a
// kernel of 1 x 1 gives x the new number of channels and the new size.
enum class Shortcut { none, residual };

template <class Backend>
void add_body(nn::Sequential<Backend>& net, std::size_t in_channels,
              std::size_t out_channels, std::size_t stride, Random& random) {
    add_conv_norm(net, in_channels, out_channels, 3, stride, random);
    net.template add<nn::ReLU<Backend>>();
    add_conv_norm(net, out_channels, out_channels, 3, 1, random);
}

template <class Backend>
void add_block(nn::Sequential<Backend>& net, std::size_t in_channels,
               std::size_t out_channels, std::size_t stride, Shortcut shortcut,
               Random& random) {
    if (shortcut == Shortcut::none) {
        add_body(net, in_channels, out_channels, stride, random);
    } else {
        auto body = std::make_unique<nn::Sequential<Backend>>();
        add_body(*body, in_channels, out_channels, stride, random);
        std::unique_ptr<nn::Sequential<Backend>> beside; // nothing: x itself
        if (in_channels != out_channels || stride != 1) {
            beside = std::make_unique<nn::Sequential<Backend>>();
            add_conv_norm(*beside, in_channels, out_channels, 1, stride,
                          random);
        }
        net.template add<nn::Residual<Backend>>(std::move(body),
                                                std::move(beside));
    }
    net.template add<nn::ReLU<Backend>>();
}

// ## The residual CNN
//
// A first convolution makes C channels of the grey image. Three residual blocks follow. The second
// and the third halve height and width and double the channels, so the cost of each stays about the
// same. The mean over each channel's places (global average pooling) leaves 4C numbers per image,
// which a linear layer turns into scores.
struct ResNetSizes {
    std::size_t width = 16;   // C, channels of the first convolution
    std::size_t classes = 10; // K
};

template <class Backend> class ResNet : public nn::Sequential<Backend> {
public:
    ResNet(const ResNetSizes& sizes, Random& random) {
        const std::size_t w = sizes.width;
        const auto block = [&](std::size_t in, std::size_t out,
                               std::size_t stride) {
            add_block(*this, in, out, stride, Shortcut::residual, random);
        };
        add_conv_norm(*this, 1, w, 3, 1, random); // (N, C, 28, 28)
        this->template add<nn::ReLU<Backend>>();
        block(w, w, 1);                                       // (N, C, 28, 28)
        block(w, 2 * w, 2);                                   // (N, 2C, 14, 14)
        block(2 * w, 4 * w, 2);                               // (N, 4C, 7, 7)
        this->template add<nn::AdaptiveAvgPool2d<Backend>>(); // (N, 4C, 1, 1)
        this->template add<nn::Flatten<Backend>>();           // (N, 4C)
        this->template add<nn::Linear<Backend>>(4 * w, sizes.classes, random);
    }
    std::string name() const override { return "ResNet"; }
};
