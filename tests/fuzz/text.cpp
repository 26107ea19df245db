// Text files, plain and gzipped: what is read is UTF-8 without control characters, has a vocabulary, and comes back from
// its tokens.

#include "handgrad/data/text.hpp"
#include "fuzz.hpp"
#include "handgrad/error.hpp"
#include "support/gzip.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

constexpr std::uint64_t largest = 1 << 16;

/// The text of a file; empty if it is refused.
std::string parsed(const std::string& bytes) {
    try {
        return data::parse_text(bytes, "file", largest);
    } catch (const DataError& error) {
        require_one_line(error.what(), "file: ");
        return {};
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string file(reinterpret_cast<const char*>(data), size);
    const std::string text = parsed(file);
    const bool packed = file.substr(0, 2) == "\x1f\x8b";
    if (!packed && size <= largest) { require(parsed(support::gzip(file)) == text, "gzip changes nothing"); }
    if (text.empty()) { return 0; }
    require(text.size() <= largest, "a text is not larger than allowed");
    if (text.substr(0, 3) != "\xEF\xBB\xBF") { // a second byte order mark
        require(parsed(text) == text, "a text that was read is read again as it is");
    }
    for (const char c : text) {
        require(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t', "a text has no control characters");
    }
    const data::CharacterVocabulary vocabulary(text);
    require(vocabulary.decode(vocabulary.encode(text)) == text, "tokens are the text again");
    try {
        std::size_t length = 0;
        const auto lines = data::lines_of(text, "file");
        for (const std::string& line : lines) { length += line.size() + 1; }
        require(length == text.size() || length == text.size() + 1, "the lines are the text");
        const auto splits = data::split_names(lines, size);
        require(splits.train.size() + splits.dev.size() + splits.test.size() == lines.size(), "no name is lost");
    } catch (const DataError& error) { require_one_line(error.what(), "file: "); }
    return 0;
}
