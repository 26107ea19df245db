// What every operation says of arguments that do not fit: one line, the same on all backends.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("linear refuses shapes that do not fit", "[ops][shapes]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto t = [](const Shape& shape) { return zeros<T>(shape); };
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b) {
        return message_of([&] { B::linear_forward(t(x), t(w), t(b)); });
    };
    CHECK(forward({}, {3, 4}, {4}) == "linear_forward: x has shape (), expected (..., D_in)");
    CHECK(forward({2, 3, 1}, {3, 4}, {4}) == "linear_forward: w has shape (3, 4), expected (1, 4)");
    CHECK(forward({2, 5, 3}, {3, 4}, {4}) == "no exception");
    CHECK(forward({3}, {3, 4}, {4}) == "no exception");
    CHECK(forward({2, 3}, {3}, {4}) == "linear_forward: w has shape (3,), expected 2 dimensions (D_in, D_out)");
    CHECK(forward({2, 3}, {4, 3}, {3}) == "linear_forward: w has shape (4, 3), expected (3, 3)");
    CHECK(forward({2, 3}, {3, 4}, {3}) == "linear_forward: b has shape (3,), expected (4,)");
    CHECK(forward({2, 3}, {3, 4}, {1, 4}) == "linear_forward: b has shape (1, 4), expected (4,)");
    CHECK(forward({2, 3}, {3, 4}, {}) == "linear_forward: b has shape (), expected (4,)");

    const auto backward = [&](const Shape& x, const Shape& w, const Shape& dy) {
        return message_of([&] { B::linear_backward(t(x), t(w), t(dy)); });
    };
    CHECK(backward({2, 3}, {3, 4}, {}) == "linear_backward_input: dy has shape (), expected (..., D_out)");
    CHECK(backward({2, 3}, {3}, {2, 4}) ==
          "linear_backward_input: w has shape (3,), expected 2 dimensions (D_in, D_out)");
    CHECK(backward({2, 3}, {3, 4}, {2, 5}) == "linear_backward_input: w has shape (3, 4), expected (3, 5)");
    CHECK(backward({2}, {3, 4}, {2, 4}) == "linear_backward_weight: dy has shape (2, 4), expected (4,)");
    CHECK(backward({}, {3, 4}, {2, 4}) == "linear_backward_weight: x has shape (), expected (..., D_in)");
    CHECK(backward({3, 3}, {3, 4}, {2, 4}) == "linear_backward_weight: dy has shape (2, 4), expected (3, 4)");

    Tensor<T> dw = t({3, 5}), db = t({5});
    CHECK(message_of([&] {
              B::linear_backward_weight(t({2, 3}), t({2, 4}), dw, Accumulate::yes);
          }) == "linear_backward_weight: dw has shape (3, 5), expected (3, 4)");
    CHECK(message_of([&] {
              B::linear_backward_bias(t({2, 4}), db, Accumulate::yes);
          }) == "linear_backward_bias: db has shape (5,), expected (4,)");
    CHECK(message_of([&] { B::linear_backward_bias(t({}), db); }) ==
          "linear_backward_bias: dy has shape (), expected (..., D_out)");
}

TEMPLATE_TEST_CASE("activations and flatten refuse shapes that do not fit", "[ops][shapes]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto a = zeros<T>({2, 3}), b = zeros<T>({3, 2});
    CHECK(message_of([&] { B::relu_backward(a, b); }) == "relu_backward: dy has shape (3, 2), expected (2, 3)");
    CHECK(message_of([&] { B::sigmoid_backward(a, b); }) == "sigmoid_backward: dy has shape (3, 2), expected (2, 3)");
    CHECK(message_of([&] { B::tanh_backward(a, b); }) == "tanh_backward: dy has shape (3, 2), expected (2, 3)");
    Tensor<T> out;
    const auto scalar = zeros<T>({});
    CHECK(message_of([&] { B::flatten_forward(scalar, out); }) == "flatten_forward: x has shape (), expected (N, ...)");
    CHECK(message_of([&] {
              B::flatten_backward(a, Shape{2, 2, 2}, out);
          }) == "flatten_backward: dy has shape (2, 3), expected (2, 4)");
}

TEMPLATE_TEST_CASE("softmax and cross-entropy refuse shapes and labels that do not fit", "[ops][shapes]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto t = [](const Shape& shape) { return zeros<T>(shape); };
    CHECK(message_of([&] { B::softmax_forward(t({})); }) == "softmax_forward: z has shape (), expected (..., K)");
    CHECK(message_of([&] {
              B::softmax_forward(t({3, 0}));
          }) == "softmax_forward: z has shape (3, 0), expected at least one class");
    CHECK(message_of([&] { B::softmax_backward(t({}), t({})); }) ==
          "softmax_backward: p has shape (), expected (..., K)");
    CHECK(message_of([&] {
              B::softmax_backward(t({3, 2}), t({2, 3}));
          }) == "softmax_backward: dp has shape (2, 3), expected (3, 2)");
    CHECK(message_of([&] {
              B::softmax_backward(t({3, 0}), t({3, 0}));
          }) == "softmax_backward: p has shape (3, 0), expected at least one class");
    CHECK(B::softmax_forward(t({0, 3})).shape() == Shape{0, 3});
    CHECK(B::softmax_backward(t({0, 3}), t({0, 3})).shape() == Shape{0, 3});

    using Call = std::string (*)(const Tensor<T>&, const Labels&);
    const std::pair<std::string, Call> calls[] = {
        {"cross_entropy_forward",
         [](const Tensor<T>& z, const Labels& y) { return message_of([&] { B::cross_entropy_forward(z, y); }); }},
        {"cross_entropy_backward",
         [](const Tensor<T>& z, const Labels& y) { return message_of([&] { B::cross_entropy_backward(z, y); }); }},
        {"count_correct",
         [](const Tensor<T>& z, const Labels& y) { return message_of([&] { B::count_correct(z, y); }); }}};
    for (const auto& [name, call] : calls) {
        CHECK(call(t({}), labels({0, 1})) == name + ": z has shape (), expected (..., K)");
        CHECK(call(t({2}), labels({0, 1})) == name + ": y has shape (2,), expected ()");
        CHECK(call(t({2, 3}), labels({0, 1, 2})) == name + ": y has shape (3,), expected (2,)");
        CHECK(call(t({0, 3}), labels({})) == name + ": z has shape (0, 3), expected at least one row and one class");
        CHECK(call(t({1, 0}), labels({0})) == name + ": z has shape (1, 0), expected at least one row and one class");
        // On a GPU a check of the labels waits for a kernel, and backward does not wait.
        if (std::is_same_v<B, support::OnDevice<T>> && device::is_gpu() && name == "cross_entropy_backward") {
            continue;
        }
        CHECK(call(t({2, 3}), labels({0, 3})) == name + ": label y[1] is 3, expected a class from 0 to 2");
        CHECK(call(t({2, 3}), labels({-1, 0})) == name + ": label y[0] is -1, expected a class from 0 to 2");
        CHECK(call(t({1, 1}), labels({std::numeric_limits<std::int64_t>::max()})) ==
              name + ": label y[0] is 9223372036854775807, expected a class from 0 to 0");
    }
}

TEMPLATE_TEST_CASE("l2_penalty and sgd_step refuse shapes that do not fit", "[ops][shapes]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    Tensor<T> dw = zeros<T>({2}), p = zeros<T>({3, 2}), v;
    CHECK(message_of([&] { B::l2_penalty_backward(zeros<T>({3}), 0.1, dw, Accumulate::yes); }) ==
          "l2_penalty_backward: dw has shape (2,), expected (3,)");
    CHECK(message_of([&] {
              B::sgd_step(p, zeros<T>({2, 3}), v, SgdOptions{});
          }) == "sgd_step: g has shape (2, 3), expected (3, 2)");
}

TEST_CASE("a refused call leaves the result alone", "[ops][shapes]") {
    Tensor<float> y = full<float>({2, 2}, 7.0f);
    CHECK_THROWS_AS(Cpu<float>::linear_forward(zeros<float>({2, 3}), zeros<float>({4, 2}), zeros<float>({2}), y),
                    ShapeError);
    CHECK(equal_numbers(y, full<float>({2, 2}, 7.0f)));
}
