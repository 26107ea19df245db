// compare_output EXPECTED ACTUAL [--rtol X] [--atol Y] [--rules FILE]: what compare.hpp describes, for two files.
// Exit status: 0 where they agree, 1 where they differ, 2 where they could not be compared.

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "compare.hpp"

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad()) { throw std::runtime_error(fmt::format("cannot read '{}'", path)); }
    return text;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App cli("Compares a chapter's output with what it is expected to be");
    std::string expected, actual, rules_file;
    handgrad::chapters::Tolerance tolerance;
    cli.add_option("EXPECTED", expected)->required();
    cli.add_option("ACTUAL", actual)->required();
    cli.add_option("--rtol", tolerance.rtol, "relative tolerance of numbers")->check(CLI::Range(0.0, 1.0));
    cli.add_option("--atol", tolerance.atol, "absolute tolerance of numbers")->check(CLI::Range(0.0, 1e300));
    cli.add_option("--rules", rules_file, "lines of: REGEX RTOL ATOL, REGEX mask, or REGEX optional");
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) { return cli.exit(error) == 0 ? 0 : 2; }
    try {
        std::vector<handgrad::chapters::Rule> rules;
        if (!rules_file.empty()) {
            try {
                rules = handgrad::chapters::parse_rules(read(rules_file));
            } catch (const std::invalid_argument& error) {
                throw std::runtime_error(fmt::format("{}: {}", rules_file, error.what()));
            }
        }
        const auto report = handgrad::chapters::compare(read(expected), read(actual), tolerance, rules);
        if (report.differences == 0) { return 0; }
        fmt::print("{} and {} differ in {} place{}\n{}", expected, actual, report.differences,
                   report.differences == 1 ? "" : "s", report.text);
        return 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "compare_output: {}\n", error.what());
        return 2;
    }
}
