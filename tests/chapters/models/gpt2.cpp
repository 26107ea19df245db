// Files with the layout of GPT-2: PyTorch's scores from the weights of such a file, and what is refused.

#include <filesystem>
#include <functional>

#include <nlohmann/json.hpp>

#include "../../../chapters/17_gpt/gpt2.hpp"
#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/safetensors.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const std::filesystem::path gpt2_files = std::filesystem::path(HANDGRAD_FIXTURES) / "gpt2";

/// The files of a model in a folder of their own, to be changed.
struct GPT2Folder {
    TemporaryFolder folder;
    std::filesystem::path path = folder / "";
    std::filesystem::path model = path / "model.safetensors", config = path / "config.json";
    io::Safetensors tensors = io::read_safetensors(gpt2_files / "model.safetensors");

    GPT2Folder() { std::filesystem::copy(gpt2_files / "config.json", config); }

    io::StoredTensor& at(const std::string& name) {
        for (io::StoredTensor& tensor : tensors.tensors) {
            if (tensor.name == name) { return tensor; }
        }
        throw std::out_of_range(name);
    }
    void remove(const std::string& name) {
        auto& all = tensors.tensors;
        all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& t) { return t.name == name; }), all.end());
    }
    template <class T> void add(const std::string& name, const Tensor<T>& tensor) {
        tensors.tensors.push_back(io::stored(name, tensor));
    }
    void write() { io::write_safetensors(model, tensors); }
    /// The message with which the file is refused, without the path of the folder.
    std::string refusal(std::size_t heads = 0) const {
        std::string message = message_of<DataError>([&] { gpt2::Weights weights(model, heads); });
        for (std::size_t at = 0; (at = message.find(path.string())) != std::string::npos;) {
            message.erase(at, path.string().size());
        }
        return message;
    }
};

template <class B> Tensor<double> gpt2_scores(const gpt2::Weights& weights, const Labels& tokens) {
    Random random(1);
    GPT<B> model(weights.sizes(), random);
    weights.load_into(model);
    return Tensor<double>(model.forward(tokens));
}

} // namespace

TEST_CASE("a model with GPT-2's layout has PyTorch's scores, in float and in double", "[gpt][torch]") {
    const io::Safetensors expected = io::read_safetensors(gpt2_files / "scores.safetensors");
    const auto z = io::tensor_of<double>(*expected.find("z"));
    const Labels tokens = io::tensor_of<std::int64_t>(*expected.find("tokens"));
    REQUIRE(z.shape() == Shape{1, 16, 300});
    GPT2Folder files;
    const bool other_form = GENERATE(false, true);
    if (other_form) { // names with a prefix, the head once more, and the masks
        for (io::StoredTensor& tensor : files.tensors.tensors) { tensor.name = "transformer." + tensor.name; }
        files.add("lm_head.weight", io::tensor_of<float>(files.at("transformer.wte.weight")));
        for (const char* block : {"transformer.h.0.attn.", "transformer.h.1.attn."}) {
            files.add(std::string(block) + "bias", Tensor<std::uint8_t>(Shape{1, 1, 16, 16}));
            files.add(std::string(block) + "masked_bias", Tensor<float>(Shape{}));
        }
    }
    files.write();
    const gpt2::Weights weights(files.model);
    const GPTSizes& sizes = weights.sizes();
    CHECK((sizes.vocabulary == 300 && sizes.context == 16 && sizes.layers == 2 && sizes.width == 32 && sizes.bias));
    CHECK(sizes.heads == 4);
    double largest = 0;
    for (const double v : z.storage()) { largest = std::max(largest, std::abs(v)); }
    CHECK(largest > 1);
    CHECK(difference(gpt2_scores<Cpu<double>>(weights, tokens), z) < 1e-12 * largest);
    CHECK(difference(gpt2_scores<Reference<double>>(weights, tokens), z) < 1e-12 * largest);
    CHECK(difference(gpt2_scores<Cpu<float>>(weights, tokens), z) < 1e-5 * largest);
    // A wrong number of heads, or the other form of GELU, would be seen.
    const gpt2::Weights two_heads(files.model, 2);
    CHECK(difference(gpt2_scores<Cpu<double>>(two_heads, tokens), z) > 1e-3 * largest);
}

TEST_CASE("the table of GPT-2's tensors has the parameters of the model, with their shapes", "[gpt]") {
    GPTSizes sizes;
    sizes.layers = 3;
    sizes.bias = true;
    Random random(1);
    GPT<Cpu<float>> model(sizes, random);
    auto expected = gpt2::expected_tensors(sizes);
    for (const auto& [name, parameter] : model.named_parameters()) {
        INFO(name);
        REQUIRE(expected.count(name) == 1);
        CHECK(expected[name] == parameter->value.shape());
        expected.erase(name);
    }
    CHECK(expected.empty());
}

TEST_CASE("a file that is not a GPT-2 is refused in one line that names the tensor", "[gpt]") {
    GPT2Folder files;
    const auto check = [&](const std::string& message, const std::function<void()>& change) {
        const io::Safetensors before = files.tensors;
        change();
        files.write();
        CHECK(files.refusal() == message);
        files.tensors = before;
    };
    const std::string model = "model.safetensors: tensor ", proj = "h.1.mlp.c_proj.weight";
    check(model + "'wte.weight' is missing", [&] { files.remove("wte.weight"); });
    check(model + "'h.0.attn.c_attn.bias' is missing", [&] { files.remove("h.0.attn.c_attn.bias"); });
    check(model + "'h.1.ln_2.bias' is missing", [&] { files.at("h.1.ln_2.bias").name = "h.2.ln_2.bias"; });
    check(model + "'h.1.mlp.c_proj.weight' has shape (32, 128), expected (128, 32)", [&] {
        files.at(proj).shape = {32, 128};
    });
    check(model + "'wpe.weight' has shape (512,), expected a matrix", [&] { files.at("wpe.weight").shape = {512}; });
    check(model + "'wpe.weight' has shape (32, 16), expected (32, 32)", [&] {
        files.at("wpe.weight").shape = {32, 16};
    });
    check(model + "'h.1.mlp.c_proj.weight' has dtype F64, expected F32", [&] {
        files.at(proj) = io::stored(proj, zeros<double>({128, 32}));
    });
    check(model + "'ln_f.bias' holds inf at entry 2, expected finite numbers", [&] {
        auto b = io::tensor_of<float>(files.at("ln_f.bias"));
        b(2) = std::numeric_limits<float>::infinity();
        files.at("ln_f.bias") = io::stored("ln_f.bias", b);
    });
    check(model + "'score.weight' of shape (2, 32) is not expected: GPT-2 has no tensor of this name", [&] {
        files.add("score.weight", zeros<float>({2, 32}));
    });
    check(model + "'transformer.h.0.attn.bias' of shape (1,) is not expected: GPT-2 has no tensor of this name",
          [&] { files.add("transformer.h.0.attn.bias", zeros<float>({1})); });
    check(model + "'lm_head.weight' differs from 'wte.weight', expected a tied head", [&] {
        files.add("lm_head.weight", zeros<float>({300, 32}));
    });

    files.write();
    const std::string bytes = io::read_file(files.model, 1 << 20);
    io::write_file(files.model, bytes.substr(0, bytes.size() - 1));
    CHECK(files.refusal().find("the file is truncated") != std::string::npos);
    std::string half = bytes;
    half.replace(half.find("F32"), 3, "F16");
    io::write_file(files.model, half);
    CHECK(files.refusal() == model + "'wte.weight' has dtype 'F16', expected F64, I64, F32 or U8");
}

TEST_CASE("the number of GPT-2's heads comes from config.json or from the option", "[gpt]") {
    GPT2Folder files;
    files.write();
    const auto refused = [&](const std::string& config, std::size_t heads = 0) {
        io::write_file(files.config, config);
        return files.refusal(heads);
    };
    CHECK(refused("[1]") == "config.json: is not valid JSON, expected an object");
    CHECK(refused("{\"n_head\": 4") == "config.json: is not valid JSON, expected an object");
    CHECK(refused("{}") == "config.json: expected n_head, a number from 1 to 1000");
    CHECK(refused("{\"n_head\": 0}") == "config.json: expected n_head, a number from 1 to 1000");
    const std::string nested = std::string(200000, '[') + std::string(200000, ']');
    CHECK(refused("{\"n_head\": 4, \"activation_function\": " + nested + "}") ==
          "config.json: activation_function is '[]', expected \"gelu_new\", as in GPT-2");
    CHECK(refused("{\"n_head\": 5, \"task_specific_params\": {\"text-generation\": {\"n_head\": 4}}}") ==
          "config.json: 5 heads do not divide the 32 channels of wte.weight");
    CHECK(refused("{\"n_head\": 5}") == "config.json: 5 heads do not divide the 32 channels of wte.weight");
    CHECK(refused("{\"n_head\": 4}", 5) == "model.safetensors: 5 heads do not divide the 32 channels of wte.weight");
    CHECK(refused("{\"n_head\": 4, \"activation_function\": \"gelu\"}") ==
          "config.json: activation_function is '\"gelu\"', expected \"gelu_new\", as in GPT-2");
    CHECK(refused("{\"n_head\": 4, \"layer_norm_epsilon\": 1e-6}") ==
          "config.json: layer_norm_epsilon is '1e-06', expected 1e-05, as in GPT-2");
    std::filesystem::remove(files.config);
    CHECK(files.refusal() == "model.safetensors: its shapes do not tell the number of heads; expected --heads, or "
                             "config.json beside it");
    CHECK(gpt2::Weights(files.model, 8).sizes().heads == 8);
}
