#pragma once
// The convolutional network of the lecture, as a class: what it is made of, its forward pass, and its backward pass.

#include <handgrad/nn/nn.hpp>
#include <handgrad/nn/summary.hpp>

namespace nn = handgrad::nn;
using handgrad::Random;
using handgrad::Shape;

// The sizes of the lecture. Our gradient check takes fewer channels; the lines of the class stay the same.
struct CNNSizes {
    std::size_t height = 28, width = 28;        // of the images that the model takes
    std::size_t channels1 = 10, channels2 = 20; // how many filters the two convolutions have
    std::size_t kernel = 5; // R = S of the filters; the pooling windows are 2 x 2
    std::size_t classes = 10;
};

// The network repeats one pattern: convolve, cut off what is negative, keep the largest of each 2 x 2 window,
// `Sequential(Conv2d, ReLU, MaxPool2d(2))` in PyTorch's words. The library has it as a module that is such a Sequential,
// with the same three parts, but computes them in one pass: what lies between the parts is four times as large as the
// result, and so it never leaves the processor's registers. `fuse(false)` computes part by part.
template <class Backend> using ConvBlock = nn::ConvReLUMaxPool2d<Backend>;

// As in chapter 8 it is a template over the backend: `Cpu<float>` trains it, `Reference<std::complex<double>>` proves
// its gradients.
template <class Backend> class CNN : public nn::Module<Backend> {
public:
    using typename nn::Module<Backend>::Tensor;

    ConvBlock<Backend> conv1;     // (N, 1, 28, 28) -> (N, 10, 12, 12)
    ConvBlock<Backend> conv2;     // (N, 10, 12, 12) -> (N, 20, 4, 4)
    nn::Flatten<Backend> flatten; // (N, 20, 4, 4) -> (N, 320)
    nn::Linear<Backend> fc;       // (N, 320) -> (N, 10): scores, one for each class
    nn::ReLU<Backend> act;        // the lecture's spare, see forward

    // `register_module` makes a part known by its name: for the printout, the parameters and the checkpoint. The
    // lecture does not have flatten as a part but as a line of forward, and so it does not appear when the model is
    // printed. How many numbers it makes of an image, and `fc` has to take, we ask the parts: 20 * 4 * 4 = 320.
    CNN(const CNNSizes& sizes, Random& random)
        : conv1(1, sizes.channels1, sizes.kernel, random),
          conv2(sizes.channels1, sizes.channels2, sizes.kernel, random),
          fc(flatten.output_shape(
                 conv2.output_shape(conv1.output_shape({1, 1, sizes.height, sizes.width})))[1],
             sizes.classes, random),
          sizes_(sizes) {
        this->register_module("conv1", conv1);
        this->register_module("conv2", conv2);
        this->register_module("fc", fc);
        this->register_module("act", act);
    }

    // The scores leave `fc` as they are. The lecture's class has one more ReLU, `act`, and nothing to do for it: applied
    // to the scores it would turn every negative one into 0. A class that should be improbable could then never get less
    // than the same 0 as all the others, and no gradient would come back through it: it could not learn to do better.
    const Tensor& forward_pass(const Tensor& x) override { // x  (N, 1, 28, 28)
        check_images(x.shape());
        const Tensor& o1 = conv1.forward(x);   //       o1 (N, 10, 12, 12)
        const Tensor& o2 = conv2.forward(o1);  //       o2 (N, 20, 4, 4)
        const Tensor& v = flatten.forward(o2); //       v  (N, 320)
        return fc.forward(v);                  //       z  (N, 10)
    }

    // The chain rule, last step first. Each line turns the gradient with respect to a step's output into the gradient
    // with respect to its input, of the input's shape.
    const Tensor& backward_pass(const Tensor& dz, nn::InputGradient input) override {
        const Tensor& dv = fc.backward(dz);       //     dv  (N, 320)
        const Tensor& do2 = flatten.backward(dv); //     do2 (N, 20, 4, 4)
        const Tensor& do1 = conv2.backward(do2);  //     do1 (N, 10, 12, 12)
        return conv1.backward(do1, input);        //     dx  (N, 1, 28, 28), if anybody needs it
    }

    // Both blocks in one pass each, the default, or part by part.
    void fuse(bool on) {
        conv1.fuse(on);
        conv2.fuse(on);
    }

    // Shapes without numbers: what comes out for images of shape x, and the same layer by layer, for a table.
    Shape output_shape(const Shape& x) const override {
        check_images(x);
        return fc.output_shape(flatten.output_shape(conv2.output_shape(conv1.output_shape(x))));
    }

    std::vector<nn::LayerSummary> layers(Shape x) const {
        check_images(x);
        std::vector<nn::LayerSummary> all;
        const auto step = [&](const std::string& name, const nn::Module<Backend>& part) {
            for (const auto& layer : nn::layers(part, x, name)) { all.push_back(layer); }
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
    // Images of another size would come as far as fc, which would speak of 500 features where it expected 320.
    void check_images(const Shape& x) const {
        const std::size_t n = x.empty() ? 1 : x[0];
        handgrad::require_shape("CNN", "a batch of images", x,
                                Shape{n, 1, sizes_.height, sizes_.width});
    }

    CNNSizes sizes_;
};
