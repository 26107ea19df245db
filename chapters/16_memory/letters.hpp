#pragma once
// ## Letters
//
// With `--preset names` or `--preset shakespeare` the program trains a language model: an
// embedding, a recurrent layer, and a linear layer that scores the next character. The layers are
// the library's `nn::RNN` and `nn::LSTM`. They do what the classes of this chapter do, for all
// steps of a mini-batch (B, T, C) at once.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/data/token_loader.hpp>
#include <handgrad/error.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/clip_grad.hpp>
#include <handgrad/optim/lr_scheduler.hpp>

namespace letters {

using Backend = handgrad::Cpu<float>;
using handgrad::Labels;
using handgrad::Random;
using handgrad::Shape;
using handgrad::Tensor;
namespace data = handgrad::data;
namespace nn = handgrad::nn;

struct Settings {
    bool names = true; // a list of names, or a running text
    std::filesystem::path file;
    std::size_t hidden = 128, features = 32, batch = 64, context = 64;
    std::size_t steps = 3000;
    double lr = 0.005;
    std::uint64_t seed = 1;
};

// ### Names as sequences
//
// A name is a sequence that begins with a line break, and each of its characters has the next one
// as its target; the last has the line break. All sequences are as long as the longest. Behind the
// end of a name the targets are `ignore_index`, which has no loss and no gradient. Unlike the
// network of chapter 15, this one sees every character of the name so far.
class Names : public data::TokenExamples {
public:
    Names(const std::vector<std::string>& names,
          const data::CharacterVocabulary& vocabulary) {
        for (const std::string& name : names) {
            names_.push_back(vocabulary.encode("\n" + name + "\n"));
            length_ = std::max(length_, names_.back().size() - 1);
        }
    }
    std::size_t size() const override { return names_.size(); }
    std::size_t length() const override { return length_; }
    std::size_t targets() const override { return length_; }
    Shape target_shape(std::size_t n) const override { return {n, length_}; }
    void copy(std::size_t i, std::int64_t* input,
              std::int64_t* target) const override {
        const Labels& name = names_[i];
        std::fill_n(input, length_, 0);
        std::fill_n(target, length_, handgrad::ignore_index);
        std::copy_n(name.data(), name.size() - 1, input);
        std::copy_n(name.data() + 1, name.size() - 1, target);
    }
    std::uint32_t checksum() const override { return 0; } // no checkpoints

private:
    std::vector<Labels> names_;
    std::size_t length_ = 0;
};

struct Texts {
    const data::CharacterVocabulary& vocabulary;
    const data::TokenExamples& training;
    const data::TokenExamples& dev;
    std::size_t stride; // between two examples of dev that do not overlap
};

// ### The model
template <class Layer> class Model : public nn::Component<Backend> {
public:
    nn::Embedding<Backend> embedding;
    Layer layer;
    nn::Linear<Backend> head;

    Model(std::size_t vocabulary, const Settings& s, Random& random)
        : embedding(vocabulary, s.features, random),
          layer(s.features, s.hidden, random),
          head(s.hidden, vocabulary, random) {
        register_component("embedding", embedding);
        register_component("layer", layer);
        register_component("head", head);
    }
    // Scores (B, T, V) for tokens (B, T).
    const Tensor& forward(const Labels& tokens) {
        return head(layer(embedding.forward(tokens)));
    }
    void backward(const Tensor& dz) {
        embedding.backward(layer.backward(head.backward(dz)));
    }
    std::string name() const override { return "Model"; }
};

// The mean loss of every `stride`-th example, 256 at a time, over all characters that count.
template <class Layer> double mean_loss(Model<Layer>& model,
                                        const data::TokenExamples& examples,
                                        std::size_t stride) {
    double sum = 0, count = 0;
    const std::size_t T = examples.length(), all = examples.size();
    for (std::size_t first = 0; first < all; first += 256 * stride) {
        const std::size_t n =
            std::min<std::size_t>(256, (all - first - 1) / stride + 1);
        Labels inputs(Shape{n, T}), targets(Shape{n, T});
        for (std::size_t i = 0; i < n; ++i) {
            examples.copy(first + i * stride, inputs.data() + i * T,
                          targets.data() + i * T);
        }
        double counted = 0;
        for (const std::int64_t target : targets) {
            counted += target == handgrad::ignore_index ? 0 : 1;
        }
        sum += counted * static_cast<double>(Backend::cross_entropy_forward(
                             model.forward(inputs), targets));
        count += counted;
    }
    return sum / count;
}

// ### Writing
//
// The model reads one token at a time. Its state is all that it keeps of the text before. A name
// begins with a state of 0, as in training.
inline void keep_state(nn::RNN<Backend>& layer) {
    layer.set_state(Tensor<float>(layer.last_state()));
}
inline void keep_state(nn::LSTM<Backend>& layer) {
    layer.set_state(Tensor<float>(layer.last_state()),
                    Tensor<float>(layer.last_cell_state()));
}

// Draws from the softmax of the scores, divided by the temperature 0.8.
inline std::int64_t draw(const Tensor<float>& scores, Random& random) {
    const double most = *std::max_element(scores.begin(), scores.end());
    std::vector<double> p;
    double sum = 0;
    for (const float score : scores) {
        p.push_back(std::exp((score - most) / 0.8));
        sum += p.back();
    }
    double left = random.uniform() * sum;
    std::size_t token = 0;
    while (token + 1 < p.size() && (left -= p[token]) >= 0) { ++token; }
    return static_cast<std::int64_t>(token);
}

template <class Layer> std::string
written(Model<Layer>& model, const Texts& texts, const Settings& settings) {
    Random random(settings.seed, 2);
    const std::int64_t line_break = texts.vocabulary.encode("\n")(0);
    Labels token(Shape{1, 1}), text(Shape{settings.names ? 80U : 300U});
    token(0, 0) = line_break;
    model.layer.reset_state();
    for (std::int64_t& next : text) {
        next = token(0, 0) = draw(model.forward(token), random);
        if (settings.names && next == line_break) {
            model.layer.reset_state();
        } else {
            keep_state(model.layer);
        }
    }
    model.layer.reset_state();
    return texts.vocabulary.decode(text);
}

// ### Training
template <class Layer> std::vector<double>
train(const std::string& name, const Texts& texts, const Settings& settings) {
    Random random(settings.seed);
    Model<Layer> model(texts.vocabulary.size(), settings, random);
    data::TokenLoaderOptions loading;
    loading.batch_size = settings.batch;
    loading.seed = settings.seed;
    data::TokenLoader<Backend> loader(texts.training, loading);
    handgrad::AdamWOptions adam;
    adam.lr = settings.lr;
    handgrad::optim::AdamW<Backend> optimizer(model.parameters(), adam);
    handgrad::optim::LambdaLR scheduler(
        optimizer, handgrad::optim::warmup_cosine(
                       std::min<std::size_t>(100, settings.steps / 2),
                       settings.steps, 0.02));
    nn::CrossEntropyLoss<Backend> criterion;
    fmt::print("{}: {} parameters\n  step  dev loss\n", name,
               model.parameter_count());
    std::vector<double> losses;
    const std::size_t interval = std::max<std::size_t>(1, settings.steps / 6);
    for (std::size_t step = 1; step <= settings.steps; ++step) {
        const auto& batch = loader.next();
        optimizer.zero_grad();
        criterion.compute(model.forward(batch.inputs), batch.targets);
        model.backward(criterion.backward());
        handgrad::optim::clip_grad_norm_(model.parameters(), 1);
        optimizer.step();
        scheduler.step();
        if (step % interval == 0 || step == settings.steps) {
            losses.push_back(mean_loss(model, texts.dev, texts.stride));
            fmt::print("{:6}  {:8.4f}\n", step, losses.back());
        }
    }
    const std::string text = written(model, texts, settings);
    fmt::print("It writes:\n| ");
    for (const char c : text) {
        fmt::print("{}", c == '\n' ? "\n| " : std::string(1, c));
    }
    fmt::print("\n\n");
    return losses;
}

inline void train_both(handgrad::app::Program& program, const Texts& texts,
                       const Settings& settings) {
    program.result("RNN: dev losses",
                   train<nn::RNN<Backend>>("RNN", texts, settings));
    program.result("LSTM: dev losses",
                   train<nn::LSTM<Backend>>("LSTM", texts, settings));
}

inline void run_names(handgrad::app::Program& program, const std::string& text,
                      const std::string& file, const Settings& settings) {
    const auto names = data::lines_of(text, file);
    const auto parts = data::split_names(names, 42);
    const data::CharacterVocabulary vocabulary("\n" + text);
    const Names training(parts.train, vocabulary), dev(parts.dev, vocabulary);
    fmt::print("{} names, {} characters\n\n", names.size(), vocabulary.size());
    train_both(program, {vocabulary, training, dev, 1}, settings);
}

inline void run_text(handgrad::app::Program& program, const std::string& text,
                     const Settings& settings) {
    const data::CharacterVocabulary vocabulary("\n" + text);
    const Labels tokens = vocabulary.encode(text);
    const std::size_t T = settings.context, first = tokens.size() * 9 / 10;
    if (tokens.size() - first <= T) {
        throw handgrad::DataError(fmt::format(
            "the text has {} characters, expected more than {}: a tenth of it "
            "must be longer than a sequence",
            tokens.size(), 10 * T));
    }
    const auto part = [&tokens](std::size_t begin, std::size_t end) {
        Labels result(Shape{end - begin});
        std::copy(tokens.data() + begin, tokens.data() + end, result.data());
        return result;
    };
    const data::Windows training(part(0, first), T),
        dev(part(first, tokens.size()), T);
    fmt::print("{} characters, {} different ones\n\n", tokens.size(),
               vocabulary.size());
    train_both(program, {vocabulary, training, dev, T}, settings);
}

// `--data` is a text file, or a folder that holds the texts of the book.
inline void run(handgrad::app::Program& program, const Settings& settings) {
    const std::string name = settings.names ? "names" : "shakespeare";
    const auto file = std::filesystem::is_regular_file(settings.file)
                          ? settings.file
                          : data::find_text(name, settings.file);
    const std::string text = data::read_text(file);
    if (settings.names) {
        run_names(program, text, file.string(), settings);
    } else {
        run_text(program, text, settings);
    }
}

} // namespace letters
