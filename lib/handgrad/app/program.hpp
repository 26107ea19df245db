#pragma once
/// @file
/// The frame of every chapter's program: the command line, the banner, the folder for figures, run.json, and what is
/// said when something goes wrong. A chapter's main() is left with the lesson:
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

/// What run.json can hold for a name.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>>;

/// Any number, text, or range of numbers as a Value.
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

/// One chapter's program. See the file's description for its use.
class Program {
public:
    /// @param name  the chapter's folder, "05_two_layer_net": starts every message and names the default `--out`.
    /// @param title one line for `--help`.
    Program(std::string name, std::string title);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// The shared options: set the chapter's defaults here before main(), read the user's choice inside the lesson.
    Options& options();

    /// Offers shared options beside `--help --version --seed --threads --out`, which every chapter has:
    /// any of `--epochs --batch-size --lr --limit --log-interval --data --device --save --resume`.
    /// @throws std::logic_error for another name.
    Program& take(std::initializer_list<std::string_view> names);

    /// Offers `--device cpu|thrust`, for a chapter that computes with Cpu<T> or Device<T> as the user wishes. The default
    /// is the device where the library was built for CUDA and a GPU is there, as in PyTorch's usual first line, otherwise
    /// the cpu. main() throws std::runtime_error where thrust is asked for and cannot be used. Without Thrust in the build
    /// there is only cpu.
    Program& take_device();

    /// Offers an option of the chapter's own that takes a whole number, min <= number <= max. `variable` holds the
    /// default, is overwritten by main() where the user gives the option, and must live as long as the program.
    template <class Integer, std::enable_if_t<std::is_integral_v<Integer>, int> = 0>
    Program& option(std::string name, Integer& variable, std::int64_t min, std::int64_t max, std::string help) {
        return add_integer(
            std::move(name), [&variable] { return static_cast<std::int64_t>(variable); },
            [&variable](std::int64_t value) { variable = static_cast<Integer>(value); }, min, max, std::move(help));
    }

    /// The same for a number with a fraction. NaN and infinities are refused.
    Program& option(std::string name, double& variable, double min, double max, std::string help);

    /// The same without a default: `variable` is empty unless the user gives the option, and the lesson decides. It
    /// should put in what it decided, for run.json; `unset` stands there otherwise, and in the help.
    Program& option(std::string name, std::optional<double>& variable, double min, double max, std::string help,
                    std::string unset);

    /// The same for one word out of `choices`.
    Program& option(std::string name, std::string& variable, std::vector<std::string> choices, std::string help);

    /// The same for a file or folder.
    Program& option(std::string name, std::filesystem::path& variable, std::string help);

    /// Offers an option without a value: it sets `variable` to true.
    Program& flag(std::string name, bool& variable, std::string help);

    /// Sets the options from a command line, and does nothing else: the first thing that main() does. Arguments of any
    /// origin are safe to pass in.
    /// @returns what is asked for; where that is not Request::run, the options may not have been read
    /// @throws UsageError in one line for a command line that makes no sense
    Request parse(int argc, const char* const* argv);

    /// Reads the command line, prints the banner, creates `--out`, runs the lesson, and writes run.json.
    /// @returns the exit status: 0; 2 after one line on stderr for a command line that makes no sense (UsageError);
    ///          1 after one line on stderr for any other exception, or where stdout or run.json could not be written;
    ///          128 + n after one line on stderr where the lesson threw Interrupted for signal n: 130 for Ctrl-C.
    /// A `--save` that cannot be written to and a `--resume` that cannot be read are refused before the lesson begins.
    int main(int argc, char** argv, const std::function<void()>& lesson);

    /// Records a result for run.json: a number, text, or a range of numbers. The last value given for a name counts.
    template <class T> void result(const std::string& name, const T& value) { add_result(name, to_value(value)); }

    /// The options of these names as they stand, in words that read back as the same values: {"--lr", "0.001"}. For a
    /// checkpoint. @throws std::logic_error for a name that the program does not offer.
    std::map<std::string, std::string> texts(std::initializer_list<std::string_view> names) const;

    /// `file` inside the folder of `--out`.
    std::filesystem::path output(std::string_view file) const;

private:
    struct Impl;
    Program& add_integer(std::string name, std::function<std::int64_t()> get, std::function<void(std::int64_t)> set,
                         std::int64_t min, std::int64_t max, std::string help);
    void add_result(const std::string& name, Value value);
    void run(const std::function<void()>& lesson);

    std::unique_ptr<Impl> impl_;
};

} // namespace handgrad::app
