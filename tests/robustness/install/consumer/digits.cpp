// digits FOLDER: MNIST's test images have to come from FOLDER.
#include <cstdio>
#include <exception>

#include <handgrad/data/mnist.hpp>

int main(int argc, char** argv) {
    try {
        const auto folders = handgrad::data::mnist_folders();
        for (const auto& folder : folders) { std::printf("%s\n", folder.c_str()); }
        const auto digits = handgrad::data::load_mnist(handgrad::data::Split::test);
        return argc == 2 && folders.size() == 1 && folders[0] == argv[1] && digits.size() == 10000 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "digits: %s\n", error.what());
        return 1;
    }
}
