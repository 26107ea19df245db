// Compares handgrad with NumPy and PyTorch, back to back, and measures every operation. It asserts nothing: whether the
// numbers are good is for the reader to say.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "handgrad/data/mnist.hpp"
#include "handgrad/io/json.hpp"

#include "cnn_tables.hpp"
#include "contest.hpp"
#include "operations_table.hpp"
#include "options.hpp"
#include "torch_table.hpp"

namespace {

using namespace handgrad;
using benchmarks::Contestant;
using benchmarks::Options;

nlohmann::ordered_json spiral(const Options& options) {
    const std::string iterations = options.quick ? "20" : "10000";
    std::vector<Contestant> contestants = {
        {"handgrad, 1 thread", {options.programs / "bench_spiral", "--iterations", iterations}}};
    if (options.numpy.empty()) {
        fmt::print("\nNumPy is not there to compare with: ./run setup python3-numpy\n");
    } else {
        contestants.push_back(
            {"NumPy, 1 thread", {options.numpy, options.scripts / "numpy_two_layer.py", "--iterations", iterations}});
    }
    return run_contest(fmt::format("Chapter 05: the two-layer net on the spiral, double, {} iterations", iterations),
                       contestants, options.rounds);
}

/// The folder in which both we and the script find MNIST.
std::filesystem::path mnist_folder(const std::filesystem::path& wanted) {
    for (const auto& folder : data::mnist_folders(wanted)) {
        if (exists(folder / "train-images-idx3-ubyte.gz") || exists(folder / "train-images-idx3-ubyte")) {
            return folder;
        }
    }
    return wanted;
}

nlohmann::ordered_json mnist(const Options& options) {
    const std::string folder = options.data;
    std::vector<std::string> sizes = {"--epochs", "3"};
    if (options.quick) { sizes = {"--epochs", "1", "--limit", "256"}; }
    if (options.torch.empty()) { fmt::print("\nPyTorch is not there to compare with: ./run setup python3-torch\n"); }

    auto all = nlohmann::ordered_json::array();
    for (const int number : options.threads) {
        const std::string threads = std::to_string(number);
        std::vector<std::string> ours = {options.programs / "bench_mnist", "--data", folder, "--threads", threads};
        std::vector<std::string> theirs = {options.torch, options.scripts / "torch_mnist.py", folder, "--threads",
                                           threads};
        ours.insert(ours.end(), sizes.begin(), sizes.end());
        theirs.insert(theirs.end(), sizes.begin(), sizes.end());
        std::vector<Contestant> contestants = {{"handgrad: bytes, shuffled and converted", ours}};
        if (!options.torch.empty()) {
            contestants.push_back({"PyTorch: floats, slices of what was shuffled before", theirs, "preloaded"});
            contestants.push_back({"PyTorch: floats, shuffled by x[order[i:i + 64]]", theirs, "indexed"});
        }
        all.push_back(run_contest(
            fmt::format("Chapter 08: an epoch of 784-100-10 on MNIST, float, batch 64, threads: {}", threads),
            contestants, options.rounds));
    }
    return all;
}

void run(const Options& options) {
    nlohmann::ordered_json results = nlohmann::ordered_json::object();
    fmt::print("The contestants of a table run in turn, {} times; ratio is the median's to the first one's.\n",
               options.rounds);
    if (options.wants("spiral")) { results["spiral"] = spiral(options); }
    if (options.wants("mnist")) { results["mnist"] = mnist(options); }
    if (options.wants("cnn")) { results["cnn"] = benchmarks::run_cnn(options); }
    if (options.wants("device")) { results["device"] = benchmarks::run_device(options); }
    if (options.wants("growth")) { results["growth"] = benchmarks::run_growth(options); }
    if (options.wants("deep")) { results["deep"] = benchmarks::run_deep(options); }
    if (options.wants("gpt")) { results["gpt"] = benchmarks::run_gpt(options); }
    if (options.wants("operations")) {
        const auto program = options.programs / "bench_operations";
        if (exists(program)) {
            results["operations"] = benchmarks::run_operations(program, options);
        } else {
            fmt::print("\nSingle operations need google-benchmark: ./run setup libbenchmark-dev\n");
        }
    }
    if (!options.json.empty()) { io::write_json(options.json, results); }
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    options.out = "out/bench";
    options.programs = std::filesystem::path(argv[0]).parent_path();
    CLI::App app("Compares handgrad with NumPy and PyTorch and measures its operations");
    app.add_option("--only", options.only, "what to run; all if not given")
        ->check(CLI::IsMember({"spiral", "mnist", "cnn", "device", "growth", "deep", "gpt", "operations"}));
    app.add_option("--threads", options.threads, "one table each; 1 and 2 if not given")->check(CLI::Range(1, 1024));
    app.add_option("--rounds", options.rounds, "how often each contestant runs")->check(CLI::Range(1, 1000));
    app.add_option("--json", options.json, "file for the results");
    app.add_option("--out", options.out, "folder for the figures; out/bench if not given");
    app.add_option("--data", options.data, "folder of MNIST");
    app.add_flag("--quick", options.quick, "tiny sizes: to see that everything runs");
    app.add_option("--scripts", options.scripts, "folder of the Python programs")->required();
    app.add_option("--numpy", options.numpy, "a Python that has NumPy");
    app.add_option("--torch", options.torch, "a Python that has PyTorch");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? 0 : 2; }
    if (options.quick) { options.rounds = 1; }
    try {
        options.data = mnist_folder(options.data);
        std::filesystem::create_directories(options.out);
        run(options);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "handgrad_benchmarks: {}\n", error.what());
        return 1;
    }
}
