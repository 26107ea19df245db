#include <algorithm>
#include <complex>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/io/csv.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/plot/image_grid.hpp>
#include <handgrad/plot/terminal.hpp>
#include <handgrad/train/train.hpp>

#include "model.hpp"

using namespace handgrad;

// ## Before we train: are the gradients right?
//
// A network with a wrong gradient often learns all the same, only worse, and nobody notices. So we
// check first. The class in `model.hpp` is a template, and we can make a small copy of it that
// computes with complex numbers. One imaginary part of $10^{-20}$ in one parameter, and the
// imaginary part of the loss is that parameter's derivative, with no rounding error to speak of
// (chapter 6 shows why).
//
// `loss_at` builds the network from a list of parameters and returns the loss of a few digits.
using Digits = data::ImageBatch<Cpu<double>>;
template <class T> using Parameters = std::vector<Tensor<T>>;

std::size_t pixels(const Digits& digits) { return digits.images.shape(2) * digits.images.shape(3); }

template <class T> T loss_at(const Parameters<T>& parameters, const Digits& digits) {
    Random random(0);
    const std::size_t hidden = parameters[1].size(), classes = parameters[3].size();
    TwoLayerNet<Reference<T>> net(pixels(digits), hidden, classes, random);
    const auto own = net.parameters();
    for (std::size_t i = 0; i < own.size(); ++i) { own[i]->value = parameters[i]; }
    const Tensor<T> x = digits.images;
    return nn::CrossEntropyLoss<Reference<T>>().forward(net(x), digits.labels);
}

// The analytic gradients come from `backward`, computed by the fast backend that we are about to
// train with. Every weight and every bias is compared.
template <class Backend> check::GradientCheck check_gradients(const Digits& digits) {
    using Complex = std::complex<double>;
    Random random(1);
    TwoLayerNet<Backend> net(pixels(digits), 5, 10, random);
    nn::CrossEntropyLoss<Backend> criterion;
    const typename Backend::Tensor x = Backend::from_host(digits.images); // to the device, if any
    const typename Backend::Labels y = Backend::from_host(digits.labels);
    net.zero_grad();
    criterion.forward(net(x), y);
    net.backward(criterion.backward());

    Parameters<Complex> parameters;
    for (const auto* p : net.parameters()) { parameters.emplace_back(Backend::to_host(p->value)); }
    check::GradientCheck checker;
    const auto named = net.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        checker.wrt(name, Backend::to_host(parameter->value), Backend::to_host(parameter->grad),
                    [&, i](const auto& changed) {
                        auto all = parameters;
                        all[i] = changed;
                        return loss_at(all, digits);
                    });
    }
    return checker;
}

// ## What the network gets wrong
//
// After training we want more than one number. For every test digit we note the class that the
// network chose and how sure it was of it.
struct Prediction {
    std::int64_t label, chosen;
    double probability; // of the class chosen
};
using Predictions = std::vector<Prediction>;

template <class B> Predictions predict(data::DataLoader<B>& loader, TwoLayerNet<B>& model) {
    Predictions predictions;
    for (const auto& batch : loader) {
        const auto probabilities = B::softmax_forward(model(batch.images));
        const Tensor<float>& p = B::to_host(probabilities);
        const Labels& labels = B::to_host(batch.labels);
        for (std::size_t n = 0; n < p.shape(0); ++n) {
            const auto* row = p.data() + n * p.shape(1);
            const auto best = std::max_element(row, row + p.shape(1));
            predictions.push_back({labels(n), best - row, static_cast<double>(*best)});
        }
    }
    return predictions;
}

// The confusion matrix counts, for every true class (row), which class was chosen (column).
Tensor<std::int64_t> confusion_matrix(const Predictions& predictions) {
    auto counts = zeros<std::int64_t>({10, 10});
    for (const auto& p : predictions) { ++counts(p.label, p.chosen); }
    return counts;
}

// The worst mistakes are the ones that the network was surest of.
std::vector<std::size_t> worst_mistakes(const Predictions& predictions, std::size_t most) {
    std::vector<std::size_t> wrong;
    for (std::size_t n = 0; n < predictions.size(); ++n) {
        if (predictions[n].chosen != predictions[n].label) { wrong.push_back(n); }
    }
    std::stable_sort(wrong.begin(), wrong.end(), [&](std::size_t a, std::size_t b) {
        return predictions[a].probability > predictions[b].probability;
    });
    wrong.resize(std::min(wrong.size(), most));
    return wrong;
}

// ## Settings
//
// What the user may choose, beside the options that every chapter has. Both are read once, before
// anything is computed, and never change after that.
struct Settings {
    std::size_t hidden = 100;
    double momentum = 0.9, gamma = 0.8;
};

// ## The lesson
//
// What a run consists of are the members of a class, and what it does are the steps of `run`: the
// table of contents of what follows. The lesson is written once for every backend: `--device` says
// what computes, `cpu` or `thrust`, a GPU or this computer's cores by parallel primitives (chapter
// 10).
template <class Backend> class Lesson {
public:
    Lesson(app::Program& program, const Settings& settings)
        : program_(program), options_(program.options()), settings_(settings) {}

    void run() {
        show_data();
        show_network();
        check_gradients_on_three_digits();
        train();
        show_confusion();
        draw_losses();
        draw_confusion();
        draw_mistakes();
        record_results();
    }

private:
    data::LoaderOptions shuffled() const;
    SgdOptions sgd() const;
    void show_data() const;
    void show_network() const;
    void check_gradients_on_three_digits() const;
    train::EpochResult test(std::size_t examples_seen);
    void train();
    void show_confusion();
    void draw_losses() const;
    void draw_confusion() const;
    void draw_mistakes() const;
    void record_results() const;

    app::Program& program_;
    const app::Options& options_;
    const Settings settings_;

    // The digits, as they come from the files and in batches.
    const data::ImageDataset train_set_ = data::load_mnist(data::Split::train, options_.data);
    const data::ImageDataset test_set_ = data::load_mnist(data::Split::test, options_.data);
    const data::Transforms transforms_ = {data::ToTensor{}, data::Normalize{0.1307, 0.3081}};
    const data::LoaderOptions in_order_{1000, false};
    data::DataLoader<Backend> train_loader_{train_set_, shuffled(), transforms_};
    data::DataLoader<Backend> test_loader_{test_set_, in_order_, transforms_};

    // The network, and the two things that it is for: to learn from the training digits, and to be
    // tested on the others.
    Random random_{options_.seed};
    const std::size_t pixels_ = train_set_.height * train_set_.width;
    TwoLayerNet<Backend> model_{pixels_, settings_.hidden, 10, random_};
    train::Classification<Backend> training_{model_, train_loader_};
    train::Classification<Backend> testing_{model_, test_loader_};

    // What moves its parameters. `Run` holds all that changes while we train.
    optim::SGD<Backend> optimizer_{model_.parameters(), sgd()};
    optim::ExponentialLR scheduler_{optimizer_, settings_.gamma};
    train::Run<Backend> run_{training_, optimizer_};

    // What came of it.
    double seconds_ = 0, accuracy_ = 0;
    Predictions predictions_;
    Tensor<std::int64_t> confusion_;
};

// ## Data
//
// Training images in shuffled batches of 64, test images in their own order. `ToTensor` scales
// bytes to $[0, 1]$; subtracting the mean and dividing by the standard deviation of the training
// pixels (chapter 1) then centres them, which lets us take larger steps.
template <class Backend> data::LoaderOptions Lesson<Backend>::shuffled() const {
    data::LoaderOptions shuffled{options_.batch_size};
    shuffled.seed = options_.seed;
    shuffled.limit = options_.limit;
    return shuffled;
}

template <class Backend> void Lesson<Backend>::show_data() const {
    const std::size_t examples = train_loader_.dataset_size(), batches = train_loader_.size();
    fmt::print("{} training digits in {} batches of {}", examples, batches, options_.batch_size);
    fmt::print(", {} test digits\n\n", test_loader_.dataset_size());
}

// ## The network
//
// Printed as PyTorch prints it, as a sanity check. We expect
// $784 \cdot 100 + 100 + 100 \cdot 10 + 10 = 79510$ parameters.
template <class Backend> void Lesson<Backend>::show_network() const {
    fmt::print("{}\n{} parameters\n\n", model_.to_string(), model_.parameter_count());
}

// ## The gradients, checked
//
// On three digits and with five hidden units, so that all of the network's derivatives take a
// second. The layers are the same lines of code whatever their width.
template <class Backend> void Lesson<Backend>::check_gradients_on_three_digits() const {
    data::DataLoader<Cpu<double>> three(test_set_, data::LoaderOptions{3, false}, transforms_);
    using InDouble = typename Backend::template With<double>;
    const auto checker = check_gradients<InDouble>(three.peek());
    fmt::print("{}\n", to_string(checker));
    if (!checker.passed()) { throw std::runtime_error("a gradient is wrong: see the table above"); }
}

// ## Training
//
// A new network knows nothing: it gives each of ten classes a probability of about one tenth, so
// the first loss should be near $\log 10 = 2.303$. SGD with momentum takes it from there; after
// each epoch the learning rate is multiplied by $\gamma$ (the lecture sets a gamma and never uses
// it).
template <class Backend> SgdOptions Lesson<Backend>::sgd() const {
    SgdOptions sgd;
    sgd.lr = options_.lr;
    sgd.momentum = settings_.momentum;
    return sgd;
}

template <class Backend> train::EpochResult Lesson<Backend>::test(std::size_t examples_seen) {
    const auto result = train::test_one_epoch<Backend>(testing_);
    run_.history.add_test(result, examples_seen);
    return result;
}

template <class Backend> void Lesson<Backend>::train() {
    const auto before = test(0);
    fmt::print("epoch       lr  train loss  test loss  correct of {}\n", before.examples);
    fmt::print("{:>5} {:>8} {:>11} {:>10.4f} {:>8}\n", 0, "", "", before.loss, before.correct);

    const auto epochs = static_cast<std::size_t>(options_.epochs);
    app::Progress progress(epochs, train_loader_.dataset_size());
    train::EpochSettings settings;
    settings.log_interval = options_.log_interval;
    const std::size_t batch_size = options_.batch_size;
    settings.on_batch = [&](std::size_t done, std::size_t) { progress.update(done * batch_size); };
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const double lr = optimizer_.lr();
        const auto trained = train::train_one_epoch(run_, settings);
        seconds_ += progress.end_epoch();
        const auto tested = test((epoch + 1) * train_loader_.dataset_size());
        scheduler_.step();
        fmt::print("{:>5} {:>8.4f} {:>11.4f}", epoch + 1, lr, trained.loss);
        fmt::print(" {:>10.4f} {:>8}\n", tested.loss, tested.correct);
    }
    const auto correct = static_cast<double>(run_.history.test_correct.back());
    accuracy_ = correct / static_cast<double>(before.examples);
    const std::string seconds = app::about(seconds_, ".1f");
    fmt::print("\ntest accuracy {:.4f} after {} s of training\n\n", accuracy_, seconds);
}

// ## What is left
//
// Which digits are taken for which? The diagonal holds the right ones.
template <class Backend> void Lesson<Backend>::show_confusion() {
    predictions_ = predict(test_loader_, model_);
    confusion_ = confusion_matrix(predictions_);
    fmt::print("{}", plot::confusion_matrix_text(confusion_));
}

// Curves, matrix and the twenty mistakes that the network was surest of go into the output folder.
template <class Backend> void Lesson<Backend>::draw_losses() const {
    const train::History& history = run_.history;
    plot::Figure figure;
    figure.title("784-100-10 on MNIST").y_label("cross-entropy loss [nats]").y_log();
    figure.x_label("training examples seen");
    figure.line("training, one batch", history.train_examples, history.train_losses);
    figure.line_points("test, mean", history.test_examples, history.test_losses);
    const auto saved = figure.save(program_.output(""), "loss");
    if (!saved.note.empty()) { fmt::print("{}\n", saved.note); }
}

template <class Backend> void Lesson<Backend>::draw_confusion() const {
    plot::Figure matrix;
    matrix.title("784-100-10 on the MNIST test set").x_label("class chosen").y_label("true class");
    matrix.confusion_matrix(confusion_).save(program_.output(""), "confusion");
}

template <class Backend> void Lesson<Backend>::draw_mistakes() const {
    const auto wrong = worst_mistakes(predictions_, 20);
    if (wrong.empty()) { return; }
    const std::size_t height = test_set_.height, width = test_set_.width;
    auto digits = zeros<std::uint8_t>({wrong.size(), 1, height, width});
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto& p = predictions_[wrong[i]];
        std::copy_n(test_set_.image(wrong[i]), height * width, &digits(i, 0, 0, 0));
        titles.push_back(fmt::format("{} taken for {}", p.label, p.chosen));
    }
    plot::image_grid(digits, (wrong.size() + 4) / 5, 5, titles)
        .save(program_.output(""), "mistakes");
}

template <class Backend> void Lesson<Backend>::record_results() const {
    program_.result("parameters", model_.parameter_count());
    program_.result("test_accuracy", accuracy_);
    program_.result("test_loss", run_.history.test_losses.back());
    program_.result("train_losses", run_.history.train_losses);
    program_.result("train_examples", run_.history.train_examples);
    program_.result("test_losses", run_.history.test_losses);
    program_.result("training_seconds", seconds_);
}

int main(int argc, char** argv) {
    app::Program program("08_mnist_two_layer", "A two-layer network learns MNIST");
    auto& options = program.options();
    options.seed = 1234;
    options.epochs = 10;
    options.batch_size = 64;
    options.lr = 0.05;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--log-interval", "--data"});
    program.take_device();
    Settings settings;
    program.option("--hidden", settings.hidden, 1, 10000, "units in the hidden layer");
    program.option("--momentum", settings.momentum, 0, 0.9999, "momentum of SGD");
    const auto* const schedule = "the learning rate is multiplied by this after every epoch";
    program.option("--gamma", settings.gamma, 1e-6, 1, schedule);
    return program.main(argc, argv, [&] {
        if (options.device == "thrust") {
            Lesson<Device<float>>(program, settings).run();
        } else {
            Lesson<Cpu<float>>(program, settings).run();
        }
    });
}
