// How a program reads its command line and explains its options.
#include "handgrad/app/program.hpp"

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

} // namespace

/// Describes an argument that is not an option of the program.
std::string Program::unknown(const std::string& argument) const {
    if (argument.substr(0, 1) != "-") { return fmt::format("got {}, expected only options", io::shown(argument, 60)); }
    const std::string name = io::one_line(argument.substr(0, std::min<std::size_t>(argument.find('='), 60)));
    std::vector<std::string> known{"--help", "--version"};
    for (const Option& option : options_) { known.push_back(option.name); }
    const auto closer = [&](const auto& a, const auto& b) { return edit_distance(name, a) < edit_distance(name, b); };
    const std::string nearest = *std::min_element(known.begin(), known.end(), closer);
    const bool similar = edit_distance(name, nearest) <= name.size() / 3; // at most a third of the letters is wrong
    return name + ": unknown option" + (similar ? ", did you mean " + nearest + "?" : "");
}

/// Refuses "--help=yes" and "--wide=true", of which CLI11 would accept some.
void Program::refuse_values_of_flags(int argc, const char* const* argv) const {
    std::vector<std::string> flags{"-h", "--help", "--version"};
    for (const Option& option : options_) {
        if (option.placeholder.empty()) { flags.push_back(option.name); }
    }
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::size_t equals = argument.find('=');
        if (equals != std::string::npos && std::count(flags.begin(), flags.end(), argument.substr(0, equals)) > 0) {
            throw usage_error("{}: got {}, expected no value", argument.substr(0, equals),
                              io::shown(argument.substr(equals + 1), 60));
        }
    }
}

Request Program::parse(int argc, const char* const* argv) {
    refuse_values_of_flags(argc, argv);
    CLI::App cli; // splits argv into options and their texts
    cli.allow_extras();
    cli.set_help_flag();
    const auto* const help = cli.add_flag("-h,--help")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    const auto* const version = cli.add_flag("--version")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    for (const Option& option : options_) {
        auto* const added = option.placeholder.empty() ? cli.add_flag(option.name) : cli.add_option(option.name);
        added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    try {
        cli.parse(argc, argv);
    } catch (const CLI::Error& error) { // the last option has no value
        const std::string last = argv[argc - 1], name = last.substr(0, last.find('='));
        for (const Option& option : options_) {
            if (option.name == name) { throw usage_error("{}: got no value, expected {}", name, option.expected); }
        }
        throw usage_error("{}", io::one_line(error.what()));
    }

    help_ = help_text(); // with the defaults: below, the options get the user's values
    for (const Option& option : options_) {
        const std::vector<std::string> texts = cli.get_option(option.name)->results();
        if (texts.size() > 1) { throw usage_error("{}: given {} times, expected once", option.name, texts.size()); }
        if (!texts.empty() && !option.set(texts[0])) {
            const bool next_option = texts[0].substr(0, 2) == "--"; // taken for the value, which is missing
            throw usage_error("{}: got {}, expected {}", option.name,
                              next_option ? "no value" : io::shown(texts[0], 60), option.expected);
        }
    }
    const std::vector<std::string> extras = cli.remaining();
    if (!extras.empty()) { throw usage_error("{}", unknown(extras[0])); }
    return help->count() > 0 ? Request::help : version->count() > 0 ? Request::version : Request::run;
}

std::string Program::to_text(const Value& value) {
    return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

std::string Program::help_text() const {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const Option& option : options_) {
        const Value value = option.value();
        const std::string standard = value == option.alias.first ? option.alias.second : to_text(value);
        lines.emplace_back(option.name + (option.placeholder.empty() ? "" : " ") + option.placeholder,
                           option.help + (standard.empty() ? "" : fmt::format(" (default: {})", standard)));
    }
    lines.insert(lines.end(), {{"--version", "print the version and stop"}, {"--help", "print this text and stop"}});
    std::size_t width = 0;
    for (const auto& [name, help] : lines) { width = std::max(width, name.size()); }
    std::string text = fmt::format("{0}: {1}\n\nUsage: {0} [options]\n\n", name_, title_);
    for (const auto& [name, help] : lines) { text += fmt::format("  {:<{}}  {}\n", name, width, help); }
    return text;
}

} // namespace handgrad::app
