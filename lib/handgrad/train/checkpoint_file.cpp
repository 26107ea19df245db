#include "handgrad/train/checkpoint_file.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::train {
namespace {

constexpr const char* version_key = "handgrad.checkpoint";
constexpr const char* checksum_key = "handgrad.crc32";
constexpr const char* momentum = "optimizer.momentum_buffer.";

bool starts_with(const std::string& text, std::string_view start) { return text.rfind(start, 0) == 0; }

std::string checksum_of(const io::Safetensors& file) { return fmt::format("{:08x}", io::checksum(file, checksum_key)); }

/// A text of the file, in a message: without quotes, but short and on one line.
std::string brief(const std::string& text) {
    const std::string quoted = io::shown(text);
    return text.empty() ? quoted : quoted.substr(1, quoted.size() - 2);
}

/// "tensor 'x' holds nan at entry 3, expected finite numbers" for the first such number; otherwise empty.
template <class T> std::string not_finite(const std::string& name, const Tensor<T>& tensor) {
    const auto bad = std::find_if(tensor.begin(), tensor.end(), [](T x) { return !std::isfinite(x); });
    if (bad == tensor.end()) { return {}; }
    const auto number = static_cast<double>(*bad); // the sign of a NaN says nothing
    return fmt::format("tensor {} holds {} at entry {}, expected finite numbers", io::shown(name),
                       std::isnan(number) ? std::abs(number) : number, bad - tensor.begin());
}

std::string not_finite(const io::StoredTensor& stored) {
    if (stored.dtype == io::Dtype::f32) { return not_finite(stored.name, io::tensor_of<float>(stored)); }
    if (stored.dtype == io::Dtype::f64) { return not_finite(stored.name, io::tensor_of<double>(stored)); }
    return {};
}

} // namespace

bool belongs_to_run(const std::string& name) {
    return starts_with(name, "optimizer.") || starts_with(name, "loader.") || starts_with(name, "epoch.") ||
           starts_with(name, "history.");
}

void write_checkpoint(const std::filesystem::path& path, io::Safetensors contents) {
    for (const io::StoredTensor& stored : contents.tensors) { // path may be the last good state of a diverged run
        const std::string problem = not_finite(stored);
        if (!problem.empty()) { throw DataError(fmt::format("cannot save '{}': {}", path.string(), problem)); }
    }
    contents.metadata[version_key] = "3";
    contents.metadata[checksum_key] = checksum_of(contents);
    io::write_safetensors(path, contents);
}

CheckpointFile::CheckpointFile(std::string name, io::Safetensors contents)
    : name_(std::move(name)), contents_(std::move(contents)) {
    const std::string expected = text(checksum_key), got = checksum_of(contents_);
    if (contents_.metadata.count(checksum_key) > 0 && got != expected) {
        fail(fmt::format("is damaged: its contents have the checksum {}, expected {}", got, io::shown(expected)));
    }
    const std::string old = "optimizer.momentum.";
    for (io::StoredTensor& stored : contents_.tensors) {
        if (!starts_with(stored.name, old)) { continue; }
        const std::string current = momentum + stored.name.substr(old.size());
        const bool renamed = text(version_key) == "1" && contents_.find(current) == nullptr;
        if (renamed) { stored.name = current; }
    }
}

void CheckpointFile::require_run(const io::Safetensors& expected) {
    for (const char* const key : {version_key, checksum_key}) {
        if (!text(key).empty()) { continue; }
        fail(fmt::format("has no '{}' in its metadata: it contains no run to resume", key));
    }
    if (!is_version({"1", "2", "3"})) {
        fail(fmt::format("is a checkpoint of format {}, expected 1, 2 or 3", io::shown(text(version_key))));
    }
    const auto& metadata = contents_.metadata;
    for (const char* const kind : {option_prefix, "handgrad."}) { // another option may be why the others differ
        for (const auto* const texts : {&expected.metadata, &metadata}) {
            for (const auto& [key, value] : *texts) {
                if (starts_with(key, kind)) { require_text(key, expected); }
            }
        }
    }
    const auto is_momentum = [](const io::StoredTensor& stored) { return starts_with(stored.name, momentum); };
    const bool none = std::none_of(contents_.tensors.begin(), contents_.tensors.end(), is_momentum);
    for (const io::StoredTensor& want : expected.tensors) { // version 1 did not save it before the first step
        const bool add = none && is_version({"1"}) && is_momentum(want);
        if (add) { contents_.tensors.push_back({want.name, want.dtype, Shape{0}, ""}); }
    }
    require_tensors(expected, false);
}

void CheckpointFile::require_weights(const io::Safetensors& expected) const { require_tensors(expected, true); }

void CheckpointFile::require_text(const std::string& key, const io::Safetensors& expected) const {
    if (key == version_key || key == checksum_key) { return; }
    const bool here = expected.metadata.count(key) > 0, there = contents_.metadata.count(key) > 0;
    std::string wanted = here ? expected.metadata.at(key) : "", got = text(key);
    if (here && there && (key == random_key || wanted == got)) { return; }
    if (key == test_data_key && !there && is_version({"1", "2"})) { return; }
    const bool data = key == data_key || key == test_data_key;
    if (data && here && there) { return require_data(key, got, wanted); }
    if (starts_with(key, option_prefix)) {
        const std::string name = key.substr(std::string_view(option_prefix).size());
        fail(fmt::format("was saved {} {}, and this run has {} {}: a run can only be resumed with the same options",
                         there ? "with" : "without", there ? brief(name) + " " + brief(got) : brief(name),
                         here ? brief(name) : "no", brief(here ? wanted : name)));
    }
    if (!here || !there) {
        fail(fmt::format("has {} {} in its metadata, and this run has {}", there ? "a" : "no", io::shown(key),
                         here ? "one" : "none"));
    }
    wanted += '\n', got += '\n'; // one may end where the other goes on
    const auto differ = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end()).first - got.begin();
    const std::size_t begin = differ == 0 ? 0 : got.rfind('\n', static_cast<std::size_t>(differ) - 1) + 1;
    const auto line = [&](const std::string& text) {
        return io::shown(text.substr(begin, text.find('\n', begin) - begin));
    };
    fail(fmt::format("line {} of its {} was {}, expected {}", 1 + std::count(got.data(), got.data() + begin, '\n'),
                     key.substr(key.find('.') + 1), line(got), line(wanted)));
}

void CheckpointFile::require_data(const std::string& key, const std::string& got, std::string wanted) const {
    if (is_version({"1", "2"})) { wanted = wanted.substr(0, wanted.find(crc32_prefix)); }
    if (got == wanted) { return; }
    fail(fmt::format("was {} on {}, and this run has {}: a run can only be resumed with the same data",
                     key == data_key ? "trained" : "tested", brief(got), brief(wanted)));
}

void CheckpointFile::require_tensors(const io::Safetensors& expected, bool weights) const {
    for (const io::StoredTensor& want : expected.tensors) {
        const std::string name = io::shown(want.name);
        const bool list = starts_with(want.name, "history.");
        const io::StoredTensor* const got = contents_.find(want.name);
        if (got == nullptr) {
            fail(fmt::format("tensor {} is missing, expected {}", name,
                             list ? "a list" : "one of shape " + to_string(want.shape)));
        }
        const bool state = starts_with(want.name, "optimizer.") && want.name.find('.', 10) != std::string::npos;
        const bool fits =
            got->shape == want.shape || (list && got->shape.size() == 1) || (state && got->shape == Shape{0});
        if (!fits) {
            const bool turned = want.shape.size() == 2 && got->shape == Shape{want.shape[1], want.shape[0]};
            fail(fmt::format("tensor {} has shape {}, expected {}{}", name, to_string(got->shape),
                             list ? "a list" : to_string(want.shape),
                             turned ? " (PyTorch's is transposed; export_torch.py transposes it)" : ""));
        }
        const bool counter = got->dtype == io::Dtype::i64 && got->shape.empty(); // PyTorch's num_batches_tracked
        const bool number = got->dtype == io::Dtype::f32 || got->dtype == io::Dtype::f64 || counter;
        if (weights ? !number : got->dtype != want.dtype) {
            fail(fmt::format("tensor {} has dtype {}, expected {}", name, io::to_string(got->dtype),
                             weights ? "F32 or F64" : io::to_string(want.dtype)));
        }
        const std::string problem = not_finite(*got);
        if (!problem.empty()) { fail(problem); }
    }
    for (const io::StoredTensor& got : contents_.tensors) {
        if (expected.find(got.name) == nullptr && !(weights && belongs_to_run(got.name))) {
            fail(fmt::format("tensor {} of shape {} is not expected: the model has no tensor of this name",
                             io::shown(got.name), to_string(got.shape)));
        }
    }
}

bool CheckpointFile::is_version(std::initializer_list<const char*> versions) const {
    return std::find(versions.begin(), versions.end(), text(version_key)) != versions.end();
}

std::string CheckpointFile::text(const std::string& key) const {
    const auto found = contents_.metadata.find(key);
    return found == contents_.metadata.end() ? std::string() : found->second;
}

template <class T> Tensor<T> CheckpointFile::tensor(const std::string& name) const {
    const io::StoredTensor& stored = *contents_.find(name);
    const Tensor<T> result = stored.dtype == io::Dtype::f32   ? Tensor<T>(io::tensor_of<float>(stored))
                             : stored.dtype == io::Dtype::f64 ? Tensor<T>(io::tensor_of<double>(stored))
                                                              : Tensor<T>(io::tensor_of<std::int64_t>(stored));
    const std::string problem = not_finite(name, result); // 1e300 is no float
    if (!problem.empty()) { fail(problem); }
    return result;
}

template <class T> std::vector<T> CheckpointFile::list(const std::string& name, std::size_t count) const {
    using Stored = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
    const auto values = io::tensor_of<Stored>(*contents_.find(name));
    if (count != any && values.size() != count) {
        fail(fmt::format("tensor '{}' has shape ({},), expected ({},)", name, values.size(), count));
    }
    const auto negative = std::find_if(values.begin(), values.end(), [](Stored x) { return x < 0; });
    if (std::is_integral_v<T> && negative != values.end()) {
        fail(fmt::format("tensor '{}' holds {}, expected numbers from 0", name, *negative));
    }
    return {values.begin(), values.end()};
}

void CheckpointFile::fail(const std::string& what) const {
    throw DataError(io::one_line(fmt::format("{}: {}", name_, what), '?'));
}

template Tensor<float> CheckpointFile::tensor(const std::string&) const;
template Tensor<double> CheckpointFile::tensor(const std::string&) const;
template std::vector<double> CheckpointFile::list(const std::string&, std::size_t) const;
template std::vector<std::size_t> CheckpointFile::list(const std::string&, std::size_t) const;

} // namespace handgrad::train
