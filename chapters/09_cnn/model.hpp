#pragma once
// ## The network as a class
//
// The convolutional network as a class: its layers, its forward pass, and its backward pass.

#include <handgrad/nn/nn.hpp>
#include <handgrad/nn/summary.hpp>

namespace nn = handgrad::nn;
using handgrad::Random;
using handgrad::Shape;

// The default sizes are those of the introduction. The gradient check takes fewer channels.
struct CNNSizes {
    std::size_t height = 28, width = 28;        // H, W of the images
    std::size_t channels1 = 10, channels2 = 20; // filters of the convolutions
    std::size_t kernel = 5;                     // R = S of the filters
    std::size_t classes = 10;                   // K
};

// The network repeats one pattern: convolution, ReLU, and the maximum of each 2 x 2 window. In
// PyTorch this is `Sequential(Conv2d, ReLU, MaxPool2d(2))`. The library's module has the same three
// parts but computes them in one pass. The intermediate results are four times as large as the
// final one, and in one pass they never leave the processor's registers. `fuse(false)` computes
// part by part.
template <class Backend> using ConvBlock = nn::ConvReLUMaxPool2d<Backend>;

// As in chapter 08 it is a template over the backend: `Cpu<float>` trains it,
// `Reference<std::complex<double>>` checks its gradients.
template <class Backend> class CNN : public nn::Module<Backend> {
public:
    using typename nn::Module<Backend>::Tensor;

    ConvBlock<Backend> conv1;     // (N, 1, 28, 28) -> (N, 10, 12, 12)
    ConvBlock<Backend> conv2;     // (N, 10, 12, 12) -> (N, 20, 4, 4)
    nn::Flatten<Backend> flatten; // (N, 20, 4, 4) -> (N, 320)
    nn::Linear<Backend> fc; // (N, 320) -> (N, 10): scores, one for each class
    nn::ReLU<Backend> act;  // not used, see forward

    // `register_module` gives a layer a name, for the printout, the parameters and the checkpoint.
    // Flatten has no parameters and is not registered, so it does not appear when the model is
    // printed. The number of inputs of `fc` comes from the layers before it: 20 * 4 * 4 = 320.
    CNN(const CNNSizes& sizes, Random& random)
        : conv1(1, sizes.channels1, sizes.kernel, random),
          conv2(sizes.channels1, sizes.channels2, sizes.kernel, random),
          fc(flatten.output_shape(conv2.output_shape(
                 conv1.output_shape({1, 1, sizes.height, sizes.width})))[1],
             sizes.classes, random),
          sizes_(sizes) {
        this->register_module("conv1", conv1);
        this->register_module("conv2", conv2);
        this->register_module("fc", fc);
        this->register_module("act", act);
    }

    // The scores leave `fc` as they are. The class has one more ReLU, `act`, which forward does not
    // use. Applied to the scores it would turn every negative one into 0, and no gradient would
    // come back through it: a class that got a negative score for every image could never recover
    // (chapter 07).
    const Tensor& forward_pass(const Tensor& x) override { // x (N, 1, 28, 28)
        check_images(x.shape());
        const Tensor& o1 = conv1.forward(x);      // o1   (N, 10, 12, 12)
        const Tensor& o2 = conv2.forward(o1);     // o2   (N, 20, 4, 4)
        const Tensor& rows = flatten.forward(o2); // rows (N, 320)
        return fc.forward(rows);                  // z    (N, 10)
    }

    // The chain rule, last step first. Each line turns the gradient with respect to the output of a
    // layer into the gradient with respect to its input, which has the input's shape.
    const Tensor& backward_pass(const Tensor& dz,
                                nn::InputGradient input) override {
        const Tensor& drows = fc.backward(dz);       // (N, 320)
        const Tensor& do2 = flatten.backward(drows); // (N, 20, 4, 4)
        const Tensor& do1 = conv2.backward(do2);     // (N, 10, 12, 12)
        return conv1.backward(do1, input); // dx (N, 1, 28, 28), if needed
    }

    // Whether each block is computed in one pass, which is the default.
    void fuse(bool on) {
        conv1.fuse(on);
        conv2.fuse(on);
    }

    // Shapes without numbers: of the scores for images of shape x, and of each layer's result.
    Shape output_shape(const Shape& x) const override {
        check_images(x);
        return fc.output_shape(
            flatten.output_shape(conv2.output_shape(conv1.output_shape(x))));
    }

    std::vector<nn::LayerSummary> layers(Shape x) const {
        check_images(x);
        std::vector<nn::LayerSummary> all;
        const auto step = [&](const std::string& name,
                              const nn::Module<Backend>& part) {
            for (const auto& layer : nn::layers(part, x, name)) {
                all.push_back(layer);
            }
            x = part.output_shape(x);
        };
        step("conv1", conv1);
        step("conv2", conv2);
        step("flatten", flatten);
        step("fc", fc);
        return all;
    }

    std::string name() const override { return "CNN"; }

private:
    // Images of another size would reach `fc`, whose message would be about 500 features instead of
    // 320.
    void check_images(const Shape& x) const {
        const std::size_t n = x.empty() ? 1 : x[0];
        handgrad::require_shape("CNN", "a batch of images", x,
                                Shape{n, 1, sizes_.height, sizes_.width});
    }

    CNNSizes sizes_;
};
