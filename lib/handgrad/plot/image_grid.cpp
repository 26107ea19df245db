#include "handgrad/plot/image_grid.hpp"

#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::plot {

/// The pictures of a grid.
class Pictures {
public:
    template <class T> Pictures(std::string_view function, const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                const std::vector<std::string>& titles)
        : rows_(rows), cols_(cols), titles_(titles) {
        const Shape& shape = images.shape();
        require<ShapeError>((shape.size() == 3 || (shape.size() == 4 && shape[1] == 1)) && images.size() > 0,
                            "{}: images have shape {}, expected (N, 1, H, W) or (N, H, W)", function,
                            handgrad::to_string(shape));
        require<ShapeError>(rows > 0 && cols > 0 && rows <= 1000 && cols <= 1000,
                            "{}: a grid of {} x {}, expected 1 to 1000 each", function, as_written(rows),
                            as_written(cols));
        height_ = shape[shape.size() - 2];
        width_ = shape[shape.size() - 1];
        count_ = std::min(shape[0], rows * cols);
        require<ShapeError>(titles.empty() || titles.size() >= count_, "{}: {} titles for {} pictures", function,
                            titles.size(), count_);
        values_.assign(images.data(), images.data() + count_ * height_ * width_);
        for (const double value : values_) {
            if (!std::isfinite(value)) { continue; }
            low_ = std::min(low_, value);
            high_ = std::max(high_, value);
        }
    }

    Figure figure(Colours colours) const;
    std::string text(std::size_t line_width) const;

private:
    double brightness(std::size_t n, std::size_t row, std::size_t col) const {
        const double value = values_[(n * height_ + row) * width_ + col];
        return std::isfinite(value) && high_ > low_ ? (value - low_) / (high_ - low_) : 0;
    }
    double mean_brightness(std::size_t n, double top, double bottom, double left, double right) const;

    std::size_t rows_, cols_, count_ = 0, height_ = 0, width_ = 0;
    const std::vector<std::string>& titles_;
    std::vector<double> values_;
    double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

Figure Pictures::figure(Colours colours) const {
    const double page = static_cast<double>(page_width),
                 columns = static_cast<double>(cols_); // all sizes are in pixels
    const double gap = std::min(14.0, 80 / columns), width = (page - gap) / columns - gap;
    const double pixel = width / static_cast<double>(width_);
    const bool diverging = colours == Colours::diverging;
    std::size_t longest = 1; // in letters, which are half as wide as high
    for (const std::string& text : titles_) { longest = std::max(longest, text.size()); }
    const bool two_lines = 8 * static_cast<double>(longest) > width + gap; // in letters of 16 pixels
    std::vector<std::string> titles(titles_.begin(),
                                    titles_.begin() + static_cast<std::ptrdiff_t>(titles_.empty() ? 0 : count_));
    longest = 1;
    for (std::string& text : titles) { // divided at the last blank of its first half
        const std::size_t blank = two_lines ? text.rfind(' ', (text.size() + 1) / 2) : std::string::npos;
        if (blank != std::string::npos) { text[blank] = '\n'; }
        longest = std::max(longest, blank == std::string::npos ? text.size() : text.size() - blank - 1);
    }
    const double letter = std::clamp(2 * (width + gap) / static_cast<double>(longest), 6.0, 16.0);
    const double title = titles.empty() ? 0 : two_lines ? 44 : 24;
    const double row_step = title + pixel * static_cast<double>(height_) + gap;
    const double grid_height = static_cast<double>(rows_) * row_step + gap,
                 page_height = grid_height + (diverging ? 60 : 0);
    const double largest = high_ >= low_ ? std::max(high_, -low_) : 0;
    const double high = diverging ? (largest > 0 ? largest : 1) : high_ > low_ ? high_ : 1;
    const double low = diverging ? -high : high_ > low_ ? low_ : 0;

    // Few pixels are drawn as sharp squares; of many, a viewer may smooth the picture.
    const char* const blocks = values_.size() <= 4000 ? "using 2:3:4 with image pixels" : "using 2:3:4 with image";
    Figure figure;
    figure.x_range(0, page).y_range(page_height, 0).equal_axes();
    figure.height_ = static_cast<std::size_t>(page_height);
    figure.setup_ =
        fmt::format("unset border\nunset tics\nunset grid\nset margins 0,0,0,0\n"
                    "set palette defined ({})\nset cbrange [{}:{}]\n",
                    diverging ? "-1 '#d55e00', 0 '#ffffff', 1 '#0072b2'" : "0 'black', 1 'white'", low, high);
    if (diverging) {
        figure.setup_ += fmt::format("set colorbox horizontal user origin 0.15,{} size 0.7,{}\n"
                                     "set cbtics ('{:.3g}' {}, '0' 0, '{:.3g}' {}) scale 0.6\n",
                                     36 / page_height, 16 / page_height, low, low, high, high);
    }
    for (std::size_t n = 0; n < count_; ++n) {
        const double left = gap + static_cast<double>(n % cols_) * (width + gap);
        const double top = gap + static_cast<double>(n / cols_) * row_step;
        Figure::Series series{titles.empty() ? "" : titles_[n], {}, {}, {}, {blocks}};
        if (!titles.empty()) { series.title = {titles[n], left + width / 2, top + 10, letter}; }
        for (std::size_t i = 0; i < height_ * width_; ++i) {
            series.x.push_back(left + (static_cast<double>(i % width_) + 0.5) * pixel);
            series.y.push_back(top + title + (static_cast<double>(i / width_) + 0.5) * pixel);
            const double value = values_[n * height_ * width_ + i];
            series.value.push_back(std::isfinite(value) && high_ > low_ ? value : diverging ? 0 : low);
        }
        figure.series_.push_back(std::move(series));
    }
    return figure;
}

/// Mean brightness over the rectangle [top, bottom) x [left, right) of picture n, whose edges may lie within pixels.
double Pictures::mean_brightness(std::size_t n, double top, double bottom, double left, double right) const {
    const auto covered = [](std::size_t pixel, double from, double to) {
        return std::max(0.0, std::min(to, static_cast<double>(pixel) + 1) - std::max(from, static_cast<double>(pixel)));
    };
    double sum = 0, area = 0;
    for (auto row = static_cast<std::size_t>(top); row < height_ && static_cast<double>(row) < bottom; ++row) {
        for (auto col = static_cast<std::size_t>(left); col < width_ && static_cast<double>(col) < right; ++col) {
            const double part = covered(row, top, bottom) * covered(col, left, right);
            sum += part * brightness(n, row, col);
            area += part;
        }
    }
    return sum / area;
}

std::string Pictures::text(std::size_t line_width) const {
    constexpr std::size_t gap = 2;
    constexpr std::string_view shades = " .:-=+*#%@@";    // white is drawn as light grey
    const std::size_t place = (line_width + gap) / cols_; // of one picture and the gap after it
    require<ShapeError>(place >= 4 + gap, "terminal_grid: {} pictures do not fit in {} characters", cols_, line_width);
    const std::size_t width = std::min(place - gap, width_);
    const double step = static_cast<double>(width_) / static_cast<double>(width); // pixels for a character
    const std::size_t height = std::max(1L, std::lround(static_cast<double>(height_) / (2 * step)));
    const double row_step = static_cast<double>(height_) / static_cast<double>(height);

    std::string text;
    for (std::size_t first = 0; first < count_; first += cols_) {
        for (std::size_t line = titles_.empty() ? 1 : 0; line <= height; ++line) { // line 0: the titles
            for (std::size_t n = first; n < std::min(first + cols_, count_); ++n) {
                if (line == 0) { text += fmt::format("{:^{}}", titles_[n].substr(0, width), width); }
                for (std::size_t c = 0; line > 0 && c < width; ++c) {
                    const double top = static_cast<double>(line - 1) * row_step, left = static_cast<double>(c) * step;
                    const double mean = mean_brightness(n, top, top + row_step, left, left + step);
                    text += shades[static_cast<std::size_t>(mean * static_cast<double>(shades.size() - 1))];
                }
                text.append(gap, ' ');
            }
            text = text.substr(0, text.find_last_not_of(' ') + 1) + '\n';
        }
    }
    return text;
}

template <class T> Figure image_grid(const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                     const std::vector<std::string>& titles, Colours colours) {
    return Pictures("image_grid", images, rows, cols, titles).figure(colours);
}

template <class T> std::string terminal_grid(const Tensor<T>& images, std::size_t rows, std::size_t cols,
                                             const std::vector<std::string>& titles, std::size_t width) {
    require_at_least("terminal_grid", "width", width, 0);
    return Pictures("terminal_grid", images, rows, cols, titles).text(width);
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template Figure image_grid(const Tensor<T>&, std::size_t, std::size_t, const std::vector<std::string>&, Colours);  \
    template std::string terminal_grid(const Tensor<T>&, std::size_t, std::size_t, const std::vector<std::string>&,    \
                                       std::size_t);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(std::uint8_t)

} // namespace handgrad::plot
