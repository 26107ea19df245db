// flatten and the L2 penalty on all backends.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("flatten: the same numbers, one row a sample, and back", "[ops][flatten]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for (const Shape& shape : {Shape{7, 3, 4, 5}, Shape{1, 1, 28, 28}, Shape{2, 3}, Shape{3}, Shape{0, 2, 2}}) {
        INFO(to_string(shape));
        const auto x = normal_numbers<T>(shape, 1);
        std::size_t row = 1;
        for (std::size_t i = 1; i < shape.size(); ++i) { row *= shape[i]; }
        Tensor<T> y = x, back;
        y.reshape(Shape{shape[0], row});
        CHECK(overwrites(y, [&](Tensor<T>& t) { TestType::flatten_forward(x, t); }));
        CHECK(overwrites(x, [&](Tensor<T>& t) { TestType::flatten_backward(y, shape, t); }));
    }
}

TEMPLATE_TEST_CASE("flatten: the forms that return a tensor copy the numbers", "[ops][flatten]", Reference<double>,
                   Cpu<float>, Cpu<double>, Device<float>, Device<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    const Shape shape{2, 3, 4};
    const Tensor<T> numbers = normal_numbers<T>(shape, 1);
    Tensor<T> flat = numbers;
    flat.reshape(Shape{2, 12});
    auto x = B::from_host(numbers), dy = B::from_host(flat);
    const auto y = B::flatten_forward(x), dx = B::flatten_backward(dy, shape);
    x.fill(T(0));
    dy.fill(T(0));
    CHECK(same_bits(Tensor<T>(B::to_host(y)), flat));
    CHECK(same_bits(Tensor<T>(B::to_host(dx)), numbers));
}

TEMPLATE_TEST_CASE("l2_penalty: sums done by hand", "[ops][l2_penalty]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    const auto w = tensor<T>({2, 2}, {1, -2, 3, -4});
    CHECK(TestType::l2_penalty_forward(w, 0.5) == T(7.5)); // 0.25 (1 + 4 + 9 + 16)
    CHECK(TestType::l2_penalty_forward(w, 0.0) == 0);
    CHECK(equal_numbers(TestType::l2_penalty_backward(w, 0.5), tensor<T>({2, 2}, {0.5, -1, 1.5, -2})));
    const Tensor<T> none(Shape{0});
    CHECK(TestType::l2_penalty_forward(none, 0.5) == 0);
    CHECK(TestType::l2_penalty_backward(none, 0.5).shape() == Shape{0});
}

TEMPLATE_TEST_CASE("l2_penalty: every size, exact for whole numbers, overwrites or adds", "[ops][l2_penalty]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::size_t size : {1, 2, 3, 7, 8, 9, 17, 100, 1001, 300007}) {
        INFO(size);
        const auto w = whole_numbers<T>({size}, 1);
        double sum = 0;
        for (const T v : w.storage()) { sum += static_cast<double>(v) * static_cast<double>(v); }
        REQUIRE(static_cast<double>(B::l2_penalty_forward(w, 0.25)) == 0.125 * sum);
        const Tensor<T> dw = T(0.25) * w;
        REQUIRE(equal_numbers(B::l2_penalty_backward(w, 0.25), dw));
        REQUIRE(overwrites(dw, [&](Tensor<T>& t) { B::l2_penalty_backward(w, 0.25, t); }));
        Tensor<T> total = full<T>({size}, T(5));
        B::l2_penalty_backward(w, 0.25, total, Accumulate::yes);
        B::l2_penalty_backward(w, 0.25, total, Accumulate::yes);
        const Tensor<T> expected = T(5) + T(0.5) * w;
        REQUIRE(equal_numbers(total, expected));
    }
}
