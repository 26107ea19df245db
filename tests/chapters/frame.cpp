// A chapter's program with nothing to teach: test_frame.cpp runs it to see what Program does.

#include <csignal>
#include <iostream>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "handgrad/app/about.hpp"
#include "handgrad/app/interrupt.hpp"
#include "handgrad/app/program.hpp"
#include "handgrad/app/progress.hpp"
#include "handgrad/check/gradient_check.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/tensor/parallel.hpp"

int main(int argc, char** argv) {
    handgrad::app::Program program("00_frame", "What every chapter has");
    auto& options = program.options();
    options.epochs = 3;
    program.take(
        {"--epochs", "--batch-size", "--lr", "--limit", "--log-interval", "--data", "--device", "--save", "--resume"});
    int hidden = 100;
    double step = 0.5;
    std::optional<double> gamma, decided;
    std::string fail = "not";
    bool wide = false;
    program.option("--hidden", hidden, 1, 10000, "units in the hidden layer")
        .option("--step", step, -1.0, 1.0, "a number with a fraction")
        .option("--gamma", gamma, 0.0, 1.0, "a number without a default", "left open")
        .option("--decided", decided, 0.0, 1.0, "another", "step times two")
        .option("--fail", fail,
                {"not", "shape", "data", "divergence", "usage", "memory", "lines", "gradient", "interrupt", "terminate",
                 "hangup", "size", "time", "twice", "limits", "unguarded"},
                "how to end")
        .flag("--wide", wide, "an option without a value");

    return program.main(argc, argv, [&] {
        fmt::print("seed {} threads {} epochs {} batch {} lr {} limit {} log {} hidden {} step {} wide {}\n",
                   options.seed, handgrad::num_threads(), options.epochs, options.batch_size, options.lr, options.limit,
                   options.log_interval, hidden, step, wide);
        decided = decided.value_or(2 * step);
        std::cout << "data '" << options.data.string() << "' took " << handgrad::app::about(0.4711, ".2f") << " s\n";
        handgrad::app::Progress progress(2, 10);
        progress.update(5);
        progress.end_epoch();
        if (fail == "shape") { throw handgrad::ShapeError("linear: x has shape (2,), expected (3,)"); }
        if (fail == "data") { throw handgrad::DataError("train.gz: got 3 bytes, expected 16"); }
        if (fail == "divergence") { throw handgrad::DivergenceError("step 7: the loss is nan"); }
        if (fail == "usage") { throw handgrad::UsageError("--hidden: got 7, expected an even number"); }
        if (fail == "memory") { throw std::bad_alloc(); }
        if (fail == "lines") { throw std::runtime_error("one\ntwo\n"); }
        if (fail == "gradient") {
            const handgrad::Tensor<double> right{1, -2, 3};
            handgrad::check::GradientCheck checker;
            checker.add(handgrad::check::compare("dw", right, right));
            checker.add(handgrad::check::compare("db", handgrad::Tensor<double>(5 * right), right));
            handgrad::check::require_passed(checker);
        }
        if (fail == "unguarded") {
            const handgrad::io::PendingFile pending(program.output("x"), "x");
            std::raise(SIGXFSZ); // would be followed by a write that fails
            std::raise(SIGHUP);
        }
        const std::map<std::string, std::vector<int>> signals{
            {"interrupt", {SIGINT}},      {"terminate", {SIGTERM}}, {"hangup", {SIGHUP}},
            {"size", {SIGXFSZ}},          {"time", {SIGXCPU}},      {"limits", {SIGXCPU, SIGXFSZ, SIGXCPU}},
            {"twice", {SIGINT, SIGTERM}},
        };
        if (signals.count(fail) > 0) {
            const handgrad::app::InterruptGuard guard;
            const handgrad::io::PendingFile pending(program.output("x"), "x");
            for (const int signal : signals.at(fail)) { std::raise(signal); }
            if (handgrad::app::interrupted()) { throw handgrad::app::Interrupted("stopped after batch 3"); }
        }
        program.result("lr_text", program.texts({"--lr", "--data"}).at("--lr"));
        program.result("accuracy", 0.25);
        program.result("accuracy", 0.5);
        program.result("correct", 12);
        program.result("model", "784-100-10");
        program.result("losses", std::vector<float>{1.0F, 0.5F});
        program.result("rows", std::vector<std::vector<double>>{{1.0, 2.0}, {0.5}});
    });
}
