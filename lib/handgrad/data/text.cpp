#include "handgrad/data/text.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "handgrad/data/byte_source.hpp"
#include "handgrad/data/utf8.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::data {
namespace {

/// A character for a message.
std::string quoted(char32_t point) {
    if (point == U'\n') { return "'\\n'"; }
    std::string text;
    append(text, point);
    return io::shown(text);
}

/// The seed of Python's random.seed(n), for std::mt19937: the first state of the Mersenne Twister, by init_by_array of
/// its authors (M. Matsumoto and T. Nishimura, 2002) with the words of n as the key.
class PythonSeed {
public:
    using result_type = std::uint32_t;
    explicit PythonSeed(std::uint64_t n) : key_{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n >> 32)} {}

    /// Writes the 624 words of the state.
    template <class Iterator> void generate(Iterator first, Iterator last) const {
        const auto size = static_cast<std::uint32_t>(last - first);
        const std::uint32_t words = key_[1] == 0 ? 1 : 2;
        first[0] = 19650218;
        const auto mixed = [&](std::uint32_t i) {
            const auto before = static_cast<std::uint32_t>(first[i - 1]);
            return before ^ before >> 30;
        };
        for (std::uint32_t i = 1; i < size; ++i) { first[i] = 1812433253 * mixed(i) + i; }
        std::uint32_t i = 1;
        const auto step = [&](std::uint32_t factor, std::uint32_t summand) {
            first[i] = (static_cast<std::uint32_t>(first[i]) ^ mixed(i) * factor) + summand;
            if (++i == size) {
                first[0] = first[size - 1];
                i = 1;
            }
        };
        for (std::uint32_t k = 0; k < size; ++k) { step(1664525, key_[k % words] + k % words); }
        for (std::uint32_t k = 1; k < size; ++k) { step(1566083941, 0 - i); }
        first[0] = 0x80000000;
    }

private:
    std::uint32_t key_[2];
};

/// Python's random.seed(seed); random.shuffle(names).
void shuffle_as_python(std::vector<std::string>& names, std::uint64_t seed) {
    PythonSeed sequence(seed);
    std::mt19937 engine(sequence);
    for (std::size_t n = names.size(); n > 1; --n) {
        int bits = 0; // of n: a draw of that many bits is repeated until it is below n
        while (n >> bits != 0) { ++bits; }
        std::size_t draw = n;
        while (draw >= n) { draw = static_cast<std::uint32_t>(engine()) >> (32 - bits); }
        std::swap(names[n - 1], names[draw]);
    }
}

/// The bytes, unpacked if they are gzipped.
std::string unpacked(std::string_view bytes, const std::string& name, std::uint64_t largest) {
    ByteSource source(bytes, name);
    std::string text;
    constexpr std::size_t piece = 1 << 16;
    for (;;) {
        const std::size_t before = text.size();
        text.resize(before + piece);
        const std::size_t count = source.read(reinterpret_cast<std::uint8_t*>(text.data()) + before, piece);
        text.resize(before + count);
        require<DataError>(text.size() <= largest, "{}: more than {} bytes of text", name, largest);
        if (count < piece) { return text; }
    }
}

} // namespace

std::string parse_text(std::string_view bytes, const std::string& name, std::uint64_t largest) {
    const std::string all = unpacked(bytes, name, largest);
    std::string_view text = all;
    if (text.substr(0, 3) == "\xEF\xBB\xBF") { text.remove_prefix(3); }
    require<DataError>(!text.empty(), "{}: the file is empty, expected text", name);
    std::string result;
    result.reserve(text.size());
    std::size_t line = 1;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t point = next_character(text, at);
        require<DataError>(point != not_utf8,
                           "{}: line {} has the byte 0x{:02x}, which is no UTF-8; expected text in UTF-8", name, line,
                           static_cast<unsigned char>(text[begin]));
        if (point == U'\r' && at < text.size() && text[at] == '\n') { continue; }
        require<DataError>((point >= 32 && point != 127) || point == U'\n' || point == U'\t',
                           "{}: line {} has the control character 0x{:02x}; expected text, not a binary file", name,
                           line, static_cast<unsigned>(point));
        result.append(text, begin, at - begin);
        line += point == U'\n' ? 1 : 0;
    }
    return result;
}

std::string read_text(const std::filesystem::path& path) {
    return parse_text(io::read_file(path, max_text_bytes), path.string());
}

std::string printable_text(std::string_view bytes) {
    std::string result;
    for (std::size_t at = 0; at < bytes.size();) {
        const char32_t point = next_character(bytes, at);
        const bool is_control = point < 32 || (point >= 127 && point < 160);
        const bool is_kept = point != not_utf8 && (!is_control || point == U'\n' || point == U'\t');
        append(result, is_kept ? point : U'\uFFFD');
        at += point == not_utf8 ? 1 : 0;
    }
    return result;
}

std::filesystem::path find_text(const std::string& name, const std::filesystem::path& folder,
                                const std::filesystem::path& own) {
    std::string tried;
    for (const std::filesystem::path& place : data_folders(name, folder, own)) {
        for (const char* ending : {".txt", ".txt.gz"}) {
            std::error_code error;
            const std::filesystem::path path = place / (name + ending);
            if (std::filesystem::exists(path, error)) { return path; }
            if (error) { throw DataError(fmt::format("{}: {}", path.string(), error.message())); }
        }
        tried += (tried.empty() ? "" : ", ") + place.string();
    }
    throw DataError(fmt::format("{}: found no {}.txt[.gz]; tried {}", name, name, tried));
}

CharacterVocabulary::CharacterVocabulary(std::string_view text) {
    require<DataError>(!text.empty(), "CharacterVocabulary: the text is empty");
    for (std::size_t at = 0; at < text.size();) {
        const char32_t point = next_character(text, at);
        require<DataError>(point != not_utf8, "CharacterVocabulary: the text is no UTF-8 at byte {}", at);
        const auto place = std::lower_bound(points_.begin(), points_.end(), point);
        if (place == points_.end() || *place != point) { points_.insert(place, point); }
    }
}

Labels CharacterVocabulary::encode(std::string_view text, const std::string& name) const {
    std::vector<std::int64_t> tokens;
    tokens.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const char32_t point = next_character(text, at);
        require<DataError>(point != not_utf8, "{}: byte {} is no UTF-8", name, at);
        const auto place = std::lower_bound(points_.begin(), points_.end(), point);
        require<DataError>(place != points_.end() && *place == point,
                           "{}: unknown character {} at position {}, expected one of {}", name, quoted(point),
                           tokens.size(), shown());
        tokens.push_back(place - points_.begin());
    }
    Labels result(Shape{tokens.size()});
    std::copy(tokens.begin(), tokens.end(), result.data());
    return result;
}

std::string CharacterVocabulary::character(std::size_t token) const {
    require<DataError>(token < size(), "text: token {} is not in the vocabulary, expected 0 to {}", token, size() - 1);
    std::string text;
    append(text, points_[token]);
    return text;
}

std::string CharacterVocabulary::decode(const Labels& tokens) const {
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::int64_t token = tokens.data()[i];
        require<DataError>(token >= 0 && static_cast<std::size_t>(token) < size(),
                           "text: token {} is not in the vocabulary, expected 0 to {}", token, size() - 1);
        append(text, points_[static_cast<std::size_t>(token)]);
    }
    return text;
}

std::string CharacterVocabulary::shown() const {
    std::string text;
    for (const char32_t point : points_) {
        if (point == U'\n') {
            text += "\\n";
        } else if (point == U'\t') {
            text += "\\t";
        } else {
            append(text, point);
        }
        if (text.size() > 200) { return text + "..."; } // for messages: a large vocabulary is not shown whole
    }
    return text;
}

std::vector<std::string> lines_of(std::string_view text, const std::string& name) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        require<DataError>(!line.empty(), "{}: line {} is empty, expected a name", name, lines.size() + 1);
        const auto characters = static_cast<std::size_t>(std::count_if(
            line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
        require<DataError>(characters <= max_name_characters,
                           "{}: line {} has {} characters, expected a name of at most {}", name, lines.size() + 1,
                           characters, max_name_characters);
        lines.emplace_back(line);
    }
    require<DataError>(lines.size() >= 10, "{}: {} names, expected at least 10", name, lines.size());
    return lines;
}

Splits<std::vector<std::string>> split_names(std::vector<std::string> names, std::uint64_t seed) {
    require<DataError>(names.size() >= 10, "split_names: {} names, expected at least 10", names.size());
    shuffle_as_python(names, seed);
    const auto part = [&](std::size_t from, std::size_t to) {
        const auto place = [&](std::size_t tenths) {
            return names.begin() + static_cast<std::ptrdiff_t>(names.size() * tenths / 10);
        };
        return std::vector<std::string>(place(from), place(to));
    };
    return {part(0, 8), part(8, 9), part(9, 10)};
}

} // namespace handgrad::data
