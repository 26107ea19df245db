#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/train/train.hpp>

#include "dropout.hpp"
#include "gradients.hpp"
#include "model.hpp"
#include "network_check.hpp"
#include "same_bits.hpp"
#include "statistics.hpp"

using namespace handgrad;

// ## The lesson
//
// `run()` is the table of contents of the chapter. Its first four lines call the functions of the
// page before this one. This page trains deep nets. The functions of the next two pages look at
// the statistics and at dropout.
struct Settings {
    std::size_t depth = 10, width = 50, test_limit = 2000;
    double momentum = 0.9;
    std::string optimizer = "sgd";
    bool xavier = false;
    int dropout_epochs = 30;
};

// A net, and the results of its training. A weight is the parameter of a linear layer; the spread
// of a hidden layer is explained below.
struct Deep {
    std::string name;
    Norm norm;
    Network net = {};
    std::vector<double> spreads = {};      // of each hidden layer
    std::vector<double> norms = {};        // of the gradient of each weight
    std::vector<double> losses = {};       // mean training loss of each epoch
    std::vector<std::size_t> correct = {}; // test digits, after each epoch
};

class Lesson {
public:
    Lesson(app::Program& program, const Settings& settings)
        : program_(program), settings_(settings) {}

    void run() {
        gradients::print_one_channel(program_);
        gradients::print_agreement(program_, options_.seed);
        gradients::check_with_ones(options_.seed);
        gradients::compare_axes(options_.seed);
        show_data();
        look_before_training();
        train_three_nets();
        draw();
        train_by_batch_size();
        statistics::run(program_, batch_.net, test_set_, settings_.test_limit);
        dropout::run(
            program_, train_set_, test_set_,
            {options_.seed, settings_.dropout_epochs, settings_.test_limit});
        network_check::run(options_.seed);
        same_bits::run(program_, train_set_, options_.seed);
    }

private:
    data::LoaderOptions shuffled(std::size_t batch_size) const;
    void show_data() const;
    void make(Deep& deep) const;
    void look_before_training();
    void look(Deep& deep, const data::ImageBatch<Backend>& batch) const;
    std::unique_ptr<optim::Optimizer<Backend>> optimizer(const Network& net,
                                                         double lr) const;
    void train(Deep& deep, std::size_t batch_size, double lr, int epochs) const;
    void train_three_nets();
    void draw() const;
    void train_by_batch_size();

    app::Program& program_;
    const app::Options& options_ = program_.options();
    const Settings settings_;

    const data::ImageDataset train_set_ =
        data::load_mnist(data::Split::train, options_.data);
    const data::ImageDataset test_set_ =
        data::load_mnist(data::Split::test, options_.data);

    Deep plain_{"plain", Norm::none}, batch_{"BatchNorm", Norm::batch},
        layer_{"LayerNorm", Norm::layer};
    Deep* const all_[3] = {&plain_, &batch_, &layer_};
};

// ## Data
//
// The question is whether a net learns at all, and 2,000 digits are enough for the answer.
// `drop_last` leaves out a last batch that is smaller than the others: a single digit would have
// no variance.
data::LoaderOptions Lesson::shuffled(std::size_t batch_size) const {
    data::LoaderOptions shuffled{batch_size};
    shuffled.seed = options_.seed;
    shuffled.limit = options_.limit;
    shuffled.drop_last = true;
    return shuffled;
}

void Lesson::show_data() const {
    const data::DataLoader<Backend> loader(train_set_,
                                           shuffled(options_.batch_size));
    fmt::print("\n{} hidden layers of {} sigmoids, {} training digits in {} "
               "batches of {}\n",
               settings_.depth, settings_.width, loader.dataset_size(),
               loader.size(), options_.batch_size);
}

// @output to "10 hidden layers"
//
// ## What is left of the digits, and of the gradient
//
// Before training we send one mini-batch through each net. For every hidden layer we measure the
// **spread**: the standard deviation of a hidden unit over the examples of the mini-batch,
// averaged over the units. It says how much the layer still knows about which digit it sees. If
// the spread is 0, all digits look alike, and no layer behind can tell them apart. Backward we
// measure the norm of the gradient of each weight.
//
// <details class="predict"><summary>Predict: by which factor does the spread change from layer to layer without a normalisation?</summary>
//
// PyTorch's default weights are uniform within $\pm 1 / \sqrt{M}$, so their variance is
// $1 / (3M)$. A linear layer of $M$ inputs therefore multiplies the spread by about
// $\sqrt{M / (3M)} = 0.577$. The slope of the sigmoid is at most $1/4$. Together the factor is at
// most about 0.144. The same two factors multiply the gradient on its way back. Ten layers:
// $0.144^9 = 3 \cdot 10^{-8}$.
//
// </details>
void Lesson::make(Deep& deep) const {
    Random random(options_.seed);
    add_layers(deep.net,
               {settings_.depth, settings_.width, deep.norm, settings_.xavier},
               random);
}

double spread(const Tensor<double>& o) {
    double total = 0;
    for (std::size_t j = 0; j < o.shape(1); ++j) {
        const statistics::Moments moments(o, j, 0, o.shape(0));
        total += std::sqrt(moments.var) / static_cast<double>(o.shape(1));
    }
    return total;
}

void Lesson::look(Deep& deep, const data::ImageBatch<Backend>& batch) const {
    Network& net = deep.net;
    const Tensor<double>* o = &batch.images;
    for (std::size_t i = 0; i < net.size(); ++i) {
        o = &net[i].forward(*o);
        if (net[i].name() == "Sigmoid") { deep.spreads.push_back(spread(*o)); }
    }
    nn::CrossEntropyLoss<Backend> criterion;
    net.zero_grad();
    criterion.forward(net(batch.images), batch.labels);
    net.backward(criterion.backward(), nn::InputGradient::not_needed);
    for (const auto& [name, parameter] : net.named_parameters()) {
        if (parameter->grad.dimension() != 2) { continue; } // not a weight
        double squares = 0;
        for (const double dw : parameter->grad) { squares += dw * dw; }
        deep.norms.push_back(std::sqrt(squares));
    }
}

void Lesson::look_before_training() {
    data::DataLoader<Backend> loader(train_set_, shuffled(options_.batch_size));
    for (Deep* deep : all_) {
        make(*deep);
        look(*deep, loader.peek());
    }
    fmt::print("\n         spread of the hidden units           norm of dw\n");
    fmt::print("layer    plain  BatchNorm  LayerNorm    plain  BatchNorm  "
               "LayerNorm\n");
    for (std::size_t l = 0; l < plain_.norms.size(); ++l) {
        fmt::print("{:>5}", l + 1);
        if (l < settings_.depth) {
            fmt::print("  {:7.1e}    {:7.4f}    {:7.4f}", plain_.spreads[l],
                       batch_.spreads[l], layer_.spreads[l]);
        } else {
            fmt::print("{:31}", "");
        }
        fmt::print("  {:7.1e}    {:7.4f}    {:7.4f}\n", plain_.norms[l],
                   batch_.norms[l], layer_.norms[l]);
    }
}

// @output to "11"
//
// Without a normalisation the digits are gone. Each layer leaves one seventh of the spread, the
// predicted 0.14, and in the last hidden layer all digits look alike to nine digits. The gradient
// of the first weights is a hundred million times smaller than that of the last.
//
// Batch normalisation restores the spread in every layer, because it makes the variance *over the
// examples* 1. Backward it helps as well: $dx$ is multiplied by $\text{rstd}$, which is large
// where the spread of $x$ is small.
//
// Layer normalisation makes the variance *over the units* 1. In this net the units of a layer
// differ from each other because of their biases and because the mean of a sigmoid is one half and
// not 0, and this pattern is the same for all digits. It is the pattern that gets normalised; what
// distinguishes the digits still fades.
//
// ## Training
//
// All three nets start from the same linear weights and see the same mini-batches, with SGD and
// momentum.
//
// <details class="predict"><summary>Predict: which of the three nets learn?</summary>
//
// A net whose last hidden layer is the same for all digits can learn no more than how frequent
// each class is. Its loss stays at $\log 10 = 2.303$. So only the net with batch normalisation
// learns.
//
// </details>
std::unique_ptr<optim::Optimizer<Backend>> Lesson::optimizer(const Network& net,
                                                             double lr) const {
    if (settings_.optimizer == "adamw") {
        AdamWOptions adamw;
        adamw.lr = lr;
        return std::make_unique<optim::AdamW<Backend>>(net.parameters(), adamw);
    }
    SgdOptions sgd;
    sgd.lr = lr;
    sgd.momentum = settings_.momentum;
    return std::make_unique<optim::SGD<Backend>>(net.parameters(), sgd);
}

void Lesson::train(Deep& deep, std::size_t batch_size, double lr,
                   int epochs) const {
    data::DataLoader<Backend> train_loader(train_set_, shuffled(batch_size));
    data::LoaderOptions in_order{500, false};
    in_order.limit = settings_.test_limit;
    data::DataLoader<Backend> test_loader(test_set_, in_order);
    train::Classification<Backend> training(deep.net, train_loader),
        testing(deep.net, test_loader);
    const auto steps = optimizer(deep.net, lr);
    train::Run<Backend> run{training, *steps};
    app::Progress progress(static_cast<std::size_t>(epochs),
                           train_loader.dataset_size());
    for (int epoch = 0; epoch < epochs; ++epoch) {
        deep.losses.push_back(train::train_one_epoch(run).loss);
        progress.end_epoch();
        deep.correct.push_back(train::test_one_epoch<Backend>(testing).correct);
    }
}

void Lesson::train_three_nets() {
    for (Deep* deep : all_) {
        train(*deep, options_.batch_size, options_.lr, options_.epochs);
        program_.result(deep->name + ": spreads", deep->spreads);
        program_.result(deep->name + ": gradient norms", deep->norms);
        program_.result(deep->name + ": training losses", deep->losses);
        program_.result(deep->name + ": correct", deep->correct);
    }
    fmt::print("\n             training loss             correct of {} test "
               "digits\n",
               settings_.test_limit);
    fmt::print("epoch   plain  BatchNorm  LayerNorm   plain  BatchNorm  "
               "LayerNorm\n");
    for (std::size_t e = 0; e < plain_.losses.size(); ++e) {
        fmt::print(
            "{:>5}  {:6.4f}     {:6.4f}     {:6.4f}  {:>6}     {:>6}     "
            "{:>6}\n",
            e + 1, plain_.losses[e], batch_.losses[e], layer_.losses[e],
            plain_.correct[e], batch_.correct[e], layer_.correct[e]);
    }
}

// @output to "10"
//
// Nothing but batch normalisation makes the difference: no learning rate replaces it ("Try it",
// 1), nor do initial weights that suit the sigmoid ("Try it", 2). Layer normalisation is enough
// for three layers ("Try it", 3). In ten it learns if the optimiser enlarges small gradients, as
// AdamW of chapter 13 does ("Try it", 4). The plain net does not learn even then.
//
// ## The picture
//
// The losses of the three nets, and the norms of their gradients by layer.
void Lesson::draw() const {
    plot::Figure losses, norms;
    losses.title("Training loss").x_label("epoch").y_label("loss [nats]");
    norms.title("Gradient before training").x_label("layer");
    norms.y_label("norm of dw").y_log();
    for (const Deep* deep : all_) {
        std::vector<double> epochs, layers;
        for (std::size_t e = 1; e <= deep->losses.size(); ++e) {
            epochs.push_back(static_cast<double>(e));
        }
        for (std::size_t l = 1; l <= deep->norms.size(); ++l) {
            layers.push_back(static_cast<double>(l));
        }
        losses.line_points(deep->name, epochs, deep->losses);
        norms.line_points(deep->name, layers, deep->norms);
    }
    const auto saved =
        plot::save_side_by_side({losses, norms}, program_.output(""), "deep");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// ![Left: only the loss of the net with BatchNorm falls; the two others stay at log 10. Right: without a normalisation the norm of the gradient falls by eight orders of magnitude from the last layer to the first, with LayerNorm by four, with BatchNorm it stays.](deep.svg)
//
// ## The batch size matters
//
// With batch normalisation the batch size is no longer a matter of speed alone. We train the same
// net for three epochs with mini-batches of 2, 8, 32 and 128 digits. The learning rate is
// proportional to the batch size, so that an epoch covers about the same way (Goyal et al.,
// Accurate, large minibatch SGD, 2017).
void Lesson::train_by_batch_size() {
    fmt::print("\n    m  training loss  correct, after three epochs with "
               "mini-batches of m\n");
    const std::size_t examples =
        data::DataLoader<Backend>(train_set_, shuffled(1)).dataset_size();
    std::vector<double> losses;
    for (const std::size_t m : statistics::batch_sizes) {
        if (m > examples) { continue; }
        Deep deep{"BatchNorm", Norm::batch};
        make(deep);
        train(deep, m, options_.lr * static_cast<double>(m) / 32, 3);
        const std::string any =
            m == 2 ? "~" : ""; // it depends on the processor
        fmt::print("  {:>3}        {:>7}   {:>6}\n", m,
                   fmt::format("{}{:.4f}", any, deep.losses.back()),
                   fmt::format("{}{}", any, deep.correct.back()));
        losses.push_back(deep.losses.back());
    }
    program_.result("losses by batch size", losses);
}

// @output to "128"
//
// With two digits in a mini-batch the net does not learn. The next page shows why. The numbers
// with a tilde are different on every processor, even in double: the normalisation pulls two
// nearly equal numbers apart to $-1$ and $+1$, and with them a rounding error of the last digit.
//
// ## The command line
//
// The defaults take a few seconds.
int main(int argc, char** argv) {
    app::Program program("12_normalisation", "Normalisation and dropout");
    auto& options = program.options();
    options.seed = 1;
    options.epochs = 10;
    options.batch_size = 32;
    options.limit = 2000;
    options.lr = 0.03;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--data"});
    Settings settings;
    program.option("--depth", settings.depth, 1, 100, "hidden layers");
    program.option("--width", settings.width, 1, 1000,
                   "units in each hidden layer");
    program.option("--momentum", settings.momentum, 0, 0.9999,
                   "momentum of SGD");
    program.option("--optimizer", settings.optimizer, {"sgd", "adamw"},
                   "optimiser of the deep nets");
    program.flag("--xavier", settings.xavier,
                 "start the deep nets from Xavier's normal weights");
    program.option("--test-limit", settings.test_limit, 128, 10000,
                   "number of test digits");
    program.option("--dropout-epochs", settings.dropout_epochs, 1, 1000,
                   "epochs of the nets with and without dropout");
    return program.main(argc, argv, [&] { Lesson(program, settings).run(); });
}
