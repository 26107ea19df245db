// Grids of pictures: as figures, and as text.

#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/plot/image_grid.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace handgrad;
using Catch::Matchers::Equals;
using Catch::Matchers::WithinAbs;
using support::contains;
using support::read_bytes;
using support::TemporaryFolder;

namespace {

/// Two pictures of 2 x 3 pixels, of the values 0 to 5 and 6 to 11.
Tensor<std::uint8_t> two_pictures() {
    Tensor<std::uint8_t> images(Shape{2, 1, 2, 3});
    for (std::size_t i = 0; i < images.size(); ++i) { images.data()[i] = static_cast<std::uint8_t>(i); }
    return images;
}

struct Pixel {
    std::string title;
    double x, y, value;
};

/// The pixels of a grid's CSV file; sets its script.
std::vector<Pixel> saved_pixels(const plot::Figure& grid, std::string& script) {
    const TemporaryFolder folder;
    grid.save(folder.path(), "grid");
    script = read_bytes(folder / "grid.gp");
    std::istringstream csv(read_bytes(folder / "grid.csv"));
    std::vector<Pixel> pixels;
    std::string title, x, y, value;
    std::getline(csv, title);
    CHECK(title == "series,x,y,value");
    while (std::getline(std::getline(std::getline(std::getline(csv, title, ','), x, ','), y, ','), value)) {
        pixels.push_back({title, std::stod(x), std::stod(y), std::stod(value)});
    }
    return pixels;
}

} // namespace

TEST_CASE("A grid places the pictures row by row, each below its title") {
    std::string script;
    const auto pixels = saved_pixels(plot::image_grid(two_pictures(), 2, 1, {"one", "it's two"}), script);
    REQUIRE(pixels.size() == 12);
    const double step = pixels[1].x - pixels[0].x;
    for (std::size_t i = 0; i < 12; ++i) {
        INFO("pixel " << i);
        CHECK(pixels[i].title == (i < 6 ? "one" : "it's two"));
        CHECK(pixels[i].value == static_cast<double>(i));
        CHECK_THAT(pixels[i].x, WithinAbs(pixels[0].x + step * static_cast<double>(i % 3), 1e-9));
        CHECK_THAT(pixels[i].y, WithinAbs(pixels[i / 6 * 6].y + step * static_cast<double>(i % 6 / 3), 1e-9));
    }
    CHECK(pixels[6].y > pixels[5].y + step); // beneath the first picture
    CHECK(contains(script, "set label 'one' at "));
    CHECK(contains(script, "set label 'it''s two' at "));
    CHECK(contains(script, "set cbrange [0:11]"));

    const auto beside = saved_pixels(plot::image_grid(two_pictures(), 1, 2), script);
    CHECK(beside[6].y == beside[0].y);
    CHECK(beside[6].x > beside[2].x + beside[1].x - beside[0].x);
    CHECK(beside[6].title.empty());
    CHECK_FALSE(contains(script, "set label"));
    CHECK(saved_pixels(plot::image_grid(two_pictures(), 1, 1), script).size() == 6);
}

TEST_CASE("A grid looks the same for bytes, fractions and normalised values") {
    const auto bytes = two_pictures();
    Tensor<float> normalised(Shape{2, 2, 3}); // without the channel, too
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        normalised.data()[i] = (static_cast<float>(bytes.data()[i]) / 255 - 0.1307f) / 0.3081f;
    }
    CHECK(plot::terminal_grid(bytes, 1, 2) == plot::terminal_grid(normalised, 1, 2));
}

TEST_CASE("Values that are not finite are black") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::string script;
    Tensor<float> images{{{0.5f, 1.0f}, {nan, 0.75f}}};
    auto pixels = saved_pixels(plot::image_grid(images, 1, 1), script);
    REQUIRE(pixels.size() == 4);
    CHECK(pixels[2].value == 0.5);
    CHECK(pixels[3].value == 0.75);
    CHECK(contains(script, "set cbrange [0.5:1]"));
    images.fill(3.0f); // no contrast at all
    pixels = saved_pixels(plot::image_grid(images, 1, 1), script);
    CHECK(pixels[3].value == 0);
    CHECK(contains(script, "set cbrange [0:1]"));
}

TEST_CASE("gnuplot draws a grid of pictures with titles of any length") {
    if (std::getenv("HANDGRAD_NO_GNUPLOT") != nullptr) {
        WARN("HANDGRAD_NO_GNUPLOT is set: no picture was drawn");
        return;
    }
    const TemporaryFolder folder;
    const auto grid = plot::image_grid(two_pictures(), 1, 2, {"short", std::string(50, 'x')});
    CHECK(grid.save(folder.path(), "grid").note == "");
    CHECK(contains(read_bytes(folder / "grid.svg"), std::string(50, 'x')));
}

TEST_CASE("Grids refuse what they cannot draw") {
    const auto images = two_pictures();
    CHECK_THROWS_WITH(plot::image_grid(images, 1, 2, {"one"}), Equals("image_grid: 1 titles for 2 pictures"));
    CHECK_THROWS_WITH(plot::image_grid(images, 0, 2), Equals("image_grid: a grid of 0 x 2, expected 1 to 1000 each"));
    CHECK_THROWS_WITH(plot::image_grid(Tensor<float>(Shape{2, 784}), 1, 2),
                      Equals("image_grid: images have shape (2, 784), expected (N, 1, H, W) or (N, H, W)"));
    CHECK_THROWS_AS(plot::image_grid(Tensor<float>(Shape{2, 3, 4, 4}), 1, 2), ShapeError);
    CHECK_THROWS_AS(plot::image_grid(Tensor<float>(Shape{0, 1, 4, 4}), 1, 2), ShapeError);
    CHECK_THROWS_WITH(plot::terminal_grid(images, 1, 20, {}, 80),
                      Equals("terminal_grid: 20 pictures do not fit in 80 characters"));
}

TEST_CASE("The grid as text: titles, shades and averages") {
    // The left half black, the right half white; and the other way round.
    Tensor<float> images(Shape{2, 1, 4, 8}, 0.0f);
    for (std::size_t y = 0; y < 4; ++y) {
        for (std::size_t x = 0; x < 4; ++x) { images(0, 0, y, x + 4) = images(1, 0, y, x) = 1; }
    }
    CHECK(plot::terminal_grid(images, 1, 2, {"a", "right"}) == "   a       right\n"
                                                               "    @@@@  @@@@\n"
                                                               "    @@@@  @@@@\n");
    // In half the width, and so in half the height.
    CHECK(plot::terminal_grid(images, 1, 2, {}, 10) == "  @@  @@\n");
    // One below the other.
    CHECK(plot::terminal_grid(images, 2, 1, {}, 8) == "    @@@@\n    @@@@\n@@@@\n@@@@\n");
    // Two pixels, one of them white, in one character.
    Tensor<float> stripes(Shape{1, 2, 8}, 0.0f);
    for (std::size_t x = 0; x < 8; ++x) { stripes(0, 1, x) = 1; }
    CHECK(plot::terminal_grid(stripes, 1, 1) == "++++++++\n");
}

TEST_CASE("No line of a text grid is longer than asked for") {
    const Tensor<float> images(Shape{10, 1, 28, 28}, 0.0f);
    const std::vector<std::string> titles(10, "a title that is much too long for its place");
    for (const std::size_t width : {40, 80, 100, 120}) {
        const std::string text = plot::terminal_grid(images, 2, 5, titles, width);
        std::size_t start = 0;
        for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
            CHECK(end - start <= width);
            start = end + 1;
        }
    }
}
