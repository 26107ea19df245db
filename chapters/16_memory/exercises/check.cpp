// Marks the coding exercises of chapter 16. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <cell_gradients.hpp>
#include <clip_by_norm.hpp>
#include <state_gradients.hpp>

using namespace handgrad;

namespace {

// formula(row, column) for every entry of a matrix of this shape.
template <class F>
Tensor<double> entries(const Shape& shape, const F& formula) {
    auto result = zeros<double>(shape);
    for (std::size_t i = 0; i < shape[0]; ++i) {
        for (std::size_t j = 0; j < shape[1]; ++j) {
            result(i, j) = formula(i, j);
        }
    }
    return result;
}

const char* const still_the_stub = "it is all zeros: is this still the stub?";

// ---- 16.4 ----

enum class Slope { of_later, of_earlier, none, not_squared };

struct States {
    Tensor<double> h, w, dy;
    std::size_t T = h.shape(0), M = h.shape(1);

    // From step t to step t - 1, in all ways that somebody may take.
    Tensor<double> back(Slope which, bool transposed = false,
                        bool later_upstream_only = false,
                        bool own_part = true) const {
        Tensor<double> dh = dy;
        for (std::size_t t = T - 1; t > 0; --t) {
            for (std::size_t j = 0; j < M; ++j) {
                double sum = own_part ? dy(t - 1, j) : 0;
                for (std::size_t k = 0; k < M; ++k) {
                    const double from =
                        later_upstream_only ? dy(t, k) : dh(t, k);
                    sum += from * slope(which, t, j, k) *
                           (transposed ? w(k, j) : w(j, k));
                }
                dh(t - 1, j) = sum;
            }
        }
        return dh;
    }
    double slope(Slope which, std::size_t t, std::size_t j,
                 std::size_t k) const {
        if (which == Slope::none) { return 1; }
        if (which == Slope::not_squared) { return 1 - h(t, k); }
        const double value = which == Slope::of_later ? h(t, k) : h(t - 1, j);
        return 1 - value * value;
    }
    // The first state has no later one instead of the last.
    Tensor<double> forwards() const {
        Tensor<double> dh = dy;
        for (std::size_t t = 1; t < T; ++t) {
            for (std::size_t j = 0; j < M; ++j) {
                for (std::size_t k = 0; k < M; ++k) {
                    dh(t, j) += dh(t - 1, k) * (1 - h(t - 1, k) * h(t - 1, k)) *
                                w(j, k);
                }
            }
        }
        return dh;
    }

    check::Mistakes mistakes() const {
        Tensor<double> dz = back(Slope::of_later);
        dz *= 1 - h * h;
        return {
            {zeros<double>(h.shape()), still_the_stub},
            {dy, "the part of the later step is missing: a state is used by "
                 "its own output and by the next step"},
            {back(Slope::of_later, true),
             "the matrix is not transposed: backward takes the sum over the "
             "results k of w(j, k)"},
            {back(Slope::of_earlier),
             "the slope of tanh is that of the earlier state: it belongs to "
             "the step that comes back, 1 - h(t, k)^2"},
            {back(Slope::none), "the slope of tanh is missing: 1 - h^2"},
            {back(Slope::not_squared),
             "the slope of tanh is 1 - h: it is 1 - h^2"},
            {back(Slope::of_later, false, true),
             "only the upstream gradient of the later step comes back: its "
             "whole gradient has to"},
            {back(Slope::of_later, false, false, false),
             "the upstream gradient of the own step is lost: the later part is "
             "added to it"},
            {forwards(), "the loop goes from the first step to the last: a "
                         "gradient goes the other way"},
            {dz, "the slope of tanh is also in the result: that is the "
                 "gradient before tanh, dz"},
        };
    }
};

void mark_state_gradients(check::Exercise& exercise) {
    const States small{{{0.5, 0.0}, {0.0, 0.5}, {-0.5, 0.0}},
                       {{2.0, 1.0}, {0.0, 4.0}},
                       {{1.0, 2.0}, {3.0, 1.0}, {4.0, 8.0}}};
    exercise.by_hand({{"h", small.h}, {"w", small.w}, {"dy", small.dy}});
    exercise.value("dh", state_gradients(small.h, small.w, small.dy),
                   {{59.75, 101.0}, {17.0, 33.0}, {4.0, 8.0}},
                   small.mistakes());

    // The complex step changes each state after its tanh.
    NumpyRandom random(164);
    const Tensor<double> x = random.randn({5, 3}), w = random.randn({3, 3}),
                         dy = random.randn({5, 3});
    const auto run = [&](const auto& change) {
        auto h = change;
        for (std::size_t t = 0; t < 5; ++t) {
            for (std::size_t k = 0; k < 3; ++k) {
                auto z = change(t, k);
                z = x(t, k);
                for (std::size_t j = 0; j < 3 && t > 0; ++j) {
                    z += h(t - 1, j) * w(j, k);
                }
                h(t, k) = change(t, k) + std::tanh(z);
            }
        }
        return h;
    };
    const auto none = zeros<double>({5, 3});
    const States large{run(none), w, dy};
    exercise.begin("for random numbers");
    exercise.extents({{"T", 5}, {"M", 3}});
    exercise.gradient(
        "h", none, state_gradients(large.h, w, dy),
        [&](const auto& c) { return check::weighted_sum(run(c), dy); },
        large.mistakes());
}

// ---- 16.5 ----

using Gradients = std::vector<Tensor<double>>;

// All entries of all tensors, one after another.
Tensor<double> joined(const Gradients& gradients) {
    std::vector<double> all;
    for (const auto& g : gradients) {
        all.insert(all.end(), g.begin(), g.end());
    }
    Tensor<double> result(Shape{all.size()});
    std::copy(all.begin(), all.end(), result.begin());
    return result;
}

Tensor<double> clipped(Gradients gradients, double limit) {
    clip_by_norm(gradients, limit);
    return joined(gradients);
}

double squares_of(const Tensor<double>& g) {
    double sum = 0;
    for (const double entry : g) { sum += entry * entry; }
    return sum;
}

check::Mistakes clip_mistakes(const Gradients& gradients, double limit) {
    const Tensor<double> all = joined(gradients);
    const double squares = squares_of(all), norm = std::sqrt(squares);
    double sum = 0, largest = 0;
    Tensor<double> cut = all, one_by_one = all;
    for (double& entry : cut) {
        sum += std::abs(entry);
        largest = std::max(largest, std::abs(entry));
        entry = std::clamp(entry, -limit, limit);
    }
    double sum_of_norms = 0;
    std::size_t first = 0;
    for (const auto& g : gradients) {
        const double own = std::sqrt(squares_of(g));
        sum_of_norms += own;
        for (std::size_t i = 0; i < g.size(); ++i) {
            one_by_one(first + i) *= std::min(1.0, limit / own);
        }
        first += g.size();
    }
    const auto times = [&](double factor) {
        return Tensor<double>(all * factor);
    };
    const auto at_most_one = [&](double length) {
        return times(std::min(1.0, limit / length));
    };
    return {
        {zeros<double>(all.shape()), still_the_stub},
        {times(limit / norm),
         "a short gradient is made longer: below the limit nothing changes"},
        {all, "nothing has changed, although the norm is above the limit"},
        {one_by_one, "each tensor is clipped by its own norm: the direction of "
                     "the step changes, take the common norm"},
        {cut, "each entry is cut off at the limit: the direction changes, "
              "multiply all by one number"},
        {at_most_one(squares),
         "the root is missing: the norm is the root of the sum of squares"},
        {at_most_one(sum), "the norm is the sum of absolute values: it is the "
                           "root of the sum of squares"},
        {at_most_one(largest),
         "the norm is the largest entry: it is the root of the sum of "
         "squares"},
        {at_most_one(sum_of_norms),
         "the norms of the tensors are added: add their squares, then take the "
         "root"},
        {times(1 / norm), "the gradient becomes 1 long: it is to become as "
                          "long as the limit"},
    };
}

void mark_clip(check::Exercise& exercise) {
    const Gradients small = {Tensor<double>{6.0, -2.0}, Tensor<double>{3.0}};
    exercise.by_hand(
        {{"gradient 0", small[0]}, {"gradient 1", small[1]}, {"limit", 3.5}});
    exercise.value("gradient", clipped(small, 3.5), {3.0, -1.0, 1.5},
                   clip_mistakes(small, 3.5));

    NumpyRandom random(165);
    const Gradients large = {random.randn({3, 4}), random.randn({4}),
                             random.randn({4, 2})};
    const Tensor<double> all = joined(large);
    const double norm = std::sqrt(squares_of(all));
    exercise.begin("for random numbers");
    exercise.value("gradient", clipped(large, norm / 4),
                   Tensor<double>(all / 4), clip_mistakes(large, norm / 4));
    exercise.begin("with a norm below the limit");
    exercise.value("gradient", clipped(large, 2 * norm), all,
                   clip_mistakes(large, 2 * norm));
    exercise.begin("with a gradient of 0");
    exercise.otherwise("0 has been divided by 0: a norm of 0 is below every "
                       "limit");
    const Tensor<double> one = full<double>({3}, 1.0);
    exercise.value("1 + gradient",
                   Tensor<double>(clipped({zeros<double>({3})}, 1) + one), one);
}

// ---- 16.6 ----

struct Cells {
    Tensor<double> f, o, c, dh;
    std::size_t T = c.shape(0), M = c.shape(1);

    // What the state gives the cell.
    Tensor<double> own() const {
        return entries(c.shape(), [&](auto t, auto j) {
            const double y = std::tanh(c(t, j));
            return dh(t, j) * o(t, j) * (1 - y * y);
        });
    }
    // The way back, with this own part, and the factor of the way from step
    // t to step t - 1.
    template <class Factor>
    Tensor<double> back(Tensor<double> dc, const Factor& factor) const {
        for (std::size_t t = T - 1; t > 0; --t) {
            for (std::size_t j = 0; j < M; ++j) {
                dc(t - 1, j) += dc(t, j) * factor(t, j);
            }
        }
        return dc;
    }

    check::Mistakes mistakes() const {
        const auto gate = [&](auto t, auto j) { return f(t, j); };
        const auto with = [&](const auto& part) {
            return back(entries(c.shape(), part), gate);
        };
        Tensor<double> only_later = own();
        for (std::size_t t = T - 1; t > 0; --t) {
            for (std::size_t j = 0; j < M; ++j) {
                only_later(t - 1, j) = only_later(t, j) * f(t, j);
            }
        }
        const Tensor<double> part = own();
        const auto one_step = entries(c.shape(), [&](auto t, auto j) {
            return part(t, j) + (t + 1 < T ? part(t + 1, j) * f(t + 1, j) : 0);
        });
        return {
            {zeros<double>(c.shape()), still_the_stub},
            {own(), "the part of the later cell is missing: dc(t + 1) f(t + "
                    "1)"},
            {back(own(), [&](auto t, auto j) { return f(t - 1, j); }),
             "the forget gate is that of the own step: the cell of step t is "
             "multiplied by the gate of step t + 1"},
            {back(own(), [](auto, auto) { return 1.0; }),
             "the forget gate is missing on the way back"},
            {back(own(),
                  [&](auto t, auto j) { return f(t, j) * (1 - f(t, j)); }),
             "the way back has the derivative of sigmoid: the cell is "
             "multiplied by the gate itself"},
            {with([&](auto t, auto j) { return dh(t, j) * o(t, j); }),
             "the derivative of tanh is missing: 1 - tanh(c)^2"},
            {with([&](auto t, auto j) {
                 return dh(t, j) * o(t, j) * std::tanh(c(t, j));
             }),
             "tanh stands where its derivative belongs: 1 - tanh(c)^2"},
            {with([&](auto t, auto j) {
                 return dh(t, j) * o(t, j) * (1 - c(t, j) * c(t, j));
             }),
             "the derivative of tanh is taken as 1 - c^2: it is 1 - "
             "tanh(c)^2"},
            {with([&](auto t, auto j) {
                 const double y = std::tanh(c(t, j));
                 return dh(t, j) * (1 - y * y);
             }),
             "the output gate is missing: h = o tanh(c)"},
            {only_later, "the part of the own state is lost: the later part is "
                         "added to it"},
            {one_step, "only the next step comes back: dc(t + 1) is the whole "
                       "gradient of the later cell"},
        };
    }
};

void mark_cell_gradients(check::Exercise& exercise) {
    const double l = std::log(3.0) / 2; // tanh is 1/2 there
    const Cells small{{{0.5, 0.25}, {0.5, 0.5}, {0.25, 1.0}},
                      {{1.0, 0.5}, {0.5, 1.0}, {0.5, 0.25}},
                      {{0.0, l}, {l, 0.0}, {0.0, l}},
                      {{4.0, 8.0}, {8.0, 4.0}, {16.0, 64.0}}};
    exercise.by_hand({{"f", small.f},
                      {"o", small.o},
                      {"c (tanh of 0.5493 is 0.5)", small.c},
                      {"dh", small.dh}});
    exercise.value("dc", cell_gradients(small.f, small.o, small.c, small.dh),
                   {{6.5, 11.0}, {5.0, 16.0}, {8.0, 12.0}}, small.mistakes());

    // What is added to a cell has the cell's gradient.
    NumpyRandom random(166);
    const auto gates = [&] {
        const Tensor<double> z = random.randn({6, 3});
        return entries(z.shape(), [&](auto t, auto j) {
            return 1 / (1 + std::exp(-z(t, j)));
        });
    };
    const Tensor<double> f = gates(), o = gates(),
                         new_part = random.randn({6, 3}),
                         dh = random.randn({6, 3});
    const auto cells = [&](const auto& added) {
        auto c = added;
        for (std::size_t t = 1; t < 6; ++t) {
            for (std::size_t j = 0; j < 3; ++j) {
                c(t, j) += f(t, j) * c(t - 1, j);
            }
        }
        return c;
    };
    const Cells large{f, o, cells(new_part), dh};
    exercise.begin("for random numbers");
    exercise.extents({{"T", 6}, {"M", 3}});
    exercise.gradient(
        "c", new_part, cell_gradients(f, o, large.c, dh),
        [&](const auto& added) {
            auto h = cells(added);
            for (std::size_t t = 0; t < 6; ++t) {
                for (std::size_t j = 0; j < 3; ++j) {
                    h(t, j) = o(t, j) * std::tanh(h(t, j));
                }
            }
            return check::weighted_sum(h, dh);
        },
        large.mistakes());
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("16.4", "state_gradients", "state_gradients.hpp",
                  mark_state_gradients);
    exercises.add("16.5", "clip_by_norm", "clip_by_norm.hpp", mark_clip);
    exercises.add("16.6", "cell_gradients", "cell_gradients.hpp",
                  mark_cell_gradients);
    return exercises.main(argc, argv);
}
