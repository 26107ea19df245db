#pragma once
// ## A network that spells names
//
// The second network reads three letters and says which letter comes next; the page before has the
// table of its shapes. Each letter is a token, a number from 0 to 26, and the embedding gives it a
// row of ten numbers. The three rows, one after another, are the input of a two-layer network:
// $o_1 = \tanh(x w_1 + b_1)$ and $z = o_1 w_2 + b_2$.

#include <algorithm>
#include <string>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/token_loader.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/tensor/random.hpp>

using Backend = handgrad::Cpu<double>;
namespace nn = handgrad::nn;

struct Widths {
    std::size_t vocabulary = 27, context = 3, features = 10, hidden = 200;
};

// The input of an embedding has no gradient, so the network is a component and no module: it writes
// its own forward and backward from its layers.
class NamesNet : public nn::Component<Backend> {
public:
    nn::Embedding<Backend> embedding;
    nn::Linear<Backend> fc1, fc2;

    NamesNet(const Widths& e, handgrad::Random& random)
        : embedding(e.vocabulary, e.features, random),
          fc1(e.context * e.features, e.hidden, random),
          fc2(e.hidden, e.vocabulary, random) {
        register_component("embedding", embedding);
        register_component("fc1", fc1);
        register_component("fc2", fc2);
    }

    // Scores (N, V) for tokens (N, 3).
    const Tensor& forward(const handgrad::Labels& tokens) {
        const Tensor& x = flatten_(embedding.forward(tokens));
        hidden_ = &tanh_(fc1(x));
        return fc2(*hidden_);
    }

    void backward(const Tensor& dz) {
        const Tensor& dz1 = tanh_.backward(fc2.backward(dz));
        embedding.backward(flatten_.backward(fc1.backward(dz1)));
    }

    const Tensor& hidden() const { return *hidden_; } // of the last forward
    std::string name() const override { return "NamesNet"; }

private:
    nn::Flatten<Backend> flatten_;
    nn::Tanh<Backend> tanh_;
    const Tensor* hidden_ = nullptr;
};

// ### Three starts
//
// All three starts draw the same normal numbers of standard deviation 1 and multiply them. The naive
// start takes them as they are. With small scores, $w_2$ is multiplied by 0.01 and $b_2$ by 0.
// Kaiming's start does the same, and multiplies $w_1$ by $\frac53 / \sqrt{30} = 0.304$, the gain that
// PyTorch recommends for tanh over the root of the number of inputs, and $b_1$ by 0.01.
enum class Start { naive, small_scores, kaiming };

inline void initialise(NamesNet& net, Start start, handgrad::Random& random) {
    const auto draw = [&](nn::Parameter<Backend>& parameter, double std) {
        handgrad::normal_(parameter.value, 0, std, random);
    };
    const bool small = start != Start::naive, scaled = start == Start::kaiming;
    const double kaiming =
        nn::kaiming_std(net.fc1.weight.value.shape(), 0, nn::FanMode::fan_in,
                        nn::Nonlinearity::tanh);
    draw(net.embedding.weight, 1);
    draw(net.fc1.weight, scaled ? kaiming : 1);
    draw(net.fc1.bias, scaled ? 0.01 : 1);
    draw(net.fc2.weight, small ? 0.01 : 1);
    draw(net.fc2.bias, small ? 0 : 1);
}

// ### The mean loss
//
// The mean loss of many examples, 1,024 at a time. `look` sees the hidden units of each part.
template <class Look> double mean_loss(NamesNet& net,
                                       const handgrad::data::Contexts& examples,
                                       const Look& look) {
    constexpr std::size_t part = 1024;
    handgrad::Labels tokens, targets;
    double sum = 0;
    for (std::size_t first = 0; first < examples.size(); first += part) {
        const std::size_t count = std::min(part, examples.size() - first);
        handgrad::resize(tokens, {count, examples.length()});
        handgrad::resize(targets, {count});
        for (std::size_t n = 0; n < count; ++n) {
            examples.copy(first + n, &tokens(n, 0), &targets(n));
        }
        const auto& scores = net.forward(tokens);
        sum += static_cast<double>(count) *
               Backend::cross_entropy_forward(scores, targets);
        look(net.hidden());
    }
    return sum / static_cast<double>(examples.size());
}

inline double mean_loss(NamesNet& net,
                        const handgrad::data::Contexts& examples) {
    return mean_loss(net, examples, [](const auto&) {});
}
