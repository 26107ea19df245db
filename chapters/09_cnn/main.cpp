#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/interrupt.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/error.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/terminal.hpp>
#include <handgrad/train/checkpoint.hpp>
#include <handgrad/train/predictions.hpp>
#include <handgrad/train/train.hpp>

#include "gradients.hpp"
#include "model.hpp"
#include "pictures.hpp"

using namespace handgrad;

// ## Two ways to train
//
// `lecture` is what the lecture does: plain SGD with a small step on the pixels as they are. `good`
// is what one does who wants to be right more often: the pixels centred, momentum, and steps that
// are large at first and get smaller.
struct Preset {
    double lr, momentum, gamma;
    bool normalize;
};

Preset preset_of(const std::string& name) {
    if (name == "lecture") { return {0.001, 0, 1, false}; }
    return {0.02, 0.9, 0.8, true};
}

// ## The digits, or something to wear
//
// Fashion-MNIST has the sizes of MNIST and shows clothes. `--data` takes the name of one of them,
// or a folder with files of either; a folder called fashion-mnist holds clothes.
bool is_fashion(const std::filesystem::path& data) {
    const bool ends_in_slash = data.has_relative_path() && !data.has_filename();
    return (ends_in_slash ? data.parent_path() : data).filename() == "fashion-mnist";
}

data::ImageDataset load(data::Split split, const std::filesystem::path& data) {
    const bool name = data == "mnist" || data == "fashion-mnist";
    const std::filesystem::path folder = name ? std::filesystem::path() : data;
    if (is_fashion(data)) { return data::load_fashion_mnist(split, folder); }
    return data::load_mnist(split, folder);
}

// Mean and standard deviation of the training pixels, to four digits as everybody quotes them:
// 0.1307 and 0.3081 for MNIST (chapter 1).
data::Normalize normalize(const data::ImageDataset& train_set) {
    const auto pixels = data::pixel_statistics(train_set);
    return {std::round(pixels.mean * 1e4) / 1e4, std::round(pixels.std * 1e4) / 1e4};
}

// ## Settings
//
// What the user may choose, beside the options that other chapters have, too. What is not chosen is
// the preset's.
using Texts = std::map<std::string, std::string>;

struct Settings {
    std::string preset = "lecture";
    std::optional<double> lr, momentum, gamma;
    std::size_t save_every = 0;
    bool unfused = false;
    std::filesystem::path weights;

    // Puts in what the preset says, for what the user has not said.
    void complete() {
        const Preset preset_values = preset_of(preset);
        lr = lr.value_or(preset_values.lr);
        momentum = momentum.value_or(preset_values.momentum);
        gamma = gamma.value_or(preset_values.gamma);
    }
};

// ## One network, several machines
//
// The network, the loss and the training loop are templates over the backend. So the lesson is
// written once, and `--device` says what computes: `cpu`, OpenBLAS and SIMD registers; or `thrust`,
// parallel primitives on a GPU or on this computer's cores (chapter 10). As in chapter 8, the
// members of a class are what a run consists of, and `run` is the table of contents.
template <class Backend> class Lesson {
public:
    Lesson(app::Program& program, const Settings& settings)
        : program_(program), options_(program.options()), settings_(settings) {}

    void run() {
        show_data();
        show_network();
        check_gradients_on_two_images();
        begin_or_resume();
        train();
        show_confusion();
        draw();
        record_results();
    }

private:
    data::Transforms transforms() const;
    data::LoaderOptions shuffled() const;
    CNNSizes sizes() const;
    SgdOptions sgd() const;
    Texts options_of_the_run() const;
    void show_data() const;
    void show_network();
    void check_gradients_on_two_images() const;
    void begin_or_resume();
    train::EpochResult test(std::size_t examples_seen);
    void train();
    void print_epoch(std::size_t epoch);
    void stop(std::size_t epoch) const;
    void show_confusion();
    void draw();
    void record_results() const;

    app::Program& program_;
    const app::Options& options_;
    const Settings settings_;

    // The images, as they come from the files and in batches.
    const data::ImageDataset train_set_ = load(data::Split::train, options_.data);
    const data::ImageDataset test_set_ = load(data::Split::test, options_.data);
    const data::Transforms transforms_ = transforms();
    const data::LoaderOptions in_order_{500, false};
    data::DataLoader<Backend> train_loader_{train_set_, shuffled(), transforms_};
    data::DataLoader<Backend> test_loader_{test_set_, in_order_, transforms_};
    const std::size_t examples_ = train_loader_.dataset_size();

    // The network; it learns from the training images and is tested on the others.
    Random random_{options_.seed};
    CNN<Backend> model_{sizes(), random_};
    train::Classification<Backend> training_{model_, train_loader_};
    train::Classification<Backend> testing_{model_, test_loader_};

    // What moves its parameters.
    optim::SGD<Backend> optimizer_{model_.parameters(), sgd()};
    optim::ExponentialLR scheduler_{optimizer_, *settings_.gamma};
    train::Run<Backend> run_{training_, optimizer_, options_of_the_run(), &testing_};

    // What came of it.
    std::vector<double> seconds_; // of each epoch
    double accuracy_ = 0;
    std::vector<train::Prediction> predictions_;
    Tensor<std::int64_t> confusion_;
};

// ## Data
//
// Training images in shuffled batches, test images in their own order. `ToTensor` makes numbers
// from 0 to 1 of the bytes; that is all that the lecture does to them.
template <class Backend> data::Transforms Lesson<Backend>::transforms() const {
    data::Transforms transforms = {data::ToTensor{}};
    if (preset_of(settings_.preset).normalize) { transforms.emplace_back(normalize(train_set_)); }
    return transforms;
}

template <class Backend> data::LoaderOptions Lesson<Backend>::shuffled() const {
    data::LoaderOptions shuffled{options_.batch_size};
    shuffled.seed = options_.seed;
    shuffled.limit = options_.limit;
    return shuffled;
}

template <class Backend> void Lesson<Backend>::show_data() const {
    fmt::print("{}: {} images in {} batches", train_set_.name, examples_, train_loader_.size());
    fmt::print(" of {}, {} test images\n\n", options_.batch_size, test_loader_.dataset_size());
}

// ## The network
//
// Printed as PyTorch prints it, and then with what comes out of each layer for one batch. Compare
// the parameters with chapter 8's: its `fc1` alone had 78,500, the two convolutions have 5,280,
// because the same small filter is used at every place of the image.
template <class Backend> CNNSizes Lesson<Backend>::sizes() const {
    CNNSizes sizes;
    sizes.height = train_set_.height;
    sizes.width = train_set_.width;
    sizes.classes = train_set_.class_names.size();
    return sizes;
}

template <class Backend> void Lesson<Backend>::show_network() {
    model_.fuse(!settings_.unfused);
    if (!settings_.weights.empty()) { train::load_weights(settings_.weights, model_); }
    const Shape batch = {options_.batch_size, 1, train_set_.height, train_set_.width};
    fmt::print("{}\n\n", model_.to_string());
    fmt::print("{}\n", nn::to_string(model_.layers(batch)));
}

// ## The gradients, checked
//
// On two images; see `gradients.hpp`. A run that goes on was checked when it began.
template <class Backend> void Lesson<Backend>::check_gradients_on_two_images() const {
    if (!options_.resume.empty()) { return; }
    data::DataLoader<Cpu<double>> loader(test_set_, data::LoaderOptions{2, false}, transforms_);
    const auto& two = loader.peek();
    using InDouble = typename Backend::template With<double>;
    const auto checker = check_gradients<InDouble>(two.images, two.labels);
    fmt::print("{}\n", to_string(checker));
    if (!checker.passed()) { throw std::runtime_error("a gradient is wrong: see the table above"); }
}

// ## What a run consists of
//
// Everything that changes while we train is in `Run`, and everything in `Run` can be saved and
// loaded. A run that goes on from a checkpoint sees the same batches and ends with the same
// parameters, to the last bit, as one that was never interrupted. So it must also be the same in
// every option that matters; the number of epochs does not. And it must have the same images to
// learn from and to be tested on: a checkpoint has their number and a hash of them.
template <class Backend> SgdOptions Lesson<Backend>::sgd() const {
    SgdOptions sgd;
    sgd.lr = *settings_.lr;
    sgd.momentum = *settings_.momentum;
    return sgd;
}

template <class Backend> Texts Lesson<Backend>::options_of_the_run() const {
    Texts options = program_.texts({"--seed", "--batch-size", "--limit", "--log-interval"});
    options.merge(program_.texts({"--preset", "--lr", "--momentum", "--gamma"}));
    options["--data"] = is_fashion(options_.data) ? "fashion-mnist" : "mnist";
    options["--device"] = options_.device;
    options["--unfused"] = settings_.unfused ? "yes" : "no"; // the sums run in another order
    return options;
}

template <class Backend> train::EpochResult Lesson<Backend>::test(std::size_t examples_seen) {
    const auto result = train::test_one_epoch<Backend>(testing_);
    run_.history.add_test(result, examples_seen);
    return result;
}

template <class Backend> void Lesson<Backend>::begin_or_resume() {
    if (options_.resume.empty()) {
        test(0);
        return;
    }
    train::load_checkpoint(options_.resume, run_);
    const auto next = train_loader_.state();
    const std::size_t batches = train_loader_.size(), tests = run_.history.test_losses.size();
    if (tests != next.epoch + 1) { // one before the first epoch, and one after each
        throw DataError(
            fmt::format("{}: tensor 'history.test_losses' has shape ({},), expected ({},)",
                        options_.resume.string(), tests, next.epoch + 1));
    }
    fmt::print("goes on in epoch {} at batch {} of {}\n", next.epoch + 1, next.batch + 1, batches);
}

// ## Training
//
// `train_one_epoch` is the lecture's function: for every batch zero the gradients, go forward, take
// the cross-entropy, go backward, take a step; every 100 batches note the loss. Between two batches
// it asks whether to stop: because it is time to save, or somebody pressed Ctrl-C. An epoch is saved
// before its line is printed: if printing fails, because the terminal is gone, no epoch is lost.
//
// A new network gives each class a probability of about one tenth, so we expect losses near
// $\log 10 = 2.303$.
template <class Backend> void Lesson<Backend>::train() {
    const auto epochs = static_cast<std::size_t>(options_.epochs);
    const auto first_epoch = static_cast<std::size_t>(train_loader_.state().epoch);
    fmt::print("epoch  train loss  test loss  correct of {}\n", test_set_.size());
    fmt::print("{:>5} {:>11} {:>10.4f} {:>8}\n", first_epoch, "", run_.history.test_losses.back(),
               run_.history.test_correct.back());
    app::Progress progress(std::max(epochs, first_epoch + 1) - first_epoch, examples_);
    train::EpochSettings settings;
    settings.log_interval = options_.log_interval;
    const std::size_t batch_size = options_.batch_size;
    settings.on_batch = [&](std::size_t done, std::size_t) { progress.update(done * batch_size); };
    settings.stop = [&] {
        const std::size_t every = settings_.save_every, next = train_loader_.state().batch;
        return app::interrupted() || (every > 0 && next % every == 0);
    };
    const app::InterruptGuard guard;
    while (train_loader_.state().epoch < epochs) {
        const auto epoch = static_cast<std::size_t>(train_loader_.state().epoch);
        train::train_one_epoch(run_, settings);
        const bool complete = run_.epoch.batches == train_loader_.size();
        if (complete) {
            seconds_.push_back(progress.end_epoch());
            test((epoch + 1) * examples_);
            scheduler_.step();
        }
        if (!options_.save.empty()) { train::save_checkpoint(options_.save, run_); }
        if (complete) { print_epoch(epoch); }
        if (app::interrupted()) { stop(epoch); }
    }
    const auto correct = static_cast<double>(run_.history.test_correct.back());
    accuracy_ = correct / static_cast<double>(test_set_.size());
    fmt::print("\ntest accuracy {:.4f}\n\n", accuracy_);
}

// After an epoch and its test comes a line of the table. Under it stand the losses that were
// recorded in this epoch; of more than ten, the last ones.
std::string recorded_losses(const train::History& history, std::size_t first, std::size_t last) {
    std::vector<std::string> losses;
    for (std::size_t i = 0; i < history.train_losses.size(); ++i) {
        const std::size_t seen = history.train_examples[i];
        if (seen <= first || seen > last) { continue; }
        losses.push_back(fmt::format("{:.4f}", history.train_losses[i]));
    }
    const std::size_t skipped = losses.size() > 10 ? losses.size() - 10 : 0;
    losses.erase(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(skipped));
    return fmt::format("{}{}", skipped > 0 ? ".. " : "", fmt::join(losses, " "));
}

template <class Backend> void Lesson<Backend>::print_epoch(std::size_t epoch) {
    const train::History& history = run_.history;
    fmt::print("{:>5} {:>11.4f} {:>10.4f}", epoch + 1, run_.epoch.loss, history.test_losses.back());
    fmt::print(" {:>8}    {} s\n      {}\n", history.test_correct.back(),
               app::about(seconds_.back(), ".1f"),
               recorded_losses(history, epoch * examples_, (epoch + 1) * examples_));
}

// If Ctrl-C ended the epoch early, the program ends here.
template <class Backend> void Lesson<Backend>::stop(std::size_t epoch) const {
    std::string saved = "nothing is saved";
    if (!options_.save.empty()) { saved = "go on with --resume " + options_.save.string(); }
    const std::size_t done = run_.epoch.batches, all = train_loader_.size();
    const std::string where = fmt::format("epoch {} after {} of {} batches", epoch + 1, done, all);
    throw app::Interrupted(fmt::format("interrupted in {}; {}", where, saved));
}

// ## What is left
//
// Which classes are taken for which? The diagonal of the confusion matrix holds the right ones.
template <class Backend> void Lesson<Backend>::show_confusion() {
    predictions_ = train::predict(test_loader_, model_);
    confusion_ = train::confusion_matrix(predictions_, test_set_.class_names.size());
    const std::vector<std::string>& classes = test_set_.class_names;
    if (is_fashion(options_.data)) { fmt::print("Classes 0 to 9: {}\n", fmt::join(classes, ", ")); }
    fmt::print("{}", plot::confusion_matrix_text(confusion_));
}

// The pictures go into the output folder: the curves, the matrix, the mistakes, and what is inside
// the network.
template <class Backend> void Lesson<Backend>::draw() {
    draw_losses(program_, run_.history);
    draw_confusion(program_, confusion_, test_set_.class_names);
    draw_mistakes(program_, test_set_, predictions_);
    draw_filters(program_, model_);
    data::DataLoader<Backend> one(test_set_, data::LoaderOptions{1, false}, transforms_);
    draw_feature_maps(program_, model_, one.peek().images);
}

template <class Backend> void Lesson<Backend>::record_results() const {
    const train::History& history = run_.history;
    program_.result("parameters", model_.parameter_count());
    program_.result("test_accuracy", accuracy_);
    program_.result("train_losses", history.train_losses);
    program_.result("train_examples", history.train_examples);
    program_.result("test_losses", history.test_losses);
    program_.result("test_examples", history.test_examples);
    program_.result("test_correct", history.test_correct);
    program_.result("epoch_seconds", seconds_);
}

// ## The command line
void offer_options(app::Program& program, Settings& settings) {
    const auto* const preset = "how to train, where the options below do not say it";
    const auto* const gamma = "the learning rate is multiplied by this after every epoch";
    const auto* const data = "mnist or fashion-mnist, or a folder with the files of one of them";
    const auto* const every = "batches between two checkpoints; 0: one each epoch";
    const auto* const unfused = "compute convolution, ReLU and pooling one after another: slower";
    const auto from = fmt::format("weights to begin with ({} writes them)", train::export_torch);
    program.option("--preset", settings.preset, {"lecture", "good"}, preset);
    program.option("--lr", settings.lr, 0, 1000, "learning rate", "the preset's");
    program.option("--momentum", settings.momentum, 0, 0.9999, "momentum of SGD", "the preset's");
    program.option("--gamma", settings.gamma, 1e-6, 1, gamma, "the preset's");
    program.option("--data", program.options().data, data);
    program.take({"--epochs", "--batch-size", "--limit", "--log-interval", "--save", "--resume"});
    program.take_device();
    program.option("--save-every", settings.save_every, 0, 1000000000, every);
    program.flag("--unfused", settings.unfused, unfused);
    program.option("--weights", settings.weights, from);
}

int main(int argc, char** argv) {
    app::Program program("09_cnn", "A convolutional network learns MNIST");
    auto& options = program.options();
    options.seed = 1234;
    options.epochs = 10;
    options.batch_size = 64;
    options.data = "mnist";
    Settings settings;
    offer_options(program, settings);
    return program.main(argc, argv, [&] {
        settings.complete();
        if (options.device == "thrust") {
            Lesson<Device<float>>(program, settings).run();
        } else {
            Lesson<Cpu<float>>(program, settings).run();
        }
    });
}
