#include "handgrad/app/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace handgrad::app {
namespace {

std::string duration(double seconds) {
    const auto whole = static_cast<long>(std::min(seconds + 0.5, 359999.0));
    if (whole < 60) { return fmt::format("{} s", whole); }
    const bool minutes = whole < 3600;
    return fmt::format("{}:{:02} {}", whole / (minutes ? 60 : 3600), whole / (minutes ? 1 : 60) % 60,
                       minutes ? "min" : "h");
}

double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

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

void Progress::update(std::size_t seen) {
    const auto now = Clock::now();
    if (isatty(STDERR_FILENO) == 0 || now - last_drawn_ < std::chrono::milliseconds(100)) { return; }
    last_drawn_ = now;
    drawn_ = true;
    const std::size_t done = epoch_ * examples_ + seen;
    std::fputs(("\r\033[K" + progress_line(epochs_, examples_, done, seconds(now - start_))).c_str(), stderr);
}

double Progress::end_epoch() {
    erase();
    ++epoch_;
    const auto start = std::exchange(epoch_start_, Clock::now());
    return seconds(epoch_start_ - start);
}

void Progress::erase() {
    if (std::exchange(drawn_, false)) { std::fputs("\r\033[K", stderr); }
}

} // namespace handgrad::app
