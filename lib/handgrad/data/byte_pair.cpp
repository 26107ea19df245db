#include "handgrad/data/byte_pair.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "handgrad/data/text.hpp"
#include "handgrad/data/utf8.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::data {
namespace {

/// The letter of each byte.
std::array<char32_t, 256> letters_of_bytes() {
    std::array<char32_t, 256> letters = {};
    char32_t next = 256;
    for (char32_t byte = 0; byte < 256; ++byte) {
        const bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        letters[byte] = prints ? byte : next++;
    }
    return letters;
}

/// The bytes of a token that is written in letters; nothing if a letter stands for no byte.
std::optional<std::string> bytes_of(std::string_view letters) {
    static const auto all = letters_of_bytes();
    std::string bytes;
    for (std::size_t at = 0; at < letters.size();) {
        const auto found = std::find(all.begin(), all.end(), next_character(letters, at));
        if (found == all.end()) { return std::nullopt; }
        bytes += static_cast<char>(found - all.begin());
    }
    return bytes;
}

/// A token in a message, in the letters of the file.
std::string letters(std::string_view bytes) {
    static const auto all = letters_of_bytes();
    std::string text;
    for (const char byte : bytes) { append(text, all[static_cast<unsigned char>(byte)]); }
    return io::shown(text);
}

/// Calls visit(word) for every word of a text. @throws DataError unless the text is UTF-8
template <class Visit> void for_each_word(std::string_view text, const std::string& name, const Visit& visit) {
    // GPT-2's pattern. Its \s is written out: Unicode's white space, which PCRE2 would extend by U+180E.
    constexpr const char* pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^W\p{L}\p{N}]+|[W]+(?![^W])|[W]+)";
    constexpr const char* white =
        R"(\x09-\x0D\x20\x85\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
    static const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code = [&] {
        std::string expression;
        for (const char c : std::string_view(pattern)) {
            expression += c == 'W' ? std::string(white) : std::string(1, c);
        }
        int error = 0;
        PCRE2_SIZE place = 0;
        pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                             PCRE2_UTF | PCRE2_UCP, &error, &place, nullptr);
        require<std::logic_error>(compiled != nullptr, "PCRE2 refuses the pattern at {}: error {}", place, error);
        return std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)>(compiled, &pcre2_code_free);
    }();
    const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> found(
        pcre2_match_data_create_from_pattern(code.get(), nullptr), &pcre2_match_data_free);
    require<std::logic_error>(found != nullptr, "PCRE2 has no memory");
    for (std::size_t at = 0; at < text.size();) {
        const int count = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                      PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, found.get(), nullptr);
        require<DataError>(count > 0, "{}: PCRE2 cannot split the text at byte {}: error {}", name, at, count);
        const std::size_t end = pcre2_get_ovector_pointer(found.get())[1];
        visit(text.substr(at, end - at));
        at = end;
    }
}

} // namespace

BytePairVocabulary::BytePairVocabulary(const NamedBytes& vocabulary, const NamedBytes& merges) {
    read_tokens(vocabulary);
    read_merges(merges);
}

void BytePairVocabulary::read_tokens(const NamedBytes& file) {
    using Json = nlohmann::json;
    constexpr const char* object = "expected an object of tokens and their numbers";
    std::string token;
    // nlohmann::json's callback takes each number when it is parsed and drops it, so nothing can nest.
    const auto callback = [&](int depth, Json::parse_event_t event, Json& value) {
        using Event = Json::parse_event_t;
        const bool is_list = event == Event::array_start, is_object = event == Event::object_start;
        require<DataError>(!is_list && !(is_object && depth > 0), "{}: {} has a {}, {}", file.name,
                           depth == 0 ? "the file" : "token " + io::shown(token), is_list ? "list" : "nested object",
                           object);
        if (event == Event::key) { value.get_to(token); }
        if (event != Event::value) { return true; }
        require<DataError>(depth == 1, "{}: the file has {}, {}", file.name, io::shown(value.dump()), object);
        require<DataError>(value.is_number_unsigned(), "{}: token {} has the number {}, expected a whole number from 0",
                           file.name, io::shown(token), io::shown(value.dump()));
        const auto bytes = bytes_of(token);
        require<DataError>(bytes.has_value() && !token.empty(),
                           "{}: token {} has a letter that stands for no byte, expected GPT-2's letters", file.name,
                           io::shown(token));
        const auto number = static_cast<std::int64_t>(std::min<std::uint64_t>(value.get<std::uint64_t>(), 1ULL << 62));
        require<DataError>(token_.emplace(*bytes, number).second, "{}: token {} is there twice", file.name,
                           io::shown(token));
        return false;
    };
    try {
        [[maybe_unused]] const Json rest = Json::parse(file.bytes.begin(), file.bytes.end(), callback);
    } catch (const Json::exception&) { throw DataError(fmt::format("{}: is not valid JSON, {}", file.name, object)); }

    const std::size_t V = token_.size();
    tokens_.resize(V);
    for (const auto& [bytes, number] : token_) {
        require<DataError>(number < static_cast<std::int64_t>(V),
                           "{}: token {} has the number {}, expected 0 to {} for {} tokens", file.name, letters(bytes),
                           number, V - 1, V);
        std::string& place = tokens_[static_cast<std::size_t>(number)];
        require<DataError>(place.empty(), "{}: two tokens have the number {}, expected a number for each", file.name,
                           number);
        place = bytes;
    }
    for (std::size_t byte = 0; byte < bytes_.size(); ++byte) {
        const std::string one(1, static_cast<char>(byte));
        const auto found = token_.find(one);
        require<DataError>(found != token_.end(), "{}: token {} is missing, expected one for every byte", file.name,
                           letters(one));
        bytes_[byte] = found->second;
    }
}

void BytePairVocabulary::read_merges(const NamedBytes& file) {
    std::string_view rest = file.bytes;
    for (std::size_t line = 1; !rest.empty(); ++line) {
        std::string_view text = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(text.size() + 1, rest.size()));
        if (!text.empty() && text.back() == '\r') { text.remove_suffix(1); }
        if (line == 1 && text.substr(0, 8) == "#version") { continue; }
        const auto fail = [&](const std::string& problem) {
            throw DataError(fmt::format("{}: line {}: {}", file.name, line, problem));
        };
        const std::size_t blank = text.find(' ');
        const bool is_pair = blank != std::string_view::npos && blank > 0 && blank + 1 < text.size() &&
                             text.find(' ', blank + 1) == std::string_view::npos;
        if (!is_pair) { fail(fmt::format("{}, expected two tokens with a blank between them", io::shown(text))); }
        const auto token = [&](std::string_view written) {
            const auto bytes = bytes_of(written);
            const auto found = bytes ? token_.find(*bytes) : token_.end();
            if (found == token_.end()) {
                fail(fmt::format("{} is not in the vocabulary, expected one of its {} tokens", io::shown(written),
                                 size()));
            }
            return found->second;
        };
        const std::int64_t left = token(text.substr(0, blank)), right = token(text.substr(blank + 1));
        const std::string both = std::string(text.substr(0, blank)) + std::string(text.substr(blank + 1));
        const auto key = static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right);
        if (!merges_.emplace(key, Merge{merges_.size(), token(both)}).second) {
            fail(fmt::format("{} is there twice", io::shown(text)));
        }
    }
}

const BytePairVocabulary::Merge* BytePairVocabulary::merge_of(std::int64_t left, std::int64_t right) const {
    const auto found = merges_.find(static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right));
    return found == merges_.end() ? nullptr : &found->second;
}

void BytePairVocabulary::append_tokens(std::string_view word, std::vector<std::int64_t>& tokens) const {
    // The parts of the word stand at the places of their first bytes. In a long word a search for the next merge would
    // take as long as the word is, for each merge. So a queue has the places of all pairs that are in the list.
    const std::size_t n = word.size();
    constexpr std::int64_t joined = -1; // to the part before
    std::vector<std::int64_t> parts(n);
    std::vector<std::size_t> before(n), after(n); // places of the neighbours; n behind the last part
    using RankAndPlace = std::pair<std::size_t, std::size_t>;
    std::priority_queue<RankAndPlace, std::vector<RankAndPlace>, std::greater<>> queue;
    const auto merge_at = [&](std::size_t place) -> const Merge* {
        const bool is_pair = parts[place] != joined && after[place] < n;
        return is_pair ? merge_of(parts[place], parts[after[place]]) : nullptr;
    };
    const auto look_at = [&](std::size_t place) {
        if (const Merge* merge = merge_at(place)) { queue.emplace(merge->rank, place); }
    };
    for (std::size_t i = 0; i < n; ++i) {
        parts[i] = bytes_[static_cast<unsigned char>(word[i])];
        before[i] = i == 0 ? 0 : i - 1;
        after[i] = i + 1;
    }
    for (std::size_t i = 0; i < n; ++i) { look_at(i); }
    std::vector<std::size_t> changed;
    while (!queue.empty()) {
        changed.clear();
        for (const std::size_t rank = queue.top().first; !queue.empty() && queue.top().first == rank;) {
            const std::size_t place = queue.top().second; // from the left
            queue.pop();
            const Merge* merge = merge_at(place);
            if (merge == nullptr || merge->rank != rank) { continue; } // one of the two has been joined since
            const std::size_t second = after[place];
            parts[place] = merge->token;
            parts[second] = joined;
            after[place] = after[second];
            if (after[place] < n) { before[after[place]] = place; }
            changed.insert(changed.end(), {before[place], place});
        }
        for (const std::size_t place : changed) { look_at(place); }
    }
    for (const std::int64_t token : parts) {
        if (token != joined) { tokens.push_back(token); }
    }
}

Labels BytePairVocabulary::encode(std::string_view text, const std::string& name) const {
    for (std::size_t at = 0; at < text.size();) {
        require<DataError>(next_character(text, at) != not_utf8, "{}: byte {} is no UTF-8, expected text in UTF-8",
                           name, at);
    }
    std::vector<std::int64_t> tokens;
    for_each_word(text, name, [&](std::string_view word) { append_tokens(word, tokens); });
    Labels result(Shape{tokens.size()});
    std::copy(tokens.begin(), tokens.end(), result.data());
    return result;
}

std::string BytePairVocabulary::decode(const Labels& tokens) const {
    std::string bytes;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::int64_t token = tokens.data()[i];
        require<DataError>(token >= 0 && static_cast<std::size_t>(token) < size(),
                           "text: token {} is not in the vocabulary, expected 0 to {}", token, size() - 1);
        bytes += tokens_[static_cast<std::size_t>(token)];
    }
    return bytes;
}

BytePairVocabulary read_byte_pairs(const std::filesystem::path& vocabulary, const std::filesystem::path& merges) {
    const std::string tokens = io::read_file(vocabulary, max_text_bytes), pairs = io::read_file(merges, max_text_bytes);
    return BytePairVocabulary({tokens, vocabulary.string()}, {pairs, merges.string()});
}

} // namespace handgrad::data
