// The program that the page "From PyTorch to handgrad" shows, compiled and run by the tests.
#include <cstdio>

//! [program]
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/optim/sgd.hpp>

using namespace handgrad;
using B = Cpu<float>;

int main() {
    Random random(1234);
    const auto dataset = data::load_mnist(data::Split::train);
    data::LoaderOptions options{64};
    options.seed = 1234;
    data::DataLoader<B> loader(dataset, options, {data::ToTensor{}});

    nn::Sequential<B> model;
    model.add<nn::Flatten<B>>();
    model.add<nn::Linear<B>>(784, 100, random);
    model.add<nn::ReLU<B>>();
    model.add<nn::Linear<B>>(100, 10, random);

    nn::CrossEntropyLoss<B> criterion;
    SgdOptions sgd;
    sgd.lr = 0.05;
    sgd.momentum = 0.9;
    optim::SGD<B> optimizer(model.parameters(), sgd);

    float last = 0;
    for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        last = criterion.forward(model(x), y);
        model.backward(criterion.backward());
        optimizer.step();
    }
    std::printf("loss of the last batch: %.4f\n", last);
}
//! [program]
