#include <exception>
#include <iostream>

#include "weave.hpp"

// weave CHAPTERS OUT: writes the pages of all chapters in the list CHAPTERS into the folder OUT.
int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "weave: usage: weave CHAPTERS OUT\n";
        return 2;
    }
    try {
        const auto chapters = weave::read_chapters(argv[1]);
        for (std::size_t i = 0; i < chapters.size(); ++i) { weave::write_page(chapters, i, argv[2]); }
        weave::write_map(chapters, argv[2]);
    } catch (const std::exception& error) {
        std::cerr << "weave: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
