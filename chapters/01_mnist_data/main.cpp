// ## What we need
//
// From the standard library a clock, a square root and containers; from handgrad the frame of our programs, the
// processor as the place where tensors live, the data set, the loader that deals it out, and a way to draw images.
#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "handgrad/app/about.hpp"
#include "handgrad/app/program.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/plot/image_grid.hpp"

using namespace handgrad;

// A data loader makes tensors for a backend, the part of the library that computes. Ours is the processor, in single
// precision, as is usual for neural networks.
using Loader = data::DataLoader<Cpu<float>>;

// ## Mean and standard deviation, without storing anything
//
// Further down we ask for the mean $\mu = \frac{1}{n}\sum_i x_i$ and the standard deviation
// $\sigma = \sqrt{\frac{1}{n}\sum_i (x_i - \mu)^2}$ of all 47 million pixels. They come in portions and we do not want
// to keep them, so we collect $n$, $\sum_i x_i$ and $\sum_i x_i^2$, and use $\sigma^2 = \frac{1}{n}\sum_i x_i^2 - \mu^2$.
// (This formula subtracts two numbers that may be nearly equal, and then few correct digits are left. Here they are
// 0.112 and 0.017, and we add in double precision, so nothing is lost.)
struct Statistics {
    std::size_t count = 0;
    double sum = 0.0;
    double sum_of_squares = 0.0;

    void add(const Tensor<float>& x) {
        for (const double value : x) {
            sum += value;
            sum_of_squares += value * value;
        }
        count += x.size();
    }
    double mean() const { return sum / static_cast<double>(count); }
    double std() const { return std::sqrt(sum_of_squares / static_cast<double>(count) - mean() * mean()); }
};

int main(int argc, char** argv) {
    // Every program of this book is set up like this. The seed fixes all that is random in it: run it twice, and you
    // see the same numbers. Choose another with `--seed`, and you see other ones.
    app::Program program("01_mnist_data", "The MNIST digits: loading, shuffling, batches, and a look at them");
    app::Options& options = program.options();
    options.seed = 1234;
    program.take({"--batch-size", "--limit", "--data", "--device"});

    return program.main(argc, argv, [&] {
        fmt::print("device: {}, seed: {}\n\n", options.device, options.seed);

        // ## Two sets of images
        //
        // MNIST has a set of images to learn from and another one to measure with. The second must never be used for
        // learning, or it would tell us how well the network remembers, not how well it has understood.
        const data::ImageDataset train = data::load_mnist(data::Split::train, options.data);
        const data::ImageDataset test = data::load_mnist(data::Split::test, options.data);
        for (const auto* set : {&train, &test}) {
            fmt::print("{:<11} {:6} images of {} x {} pixels\n", set->name, set->size(), set->height, set->width);
        }

        // The labels are whole numbers from 0 to 9. How often does each of them occur?
        std::vector<int> occurrences(train.class_names.size());
        for (const std::uint8_t label : train.labels) { ++occurrences[label]; }
        fmt::print("\ndigit       ");
        for (const std::string& name : train.class_names) { fmt::print("{:>6}", name); }
        fmt::print("\noccurrences ");
        for (const int n : occurrences) { fmt::print("{:6}", n); }

        // No digit is rare, so it makes sense to judge a network by the fraction that it gets right. And we know what
        // is *not* an achievement: a program that always answers with the most frequent digit, without looking.
        std::size_t most_frequent = 0;
        for (std::size_t k = 0; k < occurrences.size(); ++k) {
            if (occurrences[k] > occurrences[most_frequent]) { most_frequent = k; }
        }
        std::size_t right = 0;
        for (const std::uint8_t label : test.labels) { right += label == most_frequent ? 1 : 0; }
        fmt::print("\nAlways answering \"{}\" is right for {} of the {} test images.\n", most_frequent, right,
                   test.size());

        // ## Batches
        //
        // A network could learn from one image at a time, or from all of them together. The first wastes the computer
        // (chapter 03 shows how much), the second learns too slowly, so we take a *mini-batch* of $B$ images at a
        // time, 64 unless you say otherwise with `--batch-size`. The loader shuffles the images anew in each pass over
        // the data, which is called an *epoch*, and divides each pixel by 255, so that it is a number from 0 to 1.
        data::LoaderOptions loading;
        loading.batch_size = options.batch_size;
        loading.shuffle = true;
        loading.seed = options.seed;
        loading.limit = options.limit;
        Loader loader(train, loading, {data::ToTensor{}});

        // We take the first batch out of the loader and look at it. The shape is $(N, C, H, W)$, in this order
        // everywhere in this book: images, channels (one, as they are grey; a colour image has three), rows, columns.
        const Loader::Batch batch = *loader.begin();
        fmt::print("\nfirst batch\n  images {}\n  labels {}\n", to_string(batch.images.shape()),
                   to_string(batch.labels.shape()));
        Statistics of_batch;
        of_batch.add(batch.images);
        fmt::print("  pixels: mean {:.4f}, standard deviation {:.4f}\n", of_batch.mean(), of_batch.std());

        // ## A whole epoch
        //
        // A loop over the loader is one epoch. If the images do not come out even, the last batch is a shorter one, and
        // all programs have to be able to deal with that.
        Statistics of_train;
        std::size_t batches = 0, seen = 0, last = 0;
        for (const Loader::Batch& next : loader) {
            of_train.add(next.images);
            last = next.labels.size();
            seen += next.labels.size();
            ++batches;
        }
        fmt::print("\none epoch\n  batches: {}, images in the last one: {}, images in all: {}\n", batches, last, seen);
        fmt::print("  pixels: mean {:.4f}, standard deviation {:.4f}\n", of_train.mean(), of_train.std());

        // Loading must not be what we wait for. So how long does it take to deal out all images once?
        const auto start = std::chrono::steady_clock::now();
        for ([[maybe_unused]] const Loader::Batch& next : loader) {}
        const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
        fmt::print("  dealt out in {} ms\n", app::about(time.count(), ".0f"));

        // ## Normalising
        //
        // Many programs go one step further and subtract the mean from each pixel and divide by the standard deviation,
        // $x' = (x - \mu) / \sigma$. Then the inputs of the network have mean 0 and standard deviation 1 over the
        // training set; a single batch deviates a little. The lecture leaves this step out, and so do we in the
        // chapters that follow it; you can try what it changes.
        Loader normalising(train, loading, {data::ToTensor{}, data::Normalize{0.1307, 0.3081}});
        Statistics of_normalised;
        of_normalised.add(normalising.begin()->images);
        fmt::print("\nfirst batch, normalised\n  pixels: mean {:.4f}, standard deviation {:.4f}\n",
                   of_normalised.mean(), of_normalised.std());

        // ## Look at your data
        //
        // Numbers can be right and the images transposed, or the labels those of other images. One glance tells. Here
        // are the first 20 images of the first batch, each with its label: as text for the terminal, and as a picture.
        std::vector<std::string> titles;
        for (const std::int64_t label : batch.labels) { titles.push_back(fmt::format("label: {}", label)); }
        fmt::print("\n{}", plot::terminal_grid(batch.images, 4, 5, titles));
        const plot::Figure picture = plot::image_grid(batch.images, 4, 5, titles);
        const auto saved = picture.save(program.output(""), "digits");
        if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
        fmt::print("\nThe same as a picture: digits.png in the output folder.\n");

        program.result("train_images", train.size());
        program.result("test_images", test.size());
        program.result("batches", batches);
        program.result("train_mean", of_train.mean());
        program.result("train_std", of_train.std());
    });
}
