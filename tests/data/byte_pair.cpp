// Byte-pair encoding: the tokens that a Python program of its own makes of the same files, text that comes back from its
// tokens, and files that are refused.

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "handgrad/data/byte_pair.hpp"
#include "handgrad/data/text.hpp"
#include "handgrad/io/file.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const std::filesystem::path pair_files = std::filesystem::path(HANDGRAD_FIXTURES) / "gpt2";

const data::BytePairVocabulary& pair_vocabulary() {
    static const auto vocabulary = data::read_byte_pairs(pair_files / "vocab.json", pair_files / "merges.txt");
    return vocabulary;
}

std::vector<std::int64_t> pair_tokens(const std::string& text) {
    const Labels tokens = pair_vocabulary().encode(text);
    return {tokens.begin(), tokens.end()};
}

/// The files as they should be, one of which a test changes.
struct PairFiles {
    nlohmann::ordered_json tokens = nlohmann::ordered_json::parse(io::read_file(pair_files / "vocab.json", 1 << 20));
    std::string merges = io::read_file(pair_files / "merges.txt", 1 << 20);

    std::string refusal(const std::string& vocabulary) const {
        return message_of<DataError>([&] {
            data::BytePairVocabulary({vocabulary, "vocab.json"}, {merges, "merges.txt"});
        });
    }
    std::string refusal() const { return refusal(tokens.dump()); }
};

} // namespace

TEST_CASE("byte pairs: tricky texts have the tokens that another program makes, and come back", "[data][text]") {
    const auto expected = nlohmann::json::parse(io::read_file(pair_files / "texts.json", 1 << 20));
    REQUIRE(expected["texts"].size() == 26);
    CHECK(pair_vocabulary().size() == 300);
    for (const auto& each : expected["texts"]) {
        const auto text = each["text"].get<std::string>();
        INFO(data::printable_text(text));
        const Labels tokens = pair_vocabulary().encode(text);
        CHECK(std::vector<std::int64_t>(tokens.begin(), tokens.end()) ==
              each["tokens"].get<std::vector<std::int64_t>>());
        CHECK(pair_vocabulary().decode(tokens) == text);
    }
}

TEST_CASE("byte pairs: every text comes back from its tokens, and whole words do not depend on their neighbours",
          "[data][text]") {
    Random random(1);
    const std::string signs[] = {"a",
                                 "the",
                                 "'",
                                 "s",
                                 "T",
                                 "3",
                                 " ",
                                 "  ",
                                 "\n",
                                 "\t",
                                 "\xC3\xA9",
                                 "\xE4\xB8\xAD",
                                 "\xF0\x9F\x98\x80",
                                 "\xE2\x80\x83",
                                 "\xCC\x81",
                                 "-",
                                 std::string(1, '\0'),
                                 "\xC2\x85",
                                 "\xE1\xA0\x8E"};
    for (int n = 0; n < 200; ++n) {
        std::string text;
        for (std::uint64_t i = random.below(30); i > 0; --i) { text += signs[random.below(std::size(signs))]; }
        const Labels tokens = pair_vocabulary().encode(text);
        REQUIRE(pair_vocabulary().decode(tokens) == text);
        auto both = pair_tokens(text + "x");
        const auto more = pair_tokens(" the");
        both.insert(both.end(), more.begin(), more.end());
        CHECK(pair_tokens(text + "x the") == both);
    }
    // The order of the list decides, not the place in the word: "r e" stands before "e r" there.
    CHECK(pair_tokens("ere") == std::vector<std::int64_t>{pair_tokens("e")[0], pair_tokens("re")[0]});
    CHECK(pair_tokens("re").size() == 1);
    CHECK(pair_tokens("er").size() == 1);
    CHECK(pair_tokens(" the").size() == 1);
    CHECK(pair_tokens(std::string(100000, 'e')).size() == 100000); // in no more than a moment
}

TEST_CASE("byte pairs: a long word has the tokens that one merge after another gives", "[data][text]") {
    // The letters a, b and c, and 60 merges in any order: a merge may stand before those that make its parts.
    Random random(1);
    std::vector<std::string> tokens = {"a", "b", "c"};
    std::vector<std::pair<std::string, std::string>> pairs;
    while (pairs.size() < 60) {
        const std::string left = tokens[random.below(tokens.size())], right = tokens[random.below(tokens.size())];
        const auto known = std::find(pairs.begin(), pairs.end(), std::pair{left, right});
        if (known != pairs.end() || left.size() + right.size() > 6) { continue; }
        pairs.insert(pairs.begin() + static_cast<std::ptrdiff_t>(random.below(pairs.size() + 1)), {left, right});
        const std::string both = left + right;
        if (std::find(tokens.begin(), tokens.end(), both) == tokens.end()) { tokens.push_back(both); }
    }
    PairFiles files;
    files.tokens.erase(files.tokens.begin(), files.tokens.end());
    const auto bytes = nlohmann::ordered_json::parse(io::read_file(pair_files / "vocab.json", 1 << 20));
    for (const auto& [token, number] : bytes.items()) {
        if (number < 256) { files.tokens[token] = number; }
    }
    for (std::size_t i = 3; i < tokens.size(); ++i) { files.tokens[tokens[i]] = files.tokens.size(); }
    files.merges.clear();
    for (const auto& [left, right] : pairs) { files.merges += left + " " + right + "\n"; }
    const data::BytePairVocabulary vocabulary({files.tokens.dump(), "vocab.json"}, {files.merges, "merges.txt"});

    std::string word;
    while (word.size() < 3000) { word += std::string(1 + random.below(5), "abc"[random.below(3)]); }
    std::vector<std::string> parts;
    for (const char letter : word) { parts.emplace_back(1, letter); }
    for (bool joined = true; joined;) { // the first merge of the list that the word has, in all its places
        joined = false;
        for (std::size_t rank = 0; rank < pairs.size() && !joined; ++rank) {
            for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
                if (parts[i] != pairs[rank].first || parts[i + 1] != pairs[rank].second) { continue; }
                parts[i] += parts[i + 1];
                parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                joined = true;
            }
        }
    }
    const Labels encoded = vocabulary.encode(word);
    REQUIRE(encoded.size() == parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) { REQUIRE(vocabulary.decode(labels({encoded(i)})) == parts[i]); }
}

TEST_CASE("byte pairs: what is no text, and what is no token", "[data][text]") {
    const auto refusal = [](const std::string& text) {
        return message_of<DataError>([&] { pair_vocabulary().encode(text, "--prompt"); });
    };
    CHECK(refusal("ab\xFF") == "--prompt: byte 2 is no UTF-8, expected text in UTF-8");
    CHECK(refusal("a\xE4\xB8") == "--prompt: byte 1 is no UTF-8, expected text in UTF-8");
    CHECK(refusal("\xED\xA0\x80") == "--prompt: byte 0 is no UTF-8, expected text in UTF-8");
    for (const std::int64_t token : {-1, 300}) {
        CHECK(message_of<DataError>([&] {
                  pair_vocabulary().decode(labels({1, token}));
              }) == "text: token " + std::to_string(token) + " is not in the vocabulary, expected 0 to 299");
    }
    // Half of a character is no text, but it can be shown.
    const Labels half = pair_vocabulary().encode("\xE4\xB8\xAD");
    REQUIRE(half.size() == 3);
    const std::string bytes = pair_vocabulary().decode(labels({half(0), half(1), 64}));
    CHECK(bytes == "\xE4\xB8"
                   "a");
    CHECK(data::printable_text(bytes) == "\xEF\xBF\xBD\xEF\xBF\xBD"
                                         "a");
    CHECK(data::printable_text("a\x1B[2J\n\tb\x7F\xC2\x9B") == "a\xEF\xBF\xBD[2J\n\tb\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("byte pairs: files that are refused, in one line that names file, line and what was expected",
          "[data][text]") {
    const PairFiles good;
    REQUIRE(good.refusal() == "no exception");
    const auto merges = [&](const std::string& text) {
        PairFiles files;
        files.merges = text;
        return files.refusal();
    };
    CHECK(merges("") == "no exception");
    CHECK(merges("h e\r\no u\r\n") == "no exception");
    const std::string two = ", expected two tokens with a blank between them";
    CHECK(merges("#version: 0.2\nh e\nhe") == "merges.txt: line 3: 'he'" + two);
    CHECK(merges("t h e\n") == "merges.txt: line 1: 't h e'" + two);
    CHECK(merges("h e\n\no u\n") == "merges.txt: line 2: ''" + two);
    CHECK(merges(" h\n") == "merges.txt: line 1: ' h'" + two);
    CHECK(merges("t \n") == "merges.txt: line 1: 't '" + two);
    CHECK(merges("h e\n#version: 0.2\n") ==
          "merges.txt: line 2: '#version:' is not in the vocabulary, expected one of its 300 tokens");
    CHECK(merges("q q\n") == "merges.txt: line 1: 'qq' is not in the vocabulary, expected one of its 300 tokens");
    CHECK(merges("t \xFF\n") == "merges.txt: line 1: '\xFF' is not in the vocabulary, expected one of its 300 tokens");
    CHECK(merges("h e\nh e\n") == "merges.txt: line 2: 'h e' is there twice");

    const auto vocabulary = [&](const std::string& token, const nlohmann::ordered_json& number) {
        PairFiles files;
        files.tokens[token] = number;
        return files.refusal();
    };
    CHECK(vocabulary("qq", 300) == "no exception");
    CHECK(vocabulary("qq", 301) == "vocab.json: token 'qq' has the number 301, expected 0 to 300 for 301 tokens");
    CHECK(vocabulary("qq", 7) == "vocab.json: two tokens have the number 7, expected a number for each");
    CHECK(vocabulary("qq", -1) == "vocab.json: token 'qq' has the number '-1', expected a whole number from 0");
    CHECK(vocabulary("qq", "a") == "vocab.json: token 'qq' has the number '\"a\"', expected a whole number from 0");
    const std::string object = ", expected an object of tokens and their numbers";
    CHECK(vocabulary("qq", {1}) == "vocab.json: token 'qq' has a list" + object);
    CHECK(vocabulary("qq", {{"a", 1}}) == "vocab.json: token 'qq' has a nested object" + object);
    CHECK(vocabulary("q q", 300) ==
          "vocab.json: token 'q q' has a letter that stands for no byte, expected GPT-2's letters");
    CHECK(vocabulary("", 300) == "vocab.json: token '' has a letter that stands for no byte, expected GPT-2's letters");
    CHECK(good.refusal("{}") == "vocab.json: token '\xC4\x80' is missing, expected one for every byte");
    CHECK(good.refusal("[1]") == "vocab.json: the file has a list" + object);
    CHECK(good.refusal("7") == "vocab.json: the file has '7'" + object);
    CHECK(good.refusal("") == "vocab.json: is not valid JSON" + object);
    CHECK(good.refusal("{\"a\": 0, \"a\": 1}") == "vocab.json: token 'a' is there twice");
    const std::string cut = good.tokens.dump();
    CHECK(good.refusal(cut.substr(0, cut.size() - 1)) == "vocab.json: is not valid JSON" + object);
    CHECK(message_of<DataError>([] { data::read_byte_pairs("none/vocab.json", "none/merges.txt"); }) ==
          "cannot read 'none/vocab.json': No such file or directory");
}
