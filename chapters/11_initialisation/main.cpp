// ## What we need
//
// `theory.hpp` and `deep.hpp`, above, contain the deep networks and what we expect of them, and
// `model.hpp` the network for names. `proof.hpp` and `figures.hpp`, below, check the gradients and
// draw. The rest comes from handgrad.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/app/progress.hpp>
#include <handgrad/data/token_loader.hpp>
#include <handgrad/error.hpp>
#include <handgrad/optim/sgd.hpp>

#include "deep.hpp"
#include "figures.hpp"
#include "model.hpp"
#include "proof.hpp"

using namespace handgrad;

// ## The lesson at a glance
//
// `run()` is the table of contents. After the proof of the gradients come two parts: 20 layers, with
// tanh and with ReLU, each from three starts; then the network for names, also from three starts.
struct Settings {
    std::size_t layers = 20, width = 400, examples = 250; // deep networks
    double tanh_gain = 1, relu_gain = std::sqrt(2.0);
    std::size_t steps = 10'000; // of training on names
    std::string preset = "short";
};

// A start of the network for names, and what comes of it.
struct NamesRun {
    std::string name;
    Start start;
    double predicted_first = 0, first = 0;         // loss before training
    double predicted_saturated = 0, saturated = 0; // share of hidden outputs
    std::vector<double> losses = {};               // of each mini-batch
    double train = 0, dev = 0;                     // losses after training
};

class Lesson {
public:
    Lesson(app::Program& program_, const Settings& settings_)
        : program(program_), settings(settings_) {}

    void run() {
        prove_gradients();
        go_deep(Activation::tanh);
        go_deep(Activation::relu);
        look_at_names();
        measure_first_losses();
        train_from_three_starts();
    }

private:
    void prove_gradients() const;
    void go_deep(Activation activation) const;
    void print_layers(const std::string& start,
                      const std::vector<Sizes>& theory,
                      const std::vector<Sizes>& measured) const;
    void look_at_names() const;
    void predict_start(NamesRun& run) const;
    void measure_first_losses();
    void train_from_three_starts();
    void train(NamesRun& run) const;

    using Names = data::Splits<std::vector<std::string>>;
    Names split(const std::filesystem::path& path) const;
    std::vector<std::size_t> shown_layers() const;
    void start_again(NamesNet& net, Start start) const;

    app::Program& program;
    const Settings settings;
    const app::Options& options = program.options(); // --seed, --lr, --data

    const data::CharacterVocabulary letters{"\nabcdefghijklmnopqrstuvwxyz"};
    const Names names = split(data::find_text("names", options.data));
    const data::Contexts train_set{names.train, letters, Widths().context};
    const data::Contexts dev_set{names.dev, letters, Widths().context};
    std::vector<NamesRun> runs{{"naive", Start::naive},
                               {"small scores", Start::small_scores},
                               {"Kaiming", Start::kaiming}};
};

// ## The gradients first
//
// Everything in this chapter rests on gradients. So we first compare them with the complex step, as
// in chapter 06: for networks of 20 narrow layers, and for every parameter of the network for names.
// If one of them is wrong, the program stops here.
void Lesson::prove_gradients() const {
    fmt::print("Gradients against the complex step\n");
    for (const check::GradientCheck& checker :
         {proof::of_deep_networks(), proof::of_names_network()}) {
        for (const check::Report& report : checker.reports()) {
            fmt::print("  {} {}: {} entries compared, {}\n", report.name,
                       to_string(report.shape), report.compared,
                       report.passed() ? "passed" : "FAILED");
        }
        check::require_passed(checker);
    }
}

// @output to "dfc2.bias"
//
// ## Twenty layers from three starts
//
// The input is 250 examples of 400 normal numbers. We pass it forward through 20 layers of 400
// units, pass a random gradient of size 1 backward from the last outputs, and compare the sizes in
// each layer with the theory. The start that fits has the gain 1 for tanh (Xavier) and $\sqrt 2$ for
// ReLU (Kaiming). The others have half of it, and four times (tanh) or twice (ReLU) as much.
void Lesson::go_deep(Activation activation) const {
    const bool is_tanh = activation == Activation::tanh;
    const double gain = is_tanh ? settings.tanh_gain : settings.relu_gain;
    const std::vector<std::pair<std::string, double>> starts = {
        {"too small", gain / 2},
        {is_tanh ? "Xavier" : "Kaiming", gain},
        {"too large", gain * (is_tanh ? 4 : 2)}};
    fmt::print(
        "\n{} layers of {} units with {}, {} examples\n"
        "                   size of o          size of dz         size of dw  "
        "       {}\n"
        "           layer   theory   measured  theory   measured  theory   "
        "measured  theory   measured\n",
        settings.layers, settings.width, is_tanh ? "tanh" : "ReLU",
        settings.examples, is_tanh ? "saturated" : "dead");
    figures::Layers drawn(activation, shown_layers());
    for (const auto& [name, start_gain] : starts) {
        Random random(options.seed);
        Tensor<double> x(Shape{settings.examples, settings.width}), dy = x;
        normal_(x, 0, 1, random);
        normal_(dy, 0, 1, random);
        deep::Network net = deep::make(activation, start_gain, settings.layers,
                                       settings.width, random);
        deep::forward(net, x);
        deep::backward(net, dy);
        const auto theory =
            predict(activation, start_gain, settings.layers, settings.examples);
        const auto measured = deep::measure(net);
        print_layers(name, theory, measured);
        drawn.add(name, net, theory, measured);
    }
    drawn.save(program);
}

// Four layers are enough for a table: the first, those after a quarter and a half of the depth, and
// the last.
std::vector<std::size_t> Lesson::shown_layers() const {
    return {1, settings.layers / 4, settings.layers / 2, settings.layers};
}

void Lesson::print_layers(const std::string& start,
                          const std::vector<Sizes>& theory,
                          const std::vector<Sizes>& measured) const {
    for (const std::size_t l : shown_layers()) {
        const Sizes &t = theory[l], &m = measured[l];
        fmt::print("{:9}  {:5}   {:7.1e}  {:8.1e}  {:7.1e}  {:8.1e}  {:7.1e}  "
                   "{:8.1e}  {:6.4f}   {:8.4f}\n",
                   l == 1 ? start : "", l, t.o, m.o, t.dz, m.dz, t.dw, m.dw,
                   t.unusable, m.unusable);
    }
}

// ### With tanh
//
// <details class="predict"><summary>Predict: how large are the outputs of layer 20 if the gain is one half?</summary>
//
// Near 0 tanh is almost the identity, so each layer halves the signal: $2^{-20} = 9.5 \cdot
// 10^{-7}$. The first layer, where the input is not small, takes a little more away.
//
// </details>
//
// @output to "20   8.8e-01"
//
// ![Outputs of four tanh layers from the three starts: with small weights a spike at 0, with Xavier's a bell that narrows slowly, with large ones two heaps at -1 and 1.](tanh_outputs.svg)
//
// Too small: the outputs fade, and so do the gradients on the way back. The first layer gets a
// gradient of a millionth. Too large: more than half of the outputs are saturated, where the
// derivative of tanh is nearly 0. One would think that gradients fade there, too. But the other units
// pass on more than enough, because the weights are large: the gradient of the first layer is more
// than 3,000 times that of the last. With Xavier's start everything keeps its
// order of magnitude.
//
// ![Gradients of the same layers, by powers of ten: with small weights each layer back is further to the left, with Xavier's all lie together, with large weights each layer back is further to the right.](tanh_gradients.svg)
//
// ![Size of the gradient by depth, theory and measurement, for tanh.](tanh_depth.svg)
//
// ### With ReLU
//
// A ReLU passes half of the numbers and makes 0 of the others, so the mean square is halved: the gain
// $\sqrt 2$ makes up for it. Xavier's gain of 1 is not enough here.
//
// <details class="predict"><summary>Predict: which start has the most dead units, the small one or the large one?</summary>
//
// All have the same units dead, to the last one. Without biases, a factor in front of the weights is
// a factor in front of the outputs, and does not change their signs. What makes units dead is depth:
// the examples become more and more alike, and a unit that is 0 for one of them is 0 for all. The
// theory expects a quarter of the units of layer 20.
//
// </details>
//
// @output to "20   1.0e+06"
//
// The size of $dw$ is a surprise: whatever the start, it is the same in all layers. The outputs grow
// by a factor from layer to layer, the gradients shrink by the same factor, and $dw$ is their
// product. So no layer stands out. But all gradients are too small or too large by the same factor of
// about half a million: $2^{19}$, one factor 2 for each of the other layers.
//
// ![Outputs above 0 of four ReLU layers, by powers of ten: from the start that fits they lie together, from the others they move away with each layer.](relu_outputs.svg)
//
// ![Size of the gradient by depth, theory and measurement, for ReLU: straight lines, because each layer has the same factor.](relu_depth.svg)
//
// ## Names
//
// The second part uses a list of 32,033 first names (`data/README.md` has the source). They are
// split, once and for all seeds: 80 percent to train with, 10 percent for development, which is the
// part by which we compare the starts, and 10 percent for a test that this chapter does not need.
// Each letter of a name is an example, with the three letters before it; the end of the name is the
// 27th token, a line break in the file.
Lesson::Names Lesson::split(const std::filesystem::path& path) const {
    constexpr std::uint64_t seed = 42;
    const std::string text = data::read_text(path), name = path.string();
    letters.encode(text, name); // refuses other characters
    return data::split_names(data::lines_of(text, name), seed);
}

void Lesson::look_at_names() const {
    fmt::print("\n{} names to train with: {} examples of {} letters and the "
               "next one\n{} names for development: {} examples\n",
               names.train.size(), train_set.size(), train_set.length(),
               names.dev.size(), dev_set.size());
}

// @output to "3203 names"
//
// ## The first loss
//
// A network that has learned nothing should give each of the 27 tokens the probability 1/27. Its
// loss is $\log 27 = 3.2958$. A larger first loss means that the network is sure of something that
// it cannot know. We predict it for each start, from the size of the scores.
//
// The rows of the embedding are normal numbers of size 1, so a sum of 30 of them, each times a weight
// of standard deviation $\sigma_w$, plus a bias of standard deviation $\sigma_b$, has the variance
// $30 \sigma_w^2 + \sigma_b^2$. In the naive start this is 31, so most hidden units are saturated. A
// score adds up 200 outputs and a bias: variance $200\, E[o_1^2] + 1$ in the naive start.
//
// The loss of an example is the logarithm of $\sum_k e^{z_k}$ minus the score of the true token, which
// is 0 on average. If the scores are large, the largest of the 27 dominates the sum, and the loss is
// the expected maximum of 27 normal numbers: 2.07 times their standard deviation. If they are small,
// the loss is $\log 27$ plus half of their variance.
void Lesson::predict_start(NamesRun& run) const {
    const bool is_naive = run.start == Start::naive;
    const bool is_kaiming = run.start == Start::kaiming;
    const double inputs = 30, hidden = 200;
    const double w1 = is_kaiming ? 5.0 / 3 / std::sqrt(inputs) : 1;
    const double b1 = is_kaiming ? 0.01 : 1;
    const double sigma = std::sqrt(inputs * w1 * w1 + b1 * b1);
    run.predicted_saturated = saturated_share(sigma);
    const double mean_square = normal_mean(
        [&](double u) { return std::pow(std::tanh(sigma * u), 2); });
    run.predicted_first =
        is_naive ? expected_maximum(27) * std::sqrt(hidden * mean_square + 1)
                 : std::log(27.0) + hidden * mean_square * 0.01 * 0.01 / 2;
}

// <details class="predict"><summary>Predict: how large is the first loss of the naive start?</summary>
//
// The integral gives $E[o_1^2] = 0.80$ for $\sigma = \sqrt{31}$, so the scores have the standard deviation
// $\sqrt{161} = 12.7$. Times 2.07 this is 26: far worse than guessing.
//
// </details>
void Lesson::start_again(NamesNet& net, Start start) const {
    Random draws(options.seed, 1); // the same numbers for every start
    initialise(net, start, draws);
}

void Lesson::measure_first_losses() {
    fmt::print(
        "\nBefore training, where guessing has the loss log 27 = {:.4f}\n"
        "              first loss           saturated\n"
        "start         predicted  measured  predicted  measured\n",
        std::log(27.0));
    plot::Figure outputs;
    for (NamesRun& run : runs) {
        Random random(options.seed);
        NamesNet net({}, random);
        start_again(net, run.start);
        predict_start(run);
        run.first = mean_loss(net, dev_set, [&](const Tensor<double>& o1) {
            run.saturated += deep::unusable_share(Activation::tanh, o1) *
                             static_cast<double>(o1.shape(0)) /
                             static_cast<double>(dev_set.size());
        });
        fmt::print("{:12}  {:9.4f}  {:8.4f}  {:9.4f}  {:8.4f}\n", run.name,
                   run.predicted_first, run.first, run.predicted_saturated,
                   run.saturated);
        if (run.start != Start::small_scores) { // its hidden units are naive
            outputs.line(run.name, figures::middles(-1, 1, 40),
                         deep::histogram(net.hidden(), -1, 1, 40));
        }
    }
    outputs.x_label("output of a hidden unit").y_label("share");
    figures::save({outputs}, program, "names_outputs");
}

// @output to "Kaiming          3.3"
//
// The naive prediction is right to a few units: a network is a single draw, and its 27 biases favour
// some tokens whatever the letters before are. The seeds 1, 2 and 3 have the first losses 23.7, 29.2
// and 24.8.
// Small scores repair the first loss. But two thirds of the hidden outputs are still saturated, and
// the layer below them gets almost no gradient. Kaiming's start repairs this, too.
//
// ![Outputs of the hidden units before training: the naive start has two heaps at -1 and 1, Kaiming's start uses the whole range.](names_outputs.svg)
//
// ## Training
//
// The three networks are trained alike: the same mini-batches of 32 examples in the same order, the
// learning rate 0.1 for the first half of the steps and 0.01 for the second. Only the factors in
// front of the first weights differ.
//
// <details class="predict"><summary>Predict: does training make up for a bad start?</summary>
//
// Of the first loss, nearly all: pushing the scores down takes some thousand steps, but is easy.
// The saturated units are another matter. They learn slowly as long as they are saturated, so a gap
// remains: after 10,000 steps, and after 200,000 as well.
//
// </details>
void Lesson::train(NamesRun& run) const {
    Random random(options.seed);
    NamesNet net({}, random);
    start_again(net, run.start);
    data::TokenLoader<Backend> loader(
        train_set, {options.batch_size, settings.steps, options.seed});
    nn::CrossEntropyLoss<Backend> criterion;
    SgdOptions sgd;
    sgd.lr = options.lr;
    optim::SGD<Backend> optimizer(net.parameters(), sgd);
    app::Progress progress(1, settings.steps);
    for (std::size_t step = 0; step < settings.steps; ++step) {
        if (step == settings.steps / 2) { optimizer.set_lr(options.lr / 10); }
        const auto& batch = loader.next();
        const Tensor<double>& scores = net.forward(batch.inputs);
        run.losses.push_back(criterion.forward(scores, batch.targets));
        if (!std::isfinite(run.losses.back())) {
            throw DivergenceError(fmt::format(
                "the training loss is {}: try a smaller step than --lr {}",
                run.losses.back(), options.lr));
        }
        optimizer.zero_grad();
        net.backward(criterion.backward());
        optimizer.step();
        if (step % 100 == 0) { progress.update(step); }
    }
    progress.end_epoch();
    run.train = mean_loss(net, train_set);
    run.dev = mean_loss(net, dev_set);
}

void Lesson::train_from_three_starts() {
    fmt::print("\nAfter {} steps of {} examples\n"
               "start         training loss  development loss\n",
               settings.steps, options.batch_size);
    plot::Figure losses;
    for (NamesRun& run : runs) {
        train(run);
        fmt::print("{:12}  {:13.4f}  {:16.4f}\n", run.name, run.train, run.dev);
        program.result(run.name + ": first loss", run.first);
        program.result(run.name + ": training loss", run.train);
        program.result(run.name + ": development loss", run.dev);
        figures::add_losses(losses, run.name, run.losses);
    }
    losses.x_label("step").y_label("training loss").y_range(2, 3.4);
    figures::save({losses}, program, "names_loss");
}

// @output to end
//
// ![Training loss, each point the mean of a hundredth of the steps: the naive start comes from far above and stays behind, Kaiming's start is ahead of small scores.](names_loss.svg)
//
// ## The command line
//
// `--preset full` trains for 200,000 steps, which takes about a minute. What it prints is recorded
// below.
int main(int argc, char** argv) {
    app::Program program("11_initialisation",
                         "What a deep network starts from");
    program.options().seed = 1;
    program.options().lr = 0.1;
    program.options().batch_size = 32;
    program.take({"--batch-size", "--lr", "--data"});
    Settings settings;
    program.option("--layers", settings.layers, 4, 200,
                   "layers of the deep networks");
    program.option("--width", settings.width, 1, 2000,
                   "units in each of their layers");
    program.option("--examples", settings.examples, 1, 2000,
                   "examples that pass through them");
    program.option("--tanh-gain", settings.tanh_gain, 0.01, 100,
                   "gain of the fitting start with tanh");
    program.option("--relu-gain", settings.relu_gain, 0.01, 100,
                   "gain of the fitting start with ReLU");
    program.option("--steps", settings.steps, 1, 10'000'000,
                   "steps of training on names");
    program.option("--preset", settings.preset, {"short", "full"},
                   "full: 200,000 steps of training on names");
    return program.main(argc, argv, [&program, &settings] {
        if (settings.preset == "full") { settings.steps = 200'000; }
        Lesson(program, settings).run();
    });
}
