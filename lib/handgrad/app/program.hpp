#pragma once
/// @file
/// The frame of every chapter's program: command line, banner, output folder, run.json and error messages. The lesson is
/// all that remains for a chapter's main():
///
/// @snippet files.cpp program

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "handgrad/app/options.hpp"

namespace handgrad::app {

/// A value in run.json.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>>;

/// Converts a number, a text, or a range of numbers.
template <class T> Value to_value(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return value;
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<std::int64_t>(value);
    } else if constexpr (std::is_floating_point_v<T>) {
        return static_cast<double>(value);
    } else if constexpr (std::is_convertible_v<T, std::string>) {
        return static_cast<std::string>(value);
    } else {
        return std::vector<double>(value.begin(), value.end());
    }
}

/// What a command line asks for.
enum class Request {
    run,    ///< the lesson
    help,   ///< the list of options
    version ///< the library's version
};

struct Option;

/// The program of one chapter. The description of this file shows its use.
class Program {
public:
    /// @param name  folder of the chapter, "05_two_layer_net"; begins every message and names the default `--out`
    /// @param title one line for `--help`
    Program(std::string name, std::string title);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// The shared options. Set the chapter's defaults before main(); read the user's choice in the lesson.
    Options& options();

    /// Offers shared options in addition to `--help --version --seed --threads --out`, which every chapter has: any of
    /// `--epochs --batch-size --lr --limit --log-interval --data --device --save --resume`.
    /// @throws std::logic_error for another name
    Program& take(std::initializer_list<std::string_view> names);

    /// Offers `--device cpu|thrust`, for a chapter that computes with Cpu<T> or Device<T>. The default is thrust if the
    /// library was built for CUDA and a GPU is available, otherwise cpu. main() throws std::runtime_error if the user
    /// asks for thrust and it cannot run. A build without Thrust offers only cpu.
    Program& take_device();

    /// Offers a chapter's own option, a whole number with min <= number <= max. `variable` holds the default; main()
    /// overwrites it if the user gives the option. It must live as long as the program.
    template <class Integer, std::enable_if_t<std::is_integral_v<Integer>, int> = 0>
    Program& option(std::string name, Integer& variable, std::int64_t min, std::int64_t max, std::string help) {
        return add_integer(
            std::move(name), [&variable](std::int64_t value) { variable = static_cast<Integer>(value); },
            [&variable] { return to_value(variable); }, min, max, std::move(help));
    }

    /// Offers a number with a fraction. NaN and infinities are refused.
    Program& option(std::string name, double& variable, double min, double max, std::string help);

    /// Offers a number with a fraction and without a default. The lesson should set an empty `variable` to the value that
    /// it uses, for run.json; otherwise run.json contains the text `unset`, which is also shown in the help.
    Program& option(std::string name, std::optional<double>& variable, double min, double max, std::string help,
                    std::string unset);

    /// Offers a choice of one word.
    Program& option(std::string name, std::string& variable, std::vector<std::string> choices, std::string help);

    /// Offers a file or folder.
    Program& option(std::string name, std::filesystem::path& variable, std::string help);

    /// Offers an option without a value, which sets `variable` to true.
    Program& flag(std::string name, bool& variable, std::string help);

    /// Sets the options from a command line, and does nothing else. main() calls it first. Any arguments are safe.
    /// @returns what the command line asks for; unless that is Request::run, options may not have been set
    /// @throws UsageError in one line for wrong usage
    Request parse(int argc, const char* const* argv);

    /// Reads the command line, prints the banner, creates `--out`, runs the lesson, and writes run.json. Before the
    /// lesson, refuses a `--save` that cannot be written and a `--resume` that cannot be read.
    /// @returns the exit status: 0; after one line on stderr 2 for wrong usage (UsageError), 1 for any other exception or
    ///          if stdout or run.json cannot be written, 128 + n if the lesson threw Interrupted for signal n (130 for
    ///          Ctrl-C)
    int main(int argc, char** argv, const std::function<void()>& lesson);

    /// Records a result for run.json: a number, a text, or a range of numbers. Replaces an earlier result of this name.
    template <class T> void result(const std::string& name, const T& value) { add_result(name, to_value(value)); }

    /// Returns the present values of these options as texts that read back as the same values, for a checkpoint:
    /// {"--lr", "0.001"}. @throws std::logic_error for an option that the program does not offer
    std::map<std::string, std::string> texts(std::initializer_list<std::string_view> names) const;

    /// Returns the path of `file` in the folder of `--out`.
    std::filesystem::path output(std::string_view file) const;

private:
    struct Impl;
    Program& add(Option option);
    Program& add_integer(std::string name, std::function<void(std::int64_t)> set, std::function<Value()> value,
                         std::int64_t min, std::int64_t max, std::string help);
    void add_result(const std::string& name, Value value);
    void run(const std::function<void()>& lesson);

    std::unique_ptr<Impl> impl_;
};

} // namespace handgrad::app
