// linear: its entry in the table of operations (support/operation.hpp); on all backends, against products of the test's own and against sums done by hand.

#include <array>

#include "catch.hpp"
#include "ops/images.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

const Chain linear_chain{
    Operation::forward("linear_forward", "x w b -> y",
                       [](auto on, auto& a) { on.linear_forward(a["x"], a["w"], a["b"], a["y"]); }),
    {{"linear_backward_input", "dy w -> dx",
      [](auto on, auto& a) { on.linear_backward_input(a["dy"], a["w"], a["dx"]); }},
     {"linear_backward_weight", "x dy -> dw+",
      [](auto on, auto& a) { on.linear_backward_weight(a["x"], a["dy"], a["dw"], a.mode); }},
     {"linear_backward_bias", "dy -> db+",
      [](auto on, auto& a) { on.linear_backward_bias(a["dy"], a["db"], a.mode); }}}};

template <class Fill> Values linear_arguments(std::size_t n, std::size_t in, std::size_t out, const Fill& fill) {
    return {{"x", fill({n, in}, 1)}, {"w", fill({in, out}, 2)}, {"b", fill({out}, 3)}};
}

std::vector<Example> linear_examples(std::initializer_list<std::array<std::size_t, 3>> sizes) {
    std::vector<Example> all;
    for (const auto& [n, in, out] : sizes) {
        all.push_back({"N " + std::to_string(n) + ", D_in " + std::to_string(in) + ", D_out " + std::to_string(out),
                       linear_chain, linear_arguments(n, in, out, normal_numbers<double>)});
    }
    return all;
}

std::vector<Refusal> linear_refusals() {
    const auto forward = [](const Shape& x, const Shape& w, const Shape& b, const std::string& message) {
        return Refusal{
            linear_chain.forward, {{"x", zeros<double>(x)}, {"w", zeros<double>(w)}, {"b", zeros<double>(b)}}, message};
    };
    const auto backward = [](const std::string& gradient, const Shape& first, const Shape& second,
                             const std::string& message, const std::optional<Shape>& dw = {}) {
        Refusal refusal{linear_chain["linear_backward_" + gradient], {}, message};
        const auto& operands = refusal.operation.operands();
        refusal.values[operands[0].name] = zeros<double>(first);
        if (gradient != "bias") { refusal.values[operands[1].name] = zeros<double>(second); }
        if (dw) { refusal.values[operands.back().name] = zeros<double>(*dw); }
        return refusal;
    };
    return {forward({}, {3, 4}, {4}, "x has shape (), expected (..., D_in)"),
            forward({2, 3, 1}, {3, 4}, {4}, "w has shape (3, 4), expected (1, 4)"),
            forward({2, 5, 3}, {3, 4}, {4}, ""),
            forward({3}, {3, 4}, {4}, ""),
            forward({2, 3}, {3}, {4}, "w has shape (3,), expected 2 dimensions (D_in, D_out)"),
            forward({2, 3}, {4, 3}, {3}, "w has shape (4, 3), expected (3, 3)"),
            forward({2, 3}, {3, 4}, {3}, "b has shape (3,), expected (4,)"),
            forward({2, 3}, {3, 4}, {1, 4}, "b has shape (1, 4), expected (4,)"),
            forward({2, 3}, {3, 4}, {}, "b has shape (), expected (4,)"),
            backward("input", {}, {3, 4}, "dy has shape (), expected (..., D_out)"),
            backward("input", {2, 4}, {3}, "w has shape (3,), expected 2 dimensions (D_in, D_out)"),
            backward("input", {2, 5}, {3, 4}, "w has shape (3, 4), expected (3, 5)"),
            backward("weight", {2}, {2, 4}, "dy has shape (2, 4), expected (4,)"),
            backward("weight", {}, {2, 4}, "x has shape (), expected (..., D_in)"),
            backward("weight", {3, 3}, {2, 4}, "dy has shape (2, 4), expected (3, 4)"),
            backward("weight", {2, 3}, {2, 4}, "dw has shape (3, 5), expected (3, 4)", Shape{3, 5}),
            backward("bias", {2, 4}, {}, "db has shape (5,), expected (4,)", Shape{5}),
            backward("bias", {}, {}, "dy has shape (), expected (..., D_out)")};
}

/// The gradients without the last row of dy.
Values without_last_row(const Backend& on, const Chain& chain, Values values) {
    Tensor<double>& dy = values.at("dy");
    std::fill_n(dy.data() + dy.size() - dy.shape(1), dy.shape(1), 0.0);
    return chain(on, values);
}

/// A mistake that shows where there is more than one row.
Mistake linear_mistake(const std::string& gradient, const std::string& what,
                       std::function<Tensor<double>(const Backend&, const Chain&, const Values&)> wrong) {
    return {gradient, what, [=](const Backend& on, const Chain& chain, const Values& values) {
                return values.at("x").shape(0) == 1 ? Tensor<double>(Shape{0}) : wrong(on, chain, values);
            }};
}

Tested tested_linear() {
    Tested t;
    t.name = "linear";
    t.batch = [](std::size_t n) { return Example{"", linear_chain, linear_arguments(n, 4, 5, whole_numbers<double>)}; };
    t.forms = {
        {"linear_forward", "x w b -> y", [](auto on, auto& a) { a["y"] = on.linear_forward(a["x"], a["w"], a["b"]); }},
        {"linear_backward", "x w dy -> dx dw db", [](auto on, auto& a) {
             auto g = on.linear_backward(a["x"], a["w"], a["dy"]);
             a["dx"] = g.dx, a["dw"] = g.dw, a["db"] = g.db;
         }}};
    t.refusals = linear_refusals;
    t.aliased = [] {
        return std::vector<Example>{{"", linear_chain, linear_arguments(3, 3, 3, whole_numbers<double>)}};
    };
    t.gradients = [] {
        return linear_examples({{3, 4, 5}, {5, 10, 12}, {4, 9, 3}, {2, 3, 17}, {7, 18, 8}, {1, 1, 1}});
    };
    const auto incomplete = [](const std::string& gradient) {
        return linear_mistake(gradient, "a sample was forgotten: " + gradient,
                              [=](const Backend& on, const Chain& chain, const Values& values) {
                                  return without_last_row(on, chain, values).at(gradient);
                              });
    };
    t.mistakes = {incomplete("dx"), incomplete("dw"), incomplete("db"),
                  linear_mistake("db", "it is the mean over the batch",
                                 [](const Backend&, const Chain&, const Values& values) {
                                     return Tensor<double>(values.at("db") /
                                                           static_cast<double>(values.at("x").shape(0)));
                                 }),
                  linear_mistake("dw", "it is transposed", [](const Backend&, const Chain&, const Values& values) {
                      Tensor<double> dw = values.at("dw");
                      dw.reshape({dw.shape(1), dw.shape(0)});
                      return dw;
                  })};
    t.large = [] {
        return linear_examples(
            {{64, 784, 100}, {301, 784, 100}, {999, 100, 333}, {1, 301, 1000}, {20001, 2, 100}, {20001, 100, 3}});
    };
    t.cases = 8;
    return t;
}

/// What linear and its gradients should be, in double, in loops that are neither backend's.
struct ExpectedLinear {
    Tensor<double> y, dx, dw, db;
    ExpectedLinear(const Tensor<double>& x, const Tensor<double>& w, const Tensor<double>& b, const Tensor<double>& dy)
        : y(dy.shape()), dx(zeros<double>(x.shape())), dw(zeros<double>(w.shape())), db(zeros<double>(b.shape())) {
        const std::size_t in = w.shape(0), out = w.shape(1);
        for (std::size_t n = 0; n < x.shape(0); ++n) {
            const double* g = dy.data() + n * out;
            double* yn = y.data() + n * out;
            for (std::size_t k = 0; k < out; ++k) {
                yn[k] = b.data()[k];
                db.data()[k] += g[k];
            }
            for (std::size_t d = 0; d < in; ++d) {
                const double xd = x.data()[n * in + d];
                const double* wd = w.data() + d * out;
                double* dwd = dw.data() + d * out;
                double sum = 0;
                for (std::size_t k = 0; k < out; ++k) {
                    yn[k] += xd * wd[k];
                    dwd[k] += xd * g[k];
                    sum += g[k] * wd[k];
                }
                dx.data()[n * in + d] = sum;
            }
        }
    }
};

/// One problem of size n, in, out: its arguments, and what should come out.
struct LinearProblem {
    Values values;
    ExpectedLinear expected;
    template <class Fill> LinearProblem(std::size_t n, std::size_t in, std::size_t out, const Fill& fill)
        : values(linear_arguments(n, in, out, fill)),
          expected(values["x"], values["w"], values["b"], values["dy"] = fill({n, out}, 4)) {}

    /// Whether a backend's four results are that; exactly so if the tolerance is 0.
    bool solved_by(const Backend& on, double tolerance) const {
        const Values got = linear_chain(on, values);
        const auto close = [&](const std::string& name, const Tensor<double>& right) {
            return tolerance == 0 ? equal_numbers(got.at(name), right) : difference(got.at(name), right) <= tolerance;
        };
        return close("y", expected.y) && close("dx", expected.dx) && close("dw", expected.dw) &&
               close("db", expected.db);
    }
};

constexpr std::size_t sides[] = {1, 2, 3, 5, 8, 9, 16, 17, 33, 47, 64, 100};

} // namespace

HANDGRAD_TEST_OPERATION("linear", tested_linear())

HANDGRAD_TEST_ON_BACKENDS("linear: sums done by hand", "[ops][linear]") {
    // 1*1 + 2*3 + 3*5 + 0.5 and so on
    const Values r = linear_chain(on, {{"x", tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6})},
                                       {"w", tensor<double>({3, 2}, {1, 2, 3, 4, 5, 6})},
                                       {"b", tensor<double>({2}, {0.5, -0.5})},
                                       {"dy", tensor<double>({2, 2}, {1, -1, 2, 0.25})}});
    CHECK(equal_numbers(r.at("y"), tensor<double>({2, 2}, {22.5, 27.5, 49.5, 63.5})));
    CHECK(equal_numbers(r.at("dx"), tensor<double>({2, 3}, {-1, -1, -1, 2.5, 7, 11.5})));
    CHECK(equal_numbers(r.at("dw"), tensor<double>({3, 2}, {9, 0, 12, -0.75, 15, -1.5})));
    CHECK(equal_numbers(r.at("db"), tensor<double>({2}, {3, -0.75})));
}

HANDGRAD_TEST_ON_BACKENDS("linear: whole numbers are exact for all sizes", "[ops][linear]") {
    for (const std::size_t n : {1, 2, 3, 7, 23, 64, 300}) {
        for (const std::size_t in : sides) {
            for (const std::size_t out : sides) {
                if (n == 300 && in * out > 2000) { continue; } // no other path; the next tests go there
                INFO("N " << n << ", D_in " << in << ", D_out " << out);
                REQUIRE(LinearProblem(n, in, out, whole_numbers<double>).solved_by(on, 0));
            }
        }
    }
}

HANDGRAD_TEST_ON_FAST("linear: one row with a weight that fills the cache", "[ops][linear]") {
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{301, 500}, {130, 1009}, {1007, 131}}) {
        INFO("D_in " << in << ", D_out " << out);
        REQUIRE(LinearProblem(1, in, out, whole_numbers<double>).solved_by(on, 0));
    }
}

HANDGRAD_TEST_ON_BACKENDS("linear: any numbers, to rounding, for all sizes", "[ops][linear]") {
    for (const std::size_t n : {1, 2, 3, 7, 64}) {
        for (const std::size_t in : sides) {
            for (const std::size_t out : sides) {
                INFO("N " << n << ", D_in " << in << ", D_out " << out);
                REQUIRE(LinearProblem(n, in, out, normal_numbers<double>).solved_by(on, on.rounding()));
            }
        }
    }
}

HANDGRAD_TEST_ON_CPU("linear: sizes that threads share", "[ops][linear]") {
    // A whole number of chunks and not; the last, shorter chunk; each narrow kernel.
    const std::array<std::size_t, 3> sizes[] = {{1000, 784, 100}, {70, 500, 400},  {65, 784, 100},
                                                {203, 100, 333},  {20001, 2, 100}, {13501, 100, 3},
                                                {20003, 8, 33},   {20003, 33, 8},  {120005, 5, 7}};
    for (const auto& [n, in, out] : sizes) {
        INFO("N " << n << ", D_in " << in << ", D_out " << out);
        const LinearProblem problem(n, in, out, whole_numbers<double>);
        for (const int threads : {1, 2, 4}) {
            const Threads guard(threads);
            REQUIRE(problem.solved_by(on, 0));
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("linear: a row's result does not depend on the rows beside it", "[ops][linear]") {
    // cuBLAS chooses the order of its sums by the sizes.
    if (on.is_device() && device::is_gpu() && !device::is_plain()) { return; }
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{40, 33}, {5, 20}, {40, 3}, {784, 20}}) {
        Values values = linear_arguments(29, in, out, normal_numbers<double>);
        const Tensor<double> x = values["x"], y = linear_chain(on, values).at("y");
        for (std::size_t n = 0; n < 29; ++n) {
            INFO("D_in " << in << ", D_out " << out << ", row " << n);
            Tensor<double> row(Shape{1, in}), expected(Shape{1, out});
            std::copy_n(x.data() + n * in, in, row.data());
            std::copy_n(y.data() + n * out, out, expected.data());
            values["x"] = row;
            REQUIRE(same_bits(linear_chain(on, values).at("y"), expected));
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("linear: buffers of all sizes are overwritten or added to", "[ops][linear]") {
    for (const std::size_t n : {1, 2, 3, 5, 7}) {
        for (const std::size_t in : {2, 3, 8, 9, 17, 40}) {
            for (const std::size_t out : {1, 3, 9, 40}) {
                INFO("N " << n << ", D_in " << in << ", D_out " << out);
                const LinearProblem problem(n, in, out, whole_numbers<double>);
                const Values clean = linear_chain(on, problem.values);
                Values added = clean;
                for (const char* result : {"y", "dx", "dw", "db"}) {
                    added[result] = full<double>({3, 1, 2}, std::numeric_limits<double>::quiet_NaN());
                }
                added = linear_chain(on, added);
                for (const char* result : {"y", "dx", "dw", "db"}) {
                    REQUIRE(same_bits(added.at(result), clean.at(result)));
                }
                added["dw"].fill(10);
                added["db"].fill(20);
                for (int call = 0; call < 2; ++call) { added = linear_chain(on, added, Accumulate::yes); }
                REQUIRE(equal_numbers(added.at("dw"), Tensor<double>(10.0 + 2.0 * clean.at("dw"))));
                REQUIRE(equal_numbers(added.at("db"), Tensor<double>(20.0 + 2.0 * clean.at("db"))));
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("linear: an empty batch gives an empty result and gradients of zero", "[ops][linear]") {
    for (const std::size_t in : {3, 20}) {
        for (const std::size_t out : {2, 20}) {
            Values values = linear_arguments(0, in, out, whole_numbers<double>);
            values["dy"] = Tensor<double>(Shape{0, out});
            const Values r = linear_chain(on, values);
            CHECK(r.at("y").shape() == Shape{0, out});
            CHECK(r.at("dx").shape() == Shape{0, in});
            CHECK(equal_numbers(r.at("dw"), zeros<double>({in, out})));
            CHECK(equal_numbers(r.at("db"), zeros<double>({out})));
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("linear: NaN stays in its row", "[ops][linear]") {
    for (const std::size_t out : {3, 40}) {
        auto x = whole_numbers<double>({3, 20}, 1);
        x(1, 7) = std::numeric_limits<double>::quiet_NaN();
        const auto y =
            linear_chain(on, {{"x", x}, {"w", zeros<double>({20, out})}, {"b", zeros<double>({out})}}).at("y");
        for (std::size_t k = 0; k < out; ++k) {
            CHECK(y(0, k) == 0);
            CHECK(std::isnan(y(1, k))); // 0 * NaN is NaN
            CHECK(y(2, k) == 0);
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("linear: backward is the transpose of forward", "[metamorphic]") {
    Values r = linear_arguments(5, 7, 9, whole_numbers<double>);
    r["b"] = zeros<double>({9});
    r["dy"] = whole_numbers<double>({5, 9}, 4);
    r = linear_chain(on, r);
    const double sum = inner(r["y"], r["dy"]);
    CHECK(inner(r["x"], r["dx"]) == sum);
    CHECK(inner(r["w"], r["dw"]) == sum);
    CHECK(inner(full<double>({9}, 1), r["db"]) == inner(full<double>({5, 9}, 1), r["dy"]));
}
