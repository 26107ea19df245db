#include "command_line.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "text.hpp"

namespace handgrad::app {
namespace {

constexpr const char* see_help = "(--help lists the options)";

/// All of the text as a number of type T.
template <class T> bool parse_all(const std::string& text, T& number) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && rest == end;
}

UsageError unexpected(const Option& option, const std::string& got) {
    return UsageError(fmt::format("{}: got {}, expected {} {}", option.name, got, option.expected, see_help));
}

UsageError unknown(const std::string& argument, const std::vector<Option>& options) {
    if (argument.empty() || argument[0] != '-') {
        return UsageError(fmt::format("got {}, expected only options {}", in_quotes(argument), see_help));
    }
    std::vector<std::string> names{"--help", "--version"};
    for (const auto& option : options) { names.push_back(option.name); }
    const std::string name = argument.substr(0, argument.find('='));
    const std::string guess = nearest(name, names);
    return UsageError(fmt::format("{}: unknown option{} {}", one_line(name.substr(0, 60)),
                                  guess.empty() ? "" : ", did you mean " + guess + "?", see_help));
}

} // namespace

bool parse_integer(const std::string& text, std::int64_t min, std::int64_t max, std::int64_t& number) {
    return parse_all(text, number) && min <= number && number <= max;
}

bool parse_number(const std::string& text, double min, double max, double& number) {
    return parse_all(text, number) && std::isfinite(number) && min <= number && number <= max;
}

Request parse_command_line(int argc, const char* const* argv, const std::vector<Option>& options) {
    // CLI11 cuts argv into options and their texts. What a text means, and every message, is ours.
    CLI::App cli;
    cli.allow_extras();
    cli.set_help_flag();
    auto* const help = cli.add_flag("-h,--help")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    auto* const version = cli.add_flag("--version")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    std::vector<CLI::Option*> read;
    for (const auto& option : options) {
        auto* const added = option.placeholder.empty() ? cli.add_flag(option.name) : cli.add_option(option.name);
        read.push_back(added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
    }
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ArgumentMismatch&) {
        // The one mismatch that is left: an option at the very end without its value.
        std::string last = argv[argc - 1];
        last = last.substr(0, last.find('='));
        for (const auto& option : options) {
            if (option.name == last) { throw unexpected(option, "no value"); }
        }
        throw UsageError(fmt::format("got {}, expected an option {}", in_quotes(argv[argc - 1]), see_help));
    } catch (const CLI::Error& error) { throw UsageError(fmt::format("{} {}", one_line(error.what()), see_help)); }

    if (help->count() > 0) { return Request::help; }
    if (version->count() > 0) { return Request::version; }
    for (std::size_t i = 0; i < options.size(); ++i) {
        const auto& texts = read[i]->results();
        if (texts.size() > 1) {
            throw UsageError(
                fmt::format("{}: given {} times, expected once {}", options[i].name, texts.size(), see_help));
        }
        if (!texts.empty() && !options[i].set(texts.front())) {
            const bool swallowed = texts.front().substr(0, 2) == "--"; // the next option, as the value was left out
            throw unexpected(options[i], swallowed ? "no value" : in_quotes(texts.front()));
        }
    }
    const auto extras = cli.remaining();
    if (!extras.empty()) { throw unknown(extras.front(), options); }
    return Request::run;
}

std::string to_text(const Value& value) {
    return std::visit(
        [](const auto& v) -> std::string {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::vector<double>>) {
                return "";
            } else {
                return fmt::format("{}", v);
            }
        },
        value);
}

std::string help_text(std::string_view program, std::string_view title, const std::vector<Option>& options) {
    struct Line {
        std::string left, right;
    };
    std::vector<Line> lines;
    for (const auto& option : options) {
        std::string standard;
        if (option.default_text) {
            standard = option.default_text();
        } else if (!option.placeholder.empty()) {
            standard = to_text(option.value());
        }
        lines.push_back({option.placeholder.empty() ? option.name : option.name + " " + option.placeholder,
                         standard.empty() ? option.help : fmt::format("{} (default: {})", option.help, standard)});
    }
    lines.push_back({"--version", "print the version and stop"});
    lines.push_back({"--help", "print this text and stop"});
    std::size_t width = 0;
    for (const auto& line : lines) { width = std::max(width, line.left.size()); }
    std::string text = fmt::format("{}: {}\n\nUsage: {} [options]\n\n", program, title, program);
    for (const auto& line : lines) { text += fmt::format("  {:<{}}  {}\n", line.left, width, line.right); }
    return text;
}

} // namespace handgrad::app
