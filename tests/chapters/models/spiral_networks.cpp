// Chapters 04 and 05 against the same programs in NumPy (numpy_spiral_losses.txt), by the chapters' own lines.
#include <cmath>
#include <complex>
#include <string>

#include <fmt/format.h>

#include "../../../chapters/04_linear_classifier/model.hpp"
#include "../../../chapters/05_two_layer_net/model.hpp"
#include "catch.hpp"
#include "fixtures/fixtures.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/data/spiral.hpp"

using namespace handgrad;

namespace {

double relative(double a, double b) { return std::abs(a - b) / std::abs(b); }

/// `iterations` steps as chapter 05 takes them; calls at(i, loss) before each, and after the last.
template <class At>
void train_spiral(SpiralNet<Cpu<double>>& net, const data::Spiral& spiral, int from, int iterations, const At& at) {
    for (int i = from;; ++i) {
        at(i, net.forward(spiral.x, spiral.y));
        if (i == from + iterations) { return; }
        net.backward(spiral.x, spiral.y);
        net.step(1.0);
    }
}

} // namespace

TEST_CASE("Chapter 04 has NumPy's losses", "[chapters][spiral]") {
    const Fixtures numpy = read_fixtures("numpy_spiral_losses.txt");
    const auto& expected = numpy.at("linear_losses");
    REQUIRE(expected.size() == 21);

    NumpyRandom random(0);
    const data::Spiral spiral = data::make_spiral(random);
    LinearClassifier model(2, 3, 1e-3, random);
    fmt::print("\nLinear classifier, seed 0\n  iteration  handgrad          NumPy             relative difference\n");
    for (int i = 0; i <= 200; ++i) {
        const double loss = model.forward(spiral.x, spiral.y);
        if (i % 10 == 0) {
            const double other = expected.at(static_cast<std::size_t>(i / 10));
            fmt::print("  {:9}  {:.14f}  {:.14f}  {:.1e}\n", i, loss, other, relative(loss, other));
            CHECK(relative(loss, other) <= 1e-9);
        }
        if (i == 200) { break; }
        model.backward(spiral.x, spiral.y);
        model.step(1.0);
    }
    CHECK(static_cast<double>(cpu::count_correct(model.z, spiral.y)) / 300 == numpy.at("linear_accuracy").at(0));
}

// With steps of length 1 the net is not a contraction: the loss rises in a third of the iterations, and two runs that
// differ in one last bit drift apart. Somewhere after iteration 5000 the difference is large enough for the ReLU of one
// point to come out differently, and from there on the two are different runs, with losses that differ by 1e-6 to 1e-5.
// NumPy does this to itself: the fixture was made with OpenBLAS's kernels for Haswell; with those for SkylakeX
// (OPENBLAS_CORETYPE=SkylakeX) NumPy's losses at iterations 9000 and 10000 move by 6e-6 and 2e-6 of their values.
// So from 5000 on each thousand iterations starts from NumPy's parameters: every step of the 10,000 is compared, and
// nothing has the time to grow. The losses of the uninterrupted run are printed below them.
TEST_CASE("Chapter 05 has NumPy's losses", "[chapters][spiral]") {
    const Fixtures numpy = read_fixtures("numpy_spiral_losses.txt");
    const auto& expected = numpy.at("two_layer_losses");
    REQUIRE(expected.size() == 11);

    NumpyRandom random(0);
    const data::Spiral spiral = data::make_spiral(random);
    SpiralNet<Cpu<double>> net = initial_net(2, 100, 3, 1e-3, random);
    fmt::print("\nTwo-layer net, seed 0\n"
               "  iteration  handgrad          NumPy             relative difference\n");
    const auto print = [](int i, double loss, double other) {
        fmt::print("  {:9}  {:.14f}  {:.14f}  {:.1e}\n", i, loss, other, relative(loss, other));
    };
    std::vector<double> uninterrupted;
    train_spiral(net, spiral, 0, 10000, [&](int i, double loss) {
        if (i % 1000 != 0) { return; }
        uninterrupted.push_back(loss);
        const double other = expected.at(static_cast<std::size_t>(i / 1000));
        if (i <= 5000) {
            print(i, loss, other);
            CHECK(relative(loss, other) <= 1e-6);
        } else {
            CHECK(relative(loss, other) <= 1e-4);
        }
    });
    CHECK(static_cast<double>(cpu::count_correct(net.z2, spiral.y)) / 300 == numpy.at("two_layer_accuracy").at(0));

    fmt::print("  each from NumPy's parameters 1000 iterations earlier:\n");
    for (int from = 5000; from < 10000; from += 1000) {
        auto value = numpy.at("two_layer_parameters_" + std::to_string(from)).begin();
        for (auto* parameter : {&net.w1, &net.b1, &net.w2, &net.b2}) {
            for (double& entry : *parameter) { entry = *value++; }
        }
        train_spiral(net, spiral, from, 1000, [&](int i, double loss) {
            if (i % 1000 != 0) { return; }
            const double other = expected.at(static_cast<std::size_t>(i / 1000));
            if (i != from) { print(i, loss, other); }
            CHECK(relative(loss, other) <= 1e-6);
        });
    }
    fmt::print("  the uninterrupted run:\n");
    for (int i = 6000; i <= 10000; i += 1000) {
        const auto at = static_cast<std::size_t>(i / 1000);
        print(i, uninterrupted.at(at), expected.at(at));
    }
}

TEST_CASE("Chapter 05's gradients are those of its loss", "[chapters][spiral][gradient]") {
    using Real = SpiralNet<Reference<double>>;
    using Complex = SpiralNet<Reference<std::complex<double>>>;
    NumpyRandom random(3);
    const Tensor<double> x = random.randn({7, 4});
    const Labels y{0, 2, 1, 1, 0, 2, 2};
    SpiralNet<Cpu<double>> net;
    net.w1 = random.randn({4, 5});
    net.b1 = random.randn({5});
    net.w2 = random.randn({5, 3});
    net.b2 = random.randn({3});
    net.reg = 0.1;
    const double loss = net.forward(x, y);
    net.backward(x, y);

    const auto same_in_complex = [&] {
        using check::cast;
        using C = std::complex<double>;
        Complex copy;
        copy.w1 = cast<C>(net.w1);
        copy.b1 = cast<C>(net.b1);
        copy.w2 = cast<C>(net.w2);
        copy.b2 = cast<C>(net.b2);
        copy.reg = net.reg;
        return copy;
    };
    const auto loss_with = [&](auto Complex::*parameter) {
        return [&, parameter](const auto& value) {
            auto copy = same_in_complex();
            copy.*parameter = value;
            return copy.forward(check::cast_like(value, x), y);
        };
    };
    check::GradientCheck checker;
    checker.wrt("w1", net.w1, net.dw1, loss_with(&Complex::w1));
    checker.wrt("b1", net.b1, net.db1, loss_with(&Complex::b1));
    checker.wrt("w2", net.w2, net.dw2, loss_with(&Complex::w2));
    checker.wrt("b2", net.b2, net.db2, loss_with(&Complex::b2));
    INFO(to_string(checker));
    CHECK(checker.passed());

    // The same lines by the other backend.
    Real reference;
    reference.w1 = net.w1;
    reference.b1 = net.b1;
    reference.w2 = net.w2;
    reference.b2 = net.b2;
    reference.reg = net.reg;
    CHECK(relative(reference.forward(x, y), loss) <= 1e-14);
}
