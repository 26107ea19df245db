// Marks the coding exercises of chapter 13. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <string>
#include <vector>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <adamw.hpp>
#include <residual.hpp>
#include <shift.hpp>

using namespace handgrad;

namespace {

// ---- 13.4 ----

// y of the block for any scalar, and what backward needs.
template <class T> Tensor<T>
block_forward(const Tensor<T>& x, const Tensor<T>& w1, const Tensor<T>& w2) {
    const Tensor<T> none = zeros<T>({w1.shape(1)});
    const Tensor<T> no_bias = zeros<T>({w2.shape(1)});
    const Tensor<T> o1 =
        reference::relu_forward(reference::linear_forward(x, w1, none));
    Tensor<T> z2 = reference::linear_forward(o1, w2, no_bias);
    for (std::size_t i = 0; i < z2.size(); ++i) { z2.data()[i] += x.data()[i]; }
    return reference::relu_forward(z2);
}

Block state_of(const Tensor<double>& x, const Tensor<double>& w1,
               const Tensor<double>& w2) {
    Block s{x, w1, w2, {}, {}, {}};
    s.z1 = reference::linear_forward(x, w1, zeros<double>({w1.shape(1)}));
    s.o1 = reference::relu_forward(s.z1);
    s.z2 = reference::linear_forward(s.o1, w2, zeros<double>({w2.shape(1)}));
    s.z2 += x;
    return s;
}

// The block's gradients, right or with a mistake.
struct Variant {
    bool last_mask = true, inner_mask = true, shortcut = true, body = true;
    bool shortcut_masked = true;
    double shortcut_factor = 1;
};

BlockGradients gradients(const Block& s, const Tensor<double>& dy,
                         const Variant& v) {
    const Tensor<double> dz2 =
        v.last_mask ? reference::relu_backward(s.z2, dy) : dy;
    const auto second = reference::linear_backward(s.o1, s.w2, dz2);
    const Tensor<double> dz1 =
        v.inner_mask ? reference::relu_backward(s.z1, second.dx) : second.dx;
    const auto first = reference::linear_backward(s.x, s.w1, dz1);
    BlockGradients g{zeros<double>(s.x.shape()), first.dw, second.dw};
    if (v.body) { g.dx += first.dx; }
    if (v.shortcut) {
        g.dx += v.shortcut_factor * (v.shortcut_masked ? dz2 : dy);
    }
    return g;
}

void compare_residual(check::Exercise& exercise, const Tensor<double>& x,
                      const Tensor<double>& w1, const Tensor<double>& w2,
                      const Tensor<double>& dy) {
    const Block s = state_of(x, w1, w2);
    const BlockGradients got = residual_backward(s, dy);
    const auto with = [&](const std::function<void(Variant&)>& change) {
        Variant v;
        change(v);
        return gradients(s, dy, v);
    };
    const BlockGradients right = gradients(s, dy, {});
    const BlockGradients no_last = with([](auto& v) { v.last_mask = false; });
    const BlockGradients no_inner = with([](auto& v) { v.inner_mask = false; });
    const std::string last =
        "the last ReLU is left out: both ways begin with dz2, which is dy "
        "where z2 > 0";
    const std::string inner =
        "the inner ReLU is left out: do1 must be masked where z1 <= 0";
    exercise.gradient(
        "w2", w2, got.dw2,
        [&](const auto& w2_) {
            using T = typename std::decay_t<decltype(w2_)>::value_type;
            return check::weighted_sum(
                block_forward<T>(Tensor<T>(x), Tensor<T>(w1), w2_), dy);
        },
        {{no_last.dw2, last},
         {Tensor<double>(zeros<double>(w2.shape())),
          "it is all zeros: is this still the stub?"}});
    exercise.gradient(
        "w1", w1, got.dw1,
        [&](const auto& w1_) {
            using T = typename std::decay_t<decltype(w1_)>::value_type;
            return check::weighted_sum(
                block_forward<T>(Tensor<T>(x), w1_, Tensor<T>(w2)), dy);
        },
        {{no_last.dw1, last}, {no_inner.dw1, inner}});
    const auto& back = right.dx;
    Tensor<double> product = reference::relu_backward(s.z2, dy);
    product *= with([](auto& v) { v.shortcut = false; }).dx;
    exercise.gradient(
        "x", x, got.dx,
        [&](const auto& x_) {
            using T = typename std::decay_t<decltype(x_)>::value_type;
            return check::weighted_sum(
                block_forward<T>(x_, Tensor<T>(w1), Tensor<T>(w2)), dy);
        },
        {
            {with([](auto& v) { v.shortcut = false; }).dx,
             "the gradient of the shortcut is lost: x is used twice, and dz2 "
             "is added to what comes back through w1"},
            {with([](auto& v) { v.body = false; }).dx,
             "only the shortcut comes back: the gradient through w1 is "
             "missing"},
            {with([](auto& v) { v.shortcut_masked = false; }).dx,
             "the shortcut gets dy: it gets dz2, which has come back through "
             "the last ReLU"},
            {with([](auto& v) { v.shortcut_factor = 2; }).dx,
             "the shortcut is added twice"},
            {with([](auto& v) { v.shortcut_factor = -1; }).dx,
             "the shortcut is subtracted"},
            {product, "the two ways are multiplied: they are added"},
            {Tensor<double>(0.5 * back),
             "the mean of the two ways is taken: they are added"},
            {no_last.dx, last},
            {no_inner.dx, inner},
        });
}

void mark_residual(check::Exercise& exercise) {
    const Tensor<double> x{{1.0, 2.0}, {-1.0, 3.0}};
    const Tensor<double> w1{{1.0, -2.0, 1.0}, {1.0, -1.0, -1.0}};
    const Tensor<double> w2{{1.0, -3.0}, {2.0, 1.0}, {-1.0, 1.0}};
    const Tensor<double> dy{{1.0, 4.0}, {2.0, 5.0}};
    const Block s = state_of(x, w1, w2);
    exercise.by_hand({{"x", x},
                      {"w1", w1},
                      {"w2", w2},
                      {"z1", s.z1},
                      {"z2", s.z2},
                      {"dy", dy}});
    compare_residual(exercise, x, w1, w2, dy);
    NumpyRandom random(134);
    const Tensor<double> x2 = random.randn({5, 4}), v1 = random.randn({4, 6}),
                         v2 = random.randn({6, 4}), d2 = random.randn({5, 4});
    exercise.begin("for random numbers");
    exercise.extents({{"N", 5}, {"D", 4}, {"M", 6}});
    compare_residual(exercise, x2, v1, v2, d2);
}

// ---- 13.5 ----

struct State {
    double w, mean, square;
};

// One step of one number: the new state, from the gradient and t = 1, 2, ...
using Rule = std::function<State(State, double dw, int t)>;

struct WrongRule {
    std::string cause;
    Rule rule;
};

// Where a rule departs from AdamW.
struct Departure {
    double inside = 0;  // of lambda w, added to the gradient
    double outside = 1; // of lr lambda w, subtracted beside the step
    bool after = false; // the decay takes the value after the step
    bool correct1 = true, correct2 = true;
    double sign = -1; // of the step
};

Rule rule(double lr, double lambda, const Departure& d) {
    return [=](State s, double dw, int t) {
        const double g = dw + d.inside * lambda * s.w;
        s.mean = 0.9 * s.mean + 0.1 * g;
        s.square = 0.999 * s.square + 0.001 * g * g;
        const double mean =
            d.correct1 ? s.mean / (1 - std::pow(0.9, t)) : s.mean;
        const double square =
            d.correct2 ? s.square / (1 - std::pow(0.999, t)) : s.square;
        const double step = lr * mean / (std::sqrt(square) + 1e-8);
        const double shrink = d.outside * lr * lambda;
        if (d.after) {
            s.w = (s.w + d.sign * step) * (1 - shrink);
        } else {
            s.w = s.w * (1 - shrink) + d.sign * step;
        }
        return s;
    };
}

std::vector<WrongRule> wrong_rules(double lr, double lambda, Kind kind) {
    const double decays = kind == Kind::weight ? 1 : 0;
    const auto with = [&](const std::function<void(Departure&)>& change) {
        Departure d;
        d.outside = decays;
        change(d);
        return rule(lr, lambda, d);
    };
    std::vector<WrongRule> wrong = {
        {"both bias corrections are missing: the means start at 0",
         with([](auto& d) { d.correct1 = d.correct2 = false; })},
        {"the correction of the mean by 1 - beta1^t is missing",
         with([](auto& d) { d.correct1 = false; })},
        {"the correction of the square by 1 - beta2^t is missing",
         with([](auto& d) { d.correct2 = false; })},
        {"the step is added: w goes uphill", with([](auto& d) { d.sign = 1; })},
    };
    if (kind == Kind::bias) {
        wrong.push_back({"the bias decays: the decay is for weights alone",
                         with([](auto& d) { d.outside = 1; })});
        wrong.push_back({"the bias gets an L2 penalty: the decay is for "
                         "weights alone",
                         with([](auto& d) { d.inside = 1; })});
        return wrong;
    }
    wrong.push_back(
        {"the weight does not decay", with([](auto& d) { d.outside = 0; })});
    wrong.push_back({"the decay is inside the gradient, as Adam's L2 penalty: "
                     "it must stay out of both means",
                     with([](auto& d) {
                         d.inside = 1;
                         d.outside = 0;
                     })});
    wrong.push_back({"the decay is in the gradient and beside the step: only "
                     "beside the step",
                     with([](auto& d) { d.inside = 1; })});
    wrong.push_back({"the decay is lambda w: it is lr lambda w",
                     with([&](auto& d) { d.outside = 1 / lr; })});
    wrong.push_back({"the decay makes the weight grow",
                     with([](auto& d) { d.outside = -1; })});
    wrong.push_back({"the decay takes the value after the step: it takes the "
                     "one before",
                     with([](auto& d) { d.after = true; })});
    return wrong;
}

void compare_adamw(check::Exercise& exercise, const Tensor<double>& start,
                   const std::vector<Tensor<double>>& gradients, double lr,
                   double lambda, Kind kind) {
    Departure none;
    none.outside = kind == Kind::weight ? 1 : 0;
    const Rule right = rule(lr, lambda, none);
    const auto follow = [&](const Rule& step, std::size_t t,
                            double State::*member) {
        Tensor<double> result = start;
        for (std::size_t i = 0; i < start.size(); ++i) {
            State s{start(i), 0, 0};
            for (std::size_t k = 0; k < t; ++k) {
                s = step(s, gradients[k](i), static_cast<int>(k) + 1);
            }
            result(i) = s.*member;
        }
        return result;
    };
    const std::vector<WrongRule> wrong = wrong_rules(lr, lambda, kind);
    Tensor<double> w = start, mean = zeros<double>(start.shape()),
                   square = mean;
    for (std::size_t t = 1; t <= gradients.size(); ++t) {
        adamw_step(w, mean, square, gradients[t - 1], lr, lambda, kind,
                   static_cast<int>(t));
        const auto compare = [&](const char* name, const Tensor<double>& got,
                                 double State::*member) {
            check::Mistakes mistakes;
            for (const WrongRule& mistake : wrong) {
                mistakes.push_back(
                    {follow(mistake.rule, t, member), mistake.cause});
            }
            mistakes.push_back(
                {member == &State::w ? start : zeros<double>(start.shape()),
                 "nothing is changed: is this still the stub?"});
            exercise.value(std::string(name) + " after step " +
                               std::to_string(t),
                           got, follow(right, t, member), mistakes);
        };
        compare("mean", mean, &State::mean);
        compare("square", square, &State::square);
        compare("w", w, &State::w);
    }
}

void mark_adamw(check::Exercise& exercise) {
    const Tensor<double> start{10.0, -4.0, 2.0};
    const std::vector<Tensor<double>> two = {{2.0, -3.0, 1000.0},
                                             {2.0, 3.0, 0.0}};
    for (const Kind kind : {Kind::weight, Kind::bias}) {
        const std::vector<check::Input> inputs = {
            {"w at the start", start},
            {"mean and square", "0 at the start"},
            {"dw of step 1", two[0]},
            {"dw of step 2", two[1]},
            {"lr", 0.5},
            {"lambda", 0.1},
            {"kind", kind == Kind::weight ? "weight" : "bias"}};
        if (kind == Kind::weight) {
            exercise.by_hand(inputs);
        } else {
            exercise.begin("for a bias", inputs);
        }
        compare_adamw(exercise, start, two, 0.5, 0.1, kind);
    }

    // The numbers of torch.optim.AdamW, PyTorch 2.13, in double precision.
    exercise.begin("of PyTorch");
    const std::vector<Tensor<double>> longer = {
        {0.5, -1.0, 2.0}, {0.25, 1.0, -2.0}, {-1.0, 0.5, 0.125}};
    const std::vector<Tensor<double>> pytorch = {
        {0.9850000002, -1.9800000001, 0.48750000005},
        {0.9707532040467461, -1.9706263158837105, 0.4855888158365921},
        {0.9679630082673074, -1.9632875273282568, 0.48328506368427476}};
    Tensor<double> w{1.0, -2.0, 0.5}, mean = zeros<double>(w.shape()),
                                      square = mean;
    for (std::size_t t = 0; t < pytorch.size(); ++t) {
        adamw_step(w, mean, square, longer[t], 0.01, 0.5, Kind::weight,
                   static_cast<int>(t) + 1);
        exercise.value("w after step " + std::to_string(t + 1), w, pytorch[t]);
    }
}

// ---- 13.6 ----

// y(h, w) = x at the place that `from` names, or 0 if it returns false.
using From = std::function<bool(int& h, int& w)>;

Tensor<double> moved(const Tensor<double>& x, const From& from) {
    Tensor<double> y = zeros<double>(x.shape());
    const int height = static_cast<int>(x.shape(0)),
              width = static_cast<int>(x.shape(1));
    for (int h = 0; h < height; ++h) {
        for (int w = 0; w < width; ++w) {
            int from_h = h, from_w = w;
            if (!from(from_h, from_w)) { continue; }
            if (from_h < 0 || from_w < 0 || from_h >= height ||
                from_w >= width) {
                continue;
            }
            y(h, w) = x(from_h, from_w);
        }
    }
    return y;
}

void compare_shift(check::Exercise& exercise, const Tensor<double>& x, int rows,
                   int columns) {
    const int height = static_cast<int>(x.shape(0)),
              width = static_cast<int>(x.shape(1));
    const auto by = [&](int r, int c) {
        return moved(x, [=](int& h, int& w) {
            h -= r;
            w -= c;
            return true;
        });
    };
    const auto wrapped = [](int place, int size) {
        return ((place % size) + size) % size;
    };
    exercise.value(
        "y", shift(x, rows, columns), by(rows, columns),
        {
            {zeros<double>(x.shape()),
             "it is all zeros: is this still the stub?"},
            {x, "x is returned as it is"},
            {by(-rows, -columns),
             "the image moves the wrong way: y at h, w is x at h - rows, "
             "w - columns"},
            {by(-rows, columns), "the rows move the wrong way"},
            {by(rows, -columns), "the columns move the wrong way"},
            {by(columns, rows), "rows and columns are exchanged"},
            {by(rows, 0), "only the rows move"},
            {by(0, columns), "only the columns move"},
            {moved(x,
                   [=](int& h, int& w) {
                       h = wrapped(h - rows, height);
                       w = wrapped(w - columns, width);
                       return true;
                   }),
             "what leaves the image comes in on the other side: zeros come in"},
            {moved(x,
                   [=](int& h, int& w) {
                       h = std::clamp(h - rows, 0, height - 1);
                       w = std::clamp(w - columns, 0, width - 1);
                       return true;
                   }),
             "the edge is repeated: zeros come in"},
            {moved(x,
                   [=](int& h, int& w) {
                       const bool stays = h - rows < 0 || h - rows >= height ||
                                          w - columns < 0 ||
                                          w - columns >= width;
                       if (!stays) {
                           h -= rows;
                           w -= columns;
                       }
                       return true;
                   }),
             "the old pixels stay where nothing moves in: zeros come in"},
        });
}

void mark_shift(check::Exercise& exercise) {
    const Tensor<double> x{
        {1.0, 2.0, 3.0, 4.0}, {5.0, 6.0, 7.0, 8.0}, {9.0, 10.0, 11.0, 12.0}};
    exercise.by_hand({{"x", x}, {"rows", 1.0}, {"columns", -2.0}});
    compare_shift(exercise, x, 1, -2);
    NumpyRandom random(136);
    const Tensor<double> image = random.randn({5, 7});
    for (const auto& [rows, columns] :
         std::vector<std::pair<int, int>>{{0, 0}, {2, 1}, {-4, 3}, {0, -6}}) {
        exercise.begin("for rows = " + std::to_string(rows) +
                           " and columns = " + std::to_string(columns),
                       {{"x", image}});
        compare_shift(exercise, image, rows, columns);
    }
    for (const auto& [rows, columns] :
         std::vector<std::pair<int, int>>{{5, 0}, {-1, 9}}) {
        exercise.begin("with a shift larger than the image, rows = " +
                       std::to_string(rows) +
                       " and columns = " + std::to_string(columns));
        const Tensor<double> y = shift(image, rows, columns);
        const bool is_black =
            std::all_of(y.begin(), y.end(), [](double v) { return v == 0; });
        exercise.require("nothing is left of the image", is_black,
                         "a shift larger than the image leaves pixels that "
                         "are not 0");
    }
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("13.4", "residual_backward", "residual.hpp", mark_residual);
    exercises.add("13.5", "adamw_step", "adamw.hpp", mark_adamw);
    exercises.add("13.6", "shift", "shift.hpp", mark_shift);
    return exercises.main(argc, argv);
}
