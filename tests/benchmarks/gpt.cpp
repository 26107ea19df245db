// A training step of chapter 17's GPT at nanoGPT's sizes for a CPU (preset full), and each of its layers: prints the
// seconds of the fastest of several calls. torch_gpt.py does the same with PyTorch, under the same names.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/token_loader.hpp"
#include "handgrad/optim/adam.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/simd.hpp"

#include "17_gpt/cache.hpp"
#include "17_gpt/costs.hpp"
#include "17_gpt/model.hpp"
#include "17_gpt/task.hpp"
#include "arguments.hpp"
#include "times.hpp"

namespace {

using namespace handgrad;
using benchmarks::random_numbers;
using benchmarks::Times;
using benchmarks::Use;
using Backend = Cpu<float>;
using Numbers = Tensor<float>;

const GPTSizes sizes;                                      // the preset's
constexpr std::size_t sequences = 12;                      // in a mini-batch
const std::size_t token_count = sequences * sizes.context; // tokens in a mini-batch

/// Operations a second of fused multiply-adds on numbers in registers, on all threads: no product can be faster.
double peak(const Times& times) {
    using cpu::Vec;
    constexpr std::size_t sums = 12, rounds = 40000, chunks = 16; // a sum waits for itself, but not for the others
    const double seconds = times.fastest([] {
        parallel_for(chunks, [](std::size_t) {
            Vec<float> sum[sums];
            for (std::size_t i = 0; i < sums; ++i) { sum[i] = Vec<float>(static_cast<float>(i)); }
            const Vec<float> half(0.5F);
            for (std::size_t round = 0; round < rounds; ++round) {
                for (auto& s : sum) { s = cpu::multiply_add(s, half, half); }
            }
            for (std::size_t i = 1; i < sums; ++i) { sum[0] += sum[i]; }
            [[maybe_unused]] volatile float result = cpu::lane_sum<float>(sum[0]); // or the loop would be left out
        });
    });
    return 2.0 * static_cast<double>(chunks * rounds * sums * cpu::lanes<float>) / seconds;
}

/// A linear layer without bias: y = x w, dx = dy w^T, dw = x^T dy.
void time_linear(Times& times, const std::string& name, std::size_t in, std::size_t out) {
    const auto x = random_numbers({token_count, in}), dy = random_numbers({token_count, out});
    const auto w = random_numbers({in, out}), no_bias = zeros<float>({out});
    Numbers y, dx, dw = w;
    const Use use{sizes.layers, 2.0 * static_cast<double>(token_count * in * out)};
    times.add(fmt::format("{}, {} to {}", name, in, out), use, [&] { Backend::linear_forward(x, w, no_bias, y); });
    times.add("  dx", use, [&] { Backend::linear_backward_input(dy, w, dx); });
    times.add("  dw", use, [&] { Backend::linear_backward_weight(x, dy, dw, Accumulate::yes); });
}

/// Its weight is the transposed table w of the embedding: y = x w^T, dx = dy w, dw = dy^T x.
void time_tied_head(Times& times) {
    const std::size_t C = sizes.width, V = sizes.vocabulary;
    const auto x = random_numbers({token_count, C}), dy = random_numbers({token_count, V});
    const auto w = random_numbers({V, C}), no_bias = zeros<float>({C});
    Numbers y, dx, dw = w;
    const Use use{1, 2.0 * static_cast<double>(token_count * C * V)};
    times.add(fmt::format("tied head, {} to {}", C, V), use, [&] { Backend::linear_backward_input(x, w, y); });
    times.add("  dx", use, [&] { Backend::linear_forward(dy, w, no_bias, dx); });
    times.add("  dw", use, [&] { Backend::linear_backward_weight(dy, x, dw, Accumulate::yes); });
}

void time_attention(Times& times) {
    const std::size_t B = sequences, T = sizes.context, C = sizes.width;
    const auto qkv = random_numbers({B, T, 3 * C}), dy = random_numbers({B, T, C});
    Numbers y, p, dqkv;
    const double flops = 2.0 * static_cast<double>(B * T * (T + 1) * C); // two products of half of the pairs
    times.add("attention", Use{sizes.layers, flops},
              [&] { Backend::attention_forward(qkv, sizes.heads, Mask::causal, y, p); });
    times.add("  backward", Use{sizes.layers, 2 * flops},
              [&] { Backend::attention_backward(qkv, sizes.heads, Mask::causal, p, dy, dqkv); });
}

void time_entrywise(Times& times) {
    const std::size_t B = sequences, T = sizes.context, C = sizes.width;
    const auto x = random_numbers({B, T, C}), dy = x, wide = random_numbers({B, T, 4 * C});
    const auto w = random_numbers({C}), b = w;
    Numbers y, dx, mean, rstd, dw, db;
    times.add("gelu", Use{sizes.layers}, [&] { Backend::gelu_forward(wide, y); });
    times.add("  backward", Use{sizes.layers}, [&] { Backend::gelu_backward(wide, wide, dx); });
    const Use norms{2 * sizes.layers + 1};
    times.add("layer_norm", norms, [&] { Backend::layer_norm_forward(x, w, b, 1e-5, y, mean, rstd); });
    times.add("  backward", norms, [&] {
        Backend::layer_norm_backward_input(x, w, mean, rstd, dy, dx);
        Backend::layer_norm_backward_parameters(x, mean, rstd, dy, dw, db);
    });
    times.add("sum of two", Use{4 * sizes.layers}, [&] { Backend::add_forward(x, dy, y); });
}

/// Tokens of a text without any sense.
Labels random_tokens(const Shape& shape) {
    Random random(0);
    Labels tokens(shape);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens.data()[i] = static_cast<std::int64_t>(random.below(sizes.vocabulary));
    }
    return tokens;
}

void time_ends(Times& times) {
    const std::size_t B = sequences, T = sizes.context, C = sizes.width, V = sizes.vocabulary;
    const auto wte = random_numbers({V, C}), wpe = random_numbers({T, C}), dy = random_numbers({B, T, C});
    const Labels tokens = random_tokens({B, T});
    Labels positions(Shape{B, T});
    for (std::size_t i = 0; i < positions.size(); ++i) { positions.data()[i] = static_cast<std::int64_t>(i % T); }
    Numbers rows_of_tokens, rows_of_positions, y, dwte = wte, dwpe = wpe;
    times.add("embeddings", Use{1}, [&] {
        Backend::embedding_forward(wte, tokens, rows_of_tokens);
        Backend::embedding_forward(wpe, positions, rows_of_positions);
        Backend::add_forward(rows_of_tokens, rows_of_positions, y);
    });
    times.add("  backward", Use{1}, [&] {
        Backend::embedding_backward(dy, tokens, wte.shape(), dwte, Accumulate::yes);
        Backend::embedding_backward(dy, positions, wpe.shape(), dwpe, Accumulate::yes);
    });
    const auto z = random_numbers({B, T, V});
    Numbers p, dz;
    times.add("cross_entropy", Use{1}, [&] { Backend::cross_entropy_forward(z, tokens, p); });
    times.add("  backward", Use{1}, [&] { Backend::cross_entropy_backward(p, tokens, dz); });
}

/// The scores after each token of a text that grows by one token at a time: as the model writes, but for the draws.
void time_writing(Times& times) {
    Random random(0);
    GPT<Backend> model(sizes, random);
    CachedGPT<Backend> cached(model);
    const Labels text = random_tokens({sizes.context});
    const std::vector<std::int64_t> tokens(text.begin(), text.end());
    times.add(fmt::format("scores of {} tokens, one after another", tokens.size()), [&] {
        for (auto end = tokens.begin() + 1; end <= tokens.end(); ++end) { last_scores(model, {tokens.begin(), end}); }
    });
    times.add("  with kept keys and values", [&] {
        cached.clear();
        for (const std::int64_t token : tokens) { cached.append({token}); }
    });
}

/// The operations of a step: backward computes two products for each one of forward.
double flops_of_step() {
    std::size_t forward = 2 * token_count * sizes.width * sizes.vocabulary; // tied head
    for (const LayerCost& layer : block_costs(sizes, sequences)) { forward += sizes.layers * layer.operations; }
    return 3.0 * static_cast<double>(forward);
}

/// The step as chapter 17 takes it. Returns the number of parameters.
std::size_t time_step(Times& times) {
    Random random(0);
    GPT<Backend> model(sizes, random);
    const data::Windows windows(random_tokens({100000}), sizes.context);
    data::TokenLoaderOptions loading;
    loading.batch_size = sequences;
    data::TokenLoader<Backend> loader(windows, loading);
    NextToken<Backend> task(model, loader, 1.0);
    AdamWOptions decay, none;
    decay.betas = none.betas = {0.9, 0.99};
    decay.weight_decay = 0.1;
    none.weight_decay = 0;
    std::vector<optim::AdamW<Backend>::Group> groups = {{{}, decay}, {{}, none}};
    for (auto* parameter : model.parameters()) {
        groups[parameter->value.shape().size() == 2 ? 0 : 1].parameters.push_back(parameter);
    }
    optim::AdamW<Backend> optimizer(groups);
    const auto gradients = [&] {
        optimizer.zero_grad();
        task.forward();
        task.backward();
    };
    gradients();
    times.add("gradients to zero", Use{1}, [&] { optimizer.zero_grad(); });
    gradients();
    times.add("clipping", Use{1}, [&] { optim::clip_grad_norm_(model.parameters(), 1.0); });
    times.add("AdamW", Use{1}, [&] { optimizer.step(); });
    times.add("training step", Use{0, flops_of_step()}, [&] {
        gradients();
        optimizer.step();
    });
    return model.parameter_count();
}

} // namespace

int main(int argc, char** argv) try {
    benchmarks::Arguments app("The layers of a small GPT and a training step, timed");
    int threads = 1;
    double at_least = 0.3;
    app.option("--threads", threads);
    app.option("--seconds", at_least, "of each operation");
    if (const auto status = app.parse(argc, argv)) { return *status; }
    set_num_threads(threads);
    Times times(at_least);
    const double limit = peak(times);
    const std::size_t C = sizes.width;
    time_linear(times, "attn.c_attn", C, 3 * C);
    time_linear(times, "attn.c_proj", C, C);
    time_linear(times, "mlp.c_fc", C, 4 * C);
    time_linear(times, "mlp.c_proj", 4 * C, C);
    time_tied_head(times);
    time_attention(times);
    time_entrywise(times);
    time_ends(times);
    time_writing(times);
    const std::size_t parameters = time_step(times);
    fmt::print("{{\"peak\": {}, \"parameters\": {}, \"tokens\": {}, \"times\": {}}}\n", limit, parameters, token_count,
               times.text());
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_gpt: {}\n", error.what());
    return 1;
}
