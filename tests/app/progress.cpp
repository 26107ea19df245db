// The text of the progress bar, and what a terminal gets of it.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "catch.hpp"
#include "handgrad/app/progress.hpp"

using handgrad::app::progress_line;

namespace {

/// While it lives, stderr is a terminal of its own, whose text said() returns.
class Terminal {
public:
    Terminal() : screen_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)), stderr_(::dup(STDERR_FILENO)) {
        REQUIRE(screen_ >= 0);
        REQUIRE(::grantpt(screen_) == 0);
        REQUIRE(::unlockpt(screen_) == 0);
        terminal_ = ::open(::ptsname(screen_), O_RDWR | O_NOCTTY);
        REQUIRE(terminal_ >= 0);
        std::fflush(stderr);
        ::dup2(terminal_, STDERR_FILENO);
    }
    ~Terminal() {
        std::fflush(stderr);
        ::dup2(stderr_, STDERR_FILENO);
        for (const int descriptor : {screen_, stderr_, terminal_}) { ::close(descriptor); }
    }
    Terminal(Terminal&&) = delete;

    /// What was written to stderr since the last call.
    std::string said() const {
        std::fflush(stderr);
        std::string text(4096, ' ');
        const ssize_t count = ::read(screen_, text.data(), text.size()); // -1 if there is nothing
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }

private:
    int screen_, stderr_, terminal_ = -1;
};

} // namespace

TEST_CASE("progress: the time that is left, in seconds, minutes or hours") {
    const auto left = [](double seconds) { // half of 100 examples took as long as the rest will take
        const std::string line = progress_line(1, 100, 50, seconds);
        const std::size_t begin = line.find("examples/s  ");
        REQUIRE(begin != std::string::npos);
        return line.substr(begin + 12, 9); // the line has at most 79 characters
    };
    CHECK(left(1) == "1 s left");
    CHECK(left(59.4) == "59 s left");
    CHECK(left(59.6) == "1:00 min ");
    CHECK(left(125) == "2:05 min ");
    CHECK(left(3599) == "59:59 min");
    CHECK(left(3725) == "1:02 h le");
    CHECK(left(359999).find("99:59 h") == 0);
    CHECK(left(1e9).find("99:59 h") == 0);
}

TEST_CASE("progress: epochs, the bar and the speed") {
    CHECK(progress_line(3, 100, 0, 1) == "epoch 1/3 [................]   0 %");
    CHECK(progress_line(3, 100, 99, 0) == "epoch 1/3 [#####...........]  33 %");
    CHECK(progress_line(3, 100, 100, 0) == "epoch 2/3 [#####...........]  33 %");
    CHECK(progress_line(3, 100, 300, 0) == "epoch 3/3 [################] 100 %");
    CHECK(progress_line(3, 100, 400, 0) == "epoch 3/3 [################] 100 %"); // no more than all
    CHECK(progress_line(2, 100, 100, 995) ==
          "epoch 2/2 [########........]  50 %  995 s/epoch  0.1 examples/s  16:35 min left");
    CHECK(progress_line(2, 100, 100, 9.94) ==
          "epoch 2/2 [########........]  50 %  9.9 s/epoch  10 examples/s  10 s left");
    CHECK(progress_line(0, 0, 0, 0).find("epoch 0/0 [................]") == 0);
}

TEST_CASE("progress: a terminal shows the epoch and the bar, and end_epoch() erases it") {
    const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(110)); };
    std::string first, erased, nothing, second, destroyed;
    { // no check within: its message would go to the terminal
        const Terminal terminal;
        {
            handgrad::app::Progress progress(4, 100);
            progress.update(10); // sooner than a tenth of a second after the start
            nothing = terminal.said();
            pause();
            progress.update(50);
            first = terminal.said();
            progress.end_epoch();
            erased = terminal.said();
            progress.end_epoch();
            pause();
            progress.update(25);
            second = terminal.said();
        }
        destroyed = terminal.said();
    }
    CHECK(nothing.empty());
    CHECK(first.find("\r\033[Kepoch 1/4 [##..............]  12 %  ") == 0);
    CHECK(first.find("left") != std::string::npos);
    CHECK(erased == "\r\033[K");
    CHECK(second.find("\r\033[Kepoch 3/4 [#########.......]  56 %  ") == 0);
    CHECK(destroyed == "\r\033[K");
}
