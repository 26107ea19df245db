#include "handgrad/train/checkpoint.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/shown.hpp"
#include "handgrad/train/checkpoint_file.hpp"
#include "handgrad/train/checkpoint_text.hpp"

namespace handgrad::train {
namespace {

const std::string momentum = "optimizer.momentum.";

template <class Backend> using Named = std::vector<std::pair<std::string, nn::Parameter<Backend>*>>;

/// A list of numbers as a tensor of one dimension: F64, or I64 for anything whole.
template <class T> io::StoredTensor stored_values(const std::string& name, const std::vector<T>& values) {
    using Stored = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
    Tensor<Stored> tensor(Shape{values.size()});
    std::transform(values.begin(), values.end(), tensor.data(), [](T value) { return static_cast<Stored>(value); });
    return io::stored(name, tensor);
}

/// The names of what the optimiser moves, in its order.
template <class Backend>
std::vector<std::string> names_of(const optim::SGD<Backend>& optimizer, const Named<Backend>& named) {
    std::vector<std::string> names;
    for (const auto* parameter : optimizer.parameters()) {
        const auto found =
            std::find_if(named.begin(), named.end(), [&](const auto& entry) { return entry.second == parameter; });
        if (found == named.end()) {
            throw std::invalid_argument("checkpoint: the optimizer has a parameter that is not the model's");
        }
        names.push_back(momentum + found->first);
    }
    return names;
}

template <class Tensor> void add_finite(io::Safetensors& file, const std::string& name, const Tensor& tensor,
                                        const std::filesystem::path& path) {
    const std::string problem = not_finite(tensor);
    if (!problem.empty()) { // what is there may be the last good state of a run that has diverged since
        throw DataError(fmt::format("cannot save '{}': tensor {} {}", path.string(), io::shown(name), problem));
    }
    file.tensors.push_back(io::stored(name, tensor));
}

/// The momentum buffers in the optimiser's order: all of them, or none where no step has made them.
template <class Backend>
std::vector<optim::ParameterState<Backend>> take_states(CheckpointFile& file, const optim::SGD<Backend>& optimizer,
                                                        const std::vector<std::string>& names, bool started) {
    using T = typename Backend::Scalar;
    using State = optim::ParameterState<Backend>;
    std::vector<State> states(names.size(), State{{typename Backend::Tensor(Shape{0})}, {}});
    const bool some = std::any_of(names.begin(), names.end(), [&](const auto& name) { return file.has(name); });
    if (!some && (!started || !optimizer.keeps_state(0))) { return states; }
    for (std::size_t i = 0; i < names.size(); ++i) {
        states[i].tensors[0] = Backend::from_host(file.take<T>(names[i], optimizer.parameters()[i]->value.shape()));
    }
    return states;
}

double take_lr(CheckpointFile& file) {
    const double lr = file.take_values<double>("optimizer.lr", 1)[0];
    if (lr < 0) { file.fail(fmt::format("tensor 'optimizer.lr' holds {}, expected a number from 0", lr)); }
    return lr;
}

History take_history(CheckpointFile& file) {
    History history;
    history.train_losses = file.take_values<double>("history.train_losses");
    history.train_examples = file.take_values<std::size_t>("history.train_examples", history.train_losses.size());
    history.test_losses = file.take_values<double>("history.test_losses");
    history.test_examples = file.take_values<std::size_t>("history.test_examples", history.test_losses.size());
    history.test_correct = file.take_values<std::size_t>("history.test_correct", history.test_losses.size());
    return history;
}

EpochResult take_epoch(CheckpointFile& file) {
    const auto counts = file.take_values<std::size_t>("epoch.counts", 3);
    EpochResult epoch;
    epoch.correct = counts[0];
    epoch.examples = counts[1];
    epoch.batches = counts[2];
    epoch.loss_sum = file.take_values<double>("epoch.loss_sum", 1)[0];
    if (epoch.examples > 0) { epoch.loss = epoch.loss_sum / static_cast<double>(epoch.examples); }
    return epoch;
}

/// Where the loader goes on: there must be such a batch, and the epoch so far must end before it.
data::LoaderState take_position(CheckpointFile& file, const EpochResult& epoch, std::size_t batches) {
    const auto next = file.take_values<std::size_t>("loader.state", 2);
    if (next[1] >= batches || epoch.batches > batches || epoch.batches % batches != next[1]) {
        file.fail(fmt::format("tensor 'loader.state' goes on at batch {} after {} of {} batches", next[1],
                              epoch.batches, batches));
    }
    return {next[0], next[1]};
}

/// The model's parameters, in the order of `named`, checked and converted.
template <class Backend> std::vector<Tensor<typename Backend::Scalar>>
take_weights(CheckpointFile& file, const Named<Backend>& named, bool convert) {
    using T = typename Backend::Scalar;
    std::vector<Tensor<T>> values;
    for (const auto& [name, parameter] : named) {
        const Shape& shape = parameter->value.shape();
        values.push_back(convert ? file.take_converted<T>(name, shape) : file.take<T>(name, shape));
    }
    return values;
}

template <class Backend>
void put_weights(const Named<Backend>& named, const std::vector<Tensor<typename Backend::Scalar>>& values) {
    for (std::size_t i = 0; i < named.size(); ++i) { Backend::copy_from_host(values[i], named[i].second->value); }
}

template <class Backend> RunTexts texts_of(const Run<Backend>& run) {
    return {run.model.to_string(), run.optimizer.options_text(0),
            fmt::format("{} examples in {} batches", run.loader.dataset_size(), run.loader.size()), run.options};
}

/// Takes all of a run out of the file, and then, when nothing can be refused any more, gives it to `run`.
template <class Backend> void restore(CheckpointFile& file, Run<Backend>& run) {
    file.require_checkpoint();
    const RunTexts texts = texts_of(run);
    require_same_options(file, texts.options);
    const Named<Backend> named = run.model.named_parameters();
    const auto values = take_weights<Backend>(file, named, false);
    require_same_texts(file, texts);

    const EpochResult epoch = take_epoch(file);
    const data::LoaderState next = take_position(file, epoch, run.loader.size());
    const bool started = next.epoch > 0 || next.batch > 0;
    auto states = take_states<Backend>(file, run.optimizer, names_of<Backend>(run.optimizer, named), started);
    const double lr = take_lr(file);
    History history = take_history(file);
    file.require_nothing_else([](std::string_view) { return false; });
    Random random(0);
    const bool has_random = take_random(file, run.random != nullptr, random);

    // Nothing below can be refused.
    put_weights<Backend>(named, values);
    run.optimizer.load_state({lr}, std::move(states));
    run.loader.restore(next);
    run.history = std::move(history);
    run.epoch = epoch;
    if (has_random) { *run.random = random; }
}

} // namespace

template <class Backend> void save_checkpoint(const std::filesystem::path& path, const Run<Backend>& run) {
    io::Safetensors file;
    const auto named = run.model.named_parameters();
    for (const auto& [name, parameter] : named) {
        if (belongs_to_run(name)) {
            throw std::invalid_argument(
                fmt::format("save_checkpoint: a parameter is called {}, expected another name", io::shown(name)));
        }
        add_finite(file, name, Backend::to_host(parameter->value), path);
    }
    const auto names = names_of<Backend>(run.optimizer, named);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& velocity = run.optimizer.states()[i].tensors[0];
        const bool made = velocity.shape() == run.optimizer.parameters()[i]->value.shape(); // by a step with momentum
        if (made) { add_finite(file, names[i], Backend::to_host(velocity), path); }
    }
    const data::LoaderState next = run.loader.state();
    file.tensors.push_back(stored_values<double>("optimizer.lr", {run.optimizer.lr()}));
    file.tensors.push_back(stored_values<std::size_t>("loader.state", {next.epoch, next.batch}));
    file.tensors.push_back(
        stored_values<std::size_t>("epoch.counts", {run.epoch.correct, run.epoch.examples, run.epoch.batches}));
    file.tensors.push_back(stored_values<double>("epoch.loss_sum", {run.epoch.loss_sum}));
    file.tensors.push_back(stored_values("history.train_losses", run.history.train_losses));
    file.tensors.push_back(stored_values("history.train_examples", run.history.train_examples));
    file.tensors.push_back(stored_values("history.test_losses", run.history.test_losses));
    file.tensors.push_back(stored_values("history.test_examples", run.history.test_examples));
    file.tensors.push_back(stored_values("history.test_correct", run.history.test_correct));
    file.metadata = to_metadata(texts_of(run));
    if (run.random != nullptr) { file.metadata[random_key] = run.random->state(); }
    write_checkpoint(path, std::move(file));
}

template <class Backend> void load_checkpoint(const std::filesystem::path& path, Run<Backend>& run) {
    CheckpointFile file(path);
    restore(file, run);
}

template <class Backend> void parse_checkpoint(std::string_view bytes, const std::string& name, Run<Backend>& run) {
    CheckpointFile file(bytes, name);
    restore(file, run);
}

template <class Backend> void load_weights(const std::filesystem::path& path, nn::Module<Backend>& model) {
    CheckpointFile file(path);
    const Named<Backend> named = model.named_parameters();
    const auto values = take_weights<Backend>(file, named, true);
    file.require_nothing_else(belongs_to_run);
    put_weights<Backend>(named, values);
}

#define HANDGRAD_INSTANTIATE(B)                                                                                        \
    template void save_checkpoint(const std::filesystem::path&, const Run<B>&);                                        \
    template void load_checkpoint(const std::filesystem::path&, Run<B>&);                                              \
    template void parse_checkpoint(std::string_view, const std::string&, Run<B>&);                                     \
    template void load_weights(const std::filesystem::path&, nn::Module<B>&);
HANDGRAD_INSTANTIATE(Cpu<float>)
HANDGRAD_INSTANTIATE(Cpu<double>)
HANDGRAD_INSTANTIATE(Device<float>)
HANDGRAD_INSTANTIATE(Device<double>)
HANDGRAD_INSTANTIATE(Reference<float>)
HANDGRAD_INSTANTIATE(Reference<double>)

} // namespace handgrad::train
