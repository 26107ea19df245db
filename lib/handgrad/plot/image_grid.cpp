#include "handgrad/plot/image_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "bitmap_font.hpp"
#include "handgrad/error.hpp"

namespace handgrad::plot {
namespace {

/// The pictures that a grid shows, as brightness in [0, 1].
template <class T> class Pictures {
public:
    Pictures(std::string_view where, const Tensor<T>& images, std::size_t rows, std::size_t cols,
             const std::vector<std::string>& titles)
        : images_(images) {
        const Shape& shape = images.shape();
        const bool fits = shape.size() == 3 || (shape.size() == 4 && shape[1] == 1);
        if (!fits || images.size() == 0) {
            throw ShapeError(fmt::format("{}: images have shape {}, expected (N, 1, H, W) or (N, H, W)", where,
                                         handgrad::to_string(shape)));
        }
        if (rows == 0 || cols == 0 || rows > 1000 || cols > 1000) {
            throw ShapeError(fmt::format("{}: a grid of {} x {}, expected 1 to 1000 each", where, as_written(rows),
                                         as_written(cols)));
        }
        height = shape[shape.size() - 2];
        width = shape[shape.size() - 1];
        count = std::min(shape[0], rows * cols);
        if (!titles.empty() && titles.size() < count) {
            throw ShapeError(fmt::format("{}: {} titles for {} pictures", where, titles.size(), count));
        }
        for (std::size_t i = 0; i < count * height * width; ++i) {
            const double value = static_cast<double>(images.data()[i]);
            if (!std::isfinite(value)) { continue; }
            low_ = std::min(low_, value);
            high_ = std::max(high_, value);
        }
    }

    double brightness(std::size_t n, std::size_t row, std::size_t col) const {
        const double value = static_cast<double>(images_.data()[(n * height + row) * width + col]);
        if (!std::isfinite(value) || !(high_ > low_)) { return 0; }
        return (value - low_) / (high_ - low_);
    }

    std::size_t count = 0, height = 0, width = 0;

private:
    const Tensor<T>& images_;
    double low_ = std::numeric_limits<double>::infinity();
    double high_ = -std::numeric_limits<double>::infinity();
};

template <class T> Image draw_grid(const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                   const std::vector<std::string>& titles, const ImageGridOptions& options) {
    const Pictures<T> pictures("image_grid", images, rows, cols, titles);
    require_at_least("image_grid", "width", options.width, 0);
    require_at_least("image_grid", "scale", options.scale, 0);
    require_at_least("image_grid", "margin", options.margin, 0);
    std::size_t longest = 0;
    for (std::size_t n = 0; n < pictures.count && !titles.empty(); ++n) {
        longest = std::max(longest, titles[n].size());
    }
    // A place is as wide as its share of the whole, and never too narrow for its title in the smallest legible letters.
    constexpr std::size_t smallest_letters = 2, largest_letters = 3; // pixels a dot
    const std::size_t title_dots = longest * glyph_advance;
    const std::size_t share = options.width / cols;
    const std::size_t room =
        std::max(share > options.margin ? share - options.margin : 1, smallest_letters * title_dots);
    const std::size_t scale = options.scale > 0 ? options.scale : std::max<std::size_t>(1, room / pictures.width);
    const std::size_t width = scale * pictures.width, height = scale * pictures.height; // of one picture
    const std::size_t place = std::max(width, smallest_letters * title_dots);
    const std::size_t letter_scale =
        std::clamp(place / std::max<std::size_t>(title_dots, 1), smallest_letters, largest_letters);
    const std::size_t title_height = longest > 0 ? (glyph_height + 1) * letter_scale : 0;

    Image image;
    image.width = cols * (place + options.margin) + options.margin;
    image.height = rows * (title_height + height + options.margin) + options.margin;
    image.pixels.assign(image.width * image.height, 255);
    for (std::size_t n = 0; n < pictures.count; ++n) {
        const std::size_t place_left = options.margin + n % cols * (place + options.margin);
        const std::size_t left = place_left + (place - width) / 2;
        const std::size_t top = options.margin + n / cols * (title_height + height + options.margin);
        if (longest > 0) {
            const std::size_t title_width = titles[n].size() * glyph_advance * letter_scale;
            draw_text(image, place_left + (place - title_width) / 2, top, titles[n], letter_scale);
        }
        for (std::size_t y = 0; y < height; ++y) {
            for (std::size_t x = 0; x < width; ++x) {
                image.pixels[(top + title_height + y) * image.width + left + x] =
                    static_cast<std::uint8_t>(std::lround(255 * pictures.brightness(n, y / scale, x / scale)));
            }
        }
    }
    return image;
}

/// Mean brightness over the rectangle [top, bottom) x [left, right) of picture n, its edges at fractions of pixels.
template <class T> double mean_brightness(const Pictures<T>& pictures, std::size_t n, double top, double bottom,
                                          double left, double right) {
    double sum = 0, area = 0;
    for (auto r = static_cast<std::size_t>(top); r < pictures.height && static_cast<double>(r) < bottom; ++r) {
        const auto y = static_cast<double>(r);
        const double covered_y = std::min(bottom, y + 1) - std::max(top, y);
        for (auto c = static_cast<std::size_t>(left); c < pictures.width && static_cast<double>(c) < right; ++c) {
            const auto x = static_cast<double>(c);
            const double covered = covered_y * (std::min(right, x + 1) - std::max(left, x));
            sum += covered * pictures.brightness(n, r, c);
            area += covered;
        }
    }
    return area > 0 ? sum / area : 0;
}

template <class T> std::string text_grid(const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                         const std::vector<std::string>& titles, std::size_t line_width) {
    const Pictures<T> pictures("terminal_grid", images, rows, cols, titles);
    require_at_least("terminal_grid", "width", line_width, 0);
    constexpr std::size_t gap = 2;
    constexpr std::string_view shades = " .:-=+*#%@";
    const std::size_t place = (line_width + gap) / cols; // for one picture and the gap behind it
    if (place < 4 + gap) {
        throw ShapeError(fmt::format("terminal_grid: {} pictures do not fit in {} characters", cols, line_width));
    }
    const std::size_t width = std::min(place - gap, pictures.width);
    const double step = static_cast<double>(pictures.width) / static_cast<double>(width); // pixels a character
    const auto height = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::lround(static_cast<double>(pictures.height) / (2 * step))));
    const double row_step = static_cast<double>(pictures.height) / static_cast<double>(height);

    std::string text;
    const auto put_line = [&](std::string line) {
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    };
    for (std::size_t first = 0; first < pictures.count; first += cols) {
        const std::size_t last = std::min(first + cols, pictures.count);
        if (!titles.empty()) {
            std::string line;
            for (std::size_t n = first; n < last; ++n) {
                line += fmt::format("{:^{}}", titles[n].substr(0, width), width) + std::string(gap, ' ');
            }
            put_line(line);
        }
        for (std::size_t r = 0; r < height; ++r) {
            std::string line;
            const double top = static_cast<double>(r) * row_step;
            for (std::size_t n = first; n < last; ++n) {
                for (std::size_t c = 0; c < width; ++c) {
                    const double left = static_cast<double>(c) * step;
                    const double mean = mean_brightness(pictures, n, top, top + row_step, left, left + step);
                    const auto shade = static_cast<std::size_t>(mean * static_cast<double>(shades.size()));
                    line += shades[std::min(shade, shades.size() - 1)];
                }
                line += std::string(gap, ' ');
            }
            put_line(line);
        }
    }
    return text;
}

} // namespace

Image image_grid(const Tensor<float>& images, std::size_t rows, std::size_t cols,
                 const std::vector<std::string>& titles, const ImageGridOptions& options) {
    return draw_grid(images, rows, cols, titles, options);
}

Image image_grid(const Tensor<std::uint8_t>& images, std::size_t rows, std::size_t cols,
                 const std::vector<std::string>& titles, const ImageGridOptions& options) {
    return draw_grid(images, rows, cols, titles, options);
}

std::string terminal_grid(const Tensor<float>& images, std::size_t rows, std::size_t cols,
                          const std::vector<std::string>& titles, std::size_t width) {
    return text_grid(images, rows, cols, titles, width);
}

std::string terminal_grid(const Tensor<std::uint8_t>& images, std::size_t rows, std::size_t cols,
                          const std::vector<std::string>& titles, std::size_t width) {
    return text_grid(images, rows, cols, titles, width);
}

} // namespace handgrad::plot
