#pragma once
/// @file
/// Text as tokens: reading a text file, a vocabulary of characters, a list of names, and the split into training,
/// development and test data.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "handgrad/data/mnist.hpp" // own_folder
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// The largest text that is read: 64 MiB.
constexpr std::uint64_t max_text_bytes = std::uint64_t{64} << 20;

/// Checks that bytes are text in UTF-8: no empty file, no other control characters than line breaks and tabs, no
/// invalid UTF-8. Removes a byte order mark at the start and the carriage returns of "\r\n".
/// @param bytes the whole content of the file, plain or gzipped
/// @param name name of the file in messages
/// @param largest largest size of the unpacked text, in bytes
/// @throws DataError with the name, the line and the reason
std::string parse_text(std::string_view bytes, const std::string& name, std::uint64_t largest = max_text_bytes);

/// Reads a text file, plain or gzipped. @throws DataError as parse_text, and if the file does not exist, is not a
/// regular file, cannot be read, or holds more than max_text_bytes
std::string read_text(const std::filesystem::path& path);

/// Replaces what a terminal should not get by U+FFFD: bytes that are no UTF-8, and control characters other than line
/// breaks and tabs.
std::string printable_text(std::string_view bytes);

/// Returns the path of a text that comes with handgrad, plain or gzipped: for "names" the file names.txt or
/// names.txt.gz in the folders that mnist_folders() describes, with the name for "mnist".
/// @throws DataError if there is none; the message lists every folder
std::filesystem::path find_text(const std::string& name, const std::filesystem::path& folder = {},
                                const std::filesystem::path& own = own_folder);

/// The characters of a text, numbered from 0 in the order of their code points. A line break is a character and, unless
/// the text has tabs, the first one.
class CharacterVocabulary {
public:
    /// Collects the characters of a text in UTF-8, as read_text() returns it. @throws DataError if the text is empty
    explicit CharacterVocabulary(std::string_view text);

    std::size_t size() const { return points_.size(); } ///< V, number of characters

    /// Returns the token of each character of a text, (T).
    /// @param text in UTF-8 @param name name of the text in messages
    /// @throws DataError for a character that is not in the vocabulary, and for invalid UTF-8: "text: unknown character
    ///         'x' at position 3, expected one of ..."
    Labels encode(std::string_view text, const std::string& name = "text") const;

    /// Returns the characters of tokens, in UTF-8. @throws DataError for a token outside 0 .. V-1
    std::string decode(const Labels& tokens) const;
    std::string character(std::size_t token) const; ///< one character, in UTF-8. @throws DataError

    std::string shown() const; ///< all characters as one line, a line break as "\n"

private:
    std::vector<char32_t> points_; // ascending
};

/// Splits a text into its lines, which are the names of a list. A line break at the end of the text is no further line.
/// @param text as read_text() returns it @param name name of the file in messages
/// @throws DataError for an empty line, a line of more than max_name_characters, or fewer than 10 lines
std::vector<std::string> lines_of(std::string_view text, const std::string& name);

/// The most characters of a name in a list.
constexpr std::size_t max_name_characters = 100;

/// Three parts of a data set.
template <class List> struct Splits {
    List train; ///< about 80 %, for training
    List dev;   ///< about 10 %, to choose settings by (development, or validation data)
    List test;  ///< about 10 %, to measure once, at the end
};

/// Shuffles names as Python's random.seed(seed); random.shuffle(names) does, and splits them: the first 80 % (rounded
/// down) to train, those up to 90 % to dev, the rest to test. With seed 42 the parts are those of the makemore lectures
/// (A. Karpathy, 2022), so losses can be compared.
/// @throws DataError for fewer than 10 names
Splits<std::vector<std::string>> split_names(std::vector<std::string> names, std::uint64_t seed);

} // namespace handgrad::data
