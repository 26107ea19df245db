#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "weave.hpp"

// weave chapters LIST OUT: writes the pages of all chapters in LIST into the folder OUT.
// weave finish HTML: finishes the pages that Doxygen has written into the folder HTML.
int main(int argc, char** argv) {
    const std::string command = argc > 1 ? argv[1] : "";
    try {
        if (command == "chapters" && argc == 4) {
            const auto chapters = weave::read_chapters(argv[2]);
            for (std::size_t i = 0; i < chapters.size(); ++i) { weave::write_page(chapters, i, argv[3]); }
            weave::write_map(chapters, argv[3]);
        } else if (command == "finish" && argc == 3) {
            for (const auto& entry : std::filesystem::directory_iterator(argv[2])) {
                if (entry.path().extension() == ".html") {
                    weave::write(entry.path(), weave::finish(weave::read(entry.path())));
                }
            }
        } else {
            std::cerr << "weave: usage: weave chapters LIST OUT | weave finish HTML\n";
            return 2;
        }
    } catch (const std::exception& error) {
        std::cerr << "weave: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
