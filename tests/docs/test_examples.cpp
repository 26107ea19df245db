// The code that headers and pages show is code that is compiled, and every example is shown somewhere.

#include <filesystem>
#include <regex>
#include <set>

#include "catch.hpp"
#include "weave.hpp"

namespace fs = std::filesystem;

namespace {

/// The texts that Doxygen reads, but for the chapters', which the weaver makes.
std::vector<fs::path> texts() {
    std::vector<fs::path> found;
    for (const char* folder : {HANDGRAD_SOURCE_DIR "/lib/handgrad", HANDGRAD_SOURCE_DIR "/docs"}) {
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            const std::string ending = entry.path().extension().string();
            if (ending == ".hpp" || ending == ".md" || ending == ".dox") { found.push_back(entry.path()); }
        }
    }
    return found;
}

std::set<std::string> matches(const std::string& text, const char* pattern) {
    const std::regex regex(pattern);
    std::set<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
        found.insert(it->size() == 3 ? (*it)[1].str() + " " + (*it)[2].str() : (*it)[1].str());
    }
    return found;
}

} // namespace

TEST_CASE("headers and pages show code by @snippet only", "[docs]") {
    std::size_t headers = 0;
    for (const fs::path& path : texts()) {
        INFO(path.string());
        const std::string text = weave::read(path);
        headers += path.extension() == ".hpp";
        CHECK((path.extension() != ".hpp" || text.find("/// ```cpp") == std::string::npos));
        CHECK(matches(text, "(\n///     [a-z:_]+[ (.][^\n]*;)\n").empty());
    }
    CHECK(headers > 90);
}

TEST_CASE("every example is shown, and whatever is shown exists", "[docs]") {
    std::set<std::string> shown, written;
    for (const fs::path& path : texts()) {
        for (const std::string& name : matches(weave::read(path), "@snippet ([a-z_]+\\.cpp) ([a-z0-9_]+)")) {
            shown.insert(name);
        }
    }
    for (const auto& entry : fs::directory_iterator(HANDGRAD_SOURCE_DIR "/docs/examples")) {
        if (entry.path().extension() != ".cpp") { continue; }
        for (const std::string& name : matches(weave::read(entry.path()), "//! \\[([a-z0-9_]+)\\]")) {
            written.insert(entry.path().filename().string() + " " + name);
        }
    }
    CHECK(written.size() > 25);
    for (const std::string& name : written) {
        INFO(name);
        CHECK(shown.count(name) == 1);
    }
}
