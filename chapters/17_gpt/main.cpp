#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/interrupt.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/device.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/data/token_loader.hpp>
#include <handgrad/error.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/train/checkpoint.hpp>
#include <handgrad/train/train.hpp>

#include "attention.hpp"
#include "cache.hpp"
#include "costs.hpp"
#include "gradients.hpp"
#include "model.hpp"
#include "pictures.hpp"
#include "settings.hpp"
#include "task.hpp"
#include "writer.hpp"

using namespace handgrad;
using Texts = std::map<std::string, std::string>;

// ## The training at a glance
//
// As in chapter 13, the members of a class are the state of a run, and `run()` is the table of
// contents.
template <class Backend> class Lesson {
public:
    Lesson(app::Program& program, const Settings& settings)
        : program_(program), options_(program.options()), settings_(settings) {}

    void run() {
        if (options_.resume.empty()) {
            by_hand::show();
            show_model();
        }
        begin_or_resume();
        train();
        write_text();
        draw();
        record_results();
    }

private:
    using Groups = std::vector<typename optim::AdamW<Backend>::Group>;
    Labels prompt() const;
    Labels part(bool of_training) const;
    GPTSizes sizes() const;
    data::TokenLoaderOptions batches(std::size_t count,
                                     std::uint64_t seed) const;
    Groups groups() const;
    Texts options_of_the_run() const;
    void show_model() const;
    void begin_or_resume();
    double counting_loss() const;
    void train();
    void validate();
    void stop() const;
    void write_text();
    void draw();
    void record_results() const;

    app::Program& program_;
    const app::Options& options_;
    const Settings settings_;

    // The text, and its windows.
    const std::string text_ = read_training_text(options_.data);
    const data::CharacterVocabulary vocabulary_{text_};
    const Labels tokens_ = vocabulary_.encode(text_);
    const Labels prompt_ = prompt(); // read now: training takes time
    const data::Windows training_windows_{part(true), settings_.sizes.context};
    const data::Windows validation_windows_{part(false),
                                            settings_.sizes.context};
    data::TokenLoader<Backend> loader_{training_windows_,
                                       batches(settings_.steps, options_.seed)};
    data::TokenLoader<Backend> validation_loader_{
        validation_windows_, batches(settings_.validation, 99)};

    // The model, and the two tasks that it has.
    Random random_{options_.seed};
    GPT<Backend> model_{sizes(), random_};
    NextToken<Backend> training_{model_, loader_, settings_.clip};
    NextToken<Backend> validation_{model_, validation_loader_, settings_.clip};

    // The optimiser, its schedule, and all state of the training.
    optim::AdamW<Backend> optimizer_{groups()};
    optim::LambdaLR scheduler_{
        optimizer_,
        optim::warmup_cosine(std::min(settings_.warmup, settings_.steps / 2),
                             settings_.steps, 0.1)};
    train::Run<Backend> run_{training_, optimizer_, options_of_the_run(),
                             &validation_};
};

// ## The text
//
// The first 90 percent of the text are for training, the rest for validation. Training draws its
// windows at random, with replacement, so "epoch" means little here: one epoch is the whole
// training.
template <class Backend> Labels Lesson<Backend>::part(bool of_training) const {
    const std::size_t first = tokens_.size() * 9 / 10,
                      begin = of_training ? 0 : first,
                      end = of_training ? first : tokens_.size();
    if (tokens_.size() - first <= settings_.sizes.context) {
        throw DataError(fmt::format(
            "the text has {} characters, expected more than {}: a tenth of it "
            "must be longer than the context",
            tokens_.size(), 10 * settings_.sizes.context));
    }
    Labels result(Shape{end - begin});
    std::copy(tokens_.data() + begin, tokens_.data() + end, result.data());
    return result;
}

template <class Backend> data::TokenLoaderOptions
Lesson<Backend>::batches(std::size_t count, std::uint64_t seed) const {
    data::TokenLoaderOptions options;
    options.batch_size = settings_.batch;
    options.batches_per_epoch = count;
    options.seed = seed;
    return options;
}

template <class Backend> GPTSizes Lesson<Backend>::sizes() const {
    GPTSizes sizes = settings_.sizes;
    sizes.vocabulary = vocabulary_.size();
    return sizes;
}

// ## The model
template <class Backend> void Lesson<Backend>::show_model() const {
    fmt::print("{} characters, {} different ones: {}\n\n", tokens_.size(),
               vocabulary_.size(), vocabulary_.shown());
    show_costs(model_.sizes(), settings_.batch, model_.parameter_count());
    const auto checker =
        check_gradients<typename Backend::template With<double>>();
    fmt::print("{}\n", to_string(checker));
    if (!checker.passed()) {
        throw std::runtime_error("a gradient is wrong: see the table above");
    }
}

// @output to "dln_f.bias"
//
// All 20 parameters agree. `wte.weight` is the tied tensor: its gradient is the sum of what comes
// back through the last layer and through the embedding.
//
// ## Matrices decay, the rest does not
//
// Weight decay is for the matrices alone, the tables included. The scale of a normalisation has no
// reason to be near 0.
template <class Backend>
typename Lesson<Backend>::Groups Lesson<Backend>::groups() const {
    AdamWOptions decay, none;
    decay.lr = none.lr = *settings_.lr;
    decay.betas = none.betas = {0.9, 0.99};
    decay.weight_decay = settings_.decay;
    none.weight_decay = 0;
    Groups groups = {{{}, decay}, {{}, none}};
    for (auto* parameter : model_.parameters()) {
        const bool is_matrix = parameter->value.shape().size() == 2;
        groups[is_matrix ? 0 : 1].parameters.push_back(parameter);
    }
    return groups;
}

// ## The state of a run
//
// A checkpoint holds the parameters, both means of AdamW, and the number of the next mini-batch.
// Which windows a mini-batch has depends on the seed and on its number alone, so nothing else is
// needed. The schedule depends on the number of steps: a resumed run must have the same.
template <class Backend> Texts Lesson<Backend>::options_of_the_run() const {
    Texts options =
        program_.texts({"--seed", "--batch", "--lr", "--weight-decay",
                        "--heads", "--context", "--device"});
    options["--steps"] = std::to_string(settings_.steps);
    options["--validation"] = std::to_string(settings_.validation);
    return options;
}

template <class Backend> void Lesson<Backend>::begin_or_resume() {
    if (options_.resume.empty()) { return; }
    train::load_checkpoint(options_.resume, run_);
    const auto next = loader_.state();
    const std::size_t done = next.epoch > 0 ? settings_.steps : next.batch;
    scheduler_.restore(done);
    fmt::print("goes on after step {} of {}\n", done, settings_.steps);
}

// ## What counting reaches
//
// Chapter 15's table of pairs is a model without layers: count in the training text how often each
// character follows another one, and take these frequencies for probabilities. Every count has 1
// added, so that no probability is 0. A model that sees one character only can hardly reach a lower
// loss on the validation text than this table; a GPT has to be better.
template <class Backend> double Lesson<Backend>::counting_loss() const {
    const std::size_t V = vocabulary_.size();
    Tensor<double> pairs(Shape{V, V}, 1.0),
        rows(Shape{V}, static_cast<double>(V));
    const auto token = [](const Labels& text, std::size_t i) {
        return static_cast<std::size_t>(text(i));
    };
    const Labels train = part(true), rest = part(false);
    for (std::size_t i = 0; i + 1 < train.size(); ++i) {
        pairs(token(train, i), token(train, i + 1)) += 1;
        rows(token(train, i)) += 1;
    }
    double sum = 0;
    for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
        sum -= std::log(pairs(token(rest, i), token(rest, i + 1)) /
                        rows(token(rest, i)));
    }
    return sum / static_cast<double>(rest.size() - 1);
}

// ## Training
//
// The learning rate rises for the first hundred steps and then falls along a cosine to a tenth.
//
// <details class="predict"><summary>Predict: what is the loss of a model that has not learned anything?</summary>
//
// It gives all 65 characters about the same probability: $\log 65 = 4.17$.
//
// </details>
template <class Backend> void Lesson<Backend>::train() {
    if (options_.resume.empty()) {
        fmt::print(
            "log {} = {:.4f}, counting pairs: {:.4f}\n", vocabulary_.size(),
            std::log(static_cast<double>(vocabulary_.size())), counting_loss());
    }
    fmt::print(" step  training loss  validation loss\n");
    const auto due = [](std::size_t step, std::size_t each) {
        return each > 0 && step % each == 0;
    };
    const auto measured = [&](std::size_t step) {
        return step == 1 || step == settings_.steps ||
               due(step, settings_.interval());
    };
    train::EpochSettings settings;
    settings.log_interval = 1;
    settings.on_batch = [&](std::size_t, std::size_t) { scheduler_.step(); };
    settings.stop = [&] {
        const std::size_t step = loader_.state().batch;
        return app::interrupted() || measured(step) ||
               due(step, settings_.save_every);
    };
    const app::InterruptGuard guard;
    while (loader_.state().epoch == 0) {
        train::train_one_epoch(run_, settings);
        if (measured(run_.epoch.batches)) { validate(); }
        if (!options_.save.empty()) {
            train::save_checkpoint(options_.save, run_);
        }
        if (app::interrupted()) { stop(); }
    }
}

// The validation loss is the mean over the same mini-batches every time.
template <class Backend> void Lesson<Backend>::validate() {
    validation_loader_.restore({0, 0});
    const std::size_t step = run_.epoch.batches;
    run_.history.add_test(train::test_one_epoch<Backend>(validation_),
                          run_.epoch.examples);
    fmt::print("{:>5} {:>14.4f} {:>16.4f}\n", step,
               run_.history.train_losses.back(),
               run_.history.test_losses.back());
    std::fflush(stdout);
}

// If Ctrl-C ended the training early, the program ends here.
template <class Backend> void Lesson<Backend>::stop() const {
    std::string saved = "nothing is saved";
    if (!options_.save.empty()) {
        saved = "go on with --resume " + options_.save.string();
    }
    throw app::Interrupted(fmt::format("interrupted after step {} of {}; {}",
                                       run_.epoch.batches, settings_.steps,
                                       saved));
}

// @output to "1000"
//
// The first loss is near log 65. After 250 steps the model is better than the table of pairs, so it
// uses more than the last character. All its mini-batches together have 512,000 characters, half as
// many as the text.
//
// ## It writes
//
// It continues the text that `--prompt TEXT` gives. Without one it begins with a line break, or with
// the first character of a text that has no lines.
template <class Backend> Labels Lesson<Backend>::prompt() const {
    const std::string given = read_prompt(settings_);
    if (!given.empty()) {
        return vocabulary_.encode(given, prompt_name(settings_));
    }
    const bool has_lines = text_.find('\n') != std::string::npos;
    return has_lines ? vocabulary_.encode("\n") : Labels{tokens_(0)};
}

template <class Backend> void Lesson<Backend>::write_text() {
    Random random(options_.seed + 1);
    const Writing text = continued(model_, prompt_, settings_.characters,
                                   settings_.sampling(), random);
    show_writing(vocabulary_.decode(text.tokens), settings_.characters,
                 text.seconds, settings_.sampling());
}

// @output to end
//
// Lines begin with a capital, words have about the right length, and many of the short ones are English.
// The model has seen no dictionary: it learned to spell from the text alone. The results show what it
// writes after the full training.
//
// ## What a head looks at
//
// ![The loss of each mini-batch falls from 4.2 to 2, and the validation loss with it.](loss.svg)
//
// The attention maps are those of one line (the beginning of the text, if a text of your own does not
// have these characters). In the first block all heads look at the last few characters: the bright
// squares lie on the diagonal (the character itself) or just left of it. In the last block some heads
// look further back. Column 5, counted from 0, is the comma: heads 2 and 3 of the last block look at it
// even from the end of the line.
//
// ![The weights of the four heads of the first and of the last block for "To be, or not to be". Row t shows at which characters character t looks: the brighter, the larger the weight. h.0 and h.1 are the two blocks.](attention.svg)
template <class Backend> void Lesson<Backend>::draw() {
    draw_losses(program_, run_.history);
    std::string line = "To be, or not to be";
    try {
        vocabulary_.encode(line);
    } catch (const DataError&) { line.clear(); }
    Labels shown = line.empty() ? tokens_ : vocabulary_.encode(line);
    const std::size_t T =
        std::min({shown.size(), std::size_t{19}, settings_.sizes.context});
    Labels tokens(Shape{T});
    std::copy_n(shown.data(), T, tokens.data());
    draw_attention(program_, model_, std::move(tokens));
}

template <class Backend> void Lesson<Backend>::record_results() const {
    const train::History& history = run_.history;
    program_.result("parameters", model_.parameter_count());
    program_.result("train_losses", history.train_losses);
    program_.result("validation_losses", history.test_losses);
    program_.result("validation_examples", history.test_examples);
}

// ## The command line
//
// With `--weights` the program does not train: it writes with the weights of GPT-2.
int main(int argc, char** argv) {
    app::Program program("17_gpt", "Attention, and a small GPT");
    program.options().seed = 1;
    Settings settings;
    offer_options(program, settings);
    return program.main(argc, argv, [&] {
        const bool thrust = program.options().device == "thrust";
        if (!settings.weights.empty()) {
            return thrust ? write_with_gpt2<Device<float>>(program, settings)
                          : write_with_gpt2<Cpu<float>>(program, settings);
        }
        settings.complete();
        if (thrust) {
            Lesson<Device<float>>(program, settings).run();
        } else {
            Lesson<Cpu<float>>(program, settings).run();
        }
    });
}
