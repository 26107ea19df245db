#include "handgrad/app/program.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "handgrad/app/interrupt.hpp"
#include "handgrad/device/system.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"
#include "handgrad/io/json.hpp"
#include "handgrad/io/read_file.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/version.hpp"
#include "machine.hpp"
#include "text.hpp"

namespace handgrad::app {
namespace {

/// Nothing was lost on its way to stdout: not what the lesson wrote through std::cout, nor through fmt::print.
void flush_stdout() {
    errno = 0;
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        const int error = errno;
        throw std::runtime_error(fmt::format("standard output: {}, expected to write all of it",
                                             error != 0 ? std::strerror(error) : "failed"));
    }
}

/// A closed stdin, stdout or stderr would hand its number to the next file opened, and our text with it.
void keep_standard_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) == -1) {
            // For stdout the wrong way round, so that writing to it fails as it should.
            [[maybe_unused]] const int opened = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

nlohmann::ordered_json to_json(const Value& value) {
    return std::visit([](const auto& v) { return nlohmann::ordered_json(v); }, value);
}

} // namespace

struct Program::Impl {
    std::string name, title;
    Options shared;
    std::vector<Option> options;
    std::vector<std::pair<std::string, Value>> results;
    std::string machine;
};

Program::Program(std::string name, std::string title) : impl_(std::make_unique<Impl>()) {
    impl_->name = std::move(name);
    impl_->title = std::move(title);
    auto& shared = impl_->shared;
    shared.out = std::filesystem::path("out") / impl_->name;
    shared.threads = num_threads();
    option("--seed", shared.seed, 0, 4294967295, "of all random numbers");
    option("--threads", shared.threads, 1, 1024, "results do not depend on it");
    impl_->options.back().default_text = [&shared] {
        return shared.threads == num_threads() ? "all cores" : std::to_string(shared.threads);
    };
    option("--out", shared.out, "folder for figures and run.json");
}

Program::~Program() = default;

Options& Program::options() { return impl_->shared; }

Program& Program::take(std::initializer_list<std::string_view> names) {
    auto& shared = impl_->shared;
    for (const auto name : names) {
        if (name == "--epochs") {
            option("--epochs", shared.epochs, 1, 1000000, "passes over the training set");
        } else if (name == "--batch-size") {
            option("--batch-size", shared.batch_size, 1, 1000000, "examples in a step");
        } else if (name == "--lr") {
            option("--lr", shared.lr, 0.0, 1000.0, "learning rate");
        } else if (name == "--limit") {
            option("--limit", shared.limit, 1, 1000000000, "use only the first N training examples");
            impl_->options.back().default_text = [&shared] {
                return shared.limit == 0 ? std::string("all") : std::to_string(shared.limit);
            };
        } else if (name == "--log-interval") {
            option("--log-interval", shared.log_interval, 1, 1000000000, "steps between two recorded losses");
        } else if (name == "--data") {
            option("--data", shared.data, "folder of the data sets");
            impl_->options.back().default_text = [] { return "$HANDGRAD_DATA or data/"; };
        } else if (name == "--device") {
            option("--device", shared.device, {"cpu"}, "backend that computes");
            impl_->options.back().expected = "cpu (nothing here is for a GPU to do)";
        } else if (name == "--save") {
            option("--save", shared.save, "write a checkpoint to this file as training goes on, and at Ctrl-C");
        } else if (name == "--resume") {
            option("--resume", shared.resume, "go on from this checkpoint");
        } else {
            throw std::logic_error(fmt::format("Program::take: got {}, expected the name of a shared option", name));
        }
    }
    return *this;
}

Program& Program::take_device() {
    if (!device::is_gpu() && !device::is_available()) {
        option("--device", options().device, {"cpu"}, "what computes");
        impl_->options.back().expected =
            "cpu (this build has no Thrust: -DHANDGRAD_THRUST_DEVICE=OMP, TBB, CPP or CUDA makes one that has)";
        return *this;
    }
    if (device::is_gpu() && device::is_available()) { options().device = "thrust"; }
    return option("--device", options().device, {"cpu", "thrust"},
                  fmt::format("what computes; thrust is {} here", device::description()));
}

Program& Program::add_integer(std::string name, std::function<std::int64_t()> get,
                              std::function<void(std::int64_t)> set, std::int64_t min, std::int64_t max,
                              std::string help) {
    auto take_over = [set = std::move(set), min, max](const std::string& text) {
        std::int64_t number = 0;
        const bool good = parse_integer(text, min, max, number);
        if (good) { set(number); }
        return good;
    };
    impl_->options.push_back({std::move(name), "N", std::move(help),
                              fmt::format("a whole number from {} to {}", min, max), std::move(take_over),
                              [get = std::move(get)] { return Value(get()); }});
    return *this;
}

Program& Program::option(std::string name, double& variable, double min, double max, std::string help) {
    impl_->options.push_back(
        {std::move(name), "X", std::move(help), fmt::format("a number from {} to {}", min, max),
         [&variable, min, max](const std::string& text) { return parse_number(text, min, max, variable); },
         [&variable] { return Value(variable); }});
    return *this;
}

Program& Program::option(std::string name, std::optional<double>& variable, double min, double max, std::string help,
                         std::string unset) {
    impl_->options.push_back(
        {std::move(name), "X", std::move(help), fmt::format("a number from {} to {}", min, max),
         [&variable, min, max](const std::string& text) {
             double number = 0;
             if (!parse_number(text, min, max, number)) { return false; }
             variable = number;
             return true;
         },
         [&variable, unset = std::move(unset)] { return variable ? Value(*variable) : Value(unset); }});
    return *this;
}

Program& Program::option(std::string name, std::string& variable, std::vector<std::string> choices, std::string help) {
    const std::string listed = fmt::format("{}", fmt::join(choices, " or "));
    const std::string placeholder = fmt::format("{}", fmt::join(choices, "|"));
    impl_->options.push_back({std::move(name), placeholder, std::move(help), listed,
                              [&variable, choices = std::move(choices)](const std::string& text) {
                                  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
                                      return false;
                                  }
                                  variable = text;
                                  return true;
                              },
                              [&variable] { return Value(variable); }});
    return *this;
}

Program& Program::option(std::string name, std::filesystem::path& variable, std::string help) {
    impl_->options.push_back({std::move(name), "PATH", std::move(help), "a path",
                              [&variable](const std::string& text) {
                                  variable = text;
                                  return !text.empty();
                              },
                              [&variable] { return Value(variable.string()); }});
    return *this;
}

Program& Program::flag(std::string name, bool& variable, std::string help) {
    impl_->options.push_back({std::move(name), "", std::move(help), "no value",
                              [&variable](const std::string& text) { return variable = text == "true"; },
                              [&variable] { return Value(variable); }});
    return *this;
}

void Program::add_result(const std::string& name, Value value) {
    for (auto& [known, old] : impl_->results) {
        if (known == name) {
            old = std::move(value);
            return;
        }
    }
    impl_->results.emplace_back(name, std::move(value));
}

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
    std::signal(SIGPIPE, SIG_IGN); // a reader that went away is an error of write(), reported like any other
    keep_standard_streams();
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
    auto& impl = *impl_;
    set_num_threads(impl.shared.threads);
    if (impl.shared.device == "thrust") { device::require_available(); }
    io::make_output_directory(impl.shared.out);
    if (!impl.shared.save.empty()) { io::require_writable(impl.shared.save); }
    if (!impl.shared.resume.empty()) { io::require_readable(impl.shared.resume); }
    impl.machine = machine_line(impl.shared.device, impl.shared.threads, impl.shared.seed);
    fmt::print("# {}\n", impl.machine);
    lesson();
    flush_stdout();

    nlohmann::ordered_json parameters = nlohmann::ordered_json::object();
    nlohmann::ordered_json results = nlohmann::ordered_json::object();
    for (const auto& option : impl.options) { parameters[option.name.substr(2)] = to_json(option.value()); }
    for (const auto& [name, value] : impl.results) { results[name] = to_json(value); }
    io::write_json(output("run.json"), nlohmann::ordered_json{{"program", impl.name},
                                                              {"machine", impl.machine},
                                                              {"parameters", parameters},
                                                              {"results", results}});
}

} // namespace handgrad::app
