#pragma once
/// @file
/// Turns a chapter's directory into a page: a program's full-line comments become prose, its code stays code.
///
/// The page refers to the code by Doxygen's `@snippet`, and the snippets are in a copy of the source that differs from it
/// by marker lines alone. So nothing on the page can be other than what is compiled.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace weave {

/// A run of lines of a source file, either all prose (without their `//`) or all code (as they are).
struct Block {
    bool prose;
    std::size_t first_line; ///< its number in the file, from 1
    std::vector<std::string> lines;
};

/// Cuts a source into prose and code in turn. Blank lines belong to the code; `///` and `// clang-format` are code.
std::vector<Block> split(std::string_view source);

/// Markdown with `$x$` and `$$x$$` as Doxygen's formulas, and what Doxygen would take for a command or a tag made
/// harmless; code in backquotes stays as it is. @throws std::runtime_error for a formula that does not end
std::string to_doxygen(std::string_view markdown);

/// Moves the headings so that the shallowest has level `top` and no level is skipped on the way down, and gives each that
/// has no anchor one that begins with `anchor` and does not change when other headings come or go. Fenced code stays.
std::string headings(std::string_view markdown, std::size_t top, std::string_view anchor);

/// A source as a page shows it.
struct Woven {
    std::string page;     ///< prose and `@snippet` lines
    std::string snippets; ///< the source with markers around each piece of code
    std::string plain;    ///< the source without its prose
};

/// Weaves one source; its snippets will be found in a file called `snippet_file`. @throws std::runtime_error
Woven weave(std::string_view source, const std::string& snippet_file, std::string_view anchor);

/// One chapter, as its CMakeLists.txt has it.
struct Chapter {
    std::string name;  ///< 05_two_layer_net
    std::string title; ///< the line that ./run shows
    std::vector<std::string> builds_on;
    std::vector<std::string> files;  ///< those to be read first, in their order; empty for the usual ones
    std::filesystem::path directory; ///< of its sources
    std::filesystem::path figures;   ///< where the run of its program has left its figures

    std::string number() const { return name.substr(0, name.find('_')); } ///< 05
    std::string page() const { return "chapter_" + name; }                ///< what pages refer to it by
};

/// Reads lines `name|title|builds,on|files,in,order|directory|figures`. @throws std::runtime_error
std::vector<Chapter> read_chapters(const std::filesystem::path& list);

/// Writes the page of chapters[i] into `out`, with its snippets and its figures. Figures get the chapter's name, since
/// all of Doxygen's images lie in one folder. @throws std::runtime_error for a figure or a file that is missing
void write_page(const std::vector<Chapter>& chapters, std::size_t i, const std::filesystem::path& out);

/// The exercises of a chapter as its page shows them, from doc/exercises.md; nothing if it has none. A line
/// `[file](../exercises/file)` becomes the code of the stub and, hidden, that of the solution, which are copied into
/// `out`; what stands between `<details><summary>...</summary>` and `</details>` is hidden as well.
/// @throws std::runtime_error if a file is missing
std::string exercises(const Chapter& chapter, const std::filesystem::path& out);

/// Writes the table of chapters and the map of what builds on what (for graphviz) into `out`.
void write_map(const std::vector<Chapter>& chapters, const std::filesystem::path& out);

/// A page as Doxygen has written it, with what Doxygen 1.9.4 leaves out: each picture has its caption as alternative text,
/// there is no link to an overview of nested classes that is not there, and code loses the indentation that all its lines
/// share.
std::string finish(const std::string& html);

/// The whole file. @throws std::runtime_error
std::string read(const std::filesystem::path& file);
/// Writes the file, unless it has this content already. @throws std::runtime_error
void write(const std::filesystem::path& file, const std::string& content);

} // namespace weave
