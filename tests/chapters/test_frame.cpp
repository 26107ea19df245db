// Runs 00_frame as a user would, with real files for stdout and stderr, and looks at what it says and how it ends.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "catch.hpp"
#include "handgrad/app/about.hpp"
#include "handgrad/app/program.hpp"
#include "handgrad/app/progress.hpp"
#include "handgrad/version.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

namespace fs = std::filesystem;
using namespace std::string_literals;
using namespace support;

namespace {

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

struct Outcome {
    int status;
    std::string out, err;
};

/// Runs a shell command in the folder; $P is the program.
Outcome shell(const TemporaryFolder& folder, const std::string& command) {
    const auto out = folder / "stdout", err = folder / "stderr";
    const std::string line = "cd '" + folder.path().string() + "' && P='" HANDGRAD_FRAME "' && { " + command +
                             "\n} >'" + out.string() + "' 2>'" + err.string() + "'";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_bytes(out), read_bytes(err)};
}

Outcome frame(const TemporaryFolder& folder, const std::string& arguments) {
    return shell(folder, "\"$P\" " + arguments);
}

} // namespace

TEST_CASE("an option without a default is the lesson's to decide", "[frame]") {
    const TemporaryFolder folder;
    const auto parameters = [&] {
        return nlohmann::json::parse(read_bytes(folder / "out/00_frame/run.json"))["parameters"];
    };
    REQUIRE(frame(folder, "--step 0.25").status == 0);
    CHECK(parameters()["gamma"] == "left open");
    CHECK(parameters()["decided"] == 0.5);
    REQUIRE(frame(folder, "--step 0.25 --decided 0.125 --gamma 1").status == 0);
    CHECK(parameters()["gamma"] == 1.0);
    CHECK(parameters()["decided"] == 0.125);
    CHECK(contains(frame(folder, "--help").out, "another (default: step times two)\n"));
    const auto wrong = frame(folder, "--decided 2");
    CHECK(wrong.status == 2);
    CHECK(contains(wrong.err, "--decided: got '2', expected a number from 0 to 1"));
}

TEST_CASE("a program prints its banner and its lesson, and writes run.json", "[frame]") {
    const TemporaryFolder folder;
    const auto run = frame(folder, "--seed 4294967295 --threads 1 --epochs=7 --batch-size 8 --lr 1e-2 --limit 100 "
                                   "--log-interval 5 --hidden 12 --step -0.25 --wide --data 'a b' --device cpu");
    CHECK(run.status == 0);
    CHECK(run.err.empty());
    CHECK(run.out.substr(0, 24) == "# handgrad 0.1.0 | cpu |");
    CHECK(contains(run.out, "OpenBLAS"));
    CHECK(contains(run.out, "| 1 thread | seed 4294967295\n"));
    CHECK(contains(run.out, "\nseed 4294967295 threads 1 epochs 7 batch 8 lr 0.01 limit 100 log 5 hidden 12 step -0.25 "
                            "wide true\ndata 'a b' took ~0.47 s\n"));
    CHECK(lines(run.out) == 3);

    const auto json = nlohmann::json::parse(read_bytes(folder / "out/00_frame/run.json"));
    CHECK(json["program"] == "00_frame");
    CHECK(json["parameters"]["seed"] == 4294967295);
    CHECK(json["parameters"]["lr"] == 0.01);
    CHECK(json["parameters"]["wide"] == true);
    CHECK(json["parameters"]["data"] == "a b");
    CHECK(json["results"]["lr_text"] == "0.01");
    CHECK(json["results"]["accuracy"] == 0.5);
    CHECK(json["results"]["correct"] == 12);
    CHECK(json["results"]["model"] == "784-100-10");
    CHECK(json["results"]["losses"] == std::vector<double>{1.0, 0.5});
    CHECK(json["results"]["rows"].dump() == "[[1.0,2.0],[0.5]]");
}

TEST_CASE("the program's own defaults hold where nothing is said", "[frame]") {
    const TemporaryFolder folder;
    const auto run = frame(folder, "--out figures/here");
    CHECK(run.status == 0);
    CHECK(contains(run.out, "epochs 3 batch 64 lr 0.01 limit 0 log 100 hidden 100 step 0.5 wide false\ndata ''"));
    CHECK(fs::exists(folder / "figures/here/run.json"));
    CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("--help and --version", "[frame]") {
    const TemporaryFolder folder;
    const auto help = frame(folder, "--epochs 5 --help");
    CHECK(help.status == 0);
    CHECK(help.err.empty());
    for (const char* part : {"What every chapter has", "Usage: 00_frame [options]", "--seed N", "(default: 3)", "--out",
                             "(default: out/00_frame)", "--wide", "--hidden N", "--version"}) {
        CAPTURE(part, help.out);
        CHECK(contains(help.out, part));
    }
    CHECK(frame(folder, "--epochs 5 --wide --help").out == frame(folder, "--help").out);
    const auto version = frame(folder, "--version");
    CHECK(version.status == 0);
    CHECK(version.out == "handgrad " + std::string(handgrad::version()) + "\n");
    CHECK(frame(folder, "--version -h --help").out == frame(folder, "--help").out);
    CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("a command line that makes no sense: one line, status 2, nothing written", "[frame]") {
    const auto& [arguments, message] = GENERATE(table<std::string, std::string>({
        {"--epochs -1", "--epochs: got '-1', expected a whole number from 1 to 1000000"},
        {"--epochs 0", "--epochs: got '0', expected a whole number from 1 to 1000000"},
        {"--epochs 3x", "--epochs: got '3x', expected"},
        {"--epochs 3.5", "--epochs: got '3.5', expected"},
        {"--epochs ' 3'", "--epochs: got ' 3', expected"},
        {"--epochs ''", "--epochs: got '', expected"},
        {"--epochs '[1,2]'", "--epochs: got '[1,2]', expected"},
        {"--epochs", "--epochs: got no value, expected"},
        {"--epochs=", "--epochs: got no value, expected"},
        {"--epochs --lr 1", "--epochs: got no value, expected"},
        {"--epochs 1 --epochs 1", "--epochs: given 2 times, expected once"},
        {"--epoch 3", "--epoch: unknown option, did you mean --epochs?"},
        {"--batchsize=3", "--batchsize: unknown option, did you mean --batch-size?"},
        {"--zzz", "--zzz: unknown option (--help"},
        {"-x", "-x: unknown option (--help"},
        {"\"$(printf -- '--a\\nb')\"", "--a b: unknown option"},
        {"word", "got 'word', expected only options"},
        {"''", "got '', expected only options"},
        {"--batch-size 0", "--batch-size: got '0', expected a whole number from 1 to"},
        {"--limit 1e20", "--limit: got '1e20', expected a whole number from 1 to"},
        {"--limit 0", "--limit: got '0', expected a whole number from 1 to"},
        {"--limit 99999999999999999999999", "--limit: got '99999999999999999999999', expected"},
        {"--lr nan", "--lr: got 'nan', expected a number from 0 to 1000"},
        {"--lr inf", "--lr: got 'inf', expected a number from 0 to 1000"},
        {"--lr -1", "--lr: got '-1', expected a number from 0 to 1000"},
        {"--lr 1e-400", "--lr: got '1e-400', expected"},
        {"--lr 0x1", "--lr: got '0x1', expected"},
        {"--lr 0,1", "--lr: got '0,1', expected"},
        {"--step -1.01", "--step: got '-1.01', expected a number from -1 to 1"},
        {"--seed -1", "--seed: got '-1', expected a whole number from 0 to 4294967295"},
        {"--seed 4294967296", "--seed: got '4294967296', expected"},
        {"--threads 0", "--threads: got '0', expected a whole number from 1 to 1024"},
        {"--threads 1025", "--threads: got '1025', expected"},
        {"--hidden 10001", "--hidden: got '10001', expected a whole number from 1 to 10000"},
        {"--device thrust", "--device: got 'thrust', expected cpu (this program has nothing to run on a GPU)"},
        {"--device gpu", "--device: got 'gpu', expected cpu"},
        {"--fail nowhere", "--fail: got 'nowhere', expected not or shape or"},
        {"--wide=maybe", "--wide: got 'maybe', expected no value"},
        {"--wide --wide", "--wide: given 2 times, expected once"},
        {"--out ''", "--out: got '', expected a path"},
        {"--help=yes", "--help: got 'yes', expected no value"},
        {"--help=true", "--help: got 'true', expected no value"},
        {"--help=", "--help: got '', expected no value"},
        {"-h=1", "-h: got '1', expected no value"},
        {"-h5", "-5: unknown option"},
        {"--version=0", "--version: got '0', expected no value"},
        {"--wide=true", "--wide: got 'true', expected no value"},
        {"--version --bad", "--bad: unknown option"},
        {"--bad --help", "--bad: unknown option"},
        {"--help word", "got 'word', expected only options"},
        {"--help --epochs 0", "--epochs: got '0', expected a whole number from 1 to"},
        {"--version --epochs", "--epochs: got no value, expected"},
    }));
    CAPTURE(arguments);
    const TemporaryFolder folder;
    const auto run = frame(folder, arguments);
    CAPTURE(run.err);
    CHECK(run.status == 2);
    CHECK(run.out.empty());
    CHECK(run.err.substr(0, message.size() + 10) == "00_frame: " + message);
    CHECK(lines(run.err) == 1);
    CHECK(contains(run.err, "--help"));
    CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("an exception ends the program with one line, and without run.json", "[frame]") {
    const auto& [fail, status, message] = GENERATE(table<std::string, int, std::string>({
        {"shape", 1, "linear: x has shape (2,), expected (3,)"},
        {"data", 1, "train.gz: got 3 bytes, expected 16"},
        {"divergence", 1, "step 7: the loss is nan"},
        {"usage", 2, "--hidden: got 7, expected an even number"},
        {"memory", 1, "out of memory"},
        {"lines", 1, "one two"},
    }));
    CAPTURE(fail);
    const TemporaryFolder folder;
    const auto run = frame(folder, "--fail " + fail);
    CHECK(run.status == status);
    CHECK(run.err == "00_frame: " + message + "\n");
    CHECK(lines(run.out) == 3);
    CHECK_FALSE(fs::exists(folder / "out/00_frame/run.json"));
}

TEST_CASE("a wrong gradient ends the program with its report, and without run.json", "[frame]") {
    const TemporaryFolder folder;
    const auto run = frame(folder, "--fail gradient");
    CHECK(run.status == 1);
    CHECK(run.err == "00_frame: wrong gradients: db (1 of 2 checked); see the reports above\n");
    CHECK(contains(run.out, "\n\ndb (3,): FAILED, 3 of 3 entries"));
    CHECK(contains(run.out, "hint: every entry is 5 times too large"));
    CHECK_FALSE(contains(run.out, "dw"));
    CHECK_FALSE(fs::exists(folder / "out/00_frame/run.json"));
}

#ifdef HANDGRAD_WRONG_04_LINEAR_CLASSIFIER
TEST_CASE("a chapter with a wrong gradient stops before it trains", "[chapters]") {
    const auto& [program, message] = GENERATE(table<std::string, std::string>({
        {HANDGRAD_WRONG_04_LINEAR_CLASSIFIER, "04_linear_classifier: wrong gradients: model.db (1 of 2 checked)"},
        {HANDGRAD_WRONG_05_TWO_LAYER_NET, "05_two_layer_net: wrong gradients: db1 (1 of 4 checked)"},
        {HANDGRAD_WRONG_06_GRADIENT_CHECKING, "06_gradient_checking: wrong gradients: db1 (1 of 4 checked)"},
    }));
    CAPTURE(message);
    const TemporaryFolder folder;
    const auto run = shell(folder, "'" + program + "' --out out");
    CAPTURE(run.out);
    CHECK(run.status == 1);
    CHECK(run.err == message + "; see the reports above\n");
    CHECK(contains(run.out, "hint: every entry has the wrong sign\n"));
    CHECK_FALSE(contains(run.out, "iteration"));
    CHECK_FALSE(contains(run.out, "Bug 1"));
    CHECK_FALSE(fs::exists(folder / "out/run.json"));
}
#endif

TEST_CASE("an --out that cannot be written to stops the program before the lesson", "[frame]") {
    const TemporaryFolder folder;
    folder.write("file", "here first"s);
    for (const char* out : {"file", "file/inside", "/proc/handgrad"}) {
        CAPTURE(out);
        const auto run = frame(folder, std::string("--out ") + out);
        CHECK(run.status == 1);
        CHECK(run.out.empty());
        CHECK(run.err.substr(0, 10) == "00_frame: ");
        CHECK(contains(run.err, out));
        CHECK(lines(run.err) == 1);
    }
    CHECK(read_bytes(folder / "file") == "here first");
}

TEST_CASE("a --save or --resume that cannot serve stops the program before the lesson", "[frame]") {
    const TemporaryFolder folder;
    folder.write("file", "here first"s);
    const auto& [arguments, message] = GENERATE(table<std::string, std::string>({
        {"--save missing/x", "cannot write 'missing/x': No such file or directory"},
        {"--save file/x", "cannot write 'file/x': Not a directory"},
        {"--save .", "cannot write '.': Is a directory"},
        {"--save /dev/full", "cannot write '/dev/full': not a regular file"},
        {"--resume missing", "cannot read 'missing': No such file or directory"},
        {"--resume .", "cannot read '.': Is a directory"},
        {"--resume /dev/null", "cannot read '/dev/null': not a regular file"},
    }));
    CAPTURE(arguments);
    const auto run = frame(folder, arguments);
    CHECK(run.status == 1);
    CHECK(run.out.empty());
    CHECK(run.err == "00_frame: " + message + "\n");
    CHECK(frame(folder, "--save file --resume file").status == 0);
    CHECK(read_bytes(folder / "file") == "here first");
}

TEST_CASE("a signal is noted once, and ends the program the second time", "[frame]") {
    const TemporaryFolder folder;
    const auto before = std::signal(SIGINT, SIG_DFL), hangup = std::signal(SIGHUP, SIG_DFL); // nohup ignores the latter
    const auto interrupt = frame(folder, "--fail interrupt");
    CHECK(interrupt.status == 130);
    CHECK(interrupt.err == "00_frame: stopped after batch 3\n");
    CHECK_FALSE(fs::exists(folder / "out/00_frame/run.json"));
    const auto& [fail, signal] = GENERATE(table<std::string, int>(
        {{"terminate", SIGTERM}, {"hangup", SIGHUP}, {"size", SIGXFSZ}, {"time", SIGXCPU}, {"limits", SIGXCPU}}));
    const auto other = frame(folder, "--fail " + fail);
    CHECK(other.status == 128 + signal);
    CHECK(other.err == "00_frame: stopped after batch 3\n");
    const auto twice = frame(folder, "--fail twice");
    CHECK(twice.status == 143);
    CHECK_FALSE(contains(twice.err, "00_frame:"));
    CHECK(frame(folder, "--fail unguarded").status == 128 + SIGHUP);
    CHECK(fs::is_empty(folder / "out/00_frame")); // no temporary file is left
    CHECK(shell(folder, "trap '' HUP; \"$P\" --fail unguarded").status == 0);
    fs::remove(folder / "out/00_frame/run.json");
    CHECK(shell(folder, "trap '' INT; \"$P\" --fail interrupt").status == 0); // ignored from the start
    std::signal(SIGINT, before);
    std::signal(SIGHUP, hangup);
}

TEST_CASE("output that gets lost is an error", "[frame]") {
    const TemporaryFolder folder;
    const auto& [command, reason] = GENERATE(table<std::string, std::string>({
        {"\"$P\" >/dev/full", "No space left on device"},
        {"\"$P\" --help >/dev/full", "No space left on device"},
        {"\"$P\" >&-", "Bad file descriptor"},
        {"{ sleep 0.2; \"$P\"; echo $? >status; } | true; sleep 0.7; exit $(cat status)", "Broken pipe"},
    }));
    CAPTURE(command);
    const auto run = shell(folder, command);
    CHECK(run.status == 1);
    CHECK(run.err == "00_frame: standard output: " + reason + ", expected to write all of it\n");
    CHECK_FALSE(fs::exists(folder / "out/00_frame/run.json"));
}

TEST_CASE("a closed stderr changes neither the lesson nor the status", "[frame]") {
    const TemporaryFolder folder;
    CHECK(shell(folder, "\"$P\" 2>&-").status == 0);
    CHECK(shell(folder, "\"$P\" --lr nan 2>&-").status == 2);
}

TEST_CASE("a program refuses names of options that it does not have", "[frame]") {
    handgrad::app::Program program("00_frame", "What every chapter has");
    CHECK_THROWS_WITH(program.take({"--lr", "--nothing"}),
                      "Program::take: got --nothing, expected the name of a shared option");
    CHECK_THROWS_WITH(program.texts({"--lr", "--epochs"}),
                      "Program::texts: got --epochs, expected an option of the program");
}

TEST_CASE("about marks a number of the machine", "[frame]") {
    CHECK(handgrad::app::about(0.4711, ".2f") == "~0.47");
    CHECK(handgrad::app::about(-12.0, ".1e") == "~-1.2e+01");
    CHECK(handgrad::app::about(98.765) == "~98.8");
}

TEST_CASE("the progress bar's text", "[frame]") {
    using handgrad::app::progress_line;
    CHECK(progress_line(10, 1000, 0, 0.0) == "epoch 1/10 [................]   0 %");
    CHECK(progress_line(10, 1000, 3500, 7.0) ==
          "epoch 4/10 [#####...........]  35 %  2.0 s/epoch  500 examples/s  13 s left");
    CHECK(progress_line(10, 1000, 10000, 20.0).substr(0, 10) == "epoch 10/1");
    CHECK(progress_line(2, 60000, 60, 7.0).find(" h left") != std::string::npos);
    CHECK(progress_line(0, 0, 5, 1.0).size() <= 79);
    CHECK(progress_line(1000000, 60000, 59999999999, 1e9).size() <= 79);
}

TEST_CASE("the comparer's exit status", "[compare]") {
    const TemporaryFolder folder;
    folder.write("a", "loss 0.5\n"s);
    folder.write("b", "loss 0.50001\n"s);
    folder.write("rules", "^loss 1e-3 0\n"s);
    folder.write("bad", "^loss\n"s);
    const std::string comparer = "'" HANDGRAD_COMPARER "' ";
    CHECK(shell(folder, comparer + "a a").status == 0);
    const auto differ = shell(folder, comparer + "a b");
    CHECK(differ.status == 1);
    CHECK(contains(differ.out, "a and b differ in 1 place\nline 1:"));
    CHECK(shell(folder, comparer + "a b --rtol 1e-4").status == 0);
    CHECK(shell(folder, comparer + "a b --atol 1e-4").status == 0);
    CHECK(shell(folder, comparer + "a b --rules rules").status == 0);
    CHECK(shell(folder, comparer + "a missing").status == 2);
    CHECK(shell(folder, comparer + "missing a").status == 2);
    CHECK(shell(folder, comparer + "a .").status == 2);
    CHECK(shell(folder, comparer + "a").status == 2);
    CHECK(shell(folder, comparer + "a b --rtol -1").status == 2);
    CHECK(shell(folder, comparer + "a b --rules missing").status == 2);
    CHECK(contains(shell(folder, comparer + "a b --rules bad").err, "bad: line 1: got '^loss'"));
}
