#include "handgrad/app/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace handgrad::app {
namespace {

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
    const double part = static_cast<double>(done) / static_cast<double>(all);
    const std::size_t epoch = std::min(done / std::max<std::size_t>(examples, 1) + 1, epochs);
    const auto filled = static_cast<std::size_t>(part * width);
    std::string line = fmt::format("epoch {}/{} [{}{}] {:3.0f} %", epoch, epochs, std::string(filled, '#'),
                                   std::string(width - filled, '.'), 100 * part);
    if (done > 0 && seconds > 0) {
        const double rate = static_cast<double>(done) / seconds;
        const double epoch_seconds = static_cast<double>(examples) / rate;
        line += fmt::format("  {:.{}f} s/epoch  {:.{}f} examples/s  {} left", epoch_seconds, epoch_seconds < 10 ? 1 : 0,
                            rate, rate < 10 ? 1 : 0, duration(seconds * (1 - part) / part));
    }
    return line.substr(0, 79);
}

Progress::Progress(std::size_t epochs, std::size_t examples)
    : epochs_(epochs), examples_(examples), terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()),
      epoch_start_(start_), last_drawn_(start_) {}

Progress::~Progress() { wipe(); }

void Progress::update(std::size_t seen) {
    if (!terminal_) { return; }
    const auto now = Clock::now();
    if (now - last_drawn_ < std::chrono::milliseconds(100)) { return; }
    last_drawn_ = now;
    drawn_ = true;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    std::fputs(("\r\033[K" + progress_line(epochs_, examples_, epoch_ * examples_ + seen, seconds)).c_str(), stderr);
}

double Progress::end_epoch() {
    wipe();
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - epoch_start_).count();
    epoch_start_ = now;
    ++epoch_;
    return seconds;
}

void Progress::wipe() {
    if (drawn_) { std::fputs("\r\033[K", stderr); }
    drawn_ = false;
}

} // namespace handgrad::app
