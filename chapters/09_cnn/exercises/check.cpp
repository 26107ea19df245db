// Marks the coding exercises of chapter 09. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <string>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <avg_pool2d.hpp>
#include <conv2d_backward.hpp>
#include <conv2d_stride.hpp>

using namespace handgrad;

namespace {

// Calls f with every index of a tensor of rank 4.
template <class F> void for_each_index(const Shape& shape, const F& f) {
    for (std::size_t i = 0; i < shape[0]; ++i) {
        for (std::size_t j = 0; j < shape[1]; ++j) {
            for (std::size_t k = 0; k < shape[2]; ++k) {
                for (std::size_t l = 0; l < shape[3]; ++l) { f(i, j, k, l); }
            }
        }
    }
}

// ---- 09.4 ----

void compare_avg_pool2d(check::Exercise& exercise, const Tensor<double>& x,
                        const Tensor<double>& dy) {
    const std::size_t P = dy.shape(2), Q = dy.shape(3);
    const auto dx = [&](const auto& formula) {
        Tensor<double> result = zeros<double>(x.shape());
        for_each_index(x.shape(), [&](auto n, auto c, auto h, auto w) {
            result(n, c, h, w) = formula(n, c, h, w);
        });
        return result;
    };
    const auto corner = [](std::size_t h, std::size_t w, std::size_t at) {
        return h % 2 == at && w % 2 == at;
    };
    exercise.extents({{"N", x.shape(0)}, {"C", x.shape(1)}});
    exercise.gradient(
        "x", x, ::avg_pool2d_backward(dy),
        [&](const auto& x_) {
            auto y = check::cast_like(x_, zeros<double>(dy.shape()));
            for_each_index(x.shape(), [&](auto n, auto c, auto h, auto w) {
                y(n, c, h / 2, w / 2) += 0.25 * x_(n, c, h, w);
            });
            return check::weighted_sum(y, dy);
        },
        {
            {dx([&](auto n, auto c, auto h, auto w) {
                 return dy(n, c, h / 2, w / 2);
             }),
             "the factor 1/4 of the mean is missing"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return dy(n, c, h / 2, w / 2) / 2;
             }),
             "the factor is 1/2: a window has 2 x 2 = 4 pixels"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return corner(h, w, 0) ? dy(n, c, h / 2, w / 2) : 0;
             }),
             "the first pixel of each window gets all of dy: each of the four "
             "gets "
             "a quarter"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return corner(h, w, 0) ? dy(n, c, h / 2, w / 2) / 4 : 0;
             }),
             "only the first pixel of each window is written: the loops over r "
             "and "
             "s are missing"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return corner(h, w, 1) ? dy(n, c, h / 2, w / 2) / 4 : 0;
             }),
             "only the last pixel of each window is written: the loops over r "
             "and "
             "s start at 0"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return corner(h, w, 0) || corner(h, w, 1)
                            ? dy(n, c, h / 2, w / 2) / 4
                            : 0;
             }),
             "r and s are always equal: use two loops, one for each"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return dy(n, c, h % P, w % Q) / 4;
             }),
             "dy is repeated as a whole: the window of pixel (h, w) is "
             "(h / 2, w / 2), not (h % P, w % Q)"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return h < P && w < Q ? dy(n, c, h, w) / 4 : 0;
             }),
             "the windows overlap or lie side by side in a corner: pixel h is "
             "2 p + r, not p + r"},
            {dx([&](auto n, auto, auto h, auto w) {
                 return dy(n, 0, h / 2, w / 2) / 4;
             }),
             "all channels get the gradient of channel 0"},
            {dx([&](auto, auto c, auto h, auto w) {
                 return dy(0, c, h / 2, w / 2) / 4;
             }),
             "all images get the gradient of image 0"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return n == 0 ? dy(n, c, h / 2, w / 2) / 4 : 0;
             }),
             "only the first image is written: the loop over n is missing"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return c == 0 ? dy(n, c, h / 2, w / 2) / 4 : 0;
             }),
             "only the first channel is written: the loop over c is missing"},
            {dx([&](auto n, auto c, auto h, auto w) {
                 return h / 2 < Q && w / 2 < P
                            ? dy(n, c, (w / 2) % P, (h / 2) % Q) / 4
                            : 0;
             }),
             "p and q are swapped in dy"},
        });
}

void mark_avg_pool2d(check::Exercise& exercise) {
    const Tensor<double> dy{{{{4.0, 8.0}, {-4.0, 12.0}}}};
    exercise.by_hand({{"dy", dy}});
    compare_avg_pool2d(exercise, zeros<double>({1, 1, 4, 4}), dy);
    NumpyRandom random(94);
    const Tensor<double> x = random.randn({2, 3, 4, 6});
    exercise.begin("for random numbers, 2 images and 3 channels");
    compare_avg_pool2d(exercise, x, random.randn({2, 3, 2, 3}));
}

// ---- 09.5 ----

// dw of the terms for which keep(n, p, q) holds; `pixel` gives the pixel of a
// term.
template <class Keep, class Pixel>
Tensor<double> sum_of_terms(const Tensor<double>& x, const Tensor<double>& dy,
                            const Keep& keep, const Pixel& pixel) {
    const std::size_t R = x.shape(2) - dy.shape(2) + 1;
    const std::size_t S = x.shape(3) - dy.shape(3) + 1;
    Tensor<double> dw = zeros<double>({dy.shape(1), x.shape(1), R, S});
    for_each_index(dy.shape(), [&](auto n, auto k, auto p, auto q) {
        if (!keep(n, p, q)) { return; }
        for (std::size_t c = 0; c < x.shape(1); ++c) {
            for (std::size_t r = 0; r < R; ++r) {
                for (std::size_t s = 0; s < S; ++s) {
                    dw(k, c, r, s) += dy(n, k, p, q) * pixel(n, c, p, q, r, s);
                }
            }
        }
    });
    return dw;
}

using I = std::size_t;

check::Mistakes mistakes_of_filters(const Tensor<double>& x,
                                    const Tensor<double>& dy) {
    const std::size_t N = dy.shape(0), P = dy.shape(2), Q = dy.shape(3);
    const std::size_t R = x.shape(2) - P + 1, S = x.shape(3) - Q + 1;
    const auto all = [](I, I, I) { return true; };
    const auto right = [&](I n, I c, I p, I q, I r, I s) {
        return x(n, c, p + r, q + s);
    };
    const Tensor<double> ones = full<double>(dy.shape(), 1.0);
    const Tensor<double> dw = sum_of_terms(x, dy, all, right);
    return {
        {sum_of_terms(x, dy, all,
                      [&](I n, I c, I p, I q, I r, I s) {
                          return x(n, c, p + R - 1 - r, q + S - 1 - s);
                      }),
         "the kernel is flipped: w_kcrs meets the pixel (p + r, q + s)"},
        {sum_of_terms(
             x, dy,
             [&](I n, I p, I q) {
                 return n == N - 1 && p == P - 1 && q == Q - 1;
             },
             right),
         "each term overwrites those before: it is written with = and not with "
         "+="},
        {sum_of_terms(
             x, dy, [&](I n, I, I) { return n == N - 1; }, right),
         "each image overwrites the sum of those before: += is missing"},
        {sum_of_terms(
             x, dy, [](I n, I, I) { return n == 0; }, right),
         "only the first image counts: the loop over n is missing"},
        {sum_of_terms(x, ones, all, right),
         "the upstream gradient dy is left out"},
        {sum_of_terms(x, dy, all,
                      [&](I n, I c, I p, I q, I, I) { return x(n, c, p, q); }),
         "the pixel does not depend on r and s: it is (p + r, q + s)"},
        {sum_of_terms(x, dy, all,
                      [&](I n, I c, I, I, I r, I s) { return x(n, c, r, s); }),
         "the pixel does not depend on p and q: it is (p + r, q + s)"},
        {sum_of_terms(x, dy, all,
                      [&](I n, I c, I p, I q, I r, I s) {
                          return p + s < x.shape(2) && q + r < x.shape(3)
                                     ? x(n, c, p + s, q + r)
                                     : 0;
                      }),
         "r and s are swapped: the pixel is (p + r, q + s)"},
        {sum_of_terms(x, dy, all,
                      [&](I n, I c, I p, I q, I r, I s) {
                          return q + r < x.shape(2) && p + s < x.shape(3)
                                     ? x(n, c, q + r, p + s)
                                     : 0;
                      }),
         "p and q are swapped: the pixel is (p + r, q + s)"},
        {sum_of_terms(
             x, dy, all,
             [&](I n, I, I p, I q, I r, I s) { return x(n, 0, p + r, q + s); }),
         "all filters see channel 0: the pixel's channel is c"},
        {sum_of_terms(
             x, dy, [&](I, I p, I q) { return p < P - 1 && q < Q - 1; }, right),
         "the last row and column of dy are left out: p goes to P - 1, q to Q "
         "- 1"},
        {Tensor<double>(dw / static_cast<double>(N)),
         "it is divided by N: the mean over the mini-batch is in dy already"},
        {Tensor<double>(dw / static_cast<double>(P * Q)),
         "it is divided by P Q: a convolution is a sum, not a mean"},
    };
}

check::Mistakes mistakes_of_biases(const Tensor<double>& dy) {
    const std::size_t N = dy.shape(0), C_out = dy.shape(1), P = dy.shape(2),
                      Q = dy.shape(3);
    Tensor<double> all = zeros<double>({C_out}), last = all, last_image = all,
                   first = all;
    for_each_index(dy.shape(), [&](auto n, auto k, auto p, auto q) {
        all(k) += dy(n, k, p, q);
        if (n == N - 1) { last_image(k) += dy(n, k, p, q); }
        if (n == 0) { first(k) += dy(n, k, p, q); }
        if (n == N - 1 && p == P - 1 && q == Q - 1) {
            last(k) = dy(n, k, p, q);
        }
    });
    const auto places = static_cast<double>(N * P * Q);
    return {
        {full<double>({C_out}, places),
         "the upstream gradient dy is left out: db_k is the sum of dy, not the "
         "number of places"},
        {last,
         "each term overwrites those before: it is written with = and not "
         "with +="},
        {last_image,
         "each image overwrites the sum of those before: += is missing"},
        {first, "only the first image counts: the loop over n is missing"},
        {Tensor<double>(all / static_cast<double>(N)),
         "it is divided by N: the mean over the mini-batch is in dy already"},
        {Tensor<double>(all / static_cast<double>(P * Q)),
         "it is divided by P Q: db is the sum over all places, not a mean"},
        {Tensor<double>(all / places),
         "the mean is taken over all places: take the sum"},
        {full<double>({C_out}, xt::sum(all)()),
         "all channels are added up: db_k is the "
         "sum of channel k"},
    };
}

void compare_conv2d_backward(check::Exercise& exercise, const Tensor<double>& x,
                             const Tensor<double>& w, const Tensor<double>& b,
                             const Tensor<double>& dy) {
    exercise.extents({{"N", x.shape(0)},
                      {"C_in", x.shape(1)},
                      {"C_out", w.shape(0)},
                      {"R", w.shape(2)},
                      {"S", w.shape(3)},
                      {"P", dy.shape(2)},
                      {"Q", dy.shape(3)}});
    const auto g = ::conv2d_backward(x, dy);
    const auto sum = [&](const auto& w_, const auto& b_) {
        const auto y = reference::conv2d_forward(check::cast_like(w_, x), w_,
                                                 b_, Conv2dOptions());
        return check::weighted_sum(y, dy);
    };
    exercise.gradient(
        "b", b, g.db,
        [&](const auto& b_) { return sum(check::cast_like(b_, w), b_); },
        mistakes_of_biases(dy));
    exercise.gradient(
        "w", w, g.dw,
        [&](const auto& w_) { return sum(w_, check::cast_like(w_, b)); },
        mistakes_of_filters(x, dy));
}

void mark_conv2d_backward(check::Exercise& exercise) {
    const Tensor<double> x{
        {{{1.0, 2.0, 0.0}, {0.0, 1.0, 3.0}, {2.0, 0.0, 2.0}}}};
    const Tensor<double> w{{{{1.0, 0.0}, {0.0, -1.0}}}}, b{0.0};
    const Tensor<double> dy{{{{1.0, 0.0}, {0.0, 2.0}}}};
    exercise.by_hand({{"x", x}, {"dy", dy}});
    compare_conv2d_backward(exercise, x, w, b, dy);
    NumpyRandom random(95);
    const Tensor<double> x2 = random.randn({2, 3, 6, 5}),
                         w2 = random.randn({4, 3, 3, 2}),
                         b2 = random.randn({4});
    exercise.begin("for random numbers, 2 images, 3 and 4 channels");
    compare_conv2d_backward(exercise, x2, w2, b2, random.randn({2, 4, 4, 4}));
}

// ---- 09.6 ----

// A convolution of any result size, with the pixel that a weight meets.
template <class Pixel>
Tensor<double> convolution(const Tensor<double>& x, const Tensor<double>& w,
                           const Tensor<double>& b, std::size_t P,
                           std::size_t Q, const Pixel& pixel) {
    Tensor<double> y = zeros<double>({x.shape(0), w.shape(0), P, Q});
    for_each_index(y.shape(), [&](auto n, auto k, auto p, auto q) {
        y(n, k, p, q) = b(k);
        for (std::size_t c = 0; c < w.shape(1); ++c) {
            for (std::size_t r = 0; r < w.shape(2); ++r) {
                for (std::size_t s = 0; s < w.shape(3); ++s) {
                    const std::pair<I, I> at = pixel(p, q, r, s);
                    if (at.first >= x.shape(2) || at.second >= x.shape(3)) {
                        continue;
                    }
                    y(n, k, p, q) +=
                        w(k, c, r, s) * x(n, c, at.first, at.second);
                }
            }
        }
    });
    return y;
}

void compare_stride(check::Exercise& exercise, const Tensor<double>& x,
                    const Tensor<double>& w, const Tensor<double>& b,
                    std::size_t stride) {
    const I H = x.shape(2), W = x.shape(3), R = w.shape(2), S = w.shape(3);
    const I P = (H - R) / stride + 1, Q = (W - S) / stride + 1;
    const auto pixel = [stride](I p, I q, I r, I s) {
        return std::pair<I, I>(stride * p + r, stride * q + s);
    };
    const auto near = [](I p, I q, I r, I s) {
        return std::pair<I, I>(p + r, q + s);
    };
    const auto sized = [&](I rows, I columns) {
        return convolution(x, w, b, rows, columns, pixel);
    };
    const auto read = [&](const auto& other) {
        return convolution(x, w, b, P, Q, other);
    };
    const Tensor<double> no_bias = zeros<double>(b.shape()),
                         right = sized(P, Q);
    Tensor<double> many_biases = right, last_term = right,
                   first_channel = right;
    for_each_index(right.shape(), [&](auto n, auto k, auto p, auto q) {
        many_biases(n, k, p, q) +=
            b(k) * static_cast<double>(w.shape(1) * R * S - 1);
        last_term(n, k, p, q) =
            w(k, w.shape(1) - 1, R - 1, S - 1) *
            x(n, w.shape(1) - 1, stride * p + R - 1, stride * q + S - 1);
        first_channel(n, k, p, q) = b(k);
        for (I r = 0; r < R; ++r) {
            for (I s = 0; s < S; ++s) {
                first_channel(n, k, p, q) +=
                    w(k, 0, r, s) * x(n, 0, stride * p + r, stride * q + s);
            }
        }
    });
    const std::string too_large =
        "the result has the size for stride 1: it is (H - R) / stride + 1";
    exercise.otherwise(
        "P is (H - R) / stride + 1, and Q is (W - S) / stride + 1, "
        "both rounded down");
    exercise.value(
        "y", ::conv2d_forward(x, w, b, stride), right,
        {
            {read(near), "the stride is forgotten in the pixel's index: it is "
                         "(stride p + r, stride q + s)"},
            {convolution(x, w, b, H - R + 1, W - S + 1, near),
             "the stride is forgotten"},
            {zeros<double>({x.shape(0), w.shape(0), H - R + 1, W - S + 1}),
             "nothing is written, and the size is that for stride 1: is this "
             "still "
             "the stub?"},
            {sized(H - R + 1, W - S + 1), too_large},
            {sized((H - R) / stride, (W - S) / stride),
             "the last window is left out: the size is (H - R) / stride + 1"},
            {sized(H / stride, W / stride),
             "the size is H / stride: the kernel's size R is forgotten"},
            {sized((H - R + stride - 1) / stride + 1,
                   (W - S + stride - 1) / stride + 1),
             "the size is rounded up: the last window does not fit into the "
             "image"},
            {read([&](I p, I q, I r, I s) {
                 return std::pair<I, I>(stride * p + r, q + s);
             }),
             "the stride is forgotten in the columns: stride q + s"},
            {read([&](I p, I q, I r, I s) {
                 return std::pair<I, I>(p + r, stride * q + s);
             }),
             "the stride is forgotten in the rows: stride p + r"},
            {read([&](I p, I q, I r, I s) {
                 return std::pair<I, I>(p + stride * r, q + stride * s);
             }),
             "the stride multiplies r and s: that is a dilation. It multiplies "
             "p "
             "and q"},
            {read([&](I p, I q, I r, I s) {
                 return std::pair<I, I>(stride * (p + r), stride * (q + s));
             }),
             "the stride multiplies p + r: it multiplies p alone"},
            {read([&](I p, I q, I r, I s) {
                 return pixel(p, q, R - 1 - r, S - 1 - s);
             }),
             "the kernel is flipped: w_kcrs meets the pixel (stride p + r, "
             "stride q + s)"},
            {read([&](I p, I q, I r, I s) { return pixel(p, q, s, r); }),
             "r and s are swapped"},
            {convolution(x, w, no_bias, P, Q, pixel), "the bias is not added"},
            {many_biases,
             "the bias is added for every weight: it is added once"},
            {last_term,
             "each term overwrites those before: it is written with = and "
             "not with +="},
            {first_channel,
             "only the first channel of x counts: the loop over c is "
             "missing"},
        });
}

void mark_stride(check::Exercise& exercise) {
    const Tensor<double> x{{{{1.0, 2.0, 0.0, 1.0, 3.0},
                             {0.0, 1.0, 3.0, 2.0, 0.0},
                             {2.0, 0.0, 1.0, 0.0, 1.0},
                             {1.0, 3.0, 0.0, 2.0, 2.0}}}};
    const Tensor<double> w{{{{1.0, 0.0}, {2.0, -1.0}}}}, b{10.0};
    exercise.by_hand({{"x", x}, {"w", w}, {"b", b}, {"stride", 2.0}});
    compare_stride(exercise, x, w, b, 2);
    NumpyRandom random(96);
    const Tensor<double> x2 = random.randn({2, 3, 8, 9}),
                         w2 = random.randn({4, 3, 3, 2}),
                         b2 = random.randn({4});
    for (const std::size_t stride : {1, 2, 3}) {
        exercise.begin("for stride " + std::to_string(stride) +
                       ", 3 and 4 channels");
        compare_stride(exercise, x2, w2, b2, stride);
    }
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("09.4", "avg_pool2d_backward", "avg_pool2d.hpp",
                  mark_avg_pool2d);
    exercises.add("09.5", "conv2d_backward", "conv2d_backward.hpp",
                  mark_conv2d_backward);
    exercises.add("09.6", "conv2d_forward", "conv2d_stride.hpp", mark_stride);
    return exercises.main(argc, argv);
}
