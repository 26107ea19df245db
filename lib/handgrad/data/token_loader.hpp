#pragma once
/// @file
/// Mini-batches of tokens: examples of a text, drawn at random by a counter.
///
/// @snippet training.cpp token_loader

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "handgrad/data/loader.hpp"
#include "handgrad/data/text.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// Examples of next-token prediction: each has input tokens and one or more target tokens. A derived class makes them
/// from a text. TokenLoader draws batches of them.
class TokenExamples {
public:
    virtual ~TokenExamples() = default;
    virtual std::size_t size() const = 0;    ///< number of examples
    virtual std::size_t length() const = 0;  ///< number of input tokens of an example
    virtual std::size_t targets() const = 0; ///< number of target tokens of an example
    /// Shape of the targets of n examples: (n) or (n, targets()).
    virtual Shape target_shape(std::size_t n) const = 0;
    /// Copies example i: its length() input tokens and its targets() target tokens.
    virtual void copy(std::size_t i, std::int64_t* input, std::int64_t* target) const = 0;
    /// Hash of all examples (CRC-32), for a checkpoint.
    virtual std::uint32_t checksum() const = 0;
};

/// The contexts of names: the k characters before each character of each name, and the character itself. A name begins
/// after k line breaks and ends with one, so a name of 4 characters has 5 examples. For k = 3 and the name "ava", with
/// "." for the line break: ... -> a, ..a -> v, .av -> a, ava -> .
class Contexts : public TokenExamples {
public:
    /// @param names at least one @param vocabulary contains the line break
    /// @param k number of characters of a context, at least 1
    /// @throws DataError for a character outside the vocabulary, ShapeError if k is 0 or there is no name
    Contexts(const std::vector<std::string>& names, const CharacterVocabulary& vocabulary, std::size_t k);

    const Labels& inputs() const { return inputs_; }   ///< all contexts, (N, k)
    const Labels& outputs() const { return outputs_; } ///< the character after each context, (N)

    std::size_t size() const override { return outputs_.size(); }
    std::size_t length() const override { return inputs_.shape(1); }
    std::size_t targets() const override { return 1; }
    Shape target_shape(std::size_t n) const override { return {n}; }
    void copy(std::size_t i, std::int64_t* input, std::int64_t* target) const override;
    std::uint32_t checksum() const override;

private:
    Labels inputs_, outputs_;
};

/// The windows of a text: T consecutive tokens, and for each of them the token that follows. Example i begins at token
/// i, so a text of n tokens has n - T examples.
class Windows : public TokenExamples {
public:
    /// @param tokens the text, (n) @param T tokens of a window, at least 1 @throws ShapeError unless n > T > 0
    Windows(Labels tokens, std::size_t T);

    std::size_t size() const override { return tokens_.size() - length_; }
    std::size_t length() const override { return length_; }
    std::size_t targets() const override { return length_; }
    Shape target_shape(std::size_t n) const override { return {n, length_}; }
    void copy(std::size_t i, std::int64_t* input, std::int64_t* target) const override;
    std::uint32_t checksum() const override;

private:
    Labels tokens_;
    std::size_t length_;
};

/// B examples.
template <class Backend> struct TokenBatch {
    typename Backend::Labels inputs;  ///< (B, length)
    typename Backend::Labels targets; ///< (B), or (B, length)
};

/// The options of a TokenLoader.
struct TokenLoaderOptions {
    std::size_t batch_size = 32; ///< number of examples in a batch, B
    /// Number of batches that count as an epoch; 0: as many as have the examples' number, rounded up.
    std::size_t batches_per_epoch = 0;
    std::uint64_t seed = 0; ///< seed of the draws
};

/// Example number b of batch number `step`: drawn from 0 .. size-1 with replacement, by Philox (philox.hpp). A function
/// of its arguments alone. An example is drawn with a probability of 1 / size, up to 2^-32.
/// @throws ShapeError for a size of 0 or more than 2^32
std::size_t drawn_example(std::uint64_t seed, std::uint32_t step, std::size_t b, std::size_t size);

namespace detail {
/// Checks the options, and returns the number of batches in an epoch. @throws ShapeError
std::size_t batches_of(const TokenExamples& examples, const TokenLoaderOptions& options);
/// @throws DataError if an epoch has no such batch, or the position is beyond 2^32 batches
void require_position(LoaderState state, std::size_t batches);
} // namespace detail

/// Serves examples in random mini-batches. Each batch is drawn anew from all examples, with replacement, by a counter:
/// the batch depends on the seed and on its number only. So a resumed run sees the batches of an uninterrupted one.
///
/// All batches share one TokenBatch, which the next batch overwrites.
/// @tparam Backend whose tensors the batches consist of
template <class Backend> class TokenLoader : public Loader {
public:
    using Batch = TokenBatch<Backend>; ///< inputs and targets

    /// The examples are not copied, and must outlive the loader. @throws ShapeError if there is no example or no batch
    explicit TokenLoader(const TokenExamples& examples, const TokenLoaderOptions& options = {})
        : examples_(&examples), options_(options), batches_(detail::batches_of(examples, options)) {
        resize(batch_.inputs, {options.batch_size, examples.length()});
        resize(batch_.targets, examples.target_shape(options.batch_size));
        resize(inputs_, {options.batch_size, examples.length()});
        resize(targets_, examples.target_shape(options.batch_size));
    }
    TokenLoader(TokenExamples&&, const TokenLoaderOptions& = {}) = delete;

    std::size_t size() const override { return batches_; }
    /// Number of target tokens in an epoch.
    std::size_t dataset_size() const override { return batches_ * options_.batch_size * examples_->targets(); }
    std::uint32_t checksum() const override { return examples_->checksum(); }
    LoaderState state() const override { return state_; }
    void restore(LoaderState state) override {
        detail::require_position(state, batches_);
        state_ = state;
    }

    /// Returns the batch that comes next, and advances state() by one batch.
    const Batch& next() {
        const auto step = static_cast<std::uint32_t>(state_.epoch * batches_ + state_.batch);
        for (std::size_t b = 0; b < options_.batch_size; ++b) {
            examples_->copy(drawn_example(options_.seed, step, b, examples_->size()),
                            inputs_.data() + b * examples_->length(), targets_.data() + b * examples_->targets());
        }
        if (++state_.batch == batches_) { state_ = {state_.epoch + 1, 0}; }
        Backend::copy_from_host(inputs_, batch_.inputs);
        Backend::copy_from_host(targets_, batch_.targets);
        return batch_;
    }

private:
    const TokenExamples* examples_;
    TokenLoaderOptions options_;
    std::size_t batches_;
    LoaderState state_;
    Labels inputs_, targets_; // on the host
    Batch batch_;
};

} // namespace handgrad::data
