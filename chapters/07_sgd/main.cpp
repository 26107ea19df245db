// ## What we need
//
// From handgrad we take the frame of our programs, the data set and its loader, modules, an
// optimiser and a schedule, the training loop, and figures. The network is in `model.hpp`, the file
// above. `valley.hpp`, shown below, draws what momentum does in a valley.
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
#include "valley.hpp"

using namespace handgrad;

using Loader = data::DataLoader<Backend>;
using Network = nn::Sequential<Backend>;

// ## Helpers
//
// The first five entries of a tensor, on one line, are enough to see what happens to it.
std::string first_five(const Tensor<float>& t) {
    std::string line;
    for (std::size_t i = 0; i < 5; ++i) {
        line += fmt::format(" {:10.6f}", t.data()[i]);
    }
    return line + "  ...";
}

// Two networks are identical if all their parameters have the same bits.
bool identical(const Network& a, const Network& b) {
    const auto ours = a.parameters(), others = b.parameters();
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const Tensor<float>& v = ours[i]->value;
        const Tensor<float>& w = others[i]->value;
        if (std::memcmp(v.data(), w.data(), v.size() * sizeof(float)) != 0) {
            return false;
        }
    }
    return true;
}

// The gradients of all parameters together form one long vector, $\nabla L$. This is its length.
double gradient_norm(const Network& net) {
    double sum = 0;
    for (const auto* w : net.parameters()) {
        for (const double dw : w->grad) { sum += dw * dw; }
    }
    return std::sqrt(sum);
}

// ## The update by hand
//
// This is all of gradient descent. For every parameter $w$, with the learning rate $\eta$,
// $$w \leftarrow w - \eta\, \frac{\partial L}{\partial w}.$$
void update_by_hand(const Network& net, float lr) {
    for (auto* w : net.parameters()) {
        for (std::size_t i = 0; i < w->value.size(); ++i) {
            w->value.data()[i] -= lr * w->grad.data()[i];
        }
    }
}

// ## The lesson at a glance
//
// The lesson is a class. `run()` is its table of contents: it calls one function for each section
// below, in the same order. One section leaves its results for the next in the members. The
// settings are read once and do not change.
struct Settings {
    double momentum = 0.9; // where a run uses momentum
    double gamma = 0.95;   // the schedule's factor, where a run uses a schedule
};

// The second half of the lesson compares runs. A run has a momentum, a factor for the schedule and
// perhaps a superfluous last layer; the other members are its results.
enum class LastLayer { none, softmax, relu };

struct Run {
    std::string name;
    double momentum, gamma;
    LastLayer last;
    std::vector<double> losses; // mean training loss of each epoch
    double lr = 0;              // learning rate after the last epoch
    std::size_t correct = 0;    // test images classified correctly
};

class Lesson {
public:
    Lesson(app::Program& program_, const Settings& settings_)
        : program(program_), settings(settings_) {}

    void run() {
        set_up_networks();
        watch_backward();
        step_by_hand();
        step_by_optimizer();
        forget_zero_grad();
        compare_schedules();
        add_a_layer_too_many();
        draw_losses();
        record_results();
        valley::walk(program);
    }

private:
    void set_up_networks();
    void watch_backward();
    void step_by_hand();
    void step_by_optimizer();
    void forget_zero_grad();
    void compare_schedules();
    void add_a_layer_too_many();
    void draw_losses() const;
    void record_results() const;

    data::LoaderOptions loader_options() const;
    void take_step(optim::SGD<Backend>& optimizer, const Loader::Batch& batch);
    void require_finite(float value) const;
    void train_and_test(Run& run) const;

    app::Program& program;
    const Settings settings;
    const app::Options& options =
        program.options(); // --seed, --lr, --batch-size and others
    const float lr = static_cast<float>(options.lr);

    const data::ImageDataset train_set =
        data::load_mnist(data::Split::train, options.data);
    const data::ImageDataset test_set =
        data::load_mnist(data::Split::test, options.data);
    Loader loader{train_set, loader_options()};
    const Loader::Batch first_batch = *loader.begin();

    Network by_hand, by_optimizer; // the same network, updated in two ways
    nn::CrossEntropyLoss<Backend> criterion;
    float loss = 0; // of the first batch, before any step
    std::vector<Run> runs;
};

// ## A batch, and two networks
//
// The batch holds the first 64 shuffled digits. We make the same network twice, from the same seed.
// We update one by hand, and the optimiser updates the other.
data::LoaderOptions Lesson::loader_options() const {
    data::LoaderOptions loading;
    loading.batch_size = options.batch_size;
    loading.limit = options.limit;
    loading.seed = options.seed;
    return loading;
}

void Lesson::set_up_networks() {
    Random random(options.seed), same_random(options.seed);
    add_layers(by_hand, random);
    add_layers(by_optimizer, same_random);
    fmt::print("{}\nOne batch: images {}, {} digits of {} in all\n",
               by_hand.to_string(), to_string(first_batch.images.shape()),
               loader.dataset_size(), train_set.size());
}

// @output to "One batch"
//
// ## Before and after backward
//
// Every parameter has a buffer for its gradient. `zero_grad` fills the buffers with zeros,
// `forward` does not touch them, and `backward` adds to them. We watch the bias of the first layer;
// the first five of its 100 entries are enough.
//
// <details class="predict"><summary>Predict: how large is the loss of a network that has learned nothing yet?</summary>
//
// Each of the ten classes has a probability of about one tenth, so the loss is near
// $-\log 0.1 = \log 10 = 2.303$.
//
// </details>
void Lesson::watch_backward() {
    const auto [name, bias] = by_hand.named_parameters()[1];
    by_hand.zero_grad();
    loss = criterion.forward(by_hand(first_batch.images), first_batch.labels);
    fmt::print("\nloss {:.4f}\n{}.grad before backward {}\n", loss, name,
               first_five(bias->grad));
    by_hand.backward(criterion.backward(), nn::InputGradient::not_needed);
    fmt::print("{}.grad after backward  {}\n", name, first_five(bias->grad));
}

// @output to "1.bias.grad after"
//
// Before `backward` the buffer holds zeros. Only `backward` writes into these buffers, and only the
// optimiser reads them.
//
// ## A step by hand
//
// How much will the loss fall? For a small step, the change is the length of the step times the
// slope in its direction. The step is $\eta\, |\nabla L|$ long and the slope is $-|\nabla L|$, so
// we predict that the loss falls by $\eta\, |\nabla L|^2$.
void Lesson::step_by_hand() {
    const double norm = gradient_norm(by_hand);
    fmt::print("\nlength of the gradient {:.4f}, so a step with lr {} should "
               "lower the loss by "
               "{:.4f}\n",
               norm, options.lr, options.lr * norm * norm);
    update_by_hand(by_hand, lr);
    const float after =
        criterion.forward(by_hand(first_batch.images), first_batch.labels);
    fmt::print("loss after the step {:.4f}: it has fallen by {:.4f}\n", after,
               loss - after);
}

// @output to "loss after the step"
//
// The prediction used nothing but the gradient, and it is right to a ten-thousandth. This is a
// gradient check of its own, for the whole network at once.
//
// ## The same by the optimiser
//
// These five lines are the training step of every program that uses an optimiser. It knows the
// parameters of the network and updates them as we did.
void Lesson::take_step(optim::SGD<Backend>& optimizer,
                       const Loader::Batch& batch) {
    optimizer.zero_grad();
    const auto& scores = by_optimizer(batch.images);
    criterion.forward(scores, batch.labels);
    by_optimizer.backward(criterion.backward(), nn::InputGradient::not_needed);
    optimizer.step();
}

// After one step the two networks should have identical bits. And after an epoch of steps? A
// difference in the last digit would be no surprise. But the optimiser does the same
// multiplication and the same subtraction in the same order, so there should be none. If there is
// one, the program stops.
void Lesson::step_by_optimizer() {
    SgdOptions plain;
    plain.lr = options.lr;
    optim::SGD<Backend> optimizer(by_optimizer.parameters(), plain);
    take_step(optimizer, first_batch);
    bool same = identical(by_hand, by_optimizer);
    fmt::print("\nby hand and by optim::SGD, after one step: {}\n",
               same ? "identical bits" : "DIFFERENT");

    for (const Loader::Batch& batch : loader) {
        by_hand.zero_grad();
        require_finite(criterion.forward(by_hand(batch.images), batch.labels));
        by_hand.backward(criterion.backward(), nn::InputGradient::not_needed);
        update_by_hand(by_hand, lr);
        take_step(optimizer, batch);
        same = same && identical(by_hand, by_optimizer);
    }
    fmt::print("after each of {} more: {}\n", loader.size(),
               same ? "identical bits" : "DIFFERENT");
    if (!same) {
        throw std::runtime_error(
            "the optimiser's parameters are not those of the update by hand");
    }
    program.result("identical_bits", same);
}

void Lesson::require_finite(float value) const {
    if (std::isfinite(value)) { return; }
    throw DivergenceError(
        fmt::format("the training loss is {}: the step is too large; try a "
                    "smaller one than --lr {}",
                    value, options.lr));
}

// @output to "after each of"
//
// ## zero_grad, forgotten
//
// `backward` adds to the buffers. That is useful if a gradient has several parts, and a trap if it
// has only one. Here we call `backward` three times on the same batch, without `zero_grad` between
// the calls.
//
// <details class="predict"><summary>Predict: how does the gradient of the second pass differ from that of the first?</summary>
//
// It is exactly twice as large, and the third is three times as large, to the last printed digit.
// In training, each step would follow the sum of *all* gradients so far. That is momentum with
// $\beta = 1$: it never forgets and never comes to rest.
//
// </details>
void Lesson::forget_zero_grad() {
    const auto [name, bias] = by_hand.named_parameters()[1];
    by_hand.zero_grad();
    fmt::print("\nbackward on the same batch, without zero_grad:\n");
    for (int pass = 1; pass <= 3; ++pass) {
        criterion.forward(by_hand(first_batch.images), first_batch.labels);
        by_hand.backward(criterion.backward(), nn::InputGradient::not_needed);
        fmt::print("  pass {}: {}.grad {}\n", pass, name,
                   first_five(bias->grad));
    }
}

// @output to "pass 3"
//
// ## One run
//
// From here on we compare runs of several epochs. Each has the same first weights and the same
// batches in the same order, so a difference in the losses comes from the run's own settings.
void Lesson::train_and_test(Run& run) const {
    Loader train_loader(train_set, loader_options());
    Loader test_loader(test_set, {1000, false});
    Random random(options.seed);
    Network net;
    add_layers(net, random);
    if (run.last == LastLayer::softmax) { net.add<Softmax>(); }
    if (run.last == LastLayer::relu) { net.add<nn::ReLU<Backend>>(); }

    train::Classification<Backend> training(net, train_loader),
        testing(net, test_loader);
    SgdOptions sgd;
    sgd.lr = options.lr;
    sgd.momentum = run.momentum;
    optim::SGD<Backend> optimizer(net.parameters(), sgd);
    optim::ExponentialLR scheduler(
        optimizer, run.gamma); // with gamma = 1 it changes nothing

    const auto epochs = static_cast<std::size_t>(options.epochs);
    train::Run<Backend> whole{training, optimizer};
    app::Progress progress(epochs, train_loader.dataset_size());
    train::EpochSettings epoch_settings;
    epoch_settings.on_batch = [this, &progress](std::size_t done, std::size_t) {
        progress.update(done * options.batch_size);
    };
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const auto result = train::train_one_epoch(whole, epoch_settings);
        progress.end_epoch();
        scheduler.step();
        run.losses.push_back(result.loss);
    }
    run.lr = optimizer.lr();
    run.correct = train::test_one_epoch<Backend>(testing).correct;
}

// ## Momentum and a schedule
//
// With momentum $\beta$ the step follows a velocity $v$ instead of the gradient $dw$:
// $$v \leftarrow \beta v + dw, \qquad w \leftarrow w - \eta v.$$
// If the gradient does not change, the velocity becomes
// $dw + \beta\, dw + \beta^2 dw + \dots = dw / (1 - \beta)$: with $\beta = 0.9$, ten times the
// gradient. So we expect momentum to be about ten times as fast here, where plain steps with
// $\eta = 0.01$ are timid.
//
// `ExponentialLR` multiplies the learning rate by $\gamma$ after each epoch. With $\gamma = 0.95$
// the rates of ten epochs add up to $1 + 0.95 + \dots + 0.95^9 = 8.03$ times the first one.
//
// <details class="predict"><summary>Predict: after ten epochs with this schedule, which epoch of the plain run has about the same loss?</summary>
//
// The eighth, if the sum of the learning rates is what counts. In the table below, compare 0.7048,
// the last loss of plain SGD with the schedule, with the eighth of plain SGD, 0.7220.
//
// </details>
void Lesson::compare_schedules() {
    const double momentum = settings.momentum, gamma = settings.gamma;
    runs = {{"plain", 0, 1, LastLayer::none, {}},
            {"plain, ExponentialLR", 0, gamma, LastLayer::none, {}},
            {"momentum", momentum, 1, LastLayer::none, {}},
            {"momentum, ExponentialLR", momentum, gamma, LastLayer::none, {}}};
    for (Run& run : runs) { train_and_test(run); }

    fmt::print("\nMean training loss of each epoch (lr {}, momentum {}, gamma "
               "{}):\n\n",
               options.lr, momentum, gamma);
    fmt::print("  epoch     plain  plain, ExponentialLR  momentum  momentum, "
               "ExponentialLR\n");
    for (std::size_t e = 0; e < runs[0].losses.size(); ++e) {
        fmt::print("  {:5}  {:8.4f}  {:20.4f}  {:8.4f}  {:23.4f}\n", e + 1,
                   runs[0].losses[e], runs[1].losses[e], runs[2].losses[e],
                   runs[3].losses[e]);
    }
    fmt::print("  last lr {:7.4f}  {:20.4f}  {:8.4f}  {:23.4f}\n", runs[0].lr,
               runs[1].lr, runs[2].lr, runs[3].lr);
    fmt::print("  correct {:7}  {:20}  {:8}  {:23}   of {} test digits\n",
               runs[0].correct, runs[1].correct, runs[2].correct,
               runs[3].correct, test_set.size());
}

// @output to "correct"
//
// Momentum is nearly ten times as fast where plain steps are timid: after its second epoch it is
// further than plain SGD after ten. It is not the same as a tenfold learning rate, because the
// noise of the batches partly cancels in the velocity.
//
// The schedule costs speed here. It pays off if the steps are too large for the last part of the
// way, and with $\eta = 0.01$ and ten epochs they are not. Chapter 08 takes larger steps, and there
// it pays off.
//
// ## What must not stand before the loss
//
// `CrossEntropyLoss` takes scores and computes their softmax itself. If the network ends with a
// softmax, softmax is applied twice, and the second one sees numbers between 0 and 1. Then no
// probability can get far from one tenth. Suppose that the network is perfect and certain:
// probability 1 for the true class, 0 for the nine others. The second softmax turns this into
// $e / (e + 9) = 0.232$ for the true class, and the loss is $-\log 0.232 = 1.461$. It cannot become
// smaller, however good the network is.
//
// A ReLU before the loss would set all negative scores to zero, and their gradients as well. A
// class whose score is negative for every image can never come back.
void Lesson::add_a_layer_too_many() {
    const double momentum = settings.momentum;
    runs.push_back({"momentum, softmax before the loss",
                    momentum,
                    1,
                    LastLayer::softmax,
                    {}});
    runs.push_back(
        {"momentum, ReLU before the loss", momentum, 1, LastLayer::relu, {}});
    fmt::print("\nWith one layer too many, after {} epochs (with the softmax "
               "no loss can be below "
               "{:.4f}):\n\n",
               options.epochs,
               -std::log(std::exp(1.0) / (std::exp(1.0) + 9.0)));
    for (const std::size_t i : {2, 4, 5}) {
        if (runs[i].losses.empty()) { train_and_test(runs[i]); }
        fmt::print("  {:34} training loss {:.4f}, correct {}\n", runs[i].name,
                   runs[i].losses.back(), runs[i].correct);
    }
}

// @output to "momentum, ReLU before"
//
// A softmax too many is a bug that trains. The loss falls, and more than 8,000 test digits are
// right. Only two signs give it away: the loss is stuck above 1.4612, and without the softmax the
// same network would have got several hundred more digits right. The gradient is multiplied by the
// derivative of the superfluous softmax, which is small wherever the network is sure of itself,
// right or wrong.
//
// A ReLU too many is worse. Each class that is lost costs about a thousand test digits.
//
// ## The losses as a picture
//
// The figure shows the four runs of the comparison and the run with a softmax too many. The axis of
// the losses is logarithmic: on a linear one the two curves with momentum would lie on each other.
void Lesson::draw_losses() const {
    plot::Figure figure;
    figure.title("784-100-10 on MNIST: four ways to step, one way not to")
        .x_label("epoch")
        .y_label("mean training loss [nats]")
        .y_log();
    std::vector<double> epochs;
    for (int e = 1; e <= options.epochs; ++e) { epochs.push_back(e); }
    for (std::size_t i = 0; i < 5; ++i) {
        figure.line_points(runs[i].name, epochs, runs[i].losses);
    }
    const auto saved = figure.save(program.output(""), "loss");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

void Lesson::record_results() const {
    for (const Run& run : runs) {
        program.result(run.name + ": training losses", run.losses);
        program.result(run.name + ": test digits correct", run.correct);
    }
}

// ![Mean training loss of each epoch, on a logarithmic axis: momentum is far ahead of plain SGD, the schedule slows both down a little, and the run with a softmax too many is stuck.](loss.svg)
//
// ## The command line
//
// A tenth of the digits is the default and is enough to compare runs.
int main(int argc, char** argv) {
    app::Program program(
        "07_sgd",
        "Stochastic gradient descent: by hand, by an optimiser, with momentum");
    program.options().seed = 1234;
    program.options().lr = 0.01;
    program.options().limit = 6000;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--data"});
    Settings settings;
    program.option("--momentum", settings.momentum, 0, 0.9999,
                   "momentum, where there is any");
    program.option("--gamma", settings.gamma, 1e-6, 1,
                   "ExponentialLR's factor, where there is a schedule");
    return program.main(
        argc, argv, [&program, &settings] { Lesson(program, settings).run(); });
}
