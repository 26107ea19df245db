// Attention, in three kernels forward and three backward: one item for each score, one for each row of the softmax, one
// for each number of the result. An item of backward sums over the tokens that look at its token, or at which its token
// looks: no two items write to the same number. Formulas: attention.hpp.

#include <cmath>

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/attention/attention.hpp"

namespace handgrad {
namespace {

/// A score's place: sequence, head, the token t that looks and the token s at which it looks.
struct Pair {
    std::size_t b, head, t, s;
    HANDGRAD_HOST_DEVICE Pair(const AttentionExtents& e, std::size_t item)
        : b(item / e.tokens / e.tokens / e.heads), head(item / e.tokens / e.tokens % e.heads),
          t(item / e.tokens % e.tokens), s(item % e.tokens) {}
};

/// 1 / sqrt(D) times the product of a query and a key; 0 where the mask hides the key.
template <class T> struct Score {
    AttentionExtents e;
    MatrixView<const T> qkv;
    T scale;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const Pair at(e, item);
        if (at.s >= e.visible(at.t)) { return T(0); }
        const T* q = &qkv(at.b * e.tokens + at.t, at.head * e.features);
        const T* k = &qkv(at.b * e.tokens + at.s, e.width() + at.head * e.features);
        T score(0);
        for (std::size_t c = 0; c < e.features; ++c) { score += q[c] * k[c]; }
        return scale * score;
    }
};

/// Softmax of the visible scores of a row, in place.
template <class T> struct SoftmaxOfRow {
    AttentionExtents e;
    T* p;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        T* row = p + item * e.tokens;
        const std::size_t visible = e.visible(item % e.tokens);
        T largest = row[0], sum(0);
        for (std::size_t s = 1; s < visible; ++s) { largest = row[s] > largest || row[s] != row[s] ? row[s] : largest; }
        for (std::size_t s = 0; s < visible; ++s) {
            row[s] = std::exp(row[s] - largest);
            sum += row[s];
        }
        for (std::size_t s = 0; s < visible; ++s) { row[s] /= sum; }
    }
};

template <class T> struct Result {
    AttentionExtents e;
    MatrixView<const T> qkv;
    ImagesView<const T> p;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t row = item / e.width(), c = item % e.width(), b = row / e.tokens, t = row % e.tokens;
        T sum(0);
        for (std::size_t s = 0; s < e.visible(t); ++s) {
            sum += p(b, c / e.features, t, s) * qkv(b * e.tokens + s, 2 * e.width() + c);
        }
        return sum;
    }
};

template <class T> struct GradientOfProbability {
    AttentionExtents e;
    MatrixView<const T> qkv, dy;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const Pair at(e, item);
        if (at.s >= e.visible(at.t)) { return T(0); }
        const T* dyt = &dy(at.b * e.tokens + at.t, at.head * e.features);
        const T* v = &qkv(at.b * e.tokens + at.s, 2 * e.width() + at.head * e.features);
        T sum(0);
        for (std::size_t c = 0; c < e.features; ++c) { sum += dyt[c] * v[c]; }
        return sum;
    }
};

/// A row of dp becomes a row of dz / sqrt(D), in place.
template <class T> struct GradientOfScores {
    AttentionExtents e;
    const T* p;
    T scale;
    T* dz;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const T* p_row = p + item * e.tokens;
        T* row = dz + item * e.tokens;
        const std::size_t visible = e.visible(item % e.tokens);
        T mean(0); // of dp, with the weights p
        for (std::size_t s = 0; s < visible; ++s) { mean += row[s] * p_row[s]; }
        for (std::size_t s = 0; s < visible; ++s) { row[s] = scale * p_row[s] * (row[s] - mean); }
    }
};

template <class T> struct Backward {
    AttentionExtents e;
    MatrixView<const T> qkv;
    ImagesView<const T> p;
    MatrixView<const T> dy;
    ImagesView<const T> dz;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t C = e.width(), row = item / (3 * C), column = item % (3 * C), b = row / e.tokens;
        const std::size_t token = row % e.tokens, c = column % C, head = c / e.features, first = b * e.tokens;
        T sum(0);
        if (column < C) { // dq: over the keys that the token sees
            for (std::size_t s = 0; s < e.visible(token); ++s) { sum += dz(b, head, token, s) * qkv(first + s, C + c); }
            return sum;
        }
        // dk and dv: over the tokens that see this one
        for (std::size_t t = e.causal ? token : 0; t < e.tokens; ++t) {
            sum += column < 2 * C ? dz(b, head, t, token) * qkv(first + t, c) : p(b, head, t, token) * dy(first + t, c);
        }
        return sum;
    }
};

/// attention_append: stores a number of a new key, and the same number of its value.
template <class T> struct Keep {
    AttentionExtents e;
    KeptTokens kept;
    MatrixView<const T> qkv;
    MatrixView<T> keys, values;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t C = e.width(), row = item / C, c = item % C, b = row / e.tokens;
        const std::size_t place = kept.past + row % e.tokens;
        keys(b * C + c, place) = qkv(row, C + c);
        values(b * kept.length + place, c) = qkv(row, 2 * C + c);
    }
};

/// attention_append: softmax of the scores of a new token in a head. A row of p has kept.length numbers.
template <class T> struct WeightsOfKept {
    AttentionExtents e;
    KeptTokens kept;
    MatrixView<const T> qkv, keys;
    T scale;
    T* p;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t first = item % e.heads * e.features, row = item / e.heads, b = row / e.tokens;
        const std::size_t seen = kept.past + row % e.tokens + 1;
        T* z = p + item * kept.length;
        for (std::size_t s = 0; s < seen; ++s) {
            T score(0);
            for (std::size_t c = first; c < first + e.features; ++c) {
                score += qkv(row, c) * keys(b * e.width() + c, s);
            }
            z[s] = scale * score;
        }
        T largest = z[0], sum(0);
        for (std::size_t s = 1; s < seen; ++s) { largest = z[s] > largest || z[s] != z[s] ? z[s] : largest; }
        for (std::size_t s = 0; s < seen; ++s) {
            z[s] = std::exp(z[s] - largest);
            sum += z[s];
        }
        for (std::size_t s = 0; s < seen; ++s) { z[s] /= sum; }
    }
};

template <class T> struct ResultOfKept {
    AttentionExtents e;
    KeptTokens kept;
    MatrixView<const T> values;
    const T* p;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t row = item / e.width(), c = item % e.width(), b = row / e.tokens;
        const T* weights = p + (row * e.heads + c / e.features) * kept.length;
        T sum(0);
        for (std::size_t s = 0; s <= kept.past + row % e.tokens; ++s) {
            sum += weights[s] * values(b * kept.length + s, c);
        }
        return sum;
    }
};

template <class T> T scale_of(const AttentionExtents& e) {
    return static_cast<T>(1 / std::sqrt(static_cast<double>(e.features)));
}

} // namespace

template <> template <class T> void AttentionKernels<OnDevice>::forward(const AttentionExtents& e,
                                                                        MatrixView<const T> qkv, ImagesView<T> p,
                                                                        MatrixView<T> y) {
    const std::size_t rows = e.batch * e.heads * e.tokens;
    device::tabulate(p.data, rows * e.tokens, 2 * e.features, Score<T>{e, qkv, scale_of<T>(e)});
    device::for_each_item(rows, 25 * e.tokens, SoftmaxOfRow<T>{e, p.data});
    const ImagesView<const T> probabilities{p.data, p.n, p.c, p.h, p.w};
    device::tabulate(y.data, y.rows * y.columns, 2 * e.tokens, Result<T>{e, qkv, probabilities});
}

template <> template <class T> void AttentionKernels<OnDevice>::backward(const AttentionExtents& e,
                                                                         MatrixView<const T> qkv, ImagesView<const T> p,
                                                                         MatrixView<const T> dy, MatrixView<T> dqkv) {
    const std::size_t rows = e.batch * e.heads * e.tokens;
    T* dz = device::scratch<T>(rows * e.tokens);
    device::tabulate(dz, rows * e.tokens, 2 * e.features, GradientOfProbability<T>{e, qkv, dy});
    device::for_each_item(rows, 6 * e.tokens, GradientOfScores<T>{e, p.data, scale_of<T>(e), dz});
    device::tabulate(dqkv.data, dqkv.rows * dqkv.columns, 2 * e.tokens,
                     Backward<T>{e, qkv, p, dy, ImagesView<const T>{dz, p.n, p.c, p.h, p.w}});
}

template <> template <class T>
void AttentionKernels<OnDevice>::append(const AttentionExtents& e, const KeptTokens& kept, MatrixView<const T> qkv,
                                        MatrixView<T> keys, MatrixView<T> values, MatrixView<T> y) {
    const std::size_t items = e.batch * e.tokens * e.heads, seen = kept.past + e.tokens;
    T* p = device::scratch<T>(items * kept.length);
    device::for_each_item(e.batch * e.tokens * e.width(), 2, Keep<T>{e, kept, qkv, keys, values});
    const MatrixView<const T> all_keys{keys.data, keys.rows, keys.columns},
        all_values{values.data, values.rows, values.columns};
    device::for_each_item(items, (2 * e.features + 25) * seen,
                          WeightsOfKept<T>{e, kept, qkv, all_keys, scale_of<T>(e), p});
    device::tabulate(y.data, y.rows * y.columns, 2 * seen, ResultOfKept<T>{e, kept, all_values, p});
}

HANDGRAD_INSTANTIATE_KERNEL(AttentionKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(AttentionKernels<OnDevice>::backward)
HANDGRAD_INSTANTIATE_KERNEL(AttentionKernels<OnDevice>::append)

} // namespace handgrad
