#pragma once
// What handgrad_benchmarks was asked for.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace handgrad::benchmarks {

struct Options {
    std::filesystem::path programs, scripts; ///< folders of the contestants
    std::filesystem::path json;              ///< file for the results; empty is none
    std::filesystem::path out;               ///< folder for the figures
    std::filesystem::path data;              ///< folder of MNIST, in which the scripts find it too
    std::string numpy, torch;                ///< Pythons, empty where there is none
    std::vector<std::string> only;
    std::vector<int> threads = {1, 2};
    int rounds = 5;
    bool quick = false;

    bool wants(const std::string& part) const {
        return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
    }
};

} // namespace handgrad::benchmarks
