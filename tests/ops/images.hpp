#pragma once
// What the tests of operations on images share.

#include <string>
#include <utility>

#include "catch.hpp"
#include "handgrad/tensor/random.hpp"
#include "nlohmann/json.hpp"
#include "support/operation.hpp"
#include "support/options.hpp"

namespace support {

/// A kernel, its stride, padding and dilation.
struct Window {
    handgrad::Size2d kernel, stride, padding, dilation;
};

inline std::string to_text(const Shape& x, const Window& w) {
    return "x " + to_string(x) + ", kernel " + to_string(w.kernel) + ", stride " + to_string(w.stride) + ", padding " +
           to_string(w.padding) + ", dilation " + to_string(w.dilation);
}

/// Every batch and number of channels, each with every window. High images and wide ones.
template <std::size_t Count, class F> void for_each_case(const Window (&windows)[Count], const F& f) {
    std::size_t number = 0;
    for (const std::size_t n : {1, 2, 3, 7}) {
        for (const std::size_t c : {1, 2, 3}) {
            for (std::size_t i = 0; i < Count; ++i, ++number) {
                f(number % 2 ? Shape{n, c, 5, 4} : Shape{n, c, 4, 7}, windows[i], number);
            }
        }
    }
}

/// A number for the rows and one for the columns, of a case of PyTorch's.
inline handgrad::Size2d pair_of(const nlohmann::ordered_json& options, const std::string& name) {
    return {options.at(name).at(0).get<std::size_t>(), options.at(name).at(1).get<std::size_t>()};
}

/// The options of a convolution of PyTorch's.
inline handgrad::Conv2dOptions conv_options(const nlohmann::ordered_json& options) {
    return conv(pair_of(options, "stride"), pair_of(options, "padding"), pair_of(options, "dilation"),
                options.at("groups").get<std::size_t>());
}

/// Image n of a batch, as a batch of one.
inline Tensor<double> image_of(const Tensor<double>& images, std::size_t n) {
    Shape shape = images.shape();
    shape[0] = 1;
    Tensor<double> image(shape);
    std::copy_n(images.data() + n * image.size(), image.size(), image.data());
    return image;
}

/// The sum of a_i b_i.
inline double inner(const Tensor<double>& a, const Tensor<double>& b) {
    REQUIRE(a.shape() == b.shape());
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) { sum += a.data()[i] * b.data()[i]; }
    return sum;
}

} // namespace support
