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
// A network with a wrong gradient often learns all the same, only worse, and nobody notices. So we check first. The
// class in `model.hpp` is a template, and we can make a small copy of it that computes with complex numbers. One
// imaginary part of $10^{-20}$ in one parameter, and the imaginary part of the loss is that parameter's derivative,
// with no rounding error to speak of (chapter 6 shows why).
//
// `loss_at` builds the network from a list of parameters and returns the loss of a few digits.
template <class T>
T loss_at(const std::vector<Tensor<T>>& parameters, const Tensor<double>& images, const Labels& labels) {
    Random random(0);
    TwoLayerNet<Reference<T>> net(images.shape(2) * images.shape(3), parameters[1].size(), parameters[3].size(),
                                  random);
    for (std::size_t i = 0; i < parameters.size(); ++i) { net.parameters()[i]->value = parameters[i]; }
    const Tensor<T> x = images;
    return nn::CrossEntropyLoss<Reference<T>>().forward(net(x), labels);
}

// The analytic gradients come from `backward`, computed by the fast backend that we are about to train with. Every
// weight and every bias is compared.
template <class Backend> check::GradientCheck check_gradients(const Tensor<double>& images, const Labels& labels) {
    using Complex = std::complex<double>;
    Random random(1);
    TwoLayerNet<Backend> net(images.shape(2) * images.shape(3), 5, 10, random);
    nn::CrossEntropyLoss<Backend> criterion;
    const typename Backend::Tensor x = Backend::from_host(images); // to the device, if that is to train
    const typename Backend::Labels y = Backend::from_host(labels);
    net.zero_grad();
    criterion.forward(net(x), y);
    net.backward(criterion.backward());

    std::vector<Tensor<Complex>> parameters;
    for (const auto* parameter : net.parameters()) { parameters.emplace_back(Backend::to_host(parameter->value)); }
    check::GradientCheck checker;
    const auto named = net.named_parameters();
    for (std::size_t i = 0; i < named.size(); ++i) {
        const auto& [name, parameter] = named[i];
        checker.wrt(name, Backend::to_host(parameter->value), Backend::to_host(parameter->grad),
                    [&, i](const auto& changed) {
                        auto all = parameters;
                        all[i] = changed;
                        return loss_at(all, images, labels);
                    });
    }
    return checker;
}

// ## What the network gets wrong
//
// After training we want more than one number. For every test digit we note the class that the network chose and how
// sure it was of it.
struct Prediction {
    std::int64_t label, chosen;
    double probability; // of the class chosen
};

template <class Backend>
std::vector<Prediction> predict(data::DataLoader<Backend>& loader, nn::Module<Backend>& model) {
    std::vector<Prediction> predictions;
    for (const auto& batch : loader) {
        const auto probabilities = Backend::softmax_forward(model(batch.images));
        const Tensor<float>& p = Backend::to_host(probabilities);
        const Labels& labels = Backend::to_host(batch.labels);
        for (std::size_t n = 0; n < p.shape(0); ++n) {
            const auto* row = p.data() + n * p.shape(1);
            const auto best = std::max_element(row, row + p.shape(1));
            predictions.push_back({labels(n), best - row, static_cast<double>(*best)});
        }
    }
    return predictions;
}

// The confusion matrix counts, for every true class (row), which class was chosen (column).
Tensor<std::int64_t> confusion_matrix(const std::vector<Prediction>& predictions) {
    auto counts = zeros<std::int64_t>({10, 10});
    for (const auto& p : predictions) { ++counts(p.label, p.chosen); }
    return counts;
}

// The worst mistakes are the ones that the network was surest of.
std::vector<std::size_t> worst_mistakes(const std::vector<Prediction>& predictions, std::size_t most) {
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

void draw_mistakes(const app::Program& program, const data::ImageDataset& test,
                   const std::vector<Prediction>& predictions) {
    const auto wrong = worst_mistakes(predictions, 20);
    if (wrong.empty()) { return; }
    auto digits = zeros<std::uint8_t>({wrong.size(), 1, test.height, test.width});
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto& p = predictions[wrong[i]];
        std::copy_n(test.image(wrong[i]), test.height * test.width, &digits(i, 0, 0, 0));
        titles.push_back(fmt::format("{} taken for {}", p.label, p.chosen));
    }
    plot::write_png(program.output("mistakes.png"), plot::image_grid(digits, (wrong.size() + 4) / 5, 5, titles));
}

void draw_losses(const app::Program& program, const train::History& history) {
    plot::Figure figure;
    figure.title("784-100-10 on MNIST").x_label("training examples seen").y_label("cross-entropy loss [nats]").y_log();
    figure.line("training, one batch", history.train_examples, history.train_losses);
    figure.line_points("test, mean", history.test_examples, history.test_losses);
    const auto saved = figure.save(program.output(""), "loss");
    if (!saved.note.empty()) { fmt::print("{}\n", saved.note); }
}

int main(int argc, char** argv) {
    app::Program program("08_mnist_two_layer", "A two-layer network learns MNIST");
    auto& options = program.options();
    options.seed = 1234;
    options.epochs = 10;
    options.batch_size = 64;
    options.lr = 0.05;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--log-interval", "--data"}).take_device();
    std::size_t hidden = 100;
    double momentum = 0.9, gamma = 0.8;
    program.option("--hidden", hidden, 1, 10000, "units in the hidden layer");
    program.option("--momentum", momentum, 0, 0.9999, "momentum of SGD");
    program.option("--gamma", gamma, 1e-6, 1, "the learning rate is multiplied by this after every epoch");

    // The lesson is written once for every backend: `--device` says what computes, `cpu` or `thrust`, a GPU or this
    // computer's cores by parallel primitives (chapter 10).
    const auto lesson = [&](auto backend) {
        using Backend = decltype(backend);

        // ## Data
        //
        // Training images in shuffled batches of 64, test images in their own order. `ToTensor` scales bytes to $[0, 1]$;
        // subtracting the mean and dividing by the standard deviation of the training pixels (chapter 1) then centres
        // them, which lets us take larger steps.
        const auto train_set = data::load_mnist(data::Split::train, options.data);
        const auto test_set = data::load_mnist(data::Split::test, options.data);
        const data::Transforms transforms = {data::ToTensor{}, data::Normalize{0.1307, 0.3081}};
        data::LoaderOptions shuffled{options.batch_size};
        shuffled.seed = options.seed;
        shuffled.limit = options.limit;
        data::DataLoader<Backend> train_loader(train_set, shuffled, transforms);
        data::LoaderOptions in_order{1000, false};
        data::DataLoader<Backend> test_loader(test_set, in_order, transforms);
        fmt::print("{} training digits in {} batches of {}, {} test digits\n\n", train_loader.dataset_size(),
                   train_loader.size(), options.batch_size, test_loader.dataset_size());

        // ## The network
        //
        // Printed as PyTorch prints it, as a sanity check. We expect $784 \cdot 100 + 100 + 100 \cdot 10 + 10 = 79510$
        // parameters.
        Random random(options.seed);
        TwoLayerNet<Backend> model(train_set.height * train_set.width, hidden, 10, random);
        fmt::print("{}\n{} parameters\n\n", model.to_string(), model.parameter_count());

        // ## The gradients, checked
        //
        // On three digits and with five hidden units, so that all of the network's derivatives take a second. The layers
        // are the same lines of code whatever their width.
        data::DataLoader<Cpu<double>> few(test_set, data::LoaderOptions{3, false}, transforms);
        const auto& digits = few.peek();
        const auto checker = check_gradients<typename Backend::template With<double>>(digits.images, digits.labels);
        fmt::print("{}\n", to_string(checker));
        if (!checker.passed()) { throw std::runtime_error("a gradient is wrong: see the table above"); }

        // ## Training
        //
        // A new network knows nothing: it gives each of ten classes a probability of about one tenth, so the first loss
        // should be near $\log 10 = 2.303$. SGD with momentum takes it from there; after each epoch the learning rate
        // is multiplied by $\gamma$ (the lecture sets a gamma and never uses it).
        train::Classification<Backend> training(model, train_loader), testing(model, test_loader);
        SgdOptions sgd;
        sgd.lr = options.lr;
        sgd.momentum = momentum;
        optim::SGD<Backend> optimizer(model.parameters(), sgd);
        optim::ExponentialLR scheduler(optimizer, gamma);

        train::Run<Backend> run{training, optimizer};
        auto& history = run.history;
        const auto record_test = [&](std::size_t examples_seen) {
            const auto result = train::test_one_epoch<Backend>(testing);
            history.add_test(result, examples_seen);
            return result;
        };
        const auto before = record_test(0);
        fmt::print("epoch       lr  train loss  test loss  correct of {}\n", before.examples);
        fmt::print("{:>5} {:>8} {:>11} {:>10.4f} {:>8}\n", 0, "", "", before.loss, before.correct);

        const auto epochs = static_cast<std::size_t>(options.epochs);
        app::Progress progress(epochs, train_loader.dataset_size());
        train::EpochSettings settings;
        settings.log_interval = options.log_interval;
        settings.on_batch = [&](std::size_t done, std::size_t) { progress.update(done * options.batch_size); };
        double seconds = 0;
        for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
            const double lr = optimizer.lr();
            const auto trained = train::train_one_epoch(run, settings);
            seconds += progress.end_epoch();
            const auto tested = record_test((epoch + 1) * train_loader.dataset_size());
            scheduler.step();
            fmt::print("{:>5} {:>8.4f} {:>11.4f} {:>10.4f} {:>8}\n", epoch + 1, lr, trained.loss, tested.loss,
                       tested.correct);
        }
        const double accuracy = static_cast<double>(history.test_correct.back()) / static_cast<double>(before.examples);
        fmt::print("\ntest accuracy {:.4f} after {} s of training\n\n", accuracy, app::about(seconds, ".1f"));

        // ## What is left
        //
        // Which digits are taken for which? The diagonal holds the right ones.
        const auto predictions = predict(test_loader, model);
        const auto counts = confusion_matrix(predictions);
        fmt::print("{}", plot::confusion_matrix_text(counts));

        // Curves, matrix and the twenty mistakes that the network was surest of go into the output folder.
        draw_losses(program, history);
        plot::Figure matrix;
        matrix.title("784-100-10 on the MNIST test set").x_label("class chosen").y_label("true class");
        matrix.confusion_matrix(counts).save(program.output(""), "confusion");
        draw_mistakes(program, test_set, predictions);

        program.result("parameters", model.parameter_count());
        program.result("test_accuracy", accuracy);
        program.result("test_loss", history.test_losses.back());
        program.result("train_losses", history.train_losses);
        program.result("train_examples", history.train_examples);
        program.result("test_losses", history.test_losses);
        program.result("training_seconds", seconds);
    };
    return program.main(argc, argv,
                        [&] { options.device == "thrust" ? lesson(Device<float>()) : lesson(Cpu<float>()); });
}
