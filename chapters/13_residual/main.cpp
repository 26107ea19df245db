#include <cstddef>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/interrupt.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/data/validation.hpp>
#include <handgrad/error.hpp>
#include <handgrad/nn/summary.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/train/checkpoint.hpp>
#include <handgrad/train/predictions.hpp>
#include <handgrad/train/train.hpp>

#include "depth.hpp"
#include "gradients.hpp"
#include "model.hpp"
#include "paths.hpp"
#include "pictures.hpp"
#include "settings.hpp"

using namespace handgrad;
using Texts = std::map<std::string, std::string>;

// ## The training at a glance
//
// As in chapter 09, the members of a class are the state of a run, and `run()` is the table of
// contents.
template <class Backend> class Training {
public:
    Training(app::Program& program, const Settings& settings)
        : program_(program), options_(program.options()), settings_(settings) {}

    void run() {
        show_network();
        check_network();
        begin_or_resume();
        train();
        draw();
        record_results();
    }

private:
    using Groups = std::vector<typename optim::AdamW<Backend>::Group>;
    data::ValidationSplit images() const;
    data::LoaderOptions shuffled() const;
    Groups groups() const;
    optim::LambdaLR::Factor schedule() const;
    Texts options_of_the_run() const;
    void show_network() const;
    void check_network() const;
    void begin_or_resume();
    void train();
    void print_epoch(std::size_t epoch) const;
    void stop(std::size_t epoch) const;
    void draw();
    void record_results() const;

    app::Program& program_;
    const app::Options& options_;
    const Settings settings_;

    // The images, as in the files and in batches.
    const data::ValidationSplit images_ = images();
    const data::Transforms transforms_ =
        transforms(images_.train, settings_.shift, *settings_.flip);
    data::DataLoader<Backend> train_loader_{images_.train, shuffled(),
                                            transforms_};
    data::DataLoader<Backend> test_loader_{
        images_.validation, data::LoaderOptions{500, false},
        data::without_augmentation(transforms_)};
    const std::size_t examples_ = train_loader_.dataset_size();

    // The network, and the two tasks that it has.
    Random random_{options_.seed};
    ResNet<Backend> model_{{settings_.width, images_.train.class_names.size()},
                           random_};
    train::Classification<Backend> training_{model_, train_loader_};
    train::Classification<Backend> testing_{model_, test_loader_};

    // The optimiser, its schedule, and all state of the training.
    optim::AdamW<Backend> optimizer_{groups()};
    optim::LambdaLR scheduler_{optimizer_, schedule()};
    train::Run<Backend> run_{training_, optimizer_, options_of_the_run(),
                             &testing_};
    std::vector<double> seconds_; // of each epoch
};

// ## Training and test images
//
// `--validation 5000` keeps the last 5,000 training images for testing. It is there to choose
// settings: settings that were chosen by the test images would look better than they are.
template <class Backend>
data::ValidationSplit Training<Backend>::images() const {
    data::ImageDataset train = load(data::Split::train, options_.data);
    if (settings_.validation > 0) {
        return data::hold_back(train, settings_.validation);
    }
    return {std::move(train), load(data::Split::test, options_.data)};
}

template <class Backend>
data::LoaderOptions Training<Backend>::shuffled() const {
    data::LoaderOptions shuffled{options_.batch_size};
    shuffled.seed = options_.seed;
    shuffled.limit = settings_.limit;
    return shuffled;
}

// ## The network
//
// <details class="predict"><summary>Predict: which of the three blocks has the most parameters, and which costs the most time?</summary>
//
// The last one: its convolutions have $2C \cdot 4C \cdot 9$ and $4C \cdot 4C \cdot 9$ weights, 12
// times those of the first block. But it computes only 7 x 7 places instead of 28 x 28, so the first
// block costs the most.
//
// </details>
template <class Backend> void Training<Backend>::show_network() const {
    fmt::print("{}: {} images in {} batches of {}, {} images to test\n\n",
               images_.train.name, examples_, train_loader_.size(),
               options_.batch_size, test_loader_.dataset_size());
    Shape shape = {options_.batch_size, 1, images_.train.height,
                   images_.train.width};
    std::vector<nn::LayerSummary> parts;
    for (const auto& [name, part] : model_.named_children()) {
        shape = part->output_shape(shape);
        parts.push_back({name, part->name(), shape, part->parameter_count()});
    }
    fmt::print("{}\n", nn::to_string(parts));
}

// @output to "Total"
//
// ## The gradients, checked
template <class Backend> void Training<Backend>::check_network() const {
    if (!options_.resume.empty()) { return; }
    using InDouble = typename Backend::template With<double>;
    const auto checker = check_gradients<InDouble>();
    fmt::print("{}\n", to_string(checker));
    if (!checker.passed()) {
        throw std::runtime_error("a gradient is wrong: see the table above");
    }
}

// @output to "dimages"
//
// ## Weights decay, biases do not
//
// AdamW has two groups of parameters. The weights of convolutions and of the linear layer decay.
// Biases and the parameters of normalisations do not: the scale of a normalised channel has no
// reason to be near 0, and a bias costs nothing.
template <class Backend>
typename Training<Backend>::Groups Training<Backend>::groups() const {
    AdamWOptions decay, none;
    decay.lr = none.lr = *settings_.lr;
    decay.weight_decay = settings_.weight_decay;
    none.weight_decay = 0;
    Groups groups = {{{}, decay}, {{}, none}};
    for (auto* parameter : model_.parameters()) {
        const bool is_weight = parameter->value.shape().size() > 1;
        groups[is_weight ? 0 : 1].parameters.push_back(parameter);
    }
    return groups;
}

// ## The state of a run
//
// A checkpoint holds the parameters, the running statistics of the normalisations, both means of
// AdamW for each parameter, and the position of the loader. What the random shifts draw depends on
// seed, epoch and image alone, so nothing else is needed. The schedule counts steps: its length
// depends on the number of epochs, so a resumed run must have the same.
template <class Backend> Texts Training<Backend>::options_of_the_run() const {
    Texts options = program_.texts(
        {"--seed", "--batch-size", "--log-interval", "--validation"});
    options["--data"] = is_fashion(options_.data) ? "fashion-mnist" : "mnist";
    options["--device"] = options_.device;
    options["--width"] = std::to_string(settings_.width);
    options["--epochs"] = std::to_string(settings_.epochs);
    options["--lr"] = fmt::format("{}", *settings_.lr);
    return options;
}

template <class Backend> void Training<Backend>::begin_or_resume() {
    if (options_.resume.empty()) { return; }
    train::load_checkpoint(options_.resume, run_);
    const auto next = train_loader_.state();
    const auto epoch = static_cast<std::size_t>(next.epoch);
    scheduler_.restore(epoch * train_loader_.size() + next.batch);
    fmt::print("goes on in epoch {} at batch {} of {}\n", epoch + 1,
               next.batch + 1, train_loader_.size());
}

// ## Training
//
// The learning rate follows one cycle: it rises along half a cosine for the first 30 percent of the
// steps, from 1/25 of its largest value, and then falls to almost 0 (Smith, Topin 2018). The first
// steps are small because the means of Adam do not know anything yet, the last ones so that the
// noise of the batches dies away.
template <class Backend>
optim::LambdaLR::Factor Training<Backend>::schedule() const {
    const std::size_t batches = train_loader_.size(), epochs = settings_.epochs;
    if (epochs * batches < 4) {
        throw UsageError(fmt::format(
            "--epochs {} with {} batches are {} steps, expected at least 4",
            epochs, batches, epochs * batches));
    }
    return optim::one_cycle(epochs * batches);
}

template <class Backend> void Training<Backend>::train() {
    fmt::print("epoch  train loss  test loss  correct of {}\n",
               test_loader_.dataset_size());
    app::Progress progress(settings_.epochs, examples_);
    train::EpochSettings settings;
    settings.log_interval = options_.log_interval;
    settings.on_batch = [&](std::size_t done, std::size_t) {
        scheduler_.step();
        progress.update(done * options_.batch_size);
    };
    settings.stop = [&] {
        const std::size_t every = settings_.save_every,
                          next = train_loader_.state().batch;
        return app::interrupted() || (every > 0 && next % every == 0);
    };
    const app::InterruptGuard guard;
    while (train_loader_.state().epoch < settings_.epochs) {
        const auto epoch =
            static_cast<std::size_t>(train_loader_.state().epoch);
        train::train_one_epoch(run_, settings);
        const bool complete = run_.epoch.batches == train_loader_.size();
        if (complete) {
            seconds_.push_back(progress.end_epoch());
            run_.history.add_test(train::test_one_epoch<Backend>(testing_),
                                  (epoch + 1) * examples_);
        }
        if (!options_.save.empty()) {
            train::save_checkpoint(options_.save, run_);
        }
        if (complete) { print_epoch(epoch); }
        if (app::interrupted()) { stop(epoch); }
    }
}

template <class Backend>
void Training<Backend>::print_epoch(std::size_t epoch) const {
    const train::History& history = run_.history;
    fmt::print("{:>5} {:>11.4f} {:>10.4f} {:>8}    {} s\n", epoch + 1,
               run_.epoch.loss, history.test_losses.back(),
               history.test_correct.back(), app::about(seconds_.back(), ".1f"));
    std::fflush(stdout);
}

// If Ctrl-C ended the epoch early, the program ends here.
template <class Backend> void Training<Backend>::stop(std::size_t epoch) const {
    std::string saved = "nothing is saved";
    if (!options_.save.empty()) {
        saved = "go on with --resume " + options_.save.string();
    }
    const std::size_t done = run_.epoch.batches, all = train_loader_.size();
    throw app::Interrupted(
        fmt::format("interrupted in epoch {} after {} of {} batches; {}",
                    epoch + 1, done, all, saved));
}

// @output to end
//
// A hundred steps are enough for about 95 percent of the digits, with a network that is a quarter as
// wide as the one that the preset `full` trains. The results have its figures.
template <class Backend> void Training<Backend>::draw() {
    draw_augmented(program_, images_.train, transforms_);
    draw_losses(program_, run_.history);
    draw_mistakes(program_, images_.validation,
                  train::predict(test_loader_, model_));
}

template <class Backend> void Training<Backend>::record_results() const {
    const train::History& history = run_.history;
    program_.result("parameters", model_.parameter_count());
    program_.result("train_losses", history.train_losses);
    program_.result("train_examples", history.train_examples);
    program_.result("test_losses", history.test_losses);
    program_.result("test_examples", history.test_examples);
    program_.result("test_correct", history.test_correct);
    program_.result("epoch_seconds", seconds_);
}

// ## The command line
//
// `--part` runs a part of the chapter alone.
template <class Backend>
void run(app::Program& program, const Settings& settings) {
    const bool all = settings.part == "all";
    if (all || settings.part == "depth") {
        depth::compare(program, program.options().data, settings.blocks);
    }
    if (all || settings.part == "optimisers") { paths::compare(program); }
    if (all || settings.part == "network") {
        Training<Backend>(program, settings).run();
    }
}

int main(int argc, char** argv) {
    app::Program program("13_residual",
                         "Straight through: residual connections and Adam");
    auto& options = program.options();
    options.seed = 1;
    options.batch_size = 128;
    options.log_interval = 5;
    options.data = "mnist";
    Settings settings;
    offer_options(program, settings);
    return program.main(argc, argv, [&] {
        settings.complete(options.data);
        if (options.device == "thrust") {
            run<Device<float>>(program, settings);
        } else {
            run<Cpu<float>>(program, settings);
        }
    });
}
