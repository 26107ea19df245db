#pragma once
/// @file
/// # Softmax cross-entropy
///
/// **Formulas.** From scores z and the true classes y,
/// \f[ p = \mathrm{softmax}(z), \qquad
///     L = -\frac1N \sum_n \log p_{n y_n} = \frac1N \sum_n \Bigl( \log \sum_j e^{z_{nj}} - z_{n y_n} \Bigr), \f]
/// \f[ dz_{nk} = \frac1N \bigl( p_{nk} - 1[k = y_n] \bigr). \f]
/// The logarithm is the natural one. The row's maximum is subtracted first, and log(p) itself is never computed, so a
/// probability that underflows costs no accuracy. The arguments are scores, not probabilities: do not apply softmax
/// before.
///
/// **Ignored rows.** A row with the label ignore_index, -100 as in PyTorch, has no loss and no gradient: its row of dz
/// is 0. N counts the other rows, in the mean and in dz. If all rows are ignored, the loss is NaN, the mean of no
/// numbers, and dz is 0. This is for text: positions that fill up a shorter sequence have nothing to predict.
///
/// **The predicted class** is the one with the largest score, the first of equal ones. As in torch.argmax, a NaN counts
/// as larger than every number, infinity included, and of several NaN the first counts. count_correct counts the rows
/// whose predicted class is the true one.
///
/// **Shapes.**
/// | name  | shape    | meaning |
/// | ----- | -------- | ------- |
/// | z, dz | (..., K) | rows of scores, any rank; and dL/dz. PyTorch wants the classes on axis 1 instead |
/// | y     | (...)    | the true class of each row, 0 .. K-1, or ignore_index |
/// | p     | (..., K) | softmax(z): forward returns it, backward needs it |
/// | L     | scalar   | the mean loss of the rows that are not ignored, in nats |
///
/// **Memory.** Backward needs p and y. In place: dz may be p, but p may not be z, because forward computes the loss
/// from z after p.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, for an empty batch, and for a label that is neither in
/// 0 .. K-1 nor ignore_index; and AliasError if p is z.
///
/// **Source.** Lecture 13, parts B and D; torch.nn.functional.cross_entropy with its defaults.
//
// The derivation, step by step: cross_entropy.md.

#include <cstdint>

#include "handgrad/device/memory.hpp"
#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The label of a row without a loss.
inline constexpr std::int64_t ignore_index = -100;

/// The kernels of cross-entropy, on at least one row of K > 0 scores. y contains valid classes and ignore_index, except
/// on a GPU, where the labels need not have been checked. N is the number of rows that are not ignored.
template <class Place> struct CrossEntropyKernels {
    /// p = softmax(z); *loss, in the memory of the place, is the mean loss.
    template <class T>
    static void forward(MatrixView<const T> z, VectorView<const std::int64_t> y, MatrixView<T> p, T* loss);
    /// dz = (p - [k = y]) / N.
    template <class T> static void backward(MatrixView<const T> p, VectorView<const std::int64_t> y, MatrixView<T> dz);
    /// The number of rows whose predicted class is the true one.
    template <class T> static std::size_t count_correct(MatrixView<const T> z, VectorView<const std::int64_t> y);
    /// tally[0] += N loss, if N is not 0; tally[1] += count_correct(z, y). Defined for the device only.
    template <class T>
    static void add_to_tally(const T* loss, MatrixView<const T> z, VectorView<const std::int64_t> y, double* tally);
    /// The first label that is neither in 0 .. classes-1 nor ignore_index, or y.size. Defined for the device only.
    static std::size_t first_wrong_label(VectorView<const std::int64_t> y, std::size_t classes);
};

/// Checks the shapes of z (or p) and of the labels on behalf of `where`. @throws ShapeError
void check_cross_entropy_shapes(std::string_view where, const Shape& z, const Shape& y);

/// Throws ShapeError: "cross_entropy_forward: label y[3] is 10, expected a class from 0 to 9".
[[noreturn]] void refuse_label(std::string_view where, std::size_t row, std::int64_t label, std::size_t classes);

/// The number of labels that are not ignore_index.
inline std::size_t count_not_ignored(VectorView<const std::int64_t> y) {
    std::size_t counted = 0;
    for (std::size_t n = 0; n < y.size; ++n) { counted += y(n) != ignore_index ? 1 : 0; }
    return counted;
}

/// The predicted class, given one score for each of the classes 0 .. classes-1: see above.
template <class T> std::size_t argmax(const T* scores, std::size_t classes) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < classes; ++k) {
        const bool is_first_nan = scores[k] != scores[k] && scores[best] == scores[best];
        if (scores[k] > scores[best] || is_first_nan) { best = k; }
    }
    return best;
}

/// The type of a loss at its place: on the host a number; on the device a tensor of shape (1,), which the device may
/// still be computing.
template <class Place, class T> struct LossOn {
    using type = T; ///< the number
};
/// The same for the device.
template <class T> struct LossOn<OnDevice, T> {
    using type = TensorOf<OnDevice, T>; ///< shape (1,)
};

/// Softmax cross-entropy, for all backends.
template <class Place, class T> struct CrossEntropyOperations {
    using Tensor = TensorOf<Place, T>;            ///< type of an array
    using Labels = TensorOf<Place, std::int64_t>; ///< type of the true classes
    using Loss = typename LossOn<Place, T>::type; ///< type of a loss at its place

    /// p = softmax(z), and the mean loss, which a device may still be computing when this returns. On a GPU the labels
    /// are not checked: a label outside 0 .. K-1 makes the loss NaN. @throws ShapeError, AliasError
    static void cross_entropy_forward(const Tensor& z, const Labels& y, Tensor& p, Loss& loss) {
        check("cross_entropy_forward", z, y, false);
        compute(z, y, p, loss);
    }
    /// The same; returns the loss.
    static T cross_entropy_forward(const Tensor& z, const Labels& y, Tensor& p) {
        check("cross_entropy_forward", z, y, true);
        Loss loss{};
        compute(z, y, p, loss);
        return item(loss);
    }
    /// The loss alone.
    static T cross_entropy_forward(const Tensor& z, const Labels& y) {
        Tensor p;
        return cross_entropy_forward(z, y, p);
    }

    /// dz, given p of forward. @throws ShapeError
    static void cross_entropy_backward(const Tensor& p, const Labels& y, Tensor& dz) {
        check("cross_entropy_backward", p, y, false);
        resize(dz, p.shape());
        CrossEntropyKernels<Place>::backward(rows(p), entries(y), rows(dz));
    }
    /// The same, as a new tensor.
    static Tensor cross_entropy_backward(const Tensor& p, const Labels& y) {
        Tensor dz;
        cross_entropy_backward(p, y, dz);
        return dz;
    }

    /// The number of rows of z whose predicted class is the true one. @throws ShapeError
    static std::size_t count_correct(const Tensor& z, const Labels& y) {
        check("count_correct", z, y, true);
        return CrossEntropyKernels<Place>::count_correct(rows(z), entries(y));
    }

    /// Adds a batch to the sums of an epoch without waiting for a device: tally, of shape (2,), gets
    /// tally[0] += N loss and tally[1] += count_correct(z, y), where N counts the rows that are not ignored.
    /// @throws ShapeError
    static void add_to_tally(const Loss& loss, const Tensor& z, const Labels& y, TensorOf<Place, double>& tally) {
        check("add_to_tally", z, y, false);
        require_shape("add_to_tally", "tally", tally.shape(), {2});
        if constexpr (on_device) {
            require_shape("add_to_tally", "loss", loss.shape(), {1});
            CrossEntropyKernels<Place>::add_to_tally(loss.data(), rows(z), entries(y), tally.data());
        } else {
            const auto counted = static_cast<double>(count_not_ignored(entries(y)));
            if (counted > 0) { tally.data()[0] += static_cast<double>(loss) * counted; }
            tally.data()[1] += static_cast<double>(CrossEntropyKernels<Place>::count_correct(rows(z), entries(y)));
        }
    }

    /// The loss as a number. Waits for the device if it computes the loss.
    static T item(const Loss& loss) {
        if constexpr (on_device) {
            T result;
            device::copy_to_host(loss.data(), &result, sizeof(T));
            return result;
        } else {
            return loss;
        }
    }

private:
    static constexpr bool on_device = std::is_same_v<Place, OnDevice>;

    /// p and the loss, once shapes and labels have been checked.
    static void compute(const Tensor& z, const Labels& y, Tensor& p, Loss& loss) {
        require_apart("cross_entropy_forward", {"p", p}, {{"z", z}});
        if constexpr (on_device) {
            require_apart("cross_entropy_forward", {"loss", loss}, {{"z", z}, {"p", p}});
            resize(loss, Shape{1});
        }
        resize(p, z.shape());
        CrossEntropyKernels<Place>::forward(rows(z), entries(y), rows(p), number(loss));
    }

    static T* number(Loss& loss) {
        if constexpr (on_device) {
            return loss.data();
        } else {
            return &loss;
        }
    }

    /// Checks the shapes and every label. Labels on a GPU only if `wait` is true, because the check waits for a kernel.
    static void check(std::string_view where, const Tensor& z, const Labels& y, bool wait) {
        check_cross_entropy_shapes(where, z.shape(), y.shape());
        const std::size_t classes = z.shape().back();
        if constexpr (on_device) {
            if (device::is_gpu() && !wait) { return; }
            const std::size_t wrong = CrossEntropyKernels<Place>::first_wrong_label(entries(y), classes);
            if (wrong < y.size()) {
                std::int64_t label;
                device::copy_to_host(y.data() + wrong, &label, sizeof(label));
                refuse_label(where, wrong, label, classes);
            }
        } else {
            const auto is_label = [&](std::int64_t l) {
                return l == ignore_index || (l >= 0 && static_cast<std::size_t>(l) < classes);
            };
            for (std::size_t n = 0; n < y.size(); ++n) {
                if (!is_label(y.data()[n])) { refuse_label(where, n, y.data()[n], classes); }
            }
        }
    }
};

HANDGRAD_CALL_AS(CrossEntropyOperations, cross_entropy_forward)
HANDGRAD_CALL_AS(CrossEntropyOperations, cross_entropy_backward)
HANDGRAD_CALL_AS(CrossEntropyOperations, count_correct)
HANDGRAD_CALL_AS(CrossEntropyOperations, add_to_tally)

} // namespace handgrad

#include "handgrad/ops/cross_entropy/reference.hpp" // the kernels of the reference are templates
