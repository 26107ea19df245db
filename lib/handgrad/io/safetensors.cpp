#include "handgrad/io/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/shown.hpp"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little endian: a big-endian machine has to reverse the bytes of every number"
#endif

namespace handgrad::io {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000; // the limit of the format's own library
constexpr std::uint64_t too_large = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view metadata_key = "__metadata__";

/// Throws a DataError that names the file.
template <class... Args>
[[noreturn]] void fail(std::string_view file, fmt::format_string<Args...> message, Args&&... args) {
    throw DataError(fmt::format("{}: {}", file, fmt::format(message, std::forward<Args>(args)...)));
}

std::string little_endian(std::uint64_t number) { return {reinterpret_cast<const char*>(&number), length_bytes}; }

/// Returns the size in bytes of a tensor whose numbers have `size` bytes each, or `too_large` if no file can hold it.
/// An extent of 0 counts as 1 in this check, because the tensor's strides are products of the other extents.
std::uint64_t byte_count(const Shape& shape, std::uint64_t size) {
    double bound = static_cast<double>(size);
    for (const std::size_t extent : shape) {
        bound *= static_cast<double>(std::max<std::size_t>(extent, 1));
        size *= extent;
    }
    return bound < 9e18 ? size : too_large;
}

/// One tensor of the header: its name, its dtype, its shape, and where its bytes begin and end.
struct Entry {
    std::string name, dtype;
    std::vector<std::uint64_t> shape, offsets;
};

struct Header {
    std::vector<Entry> entries;
    std::map<std::string, std::string> metadata;
};

/// Reads the header. nlohmann::json's callback checks each value when it is parsed and drops it when it is read, so a
/// hostile header can neither nest deeply nor fill the memory.
Header read_header(std::string_view json, std::string_view file) {
    using Json = nlohmann::json;
    using Type = Json::value_t;
    // The parser would skip a byte order mark and end at a NUL; the format has neither.
    if (json.substr(0, 1) != "{") { fail(file, "the header does not begin with '{{'"); }
    const std::size_t nul = json.find('\0');
    if (nul != std::string_view::npos) { fail(file, "the header is not valid JSON at byte {}", nul + 1); }

    Header header;
    std::string name, field; // last keys: of the header, and of the object in it
    std::set<std::string> names, fields;
    std::size_t items = 0; // of the list
    const auto check_type = [&](int depth, Type type, const Json& value) {
        const bool metadata = name == metadata_key, list = !metadata && field != "dtype";
        const Type inner = depth > 2 ? Type::number_unsigned : list ? Type::array : Type::string;
        if (type == (depth < 2 ? Type::object : inner)) { return; }
        const std::string got = type == Type::object   ? "an object"
                                : type == Type::array  ? "a list"
                                : type == Type::string ? "a string"
                                                       : value.dump();
        if (depth == 1 && metadata) { fail(file, "the metadata is {}, expected an object of strings", got); }
        if (depth == 1) { fail(file, "tensor {} is described by {}, expected an object", shown(name), got); }
        if (metadata) { fail(file, "the metadata has {} for {}, expected a string", got, shown(field)); }
        if (!list) { fail(file, "tensor {} has {} as its dtype, expected a string", shown(name), got); }
        fail(file, "tensor {} has {} in its {}, expected whole numbers, 0 or more", shown(name), got, field);
    };
    const auto start_field = [&] {
        const bool metadata = name == metadata_key, twice = !fields.insert(field).second;
        if (twice && metadata) { fail(file, "the metadata names {} twice", shown(field)); }
        if (twice) { fail(file, "tensor {} has {} twice", shown(name), shown(field)); }
        if (!metadata && field != "dtype" && field != "shape" && field != "data_offsets") {
            fail(file, "tensor {} has an unknown field {}, expected dtype, shape and data_offsets", shown(name),
                 shown(field));
        }
    };
    const auto end_entry = [&](const Json& value) {
        if (name == metadata_key) { return void(value.get_to(header.metadata)); }
        for (const char* expected : {"dtype", "shape", "data_offsets"}) {
            if (!value.contains(expected)) { fail(file, "tensor {} has no {}", shown(name), expected); }
        }
        header.entries.push_back({name, value["dtype"], value["shape"], value["data_offsets"]});
        const std::size_t offsets = value["data_offsets"].size();
        if (offsets != 2) { fail(file, "tensor {} has {} data_offsets, expected 2", shown(name), offsets); }
    };
    // `depth` counts the objects and lists around the value. Returns false to drop the value.
    const auto callback = [&](int depth, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) { check_type(depth, Type::object, value); }
        if (event == Json::parse_event_t::array_start) { check_type(depth, Type::array, value), items = 0; }
        if (event == Json::parse_event_t::key && depth == 1) {
            value.get_to(name);
            fields.clear();
            if (!names.insert(name).second) { fail(file, "the header names {} twice", shown(name)); }
        } else if (event == Json::parse_event_t::key) {
            value.get_to(field);
            start_field();
        } else if (event == Json::parse_event_t::value) {
            check_type(depth, value.type(), value);
            if (const std::size_t most = field == "shape" ? 32 : 2; depth == 3 && ++items > most) {
                fail(file, "tensor {} has more than {} {}", shown(name), most, most == 2 ? field : "dimensions");
            }
        } else if (event == Json::parse_event_t::object_end && depth == 1) {
            end_entry(value);
            return false;
        }
        return true;
    };
    try {
        [[maybe_unused]] const Json rest = Json::parse(json.begin(), json.end(), callback);
    } catch (const Json::parse_error& error) {
        fail(file, "the header is not valid JSON at byte {}", error.byte);
    } catch (const Json::out_of_range&) { fail(file, "the header has a number that is out of range"); }
    return header;
}

/// Checks an entry whose bytes have to begin at byte `expected` of the numbers.
StoredTensor described(const Entry& entry, std::uint64_t expected, std::string_view numbers, std::string_view file) {
    const auto check = [&](bool good, const std::string& problem) {
        require<DataError>(good, "{}: tensor {} {}", file, shown(entry.name), problem);
    };
    StoredTensor tensor{entry.name, Dtype::f64, Shape(entry.shape.begin(), entry.shape.end()), {}};
    for (const Dtype dtype : {Dtype::i64, Dtype::f32, Dtype::u8}) {
        if (to_string(dtype) == entry.dtype) { tensor.dtype = dtype; }
    }
    check(to_string(tensor.dtype) == entry.dtype,
          fmt::format("has dtype {}, expected F64, I64, F32 or U8", shown(entry.dtype)));
    const std::string shape = handgrad::to_string(tensor.shape);
    const std::uint64_t size = byte_count(tensor.shape, size_of(tensor.dtype));
    const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    check(size != too_large, fmt::format("has shape {}, too large for any file", shape));
    check(begin <= end, fmt::format("has data_offsets {} and {}, expected the smaller one first", begin, end));
    check(end <= numbers.size(),
          fmt::format("ends at byte {} of the numbers, but there are {}: the file is truncated", end, numbers.size()));
    check(end - begin == size,
          fmt::format("has {} bytes, expected {} for {} of shape {}", end - begin, size, entry.dtype, shape));
    check(begin == expected, fmt::format("begins at byte {} of the numbers, expected {}: tensors must neither overlap "
                                         "nor leave gaps",
                                         begin, expected));
    tensor.bytes = numbers.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
    return tensor;
}

} // namespace

std::string_view to_string(Dtype dtype) {
    constexpr std::string_view names[] = {"F64", "I64", "F32", "U8"};
    return names[static_cast<std::size_t>(dtype)];
}

std::size_t size_of(Dtype dtype) { return dtype == Dtype::u8 ? 1 : dtype == Dtype::f32 ? 4 : 8; }

const StoredTensor* Safetensors::find(std::string_view name) const {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    return found == tensors.end() ? nullptr : &*found;
}

template <class T> StoredTensor stored(std::string name, const Tensor<T>& tensor) {
    return {std::move(name), dtype_of<T>(), tensor.shape(),
            std::string(reinterpret_cast<const char*>(tensor.data()), tensor.size() * sizeof(T))};
}

template <class T> Tensor<T> tensor_of(const StoredTensor& stored) {
    require<DataError>(stored.dtype == dtype_of<T>(), "tensor {} has dtype {}, expected {}", shown(stored.name),
                       to_string(stored.dtype), to_string(dtype_of<T>()));
    Tensor<T> tensor(stored.shape);
    if (tensor.size() > 0) { std::memcpy(tensor.data(), stored.bytes.data(), tensor.size() * sizeof(T)); }
    return tensor;
}

std::string to_bytes(const Safetensors& file) {
    std::vector<const StoredTensor*> order;
    std::set<std::string_view> names{metadata_key};
    for (const StoredTensor& tensor : file.tensors) {
        const std::uint64_t size = byte_count(tensor.shape, size_of(tensor.dtype));
        require<ShapeError>(names.insert(tensor.name).second, "safetensors: {} is taken, expected another name",
                            shown(tensor.name));
        require<ShapeError>(size == tensor.bytes.size(),
                            "safetensors: tensor {} has {} bytes, expected {} for shape {}", shown(tensor.name),
                            tensor.bytes.size(), size, handgrad::to_string(tensor.shape));
        order.push_back(&tensor);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return size_of(a->dtype) > size_of(b->dtype); });

    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    if (!file.metadata.empty()) { json[std::string(metadata_key)] = file.metadata; }
    std::size_t offset = 0;
    for (const StoredTensor* tensor : order) {
        const std::size_t end = offset + tensor->bytes.size();
        json[tensor->name] = {{"dtype", to_string(tensor->dtype)},
                              {"shape", std::vector<std::size_t>(tensor->shape.begin(), tensor->shape.end())},
                              {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string header = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    header.resize((header.size() + 7) / 8 * 8, ' '); // aligns the numbers
    std::string bytes = little_endian(header.size()) + header;
    for (const StoredTensor* tensor : order) { bytes += tensor->bytes; }
    return bytes;
}

Safetensors parse_safetensors(std::string_view bytes, std::string_view name) {
    require<DataError>(bytes.size() >= length_bytes,
                       "{}: has {} bytes, too few for a safetensors file: it is truncated", name, bytes.size());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), length_bytes);
    bytes.remove_prefix(length_bytes);
    require<DataError>(length <= longest_header,
                       "{}: its header has {} bytes, expected at most {}: it is not a safetensors file", name, length,
                       longest_header);
    require<DataError>(length <= bytes.size(), "{}: its header has {} bytes, but {} follow: it is truncated", name,
                       length, bytes.size());
    Header header = read_header(bytes.substr(0, static_cast<std::size_t>(length)), name);
    bytes.remove_prefix(static_cast<std::size_t>(length));

    // In the order of their bytes, an empty tensor before another one that begins at the same byte.
    std::sort(header.entries.begin(), header.entries.end(),
              [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
    Safetensors file{{}, std::move(header.metadata)};
    std::uint64_t next = 0;
    for (const Entry& entry : header.entries) {
        file.tensors.push_back(described(entry, next, bytes, name));
        next = entry.offsets[1];
    }
    require<DataError>(next == bytes.size(), "{}: {} bytes at its end belong to no tensor", name, bytes.size() - next);
    return file;
}

Safetensors read_safetensors(const std::filesystem::path& path, std::uint64_t largest) {
    return parse_safetensors(read_file(path, largest), path.string());
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& file) { write_file(path, to_bytes(file)); }

std::uint32_t checksum(const Safetensors& file, std::string_view except) {
    uLong crc = crc32(0, nullptr, 0);
    const auto add = [&crc](std::string_view bytes) { // with its length, so that no byte can move to a neighbour
        const std::string length = little_endian(bytes.size());
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
