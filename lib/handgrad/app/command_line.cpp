#include "command_line.hpp"

#include <algorithm>
#include <numeric>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/error.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::app {
namespace {

/// A UsageError that ends with a pointer to --help.
template <class... Args> UsageError usage_error(fmt::format_string<Args...> message, Args&&... args) {
    return UsageError(fmt::format(message, std::forward<Args>(args)...) + " (--help lists the options)");
}

UsageError unexpected(const Option& option, std::string_view got) {
    return usage_error("{}: got {}, expected {}", option.name, got, option.expected);
}

/// The smallest number of letters inserted, deleted or replaced that turns `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1); // distances of the first letters of `a` from all beginnings of `b`
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (const char letter : a) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (letter == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

UsageError unknown(const std::string& argument, const std::vector<Option>& options) {
    if (argument.substr(0, 1) != "-") { return usage_error("got {}, expected only options", io::shown(argument, 60)); }
    const std::string name = one_line(argument.substr(0, std::min<std::size_t>(argument.find('='), 60)));
    std::string guess;
    std::size_t least = name.size() / 3 + 1; // at most a third of the letters may be wrong
    std::vector<std::string> names{"--help", "--version"};
    for (const Option& option : options) { names.push_back(option.name); }
    for (const std::string& known : names) {
        const std::size_t distance = edit_distance(name, known);
        if (distance < least) {
            least = distance;
            guess = ", did you mean " + known + "?";
        }
    }
    return usage_error("{}: unknown option{}", name, guess);
}

} // namespace

Request parse_command_line(int argc, const char* const* argv, const std::vector<Option>& options) {
    CLI::App cli; // splits argv into options and their texts
    cli.allow_extras();
    cli.set_help_flag();
    const auto* const help = cli.add_flag("-h,--help")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    const auto* const version = cli.add_flag("--version")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    for (const Option& option : options) {
        auto* const added = option.placeholder.empty() ? cli.add_flag(option.name) : cli.add_option(option.name);
        added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ArgumentMismatch&) { // the last option has no value
        const std::string last = argv[argc - 1], name = last.substr(0, last.find('='));
        for (const Option& option : options) {
            if (option.name == name) { throw unexpected(option, "no value"); }
        }
        throw usage_error("got {}, expected an option", io::shown(last, 60));
    } catch (const CLI::Error& error) { throw usage_error("{}", one_line(error.what())); }

    if (help->count() > 0) { return Request::help; }
    if (version->count() > 0) { return Request::version; }
    for (const Option& option : options) {
        const std::vector<std::string> texts = cli.get_option(option.name)->results();
        if (texts.size() > 1) { throw usage_error("{}: given {} times, expected once", option.name, texts.size()); }
        if (!texts.empty() && !option.set(texts[0])) {
            const bool next_option = texts[0].substr(0, 2) == "--"; // taken for the value, which is missing
            throw unexpected(option, next_option ? "no value" : io::shown(texts[0], 60));
        }
    }
    const std::vector<std::string> extras = cli.remaining();
    if (!extras.empty()) { throw unknown(extras[0], options); }
    return Request::run;
}

std::string to_text(const Value& value) {
    return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

std::string help_text(std::string_view program, std::string_view title, const std::vector<Option>& options) {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const Option& option : options) {
        const Value value = option.value();
        const std::string standard = value == option.alias.first ? option.alias.second : to_text(value);
        lines.emplace_back(option.name + (option.placeholder.empty() ? "" : " ") + option.placeholder,
                           option.help + (standard.empty() ? "" : fmt::format(" (default: {})", standard)));
    }
    lines.insert(lines.end(), {{"--version", "print the version and stop"}, {"--help", "print this text and stop"}});
    std::size_t width = 0;
    for (const auto& [name, help] : lines) { width = std::max(width, name.size()); }
    std::string text = fmt::format("{}: {}\n\nUsage: {} [options]\n\n", program, title, program);
    for (const auto& [name, help] : lines) { text += fmt::format("  {:<{}}  {}\n", name, width, help); }
    return text;
}

std::string one_line(std::string_view text) {
    std::string line(text.substr(0, text.find_last_not_of('\n') + 1));
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
    return line;
}

} // namespace handgrad::app
