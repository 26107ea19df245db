#include "handgrad/io/safetensors_header.hpp"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "handgrad/error.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::io {
namespace {

constexpr std::string_view metadata_key = "__metadata__";
constexpr std::size_t most_dimensions = 32;

/// Takes the JSON piece by piece. Each piece is right at one place only, so nothing is built that is not wanted, and
/// nothing can be nested more deeply than the format has it.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
public:
    HeaderReader(Header& header, std::string_view file) : header_(header), file_(file) {}

    bool start_object(std::size_t) override {
        if (place_ == Place::start) {
            place_ = Place::names;
        } else if (place_ == Place::entry) {
            place_ = Place::fields;
            fields_.clear();
        } else if (place_ == Place::metadata) {
            place_ = Place::texts;
        } else {
            unexpected("an object");
        }
        return true;
    }

    bool key(std::string& name) override {
        if (place_ == Place::names) {
            name_ = name;
            if (!names_.insert(name).second) { fail("the header names {} twice", shown(name)); }
            if (name == metadata_key) {
                place_ = Place::metadata;
            } else {
                header_.entries.push_back({name, {}, {}, {}});
                place_ = Place::entry;
            }
        } else if (place_ == Place::texts) {
            key_ = name;
            if (header_.metadata.count(name) > 0) { fail("the metadata name {} twice", shown(name)); }
            place_ = Place::text;
        } else { // fields
            if (!fields_.insert(name).second) { fail("tensor {} has {} twice", shown(name_), shown(name)); }
            if (name == "dtype") {
                place_ = Place::dtype;
            } else if (name == "shape") {
                place_ = Place::shape;
            } else if (name == "data_offsets") {
                place_ = Place::offsets;
            } else {
                fail("tensor {} has an unknown field {}, expected dtype, shape and data_offsets", shown(name_),
                     shown(name));
            }
        }
        return true;
    }

    bool end_object() override {
        if (place_ == Place::fields) {
            for (const char* field : {"dtype", "shape", "data_offsets"}) {
                if (fields_.count(field) == 0) { fail("tensor {} has no {}", shown(name_), field); }
            }
            if (entry().offsets.size() != 2) {
                fail("tensor {} has {} data_offsets, expected 2", shown(name_), entry().offsets.size());
            }
            place_ = Place::names;
        } else if (place_ == Place::texts) {
            place_ = Place::names;
        } else { // names
            place_ = Place::end;
        }
        return true;
    }

    bool string(std::string& text) override {
        if (place_ == Place::text) {
            header_.metadata.emplace(key_, text);
            place_ = Place::texts;
        } else if (place_ == Place::dtype) {
            entry().dtype = text;
            place_ = Place::fields;
        } else {
            unexpected("a text");
        }
        return true;
    }

    bool start_array(std::size_t) override {
        if (place_ == Place::shape) {
            place_ = Place::extents;
        } else if (place_ == Place::offsets) {
            place_ = Place::limits;
        } else {
            unexpected("a list");
        }
        return true;
    }

    bool end_array() override {
        place_ = Place::fields;
        return true;
    }

    bool number_unsigned(std::uint64_t value) override {
        if (place_ == Place::extents) {
            if (entry().shape.size() == most_dimensions) {
                fail("tensor {} has more than {} dimensions", shown(name_), most_dimensions);
            }
            entry().shape.push_back(value);
        } else if (place_ == Place::limits) {
            if (entry().offsets.size() == 2) { fail("tensor {} has more than 2 data_offsets", shown(name_)); }
            entry().offsets.push_back(value);
        } else {
            unexpected(std::to_string(value));
        }
        return true;
    }

    bool number_integer(std::int64_t value) override { return unexpected(std::to_string(value)); }
    bool number_float(double, const std::string& text) override { return unexpected(text.substr(0, 40)); }
    bool boolean(bool value) override { return unexpected(value ? "true" : "false"); }
    bool null() override { return unexpected("null"); }
    bool binary(nlohmann::json::binary_t&) override { return unexpected("binary"); } // JSON has none
    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
        fail("the header is not valid JSON at byte {}", position);
    }

private:
    // Where we are, and so what comes next.
    enum class Place {
        start,    // the header's {
        names,    // a tensor's name, "__metadata__" or the header's }
        metadata, // { of the metadata
        texts,    // a key or } of the metadata
        text,     // the text of a key
        entry,    // { of a tensor
        fields,   // a field's name or } of a tensor
        dtype,    // its text
        shape,    // its [
        extents,  // a number or its ]
        offsets,  // its [
        limits,   // a number or its ]
        end       // nothing more
    };

    template <class... Args> [[noreturn]] void fail(fmt::format_string<Args...> what, Args&&... args) const {
        throw DataError(fmt::format("{}: {}", file_, fmt::format(what, std::forward<Args>(args)...)));
    }

    bool unexpected(const std::string& got) const {
        switch (place_) {
        case Place::start:
            fail("the header is {}, expected an object", got);
        case Place::metadata:
            fail("the metadata are {}, expected an object of texts", got);
        case Place::text:
            fail("the metadata have {} for {}, expected a text", got, shown(key_));
        case Place::entry:
            fail("tensor {} is described by {}, expected an object", shown(name_), got);
        case Place::dtype:
            fail("tensor {} has {} as its dtype, expected a text", shown(name_), got);
        case Place::shape:
        case Place::extents:
            fail("tensor {} has {} in its shape, expected whole numbers, 0 or more", shown(name_), got);
        default:
            fail("tensor {} has {} in its data_offsets, expected whole numbers, 0 or more", shown(name_), got);
        }
    }

    HeaderEntry& entry() { return header_.entries.back(); }
    const HeaderEntry& entry() const { return header_.entries.back(); }

    Header& header_;
    std::string_view file_;
    Place place_ = Place::start;
    std::string name_, key_;
    std::set<std::string> names_, fields_;
};

} // namespace

Header read_header(std::string_view json, std::string_view file) {
    // The parser takes a NUL for the end of its input and skips a byte order mark; the format has neither.
    if (json.empty() || json.front() != '{') {
        throw DataError(fmt::format("{}: the header does not begin with '{{'", file));
    }
    if (json.find('\0') != std::string_view::npos) {
        throw DataError(fmt::format("{}: the header is not valid JSON at byte {}", file, json.find('\0') + 1));
    }
    Header header;
    HeaderReader reader(header, file);
    nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
    return header;
}

} // namespace handgrad::io
