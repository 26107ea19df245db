// A program's command line, with options of every kind that the chapters have. Line ends separate the arguments.

#include <cmath>
#include <optional>

#include "fuzz.hpp"
#include "handgrad/app/program.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

std::vector<std::string> arguments_of(std::string_view bytes) {
    std::vector<std::string> arguments{"program"};
    for (bool more = !bytes.empty(); more;) {
        const std::string_view argument = bytes.substr(0, bytes.find('\n'));
        arguments.emplace_back(argument.substr(0, argument.find('\0'))); // as a system would pass it on
        more = argument.size() < bytes.size();
        bytes.remove_prefix(more ? argument.size() + 1 : argument.size());
    }
    return arguments;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> arguments = arguments_of({reinterpret_cast<const char*>(data), size});
    std::vector<char*> argv;
    for (std::string& argument : arguments) { argv.push_back(argument.data()); }
    argv.push_back(nullptr);

    app::Program program("program", "What any of the chapters has");
    auto& options = program.options();
    std::string preset = "lecture";
    double step = 0.5;
    std::optional<double> momentum;
    std::size_t every = 0;
    bool unfused = false;
    std::filesystem::path weights;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--log-interval", "--data", "--save", "--resume"})
        .take_device();
    program.option("--preset", preset, {"lecture", "good"}, "how to train")
        .option("--step", step, -1, 1, "a number with a fraction")
        .option("--momentum", momentum, 0, 0.9999, "a number without a default", "the preset's")
        .option("--save-every", every, 0, 1000, "batches between two checkpoints")
        .option("--weights", weights, "begin with these")
        .flag("--unfused", unfused, "slower");
    try {
        if (program.parse(static_cast<int>(arguments.size()), argv.data()) != app::Request::run) { return 0; }
    } catch (const UsageError& error) {
        require_one_line(error.what(), "");
        return 0;
    }
    require(options.threads >= 1 && options.threads <= 1024, "a number of threads is one");
    require(options.epochs >= 1 && options.epochs <= 1000000, "epochs in their range");
    require(options.batch_size >= 1 && options.limit <= 1000000000, "sizes in their range");
    require(options.lr >= 0 && options.lr <= 1000, "a learning rate is one");
    require(options.device == "cpu" || options.device == "thrust", "a device that there is");
    require(step >= -1 && step <= 1 && every <= 1000, "numbers in their range");
    require(!momentum || (*momentum >= 0 && *momentum <= 0.9999), "the same without a default");
    require(preset == "lecture" || preset == "good", "one of the choices");
    require(program.texts({"--lr", "--step", "--weights"}).size() == 3, "options can be written down");
    return 0;
}
