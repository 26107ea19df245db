#pragma once
// The same network and the same step by the library, for any of its backends: `Cpu<float>`, and
// `Device<float>`, which also uses Thrust, with faster kernels where they matter.

#include <vector>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/optim/sgd.hpp>

template <class Backend> class LibraryNetwork {
public:
    using Tensor = typename Backend::Tensor;
    using Labels = typename Backend::Labels;

    LibraryNetwork(handgrad::Random random, const handgrad::SgdOptions& options)
        : network_(random), optimizer_(network_.parameters(), options) {}

    void step(const Tensor& images, const Labels& labels) {
        optimizer_.zero_grad();
        criterion_.compute(network_(images), labels);
        network_.backward(criterion_.backward(),
                          handgrad::nn::InputGradient::not_needed);
        optimizer_.step();
    }
    float loss() const { return criterion_.item(); } // of the last step

    std::vector<float> parameters() const { // one after another
        std::vector<float> all;
        for (const auto* parameter : network_.parameters()) {
            const handgrad::Tensor<float> value =
                Backend::to_host(parameter->value);
            all.insert(all.end(), value.begin(), value.end());
        }
        return all;
    }

private:
    struct Layers : handgrad::nn::Sequential<Backend> {
        explicit Layers(handgrad::Random& random) {
            this->template add<handgrad::nn::ConvReLUMaxPool2d<Backend>>(
                1, 10, 5, random);
            this->template add<handgrad::nn::ConvReLUMaxPool2d<Backend>>(
                10, 20, 5, random);
            this->template add<handgrad::nn::Flatten<Backend>>();
            this->template add<handgrad::nn::Linear<Backend>>(320, 10, random);
        }
    };
    Layers network_;
    handgrad::nn::CrossEntropyLoss<Backend> criterion_;
    handgrad::optim::SGD<Backend> optimizer_;
};
