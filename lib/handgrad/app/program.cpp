#include "handgrad/app/program.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <cblas.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <xsimd/xsimd.hpp>

#include "command_line.hpp"
#include "handgrad/app/interrupt.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"
#include "handgrad/io/json.hpp"
#include "handgrad/io/read_file.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/version.hpp"

namespace handgrad::app {
namespace {

/// Flushes std::cout and stdout. Throws if any output was lost.
void flush_stdout() {
    errno = 0;
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        throw std::runtime_error(fmt::format("standard output: {}, expected to write all of it",
                                             errno != 0 ? std::strerror(errno) : "failed"));
    }
}

/// Opens /dev/null in place of a closed standard stream. Otherwise the next file would get the stream's number, and the
/// text printed to it.
void open_standard_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) == -1) { // stdout is opened for reading: writing to it has to fail
            [[maybe_unused]] const int opened = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

/// "handgrad 0.1.0 | cpu | OpenBLAS 0.3.21 Haswell | xsimd avx2 | 2 threads | seed 0".
std::string machine_line(const Options& options) {
    std::istringstream config(openblas_get_config()); // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
    std::string library, release;
    config >> library >> release;
    return fmt::format("handgrad {} | {} | {} {} {} | xsimd {} | {} thread{} | seed {}", version(),
                       options.device == "thrust" ? device::description() : options.device, library, release,
                       openblas_get_corename(), xsimd::default_arch::name(), options.threads,
                       options.threads == 1 ? "" : "s", options.seed);
}

nlohmann::ordered_json to_json(const Value& value) {
    return std::visit([](const auto& v) { return nlohmann::ordered_json(v); }, value);
}

} // namespace

struct Program::Impl {
    std::string name, title;
    Options shared = {};
    std::vector<Option> options = {};
    nlohmann::ordered_json results = nlohmann::ordered_json::object();
};

Program::Program(std::string name, std::string title)
    : impl_(std::make_unique<Impl>(Impl{std::move(name), std::move(title)})) {
    Options& shared = impl_->shared;
    shared.out = std::filesystem::path("out") / impl_->name;
    shared.threads = num_threads();
    option("--seed", shared.seed, 0, 4294967295, "seed of all random numbers");
    option("--threads", shared.threads, 1, 1024, "number of threads; results do not depend on it");
    impl_->options.back().alias = {std::int64_t{num_threads()}, "all cores"};
    option("--out", shared.out, "folder for figures and run.json");
}

Program::~Program() = default;

Options& Program::options() { return impl_->shared; }

Program& Program::take(std::initializer_list<std::string_view> names) {
    Options& shared = impl_->shared;
    for (const auto name : names) {
        if (name == "--epochs") {
            option("--epochs", shared.epochs, 1, 1000000, "passes over the training set");
        } else if (name == "--batch-size") {
            option("--batch-size", shared.batch_size, 1, 1000000, "examples in a mini-batch");
        } else if (name == "--lr") {
            option("--lr", shared.lr, 0.0, 1000.0, "learning rate");
        } else if (name == "--limit") {
            option("--limit", shared.limit, 1, 1000000000, "use only the first N training examples");
            impl_->options.back().alias = {std::int64_t{0}, "all"};
        } else if (name == "--log-interval") {
            option("--log-interval", shared.log_interval, 1, 1000000000, "steps between two recorded losses");
        } else if (name == "--data") {
            option("--data", shared.data, "folder of the data sets");
            impl_->options.back().alias = {std::string(), "$HANDGRAD_DATA or data/"};
        } else if (name == "--device") {
            option("--device", shared.device, {"cpu"}, "backend that computes");
            impl_->options.back().expected = "cpu (nothing here is for a GPU to do)";
        } else if (name == "--save") {
            option("--save", shared.save, "write a checkpoint to this file during training and at Ctrl-C");
        } else if (name == "--resume") {
            option("--resume", shared.resume, "continue from this checkpoint");
        } else {
            throw std::logic_error(fmt::format("Program::take: got {}, expected the name of a shared option", name));
        }
    }
    return *this;
}

Program& Program::take_device() {
    std::string& device = impl_->shared.device;
    if (!device::is_gpu() && !device::is_available()) {
        option("--device", device, {"cpu"}, "backend that computes");
        impl_->options.back().expected =
            "cpu (this build has no Thrust; configure with -DHANDGRAD_THRUST_DEVICE=OMP, TBB, CPP or CUDA)";
        return *this;
    }
    if (device::is_gpu() && device::is_available()) { device = "thrust"; }
    return option("--device", device, {"cpu", "thrust"},
                  fmt::format("backend that computes; thrust is {} here", device::description()));
}

Program& Program::add(Option option) {
    impl_->options.push_back(std::move(option));
    return *this;
}

Program& Program::add_integer(std::string name, std::function<void(std::int64_t)> set, std::function<Value()> value,
                              std::int64_t min, std::int64_t max, std::string help) {
    const auto parse = [set = std::move(set), min, max](const std::string& text) {
        std::int64_t number = 0;
        const bool good = parse_number(text, min, max, number);
        if (good) { set(number); }
        return good;
    };
    return add({std::move(name), "N", std::move(help), fmt::format("a whole number from {} to {}", min, max), parse,
                std::move(value)});
}

Program& Program::option(std::string name, double& variable, double min, double max, std::string help) {
    return add({std::move(name), "X", std::move(help), fmt::format("a number from {} to {}", min, max),
                [=, &variable](const std::string& text) { return parse_number(text, min, max, variable); },
                [&variable] { return variable; }});
}

Program& Program::option(std::string name, std::optional<double>& variable, double min, double max, std::string help,
                         std::string unset) {
    return add({std::move(name), "X", std::move(help), fmt::format("a number from {} to {}", min, max),
                [=, &variable](const std::string& text) { return parse_number(text, min, max, variable); },
                [&variable, unset = std::move(unset)] { return variable ? Value(*variable) : Value(unset); }});
}

Program& Program::option(std::string name, std::string& variable, std::vector<std::string> choices, std::string help) {
    return add({std::move(name), fmt::format("{}", fmt::join(choices, "|")), std::move(help),
                fmt::format("{}", fmt::join(choices, " or ")),
                [choices, &variable](const std::string& text) {
                    const bool good = std::count(choices.begin(), choices.end(), text) > 0;
                    if (good) { variable = text; }
                    return good;
                },
                [&variable] { return variable; }});
}

Program& Program::option(std::string name, std::filesystem::path& variable, std::string help) {
    return add({std::move(name), "PATH", std::move(help), "a path",
                [&variable](const std::string& text) { return !(variable = text).empty(); },
                [&variable] { return variable.string(); }});
}

Program& Program::flag(std::string name, bool& variable, std::string help) {
    return add({std::move(name), "", std::move(help), "no value",
                [&variable](const std::string& text) { return variable = text == "true"; },
                [&variable] { return variable; }});
}

void Program::add_result(const std::string& name, Value value) { impl_->results[name] = to_json(value); }

std::map<std::string, std::string> Program::texts(std::initializer_list<std::string_view> names) const {
    std::map<std::string, std::string> texts;
    for (const auto name : names) {
        const auto found = std::find_if(impl_->options.begin(), impl_->options.end(),
                                        [&](const Option& option) { return option.name == name; });
        if (found == impl_->options.end()) {
            throw std::logic_error(fmt::format("Program::texts: got {}, expected an option of the program", name));
        }
        texts.emplace(name, to_text(found->value()));
    }
    return texts;
}

std::filesystem::path Program::output(std::string_view file) const { return impl_->shared.out / file; }

Request Program::parse(int argc, const char* const* argv) { return parse_command_line(argc, argv, impl_->options); }

int Program::main(int argc, char** argv, const std::function<void()>& lesson) {
    std::signal(SIGPIPE, SIG_IGN); // write() reports an error if the reader of a pipe has ended
    open_standard_streams();
    const auto fail = [this](const std::string& message, int status) {
        std::cout.flush();
        std::fflush(stdout);
        std::fputs((impl_->name + ": " + one_line(message) + "\n").c_str(), stderr);
        return status;
    };
    try {
        switch (parse(argc, argv)) {
        case Request::help:
            fmt::print("{}", help_text(impl_->name, impl_->title, impl_->options));
            break;
        case Request::version:
            fmt::print("handgrad {}\n", version());
            break;
        case Request::run:
            run(lesson);
            break;
        }
        flush_stdout();
        return 0;
    } catch (const UsageError& error) { return fail(error.what(), 2); } catch (const Interrupted& error) {
        return fail(error.what(), 128 + error.signal());
    } catch (const std::bad_alloc&) { return fail("out of memory", 1); } catch (const std::exception& error) {
        return fail(error.what(), 1);
    }
}

void Program::run(const std::function<void()>& lesson) {
    const Options& shared = impl_->shared;
    set_num_threads(shared.threads);
    if (shared.device == "thrust") { device::require_available(); }
    io::make_output_directory(shared.out);
    if (!shared.save.empty()) { io::require_writable(shared.save); }
    if (!shared.resume.empty()) { io::require_readable(shared.resume); }
    const std::string machine = machine_line(shared);
    fmt::print("# {}\n", machine);
    lesson();
    flush_stdout();

    nlohmann::ordered_json run{{"program", impl_->name}, {"machine", machine}};
    for (const Option& option : impl_->options) { run["parameters"][option.name.substr(2)] = to_json(option.value()); }
    run["results"] = impl_->results;
    io::write_json(output("run.json"), run);
}

} // namespace handgrad::app
