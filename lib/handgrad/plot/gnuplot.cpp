#include "gnuplot.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace handgrad::plot {
namespace {

namespace fs = std::filesystem;

/// Puts a text between single quotes, and `quote` in place of each quote in it.
std::string quoted(const std::string& text, const char* quote) {
    std::string result = "'";
    for (const char c : text) { result += c == '\'' ? quote : std::string(1, c); }
    return result + "'";
}

} // namespace

std::string gnuplot_text(const std::string& text) {
    std::string line = text;
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
    return quoted(line, "''");
}

std::string run_gnuplot(const fs::path& directory, const std::string& stem) {
    const std::string temporary = fmt::format(".handgrad-{}", ::getpid()), script = stem + ".gp";
    constexpr const char* shell_quote = "'\\''";
    // -d skips the user's start-up files: the picture is the same for everybody.
    const std::string command =
        fmt::format("cd {0} && exec 2>&1 </dev/null gnuplot -d -e \"svg='{1}.svg'; png='{1}.png'\" {2}",
                    quoted(fs::absolute(directory).string(), shell_quote), temporary, quoted(script, shell_quote));
    std::string message = "no message"; // the last line with text: gnuplot prints the command first, then the error
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> buffer = {};
    while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
        const std::string_view line(buffer.data());
        const std::size_t length = line.find_last_not_of(" \n\r\t") + 1;
        if (length > 0) { message = line.substr(0, std::min<std::size_t>(length, 300)); }
    }
    const int status = pipe != nullptr ? ::pclose(pipe) : -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return fmt::format("no picture: gnuplot is not installed; once it is, run 'gnuplot {}' in '{}'", script,
                           directory.string());
    }
    std::error_code error, ignored;
    for (const char* ending : {".svg", ".png"}) {
        if (status == 0 && !error) { fs::rename(directory / (temporary + ending), directory / (stem + ending), error); }
    }
    if (status == 0 && !error) { return {}; }
    for (const char* ending : {".svg", ".png"}) {
        fs::remove(directory / (temporary + ending), ignored);
        fs::remove(directory / (stem + ending), ignored);
    }
    return fmt::format("no picture: gnuplot failed on '{}': {}{}", (directory / script).string(),
                       error ? error.message() + ": " : "", message);
}

} // namespace handgrad::plot
