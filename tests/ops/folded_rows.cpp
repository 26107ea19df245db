// Operations on rows take tensors of any rank: (N, D), a mini-batch of sequences (B, T, D), one row (D).

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// A copy in another shape.
template <class AnyTensor> AnyTensor in_shape(const AnyTensor& t, const Shape& shape) {
    AnyTensor result(shape);
    std::copy_n(t.data(), t.size(), result.data());
    return result;
}

/// Whether a tensor of backend B has the last extent `last`, the others of `shape`, and the numbers of `flat`.
template <class B> bool folds(const typename B::Tensor& got, const Shape& shape, const typename B::Tensor& flat) {
    using T = typename B::Scalar;
    const Tensor<T> right = B::to_host(flat);
    const Shape expected = with_last(shape, right.shape().back());
    return got.shape() == expected && same_bits(Tensor<T>(B::to_host(got)), in_shape(right, expected));
}

} // namespace

TEMPLATE_TEST_CASE("linear: the axes before the last one are folded into rows", "[ops][linear]", Reference<double>,
                   Cpu<float>, Cpu<double>, Device<float>, Device<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape : {Shape{4}, Shape{6, 4}, Shape{2, 3, 4}, Shape{3, 1, 2, 4}, Shape{2, 0, 4}}) {
        INFO(to_string(shape));
        const std::size_t n = count(without_last(shape));
        const Tensor<T> x = normal_numbers<T>({n, 4}, 1), dy = normal_numbers<T>({n, 5}, 2);
        const auto w = B::from_host(normal_numbers<T>({4, 5}, 3)), b = B::from_host(normal_numbers<T>({5}, 4));
        const auto flat_x = B::from_host(x), flat_dy = B::from_host(dy);
        const auto folded_x = B::from_host(in_shape(x, shape)),
                   folded_dy = B::from_host(in_shape(dy, with_last(shape, 5)));
        CHECK(folds<B>(B::linear_forward(folded_x, w, b), shape, B::linear_forward(flat_x, w, b)));
        const auto g = B::linear_backward(folded_x, w, folded_dy), flat = B::linear_backward(flat_x, w, flat_dy);
        CHECK(folds<B>(g.dx, shape, flat.dx));
        CHECK(same_bits(Tensor<T>(B::to_host(g.dw)), Tensor<T>(B::to_host(flat.dw))));
        CHECK(same_bits(Tensor<T>(B::to_host(g.db)), Tensor<T>(B::to_host(flat.db))));
    }
}

TEMPLATE_TEST_CASE("softmax and cross-entropy: the axes before the last one are folded into rows", "[ops][softmax]",
                   Reference<double>, Cpu<float>, Cpu<double>, Device<float>, Device<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape : {Shape{4}, Shape{6, 4}, Shape{2, 3, 4}, Shape{3, 1, 2, 4}}) {
        INFO(to_string(shape));
        const std::size_t n = count(without_last(shape));
        const Tensor<T> z = normal_numbers<T>({n, 4}, 1), dp = normal_numbers<T>({n, 4}, 2);
        const Labels y = random_labels(n, 4, 3);
        const auto flat_z = B::from_host(z), flat_dp = B::from_host(dp);
        const auto folded_z = B::from_host(in_shape(z, shape)), folded_dp = B::from_host(in_shape(dp, shape));
        const auto flat_y = B::from_host(y), folded_y = B::from_host(in_shape(y, without_last(shape)));

        const auto p = B::softmax_forward(folded_z), flat_p = B::softmax_forward(flat_z);
        CHECK(folds<B>(p, shape, flat_p));
        CHECK(folds<B>(B::softmax_backward(p, folded_dp), shape, B::softmax_backward(flat_p, flat_dp)));

        typename B::Tensor p_of_loss;
        typename B::Loss loss{};
        B::cross_entropy_forward(folded_z, folded_y, p_of_loss, loss);
        CHECK(folds<B>(p_of_loss, shape, flat_p));
        CHECK(B::item(loss) == B::cross_entropy_forward(flat_z, flat_y));
        CHECK(folds<B>(B::cross_entropy_backward(p, folded_y), shape, B::cross_entropy_backward(flat_p, flat_y)));
        const std::size_t correct = B::count_correct(flat_z, flat_y);
        CHECK(B::count_correct(folded_z, folded_y) == correct);
        auto tally = B::from_host(tensor<double>({2}, {10, 20}));
        B::add_to_tally(loss, folded_z, folded_y, tally);
        const double sum = 10 + static_cast<double>(n) * static_cast<double>(B::item(loss));
        CHECK(equal_numbers(Tensor<double>(B::to_host(tally)),
                            tensor<double>({2}, {sum, 20.0 + static_cast<double>(correct)})));
    }
}
