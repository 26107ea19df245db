#include <cmath>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/error.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/train/train.hpp>

#include "model.hpp"

using namespace handgrad;

using Loader = data::DataLoader<Backend>;
using Network = nn::Sequential<Backend>;

// ## Helpers
//
// The first entries of a tensor, on one line.
std::string first_five(const Tensor<float>& t) {
    std::string line;
    for (std::size_t i = 0; i < 5; ++i) { line += fmt::format(" {:10.6f}", t.data()[i]); }
    return line + "  ...";
}

// Whether two networks have the same parameters: every number, every bit.
bool identical(const Network& a, const Network& b) {
    const auto ours = a.parameters(), others = b.parameters();
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const Tensor<float>& v = ours[i]->value;
        if (std::memcmp(v.data(), others[i]->value.data(), v.size() * sizeof(float)) != 0) {
            return false;
        }
    }
    return true;
}

// The length of the gradient, all parameters taken together.
double gradient_norm(const Network& net) {
    double sum = 0;
    for (const auto* f : net.parameters()) {
        for (const double g : f->grad) { sum += g * g; }
    }
    return std::sqrt(sum);
}

// ## The update by hand
//
// The whole of gradient descent: for every parameter $f$, $f \leftarrow f - \eta\, \partial L / \partial f$.
void update_by_hand(const Network& net, float lr) {
    for (auto* f : net.parameters()) {
        for (std::size_t i = 0; i < f->value.size(); ++i) {
            f->value.data()[i] -= lr * f->grad.data()[i];
        }
    }
}

// ## One way of training among several
//
// For the comparison at the end: how a run differs from the plain one, and what came of it.
enum class LastLayer { none, softmax, relu };

struct Run {
    std::string name;
    double momentum, gamma;
    LastLayer last;
    std::vector<double> losses; // mean training loss of each epoch
    double lr = 0;              // after the last epoch
    std::size_t correct = 0;    // of the test images
};

void train_and_test(Run& run, const app::Options& options, const data::ImageDataset& train_set,
                    const data::ImageDataset& test_set) {
    data::LoaderOptions loading;
    loading.batch_size = options.batch_size;
    loading.limit = options.limit;
    loading.seed = options.seed;
    Loader loader(train_set, loading); // the same batches in the same order for every run
    Loader test_loader(test_set, {1000, false});
    Random random(options.seed); // the same first weights for every run
    Network net;
    add_layers(net, random);
    if (run.last == LastLayer::softmax) { net.add<Softmax>(); }
    if (run.last == LastLayer::relu) { net.add<nn::ReLU<Backend>>(); }

    nn::CrossEntropyLoss<Backend> criterion;
    SgdOptions sgd;
    sgd.lr = options.lr;
    sgd.momentum = run.momentum;
    optim::SGD<Backend> optimizer(net.parameters(), sgd);
    optim::ExponentialLR scheduler(optimizer, run.gamma); // with gamma = 1 it changes nothing

    const auto epochs = static_cast<std::size_t>(options.epochs);
    train::History history;
    app::Progress progress(epochs, loader.dataset_size());
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const auto result = train::train_one_epoch<Backend>(
            loader, net, criterion, optimizer, 1000, epoch, history,
            [&](std::size_t done, std::size_t) { progress.update(done * options.batch_size); });
        progress.end_epoch();
        scheduler.step();
        run.losses.push_back(result.loss);
    }
    run.lr = optimizer.lr();
    run.correct = train::test_one_epoch<Backend>(test_loader, net, criterion).correct;
}

int main(int argc, char** argv) {
    app::Program program("07_sgd",
                         "Stochastic gradient descent: by hand, by an optimiser, with momentum");
    app::Options& options = program.options();
    options.seed = 1234;
    options.lr = 0.01;
    options.limit = 6000;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--data"});
    double momentum = 0.9, gamma = 0.95;
    program.option("--momentum", momentum, 0, 0.9999, "momentum, where there is any");
    program.option("--gamma", gamma, 1e-6, 1, "ExponentialLR's factor, where there is a schedule");

    return program.main(argc, argv, [&] {
        // ## A batch, and two networks
        //
        // The first 64 shuffled digits, and the network of the lecture twice, from the same seed: one that we update by
        // hand, and one for the optimiser.
        const auto train_set = data::load_mnist(data::Split::train, options.data);
        const auto test_set = data::load_mnist(data::Split::test, options.data);
        data::LoaderOptions loading;
        loading.batch_size = options.batch_size;
        loading.limit = options.limit;
        loading.seed = options.seed;
        Loader loader(train_set, loading);
        const Loader::Batch batch = *loader.begin();
        const auto lr = static_cast<float>(options.lr);

        Random random(options.seed), same_random(options.seed);
        Network by_hand, by_optimizer;
        add_layers(by_hand, random);
        add_layers(by_optimizer, same_random);
        nn::CrossEntropyLoss<Backend> criterion;
        fmt::print("{}\nOne batch: images {}, {} digits of {} in all\n", by_hand.to_string(),
                   to_string(batch.images.shape()), loader.dataset_size(), train_set.size());

        // ## Before and after backward
        //
        // Every parameter comes with a buffer for its gradient. `zero_grad` fills the buffers with zeros; `forward`
        // does not touch them; `backward` adds to them. We watch the bias of the first layer, of which the first five
        // of 100 entries will do. Without training each of ten classes has a probability of about one tenth, so the
        // loss should be near $\log 10 = 2.303$.
        const auto [bias_name, bias] = by_hand.named_parameters()[1];
        by_hand.zero_grad();
        const float loss = criterion.forward(by_hand(batch.images), batch.labels);
        fmt::print("\nloss {:.4f}\n{}.grad before backward {}\n", loss, bias_name,
                   first_five(bias->grad));
        by_hand.backward(criterion.backward(), nn::InputGradient::not_needed);
        fmt::print("{}.grad after backward  {}\n", bias_name, first_five(bias->grad));

        // ## A step by hand
        //
        // How much will the loss fall? For a small step, by its length times the slope in its direction. The step is
        // $\eta\, |\nabla L|$ long and the slope is $-|\nabla L|$, so the prediction is $\eta\, |\nabla L|^2$.
        const double norm = gradient_norm(by_hand);
        fmt::print("\nlength of the gradient {:.4f}, so a step with lr {} should lower the loss by "
                   "{:.4f}\n",
                   norm, options.lr, options.lr * norm * norm);
        update_by_hand(by_hand, lr);
        const float loss_after = criterion.forward(by_hand(batch.images), batch.labels);
        fmt::print("loss after the step {:.4f}: it has fallen by {:.4f}\n", loss_after,
                   loss - loss_after);

        // ## The same by the optimiser
        //
        // The lecture's five lines. The optimiser knows the network's parameters, and does with them what we did.
        SgdOptions plain;
        plain.lr = options.lr;
        optim::SGD<Backend> optimizer(by_optimizer.parameters(), plain);
        const auto step_by_optimizer = [&](const Loader::Batch& next) {
            optimizer.zero_grad();
            const auto& scores = by_optimizer(next.images);
            criterion.forward(scores, next.labels);
            by_optimizer.backward(criterion.backward(), nn::InputGradient::not_needed);
            optimizer.step();
        };
        step_by_optimizer(batch);
        const bool same_after_one = identical(by_hand, by_optimizer);
        fmt::print("\nby hand and by optim::SGD, after one step: {}\n",
                   same_after_one ? "identical bits" : "DIFFERENT");

        // And after an epoch's worth of them? Nothing would be more natural than a difference in the last digit. But
        // it is the same multiplication and the same subtraction, so there should be none.
        bool same = same_after_one;
        for (const Loader::Batch& next : loader) {
            by_hand.zero_grad();
            if (!std::isfinite(criterion.forward(by_hand(next.images), next.labels))) {
                throw DivergenceError(
                    fmt::format("the training loss is {}: the step is too large; try a smaller one "
                                "than --lr {}",
                                criterion.item(), options.lr));
            }
            by_hand.backward(criterion.backward(), nn::InputGradient::not_needed);
            update_by_hand(by_hand, lr);
            step_by_optimizer(next);
            same = same && identical(by_hand, by_optimizer);
        }
        fmt::print("after each of {} more: {}\n", loader.size(),
                   same ? "identical bits" : "DIFFERENT");
        if (!same) {
            throw std::runtime_error(
                "the optimiser's parameters are not those of the update by hand");
        }

        // ## zero_grad, forgotten
        //
        // `backward` adds. That is useful where a gradient has several parts, and a trap where it has not: without
        // `zero_grad`, the second backward pass of the same batch gives the double gradient, and the third one the
        // threefold.
        by_hand.zero_grad();
        fmt::print("\nbackward on the same batch, without zero_grad:\n");
        for (int pass = 1; pass <= 3; ++pass) {
            criterion.forward(by_hand(batch.images), batch.labels);
            by_hand.backward(criterion.backward(), nn::InputGradient::not_needed);
            fmt::print("  pass {}: {}.grad {}\n", pass, bias_name, first_five(bias->grad));
        }

        // ## Momentum and a schedule
        //
        // Now for several epochs, with the same first weights and the same batches each time. With momentum $\mu$ the
        // step follows a velocity $v \leftarrow \mu v + g$ in place of the gradient $g$. Where the gradient does not
        // change, the velocity becomes $g + \mu g + \mu^2 g + \dots = g / (1 - \mu)$: with $\mu = 0.9$ ten times the
        // gradient. So we expect momentum to be about ten times as fast here, where plain steps of 0.01 are timid.
        //
        // `ExponentialLR` multiplies the learning rate by $\gamma$ after each epoch. The lecture sets gamma to 0.95 and
        // never uses it. What would it have done? In ten epochs the rates add up to
        // $1 + 0.95 + \dots + 0.95^9 = 8.03$ epochs' worth of the first one. So the plain run with it should end about
        // where the plain run without it is after eight epochs.
        std::vector<Run> runs{{"plain", 0, 1, LastLayer::none, {}},
                              {"plain, ExponentialLR", 0, gamma, LastLayer::none, {}},
                              {"momentum", momentum, 1, LastLayer::none, {}},
                              {"momentum, ExponentialLR", momentum, gamma, LastLayer::none, {}}};
        for (Run& run : runs) { train_and_test(run, options, train_set, test_set); }

        fmt::print("\nMean training loss of each epoch (lr {}, momentum {}, gamma {}):\n\n",
                   options.lr, momentum, gamma);
        fmt::print("  epoch     plain  plain, ExponentialLR  momentum  momentum, ExponentialLR\n");
        for (std::size_t e = 0; e < runs[0].losses.size(); ++e) {
            fmt::print("  {:5}  {:8.4f}  {:20.4f}  {:8.4f}  {:23.4f}\n", e + 1, runs[0].losses[e],
                       runs[1].losses[e], runs[2].losses[e], runs[3].losses[e]);
        }
        fmt::print("  last lr {:7.4f}  {:20.4f}  {:8.4f}  {:23.4f}\n", runs[0].lr, runs[1].lr,
                   runs[2].lr, runs[3].lr);
        fmt::print("  correct {:7}  {:20}  {:8}  {:23}   of {} test digits\n", runs[0].correct,
                   runs[1].correct, runs[2].correct, runs[3].correct, test_set.size());

        // ## What must not stand before the loss
        //
        // `CrossEntropyLoss` takes scores. It computes their softmax itself. If the network ends with a softmax, it is
        // applied twice, and the second one sees numbers between 0 and 1. Then no probability can get far from one
        // tenth. Suppose that the network is perfect and sure of it: probability 1 for the true class, 0 for the nine
        // others. The second softmax makes $e / (e + 9) = 0.232$ of it, and the loss is
        // $-\log 0.232 = 1.461$: it cannot become smaller, however good the network is.
        //
        // The lecture's class has a ReLU to spare. Before the loss it would cut off all negative scores, and with them
        // their gradients: a class whose score is negative for every image can never come back.
        runs.push_back({"momentum, softmax before the loss", momentum, 1, LastLayer::softmax, {}});
        runs.push_back({"momentum, ReLU before the loss", momentum, 1, LastLayer::relu, {}});
        fmt::print("\nWith one layer too many, after {} epochs (with the softmax no loss can be "
                   "below {:.4f}):\n\n",
                   options.epochs, -std::log(std::exp(1.0) / (std::exp(1.0) + 9.0)));
        for (std::size_t i : {2, 4, 5}) {
            if (runs[i].losses.empty()) { train_and_test(runs[i], options, train_set, test_set); }
            fmt::print("  {:34} training loss {:.4f}, correct {}\n", runs[i].name,
                       runs[i].losses.back(), runs[i].correct);
        }

        // The losses as a picture.
        plot::Figure figure;
        figure.title("784-100-10 on MNIST: four ways to step, one way not to").x_label("epoch");
        figure.y_label("mean training loss [nats]");
        std::vector<double> epochs;
        for (int e = 1; e <= options.epochs; ++e) { epochs.push_back(e); }
        for (std::size_t i = 0; i < 5; ++i) {
            figure.line_points(runs[i].name, epochs, runs[i].losses);
        }
        const auto saved = figure.save(program.output(""), "loss");
        if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }

        program.result("identical_bits", same);
        for (const Run& run : runs) {
            program.result(run.name + ": training losses", run.losses);
            program.result(run.name + ": test digits correct", run.correct);
        }
    });
}
