// Writing with a GPT: keys and values that are kept give the scores of the whole text, and the same text.

#include <limits>

#include "../../../chapters/17_gpt/cache.hpp"
#include "../../../chapters/17_gpt/sampling.hpp"
#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Two blocks of width 16 for windows of 12 tokens, with weights that make the scores differ.
template <class B> struct WritingModel {
    GPTSizes sizes{9, 12, 2, 2, 16, true};
    Random random{3};
    GPT<B> model{sizes, random};
    std::vector<std::int64_t> text;

    WritingModel() {
        std::uint64_t seed = 10;
        for (auto* parameter : model.parameters()) {
            auto w = normal_numbers<typename B::Scalar>(parameter->value.shape(), ++seed);
            for (auto& v : w.storage()) { v *= typename B::Scalar(0.4); }
            parameter->value = B::from_host(std::move(w));
        }
        for (std::size_t i = 0; i < sizes.context; ++i) { text.push_back(static_cast<std::int64_t>(random.below(9))); }
    }
    std::vector<std::int64_t> part(std::size_t from, std::size_t to) const {
        return {text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(to)};
    }
};

double difference_of_scores(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) { worst = std::max(worst, std::abs(a[i] - b[i])); }
    return worst;
}

} // namespace

TEMPLATE_TEST_CASE("a GPT with a cache has the scores of the whole text", "[gpt]", Reference<double>, Cpu<double>,
                   HANDGRAD_TWO_BACKENDS) {
    using B = TestType;
    const bool is_reference = std::is_same_v<B, Reference<double>>;
    const double tolerance = is_reference ? 0 : std::is_same_v<typename B::Scalar, float> ? 1e-5 : 1e-13;
    WritingModel<B> writing;
    CachedGPT<B> cached(writing.model);
    for (const std::size_t first : {1, 5, 12}) { // tokens at once, then the others one by one
        cached.clear();
        for (std::size_t n = first, done = 0; n <= writing.sizes.context; done = n, ++n) {
            INFO("the first " << first << " at once, " << n << " tokens");
            const auto expected = last_scores(writing.model, writing.part(0, n));
            CHECK(difference_of_scores(cached.append(writing.part(done, n)), expected) <= tolerance);
            CHECK(cached.size() == n);
        }
    }
    // The context is full. What was refused leaves no trace.
    CHECK(message_of([&] { cached.append({1}); }) == "CachedGPT: 1 tokens after 12, expected 1 or more, and at most 12 "
                                                     "together, the model's context");
    cached.clear();
    cached.append(writing.part(0, 7));
    CHECK(message_of([&] { cached.append({}); }).find("CachedGPT: 0 tokens after 7") == 0);
    CHECK(difference_of_scores(cached.append(writing.part(7, 9)), last_scores(writing.model, writing.part(0, 9))) <=
          tolerance);
}

TEST_CASE("a GPT writes the same text with and without a cache, also beyond its context", "[gpt]") {
    using B = Reference<double>;
    WritingModel<B> writing;
    for (const std::size_t length : {std::size_t(1), std::size_t(12), std::size_t(20)}) {
        Labels prompt(Shape{length});
        for (std::size_t i = 0; i < length; ++i) { prompt(i) = static_cast<std::int64_t>(i % 9); }
        Sampling sampling{1.5, 6};
        std::vector<Labels> texts;
        for (const bool cache : {true, false}) {
            sampling.cache = cache;
            Random random(7);
            texts.push_back(continued(writing.model, prompt, 20, sampling, random).tokens);
        }
        CHECK(texts[0].size() == length + 20);
        CHECK(same_bits(texts[0], texts[1]));
    }
}

TEST_CASE("a GPT whose scores are not finite writes nothing", "[gpt]") {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double score : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
        Random random(1);
        CHECK(message_of<DataError>([&] {
                  draw({1, score, 2}, {1, 2, true}, random);
              }) == "the scores of the next token are not finite numbers: the weights are too large");
    }
}
