#pragma once
/// @file
/// Turns a chapter's directory into pages: a program's full-line comments become prose, its code stays code, and what it
/// prints and draws is shown where the comments ask for it.
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

/// Text in which &, < and > are written as HTML wants them.
std::string escape(const std::string& text);

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(std::string_view text);

/// Whether a line has nothing but white space.
bool blank(const std::string& line);

/// Whether answers that a page folds are on it at all.
enum class Answers { folded, left_out };

/// The book's own markup made Doxygen's: `<details><summary>...</summary>` to `</details>` becomes a part that is folded,
/// indented where it belongs to the item of a numbered list; a block ```` ```console ```` a session with a shell, and a block
/// ```` ```text ```` what a program prints.
/// What else there is goes through `translate`. @throws std::runtime_error for a <details> that does not end
std::string markup(std::string_view markdown, std::string (*translate)(std::string_view),
                   Answers answers = Answers::folded);
/// The same for Markdown that is Doxygen's already.
std::string markup(std::string_view markdown, Answers answers = Answers::folded);

/// A command of Doxygen's that shows code, with the file's line numbers beside it, from `first`, and a link to it.
std::string numbered(const std::string& command, const std::string& file, const std::string& id, std::size_t first);

/// What a chapter's program prints, shown piece by piece.
class Output {
public:
    /// The pieces become files in `folder`.
    Output(std::string chapter, std::string_view text, std::filesystem::path folder);

    /// Shows the next piece, by `to "first words of its last line"` or `to end`. A long one is folded.
    /// @throws std::runtime_error if no line that is left begins so
    std::string show(const std::string& argument);
    /// Whether any piece was shown.
    bool used() const { return used_; }
    /// @throws std::runtime_error naming the first line that is left, if pieces were shown
    void require_all_shown() const;
    /// Shows the whole.
    std::string everything();

private:
    std::string piece(std::size_t first, std::size_t last);

    std::string chapter_;
    std::vector<std::string> lines_;
    std::filesystem::path folder_;
    std::size_t shown_ = 0;
    int pieces_ = 0;
    bool used_ = false;
};

/// Moves the headings so that the shallowest has level `top` and no level is skipped on the way down, and gives each that
/// has no anchor one that begins with `anchor` and does not change when other headings come or go. Fenced code stays.
std::string headings(std::string_view markdown, std::size_t top, std::string_view anchor);

/// A source as a page shows it.
struct Woven {
    std::string page;     ///< prose and `@snippet` lines
    std::string snippets; ///< the source with markers around each piece of code
    std::string plain;    ///< the source without its prose
};

/// Weaves one source; its snippets will be found in a file called `snippet_file`, and the page calls it `file`, or
/// `snippet_file` too. A comment's line `@output ...` shows a piece of `output`. @throws std::runtime_error
Woven weave(std::string_view source, const std::string& snippet_file, std::string_view anchor, Output* output = nullptr,
            const std::string& file = "");

/// A page that shows files of a chapter's program.
struct Part {
    std::string title;              ///< what the page's title says after the chapter's
    std::vector<std::string> files; ///< in their order
};

/// One chapter, as its CMakeLists.txt has it.
struct Chapter {
    std::string name;  ///< 05_two_layer_net
    std::string title; ///< the line that ./run shows
    std::vector<std::string> builds_on;
    std::vector<std::string> files;  ///< those to be read first, in their order; empty for the usual ones
    std::filesystem::path directory; ///< of its sources
    std::filesystem::path figures;   ///< where the run of its program has left its figures
    std::vector<Part> parts;         ///< the pages of its program; none: one page

    std::string number() const { return name.substr(0, name.find('_')); } ///< 05
    std::string page() const { return "chapter_" + name; }                ///< what pages refer to it by
};

/// Reads lines `name|title|builds,on|files,in,order|directory|figures|pages`; the pages are `Title: file file^Title: ...`.
/// @throws std::runtime_error
std::vector<Chapter> read_chapters(const std::filesystem::path& list);

/// What a chapter lacks that it should have, one sentence each; the book is made all the same.
using Problems = std::vector<std::string>;

/// A diagram with each placeholder `{{key}}`, `{{key.0.1}}` or `{{key|.2f}}` replaced by that entry of the results in the
/// JSON file. @throws std::runtime_error, beginning with `where`, for an entry that is not there
std::string fill(const std::string& diagram, const std::filesystem::path& results, const std::string& where);

/// Copies the figures that the text shows to `out`, and makes the text show those: what the program has drawn, or a
/// drawing `doc/name.svg`, or a graph `doc/name.dot`, which becomes name.svg. Drawings and graphs are filled.
std::string take_figures(const std::string& text, const Chapter& chapter, const std::filesystem::path& out,
                         Problems& problems);

/// Writes the pages of chapters[i] into `out`, with its snippets and its figures, and returns their names in the order of
/// the book: the idea, the program, the exercises, the plain program. Figures get the chapter's name, since all of Doxygen's
/// images lie in one folder. @throws std::runtime_error for a file that is missing
std::vector<std::string> write_pages(const std::vector<Chapter>& chapters, std::size_t i,
                                     const std::filesystem::path& out, Problems& problems,
                                     Answers answers = Answers::folded);

/// The exercises of a chapter as its page shows them, from doc/exercises.md; nothing if it has none. A line
/// `[file](../exercises/file)` becomes the code of the stub and, folded, that of the solution, which are copied into
/// `out`; what stands between `<details><summary>...</summary>` and `</details>` is folded as well.
/// @throws std::runtime_error if a file is missing
std::string exercises(const Chapter& chapter, const std::filesystem::path& out, Answers answers = Answers::folded);

/// What the texts of a chapter lack: the times, a figure, output beside its code, answered questions.
void look_for_problems(const Chapter& chapter, Problems& problems);

/// Writes the table of chapters and the map of what builds on what (for graphviz) into `out`.
void write_map(const std::vector<Chapter>& chapters, const std::filesystem::path& out);

/// A page as Doxygen has written it, with what Doxygen 1.9.4 leaves out: each picture has its caption as alternative text,
/// there is no link to an overview of nested classes that is not there, and code loses the indentation that all its lines
/// share.
std::string finish(const std::string& html);

/// A page before or after another one; none if it has no file.
struct Neighbour {
    std::string file, title;
};

/// A page with links to the pages before and after it in the book. @throws std::runtime_error for what is no page
std::string with_neighbours(const std::string& html, const Neighbour& previous, const Neighbour& next);

/// Finishes all pages in a folder; those that the file `order` names, one a line, are linked in that order. A page after
/// "- " has links to those before and after it, which do not lead to it.
void finish_all(const std::filesystem::path& folder, const std::filesystem::path& order);

/// The whole file. @throws std::runtime_error
std::string read(const std::filesystem::path& file);
/// Writes the file, unless it has this content already. @throws std::runtime_error
void write(const std::filesystem::path& file, const std::string& content);

} // namespace weave
