#include "handgrad/app/program.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <cblas.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <xsimd/xsimd.hpp>

#include "handgrad/app/chapters.hpp"
#include "handgrad/app/interrupt.hpp"
#include "handgrad/app/start.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/json.hpp"
#include "handgrad/io/shown.hpp"
#include "handgrad/tensor/blas_buffer.hpp"
#include "handgrad/tensor/memory_limit.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/version.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace handgrad::app {
namespace {

/// The message of output that was lost.
std::string lost_output(const std::string& reason) {
    return fmt::format("standard output: {}, expected to write all of it", reason);
}

/// Flushes std::cout and stdout. Throws if any output was lost.
void flush_stdout() {
    errno = 0;
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        throw std::runtime_error(lost_output(errno != 0 ? std::strerror(errno) : "failed"));
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

/// Reads the whole text as a number from min to max into `variable`. Returns false if it is not one.
template <class Number, class Variable>
bool parse_number(const std::string& text, Number min, Number max, Variable& variable) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end || !(min <= number && number <= max)) { return false; } // NaN, too
    variable = number;
    return true;
}

nlohmann::ordered_json to_json(const Value& value) {
    return std::visit([](const auto& v) { return nlohmann::ordered_json(v); }, value);
}

} // namespace

Program::Program(std::string name, std::string title) : name_(std::move(name)), title_(std::move(title)) {
    shared_.out = std::filesystem::path("out") / name_;
    shared_.threads = num_threads();
    option("--seed", shared_.seed, 0, 4294967295, "seed of all random numbers");
    option("--threads", shared_.threads, 1, 1024, "number of threads; results do not depend on it");
    options_.back().alias = {to_value(num_threads()), "all cores"};
    option("--out", shared_.out, "folder for figures and run.json");
}

Program& Program::take(std::initializer_list<std::string_view> names) {
    for (const auto view : names) {
        const std::string name(view);
        const std::size_t offered = options_.size();
        if (name == "--epochs") { option(name, shared_.epochs, 1, 1000000, "passes over the training set"); }
        if (name == "--batch-size") { option(name, shared_.batch_size, 1, 1000000, "examples in a mini-batch"); }
        if (name == "--lr") { option(name, shared_.lr, 0.0, 1000.0, "learning rate"); }
        if (name == "--limit") {
            option(name, shared_.limit, 1, 1000000000, "use only the first N training examples");
            options_.back().alias = {to_value(0), "all"};
        }
        if (name == "--log-interval") {
            option(name, shared_.log_interval, 1, 1000000000, "steps between two recorded losses");
        }
        if (name == "--data") {
            option(name, shared_.data, "folder of the data sets");
            options_.back().alias = {to_value(""), "$HANDGRAD_DATA or data/"};
        }
        if (name == "--device") {
            option(name, shared_.device, {"cpu"}, "backend that computes");
            options_.back().expected = "cpu (this program has nothing to run on a GPU)";
        }
        if (name == "--save") {
            option(name, shared_.save, "write checkpoints to this file during training and at Ctrl-C");
        }
        if (name == "--resume") { option(name, shared_.resume, "continue from this checkpoint"); }
        if (options_.size() == offered) {
            throw std::logic_error(fmt::format("Program::take: got {}, expected the name of a shared option", name));
        }
    }
    return *this;
}

Program& Program::take_device() {
    if (!device::is_gpu() && !device::is_available()) {
        option("--device", shared_.device, {"cpu"}, "backend that computes");
        options_.back().expected =
            "cpu (this build has no Thrust; configure with -DHANDGRAD_THRUST_DEVICE=OMP, TBB, CPP or CUDA)";
        return *this;
    }
    if (device::is_gpu() && device::is_available()) { shared_.device = "thrust"; }
    return option("--device", shared_.device, {"cpu", "thrust"},
                  fmt::format("backend that computes; thrust is {} here", device::description()));
}

Program& Program::add(Option option) {
    options_.push_back(std::move(option));
    return *this;
}

Program& Program::add_integer(std::string name, std::function<void(std::int64_t)> set, std::function<Value()> value,
                              std::int64_t min, std::int64_t max, std::string help) {
    const auto parse = [set = std::move(set), min, max](const std::string& text) {
        std::int64_t number = 0;
        return parse_number(text, min, max, number) && (set(number), true);
    };
    return add({std::move(name), "N", std::move(help), fmt::format("a whole number from {} to {}", min, max), parse,
                std::move(value)});
}

Program& Program::option(std::string name, double& variable, double min, double max, std::string help) {
    return add({std::move(name), "X", std::move(help), fmt::format("a number from {} to {}", min, max),
                [min, max, &variable](const std::string& text) { return parse_number(text, min, max, variable); },
                [&variable] { return variable; }});
}

Program& Program::option(std::string name, std::optional<double>& variable, double min, double max, std::string help,
                         std::string unset) {
    return add({std::move(name), "X", std::move(help), fmt::format("a number from {} to {}", min, max),
                [min, max, &variable](const std::string& text) { return parse_number(text, min, max, variable); },
                [&variable, unset = std::move(unset)] { return variable ? Value(*variable) : Value(unset); }});
}

Program& Program::option(std::string name, std::string& variable, std::vector<std::string> choices, std::string help) {
    return add({std::move(name), fmt::format("{}", fmt::join(choices, "|")), std::move(help),
                fmt::format("{}", fmt::join(choices, " or ")),
                [choices, &variable](const std::string& text) {
                    if (std::count(choices.begin(), choices.end(), text) == 0) { return false; }
                    variable = text;
                    return true;
                },
                [&variable] { return variable; }});
}

Program& Program::option(std::string name, std::string& variable, std::string help) {
    return add({std::move(name), "TEXT", std::move(help), "a text",
                [&variable](const std::string& text) { return !(variable = text).empty(); },
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

std::map<std::string, std::string> Program::texts(std::initializer_list<std::string_view> names) const {
    std::map<std::string, std::string> texts;
    for (const auto name : names) {
        const auto named = [&](const Option& option) { return option.name == name; };
        const auto found = std::find_if(options_.begin(), options_.end(), named);
        if (found == options_.end()) {
            throw std::logic_error(fmt::format("Program::texts: got {}, expected an option of the program", name));
        }
        texts.emplace(name, to_text(found->value()));
    }
    return texts;
}

int Program::main(int argc, char** argv, const std::function<void()>& lesson) {
    restart_within_limit(argv, environ);
#if defined(__GLIBC__)
    if (memory_is_limited()) { ::mallopt(M_ARENA_MAX, 1); } // no 64 MiB for each thread, of which it uses little
#endif
    std::signal(SIGPIPE, SIG_IGN); // write() reports an error if the reader of a pipe has ended
    end_cleanly_by_signals();
    open_standard_streams();
    const auto fail = [this](const std::string& message, int status) {
        std::cout.flush();
        std::fflush(stdout);
        std::fputs((name_ + ": " + io::one_line(message) + "\n").c_str(), stderr);
        return status;
    };
    try {
        const Request request = parse(argc, argv);
        if (request == Request::help) { fmt::print("{}", help_); }
        if (request == Request::version) { fmt::print("handgrad {}\n", version()); }
        if (request == Request::run) { run(lesson); }
        flush_stdout();
        return 0;
    } catch (const UsageError& error) { return fail(error.what(), 2); } catch (const Interrupted& error) {
        return fail(error.what(), 128 + error.signal());
    } catch (const std::bad_alloc&) { return fail("out of memory", 1); } catch (const std::system_error& error) {
        return fail(std::ferror(stdout) != 0 ? lost_output(error.code().message()) : error.what(), 1); // fmt::print
    } catch (const std::exception& error) { return fail(error.what(), 1); }
}

void Program::run(const std::function<void()>& lesson) {
    set_num_threads(shared_.threads);
    { const cpu::BlasBuffer check; } // before the data: where memory is limited, OpenBLAS takes its own now
    if (shared_.device == "thrust") { device::require_available(); }
    io::make_output_directory(shared_.out);
    if (!shared_.save.empty()) { io::require_writable(shared_.save); }
    if (!shared_.resume.empty()) { io::require_readable(shared_.resume); }
    const std::string machine = machine_line(shared_);
    fmt::print("# {}\n", machine);
    lesson();
    fmt::print("{}", closing_lines(name_, shared_.out));
    flush_stdout();

    nlohmann::ordered_json run{{"program", name_}, {"machine", machine}};
    for (const Option& option : options_) { run["parameters"][option.name.substr(2)] = to_json(option.value()); }
    run["results"] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : results_) { run["results"][name] = to_json(value); }
    io::write_json(output("run.json"), run);
}

} // namespace handgrad::app
