#pragma once
// ## Keys and values that are kept
//
// A model that writes reads its whole text again for each new token. But with the causal mask
// no token sees a later one, so all numbers of the earlier tokens are the same as before, in every layer.
// The new token needs only two things of them: their keys and their values in each block. We keep these (a
// *key-value cache*), and send the new token alone through the layers. Its query meets all keys that are kept:
//
// - a linear layer has one row to compute instead of T,
// - attention has T pairs of tokens instead of T (T + 1) / 2.
//
// <details class="predict"><summary>Predict: how many times fewer operations does the last token of a window of 64 take?</summary>
//
// The linear layers take 64 times fewer, attention 65 / 2 = 32.5 times. In the preset `full` that is 106 million
// operations against 1.7 million, 62 times fewer. The time falls less (the results have a measurement): one row
// uses each weight once, so the processor waits until the weights arrive from memory.
//
// </details>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/error.hpp>
#include <handgrad/tensor/tensor.hpp>

#include "model.hpp"
#include "sampling.hpp"

template <class Backend> class CachedGPT {
public:
    using T = typename Backend::Scalar;
    using Tensor = typename Backend::Tensor;

    explicit CachedGPT(GPT<Backend>& model) : model_(model) {
        const GPTSizes& sizes = model.sizes();
        const Shape keys{1, sizes.width, sizes.context},
            values{1, sizes.context, sizes.width};
        for (std::size_t i = 0; i < sizes.layers; ++i) {
            kept_.push_back({Backend::from_host(handgrad::zeros<T>(keys)),
                             Backend::from_host(handgrad::zeros<T>(values))});
        }
    }

    std::size_t size() const { return size_; } // number of tokens kept
    void clear() { size_ = 0; }

    // The scores for the token after `tokens`, which follow the tokens of earlier calls. The blocks are
    // those of the model; only attention looks at what is kept.
    std::vector<double> append(const std::vector<std::int64_t>& tokens) {
        begin(tokens);
        Backend::add_forward(model_.wte.forward(tokens_),
                             model_.wpe.forward(positions_), x_);
        for (std::size_t i = 0; i < kept_.size(); ++i) {
            GPTBlock<Backend>& block = *model_.h[i];
            Backend::attention_append(block.attn.c_attn(block.ln_1(x_)),
                                      model_.sizes().heads, size_,
                                      kept_[i].keys, kept_[i].values, mixed_);
            Backend::add_forward(x_, block.attn.c_proj(mixed_), o_);
            Backend::add_forward(o_, block.mlp(block.ln_2(o_)), x_);
        }
        size_ += tokens.size();
        return last_scores();
    }

private:
    struct Kept {
        Tensor keys, values; // (1, C, context), (1, context, C)
    };

    // Tokens and positions as (1, n).
    void begin(const std::vector<std::int64_t>& tokens) {
        const std::size_t n = tokens.size(), most = model_.sizes().context;
        if (n == 0 || size_ + n > most) {
            throw handgrad::ShapeError(
                "CachedGPT: " + std::to_string(n) + " tokens after " +
                std::to_string(size_) + ", expected 1 or more, and at most " +
                std::to_string(most) + " together, the model's context");
        }
        handgrad::Labels row(Shape{1, n}), positions(Shape{1, n});
        std::copy(tokens.begin(), tokens.end(), row.data());
        for (std::size_t i = 0; i < n; ++i) {
            positions(0, i) = static_cast<std::int64_t>(size_ + i);
        }
        tokens_ = Backend::from_host(std::move(row));
        positions_ = Backend::from_host(std::move(positions));
    }

    // The last layers, for the last token alone.
    std::vector<double> last_scores() {
        const handgrad::Tensor<T> x = Backend::to_host(x_);
        const std::size_t C = x.shape(2);
        handgrad::Tensor<T> row(Shape{1, 1, C});
        std::copy_n(x.data() + x.size() - C, C, row.data());
        last_ = Backend::from_host(std::move(row));
        const handgrad::Tensor<T> z =
            Backend::to_host(model_.head(model_.ln_f(last_)));
        return {z.data(), z.data() + z.size()};
    }

    GPT<Backend>& model_;
    std::vector<Kept> kept_; // of each block
    std::size_t size_ = 0;
    typename Backend::Labels tokens_, positions_;
    Tensor x_, o_, mixed_, last_;
};

// ### Beyond the context
//
// The model has no memory beyond its context of T tokens: from a longer text it sees the last T. This window
// moves on by one token at each step. Then every token has another position, the embedding adds another row to
// it, and no key or value is as it was. The whole window has to be computed again. So the cache helps until
// the context is full.

// A text that the model has written.
struct Writing {
    handgrad::Labels tokens; // with those at which it began
    double seconds = 0;
};

// Draw, append, and go on with the last T tokens.
template <class Backend>
Writing continued(GPT<Backend>& model, const handgrad::Labels& text,
                  std::size_t count, const Sampling& sampling, Random& random) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    CachedGPT<Backend> cached(model);
    std::vector<std::int64_t> all(text.begin(), text.end());
    const auto last = [&all](std::size_t n) {
        return std::vector<std::int64_t>(
            all.end() - static_cast<std::ptrdiff_t>(n), all.end());
    };
    std::size_t fresh = all.size(); // tokens that the model has not seen
    for (std::size_t i = 0; i < count; ++i, fresh = 1) {
        const std::size_t window = std::min(all.size(), model.sizes().context);
        const bool fits = cached.size() + fresh <= model.sizes().context;
        std::vector<double> scores;
        if (!sampling.cache) {
            scores = last_scores(model, last(window));
        } else if (fits) {
            scores = cached.append(last(fresh));
        } else { // the window has moved
            cached.clear();
            scores = cached.append(last(window));
        }
        all.push_back(draw(scores, sampling, random));
    }
    Writing result;
    result.tokens = handgrad::Labels(Shape{all.size()});
    std::copy(all.begin(), all.end(), result.tokens.data());
    result.seconds =
        std::chrono::duration<double>(Clock::now() - begin).count();
    return result;
}

inline void show_writing(const std::string& text, std::size_t tokens,
                         double seconds, const Sampling& sampling) {
    fmt::print("\nIt writes, at temperature {} from the {} likeliest:\n",
               sampling.temperature, sampling.top_k);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        fmt::print("| {}\n", line);
    }
    if (tokens > 0) {
        fmt::print("\n{} tokens, ~{:.0f} a second\n", tokens,
                   static_cast<double>(tokens) / seconds);
    }
}
