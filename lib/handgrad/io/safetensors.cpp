#include "handgrad/io/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"
#include "handgrad/io/read_file.hpp"
#include "handgrad/io/safetensors_header.hpp"
#include "handgrad/io/shown.hpp"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors are little endian: on this machine every number would have to be turned round"
#endif

namespace handgrad::io {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000; // as the format's own library has it
constexpr Dtype all_dtypes[] = {Dtype::f64, Dtype::i64, Dtype::f32, Dtype::u8};

/// Eight bytes, little endian.
std::string encode(std::uint64_t number) {
    std::string bytes(length_bytes, '\0');
    std::memcpy(bytes.data(), &number, length_bytes);
    return bytes;
}

/// What this many numbers of this size take, in bytes; false if that is no number that a file's size can be. Where an
/// extent is 0 the others count nevertheless: a tensor's strides are made of them.
bool byte_count(const std::vector<std::uint64_t>& shape, std::size_t size, std::uint64_t& bytes) {
    std::uint64_t product = size;
    bool empty = false;
    for (const std::uint64_t extent : shape) {
        empty = empty || extent == 0;
        const std::uint64_t factor = std::max<std::uint64_t>(extent, 1);
        if (product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / factor) { return false; }
        product *= factor;
    }
    bytes = empty ? 0 : product;
    return true;
}

/// The tensor that the header's entry describes; its bytes are still to be copied.
StoredTensor described(const HeaderEntry& entry, std::string_view file) {
    StoredTensor tensor{entry.name, Dtype::u8, Shape(entry.shape.begin(), entry.shape.end()), {}};
    const auto* known = std::find_if(std::begin(all_dtypes), std::end(all_dtypes),
                                     [&](Dtype dtype) { return to_string(dtype) == entry.dtype; });
    if (known == std::end(all_dtypes)) {
        throw DataError(fmt::format("{}: tensor {} has dtype {}, expected F64, I64, F32 or U8", file, shown(entry.name),
                                    shown(entry.dtype)));
    }
    tensor.dtype = *known;
    return tensor;
}

/// Throws unless the entry's bytes begin at `expected` and are as many as its shape wants.
void require_range(const HeaderEntry& entry, const StoredTensor& tensor, std::uint64_t expected, std::uint64_t all,
                   std::string_view file) {
    const auto fail = [&](const std::string& what) {
        throw DataError(fmt::format("{}: tensor {} {}", file, shown(entry.name), what));
    };
    const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    std::uint64_t wanted = 0;
    if (!byte_count(entry.shape, size_of(tensor.dtype), wanted)) {
        fail(fmt::format("has shape {}, too large for any file", handgrad::to_string(tensor.shape)));
    }
    if (end < begin) { fail(fmt::format("has data_offsets {} and {}, expected the smaller one first", begin, end)); }
    if (end > all) {
        fail(fmt::format("ends at byte {} of the numbers, but there are {}: the file is truncated", end, all));
    }
    if (end - begin != wanted) {
        fail(fmt::format("has {} bytes, expected {} for {} of shape {}", end - begin, wanted, to_string(tensor.dtype),
                         handgrad::to_string(tensor.shape)));
    }
    if (begin != expected) {
        fail(fmt::format("begins at byte {} of the numbers, expected {}: tensors must neither overlap nor leave gaps",
                         begin, expected));
    }
}

} // namespace

std::string_view to_string(Dtype dtype) {
    switch (dtype) {
    case Dtype::f64:
        return "F64";
    case Dtype::i64:
        return "I64";
    case Dtype::f32:
        return "F32";
    case Dtype::u8:
        break;
    }
    return "U8";
}

std::size_t size_of(Dtype dtype) { return dtype == Dtype::u8 ? 1 : dtype == Dtype::f32 ? 4 : 8; }

const StoredTensor* Safetensors::find(std::string_view name) const {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    return found == tensors.end() ? nullptr : &*found;
}

template <class T> StoredTensor stored(std::string name, const Tensor<T>& tensor) {
    StoredTensor result{std::move(name), dtype_of<T>(), tensor.shape(), std::string(tensor.size() * sizeof(T), '\0')};
    if (tensor.size() > 0) { std::memcpy(result.bytes.data(), tensor.data(), result.bytes.size()); }
    return result;
}

template <class T> Tensor<T> tensor_of(const StoredTensor& stored) {
    if (stored.dtype != dtype_of<T>()) {
        throw DataError(fmt::format("tensor {} has dtype {}, expected {}", shown(stored.name), to_string(stored.dtype),
                                    to_string(dtype_of<T>())));
    }
    Tensor<T> tensor(stored.shape);
    if (tensor.size() > 0) { std::memcpy(tensor.data(), stored.bytes.data(), tensor.size() * sizeof(T)); }
    return tensor;
}

std::string to_bytes(const Safetensors& file) {
    std::vector<const StoredTensor*> order;
    std::set<std::string_view> names{"__metadata__"};
    for (const StoredTensor& tensor : file.tensors) {
        std::uint64_t wanted = 0;
        if (!names.insert(tensor.name).second) {
            throw ShapeError(fmt::format("safetensors: {} is taken, expected another name", shown(tensor.name)));
        }
        if (!byte_count({tensor.shape.begin(), tensor.shape.end()}, size_of(tensor.dtype), wanted) ||
            wanted != tensor.bytes.size()) {
            throw ShapeError(fmt::format("safetensors: tensor {} has {} bytes, expected {} for shape {}",
                                         shown(tensor.name), tensor.bytes.size(), wanted,
                                         handgrad::to_string(tensor.shape)));
        }
        order.push_back(&tensor);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return size_of(a->dtype) > size_of(b->dtype); });

    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    if (!file.metadata.empty()) { json["__metadata__"] = file.metadata; }
    std::size_t offset = 0;
    for (const StoredTensor* tensor : order) {
        const std::size_t end = offset + tensor->bytes.size();
        json[tensor->name] = {{"dtype", to_string(tensor->dtype)},
                              {"shape", std::vector<std::size_t>(tensor->shape.begin(), tensor->shape.end())},
                              {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string header = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    header.resize((header.size() + 7) / 8 * 8, ' '); // so that the numbers are aligned
    std::string bytes = encode(header.size()) + header;
    for (const StoredTensor* tensor : order) { bytes += tensor->bytes; }
    return bytes;
}

Safetensors parse_safetensors(std::string_view bytes, std::string_view name) {
    if (bytes.size() < length_bytes) {
        throw DataError(
            fmt::format("{}: has {} bytes, too few for a safetensors file: it is truncated", name, bytes.size()));
    }
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), length_bytes);
    bytes.remove_prefix(length_bytes);
    if (length > longest_header) {
        throw DataError(fmt::format("{}: its header has {} bytes, expected at most {}: it is not a safetensors file",
                                    name, length, longest_header));
    }
    if (length > bytes.size()) {
        throw DataError(
            fmt::format("{}: its header has {} bytes, but {} follow: it is truncated", name, length, bytes.size()));
    }
    Header header = read_header(bytes.substr(0, static_cast<std::size_t>(length)), name);
    bytes.remove_prefix(static_cast<std::size_t>(length));

    // By place; an empty tensor before one that begins where it stands.
    std::sort(header.entries.begin(), header.entries.end(),
              [](const HeaderEntry& a, const HeaderEntry& b) { return a.offsets < b.offsets; });
    Safetensors file;
    file.metadata = std::move(header.metadata);
    std::uint64_t next = 0;
    for (const HeaderEntry& entry : header.entries) {
        StoredTensor tensor = described(entry, name);
        require_range(entry, tensor, next, bytes.size(), name);
        const std::uint64_t end = entry.offsets[1];
        tensor.bytes = bytes.substr(static_cast<std::size_t>(next), static_cast<std::size_t>(end - next));
        file.tensors.push_back(std::move(tensor));
        next = end;
    }
    if (next != bytes.size()) {
        throw DataError(fmt::format("{}: {} bytes at its end belong to no tensor", name, bytes.size() - next));
    }
    return file;
}

Safetensors read_safetensors(const std::filesystem::path& path, std::uint64_t largest) {
    return parse_safetensors(read_file(path, largest), path.string());
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& file) { write_file(path, to_bytes(file)); }

std::uint32_t checksum(const Safetensors& file, std::string_view except) {
    uLong crc = crc32(0, nullptr, 0);
    const auto add = [&crc](std::string_view bytes) { // with its length, so that nothing can move between neighbours
        const std::string length = encode(bytes.size());
        for (const std::string_view piece : {std::string_view(length), bytes}) {
            crc = crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
        }
    };
    for (const auto& [key, text] : file.metadata) {
        if (key != except) { add(key), add(text); }
    }
    std::map<std::string_view, const StoredTensor*> by_name;
    for (const StoredTensor& tensor : file.tensors) { by_name.emplace(tensor.name, &tensor); }
    for (const auto& [tensor_name, tensor] : by_name) {
        add(tensor_name), add(to_string(tensor->dtype)), add(handgrad::to_string(tensor->shape)), add(tensor->bytes);
    }
    return static_cast<std::uint32_t>(crc);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template StoredTensor stored(std::string, const Tensor<T>&);                                                       \
    template Tensor<T> tensor_of(const StoredTensor&);
HANDGRAD_INSTANTIATE(double)
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(std::int64_t)
HANDGRAD_INSTANTIATE(std::uint8_t)

} // namespace handgrad::io
