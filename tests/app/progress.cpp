// The text of the progress bar.

#include "handgrad/app/progress.hpp"
#include "catch.hpp"

using handgrad::app::progress_line;

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
