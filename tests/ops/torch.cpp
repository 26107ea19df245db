// The operations of all backends against PyTorch's results in float64 (fixtures/make_pytorch_fixtures.py).

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("linear equals PyTorch's", "[ops][torch]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    REQUIRE(pytorch::cases("linear").size() == 8);
    for (const pytorch::Case& c : pytorch::cases("linear")) {
        INFO(c.name);
        const auto x = c.get<T>("x"), w = c.get<T>("w"), b = c.get<T>("b"), dy = c.get<T>("dy");
        const LinearGradients<Tensor<T>> g = TestType::linear_backward(x, w, dy);
        CHECK(difference(TestType::linear_forward(x, w, b), c.get<double>("y")) <= rounding<T>());
        CHECK(difference(g.dx, c.get<double>("dx")) <= rounding<T>());
        CHECK(difference(g.dw, c.get<double>("dw")) <= rounding<T>());
        CHECK(difference(g.db, c.get<double>("db")) <= rounding<T>());
    }
}

TEMPLATE_TEST_CASE("activations equal PyTorch's", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::string name : {"relu", "sigmoid", "tanh"}) {
        REQUIRE(pytorch::cases(name).size() == 4);
        for (const pytorch::Case& c : pytorch::cases(name)) {
            INFO(c.name);
            const auto x = c.get<T>("x"), dy = c.get<T>("dy");
            Tensor<T> y, dx;
            if (name == "relu") {
                B::relu_forward(x, y), B::relu_backward(x, dy, dx);
            } else if (name == "sigmoid") {
                B::sigmoid_forward(x, y), B::sigmoid_backward(y, dy, dx);
            } else {
                B::tanh_forward(x, y), B::tanh_backward(y, dy, dx);
            }
            CHECK(difference(y, c.get<double>("y")) <= rounding<T>());
            CHECK(difference(dx, c.get<double>("dx")) <= rounding<T>());
        }
    }
}

TEMPLATE_TEST_CASE("softmax equals PyTorch's", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("softmax").size() == 7);
    for (const pytorch::Case& c : pytorch::cases("softmax")) {
        INFO(c.name);
        const auto p = B::softmax_forward(c.get<T>("z"));
        CHECK(difference(p, c.get<double>("y")) <= rounding<T>());
        CHECK(difference(B::softmax_backward(p, c.get<T>("dy")), c.get<double>("dz")) <= rounding<T>());
    }
}

TEMPLATE_TEST_CASE("cross_entropy equals PyTorch's, at the edges too", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("cross_entropy").size() == 14);
    int not_finite = 0;
    for (const pytorch::Case& c : pytorch::cases("cross_entropy")) {
        INFO(c.name);
        const Labels y = c.get<std::int64_t>("labels");
        Tensor<T> p;
        const T loss = B::cross_entropy_forward(c.get<T>("z"), y, p);
        const double expected = c.get<double>("loss")();
        INFO("loss " << loss << ", PyTorch's " << expected);
        if (std::isfinite(expected)) {
            CHECK(std::abs(static_cast<double>(loss) - expected) <= rounding<T>() * expected);
        } else { // infinite or NaN, and then ours is the same
            ++not_finite;
            CHECK((std::isnan(expected) ? std::isnan(loss) : static_cast<double>(loss) == expected));
        }
        const Tensor<double> dz = to<double>(B::cross_entropy_backward(p, y)), torch = c.get<double>("dz");
        REQUIRE(dz.shape() == torch.shape());
        for (std::size_t i = 0; i < dz.size(); ++i) { // NaN row by row where PyTorch has them
            INFO("entry " << i);
            const double ours = dz.data()[i], theirs = torch.data()[i];
            CHECK((std::isnan(theirs) ? std::isnan(ours) : std::abs(ours - theirs) <= rounding<T>()));
        }
    }
    CHECK(not_finite == 2);
}

TEMPLATE_TEST_CASE("l2_penalty equals PyTorch's autograd", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("l2_penalty").size() == 4);
    for (const pytorch::Case& c : pytorch::cases("l2_penalty")) {
        INFO(c.name);
        const double lambda = c.options.at("lambda");
        const auto w = c.get<T>("w");
        const double expected = c.get<double>("loss")();
        CHECK(std::abs(static_cast<double>(B::l2_penalty_forward(w, lambda)) - expected) <= rounding<T>() * expected);
        CHECK(difference(B::l2_penalty_backward(w, lambda), c.get<double>("dw")) <= rounding<T>());
    }
}

TEMPLATE_TEST_CASE("flatten equals PyTorch's", "[ops][torch]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("flatten").size() == 5);
    for (const pytorch::Case& c : pytorch::cases("flatten")) {
        INFO(c.name);
        const auto x = c.get<T>("x");
        Tensor<T> y, dx;
        B::flatten_forward(x, y);
        const auto dy = c.get<T>("dy"); // dx is a view of it
        B::flatten_backward(dy, x.shape(), dx);
        CHECK(equal_numbers(y, c.get<T>("y")));
        CHECK(equal_numbers(dx, c.get<T>("dx")));
    }
}
