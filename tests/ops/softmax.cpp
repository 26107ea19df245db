// softmax, cross-entropy and count_correct: their entries in the table of operations, and what is special to them.

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

const Chain softmax_chain{
    Operation::forward("softmax_forward", "z -> p=z", [](auto on, auto& a) { on.softmax_forward(a["z"], a["p"]); }),
    {{"softmax_backward", "p dp -> dz=p,dp", [](auto on, auto& a) { on.softmax_backward(a["p"], a["dp"], a["dz"]); }}}};

const Chain cross_entropy_chain{
    Operation::forward(
        "cross_entropy_forward", "z y:labels -> p loss:number",
        [](auto on, auto& a) { a.number("loss", on.cross_entropy_forward(a["z"], a.labels("y"), a["p"])); }),
    {{"cross_entropy_backward", "p y:labels -> dz=p",
      [](auto on, auto& a) { on.cross_entropy_backward(a["p"], a.labels("y"), a["dz"]); }},
     {"count_correct", "z y:labels -> correct:number",
      [](auto on, auto& a) { a.number("correct", on.count_correct(a["z"], a.labels("y"))); }}}};

Tensor<double> labels_of(std::initializer_list<std::int64_t> values) { return to<double>(labels(values)); }

/// The probabilities of each row's classes.
Tensor<double> probabilities(const Backend& on, const Tensor<double>& z) {
    return softmax_chain(on, {{"z", z}}).at("p");
}
/// Everything about the loss of scores z for classes y.
Values losses_for(const Backend& on, const Tensor<double>& z, const Tensor<double>& y) {
    return cross_entropy_chain(on, {{"z", z}, {"y", y}});
}
/// The loss alone.
double loss_of(const Backend& on, const Tensor<double>& z, const Tensor<double>& y) {
    return losses_for(on, z, y).at("loss")();
}
/// How many rows of scores have their largest score at the class y.
double correct_rows(const Backend& on, const Tensor<double>& z, const Tensor<double>& y) {
    return losses_for(on, z, y).at("correct")();
}
/// One of the backward operations alone.
Tensor<double> dz_of(const Backend& on, const Operation& operation, Values values) {
    operation(on, values);
    return values.at("dz");
}

std::vector<Example> examples_of_scores(const Chain& chain, const std::vector<Shape>& shapes) {
    std::vector<Example> all;
    for (const Shape& shape : shapes) {
        all.push_back(
            {to_string(shape),
             chain,
             {{"z", normal_numbers<double>(shape, 1)}, {"y", to<double>(random_labels(shape[0], shape[1], 3))}}});
    }
    return all;
}

Tested tested_softmax() {
    Tested t;
    t.name = "softmax";
    t.is_exact = false;
    t.batch = [](std::size_t n) { return Example{"", softmax_chain, {{"z", whole_numbers<double>({n, 4}, 1)}}}; };
    t.forms = {
        {"softmax_forward", "z -> p", [](auto on, auto& a) { a["p"] = on.softmax_forward(a["z"]); }},
        {"softmax_backward", "p dp -> dz", [](auto on, auto& a) { a["dz"] = on.softmax_backward(a["p"], a["dp"]); }}};
    t.refusals = [] {
        const auto forward = [](const Shape& z, const std::string& message) {
            return Refusal{softmax_chain.forward, {{"z", zeros<double>(z)}}, message};
        };
        const auto back = [](const Shape& p, const Shape& dp, const std::string& message) {
            return Refusal{
                softmax_chain["softmax_backward"], {{"p", zeros<double>(p)}, {"dp", zeros<double>(dp)}}, message};
        };
        return std::vector<Refusal>{forward({}, "z has shape (), expected (..., K)"),
                                    forward({3, 0}, "z has shape (3, 0), expected at least one class"),
                                    forward({4, 0}, "z has shape (4, 0), expected at least one class"),
                                    forward({0, 3}, ""),
                                    back({}, {}, "p has shape (), expected (..., K)"),
                                    back({3, 2}, {2, 3}, "dp has shape (2, 3), expected (3, 2)"),
                                    back({3, 0}, {3, 0}, "p has shape (3, 0), expected at least one class"),
                                    back({0, 3}, {0, 3}, "")};
    };
    t.aliased = [] { return examples_of_scores(softmax_chain, {{3, 7}, {300, 1000}}); };
    t.gradients = [] { return examples_of_scores(softmax_chain, {{3, 5}, {7, 3}, {4, 20}}); };
    t.mistakes = {
        {"dz", "only the diagonal of the Jacobian was taken", [](const Backend&, const Chain&, const Values& v) {
             return Tensor<double>(v.at("dp") * v.at("p") * (1.0 - v.at("p")));
         }}};
    t.large = [] { return examples_of_scores(softmax_chain, {{30001, 10}, {65, 1001}, {300007, 1}}); };
    t.cases = 7;
    t.torch_names = {{"p", "y"}, {"dp", "dy"}};
    return t;
}

std::vector<Refusal> cross_entropy_refusals() {
    std::vector<Refusal> all;
    for (const Operation* operation : cross_entropy_chain.operations()) {
        const std::string scores = operation->operands()[0].name; // z or p, called z in messages
        const auto add = [&](const Shape& z, std::initializer_list<std::int64_t> y, const std::string& message) {
            const bool not_on_gpu =
                operation->name() == "cross_entropy_backward" && message.find("label") != std::string::npos;
            all.push_back({*operation, {{scores, zeros<double>(z)}, {"y", labels_of(y)}}, message, not_on_gpu});
        };
        add({}, {0, 1}, "z has shape (), expected (..., K)");
        add({2}, {0, 1}, "y has shape (2,), expected ()");
        add({2, 3}, {0, 1, 2}, "y has shape (3,), expected (2,)");
        add({0, 3}, {}, "z has shape (0, 3), expected at least one row and one class");
        add({1, 0}, {0}, "z has shape (1, 0), expected at least one row and one class");
        add({2, 3}, {0, 3}, "label y[1] is 3, expected a class from 0 to 2");
        add({2, 3}, {-1, 0}, "label y[0] is -1, expected a class from 0 to 2");
        add({1, 1}, {std::int64_t(1) << 62}, "label y[0] is 4611686018427387904, expected a class from 0 to 0");
    }
    return all;
}

Tested tested_cross_entropy() {
    Tested t;
    t.name = "cross_entropy";
    t.is_exact = false;
    t.takes_nothing = false; // the mean of no losses is no number
    t.batch = [](std::size_t n) {
        Tensor<double> y = to<double>(random_labels(n, 4, 3));
        if (n > 2) { y(1) = static_cast<double>(ignore_index); }
        return Example{"", cross_entropy_chain, {{"z", whole_numbers<double>({n, 4}, 1)}, {"y", y}}};
    };
    t.forms = {{"cross_entropy_forward", "z y:labels -> loss:number",
                [](auto on, auto& a) { a.number("loss", on.cross_entropy_forward(a["z"], a.labels("y"))); }},
               {"cross_entropy_forward", "z y:labels -> p loss:number",
                [](auto on, auto& a) { // a loss that a device keeps
                    typename decltype(on)::Loss loss{};
                    on.cross_entropy_forward(a["z"], a.labels("y"), a["p"], loss);
                    a.number("loss", on.item(loss));
                }},
               {"cross_entropy_backward", "p y:labels -> dz",
                [](auto on, auto& a) { a["dz"] = on.cross_entropy_backward(a["p"], a.labels("y")); }}};
    t.refusals = cross_entropy_refusals;
    t.aliased = [] { return examples_of_scores(cross_entropy_chain, {{3, 7}, {300, 1000}}); };
    t.gradients = [] {
        std::vector<Example> all = examples_of_scores(cross_entropy_chain, {{3, 5}, {7, 3}, {4, 20}, {5, 4}});
        Tensor<double>& y = all.back().values["y"];
        y(1) = y(4) = static_cast<double>(ignore_index);
        return all;
    };
    t.mistakes = {{"dz", "it is not divided by N",
                   [](const Backend&, const Chain&, const Values& v) {
                       return Tensor<double>(v.at("dz") * static_cast<double>(v.at("y").size()));
                   }},
                  {"dz", "the label is not subtracted",
                   [](const Backend&, const Chain&, const Values& v) {
                       return Tensor<double>(v.at("p") / static_cast<double>(v.at("y").size()));
                   }},
                  {"dz", "the labels are off by one", [](const Backend& on, const Chain& chain, Values v) {
                       const std::size_t classes = v.at("z").shape().back();
                       for (double& label : v.at("y").storage()) {
                           if (label < 0) { continue; } // ignored
                           label = static_cast<double>((static_cast<std::size_t>(label) + 1) % classes);
                       }
                       return dz_of(on, chain["cross_entropy_backward"], v);
                   }}};
    t.large = [] { return examples_of_scores(cross_entropy_chain, {{30001, 10}, {65, 1001}, {300007, 1}}); };
    return t;
}

/// softmax, its gradient for dp, and the mean cross-entropy, in long double.
struct ExpectedSoftmax {
    Tensor<double> p, dz;
    double loss = 0;
    template <class T> ExpectedSoftmax(const Tensor<T>& z, const Tensor<T>& dp, const Labels& y)
        : p(z.shape()), dz(z.shape()) {
        const std::size_t classes = z.shape(1);
        std::vector<long double> pn(classes);
        for (std::size_t n = 0; n < z.shape(0); ++n) {
            const T* zn = z.data() + n * classes;
            const T* dpn = dp.data() + n * classes;
            const long double m = *std::max_element(zn, zn + classes);
            long double sum = 0, mean = 0;
            for (std::size_t k = 0; k < classes; ++k) { sum += pn[k] = std::exp(zn[k] - m); }
            for (std::size_t k = 0; k < classes; ++k) { mean += dpn[k] * (pn[k] /= sum); }
            for (std::size_t k = 0; k < classes; ++k) {
                p(n, k) = static_cast<double>(pn[k]);
                dz(n, k) = static_cast<double>(pn[k] * (dpn[k] - mean));
            }
            loss += static_cast<double>(std::log(sum) - (zn[static_cast<std::size_t>(y(n))] - m));
        }
        loss /= static_cast<double>(z.shape(0));
    }
};

struct RowsAndClasses {
    std::size_t n, k;
};
// One class, partial registers, blocks of 512 entries with one row and with many, several chunks for the threads.
constexpr RowsAndClasses sizes[] = {{1, 1},  {2, 1},   {1, 3},   {2, 3},    {3, 10},   {7, 10},    {64, 10},
                                    {7, 17}, {300, 3}, {3, 600}, {40, 600}, {1, 5000}, {20001, 3}, {5000, 10}};

} // namespace

HANDGRAD_TEST_OPERATION("softmax", tested_softmax())
HANDGRAD_TEST_OPERATION("cross_entropy", tested_cross_entropy())

HANDGRAD_TEST_ON_BACKENDS("softmax and cross-entropy: by the formula", "[ops][softmax]") {
    for (const auto [n, k] : sizes) {
        INFO("N " << n << ", K " << k);
        const Tensor<double> z = to_stored(on, Tensor<double>(3.0 * normal_numbers<double>({n, k}, 1))),
                             dp = normal_numbers<double>({n, k}, 2);
        const Labels y = random_labels(n, k, 3);
        const ExpectedSoftmax expected(z, dp, y);
        const Values r = softmax_chain(on, {{"z", z}, {"dp", dp}}), l = losses_for(on, z, to<double>(y));
        REQUIRE(difference(r.at("p"), expected.p) <= on.rounding());
        if (k > 1) { REQUIRE(difference(r.at("dz"), expected.dz) <= on.rounding()); }
        REQUIRE_THAT(l.at("loss")(), WithinAbs(expected.loss, on.rounding() * (1 + expected.loss)));
        REQUIRE(same_bits(l.at("p"), r.at("p")));
        Tensor<double> dz = expected.p;
        for (std::size_t i = 0; i < n; ++i) { dz(i, static_cast<std::size_t>(y(i))) -= 1; }
        dz /= static_cast<double>(n);
        if (k > 1) { REQUIRE(difference(l.at("dz"), dz) <= on.rounding()); }
    }
}

HANDGRAD_TEST_ON_BACKENDS("softmax and cross-entropy: buffers, repeated calls, in place", "[ops][softmax]") {
    for (const auto [n, k] : sizes) {
        if (n * k > 10000) { continue; }
        INFO("N " << n << ", K " << k);
        const Values arguments{{"z", normal_numbers<double>({n, k}, 1)}, {"dp", normal_numbers<double>({n, k}, 2)}};
        const Values of_softmax = softmax_chain(on, arguments);
        const Values of_loss = losses_for(on, arguments.at("z"), to<double>(random_labels(n, k, 3)));
        for (const double dirt : {999.0, std::numeric_limits<double>::quiet_NaN()}) {
            for (const Shape& shape : {Shape{n, k}, Shape{3, 1, 2}, Shape{}}) {
                Values softmax_again = of_softmax, loss_again = of_loss;
                for (const char* result : {"p", "dz"}) {
                    softmax_again[result] = loss_again[result] = full<double>(shape, dirt);
                }
                for (int call = 0; call < 2; ++call) {
                    softmax_again = softmax_chain(on, softmax_again);
                    loss_again = cross_entropy_chain(on, loss_again);
                    for (const char* result : {"p", "dz"}) {
                        REQUIRE(same_bits(softmax_again.at(result), of_softmax.at(result)));
                        REQUIRE(same_bits(loss_again.at(result), of_loss.at(result)));
                    }
                    REQUIRE(same_bits(loss_again.at("loss"), of_loss.at("loss")));
                }
            }
        }
        Values in_place = of_softmax;
        softmax_chain["softmax_backward"].with_shared(on, in_place, 2, 1, Accumulate::no);
        REQUIRE(same_bits(in_place.at("dp"), of_softmax.at("dz")));
    }
}

HANDGRAD_TEST_ON_BACKENDS("cross-entropy: the slide's digit costs 0.105, not 0.045", "[ops][softmax]") {
    // Scores whose softmax is 0.9 for the true class: -log 0.9 = 0.105 in nats (0.045 is the logarithm to base 10).
    const auto z = tensor<double>({1, 2}, {std::log(9.0), 0});
    CHECK_THAT(loss_of(on, z, labels_of({0})), WithinAbs(0.1053605, 1e-6));
    CHECK_THAT(probabilities(on, z)(0, 0), WithinRel(0.9, 1e-6));
}

HANDGRAD_TEST_ON_BACKENDS("softmax and cross-entropy: equal scores", "[ops][softmax]") {
    for (const double level : {0.0, 1.0, 1e4, -1e4, 1e38, -1e38}) {
        for (const std::size_t k : {1, 2, 4, 8, 16}) {
            INFO("scores " << level << ", classes " << k);
            const auto z = full<double>({3, k}, level);
            CHECK(equal_numbers(probabilities(on, z), full<double>({3, k}, 1 / static_cast<double>(k))));
            const double loss = loss_of(on, z, labels_of({0, 0, static_cast<std::int64_t>(k) - 1}));
            CHECK_THAT(loss, WithinAbs(std::log(static_cast<double>(k)), 1e-6));
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("softmax and cross-entropy: scores far apart", "[ops][softmax]") {
    const double inf = std::numeric_limits<double>::infinity();
    for (const double far : {1e4, 1e38, inf}) {
        const auto z = tensor<double>({2, 3}, {far == inf ? 5 : far, -far, -far, 0, -far, 0});
        const Values right = losses_for(on, z, labels_of({0, 2}));
        INFO("apart " << far);
        CHECK(equal_numbers(right.at("p"), tensor<double>({2, 3}, {1, 0, 0, 0.5, 0, 0.5})));
        CHECK_THAT(right.at("loss")(), WithinRel(std::log(2.0) / 2, 1e-6));
        CHECK(equal_numbers(right.at("dz"), tensor<double>({2, 3}, {0, 0, 0, 0.25, 0, -0.25})));
        // The wrong class chosen with certainty: the loss is the distance of the scores, however large.
        const Values wrong = losses_for(on, z, labels_of({1, 2}));
        const double loss = wrong.at("loss")(), distance = far == inf ? inf : (2 * far + std::log(2.0)) / 2;
        CHECK((loss == distance || std::abs(loss - distance) <= 1e-6 * distance));
        CHECK(equal_numbers(wrong.at("dz"), tensor<double>({2, 3}, {0.5, -0.5, 0, 0.25, 0, -0.25})));
    }
}

HANDGRAD_TEST_ON_BACKENDS("softmax and cross-entropy: what is not a number stays visible", "[ops][softmax]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    for (const std::size_t column : {0, 1, 2}) {
        auto z = tensor<double>({2, 3}, {1, 2, 3, 1, 2, 3});
        z(0, column) = nan;
        const Values r = losses_for(on, z, labels_of({0, 0}));
        CHECK(std::isnan(r.at("loss")()));
        for (std::size_t k = 0; k < 3; ++k) {
            CHECK(std::isnan(r.at("p")(0, k)));
            CHECK_FALSE(std::isnan(r.at("p")(1, k)));
        }
        z(0, column) = inf; // inf - inf
        CHECK(std::isnan(loss_of(on, z, labels_of({0, 0}))));
    }
    CHECK(std::isnan(loss_of(on, full<double>({1, 3}, -inf), labels_of({0}))));
}

HANDGRAD_TEST_ON_BACKENDS("count_correct: a NaN is the largest score, the first of several", "[ops][softmax]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    // torch.argmax (2.13) gives the classes 0, 1, 2, 0, 1, 1.
    const auto z = tensor<double>({6, 3}, {nan, 1, 2, 0, nan, 5, 0, 5, nan, nan, nan, 0, 0, nan, nan, 9, nan, inf});
    const std::vector<std::int64_t> chosen{0, 1, 2, 0, 1, 1};
    for (std::size_t n = 0; n < 6; ++n) {
        CAPTURE(n);
        Tensor<double> row(Shape{1, 3});
        std::copy_n(z.data() + 3 * n, 3, row.data());
        for (std::int64_t k = 0; k < 3; ++k) {
            CHECK(correct_rows(on, row, labels_of({k})) == (k == chosen[n] ? 1 : 0));
        }
    }
    CHECK(correct_rows(on, z, labels_of({0, 1, 2, 0, 1, 1})) == 6);
    CHECK(correct_rows(on, z, labels_of({1, 2, 1, 1, 2, 2})) == 0);
}

HANDGRAD_TEST_ON_BACKENDS("count_correct: the first of equal scores is the answer", "[ops][softmax]") {
    const double inf = std::numeric_limits<double>::infinity();
    const auto z = tensor<double>({5, 3}, {1, 2, 3, 3, 2, 1, 2, 2, 1, -inf, -inf, -inf, -1, inf, inf});
    CHECK(correct_rows(on, z, labels_of({2, 0, 0, 0, 1})) == 5);
    CHECK(correct_rows(on, z, labels_of({1, 1, 1, 1, 2})) == 0);
    CHECK(correct_rows(on, z, labels_of({2, 1, 0, 1, 1})) == 3);
    CHECK(correct_rows(on, tensor<double>({1, 1}, {-7}), labels_of({0})) == 1);
}

HANDGRAD_TEST_ON_BACKENDS("add_to_tally: sums over the rows of any rank", "[ops][softmax]") {
    const Operation tally("add_to_tally", "z y:labels -> p right:number", [](auto on_one, auto& a) {
        using B = decltype(on_one);
        typename B::Loss loss{};
        B::cross_entropy_forward(a["z"], a.labels("y"), a["p"], loss);
        auto sums = B::from_host(tensor<double>({2}, {10, 20}));
        B::add_to_tally(loss, a["z"], a.labels("y"), sums);
        const auto& y = a.labels("y");
        const auto on_host = B::to_host(y);
        const double rows = static_cast<double>(count_not_ignored(entries(on_host)));
        const double correct_ones = static_cast<double>(B::count_correct(a["z"], a.labels("y")));
        const Tensor<double> expected =
            tensor<double>({2}, {10 + (rows > 0 ? rows * static_cast<double>(B::item(loss)) : 0), 20 + correct_ones});
        a.number("right", equal_numbers(Tensor<double>(B::to_host(sums)), expected) ? 1 : 0);
    });
    for (const Shape& shape : {Shape{4}, Shape{6, 4}, Shape{2, 3, 4}, Shape{3, 1, 2, 4}}) {
        INFO(to_string(shape));
        Tensor<double> y = to<double>(random_labels(count(without_last(shape)), 4, 3));
        y.reshape(without_last(shape));
        for (const std::size_t ignored : {std::size_t(0), y.size() / 2, y.size()}) {
            INFO(ignored << " ignored");
            std::fill_n(y.data(), ignored, static_cast<double>(ignore_index));
            Values values{{"z", normal_numbers<double>(shape, 1)}, {"y", y}};
            tally(on, values);
            CHECK(values.at("right")() == 1);
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("cross_entropy equals PyTorch's, at the edges too", "[ops][torch]") {
    REQUIRE(pytorch::cases("cross_entropy").size() == 17);
    int not_finite = 0;
    for (const pytorch::Case& c : pytorch::cases("cross_entropy")) {
        INFO(c.name);
        const Values r = losses_for(on, c.get<double>("z"), c.get<double>("labels"));
        const double loss = r.at("loss")(), expected = c.get<double>("loss")();
        INFO("loss " << loss << ", PyTorch's " << expected);
        if (std::isfinite(expected)) {
            CHECK(std::abs(loss - expected) <= on.rounding() * expected);
        } else { // infinite or NaN, and then ours is the same
            ++not_finite;
            CHECK((std::isnan(expected) ? std::isnan(loss) : loss == expected));
        }
        const Tensor<double>& dz = r.at("dz");
        const Tensor<double> torch = c.get<double>("dz");
        REQUIRE(dz.shape() == torch.shape());
        for (std::size_t i = 0; i < dz.size(); ++i) { // NaN row by row where PyTorch has them
            INFO("entry " << i);
            const double ours = dz.data()[i], theirs = torch.data()[i];
            CHECK((std::isnan(theirs) ? std::isnan(ours) : std::abs(ours - theirs) <= on.rounding()));
        }
    }
    CHECK(not_finite == 3);
}

HANDGRAD_TEST_ON_BACKENDS("cross_entropy: every row of the gradient sums to zero", "[metamorphic][softmax]") {
    for (const auto& [n, k] : {std::pair<std::size_t, std::size_t>{1, 1}, {7, 10}, {64, 3}, {3, 600}}) {
        const Tensor<double> z = 3.0 * normal_numbers<double>({n, k}, 1);
        const Values r = losses_for(on, z, to<double>(random_labels(n, k, 2)));
        const Tensor<double>& dz = r.at("dz");
        const Tensor<double> ds = dz_of(on, softmax_chain["softmax_backward"], {{"p", r.at("p")}, {"dp", z}});
        for (std::size_t row = 0; row < n; ++row) {
            double sum = 0, softmax_sum = 0;
            for (std::size_t i = 0; i < k; ++i) { sum += dz(row, i), softmax_sum += ds(row, i); }
            CHECK(std::abs(sum) <= on.rounding() / static_cast<double>(n));
            CHECK(std::abs(softmax_sum) <= 10 * on.rounding());
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("softmax: what is added to all scores of a row does not matter", "[metamorphic][softmax]") {
    const auto z = whole_numbers<double>({6, 10}, 1), y = to<double>(random_labels(6, 10, 2));
    for (const double shift : {1, -1024, 65536}) { // whole numbers: z + shift is exact, and so is the difference
        const Tensor<double> shifted = z + shift;
        CHECK(same_bits(probabilities(on, shifted), probabilities(on, z)));
        CHECK(loss_of(on, shifted, y) == loss_of(on, z, y));
    }
}
