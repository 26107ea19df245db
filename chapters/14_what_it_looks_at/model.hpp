#pragma once
// ## Three networks
//
// We look into three networks that know more and more about images: a linear softmax classifier
// (chapter 04), a two-layer network (chapter 08), and a convolutional network (chapter 09). Each is
// a `Sequential`, whose backward pass we know from those chapters. New is only that we ask it for
// the gradient with respect to its input, `nn::InputGradient::needed`.

#include <cstddef>
#include <memory>

#include <handgrad/nn/nn.hpp>

namespace nn = handgrad::nn;
using handgrad::Random;

enum class Kind { softmax, two_layer, cnn };

// The default sizes are those of chapters 08 and 09. The gradient check takes fewer channels.
struct Sizes {
    std::size_t hidden = 100;                   // M of the two-layer network
    std::size_t channels1 = 10, channels2 = 20; // filters of the CNN
};

template <class Backend> using Network = nn::Sequential<Backend>;

// All three take images (N, 1, 28, 28) with pixels from 0 to 1, and return scores (N, 10).
template <class Backend> std::unique_ptr<Network<Backend>>
make_network(Kind kind, Random& random, const Sizes& sizes = {}) {
    using Block = nn::ConvReLUMaxPool2d<Backend>;
    using Linear = nn::Linear<Backend>;
    auto network = std::make_unique<Network<Backend>>();
    std::size_t features = 28 * 28;
    if (kind == Kind::cnn) {
        network->template add<Block>(1, sizes.channels1, 5, random);
        network->template add<Block>(sizes.channels1, sizes.channels2, 5,
                                     random);
        features = sizes.channels2 * 4 * 4;
    }
    network->template add<nn::Flatten<Backend>>();
    if (kind == Kind::two_layer) {
        network->template add<Linear>(features, sizes.hidden, random);
        network->template add<nn::ReLU<Backend>>();
        features = sizes.hidden;
    }
    network->template add<Linear>(features, 10, random);
    return network;
}
