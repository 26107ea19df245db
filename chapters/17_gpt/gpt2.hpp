#pragma once
// ## Weights of GPT-2
//
// Hugging Face keeps the weights of GPT-2 in the file `model.safetensors`. The class of this chapter has
// the same layers under the same names and in the same shapes: to read the file means to look up each
// name. The results have a table of them.
//
// No matrix is transposed. The linear layers of the first GPT-2 were written as convolutions of width 1,
// whose weights are (in, out), as ours are. PyTorch's `nn.Linear` would have (out, in).
//
// Files differ in three ways. All names may begin with `transformer.`; the tied head may be there once
// more, as `lm_head.weight`; and the causal mask may be stored as `h.0.attn.bias`, which is not a
// parameter.

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <handgrad/error.hpp>
#include <handgrad/io/file.hpp>
#include <handgrad/io/safetensors.hpp>
#include <handgrad/io/shown.hpp>
#include <handgrad/tensor/tensor.hpp>

#include "model.hpp"

namespace gpt2 {

namespace io = handgrad::io;
using handgrad::DataError;
using handgrad::require;

// The names and shapes that the file must have.
inline std::map<std::string, Shape> expected_tensors(const GPTSizes& sizes) {
    const std::size_t C = sizes.width;
    std::map<std::string, Shape> all{{"wte.weight", {sizes.vocabulary, C}},
                                     {"wpe.weight", {sizes.context, C}},
                                     {"ln_f.weight", {C}},
                                     {"ln_f.bias", {C}}};
    for (std::size_t i = 0; i < sizes.layers; ++i) {
        const auto add = [&](const char* name, const Shape& weight) {
            const auto full = fmt::format("h.{}.{}", i, name);
            all[full + ".weight"] = weight;
            all[full + ".bias"] = {weight.back()};
        };
        add("ln_1", {C});
        add("ln_2", {C});
        add("attn.c_attn", {C, 3 * C});
        add("attn.c_proj", {C, C});
        add("mlp.c_fc", {C, 4 * C});
        add("mlp.c_proj", {4 * C, C});
    }
    return all;
}

// The number of the block in a name such as "h.11.ln_1.bias", and what follows it.
inline std::pair<std::size_t, std::string> block_of(const std::string& name) {
    std::size_t end = 2, number = 0;
    while (end < name.size() && end < 6 &&
           std::isdigit(static_cast<unsigned char>(name[end])) != 0) {
        number = 10 * number + static_cast<std::size_t>(name[end++] - '0');
    }
    const bool is_block =
        name.substr(0, 2) == "h." && end > 2 && name.substr(end, 1) == ".";
    if (!is_block) { return {0, ""}; }
    return {number, name.substr(end + 1)};
}

// ### The number of heads
//
// The shapes tell all sizes but one: heads divide the channels among themselves and leave no trace in
// a shape. The file `config.json` beside the weights has it. The same file says whether the
// model is one of this architecture.
inline std::size_t heads_of(const std::filesystem::path& path) {
    const std::string name = path.string();
    // Lists and objects inside of the object stay empty: nothing in them
    // matters, and they could nest without end.
    const auto is_kept = [](int depth, auto, auto&) { return depth <= 1; };
    const auto config =
        nlohmann::json::parse(io::read_file(path, 1 << 20), is_kept, false);
    require<DataError>(config.is_object(),
                       "{}: is not valid JSON, expected an object", name);
    const nlohmann::json expected = {
        {"activation_function", "gelu_new"},
        {"layer_norm_epsilon", 1e-5},
        {"scale_attn_weights", true},
        {"scale_attn_by_inverse_layer_idx", false}};
    for (const auto& [key, value] : expected.items()) {
        const bool fits = !config.contains(key) || config[key] == value;
        require<DataError>(fits, "{}: {} is {}, expected {}, as in GPT-2", name,
                           key, fits ? "" : io::shown(config[key].dump()),
                           value.dump());
    }
    const auto heads = config.find("n_head");
    const bool is_number = heads != config.end() && heads->is_number_unsigned();
    const auto number = is_number ? heads->get<std::uint64_t>() : 0;
    require<DataError>(number >= 1 && number <= 1000,
                       "{}: expected n_head, a number from 1 to 1000", name);
    return static_cast<std::size_t>(number);
}

// ### Reading
//
// The constructor reads the file and checks all of it, before a model is made: the file may be damaged, or
// the weights of something else.
class Weights {
public:
    // `heads` is 0 if config.json is to tell the number.
    explicit Weights(const std::filesystem::path& path, std::size_t heads = 0)
        : name_(path.string()), file_(io::read_safetensors(path, largest)) {
        if (file_.find("transformer.wte.weight") != nullptr) {
            prefix_ = "transformer.";
        }
        read_sizes();
        const auto config = path.parent_path() / "config.json";
        const bool has_config = std::filesystem::exists(config);
        if (has_config) { sizes_.heads = heads_of(config); }
        if (heads > 0) { sizes_.heads = heads; }
        require<DataError>(sizes_.heads > 0,
                           "{}: its shapes do not tell the number of heads; "
                           "expected --heads, or config.json beside it",
                           name_);
        require<DataError>(
            sizes_.width % sizes_.heads == 0,
            "{}: {} heads do not divide the {} channels of wte.weight",
            has_config && heads == 0 ? config.string() : name_, sizes_.heads,
            sizes_.width);
        for (const auto& [name, shape] : expected_tensors(sizes_)) {
            require_tensor(name, shape);
        }
        refuse_others();
    }

    const GPTSizes& sizes() const { return sizes_; }

    // Gives the model the weights. Its sizes are those of the file.
    template <class Backend> void load_into(GPT<Backend>& model) const {
        using T = typename Backend::Scalar;
        for (const auto& [name, parameter] : model.named_parameters()) {
            handgrad::Tensor<T> value(io::tensor_of<float>(stored(name)));
            parameter->value = Backend::from_host(std::move(value));
        }
    }

private:
    // The largest GPT-2 has 6.4 GB.
    static constexpr std::uint64_t largest = std::uint64_t{1} << 33;

    const io::StoredTensor& stored(const std::string& name) const {
        const io::StoredTensor* found = file_.find(prefix_ + name);
        require<DataError>(found != nullptr, "{}: tensor {} is missing", name_,
                           io::shown(prefix_ + name));
        return *found;
    }

    void read_sizes() {
        sizes_ = {0, 0, 0, 0, 0, true};
        for (const auto& [name, size] :
             {std::pair{"wte.weight", &sizes_.vocabulary},
              std::pair{"wpe.weight", &sizes_.context}}) {
            const io::StoredTensor& tensor = stored(name);
            require<DataError>(tensor.shape.size() == 2 &&
                                   tensor.shape[0] > 0 && tensor.shape[1] > 0,
                               "{}: tensor {} has shape {}, expected a matrix",
                               name_, io::shown(tensor.name),
                               handgrad::to_string(tensor.shape));
            *size = tensor.shape[0];
        }
        sizes_.width = stored("wte.weight").shape[1];
        for (const auto& tensor : file_.tensors) {
            const auto [block, rest] = block_of(without_prefix(tensor.name));
            if (!rest.empty()) {
                sizes_.layers = std::max(sizes_.layers, block + 1);
            }
        }
    }

    void require_tensor(const std::string& name, const Shape& shape) const {
        const io::StoredTensor& tensor = stored(name);
        const auto problem = [&](const std::string& what) {
            throw DataError(fmt::format("{}: tensor {} {}", name_,
                                        io::shown(tensor.name), what));
        };
        if (tensor.shape != shape) {
            problem(fmt::format("has shape {}, expected {}",
                                handgrad::to_string(tensor.shape),
                                handgrad::to_string(shape)));
        }
        if (tensor.dtype != io::Dtype::f32) {
            problem(fmt::format("has dtype {}, expected F32",
                                io::to_string(tensor.dtype)));
        }
        const auto numbers = io::tensor_of<float>(tensor);
        const auto bad =
            std::find_if(numbers.begin(), numbers.end(),
                         [](float x) { return !std::isfinite(x); });
        if (bad != numbers.end()) {
            problem(fmt::format("holds {} at entry {}, expected finite numbers",
                                *bad, bad - numbers.begin()));
        }
    }

    // Nothing may be left over but masks, and a head that is the embedding's table.
    void refuse_others() const {
        const auto expected = expected_tensors(sizes_);
        const io::StoredTensor& table = stored("wte.weight");
        for (const auto& tensor : file_.tensors) {
            const std::string name = without_prefix(tensor.name),
                              rest = block_of(name).second;
            const bool is_mask =
                rest == "attn.bias" || rest == "attn.masked_bias";
            if (is_mask || expected.count(name) > 0) { continue; }
            const bool is_head = tensor.name == "lm_head.weight";
            require<DataError>(
                is_head,
                "{}: tensor {} of shape {} is not expected: GPT-2 has "
                "no tensor of this name",
                name_, io::shown(tensor.name),
                handgrad::to_string(tensor.shape));
            require<DataError>(tensor.shape == table.shape &&
                                   tensor.bytes == table.bytes,
                               "{}: tensor 'lm_head.weight' differs from {}, "
                               "expected a tied head",
                               name_, io::shown(table.name));
        }
    }

    // Empty if the name does not begin with the prefix.
    std::string without_prefix(const std::string& name) const {
        const bool has = name.compare(0, prefix_.size(), prefix_) == 0;
        return has ? name.substr(prefix_.size()) : std::string();
    }

    std::string name_, prefix_;
    io::Safetensors file_;
    GPTSizes sizes_;
};

} // namespace gpt2
