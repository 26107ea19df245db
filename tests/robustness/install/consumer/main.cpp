// consumer FOLDER: with the installed package, an operation on every backend, and an epoch of a network on a few digits,
// which have to come from FOLDER.
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/train/checkpoint.hpp>
#include <handgrad/train/train.hpp>

using namespace handgrad;
using B = Cpu<float>;

void check_operation() {
    const Tensor<float> x({100, 20}, 0.5f), w({20, 10}, 0.25f), b({10}, 1.0f);
    const auto expected = reference::linear_forward(x, w, b);
    if (cpu::linear_forward(x, w, b) != expected) { throw std::runtime_error("the cpu backend is wrong"); }
    if (!device::is_available()) { return; }
    device::set_algorithm(device::Algorithm::plain); // Thrust's own, on all of its threads
    const auto y = device::linear_forward(device::to_device(x), device::to_device(w), device::to_device(b));
    if (device::to_host(y) != expected) { throw std::runtime_error("the device backend is wrong"); }
}

int main(int argc, char** argv) {
    try {
        if (argc != 2) { throw std::runtime_error("expected the folder of the data"); }
        const auto folders = data::mnist_folders();
        for (const auto& folder : folders) { std::printf("digits: %s\n", folder.c_str()); }
        if (folders.size() != 1 || folders[0] != argv[1]) { throw std::runtime_error("expected no other folder"); }
        std::printf("script: %s\n", train::export_torch);
        if (!std::filesystem::exists(train::export_torch)) { throw std::runtime_error("expected it to be there"); }
        check_operation();

        Random random(1234);
        const auto digits = data::load_mnist(data::Split::train);
        data::LoaderOptions options{16};
        options.limit = 640;
        data::DataLoader<B> loader(digits, options, {data::ToTensor{}});
        nn::Sequential<B> model;
        model.add<nn::Flatten<B>>();
        model.add<nn::Linear<B>>(784, 30, random);
        model.add<nn::ReLU<B>>();
        model.add<nn::Linear<B>>(30, 10, random);
        SgdOptions sgd;
        sgd.lr = 0.1;
        optim::SGD<B> optimizer(model.parameters(), sgd);
        train::Classification<B> task(model, loader);
        train::Run<B> run{task, optimizer};
        train::train_one_epoch(run, {39});
        std::printf("loss %.4f, then %.4f\n", run.history.train_losses.front(), run.history.train_losses.back());
        return run.history.train_losses.back() < 2 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "consumer: %s\n", error.what());
        return 1;
    }
}
