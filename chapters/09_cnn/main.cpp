#include <algorithm>
#include <cmath>
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
// `lecture` is what the lecture does: plain SGD with a small step on the pixels as they are. `good` is what one does
// who wants to be right more often: the pixels centred, momentum, and steps that are large at first and get smaller.
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
// Fashion-MNIST has the sizes of MNIST and shows clothes. `--data` takes the name of one of them, or a folder with files
// of either; a folder called fashion-mnist holds clothes.
bool is_fashion(const std::filesystem::path& data) {
    const bool ends_in_slash = data.has_relative_path() && !data.has_filename();
    return (ends_in_slash ? data.parent_path() : data).filename() == "fashion-mnist";
}

data::ImageDataset load(data::Split split, const std::filesystem::path& data) {
    const bool name = data == "mnist" || data == "fashion-mnist";
    const std::filesystem::path folder = name ? std::filesystem::path() : data;
    return is_fashion(data) ? data::load_fashion_mnist(split, folder) : data::load_mnist(split, folder);
}

// Mean and standard deviation of the training pixels, to four digits as everybody quotes them: 0.1307 and 0.3081 for
// MNIST (chapter 1).
data::Normalize normalize(const data::ImageDataset& train_set) {
    const auto pixels = data::pixel_statistics(train_set);
    return {std::round(pixels.mean * 1e4) / 1e4, std::round(pixels.std * 1e4) / 1e4};
}

// The losses that were recorded in one epoch, in a line; of more than ten, the last ones.
std::string recorded_losses(const train::History& history, std::size_t epoch, std::size_t examples) {
    std::vector<std::string> losses;
    for (std::size_t i = 0; i < history.train_losses.size(); ++i) {
        const std::size_t seen = history.train_examples[i];
        if (seen > epoch * examples && seen <= (epoch + 1) * examples) {
            losses.push_back(fmt::format("{:.4f}", history.train_losses[i]));
        }
    }
    const std::size_t skipped = losses.size() > 10 ? losses.size() - 10 : 0;
    losses.erase(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(skipped));
    return fmt::format("{}{}", skipped > 0 ? ".. " : "", fmt::join(losses, " "));
}

int main(int argc, char** argv) {
    app::Program program("09_cnn", "A convolutional network learns MNIST");
    auto& options = program.options();
    options.seed = 1234;
    options.epochs = 10;
    options.batch_size = 64;
    options.data = "mnist";
    std::string preset_name = "lecture";
    std::optional<double> lr, momentum, gamma;
    std::size_t save_every = 0;
    bool unfused = false;
    std::filesystem::path weights;
    program.option("--preset", preset_name, {"lecture", "good"}, "how to train, where the options below do not say it");
    program.option("--lr", lr, 0, 1000, "learning rate", "the preset's");
    program.option("--momentum", momentum, 0, 0.9999, "momentum of SGD", "the preset's");
    program.option("--gamma", gamma, 1e-6, 1, "the learning rate is multiplied by this after every epoch",
                   "the preset's");
    program.option("--data", options.data, "mnist or fashion-mnist, or a folder with the files of one of them");
    program.take({"--epochs", "--batch-size", "--limit", "--log-interval", "--save", "--resume"}).take_device();
    program.option("--save-every", save_every, 0, 1000000000, "batches between two checkpoints; 0: one each epoch");
    program.flag("--unfused", unfused, "compute convolution, ReLU and pooling one after another: slower");
    const auto from = fmt::format("weights to begin with ({} writes them)", train::export_torch);
    program.option("--weights", weights, from);

    // ## One network, several machines
    //
    // The network, the loss and the training loop are templates over the backend. So the lesson is written once, and
    // `--device` says what computes: `cpu`, OpenBLAS and SIMD registers; or `thrust`, parallel primitives on a GPU or on
    // this computer's cores (chapter 10).
    const auto lesson = [&](auto backend) {
        using Backend = decltype(backend);
        const Preset preset = preset_of(preset_name);
        lr = lr.value_or(preset.lr);
        momentum = momentum.value_or(preset.momentum);
        gamma = gamma.value_or(preset.gamma);

        // ## Data
        //
        // Training images in shuffled batches, test images in their own order. `ToTensor` makes numbers from 0 to 1 of
        // the bytes; that is all that the lecture does to them.
        const auto train_set = load(data::Split::train, options.data);
        const auto test_set = load(data::Split::test, options.data);
        data::Transforms transforms = {data::ToTensor{}};
        if (preset.normalize) { transforms.emplace_back(normalize(train_set)); }
        data::LoaderOptions shuffled{options.batch_size};
        shuffled.seed = options.seed;
        shuffled.limit = options.limit;
        data::DataLoader<Backend> train_loader(train_set, shuffled, transforms);
        data::DataLoader<Backend> test_loader(test_set, data::LoaderOptions{500, false}, transforms);
        const std::size_t examples = train_loader.dataset_size();
        fmt::print("{}: {} images in {} batches of {}, {} test images\n\n", train_set.name, examples,
                   train_loader.size(), options.batch_size, test_loader.dataset_size());

        // ## The network
        //
        // Printed as PyTorch prints it, and then with what comes out of each layer for one batch. Compare the parameters
        // with chapter 8's: its `fc1` alone had 78,500, the two convolutions have 5,280, because the same small filter
        // is used at every place of the image.
        CNNSizes sizes;
        sizes.height = train_set.height;
        sizes.width = train_set.width;
        sizes.classes = train_set.class_names.size();
        Random random(options.seed);
        CNN<Backend> model(sizes, random);
        model.fuse(!unfused);
        if (!weights.empty()) { train::load_weights(weights, model); }
        fmt::print("{}\n\n", model.to_string());
        fmt::print("{}\n", nn::to_string(model.layers({options.batch_size, 1, sizes.height, sizes.width})));

        // ## The gradients, checked
        //
        // On two images; see `gradients.hpp`. A run that goes on was checked when it began.
        if (options.resume.empty()) {
            data::DataLoader<Cpu<double>> few(test_set, data::LoaderOptions{2, false}, transforms);
            const auto& two = few.peek();
            const auto checker = check_gradients<typename Backend::template With<double>>(two.images, two.labels);
            fmt::print("{}\n", to_string(checker));
            if (!checker.passed()) { throw std::runtime_error("a gradient is wrong: see the table above"); }
        }

        // ## What a run consists of
        //
        // Everything that changes while we train is in `Run`, and everything in `Run` can be saved and loaded. A run
        // that goes on from a checkpoint sees the same batches and ends with the same parameters, to the last bit, as
        // one that was never interrupted. So it must also be the same in every option that matters; the number of epochs
        // does not.
        train::Classification<Backend> training(model, train_loader), testing(model, test_loader);
        SgdOptions sgd;
        sgd.lr = *lr;
        sgd.momentum = *momentum;
        optim::SGD<Backend> optimizer(model.parameters(), sgd);
        optim::ExponentialLR scheduler(optimizer, *gamma);
        train::Run<Backend> run{training, optimizer,
                                program.texts({"--seed", "--batch-size", "--limit", "--log-interval", "--preset",
                                               "--lr", "--momentum", "--gamma"})};
        run.options["--data"] = is_fashion(options.data) ? "fashion-mnist" : "mnist";
        run.options["--device"] = options.device;
        run.options["--unfused"] = unfused ? "yes" : "no"; // the sums run in another order
        auto& history = run.history;
        const auto record_test = [&](std::size_t examples_seen) {
            const auto result = train::test_one_epoch<Backend>(testing);
            history.add_test(result, examples_seen);
            return result;
        };
        if (options.resume.empty()) {
            record_test(0);
        } else {
            train::load_checkpoint(options.resume, run);
            fmt::print("goes on in epoch {} at batch {} of {}\n", train_loader.state().epoch + 1,
                       train_loader.state().batch + 1, train_loader.size());
        }

        // ## Training
        //
        // `train_one_epoch` is the lecture's function: for every batch zero the gradients, go forward, take the
        // cross-entropy, go backward, take a step; every 100 batches note the loss. Between two batches it asks whether
        // to stop: because it is time to save, or somebody pressed Ctrl-C.
        //
        // A new network gives each class a probability of about one tenth, so we expect losses near $\log 10 = 2.303$.
        const auto epochs = static_cast<std::size_t>(options.epochs);
        const auto first_epoch = static_cast<std::size_t>(train_loader.state().epoch);
        fmt::print("epoch  train loss  test loss  correct of {}\n", test_set.size());
        fmt::print("{:>5} {:>11} {:>10.4f} {:>8}\n", first_epoch, "", history.test_losses.back(),
                   history.test_correct.back());
        app::Progress progress(std::max(epochs, first_epoch + 1) - first_epoch, examples);
        train::EpochSettings settings;
        settings.log_interval = options.log_interval;
        settings.on_batch = [&](std::size_t done, std::size_t) { progress.update(done * options.batch_size); };
        settings.stop = [&] {
            return app::interrupted() || (save_every > 0 && train_loader.state().batch % save_every == 0);
        };
        std::vector<double> seconds;
        const app::InterruptGuard guard;
        while (train_loader.state().epoch < epochs) {
            const auto epoch = static_cast<std::size_t>(train_loader.state().epoch);
            train::train_one_epoch(run, settings);
            const bool over = run.epoch.batches == train_loader.size();
            if (over) {
                seconds.push_back(progress.end_epoch());
                const auto tested = record_test((epoch + 1) * examples);
                scheduler.step();
                fmt::print("{:>5} {:>11.4f} {:>10.4f} {:>8}    {} s\n      {}\n", epoch + 1, run.epoch.loss,
                           tested.loss, tested.correct, app::about(seconds.back(), ".1f"),
                           recorded_losses(history, epoch, examples));
            }
            if (!options.save.empty()) { train::save_checkpoint(options.save, run); }
            if (app::interrupted()) {
                const std::string saved =
                    options.save.empty() ? "nothing is saved" : "go on with --resume " + options.save.string();
                throw app::Interrupted(fmt::format("interrupted in epoch {} after {} of {} batches; {}", epoch + 1,
                                                   run.epoch.batches, train_loader.size(), saved));
            }
        }
        const double accuracy = static_cast<double>(history.test_correct.back()) / static_cast<double>(test_set.size());
        fmt::print("\ntest accuracy {:.4f}\n\n", accuracy);

        // ## What is left
        //
        // Which classes are taken for which? The diagonal of the confusion matrix holds the right ones.
        const auto predictions = train::predict(test_loader, model);
        const auto counts = train::confusion_matrix(predictions, sizes.classes);
        if (is_fashion(options.data)) { fmt::print("Classes 0 to 9: {}\n", fmt::join(test_set.class_names, ", ")); }
        fmt::print("{}", plot::confusion_matrix_text(counts));

        // The pictures go into the output folder: the curves, the matrix, the mistakes, and what is inside the network.
        draw_losses(program, history);
        draw_confusion(program, counts, test_set.class_names);
        draw_mistakes(program, test_set, predictions);
        draw_filters(program, model);
        data::DataLoader<Backend> one(test_set, data::LoaderOptions{1, false}, transforms);
        draw_feature_maps(program, model, one.peek().images);

        program.result("parameters", model.parameter_count());
        program.result("test_accuracy", accuracy);
        program.result("train_losses", history.train_losses);
        program.result("train_examples", history.train_examples);
        program.result("test_losses", history.test_losses);
        program.result("test_examples", history.test_examples);
        program.result("test_correct", history.test_correct);
        program.result("epoch_seconds", seconds);
    };
    return program.main(argc, argv,
                        [&] { options.device == "thrust" ? lesson(Device<float>()) : lesson(Cpu<float>()); });
}
