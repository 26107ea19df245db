#include "handgrad/app/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace handgrad::app {
namespace {

double seconds_between(std::chrono::steady_clock::time_point start, std::chrono::steady_clock::time_point end) {
    return std::chrono::duration<double>(end - start).count();
}

std::string duration(double seconds) {
    const auto whole = static_cast<long>(std::min(seconds + 0.5, 359999.0));
    if (whole < 60) { return fmt::format("{} s", whole); }
    if (whole < 3600) { return fmt::format("{}:{:02} min", whole / 60, whole % 60); }
    return fmt::format("{}:{:02} h", whole / 3600, whole / 60 % 60);
}

} // namespace

std::string progress_line(std::size_t epochs, std::size_t examples, std::size_t done, double seconds) {
    constexpr std::size_t width = 16;
    const std::size_t all = std::max<std::size_t>(epochs * examples, 1);
    done = std::min(done, all);
    const double fraction = static_cast<double>(done) / static_cast<double>(all);
    const std::size_t epoch = std::min(done / std::max<std::size_t>(examples, 1) + 1, epochs);
    const auto filled = static_cast<std::size_t>(fraction * width);
    std::string line = fmt::format("epoch {}/{} [{:#<{}}{:.<{}}] {:3.0f} %", epoch, epochs, "", filled, "",
                                   width - filled, 100 * fraction);
    if (done > 0 && seconds > 0) {
        const double rate = static_cast<double>(done) / seconds, epoch_time = static_cast<double>(examples) / rate;
        line += fmt::format("  {:.{}f} s/epoch  {:.{}f} examples/s  {} left", epoch_time, epoch_time < 10 ? 1 : 0, rate,
                            rate < 10 ? 1 : 0, duration(seconds * (1 - fraction) / fraction));
    }
    return line.substr(0, 79);
}

Progress::Progress(std::size_t epochs, std::size_t examples)
    : epochs_(epochs), examples_(examples), terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()),
      epoch_start_(start_), last_drawn_(start_) {}

void Progress::update(std::size_t seen) {
    const auto now = Clock::now();
    if (!terminal_ || now - last_drawn_ < std::chrono::milliseconds(100)) { return; }
    last_drawn_ = now;
    drawn_ = true;
    const std::size_t done = epoch_ * examples_ + seen;
    fmt::print(stderr, "\r\033[K{}", progress_line(epochs_, examples_, done, seconds_between(start_, now)));
}

double Progress::end_epoch() {
    erase();
    const auto start = epoch_start_;
    epoch_start_ = Clock::now();
    ++epoch_;
    return seconds_between(start, epoch_start_);
}

void Progress::erase() {
    if (drawn_) { std::fputs("\r\033[K", stderr); }
    drawn_ = false;
}

} // namespace handgrad::app
