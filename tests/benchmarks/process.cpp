#include "process.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

namespace handgrad::benchmarks {
namespace {

/// For the shell: one word, whatever is in it.
std::string quoted(const std::string& word) {
    std::string text = "'";
    for (const char c : word) { text += c == '\'' ? std::string("'\\''") : std::string(1, c); }
    return text + "'";
}

} // namespace

nlohmann::json run_json(const std::vector<std::string>& arguments) {
    std::string command;
    for (const auto& word : arguments) { command += quoted(word) + " "; }
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) { throw std::runtime_error(fmt::format("cannot start {}", command)); }
    std::string text;
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) { text.append(buffer, n); }
    const int status = pclose(pipe);
    if (status != 0) { throw std::runtime_error(fmt::format("this failed: {}", command)); }
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) {
        throw std::runtime_error(fmt::format("got \"{}\", expected JSON, of {}", text, command));
    }
    return json;
}

} // namespace handgrad::benchmarks
