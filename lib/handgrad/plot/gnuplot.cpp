#include "gnuplot.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace handgrad::plot {
namespace {

namespace fs = std::filesystem;

/// The first gnuplot on the PATH; empty if there is none.
fs::path find_gnuplot() {
    const char* variable = std::getenv("PATH");
    std::string_view rest = variable != nullptr ? variable : "";
    while (!rest.empty()) {
        const std::string_view folder = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
        const fs::path program = fs::path(folder) / "gnuplot";
        std::error_code ignored;
        // Absolute, because gnuplot is started in another folder.
        if (!folder.empty() && fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0) {
            return fs::absolute(program, ignored);
        }
    }
    return {};
}

struct Outcome {
    int error = 0;      // errno, if the program could not be started
    int status = 0;     // as waitpid reports it
    std::string output; // stdout and stderr
};

/// Runs a program, without a shell, in another folder, and waits for its end.
Outcome run(const std::vector<std::string>& arguments, const fs::path& directory) {
    Outcome outcome;
    std::array<int, 2> pipe_ends = {-1, -1};
    if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
        outcome.error = errno;
        return outcome;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) { argv.push_back(const_cast<char*>(argument.c_str())); }
    argv.push_back(nullptr);
    pid_t child = 0;
    outcome.error = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);

    std::array<char, 4096> buffer = {};
    for (ssize_t got = 1; outcome.error == 0 && got != 0;) {
        got = ::read(pipe_ends[0], buffer.data(), buffer.size());
        if (got < 0 && errno != EINTR) { break; }
        if (got > 0 && outcome.output.size() < 100'000) {
            outcome.output.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    ::close(pipe_ends[0]);
    if (outcome.error == 0) {
        while (::waitpid(child, &outcome.status, 0) < 0) {
            if (errno != EINTR) {
                outcome.error = errno;
                break;
            }
        }
    }
    return outcome;
}

/// The last line that says something: gnuplot shows the command first and then what is wrong with it.
std::string last_line(std::string_view text) {
    const auto end = text.find_last_not_of(" \n\r\t");
    if (end == std::string_view::npos) { return "no message"; }
    text = text.substr(0, end + 1);
    const auto start = text.find_last_of("\n\r");
    return std::string(start == std::string_view::npos ? text : text.substr(start + 1)).substr(0, 300);
}

} // namespace

std::string run_gnuplot(const fs::path& directory, const std::string& script, const std::string& stem) {
    const fs::path program = find_gnuplot();
    if (program.empty()) {
        return fmt::format("no picture: gnuplot is not installed; once it is, run 'gnuplot {}' in '{}'", script,
                           directory.string());
    }
    const std::string temporary = fmt::format(".handgrad-{}", ::getpid());
    const fs::path svg = directory / (temporary + ".svg"), png = directory / (temporary + ".png");
    const std::string variables = fmt::format("svg='{0}.svg'; png='{0}.png'", temporary);
    // -d: without the user's own start-up files, so that the picture is the same for everybody.
    const Outcome outcome = run({program.string(), "-d", "-e", variables, script}, directory);

    std::string failure;
    std::error_code error;
    if (outcome.error != 0) {
        failure = std::generic_category().message(outcome.error);
    } else if (outcome.status != 0) {
        failure = last_line(outcome.output);
    } else {
        fs::rename(svg, directory / (stem + ".svg"), error);
        if (!error) { fs::rename(png, directory / (stem + ".png"), error); }
        if (error) { failure = error.message() + ": " + last_line(outcome.output); }
    }
    if (failure.empty()) { return {}; }
    for (const fs::path& file : {svg, png, directory / (stem + ".svg"), directory / (stem + ".png")}) {
        fs::remove(file, error);
    }
    return fmt::format("no picture: {} failed on '{}': {}", program.string(), (directory / script).string(), failure);
}

} // namespace handgrad::plot
