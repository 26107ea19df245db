// ## What we need
//
// From the standard library a clock, a square root and containers. From handgrad the frame of our
// programs, the backend that computes on the processor, the data set, the loader that cuts it into
// batches, and a way to draw images.
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

// A data loader makes tensors for a backend, the part of the library that computes. Ours is the
// processor, in single precision, as is usual for neural networks.
using Loader = data::DataLoader<Cpu<float>>;

// ## Mean and standard deviation, without storing anything
//
// Further down we ask for the mean $\mu = \frac{1}{\text{count}} \sum_i x_i$ and the standard
// deviation $\sigma = \sqrt{\frac{1}{\text{count}} \sum_i (x_i - \mu)^2}$ of all 47 million pixels.
// They come in batches that we do not want to keep. So we collect the count, $\sum_i x_i$ and
// $\sum_i x_i^2$, and use $\sigma^2 = \frac{1}{\text{count}} \sum_i x_i^2 - \mu^2$. (This formula
// subtracts two numbers. If they are nearly equal, few correct digits are left. Here they are 0.112
// and 0.017, and we add in double precision, so nothing is lost.)
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
    double std() const {
        const double mean_of_squares =
            sum_of_squares / static_cast<double>(count);
        return std::sqrt(mean_of_squares - mean() * mean());
    }
    void print() const {
        fmt::print("  pixels: mean {:.4f}, standard deviation {:.4f}\n", mean(),
                   std());
    }
};

// ## The lesson at a glance
//
// The lesson is a class. `run()` is its table of contents: it calls one function for each section
// below, in the same order. The members hold what one section leaves for the next.
class Lesson {
public:
    explicit Lesson(app::Program& program_) : program(program_) {}

    void run() {
        show_sets();
        count_labels();
        show_first_batch();
        run_epoch();
        normalise();
        show_digits();
    }

private:
    void show_sets() const;
    void count_labels() const;
    void show_first_batch();
    void run_epoch();
    void normalise() const;
    void show_digits() const;
    data::LoaderOptions loader_options() const;

    app::Program& program;
    const app::Options& options = program.options();
    const data::ImageDataset train =
        data::load_mnist(data::Split::train, options.data);
    const data::ImageDataset test =
        data::load_mnist(data::Split::test, options.data);
    Loader loader{train, loader_options(), {data::ToTensor{}}};
    Tensor<float> first_images; // of the first batch
    std::vector<std::string> first_titles;
};

// ## Two sets of images
//
// MNIST has a set of images to learn from and another one to measure with. The second must never be
// used for learning. Otherwise it would tell us how well the network remembers, not how well it has
// understood.
void Lesson::show_sets() const {
    fmt::print("device: {}, seed: {}\n\n", options.device, options.seed);
    for (const auto* set : {&train, &test}) {
        fmt::print("{:<11} {:6} images of {} x {} pixels\n", set->name,
                   set->size(), set->height, set->width);
    }
    program.result("train_images", train.size());
    program.result("test_images", test.size());
}

// @output to "MNIST test"

// ## The labels
//
// The labels are whole numbers from 0 to 9. How often does each of them occur? And what would a
// program achieve that always answers with the most frequent digit, without looking?
//
// <details class="predict"><summary>Predict: how often is such a program right?</summary>
//
// In about 10 percent of the cases, since there are ten digits and none of them is rare. The number
// is below: 11.35 percent.
//
// </details>
void Lesson::count_labels() const {
    std::vector<int> occurrences(train.class_names.size());
    for (const std::uint8_t label : train.labels) { ++occurrences[label]; }
    fmt::print("\ndigit       ");
    for (const std::string& name : train.class_names) {
        fmt::print("{:>6}", name);
    }
    fmt::print("\noccurrences ");
    for (const int n : occurrences) { fmt::print("{:6}", n); }

    std::size_t most_frequent = 0;
    for (std::size_t k = 0; k < occurrences.size(); ++k) {
        if (occurrences[k] > occurrences[most_frequent]) { most_frequent = k; }
    }
    std::size_t right = 0;
    for (const std::uint8_t label : test.labels) {
        right += label == most_frequent ? 1 : 0;
    }
    fmt::print("\nAlways answering \"{}\" is right for {} of the {} test "
               "images.\n",
               most_frequent, right, test.size());
}

// @output to "Always answering"
//
// What to see: no digit is rare, so it makes sense to judge a network by the fraction that it gets
// right. A classifier that ignores its input gets 11 percent. Compare every accuracy in this book
// with that number and not with 0.

// ## Batches
//
// A network could learn from one image at a time, or from all of them together. The first wastes
// the computer (chapter 03 shows how much), the second learns too slowly. So we take a *mini-batch*
// of N images at a time, 64 unless you give another number with `--batch-size`. The loader shuffles
// the images anew in each pass over the data, which is called an *epoch*, and divides each pixel by
// 255, so that it is a number from 0 to 1.
data::LoaderOptions Lesson::loader_options() const {
    data::LoaderOptions loading;
    loading.batch_size = options.batch_size;
    loading.shuffle = true;
    loading.seed = options.seed;
    loading.limit = options.limit;
    return loading;
}

// We take the first batch out of the loader and look at it. The shape is (N, C, H, W), in this
// order everywhere in this book: images, channels (one, as they are grey; a colour image has
// three), rows, columns.
//
// <details class="predict"><summary>Predict: is the mean of the pixels above 0.5?</summary>
//
// Far below. Ink is 1 and paper is 0, and a digit leaves most of the paper empty.
//
// </details>
void Lesson::show_first_batch() {
    const Loader::Batch batch = *loader.begin();
    fmt::print("\nfirst batch\n  images {}\n  labels {}\n",
               to_string(batch.images.shape()),
               to_string(batch.labels.shape()));
    Statistics of_batch;
    of_batch.add(batch.images);
    of_batch.print();
    first_images = batch.images;
    for (const std::int64_t label : batch.labels) {
        first_titles.push_back(fmt::format("label: {}", label));
    }
}

// @output to "pixels: mean"

// ## A whole epoch
//
// A loop over the loader is one epoch. If the batch size does not divide the data set, the last
// batch is smaller, and every program has to be able to deal with that.
//
// <details class="predict"><summary>Predict: how many batches are in an epoch?</summary>
//
// $60000 / 64 = 937.5$, so there are 938 batches, and the last one has 32 images.
//
// </details>
void Lesson::run_epoch() {
    Statistics of_train;
    std::size_t batches = 0, seen = 0, last = 0;
    for (const Loader::Batch& next : loader) {
        of_train.add(next.images);
        last = next.labels.size();
        seen += next.labels.size();
        ++batches;
    }
    fmt::print("\none epoch\n  batches: {}, images in the last one: {}, images "
               "in all: {}\n",
               batches, last, seen);
    of_train.print();
    program.result("batches", batches);
    program.result("train_mean", of_train.mean());
    program.result("train_std", of_train.std());

    // Training must not have to wait for the data. How long does one epoch of the loader take?
    const auto start = std::chrono::steady_clock::now();
    for ([[maybe_unused]] const Loader::Batch& next : loader) {}
    const std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - start;
    fmt::print("  loaded in {} ms\n", app::about(time.count(), ".0f"));
}

// @output to "loaded in"
//
// What to see: the mean is 0.1307, and the standard deviation 0.3081. These two numbers stand in
// nearly every program that uses MNIST, mostly without a word about where they come from; now you
// have computed them. The first batch has almost the same mean as the whole set, although it
// contains one image in a thousand. For the same reason a gradient computed from 64 images is a
// good estimate of the gradient of all 60,000, and stochastic gradient descent works.
//
// The sign ~ marks a number that belongs to the machine. Loading takes some hundredths of a second.
// The images stay in memory as bytes, which take a quarter of the memory of floats, and become
// numbers only when they are put into a batch. The batch is always the same piece of memory, filled
// again and again.

// ## Normalising
//
// Many programs go one step further: they subtract the mean from each pixel and divide by the
// standard deviation, $x' = (x - \mu) / \sigma$. Then the inputs of the network have mean 0 and
// standard deviation 1 over the training set; a single batch deviates a little. The lecture leaves
// this step out, and so do we in the chapters that follow it.
void Lesson::normalise() const {
    const data::Transforms transforms{data::ToTensor{},
                                      data::Normalize{0.1307, 0.3081}};
    Loader normalising(train, loader_options(), transforms);
    Statistics of_normalised;
    of_normalised.add(normalising.begin()->images);
    fmt::print("\nfirst batch, normalised\n");
    of_normalised.print();
}

// @output to "pixels: mean"

// ## Look at your data
//
// The numbers can be right while the images are transposed, or while the labels belong to other
// images. One look shows it. Here are the first 20 images of the first batch, each with its label:
// as text for the terminal, and as a picture.
void Lesson::show_digits() const {
    fmt::print("\n{}", plot::terminal_grid(first_images, 4, 5, first_titles));
    const auto saved = plot::image_grid(first_images, 4, 5, first_titles)
                           .save(program.output(""), "digits");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
    fmt::print("\nThe same as a picture: digits.svg\n");
}

// @output to "The same as a picture"
//
// ![The first 20 digits of the first batch, each with its label](digits.svg)
//
// The seed fixes all that is random in a program: run it twice, and you see the same digits. Choose
// another seed with `--seed`, and you see other ones. Our seed 1234 is not PyTorch's seed 1234:
// each library turns a seed into an order in its own way. But the numbers of the whole data set do
// not depend on the order, so they are the same everywhere.

// ## The command line
//
// Every program of this book is set up like this: its name and title, its defaults, its options,
// and the lesson.
int main(int argc, char** argv) {
    app::Program program(
        "01_mnist_data",
        "The MNIST digits: loading, shuffling, batches, and a look at them");
    program.options().seed = 1234;
    program.take({"--batch-size", "--limit", "--data", "--device"});
    return program.main(argc, argv, [&program] { Lesson(program).run(); });
}

// Every run ends by saying where its figures are, which page explains them, and what comes next.
//
// @output to end
