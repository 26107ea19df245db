#pragma once
// The command line of a contestant. CLI11 is compiled once, in arguments.cpp, which takes longer than most contestants.

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace handgrad::benchmarks {

class Arguments {
public:
    explicit Arguments(const std::string& title);
    ~Arguments();
    Arguments(const Arguments&) = delete;
    Arguments& operator=(const Arguments&) = delete;

    /// An option that may be left out: `variable` (int, size_t, double or a string) holds its default.
    template <class T> void option(const std::string& name, T& variable, const std::string& help = "");
    /// The same for one word of `choices`.
    void option(const std::string& name, std::string& variable, const std::vector<std::string>& choices,
                const std::string& help);
    /// An option that must be given, with one or more words.
    void required(const std::string& name, std::vector<std::string>& variable, const std::string& help);
    /// An option without a value: it sets `variable` to true.
    void flag(const std::string& name, bool& variable);

    /// Sets the variables. @returns the exit status where there is nothing else to do: --help, or a mistake
    std::optional<int> parse(int argc, const char* const* argv);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace handgrad::benchmarks
