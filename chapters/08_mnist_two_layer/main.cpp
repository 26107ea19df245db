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
// check first, by the complex step (chapter 06): we add an imaginary part of $10^{-20}$ to one
// parameter, and the imaginary part of the loss, divided by $10^{-20}$, is its derivative. The
// class in `model.hpp` is a template, so we can make a small copy that computes with complex
// numbers.
//
// `loss_at` builds the network from a list of parameters and returns the loss of a few digits.
using Digits = data::ImageBatch<Cpu<double>>;
template <class T> using Parameters = std::vector<Tensor<T>>;

std::size_t pixels(const Digits& digits) {
    return digits.images.shape(2) * digits.images.shape(3);
}

template <class T>
T loss_at(const Parameters<T>& parameters, const Digits& digits) {
    Random random(0);
    const std::size_t hidden = parameters[1].size(),
                      classes = parameters[3].size();
    TwoLayerNet<Reference<T>> net(pixels(digits), hidden, classes, random);
    const auto own = net.parameters();
    for (std::size_t i = 0; i < own.size(); ++i) {
        own[i]->value = parameters[i];
    }
    const Tensor<T> x = digits.images;
    return nn::CrossEntropyLoss<Reference<T>>().forward(net(x), digits.labels);
}

// The analytic gradients come from `backward`, computed by the fast backend that is about to train
// the network. Every weight and every bias is compared.
template <class Backend>
check::GradientCheck check_gradients(const Digits& digits) {
    using Complex = std::complex<double>;
    Random random(1);
    TwoLayerNet<Backend> net(pixels(digits), 5, 10, random);
    nn::CrossEntropyLoss<Backend> criterion;
    const typename Backend::Tensor x =
        Backend::from_host(digits.images); // to the device, if any
    const typename Backend::Labels y = Backend::from_host(digits.labels);
    net.zero_grad();
    criterion.forward(net(x), y);
    net.backward(criterion.backward());

    Parameters<Complex> parameters;
    for (const auto* p : net.parameters()) {
        parameters.emplace_back(Backend::to_host(p->value));
    }
    check::GradientCheck checker;
    const auto named = net.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        checker.wrt(name, Backend::to_host(parameter->value),
                    Backend::to_host(parameter->grad),
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
// After training we want to know more than the number of right answers. For every test digit we
// note the class that the network chose and its probability.
struct Prediction {
    std::int64_t label, chosen;
    double probability; // of the class chosen
};
using Predictions = std::vector<Prediction>;

template <class Backend> Predictions predict(data::DataLoader<Backend>& loader,
                                             TwoLayerNet<Backend>& model) {
    Predictions predictions;
    for (const auto& batch : loader) {
        const auto probabilities =
            Backend::softmax_forward(model(batch.images));
        const Tensor<float>& p = Backend::to_host(probabilities);
        const Labels& labels = Backend::to_host(batch.labels);
        for (std::size_t n = 0; n < p.shape(0); ++n) {
            const auto* row = p.data() + n * p.shape(1);
            const auto best = std::max_element(row, row + p.shape(1));
            predictions.push_back(
                {labels(n), best - row, static_cast<double>(*best)});
        }
    }
    return predictions;
}

// The confusion matrix counts, for every true class (row), how often each class (column) was
// chosen.
Tensor<std::int64_t> confusion_matrix(const Predictions& predictions) {
    auto counts = zeros<std::int64_t>({10, 10});
    for (const auto& p : predictions) { ++counts(p.label, p.chosen); }
    return counts;
}

// The worst mistakes are those with the highest probability of the wrong class.
std::vector<std::size_t> worst_mistakes(const Predictions& predictions,
                                        std::size_t most) {
    std::vector<std::size_t> wrong;
    for (std::size_t n = 0; n < predictions.size(); ++n) {
        if (predictions[n].chosen != predictions[n].label) {
            wrong.push_back(n);
        }
    }
    std::stable_sort(
        wrong.begin(), wrong.end(), [&](std::size_t a, std::size_t b) {
            return predictions[a].probability > predictions[b].probability;
        });
    wrong.resize(std::min(wrong.size(), most));
    return wrong;
}

// ## Settings
//
// These are the options of this chapter; others are common to all chapters. Both are read once,
// before anything is computed, and do not change afterwards.
struct Settings {
    std::size_t hidden = 100;
    double momentum = 0.9, gamma = 0.8;
};

// ## The lesson
//
// The lesson is a class. Its members are the state of a run, and `run()` is the table of contents
// of what follows. The lesson is written once for every backend. The option `--device` chooses:
// `cpu`, or `thrust`, which computes by parallel primitives (chapter 10) on a GPU or on this
// computer's cores.
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

    // The digits, as in the files and in batches.
    const data::ImageDataset train_set_ =
        data::load_mnist(data::Split::train, options_.data);
    const data::ImageDataset test_set_ =
        data::load_mnist(data::Split::test, options_.data);
    const data::Transforms transforms_ = {data::ToTensor{},
                                          data::Normalize{0.1307, 0.3081}};
    const data::LoaderOptions in_order_{1000, false};
    data::DataLoader<Backend> train_loader_{train_set_, shuffled(),
                                            transforms_};
    data::DataLoader<Backend> test_loader_{test_set_, in_order_, transforms_};

    // The network. It learns from the training digits and is tested on the others.
    Random random_{options_.seed};
    const std::size_t pixels_ = train_set_.height * train_set_.width;
    TwoLayerNet<Backend> model_{pixels_, settings_.hidden, 10, random_};
    train::Classification<Backend> training_{model_, train_loader_};
    train::Classification<Backend> testing_{model_, test_loader_};

    // The optimiser and its schedule. `Run` holds all state of the training.
    optim::SGD<Backend> optimizer_{model_.parameters(), sgd()};
    optim::ExponentialLR scheduler_{optimizer_, settings_.gamma};
    train::Run<Backend> run_{training_, optimizer_};

    // The results.
    double seconds_ = 0, accuracy_ = 0;
    Predictions predictions_;
    Tensor<std::int64_t> confusion_;
};

// ## Data
//
// The training images come in shuffled batches of 64, the test images in their own order.
// `ToTensor` scales bytes to $[0, 1]$. `Normalize` then subtracts the mean of the training pixels
// and divides by their standard deviation (chapter 01). Centred inputs allow larger steps.
//
// <details class="predict"><summary>Predict: how many batches of 64 do 60,000 digits make?</summary>
//
// $60000 / 64 = 937.5$, so 938: the last batch holds only 32 digits.
//
// </details>
template <class Backend> data::LoaderOptions Lesson<Backend>::shuffled() const {
    data::LoaderOptions shuffled{options_.batch_size};
    shuffled.seed = options_.seed;
    shuffled.limit = options_.limit;
    return shuffled;
}

template <class Backend> void Lesson<Backend>::show_data() const {
    const std::size_t examples = train_loader_.dataset_size(),
                      batches = train_loader_.size();
    fmt::print("{} training digits in {} batches of {}", examples, batches,
               options_.batch_size);
    fmt::print(", {} test digits\n\n", test_loader_.dataset_size());
}

// @output to "60000 training digits"
//
// ## The network
//
// It is printed as PyTorch prints a module.
//
// <details class="predict"><summary>Predict: how many parameters does a 784-100-10 network have?</summary>
//
// $784 \cdot 100 + 100 + 100 \cdot 10 + 10 = 79510$.
//
// </details>
template <class Backend> void Lesson<Backend>::show_network() const {
    fmt::print("{}\n{} parameters\n\n", model_.to_string(),
               model_.parameter_count());
}

// @output to "79510 parameters"
//
// ## The gradients, checked
//
// We use three digits and five hidden units, so that the derivatives of all 3,985 parameters take a
// second. The layers are the same lines of code whatever their width is.
template <class Backend>
void Lesson<Backend>::check_gradients_on_three_digits() const {
    data::DataLoader<Cpu<double>> three(
        test_set_, data::LoaderOptions{3, false}, transforms_);
    using InDouble = typename Backend::template With<double>;
    const auto checker = check_gradients<InDouble>(three.peek());
    fmt::print("{}\n", to_string(checker));
    if (!checker.passed()) {
        throw std::runtime_error("a gradient is wrong: see the table above");
    }
}

// @output to "dfc2.bias"
//
// All derivatives agree with the complex step to about fourteen digits. The check runs the class
// that is trained afterwards, so an error in `backward` stops the program before it learns
// anything.
//
// ## Training
//
// We train by SGD with momentum. After each epoch the learning rate is multiplied by $\gamma$.
//
// <details class="predict"><summary>Predict: how many of 10,000 test digits does the untrained network get right, and with what loss?</summary>
//
// It guesses: about 1,000 digits, and a loss near $\log 10 = 2.303$. A first loss far from that is
// the cheapest sign of a mistake in a program like this.
//
// </details>
template <class Backend> SgdOptions Lesson<Backend>::sgd() const {
    SgdOptions sgd;
    sgd.lr = options_.lr;
    sgd.momentum = settings_.momentum;
    return sgd;
}

template <class Backend>
train::EpochResult Lesson<Backend>::test(std::size_t examples_seen) {
    const auto result = train::test_one_epoch<Backend>(testing_);
    run_.history.add_test(result, examples_seen);
    return result;
}

template <class Backend> void Lesson<Backend>::train() {
    const auto before = test(0);
    fmt::print("epoch       lr  train loss  test loss  correct of {}\n",
               before.examples);
    fmt::print("{:>5} {:>8} {:>11} {:>10.4f} {:>8}\n", 0, "", "", before.loss,
               before.correct);

    const auto epochs = static_cast<std::size_t>(options_.epochs);
    app::Progress progress(epochs, train_loader_.dataset_size());
    train::EpochSettings settings;
    settings.log_interval = options_.log_interval;
    const std::size_t batch_size = options_.batch_size;
    settings.on_batch = [&](std::size_t done, std::size_t) {
        progress.update(done * batch_size);
    };
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
    fmt::print("\ntest accuracy {:.4f} after {} s of training\n\n", accuracy_,
               seconds);
}

// @output to "test accuracy"
//
// Most of the accuracy comes in the first epoch: after 938 steps the network has 95 percent of the
// test digits right. From the fifth epoch on the two losses separate. The training loss goes on
// falling while the test loss stays where it is: the network has begun to learn its training digits
// by heart. The number of correct test digits still creeps up, because the smaller steps of the
// later epochs settle the undecided cases.
//
// ## The mistakes that remain
//
// Which digits are taken for which? The diagonal of the confusion matrix holds the right answers.
template <class Backend> void Lesson<Backend>::show_confusion() {
    predictions_ = predict(test_loader_, model_);
    confusion_ = confusion_matrix(predictions_);
    fmt::print("{}", plot::confusion_matrix_text(confusion_));
}

// @output to "9 |"
//
// Off the diagonal the largest numbers are those of 4 taken for 9, 5 for 3 and 6 for 4. A network
// that sees pixels and no strokes confuses digits that share most pixels. Convolutions will do
// better (chapter 09).
//
// ## The figures
//
// The losses, the confusion matrix and the twenty worst mistakes go into the output folder. The
// loss of a single batch is noisy, so the figure also shows its moving mean.
template <class Backend> void Lesson<Backend>::draw_losses() const {
    const train::History& history = run_.history;
    plot::Figure figure;
    figure.title("784-100-10 on MNIST")
        .y_label("cross-entropy loss [nats]")
        .y_log();
    figure.x_label("training examples seen");
    figure.smoothed_line("training, one batch", history.train_examples,
                         history.train_losses, 9);
    figure.line_points("test, mean", history.test_examples,
                       history.test_losses);
    const auto saved = figure.save(program_.output(""), "loss");
    if (!saved.note.empty()) { fmt::print("{}\n", saved.note); }
}

// ![The loss of single training batches, their moving mean, and the test loss after each epoch, on a logarithmic axis: the curves separate from the fifth epoch on.](loss.svg)
template <class Backend> void Lesson<Backend>::draw_confusion() const {
    plot::Figure matrix;
    matrix.title("784-100-10 on the MNIST test set")
        .x_label("class chosen")
        .y_label("true class");
    matrix.confusion_matrix(confusion_).save(program_.output(""), "confusion");
}

// ![The confusion matrix on the test set. The colours are logarithmic, so that the rare mistakes are visible.](confusion.svg)
template <class Backend> void Lesson<Backend>::draw_mistakes() const {
    const auto wrong = worst_mistakes(predictions_, 20);
    if (wrong.empty()) { return; }
    const std::size_t height = test_set_.height, width = test_set_.width;
    auto digits = zeros<std::uint8_t>({wrong.size(), 1, height, width});
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto& p = predictions_[wrong[i]];
        std::copy_n(test_set_.image(wrong[i]), height * width,
                    &digits(i, 0, 0, 0));
        titles.push_back(fmt::format("{} taken for {}", p.label, p.chosen));
    }
    plot::image_grid(digits, (wrong.size() + 4) / 5, 5, titles)
        .save(program_.output(""), "mistakes");
}

// ![The twenty mistakes with the highest probability of the wrong class. Many of these digits would give a person pause, too.](mistakes.svg)
template <class Backend> void Lesson<Backend>::record_results() const {
    program_.result("parameters", model_.parameter_count());
    program_.result("test_accuracy", accuracy_);
    program_.result("test_loss", run_.history.test_losses.back());
    program_.result("train_losses", run_.history.train_losses);
    program_.result("train_examples", run_.history.train_examples);
    program_.result("test_losses", run_.history.test_losses);
    program_.result("training_seconds", seconds_);
}

// ## The command line
int main(int argc, char** argv) {
    app::Program program("08_mnist_two_layer",
                         "A two-layer network learns MNIST");
    auto& options = program.options();
    options.seed = 1234;
    options.epochs = 10;
    options.batch_size = 64;
    options.lr = 0.05;
    program.take({"--epochs", "--batch-size", "--lr", "--limit",
                  "--log-interval", "--data"});
    program.take_device();
    Settings settings;
    program.option("--hidden", settings.hidden, 1, 10000,
                   "units in the hidden layer");
    program.option("--momentum", settings.momentum, 0, 0.9999,
                   "momentum of SGD");
    const auto* const schedule = "factor of the learning rate after each epoch";
    program.option("--gamma", settings.gamma, 1e-6, 1, schedule);
    return program.main(argc, argv, [&] {
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
