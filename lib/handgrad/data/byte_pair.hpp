#pragma once
/// @file
/// Byte-level byte-pair encoding: the tokens of GPT-2.
///
/// A token is a sequence of bytes: a single byte, a syllable, or a word with the blank before it. To encode a text:
///
/// 1. Split it into words, each with the blank before it: letters, digits, or other signs. Endings such as 's are words
///    by themselves, and so are blanks and line breaks that stand before no word.
/// 2. Replace every byte of a word by its token.
/// 3. Of all pairs of neighbouring tokens in the word, find the one that stands first in the list of merges. Replace
///    each of its occurrences by the token of both together. Repeat this until no pair of the word is in the list.
///
/// The single bytes make sure that every text has tokens. The list of merges is learned from a text: each entry is the
/// pair that occurs most often there after all entries before it were applied.
///
/// Source: Sennrich, Haddow, Birch, Neural Machine Translation of Rare Words with Subword Units (2016),
/// arXiv:1508.07909; Radford et al., Language Models are Unsupervised Multitask Learners (2019), section 2.2.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// The bytes of a file, and its name for messages.
struct NamedBytes {
    std::string_view bytes; ///< whole file
    std::string name;       ///< "vocab.json"
};

/// The tokens of a byte-level byte-pair encoding, in the two files that GPT-2 has.
///
/// | file | content |
/// | --- | --- |
/// | `vocab.json` | a JSON object: for each of V tokens its number, 0 to V-1; every single byte must be there |
/// | `merges.txt` | a line for each merge, in order: two tokens, with a blank between them. A first line that begins with "#version" is skipped |
///
/// In both files a byte is a letter. The bytes that print in Latin-1 stand for themselves, and the others, in order, are
/// the letters from U+0100 on: a blank is U+0120, a line break U+010A.
class BytePairVocabulary {
public:
    /// @param vocabulary content of vocab.json @param merges content of merges.txt
    /// @throws DataError in one line that names the file, and the line of merges.txt
    BytePairVocabulary(const NamedBytes& vocabulary, const NamedBytes& merges);

    std::size_t size() const { return tokens_.size(); } ///< V, number of tokens

    /// Returns the tokens of a text, (T). A token such as <|endoftext|>, which no merge makes, is text like any other.
    /// @param text in UTF-8 @param name name of the text in messages
    /// @throws DataError for invalid UTF-8
    Labels encode(std::string_view text, const std::string& name = "text") const;

    /// Returns the bytes of tokens. They need not be UTF-8, since a token may end inside of a character;
    /// printable_text() makes text of them. @throws DataError for a token outside 0 .. V-1
    std::string decode(const Labels& tokens) const;

private:
    struct Merge {
        std::size_t rank;   // place in the list
        std::int64_t token; // of both together
    };

    void read_tokens(const NamedBytes& file);
    void read_merges(const NamedBytes& file);
    const Merge* merge_of(std::int64_t left, std::int64_t right) const;
    void append_tokens(std::string_view word, std::vector<std::int64_t>& tokens) const;

    std::vector<std::string> tokens_;                     // bytes of each token
    std::unordered_map<std::string, std::int64_t> token_; // token of these bytes
    std::array<std::int64_t, 256> bytes_ = {};            // token of each byte
    std::unordered_map<std::uint64_t, Merge> merges_;     // of a pair
};

/// Reads both files. @throws DataError as BytePairVocabulary, and if a file does not exist, is not a regular file, cannot
/// be read, or has more than max_text_bytes
BytePairVocabulary read_byte_pairs(const std::filesystem::path& vocabulary, const std::filesystem::path& merges);

} // namespace handgrad::data
