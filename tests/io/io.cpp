// Files that are complete or not there, and tables.

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/csv.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/json.hpp"
#include "handgrad/tensor/tensor.hpp"
#include "support/file_size_limit.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using Catch::Matchers::Equals;
using support::FileSizeLimit;
using support::read_bytes;
using support::TemporaryFolder;

namespace {

/// The message of the DataError that `action` throws.
template <class Action> std::string data_error(Action action) {
    try {
        action();
    } catch (const DataError& error) { return error.what(); }
    return "no error";
}

} // namespace

TEST_CASE("write_file writes the bytes and replaces an older file") {
    const TemporaryFolder folder;
    const std::string bytes("a\0b\r\n\xff", 6);
    io::write_file(folder / "x.bin", "something longer than what follows");
    io::write_file(folder / "x.bin", bytes);
    CHECK(read_bytes(folder / "x.bin") == bytes);
    io::write_file(folder / "empty", "");
    CHECK(read_bytes(folder / "empty").empty());
    CHECK(folder.entries() == 2);
}

TEST_CASE("write_file gives a file the permissions that the umask leaves") {
    const TemporaryFolder folder;
    const mode_t before = ::umask(027);
    io::write_file(folder / "x", "x");
    ::umask(before);
    struct stat status = {};
    REQUIRE(::stat((folder / "x").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("write_file follows a symbolic link") {
    const TemporaryFolder folder;
    io::write_file(folder / "target", "old");
    std::filesystem::create_symlink("target", folder / "link");
    io::write_file(folder / "link", "new");
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(read_bytes(folder / "target") == "new");
    std::filesystem::create_symlink(folder / "link", folder / "link_to_link");
    io::write_file(folder / "link_to_link", "newer");
    CHECK(read_bytes(folder / "target") == "newer");
    std::filesystem::create_symlink("not_yet", folder / "dangling");
    io::write_file(folder / "dangling", "new");
    CHECK(std::filesystem::is_symlink(folder / "dangling"));
    CHECK(read_bytes(folder / "not_yet") == "new");
    std::filesystem::create_symlink("loop", folder / "loop");
    CHECK_THAT(data_error([&] { io::write_file(folder / "loop", "x"); }),
               Equals("cannot write '" + (folder / "loop").string() + "': Too many levels of symbolic links"));
    CHECK(std::filesystem::is_symlink(folder / "loop"));
}

TEST_CASE("A write that fails leaves the old file and no other") {
    const TemporaryFolder folder;
    const auto path = folder / "x.csv";
    io::write_file(path, "old");
    std::string message;
    {
        const FileSizeLimit limit(1000);
        message = data_error([&] { io::write_file(path, std::string(100'000, 'x')); });
    }
    CHECK_THAT(message, Equals("cannot write '" + path.string() + "': File too large"));
    CHECK(read_bytes(path) == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("A pending file gets its name when it is told to, and otherwise leaves the old one") {
    const TemporaryFolder folder;
    io::write_file(folder / "a", "old");
    {
        io::PendingFile a(folder / "a", "new"), b(folder / "b", "other");
        CHECK(a.temporary() != b.temporary());
        CHECK(read_bytes(a.temporary()) == "new");
        CHECK(read_bytes(folder / "a") == "old");
        b.commit();
        CHECK(folder.entries() == 3);
    }
    CHECK(read_bytes(folder / "a") == "old");
    CHECK(read_bytes(folder / "b") == "other");
    CHECK(folder.entries() == 2);
    CHECK_THAT(data_error([&] { io::PendingFile(folder / "missing/x", "x"); }),
               Equals("cannot write '" + (folder / "missing/x").string() + "': No such file or directory"));
    io::PendingFile lost(folder / "b", "lost");
    std::filesystem::remove(lost.temporary());
    CHECK_THAT(data_error([&] { lost.commit(); }),
               Equals("cannot write '" + (folder / "b").string() + "': No such file or directory"));
}

TEST_CASE("A signal handler can remove the files that are not yet complete, and no others") {
    const TemporaryFolder folder;
    io::write_file(folder / "done", "done");
    io::PendingFile first(folder / "a", "a"), second(folder / "b", "b");
    second.commit();
    std::ofstream(folder / "b.tmp") << "not ours";
    io::remove_temporary_files();
    CHECK_FALSE(std::filesystem::exists(first.temporary()));
    CHECK(folder.entries() == 3);
    { const io::PendingFile another(folder / "c", "c"); }
    io::remove_temporary_files(); // none is left to remove
    CHECK(folder.entries() == 3);
}

TEST_CASE("Writing a file leaves a thread's blocked signals blocked, and no others") {
    const TemporaryFolder folder;
    sigset_t blocked, before, after;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    io::write_file(folder / "file", "text");
    ::pthread_sigmask(SIG_SETMASK, &before, &after);
    CHECK(::sigismember(&after, SIGUSR1) == 1);
    CHECK(::sigismember(&after, SIGUSR2) == ::sigismember(&before, SIGUSR2));
    CHECK(::sigismember(&after, SIGINT) == ::sigismember(&before, SIGINT));
}

TEST_CASE("What a killed program has left is removed by the next write, what another one is writing is not") {
    const TemporaryFolder folder;
    const auto left = folder / ".handgrad-0.tmp", busy = folder / ".handgrad-1.tmp";
    std::ofstream(left) << "half of a fi";
    std::ofstream(busy) << "not yet who";
    const int other = ::open(busy.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::flock(other, LOCK_EX | LOCK_NB) == 0);
    io::write_file(folder / "x", "new");
    CHECK(read_bytes(folder / "x") == "new");
    CHECK_FALSE(std::filesystem::exists(left));
    std::ofstream(left) << "half of a fi";
    const int first = ::open(left.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::flock(first, LOCK_EX | LOCK_NB) == 0);
    io::write_file(folder / "x", "newer");
    CHECK(read_bytes(folder / "x") == "newer");
    CHECK(read_bytes(left) == "half of a fi");
    CHECK(read_bytes(busy) == "not yet who");
    ::close(first);
    ::close(other);
    std::filesystem::remove(left);
    std::filesystem::create_symlink("x", left); // not ours, whatever it is
    io::write_file(folder / "x", "newest");
    CHECK(std::filesystem::is_symlink(left));
    CHECK(read_bytes(folder / "x") == "newest");
}

TEST_CASE("Several threads may write to one folder, and to one file") {
    const TemporaryFolder folder;
    std::vector<std::string> errors(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < errors.size(); ++i) {
        threads.emplace_back([&, i] {
            errors[i] = data_error([&] {
                for (int n = 0; n < 25; ++n) {
                    io::write_file(folder / "same", std::string(1000, 'x'));
                    io::write_file(folder / std::to_string(i), std::string(1000, 'x'));
                }
            });
        });
    }
    for (std::thread& thread : threads) { thread.join(); }
    for (const std::string& error : errors) { CHECK(error == "no error"); }
    CHECK(folder.entries() == 5);
    CHECK(read_bytes(folder / "same") == std::string(1000, 'x'));
}

TEST_CASE("write_file says why it cannot write") {
    const TemporaryFolder folder;
    io::write_file(folder / "file", "kept");
    std::filesystem::create_directory(folder / "folder");
    const auto message = [&](const std::string& name) {
        return data_error([&] { io::write_file(folder / name, "x"); });
    };
    const std::string where = "cannot write '" + folder.path().string() + "/";
    CHECK_THAT(message("file/x.csv"), Equals(where + "file/x.csv': Not a directory"));
    CHECK_THAT(message("missing/x.csv"), Equals(where + "missing/x.csv': No such file or directory"));
    CHECK_THAT(message("folder"), Equals(where + "folder': Is a directory"));
    CHECK_THAT(data_error([] { io::write_file("/dev/null", "x"); }),
               Equals("cannot write '/dev/null': not a regular file"));
    CHECK(read_bytes(folder / "file") == "kept");
    CHECK(folder.entries() == 2);
}

TEST_CASE("require_writable says beforehand what write_file would say") {
    const TemporaryFolder folder;
    io::write_file(folder / "file", "kept");
    const auto message = [&](const std::filesystem::path& path) {
        return data_error([&] { io::require_writable(path); });
    };
    const std::string where = "cannot write '" + folder.path().string() + "/";
    CHECK(message(folder / "file") == "no error");
    CHECK(message(folder / "new") == "no error");
    CHECK(message("new") == "no error");
    CHECK_THAT(message(folder / "missing/x"), Equals(where + "missing/x': No such file or directory"));
    CHECK_THAT(message(folder / "file/x"), Equals(where + "file/x': Not a directory"));
    CHECK_THAT(message(folder.path()), Equals("cannot write '" + folder.path().string() + "': Is a directory"));
    CHECK_THAT(message("/dev/full"), Equals("cannot write '/dev/full': not a regular file"));
    CHECK(read_bytes(folder / "file") == "kept");
    CHECK(folder.entries() == 1);
}

TEST_CASE("make_output_directory creates parents and leaves nothing in them") {
    const TemporaryFolder folder;
    io::make_output_directory(folder / "a/b/c");
    CHECK(std::filesystem::is_directory(folder / "a/b/c"));
    CHECK(std::filesystem::is_empty(folder / "a/b/c"));
    io::make_output_directory(folder / "a/b/c/"); // exists already
}

TEST_CASE("make_output_directory says why a folder does not serve") {
    const TemporaryFolder folder;
    io::write_file(folder / "file", "kept");
    const std::string where = "cannot write to directory '" + folder.path().string() + "/";
    CHECK_THAT(data_error([&] { io::make_output_directory(folder / "file"); }),
               Equals(where + "file': Not a directory"));
    CHECK_THAT(data_error([&] { io::make_output_directory(folder / "file/out"); }),
               Equals(where + "file/out': Not a directory"));
    CHECK_THAT(data_error([] { io::make_output_directory(""); }),
               Equals("cannot write to directory '': its name is empty"));
    std::string message;
    {
        const FileSizeLimit limit(0);
        message = data_error([&] { io::make_output_directory(folder / "full"); });
    }
    CHECK_THAT(message, Equals(where + "full': File too large"));
}

TEST_CASE("A number in a table reads back as the same number") {
    CHECK(io::csv_cell(0.1) == "0.1");
    CHECK(io::csv_cell(0.1f) == "0.1");
    CHECK(io::csv_cell(std::int64_t{-9007199254740993}) == "-9007199254740993");
    CHECK(io::csv_cell(std::numeric_limits<double>::quiet_NaN()) == "nan");
    CHECK(io::csv_cell(-std::numeric_limits<double>::infinity()) == "-inf");
    for (const double value : {1.0 / 3, 1e-20, 5e-324, -1.7976931348623157e308, 123456789.123}) {
        CHECK(std::strtod(io::csv_cell(value).c_str(), nullptr) == value);
    }
}

TEST_CASE("Text in a table is quoted where it must be") {
    CHECK(io::csv_cell("plain text: 5 %") == "plain text: 5 %");
    CHECK(io::csv_cell("a,b") == "\"a,b\"");
    CHECK(io::csv_cell("say \"x\"") == "\"say \"\"x\"\"\"");
    CHECK(io::csv_cell("two\nlines") == "\"two\nlines\"");
    CHECK(io::csv_cell(" space") == "\" space\"");
    CHECK(io::csv_cell("space ") == "\"space \"");
    CHECK(io::csv_cell("") == "");
}

TEST_CASE("A table holds columns of any type, of one length") {
    const TemporaryFolder folder;
    io::CsvTable table;
    table.add("epoch", std::vector<int>{1, 2})
        .add("loss", Tensor<float>{0.5f, 0.25f})
        .add("a, b", std::vector<std::string>{"x", "y,z"});
    CHECK(table.rows() == 2);
    CHECK(table.to_string() == "epoch,loss,\"a, b\"\n1,0.5,x\n2,0.25,\"y,z\"\n");
    CHECK_THROWS_WITH(table.add("short", std::vector<double>{1}),
                      Equals("CsvTable: column 'short' has 1 values, expected 2"));
    table.write(folder / "t.csv");
    CHECK(read_bytes(folder / "t.csv") == table.to_string());
}

TEST_CASE("write_json keeps the order of the keys and never fails on text") {
    const TemporaryFolder folder;
    nlohmann::ordered_json value;
    value["seed"] = 0;
    value["accuracy"] = 0.975;
    value["title"] = "\xff";
    io::write_json(folder / "run.json", value);
    CHECK(read_bytes(folder / "run.json") ==
          "{\n  \"seed\": 0,\n  \"accuracy\": 0.975,\n  \"title\": \"\xEF\xBF\xBD\"\n}\n");
    io::write_json(folder / "run.json", nlohmann::json{{"b", 1}, {"a", 2}}); // whose keys are sorted
    CHECK(read_bytes(folder / "run.json") == "{\n  \"a\": 2,\n  \"b\": 1\n}\n");
}
