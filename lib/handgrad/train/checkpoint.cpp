#include "handgrad/train/checkpoint.hpp"

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "handgrad/error.hpp"
#include "handgrad/io/shown.hpp"
#include "handgrad/train/backends.hpp"
#include "handgrad/train/checkpoint_file.hpp"
#include "handgrad/train/checkpoint_invariants.hpp"

namespace handgrad::train {
namespace {

template <class Backend> using Named = std::vector<std::pair<std::string, typename Backend::Tensor*>>;
template <class Backend> using Numbers =
    std::vector<Tensor<typename Backend::Scalar>>; ///< of named tensors, on the host
template <class Backend> using States = std::vector<optim::ParameterState<Backend>>;

/// The parameters and buffers of a model.
template <class Backend> Named<Backend> tensors_of(const nn::Component<Backend>& model) {
    Named<Backend> named;
    for (const auto& [name, parameter] : model.named_parameters()) { named.emplace_back(name, &parameter->value); }
    for (const auto& [name, buffer] : model.named_buffers()) { named.emplace_back(name, buffer); }
    for (const auto& entry : named) {
        if (belongs_to_run(entry.first)) {
            throw std::invalid_argument(fmt::format("checkpoint: the tensor name {} is reserved, expected another name",
                                                    io::shown(entry.first)));
        }
    }
    return named;
}

template <class Backend> io::Safetensors file_of(const Named<Backend>& named) {
    io::Safetensors file;
    for (const auto& [name, tensor] : named) {
        file.tensors.push_back(io::stored(name, Tensor<typename Backend::Scalar>(Backend::to_host(*tensor))));
    }
    return file;
}

/// Takes the numbers of these tensors out of the file. Calling the result gives the numbers to the tensors.
template <class Backend> auto taken(const CheckpointFile& file, const Named<Backend>& named) {
    std::vector<Tensor<typename Backend::Scalar>> numbers;
    for (const auto& entry : named) { numbers.push_back(file.tensor<typename Backend::Scalar>(entry.first)); }
    return [named, numbers] {
        for (std::size_t i = 0; i < named.size(); ++i) { Backend::copy_from_host(numbers[i], *named[i].second); }
    };
}

/// Adds a list of numbers as a tensor of one dimension: F64, or I64 for whole numbers.
template <class T> void add(io::Safetensors& file, const std::string& name, const std::vector<T>& values) {
    Tensor<std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>> tensor(Shape{values.size()});
    std::copy(values.begin(), values.end(), tensor.begin());
    file.tensors.push_back(io::stored(name, tensor));
}

/// The text as a file can hold it: U+FFFD in place of bytes that are not UTF-8.
std::string utf8(const std::string& text) {
    using Json = nlohmann::json;
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

/// The data of a task as a checkpoint records it: its size and a hash of it.
template <class Backend> std::string data_of(const Task<Backend>& task) {
    const data::Loader& loader = task.loader();
    return fmt::format("{} examples in {} batches{}{:08x}", loader.dataset_size(), loader.size(), crc32_prefix,
                       loader.checksum());
}

/// Throws DataError for numbers that no run with these tasks can have.
template <class Backend> void require_numbers(const Run<Backend>& run, const data::LoaderState& next,
                                              const EpochResult& epoch, const History& history) {
    const data::Loader& loader = run.task.loader();
    const Task<Backend>* const testing = run.testing;
    require_possible(next, epoch, history,
                     {loader.size(), loader.dataset_size(), testing ? testing->loader().dataset_size() : 0,
                      run.task.lower_bound(), testing ? testing->lower_bound() : 0});
}

/// Throws DataError for the counts of an optimiser that no double holds exactly: it computes with them.
template <class Backend> void require_step_counts(const Run<Backend>& run, const States<Backend>& states) {
    constexpr std::size_t most = std::size_t{1} << 53;
    for (std::size_t k = 0; k < run.optimizer.state_names().counts.size(); ++k) {
        for (const auto& state : states) {
            require<DataError>(state.counts[k] <= most, "tensor {} holds {}, expected 0 to {}",
                               io::shown("optimizer." + run.optimizer.state_names().counts[k]), state.counts[k], most);
        }
    }
}

/// Throws DataError if a state tensor is missing that the first step computes. Before that step all may be missing.
template <class Backend>
void require_states(const Run<Backend>& run, States<Backend>& states, const data::LoaderState& next) {
    auto full_states = run.optimizer.made_states();
    const auto named = run.optimizer.named_states(states, run.task.model());
    const auto full = run.optimizer.named_states(full_states, run.task.model());
    bool stepped = next.epoch > 0 || next.batch > 0;
    for (const auto& entry : named) { stepped = stepped || entry.second->size() > 0; }
    for (std::size_t i = 0; i < named.size(); ++i) {
        const Shape &got = named[i].second->shape(), &expected = full[i].second->shape();
        require<DataError>(!stepped || got == expected, "tensor {} has shape {}, expected {} after a step",
                           io::shown("optimizer." + named[i].first), to_string(got), to_string(expected));
    }
}

/// The file of a run as it is, but with this state of the optimiser.
template <class Backend> io::Safetensors file_of(const Run<Backend>& run, States<Backend>& states) {
    Named<Backend> named = tensors_of(run.task.model());
    for (const auto& [name, tensor] : run.optimizer.named_states(states, run.task.model())) {
        named.emplace_back("optimizer." + name, tensor);
    }
    io::Safetensors file = file_of<Backend>(named);
    const auto& optimizer = run.optimizer;
    for (std::size_t k = 0; k < optimizer.state_names().counts.size(); ++k) {
        std::vector<std::size_t> counts;
        for (const auto& state : states) { counts.push_back(state.counts[k]); }
        add(file, "optimizer." + optimizer.state_names().counts[k], counts);
    }
    add(file, "optimizer.lr", optimizer.lrs());
    const data::LoaderState next = run.task.loader().state();
    add<std::size_t>(file, "loader.state", {static_cast<std::size_t>(next.epoch), next.batch});
    add<std::size_t>(file, "epoch.counts", {run.epoch.correct, run.epoch.examples, run.epoch.batches});
    add<double>(file, "epoch.loss_sum", {run.epoch.loss_sum});
    add(file, "history.train_losses", run.history.train_losses);
    add(file, "history.train_examples", run.history.train_examples);
    add(file, "history.test_losses", run.history.test_losses);
    add(file, "history.test_examples", run.history.test_examples);
    add(file, "history.test_correct", run.history.test_correct);
    file.metadata["handgrad.model"] = run.task.model().to_string();
    file.metadata["handgrad.optimizer"] = optimizer.options_text_in(run.task.model());
    file.metadata[data_key] = data_of(run.task);
    if (run.testing != nullptr) { file.metadata[test_data_key] = data_of(*run.testing); }
    for (const auto& [name, value] : run.options) { file.metadata[option_prefix + name] = utf8(value); }
    if (run.random != nullptr) { file.metadata[random_key] = run.random->state(); }
    return file;
}

/// Takes all of a run out of the file and then, when nothing can be refused any more, gives it to `run`.
template <class Backend> void restore(CheckpointFile file, Run<Backend>& run) {
    auto states = run.optimizer.made_states();
    file.require_run(file_of(run, states));

    const auto overwrite_model = taken<Backend>(file, tensors_of(run.task.model()));
    for (const auto& [name, tensor] : run.optimizer.named_states(states, run.task.model())) {
        *tensor = Backend::from_host(file.tensor<typename Backend::Scalar>("optimizer." + name));
    }
    for (std::size_t k = 0; k < run.optimizer.state_names().counts.size(); ++k) {
        const auto counts = file.list<std::size_t>("optimizer." + run.optimizer.state_names().counts[k], states.size());
        for (std::size_t i = 0; i < states.size(); ++i) { states[i].counts[k] = counts[i]; }
    }
    History history{file.list<double>("history.train_losses"), {}, file.list<double>("history.test_losses"), {}, {}};
    history.train_examples = file.list<std::size_t>("history.train_examples", history.train_losses.size());
    history.test_examples = file.list<std::size_t>("history.test_examples", history.test_losses.size());
    history.test_correct = file.list<std::size_t>("history.test_correct", history.test_losses.size());
    const auto counts = file.list<std::size_t>("epoch.counts"), next = file.list<std::size_t>("loader.state");
    EpochResult epoch{0, counts[0], counts[1], counts[2], file.list<double>("epoch.loss_sum")[0]};
    if (epoch.examples > 0) { epoch.loss = epoch.loss_sum / static_cast<double>(epoch.examples); }
    Random random(0);
    std::string what;
    try {
        require_step_counts(run, states);
        require_numbers(run, {next[0], next[1]}, epoch, history);
        require_states(run, states, {next[0], next[1]});
        what = fmt::format("its '{}': ", random_key);
        if (run.random != nullptr) { random.set_state(file.text(random_key)); }
        what = "tensor 'optimizer.lr': ";
        run.optimizer.load_state(file.list<double>("optimizer.lr"), std::move(states));
    } catch (const std::exception& error) { file.fail(what + error.what()); }

    // Nothing below can be refused.
    overwrite_model();
    run.task.loader().restore({next[0], next[1]});
    run.history = std::move(history);
    run.epoch = epoch;
    if (run.random != nullptr) { *run.random = random; }
}

} // namespace

template <class Backend> void save_checkpoint(const std::filesystem::path& path, const Run<Backend>& run) {
    auto states = run.optimizer.states();
    io::Safetensors file = file_of(run, states);
    try {
        require_numbers(run, run.task.loader().state(), run.epoch, run.history);
        require_states(run, states, run.task.loader().state());
    } catch (const DataError& error) {
        throw DataError(fmt::format("cannot save '{}': {}", path.string(), error.what()));
    }
    write_checkpoint(path, std::move(file));
}

template <class Backend> void load_checkpoint(const std::filesystem::path& path, Run<Backend>& run) {
    restore(CheckpointFile(path.string(), io::read_safetensors(path)), run);
}

template <class Backend> void parse_checkpoint(std::string_view bytes, const std::string& name, Run<Backend>& run) {
    restore(CheckpointFile(name, io::parse_safetensors(bytes, name)), run);
}

template <class Backend> void load_weights(const std::filesystem::path& path, nn::Component<Backend>& model) {
    const io::Safetensors contents = io::read_safetensors(path);
    auto named = tensors_of(model);
    // PyTorch's files have no counters of random numbers. Without one, a layer goes on from its own.
    const auto is_left_out = [&](const auto& entry) {
        const std::string& name = entry.first;
        return name.substr(name.rfind('.') + 1) == "dropout_state" && contents.find(name) == nullptr;
    };
    named.erase(std::remove_if(named.begin(), named.end(), is_left_out), named.end());
    const CheckpointFile file(path.string(), contents);
    file.require_weights(file_of<Backend>(named));
    taken<Backend>(file, named)();
}

#define HANDGRAD_INSTANTIATE(B)                                                                                        \
    template void save_checkpoint(const std::filesystem::path&, const Run<B>&);                                        \
    template void load_checkpoint(const std::filesystem::path&, Run<B>&);                                              \
    template void parse_checkpoint(std::string_view, const std::string&, Run<B>&);                                     \
    template void load_weights(const std::filesystem::path&, nn::Component<B>&);
HANDGRAD_FOR_EACH_BACKEND(HANDGRAD_INSTANTIATE)

} // namespace handgrad::train
