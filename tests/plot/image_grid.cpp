// PNG files and grids of pictures, as pixels and as text.

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <png.h>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/plot/image_grid.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using Catch::Matchers::Equals;
using plot::Image;

namespace {

/// What libpng reads from the bytes of a PNG file.
Image decode(const std::string& bytes) {
    png_image header = {};
    header.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_memory(&header, bytes.data(), bytes.size()) != 0);
    const bool colour = (header.format & PNG_FORMAT_FLAG_COLOR) != 0;
    header.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    Image image{header.height, header.width, colour ? std::size_t{3} : std::size_t{1}, {}};
    image.pixels.resize(PNG_IMAGE_SIZE(header));
    REQUIRE(png_image_finish_read(&header, nullptr, image.pixels.data(), 0, nullptr) != 0);
    return image;
}

Image pattern(std::size_t height, std::size_t width, std::size_t channels) {
    Image image{height, width, channels, {}};
    for (std::size_t i = 0; i < height * width * channels; ++i) {
        image.pixels.push_back(static_cast<std::uint8_t>(i * 37 + i / 7));
    }
    return image;
}

std::uint8_t at(const Image& image, std::size_t y, std::size_t x) { return image.pixels[y * image.width + x]; }

/// Two pictures of 2 x 3 pixels, of the values 0 to 5 and 6 to 11.
Tensor<std::uint8_t> two_pictures() {
    Tensor<std::uint8_t> images(Shape{2, 1, 2, 3});
    for (std::size_t i = 0; i < images.size(); ++i) { images.data()[i] = static_cast<std::uint8_t>(i); }
    return images;
}

bool same(const Image& a, const Image& b) {
    return a.height == b.height && a.width == b.width && a.channels == b.channels && a.pixels == b.pixels;
}

} // namespace

TEST_CASE("A PNG file holds the pixels that were written") {
    const std::size_t channels = GENERATE(1, 3);
    const std::size_t width = GENERATE(1, 2, 7, 300);
    const Image image = pattern(5, width, channels);
    CHECK(same(decode(plot::encode_png(image)), image));

    const support::TemporaryFolder folder;
    plot::write_png(folder / "x.png", image);
    CHECK(support::read_bytes(folder / "x.png") == plot::encode_png(image));
    CHECK(folder.entries() == 1);
}

TEST_CASE("encode_png refuses what is no picture") {
    CHECK_THROWS_WITH(plot::encode_png({}), Equals("encode_png: a picture of 0 x 0 pixels"));
    CHECK_THROWS_WITH(plot::encode_png({2, 2, 2, std::vector<std::uint8_t>(8)}),
                      Equals("encode_png: 2 channels, expected 1 or 3"));
    CHECK_THROWS_WITH(plot::encode_png({2, 2, 1, std::vector<std::uint8_t>(5)}),
                      Equals("encode_png: 5 pixel values, expected 4"));
    CHECK_THROWS_AS(plot::encode_png({std::size_t{1} << 62, 4, 1, {}}), ShapeError);
}

TEST_CASE("A grid places magnified pictures on white") {
    plot::ImageGridOptions options;
    options.scale = 4;
    options.margin = 5;
    const Image grid = plot::image_grid(two_pictures(), 2, 2, {}, options);
    CHECK(grid.channels == 1);
    CHECK(grid.width == 5 + 12 + 5 + 12 + 5);
    CHECK(grid.height == 5 + 8 + 5 + 8 + 5);
    for (std::size_t y = 0; y < grid.height; ++y) {
        for (std::size_t x = 0; x < grid.width; ++x) {
            const bool in_row = y >= 5 && y < 13;
            const bool first = in_row && x >= 5 && x < 17, second = in_row && x >= 22 && x < 34;
            std::uint8_t expected = 255;
            if (first || second) {
                const std::size_t value = (first ? 0u : 6u) + (y - 5) / 4 * 3 + (x - (first ? 5u : 22u)) / 4;
                expected = static_cast<std::uint8_t>(255.0 * static_cast<double>(value) / 11 + 0.5);
            }
            INFO("pixel " << y << ", " << x);
            REQUIRE(at(grid, y, x) == expected);
        }
    }
}

TEST_CASE("A grid looks the same for bytes, fractions and normalised values") {
    const auto bytes = two_pictures();
    Tensor<float> normalised(Shape{2, 2, 3}); // without the channel, too
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        normalised.data()[i] = (static_cast<float>(bytes.data()[i]) / 255 - 0.1307f) / 0.3081f;
    }
    const std::vector<std::string> titles{"label: 5", "label: 0"};
    CHECK(same(plot::image_grid(bytes, 1, 2, titles), plot::image_grid(normalised, 1, 2, titles)));
    CHECK(plot::terminal_grid(bytes, 1, 2) == plot::terminal_grid(normalised, 1, 2));
}

TEST_CASE("A title stands above its own picture, black on white") {
    plot::ImageGridOptions options;
    options.scale = 20;
    options.margin = 10;
    const auto titled = plot::image_grid(two_pictures(), 1, 2, {"", "|"}, options);
    const auto plain = plot::image_grid(two_pictures(), 1, 2, {}, options);
    REQUIRE(titled.width == plain.width);
    const std::size_t title_height = titled.height - plain.height;
    CHECK(title_height == 30);
    std::size_t dark = 0, leftmost = titled.width, rightmost = 0;
    for (std::size_t y = 0; y < 10 + title_height; ++y) {
        for (std::size_t x = 0; x < titled.width; ++x) {
            if (at(titled, y, x) >= 128) { continue; }
            ++dark;
            leftmost = std::min(leftmost, x);
            rightmost = std::max(rightmost, x);
        }
    }
    CHECK(dark > 40);                             // a bar of 7 dots of 3 x 3 pixels, its corners rounded
    const std::size_t middle = 10 + 60 + 10 + 30; // of the second picture
    CHECK(leftmost >= middle - 4);
    CHECK(rightmost <= middle + 4);
    // The pictures themselves are the same, further down.
    for (std::size_t i = 10 * plain.width; i < plain.pixels.size(); ++i) {
        REQUIRE(titled.pixels[i + title_height * titled.width] == plain.pixels[i]);
    }
}

TEST_CASE("Every printable letter has a shape of its own") {
    std::vector<std::vector<std::uint8_t>> seen;
    const Tensor<std::uint8_t> blank(Shape{1, 8, 8}, std::uint8_t{0});
    for (char letter = ' '; letter <= '~'; ++letter) {
        auto pixels = plot::image_grid(blank, 1, 1, {std::string(1, letter)}).pixels;
        INFO("letter " << letter);
        CHECK(std::find(seen.begin(), seen.end(), pixels) == seen.end());
        seen.push_back(std::move(pixels));
    }
    CHECK(plot::image_grid(blank, 1, 1, {"\xc3"}).pixels == plot::image_grid(blank, 1, 1, {"?"}).pixels);
}

TEST_CASE("Values that are not finite are black") {
    Tensor<float> images{{{0.0f, 1.0f}, {std::numeric_limits<float>::quiet_NaN(), 0.5f}}};
    plot::ImageGridOptions options;
    options.scale = 1;
    options.margin = 0;
    CHECK(plot::image_grid(images, 1, 1, {}, options).pixels == std::vector<std::uint8_t>{0, 255, 0, 128});
    images.fill(3.0f); // no contrast at all
    CHECK(plot::image_grid(images, 1, 1, {}, options).pixels == std::vector<std::uint8_t>(4, 0));
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
