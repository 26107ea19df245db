// dropout: its entry in the table of operations; which numbers it drops; its layer, and its state in checkpoints.

#include <cmath>
#include <set>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/tensor/philox.hpp"
#include "nlohmann/json.hpp"
#include "support/layer_run.hpp"
#include "support/operation.hpp"
#include "support/saved_run.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

constexpr DropoutCounter dropout_counter{5, 2, 77};

Chain dropout(double p = 0.3, const DropoutCounter& counter = dropout_counter) {
    return {Operation::forward("dropout_forward", "x -> y=x",
                               [=](auto on, auto& a) { on.dropout_forward(a["x"], p, counter, a["y"]); }),
            {{"dropout_backward", "dy -> dx=dy",
              [=](auto on, auto& a) { on.dropout_backward(a["dy"], p, counter, a["dx"]); }}}};
}

Tested tested_dropout() {
    Tested t;
    t.name = "dropout";
    t.batch = [](std::size_t n) { return Example{"", dropout(0.5), {{"x", whole_numbers<double>({n, 19}, 1)}}}; };
    t.forms = {{"dropout_forward", "x -> y",
                [](auto on, auto& a) { a["y"] = on.dropout_forward(a["x"], 0.5, dropout_counter); }},
               {"dropout_backward", "dy -> dx",
                [](auto on, auto& a) { a["dx"] = on.dropout_backward(a["dy"], 0.5, dropout_counter); }}};
    t.refusals = [] {
        std::vector<Refusal> all;
        const auto refuse = [&](double p, const std::string& written) {
            const std::string message =
                written.empty() ? "" : "p is " + written + ", expected at least 0 and less than 1";
            all.push_back({dropout(p).forward, {{"x", zeros<double>({3})}}, message});
            all.push_back({dropout(p)["dropout_backward"], {{"dy", zeros<double>({3})}}, message});
        };
        refuse(1, "1");
        refuse(-0.5, "-0.5");
        refuse(1.5, "1.5");
        refuse(std::nan(""), "nan");
        refuse(0, "");
        return all;
    };
    const auto of_shapes = [](const std::vector<Shape>& shapes) {
        std::vector<Example> all;
        for (const Shape& shape : shapes) {
            all.push_back({to_string(shape), dropout(), {{"x", normal_numbers<double>(shape, 1)}}});
        }
        return all;
    };
    t.aliased = [=] { return of_shapes({{7, 19}, {300, 100}}); };
    t.large = [=] { return of_shapes({{30001, 10}, {100003}}); };
    t.threads_on_device = true;
    t.gradients = [=] { return of_shapes({{3, 5}, {2, 3, 4}, {70}}); };
    const auto with = [](const Chain& other) {
        return [=](const Backend& on, const Chain&, Values values) {
            other["dropout_backward"](on, values);
            return values.at("dx");
        };
    };
    t.mistakes = {{"dx", "its mask is that of another step", with(dropout(0.3, {5, 2, 78}))},
                  {"dx", "its mask is that of another layer", with(dropout(0.3, {5, 3, 77}))},
                  {"dx", "it is not divided by 1 - p",
                   [](const Backend& on, const Chain& chain, Values values) {
                       chain["dropout_backward"](on, values);
                       return Tensor<double>(0.7 * values.at("dx"));
                   }},
                  {"dx", "nothing is dropped", [](const Backend&, const Chain&, const Values& values) {
                       return Tensor<double>(values.at("dy") / 0.7);
                   }}};
    t.cases = 6;
    t.torch_chain = [](const nlohmann::ordered_json& options) {
        return std::vector<Chain>{
            dropout(options.at("p").get<double>(),
                    {std::stoull(options.at("seed").get<std::string>()), options.at("purpose").get<std::uint32_t>(),
                     options.at("step").get<std::uint32_t>()})};
    };
    return t;
}

/// What dropout makes of ones.
Tensor<double> dropped_ones(const Backend& on, std::size_t size, double p, const DropoutCounter& counter) {
    return dropout(p, counter)(on, {{"x", full<double>({size}, 1)}}).at("y");
}

} // namespace

HANDGRAD_TEST_OPERATION("dropout", tested_dropout())

HANDGRAD_TEST_ON_BACKENDS("dropout: number i is kept where the counter's uniform number i is at least p",
                          "[ops][dropout]") {
    // A full chunk and a part of the next one; probabilities that are multiples of 2^-24, and those that are not.
    for (const double p : {0.0, 0.1, 0.5, 0.75, 0x1p-24, 1e-9, 1 - 0x1p-24, 1 - 1e-12}) {
        INFO("p " << p);
        const DropoutCounter counter{0x123456789ABCDEF0, 3, 4};
        const Tensor<double> y = dropped_ones(on, 16500, p, counter);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < y.size(); ++i) {
            const bool is_kept =
                static_cast<double>(random_uniform(counter.seed, counter.purpose, counter.step, i)) >= p;
            wrong += y(i) != (is_kept ? on.stored(1 / (1 - p)) : 0.0);
        }
        CHECK(wrong == 0);
    }
    for (std::size_t i = 0; i < 8; ++i) { // a p just above a number drops it, and a p equal to it does not
        const auto u = static_cast<double>(random_uniform(1, 2, 3, i));
        CHECK(dropped_ones(on, 8, u, {1, 2, 3})(i) != 0);
        CHECK(dropped_ones(on, 8, u + 0x1p-25, {1, 2, 3})(i) == 0);
    }
}

HANDGRAD_TEST_ON_BACKENDS("dropout: the share of numbers that are dropped is p, and the mean stays", "[ops][dropout]") {
    for (const double p : {0.1, 0.5, 0.8}) {
        const std::size_t n = 100'000;
        const Tensor<double> y = dropped_ones(on, n, p, {1, 0, 0});
        const auto dropped = static_cast<double>(std::count(y.data(), y.data() + n, 0.0)) / n;
        CHECK(std::abs(dropped - p) <= 5 * std::sqrt(p * (1 - p) / n));
        CHECK(std::abs(xt::sum(y)() / n - 1) <= 5 * std::sqrt(p / (1 - p) / n));
    }
}

HANDGRAD_TEST_ON_BACKENDS("dropout: other seeds, layers and steps drop other numbers, equal ones the same",
                          "[ops][dropout]") {
    const Tensor<double> y = dropped_ones(on, 200, 0.5, {1, 2, 3});
    CHECK(same_bits(dropped_ones(on, 200, 0.5, {1, 2, 3}), y));
    for (const DropoutCounter& other : {DropoutCounter{2, 2, 3}, DropoutCounter{1, 3, 3}, DropoutCounter{1, 2, 4},
                                        DropoutCounter{1ULL << 32 | 1, 2, 3}}) {
        const Tensor<double> z = dropped_ones(on, 200, 0.5, other);
        std::size_t differ = 0;
        for (std::size_t i = 0; i < 200; ++i) { differ += y(i) != z(i); }
        CHECK(differ > 60); // 100 are expected, within 7 standard deviations each way
        CHECK(differ < 140);
    }
}

TEMPLATE_TEST_CASE("nn::Dropout drops in training mode, with another mask each time, and not in evaluation mode",
                   "[nn][dropout]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::Dropout<B> layer(0.25, 9, 4), same(0.25, 9, 4), other(0.25, 9, 5);
    CHECK(layer.to_string() == "Dropout(p=0.25, inplace=False)");
    CHECK(nn::Dropout<B>().to_string() == "Dropout(p=0.5, inplace=False)");
    CHECK(layer.output_shape({2, 3}) == Shape{2, 3});
    const auto x = normal_numbers<T>({20, 5}, 1), dy = normal_numbers<T>({20, 5}, 2);
    for (std::uint32_t step = 0; step < 3; ++step) {
        INFO("step " << step);
        const Tensor<T> y = layer.forward(x);
        CHECK(same_bits(y, B::dropout_forward(x, 0.25, DropoutCounter{9, 4, step})));
        CHECK(same_bits(same.forward(x), y));
        CHECK_FALSE(same_bits(other.forward(x), y));
        const Tensor<T> dx = layer.backward(dy);
        CHECK(same_bits(dx, B::dropout_backward(dy, 0.25, DropoutCounter{9, 4, step})));
        for (std::size_t i = 0; i < y.size(); ++i) { CHECK((y.data()[i] == T(0)) == (dx.data()[i] == T(0))); }
        layer.eval(); // which takes no mask
        CHECK(same_bits(layer.forward(x), x));
        CHECK(same_bits(layer.backward(dy), dy));
        layer.train();
    }
    nn::Dropout<B> nothing(0);
    CHECK(same_bits(nothing.forward(x), x));
    CHECK(same_bits(nothing.backward(dy), dy));
    CHECK(message_of([] { nn::Dropout<B> all(1); }) == "Dropout: p is 1, expected at least 0 and less than 1");
    CHECK(message_of([] { nn::Dropout<B> none(-1); }) == "Dropout: p is -1, expected at least 0 and less than 1");
}

TEMPLATE_TEST_CASE("nn::Dropout: the state is what the buffer holds", "[nn][dropout]", Cpu<float>, Device<float>) {
    using B = TestType;
    const std::uint64_t seed = 0xFEDCBA9876543210;
    nn::Dropout<B> layer(0.5, seed, 0x89ABCDEF), copy(0.5);
    const auto x = B::from_host(normal_numbers<float>({30}, 1));
    for (int step = 0; step < 3; ++step) { layer.forward(x); }
    const Tensor<float> state = B::to_host(layer.dropout_state);
    CHECK(equal_numbers(state, tensor<float>({8}, {0x3210, 0x7654, 0xBA98, 0xFEDC, 0xCDEF, 0x89AB, 3, 0})));
    B::copy_from_host(state, copy.dropout_state); // as a checkpoint does
    CHECK(same_bits(Tensor<float>(B::to_host(copy.forward(x))), Tensor<float>(B::to_host(layer.forward(x)))));
    B::copy_from_host(tensor<float>({8}, {0, 0, 0, 0, 0, 0, 65535, 65535}), copy.dropout_state);
    copy.forward(x);
    CHECK(equal_numbers(Tensor<float>(B::to_host(copy.dropout_state)), zeros<float>({8}))); // the step begins again
    for (const double wrong : {-1.0, 0.5, 65536.0, 1e30}) {
        B::copy_from_host(tensor<float>({8}, {0, wrong, 0, 0, 0, 0, 0, 0}), copy.dropout_state);
        const std::string message = message_of<DataError>([&] { copy.forward(x); });
        CHECK(message.find("Dropout: dropout_state holds ") == 0);
        CHECK(message.find(" at entry 1, expected a whole number from 0 to 65535") != std::string::npos);
    }
}

TEMPLATE_TEST_CASE("a resumed run has the masks of nn::Dropout that it would have had, on any number of threads",
                   "[nn][dropout][checkpoint]", Cpu<float>, Device<double>) {
    const TemporaryFolder folder;
    using RunOfLayer = LayerRun<TestType, nn::Dropout<TestType>>;
    RunOfLayer whole(0.5, 1), first(0.5, 1), second(0.5, 1), fresh(0.5, 1);
    whole.go(4);
    first.go(2);
    train::save_checkpoint(folder / "run", first.run);
    train::load_checkpoint(folder / "run", second.run);
    CHECK(second.bytes(folder) == first.bytes(folder));
    {
        const Threads guard(3);
        second.go(4);
    }
    CHECK(second.bytes(folder) == whole.bytes(folder));

    // Weights alone, such as PyTorch's, have no state.
    auto weights = io::read_safetensors(folder / "run");
    auto& tensors = weights.tensors;
    tensors.erase(
        std::remove_if(tensors.begin(), tensors.end(),
                       [](const auto& tensor) { return tensor.name[0] > '9' || tensor.name == "2.dropout_state"; }),
        tensors.end());
    weights.metadata.clear();
    io::write_safetensors(folder / "weights", weights);
    train::load_weights<TestType>(folder / "weights", fresh.model);
    using T = typename TestType::Scalar;
    const auto weight = [](const RunOfLayer& run) {
        return Tensor<T>(TestType::to_host(run.model.parameters()[0]->value));
    };
    CHECK(same_bits(weight(fresh), weight(first)));
    auto without = io::read_safetensors(folder / "run");
    without.tensors.erase(std::find_if(without.tensors.begin(), without.tensors.end(),
                                       [](const auto& tensor) { return tensor.name == "2.dropout_state"; }));
    write_sealed(folder / "without", without);
    CHECK(message_of<DataError>([&] { train::load_checkpoint(folder / "without", fresh.run); }) ==
          (folder / "without").string() + ": tensor '2.dropout_state' is missing, expected one of shape (8,)");
}
