#pragma once
// ## What each layer costs
//
// Three numbers for every layer: its parameters; the numbers that forward computes and backward
// needs (the activations); and the operations of forward, where a product and a sum count as two.
// Only products of matrices are counted: all other layers do a few operations for each number.
//
// Attention needs one number for every pair of tokens in every head, and with the mask half of the
// pairs are computed. It is the only layer whose cost grows with $T^2$.
//
// <details class="predict"><summary>Predict: how many parameters do two blocks of width 64 have?</summary>
//
// A block has $3 C^2$ for queries, keys and values, $C^2$ for the projection and $8 C^2$ for the two
// layers behind it: $12 \cdot 64^2 = 49152$, and twice $2 \cdot 64$ for the normalisations. Two blocks
// make 98,816. The tables and the last normalisation add $(65 + 32) \cdot 64 + 128 = 6336$.
//
// </details>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "model.hpp"

struct LayerCost {
    std::string name;
    std::size_t parameters = 0, activations = 0, operations = 0;

    void add(const LayerCost& other, std::size_t times = 1) {
        parameters += times * other.parameters;
        activations += times * other.activations;
        operations += times * other.operations;
    }
};

// The layers of one block, for B sequences of T tokens.
inline std::vector<LayerCost> block_costs(const GPTSizes& s, std::size_t B) {
    const std::size_t C = s.width, T = s.context, N = B * T;
    const auto linear = [&](const char* name, std::size_t in, std::size_t out) {
        return LayerCost{name, in * out + (s.bias ? out : 0), N * out,
                         2 * N * in * out};
    };
    const LayerCost norm{"ln_1", 2 * C, N * C + 2 * N, 0};
    const LayerCost sum{"sum", 0, N * C, 0};
    const LayerCost attention{"attention", 0, N * C + B * s.heads * T * T,
                              2 * B * T * (T + 1) * C};
    LayerCost norm_2 = norm;
    norm_2.name = "ln_2";
    return {norm,
            linear("attn.c_attn", C, 3 * C),
            attention,
            linear("attn.c_proj", C, C),
            sum,
            norm_2,
            linear("mlp.c_fc", C, 4 * C),
            {"mlp.gelu", 0, 4 * N * C, 0},
            linear("mlp.c_proj", 4 * C, C),
            sum};
}

// Prints a line: parameters, activations in MB of `float`, million operations, share of them.
inline void print_cost(const LayerCost& cost, std::size_t all) {
    const auto operations = static_cast<double>(cost.operations);
    fmt::print("{:13}{:>11}{:>14.3f}{:>14.2f}{:>9.1f}\n", cost.name,
               cost.parameters, 4e-6 * static_cast<double>(cost.activations),
               1e-6 * operations, 100 * operations / static_cast<double>(all));
}

inline void show_costs(const GPTSizes& s, std::size_t B,
                       std::size_t parameters) {
    const std::size_t C = s.width, V = s.vocabulary, N = B * s.context;
    const LayerCost embedding{"wte, wpe, sum", (V + s.context) * C, 3 * N * C,
                              0};
    const LayerCost norm{"ln_f", 2 * C, N * C + 2 * N, 0};
    const LayerCost head{"tied head", 0, N * V, 2 * N * V * C};
    const LayerCost loss{"loss", 0, N * V, 0};
    LayerCost block{"a block"}, blocks{fmt::format("{} blocks", s.layers)},
        total{"total"};
    for (const auto& layer : block_costs(s, B)) { block.add(layer); }
    blocks.add(block, s.layers);
    for (const auto& part : {embedding, blocks, norm, head, loss}) {
        total.add(part);
    }
    if (total.parameters != parameters) {
        throw std::logic_error("the table does not have all parameters");
    }
    fmt::print("{} sequences of {} tokens\n", B, s.context);
    fmt::print("layer         parameters  activations       forward    share\n"
               "                               [MB]     [million]      [%]\n");
    for (const auto& layer : block_costs(s, B)) {
        print_cost(layer, total.operations);
    }
    for (const auto& part : {block, embedding, blocks, norm, head, loss}) {
        print_cost(part, total.operations);
    }
    print_cost(total, total.operations);
    fmt::print("a step, forward and backward: {:.2f} billion operations\n\n",
               3e-9 * static_cast<double>(total.operations));
}

// @output to "a step"
//
// The linear layers of the blocks do 92 percent of the work. The last layer does little, because there
// are 65 characters only. (In the smallest GPT-2, with 50,257 tokens and twelve blocks of width 768,
// the head does about 30 percent.) Backward computes two products for each of forward, one for dx and
// one for dw, so a step costs three times what forward costs.
//
// A tenth of a block's activations are attention's weights p. They grow with $T^2$: with GPT-2's 1,024
// tokens and 12 heads they are nearly as many as those of all other layers together. So large models
// do not keep p, but compute it again in backward (T. Dao and others, "FlashAttention", 2022).
