// The files of a byte-pair encoding, and text. The first byte tells what follows: a vocabulary, a list of merges or a text;
// the other two are as they should be. What is accepted encodes a text to tokens of which the text comes back.

#include "handgrad/data/byte_pair.hpp"
#include "fuzz.hpp"
#include "handgrad/data/text.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

/// A vocabulary of the 256 bytes and of "th", "the" and "aa".
std::string good_vocabulary() {
    std::string json = "{\"th\": 256, \"the\": 257, \"aa\": 258";
    int other = 256;
    for (int byte = 0; byte < 256; ++byte) {
        const bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        char letter[8];
        std::snprintf(letter, sizeof letter, "\\u%04x", static_cast<unsigned>(prints ? byte : other++));
        json += ", \"" + std::string(letter) + "\": " + std::to_string(byte);
    }
    return json + "}";
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    static const std::string all = good_vocabulary(), pairs = "#version: 0.2\nt h\nth e\na a\n";
    const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const int kind = data[0] % 3;
    try {
        const data::BytePairVocabulary vocabulary({kind == 0 ? rest : all, "vocab"},
                                                  {kind == 1 ? rest : pairs, "merges"});
        const std::string text = kind == 2 ? rest : "The then 'there's\xC3\xA9 aaaa\n\n 12";
        const Labels tokens = vocabulary.encode(text, "text");
        require(tokens.size() <= text.size(), "a token has at least a byte");
        require(vocabulary.decode(tokens) == text, "tokens are the text again");
    } catch (const DataError& error) {
        const std::string_view message = error.what();
        const bool about_vocabulary = message.substr(0, 5) == "vocab", about_merges = message.substr(0, 6) == "merges";
        require_one_line(message, about_vocabulary ? "vocab: " : about_merges ? "merges: line " : "text: byte ");
    }
    const std::string shown = data::printable_text(rest);
    require(data::printable_text(shown) == shown, "what can be printed stays as it is");
    return 0;
}
