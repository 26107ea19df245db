// Checkpoints: the bytes as they are; and, where they are a safetensors file, with the checksum that is right for them,
// since no fuzzer guesses one. A run that goes on has sensible contents; one that is refused is left as it was.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fuzz.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/safetensors.hpp"
#include "support/resumable.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

using Backend = Cpu<float>;
using Resumable = support::Resumable<Backend>;

/// Everything about a run that a checkpoint changes.
std::string all_of(const Resumable& r) {
    std::string all =
        fmt::format("{} {} {} {} {} {}", r.net.optimizer.lr(), r.net.loader.state().epoch, r.net.loader.state().batch,
                    r.run.epoch.batches, r.run.epoch.loss_sum, r.random.state());
    const auto& history = r.run.history;
    for (const auto& losses : {history.train_losses, history.test_losses}) {
        for (const double loss : losses) { all += fmt::format(" {}", loss); }
    }
    for (const auto& counts : {history.train_examples, history.test_examples, history.test_correct}) {
        for (const std::size_t count : counts) { all += fmt::format(" {}", count); }
    }
    all += fmt::format(" {} {}", r.run.epoch.correct, r.run.epoch.examples);
    const auto add = [&all](const Tensor<float>& t) {
        all.append(reinterpret_cast<const char*>(t.data()), t.size() * sizeof(float));
    };
    for (const auto* parameter : r.net.model.parameters()) { add(parameter->value); }
    for (const auto& state : r.net.optimizer.states()) { add(state.tensors[0]); }
    return all;
}

void require_sensible(const Resumable& r) {
    for (const auto* parameter : r.net.model.parameters()) {
        for (const float x : parameter->value) { require(std::isfinite(x), "parameters are finite"); }
    }
    for (const auto& state : r.net.optimizer.states()) {
        for (const float x : state.tensors[0]) { require(std::isfinite(x), "so is the momentum"); }
    }
    require(std::isfinite(r.net.optimizer.lr()) && r.net.optimizer.lr() >= 0, "the step size is one");
    const data::LoaderState next = r.net.loader.state();
    require(next.batch < r.net.loader.size(), "there is a next batch");
    require(next.epoch <= 1'000'000'000, "nobody trains for longer");
    const auto& epoch = r.run.epoch;
    require(epoch.batches <= 5 && epoch.examples <= 23 && epoch.correct <= epoch.examples,
            "the epoch's counts are right");
    require(epoch.loss_sum >= 0 && std::isfinite(epoch.loss_sum), "so is its loss");
    const auto& history = r.run.history;
    require(history.train_losses.size() == history.train_examples.size(), "each loss has its place");
    require(history.test_losses.size() == history.test_correct.size(), "each test has its count");
    require(history.test_losses.size() == history.test_examples.size(), "and its place");
    for (const std::size_t correct : history.test_correct) { require(correct <= 10, "of ten images"); }
    for (const auto& losses : {history.train_losses, history.test_losses}) {
        for (const double loss : losses) { require(loss >= 0 && std::isfinite(loss), "losses are losses"); }
    }
    for (const auto& examples : {history.train_examples, history.test_examples}) {
        require(std::is_sorted(examples.begin(), examples.end()), "time goes on");
        require(examples.empty() || examples.back() <= (next.epoch + 1) * 23, "and has not passed yet");
    }
}

void load(std::string_view bytes) {
    Resumable r;
    const std::string before = all_of(r);
    try {
        train::parse_checkpoint(bytes, "file", r.run);
        require_sensible(r);
        const auto next = r.net.loader.state();
        if (next.epoch < 3) { r.go(next.epoch * r.net.loader.size() + next.batch + 1); } // one batch more
    } catch (const DataError& error) {
        require_one_line(error.what(), "file: ");
        require(all_of(r) == before, "a run that is refused is left as it was");
    } catch (const DivergenceError&) {} // huge numbers are numbers
}

/// Random numbers are drawn again one by one: a billion of them would be all that the fuzzer does.
bool many_draws(const io::Safetensors& file) {
    const auto state = file.metadata.find("handgrad.random");
    return state != file.metadata.end() && state->second.size() > 40;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    load(bytes);
    io::Safetensors file;
    try {
        file = io::parse_safetensors(bytes, "file");
    } catch (const DataError&) { return 0; } // load() has looked at the message
    if (many_draws(file)) { return 0; }
    support::seal(file);
    load(io::to_bytes(file));
    return 0;
}
