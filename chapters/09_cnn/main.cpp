#include <algorithm>
#include <cstddef>
#include <cstdint>
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
#include "settings.hpp"

using namespace handgrad;

// ## One network, several backends
//
// The network, the loss and the training loop are templates over the backend, so the lesson is
// written once. The option `--device` chooses: `cpu` computes with OpenBLAS and SIMD registers,
// `thrust` with parallel primitives on a GPU or on this computer's cores (chapter 10). As in
// chapter 08, the members of a class are the state of a run, and `run()` is the table of contents.
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
        draw_good_filters();
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
    void draw_good_filters() const;
    void record_results() const;

    app::Program& program_;
    const app::Options& options_;
    const Settings settings_;

    // The images, as in the files and in batches.
    const data::ImageDataset train_set_ =
        load(data::Split::train, options_.data);
    const data::ImageDataset test_set_ = load(data::Split::test, options_.data);
    const data::Transforms transforms_ = transforms();
    const data::LoaderOptions in_order_{500, false};
    data::DataLoader<Backend> train_loader_{train_set_, shuffled(),
                                            transforms_};
    data::DataLoader<Backend> test_loader_{test_set_, in_order_, transforms_};
    const std::size_t examples_ = train_loader_.dataset_size();

    // The network. It learns from the training images and is tested on the others.
    Random random_{options_.seed};
    CNN<Backend> model_{sizes(), random_};
    train::Classification<Backend> training_{model_, train_loader_};
    train::Classification<Backend> testing_{model_, test_loader_};

    // The optimiser, its schedule, and all state of the training.
    optim::SGD<Backend> optimizer_{model_.parameters(), sgd()};
    optim::ExponentialLR scheduler_{optimizer_, *settings_.gamma};
    train::Run<Backend> run_{training_, optimizer_, options_of_the_run(),
                             &testing_};

    // The results.
    std::vector<double> seconds_; // of each epoch
    double accuracy_ = 0;
    std::vector<train::Prediction> predictions_;
    Tensor<std::int64_t> confusion_;
};

// ## Data
//
// The training images come in shuffled batches, the test images in their own order. `ToTensor`
// turns bytes into numbers from 0 to 1. The preset `good` also centres them.
template <class Backend> data::Transforms Lesson<Backend>::transforms() const {
    data::Transforms transforms = {data::ToTensor{}};
    if (preset_of(settings_.preset).normalize) {
        transforms.emplace_back(normalize(train_set_));
    }
    return transforms;
}

template <class Backend> data::LoaderOptions Lesson<Backend>::shuffled() const {
    data::LoaderOptions shuffled{options_.batch_size};
    shuffled.seed = options_.seed;
    shuffled.limit = options_.limit;
    return shuffled;
}

template <class Backend> void Lesson<Backend>::show_data() const {
    fmt::print("{}: {} images in {} batches", train_set_.name, examples_,
               train_loader_.size());
    fmt::print(" of {}, {} test images\n\n", options_.batch_size,
               test_loader_.dataset_size());
}

// @output to "MNIST train"
//
// ## The network
//
// It is printed as PyTorch prints a module, and then as a table with the shape of each result for
// one batch.
//
// <details class="predict"><summary>Predict: how many parameters do the two convolutions have, and how many had fc1 of chapter 08?</summary>
//
// The convolutions have $10 \cdot 25 + 10 = 260$ and $20 \cdot 250 + 20 = 5020$, together 5,280.
// `fc1` had $784 \cdot 100 + 100 = 78500$. A convolution needs few parameters, because the same
// small filter is used at every place of the image.
//
// </details>
template <class Backend> CNNSizes Lesson<Backend>::sizes() const {
    CNNSizes sizes;
    sizes.height = train_set_.height;
    sizes.width = train_set_.width;
    sizes.classes = train_set_.class_names.size();
    return sizes;
}

template <class Backend> void Lesson<Backend>::show_network() {
    model_.fuse(!settings_.unfused);
    if (!settings_.weights.empty()) {
        train::load_weights(settings_.weights, model_);
    }
    const Shape batch = {options_.batch_size, 1, train_set_.height,
                         train_set_.width};
    fmt::print("{}\n\n", model_.to_string());
    fmt::print("{}\n", nn::to_string(model_.layers(batch)));
}

// @output to "Total"
//
// ## The gradients, checked
//
// `gradients.hpp` has the check; here it runs on two images. A resumed run was checked when it
// began.
template <class Backend>
void Lesson<Backend>::check_gradients_on_two_images() const {
    if (!options_.resume.empty()) { return; }
    data::DataLoader<Cpu<double>> loader(
        test_set_, data::LoaderOptions{2, false}, transforms_);
    const auto& two = loader.peek();
    using InDouble = typename Backend::template With<double>;
    const auto checker = check_gradients<InDouble>(two.images, two.labels);
    fmt::print("{}\n", to_string(checker));
    if (!checker.passed()) {
        throw std::runtime_error("a gradient is wrong: see the table above");
    }
}

// @output to "dimages"
//
// Every derivative agrees with the complex step: those of the filters, which are sums over all
// places of all images, and those of the pixels, which have come back through two poolings.
//
// ## The state of a run
//
// Everything that changes in training is in `Run`, and everything in `Run` can be saved and loaded.
// A run that is resumed from a checkpoint sees the same batches and ends with the same parameters,
// bit for bit, as one that was never interrupted. For this it must also have the same options
// (except the number of epochs) and the same images: a checkpoint contains their number and a hash
// of them.
template <class Backend> SgdOptions Lesson<Backend>::sgd() const {
    SgdOptions sgd;
    sgd.lr = *settings_.lr;
    sgd.momentum = *settings_.momentum;
    return sgd;
}

template <class Backend> Texts Lesson<Backend>::options_of_the_run() const {
    Texts options =
        program_.texts({"--seed", "--batch-size", "--limit", "--log-interval"});
    options.merge(
        program_.texts({"--preset", "--lr", "--momentum", "--gamma"}));
    options["--data"] = is_fashion(options_.data) ? "fashion-mnist" : "mnist";
    options["--device"] = options_.device;
    options["--unfused"] =
        settings_.unfused ? "yes" : "no"; // the sums run in another order
    return options;
}

template <class Backend>
train::EpochResult Lesson<Backend>::test(std::size_t examples_seen) {
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
    const std::size_t batches = train_loader_.size(),
                      tests = run_.history.test_losses.size();
    if (tests !=
        next.epoch + 1) { // one before the first epoch, and one after each
        throw DataError(fmt::format(
            "{}: tensor 'history.test_losses' has shape ({},), expected ({},)",
            options_.resume.string(), tests, next.epoch + 1));
    }
    fmt::print("goes on in epoch {} at batch {} of {}\n", next.epoch + 1,
               next.batch + 1, batches);
}

// ## Training
//
// For every batch, `train_one_epoch` zeroes the gradients, goes forward, computes the loss, goes
// backward and takes a step. It records the loss of every 100th batch. Between two batches it asks
// whether to stop: because it is time to save, or because somebody pressed Ctrl-C. An epoch is
// saved before its line is printed, so that no epoch is lost if the terminal is gone.
//
// <details class="predict"><summary>Predict: plain SGD with steps of 0.001. How far does the loss fall in the first epoch, 938 steps, from about 2.303?</summary>
//
// Hardly: to 2.16 on the test set. The steps are tiny, and the slope near the random weights is
// small. In the third epoch the loss falls fast.
//
// </details>
template <class Backend> void Lesson<Backend>::train() {
    const auto epochs = static_cast<std::size_t>(options_.epochs);
    const auto first_epoch =
        static_cast<std::size_t>(train_loader_.state().epoch);
    fmt::print("epoch  train loss  test loss  correct of {}\n",
               test_set_.size());
    fmt::print("{:>5} {:>11} {:>10.4f} {:>8}\n", first_epoch, "",
               run_.history.test_losses.back(),
               run_.history.test_correct.back());
    app::Progress progress(std::max(epochs, first_epoch + 1) - first_epoch,
                           examples_);
    train::EpochSettings settings;
    settings.log_interval = options_.log_interval;
    const std::size_t batch_size = options_.batch_size;
    settings.on_batch = [&](std::size_t done, std::size_t) {
        progress.update(done * batch_size);
    };
    settings.stop = [&] {
        const std::size_t every = settings_.save_every,
                          next = train_loader_.state().batch;
        return app::interrupted() || (every > 0 && next % every == 0);
    };
    const app::InterruptGuard guard;
    while (train_loader_.state().epoch < epochs) {
        const auto epoch =
            static_cast<std::size_t>(train_loader_.state().epoch);
        train::train_one_epoch(run_, settings);
        const bool complete = run_.epoch.batches == train_loader_.size();
        if (complete) {
            seconds_.push_back(progress.end_epoch());
            test((epoch + 1) * examples_);
            scheduler_.step();
        }
        if (!options_.save.empty()) {
            train::save_checkpoint(options_.save, run_);
        }
        if (complete) { print_epoch(epoch); }
        if (app::interrupted()) { stop(epoch); }
    }
    const auto correct = static_cast<double>(run_.history.test_correct.back());
    accuracy_ = correct / static_cast<double>(test_set_.size());
    fmt::print("\ntest accuracy {:.4f}\n\n", accuracy_);
}

// After each epoch and its test the program prints a line of the table, and below it the losses
// that were recorded in this epoch, at most the last ten.
std::string recorded_losses(const train::History& history, std::size_t first,
                            std::size_t last) {
    std::vector<std::string> losses;
    for (std::size_t i = 0; i < history.train_losses.size(); ++i) {
        const std::size_t seen = history.train_examples[i];
        if (seen <= first || seen > last) { continue; }
        losses.push_back(fmt::format("{:.4f}", history.train_losses[i]));
    }
    const std::size_t skipped = losses.size() > 10 ? losses.size() - 10 : 0;
    losses.erase(losses.begin(),
                 losses.begin() + static_cast<std::ptrdiff_t>(skipped));
    return fmt::format("{}{}", skipped > 0 ? ".. " : "",
                       fmt::join(losses, " "));
}

template <class Backend> void Lesson<Backend>::print_epoch(std::size_t epoch) {
    const train::History& history = run_.history;
    fmt::print("{:>5} {:>11.4f} {:>10.4f}", epoch + 1, run_.epoch.loss,
               history.test_losses.back());
    fmt::print(
        " {:>8}    {} s\n      {}\n", history.test_correct.back(),
        app::about(seconds_.back(), ".1f"),
        recorded_losses(history, epoch * examples_, (epoch + 1) * examples_));
}

// If Ctrl-C ended the epoch early, the program ends here.
template <class Backend> void Lesson<Backend>::stop(std::size_t epoch) const {
    std::string saved = "nothing is saved";
    if (!options_.save.empty()) {
        saved = "go on with --resume " + options_.save.string();
    }
    const std::size_t done = run_.epoch.batches, all = train_loader_.size();
    const std::string where =
        fmt::format("epoch {} after {} of {} batches", epoch + 1, done, all);
    throw app::Interrupted(fmt::format("interrupted in {}; {}", where, saved));
}

// @output to "test accuracy"
//
// About 92 percent of the test digits are right. The network has not finished learning, since the
// losses are still falling; small steps are slow. With `--preset good` the same network gets more
// than 99 percent in the same ten epochs, and 98 in the first.
//
// As long as the network learns fast, the test loss is below the mean training loss of its epoch.
// The test sees the network at the end of the epoch; the mean is over the whole epoch.
//
// ## The mistakes that remain
//
// Which classes are taken for which? The diagonal of the confusion matrix holds the right answers.
template <class Backend> void Lesson<Backend>::show_confusion() {
    predictions_ = train::predict(test_loader_, model_);
    confusion_ =
        train::confusion_matrix(predictions_, test_set_.class_names.size());
    const std::vector<std::string>& classes = test_set_.class_names;
    if (is_fashion(options_.data)) {
        fmt::print("Classes 0 to 9: {}\n", fmt::join(classes, ", "));
    }
    fmt::print("{}", plot::confusion_matrix_text(confusion_));
}

// @output to "9 |"
//
// The figures go into the output folder: the losses, the confusion matrix, the mistakes, and the
// filters and feature maps of the network. The functions that draw them are in `pictures.hpp`.
template <class Backend> void Lesson<Backend>::draw() {
    draw_losses(program_, run_.history);
    draw_confusion(program_, confusion_, test_set_.class_names);
    draw_mistakes(program_, test_set_, predictions_);
    draw_filters(program_, model_, "filters");
    data::DataLoader<Backend> one(test_set_, data::LoaderOptions{1, false},
                                  transforms_);
    draw_feature_maps(program_, model_, one.peek().images);
}

// ## Filters that have learned
//
// The lecture's small steps leave the filters near their initial random numbers. To see what
// filters become, we train a second network for two epochs with the preset `good` and draw its
// filters as well.
template <class Backend> void Lesson<Backend>::draw_good_filters() const {
    const Preset good = preset_of("good");
    data::DataLoader<Backend> loader(train_set_, shuffled(),
                                     {data::ToTensor{}, normalize(train_set_)});
    Random random(options_.seed);
    CNN<Backend> model(sizes(), random);
    train::Classification<Backend> training(model, loader);
    SgdOptions sgd;
    sgd.lr = good.lr;
    sgd.momentum = good.momentum;
    optim::SGD<Backend> optimizer(model.parameters(), sgd);
    train::Run<Backend> run{training, optimizer};
    for (int epoch = 0; epoch < 2; ++epoch) { train::train_one_epoch(run, {}); }
    draw_filters(program_, model, "filters_good");
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

// Every run ends by saying where its figures are and what comes next.
//
// @output to end
