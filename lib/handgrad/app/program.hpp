#pragma once
/// @file
/// The frame of every chapter's program: command line, banner, output folder, run.json and error messages. A chapter's
/// main() contains only the lesson:
///
/// @snippet files.cpp program

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace handgrad::app {

/// Values of the shared options. A chapter sets its defaults here before the command line is read; Program::take()
/// selects the options that the chapter offers.
struct Options {
    std::uint32_t seed = 0;         ///< `--seed`: seed of all random numbers. Every chapter has it.
    std::filesystem::path out;      ///< `--out`: folder for figures and run.json, out/NN_name. Every chapter has it.
    int threads = 1;                ///< `--threads`: number of threads, by default all cores. Every chapter has it.
    int epochs = 10;                ///< `--epochs`: passes over the training set.
    std::size_t batch_size = 64;    ///< `--batch-size`: examples in a mini-batch.
    double lr = 0.01;               ///< `--lr`: learning rate.
    std::size_t limit = 0;          ///< `--limit`: number of training examples that are used; 0: all.
    std::size_t log_interval = 100; ///< `--log-interval`: steps between two recorded losses.
    std::filesystem::path data;     ///< `--data`: folder of the data sets; empty: the usual folders.
    std::string device = "cpu";     ///< `--device`: backend that computes.
    std::filesystem::path save;     ///< `--save`: checkpoint to write; empty: none.
    std::filesystem::path resume;   ///< `--resume`: checkpoint to continue from; empty: none.
};

/// A value in run.json; the last alternative holds the rows of a matrix.
using Value =
    std::variant<bool, std::int64_t, double, std::string, std::vector<double>, std::vector<std::vector<double>>>;

/// Converts a number, a text, a range of numbers, or the rows of a matrix.
template <class T> Value to_value(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return value;
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<std::int64_t>(value);
    } else if constexpr (std::is_floating_point_v<T>) {
        return static_cast<double>(value);
    } else if constexpr (std::is_convertible_v<T, std::string>) {
        return static_cast<std::string>(value);
    } else if constexpr (std::is_same_v<T, std::vector<std::vector<double>>>) {
        return value;
    } else {
        return std::vector<double>(value.begin(), value.end());
    }
}

/// What a command line asks for: the lesson, the list of options, or the library's version.
enum class Request { run, help, version };

/// The program of one chapter. The description of this file shows its use.
class Program {
public:
    /// @param name  folder of the chapter, "05_two_layer_net"; begins every message and names the default `--out`
    /// @param title one line for `--help`
    Program(std::string name, std::string title);
    Program(Program&&) = delete;

    /// The shared options. Set the chapter's defaults before main(); read the user's choice in the lesson.
    Options& options() { return shared_; }

    /// Offers shared options in addition to `--help --version --seed --threads --out`, which every chapter has: any of
    /// `--epochs --batch-size --lr --limit --log-interval --data --device --save --resume`.
    /// @throws std::logic_error for another name
    Program& take(std::initializer_list<std::string_view> names);

    /// Offers `--device cpu|thrust`, or only cpu in a build without Thrust. The default is thrust if the library was
    /// built for CUDA and a GPU is available. main() throws std::runtime_error if the user's choice cannot run.
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
    /// Offers a number without a default. An empty `variable` appears as the text `unset` in the help and in run.json,
    /// so the lesson should set it to the value that it uses.
    Program& option(std::string name, std::optional<double>& variable, double min, double max, std::string help,
                    std::string unset);
    /// Offers a choice of one word.
    Program& option(std::string name, std::string& variable, std::vector<std::string> choices, std::string help);
    /// Offers a text, which must not be empty.
    Program& option(std::string name, std::string& variable, std::string help);
    /// Offers a file or folder.
    Program& option(std::string name, std::filesystem::path& variable, std::string help);
    /// Offers an option without a value, which sets `variable` to true.
    Program& flag(std::string name, bool& variable, std::string help);

    /// Sets the options from a command line, and does nothing else. main() calls it first. Any arguments are safe.
    /// @returns what the command line asks for: `--help` comes before `--version`, and both before a run
    /// @throws UsageError in one line for wrong usage, even beside `--help` or `--version`
    Request parse(int argc, const char* const* argv);

    /// Reads the command line, prints the banner, creates `--out`, runs the lesson, says where its figures are and which
    /// chapter is next, and writes run.json. Refuses a bad `--save` or `--resume` before the lesson.
    /// @returns the exit status: 0; after one line on stderr 2 for wrong usage (UsageError), 128 + n if it threw
    ///          Interrupted for signal n, 1 for any other exception or if stdout or run.json cannot be written
    int main(int argc, char** argv, const std::function<void()>& lesson);

    /// Records a result for run.json: a number, a text, a range of numbers, or the rows of a matrix as vectors of double.
    /// The last result of a name counts.
    template <class T> void result(std::string name, const T& value) {
        results_.emplace_back(std::move(name), to_value(value));
    }

    /// Returns these options as texts that read back as the same values, for a checkpoint: {"--lr", "0.001"}.
    /// @throws std::logic_error for an option that the program does not offer
    std::map<std::string, std::string> texts(std::initializer_list<std::string_view> names) const;

    /// Returns the path of `file` in the folder of `--out`.
    std::filesystem::path output(std::string_view file) const { return shared_.out / file; }

private:
    struct Option {
        std::string name;                            // "--epochs"
        std::string placeholder;                     // "N" in the help; empty for a flag
        std::string help;                            // meaning, a phrase
        std::string expected;                        // "a whole number from 1 to 1000000"
        std::function<bool(const std::string&)> set; // sets the variable; returns false if the text is not as expected
        std::function<Value()> value;                // present value
        std::pair<Value, std::string> alias = {};    // a value and the text that stands for it in the help
    };

    Program& add(Option option);
    Program& add_integer(std::string name, std::function<void(std::int64_t)> set, std::function<Value()> value,
                         std::int64_t min, std::int64_t max, std::string help);
    static std::string to_text(const Value& value); // which reads back as the same value
    std::string help_text() const;
    std::string unknown(const std::string& argument) const;
    void refuse_values_of_flags(int argc, const char* const* argv) const;
    void run(const std::function<void()>& lesson);

    std::string name_, title_, help_;
    Options shared_;
    std::vector<Option> options_;
    std::vector<std::pair<std::string, Value>> results_;
};

} // namespace handgrad::app
