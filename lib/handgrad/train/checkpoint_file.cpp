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
constexpr const char* version = "1";

std::string checksum_of(const io::Safetensors& file) { return fmt::format("{:08x}", io::checksum(file, checksum_key)); }

/// A tensor's numbers in another floating-point type.
template <class To, class From> Tensor<To> converted(const Tensor<From>& from) {
    Tensor<To> to(from.shape());
    std::transform(from.data(), from.data() + from.size(), to.data(), [](From x) { return static_cast<To>(x); });
    return to;
}

} // namespace

template <class T> std::string not_finite(const Tensor<T>& tensor) {
    const T* const end = tensor.data() + tensor.size();
    const T* const bad = std::find_if(tensor.data(), end, [](T x) { return !std::isfinite(x); });
    if (bad == end) { return {}; }
    const double shown = std::isnan(*bad) ? std::abs(static_cast<double>(*bad)) : static_cast<double>(*bad);
    return fmt::format("holds {} at entry {}, expected finite numbers", shown, bad - tensor.data());
}

bool belongs_to_run(std::string_view name) {
    for (const std::string_view start : {"optimizer.", "loader.", "epoch.", "history."}) {
        if (name.substr(0, start.size()) == start) { return true; }
    }
    return false;
}

void write_checkpoint(const std::filesystem::path& path, io::Safetensors file) {
    file.metadata[version_key] = version;
    file.metadata[checksum_key] = checksum_of(file);
    io::write_safetensors(path, file);
}

CheckpointFile::CheckpointFile(const std::filesystem::path& path)
    : CheckpointFile(path.string(), io::read_safetensors(path)) {}

CheckpointFile::CheckpointFile(std::string_view bytes, std::string name)
    : CheckpointFile(name, io::parse_safetensors(bytes, name)) {}

CheckpointFile::CheckpointFile(std::string name, io::Safetensors file)
    : path_(std::move(name)), file_(std::move(file)) {
    const std::string* const expected = text(checksum_key);
    if (expected == nullptr) { return; }
    const std::string got = checksum_of(file_);
    if (got != *expected) {
        fail(fmt::format("is damaged: its contents have the checksum {}, expected {}", got, io::shown(*expected)));
    }
}

void CheckpointFile::require_checkpoint() const {
    const std::string* const found = text(version_key);
    if (found == nullptr) {
        fail(fmt::format("has no '{}' in its metadata: it holds no run that could go on", version_key));
    }
    if (*found != version) {
        fail(fmt::format("is a checkpoint of format {}, expected {}", io::shown(*found), version));
    }
    if (text(checksum_key) == nullptr) {
        fail(fmt::format("has no '{}' in its metadata, expected a checksum", checksum_key));
    }
}

const std::string* CheckpointFile::text(const std::string& key) const {
    const auto found = file_.metadata.find(key);
    return found == file_.metadata.end() ? nullptr : &found->second;
}

template <class T> Tensor<T> CheckpointFile::take(const std::string& name, const Shape& shape) {
    const io::StoredTensor& stored = shaped(name, shape);
    if (stored.dtype != io::dtype_of<T>()) {
        fail(fmt::format("tensor {} has dtype {}, expected {}", io::shown(name), io::to_string(stored.dtype),
                         io::to_string(io::dtype_of<T>())));
    }
    Tensor<T> tensor = io::tensor_of<T>(stored);
    if constexpr (std::is_floating_point_v<T>) {
        const std::string problem = not_finite(tensor);
        if (!problem.empty()) { fail(fmt::format("tensor {} {}", io::shown(name), problem)); }
    }
    return tensor;
}

template <class T> Tensor<T> CheckpointFile::take_converted(const std::string& name, const Shape& shape) {
    const io::Dtype dtype = shaped(name, shape).dtype;
    if (dtype == io::dtype_of<T>()) { return take<T>(name, shape); }
    if (dtype != io::Dtype::f32 && dtype != io::Dtype::f64) {
        fail(fmt::format("tensor {} has dtype {}, expected F32 or F64", io::shown(name), io::to_string(dtype)));
    }
    Tensor<T> tensor =
        dtype == io::Dtype::f32 ? converted<T>(take<float>(name, shape)) : converted<T>(take<double>(name, shape));
    const std::string problem = not_finite(tensor); // 1e300 is no float
    if (!problem.empty()) { fail(fmt::format("tensor {} {}", io::shown(name), problem)); }
    return tensor;
}

template <class T> std::vector<T> CheckpointFile::take_values(const std::string& name, std::size_t count) {
    using Stored = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
    const Tensor<Stored> tensor = take<Stored>(name, {count});
    std::vector<T> values;
    for (const Stored value : tensor.storage()) {
        if (std::is_integral_v<T> && value < 0) {
            fail(fmt::format("tensor {} holds {}, expected numbers from 0", io::shown(name), value));
        }
        values.push_back(static_cast<T>(value));
    }
    return values;
}

template <class T> std::vector<T> CheckpointFile::take_values(const std::string& name) {
    const Shape& shape = named(name).shape;
    if (shape.size() != 1) {
        fail(fmt::format("tensor {} has shape {}, expected a list", io::shown(name), to_string(shape)));
    }
    return take_values<T>(name, shape[0]);
}

void CheckpointFile::require_nothing_else(bool (*ignored)(std::string_view)) const {
    for (const io::StoredTensor& stored : file_.tensors) {
        if (taken_.count(stored.name) == 0 && !ignored(stored.name)) {
            fail(fmt::format("tensor {} of shape {} is too much: the model has none of this name",
                             io::shown(stored.name), to_string(stored.shape)));
        }
    }
}

void CheckpointFile::fail(const std::string& what) const { throw DataError(fmt::format("{}: {}", path_, what)); }

const io::StoredTensor& CheckpointFile::named(const std::string& name) {
    const io::StoredTensor* const stored = file_.find(name);
    if (stored == nullptr) { fail(fmt::format("tensor {} is missing", io::shown(name))); }
    taken_.insert(name);
    return *stored;
}

const io::StoredTensor& CheckpointFile::shaped(const std::string& name, const Shape& shape) {
    if (!has(name)) {
        fail(fmt::format("tensor {} is missing, expected one of shape {}", io::shown(name), to_string(shape)));
    }
    const io::StoredTensor& stored = named(name);
    if (stored.shape != shape) {
        const bool turned = shape.size() == 2 && stored.shape == Shape{shape[1], shape[0]};
        fail(fmt::format("tensor {} has shape {}, expected {}{}", io::shown(name), to_string(stored.shape),
                         to_string(shape), turned ? " (PyTorch's is transposed; export_torch.py turns it)" : ""));
    }
    return stored;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template std::string not_finite(const Tensor<T>&);                                                                 \
    template Tensor<T> CheckpointFile::take(const std::string&, const Shape&);                                         \
    template Tensor<T> CheckpointFile::take_converted(const std::string&, const Shape&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)
#undef HANDGRAD_INSTANTIATE
#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template std::vector<T> CheckpointFile::take_values(const std::string&);                                           \
    template std::vector<T> CheckpointFile::take_values(const std::string&, std::size_t);
HANDGRAD_INSTANTIATE(double)
HANDGRAD_INSTANTIATE(std::size_t)

} // namespace handgrad::train
