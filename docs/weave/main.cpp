#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "weave.hpp"

namespace {

using Words = std::vector<std::string>;

/// Writes the pages of all chapters, their order, and what they lack.
void chapters(const std::string& list, const std::filesystem::path& out, weave::Answers answers) {
    const auto all = weave::read_chapters(list);
    weave::Problems problems;
    std::string order;
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (const std::string& page : weave::write_pages(all, i, out, problems, answers)) {
            const bool plain = page == all[i].page() + "_plain"; // nothing new for who reads on
            order += (plain ? "- " : "") + page + "\n";
        }
    }
    weave::write_map(all, out);
    weave::write(out / "order.txt", order);
    std::string text;
    for (const std::string& problem : problems) { text += problem + "\n"; }
    weave::write(out / "problems.txt", text);
}

} // namespace

// weave chapters LIST OUT [--without-solutions]: writes the pages of all chapters in LIST into the folder OUT.
// weave filter FILE: prints a page of Markdown with the book's own markup made Doxygen's.
// weave finish HTML ORDER: finishes the pages that Doxygen has written into the folder HTML; the file ORDER has the pages
// of the book, one a line; whoever turns the pages does not come to one after "- ".
int main(int argc, char** argv) {
    const Words words(argv + 1, argv + argc);
    const auto is = [&](const char* command, std::size_t count) {
        return words.size() == count && words[0] == command;
    };
    try {
        if (is("chapters", 3)) {
            chapters(words[1], words[2], weave::Answers::folded);
        } else if (is("chapters", 4) && words[3] == "--without-solutions") {
            chapters(words[1], words[2], weave::Answers::left_out);
        } else if (is("filter", 2)) {
            std::cout << weave::markup(weave::read(words[1]));
        } else if (is("finish", 3)) {
            weave::finish_all(words[1], words[2]);
        } else {
            std::cerr << "weave: usage: weave chapters LIST OUT [--without-solutions] | weave filter FILE | "
                         "weave finish HTML ORDER\n";
            return 2;
        }
    } catch (const std::exception& error) {
        std::cerr << "weave: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
