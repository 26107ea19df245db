#include "handgrad/ops/cross_entropy/cpu.hpp"

#include <cmath>

#include "handgrad/ops/softmax/rows.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad::cpu {

template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p) {
    check_cross_entropy("cross_entropy_forward", z.shape(), y);
    require_cross_entropy_apart(z, p);
    resize(p, z.shape());
    const std::size_t classes = z.shape(1);
    const Chunks chunks(z.shape(0), softmax_grain(classes));
    // One sum a chunk, in double, added up in the chunks' order.
    thread_local std::vector<double> losses;
    losses.assign(chunks.count, 0.0);
    parallel_for(chunks.count, [&, loss = losses.data()](std::size_t i) {
        const std::size_t offset = chunks.begin(i) * classes;
        const T* zi = z.data() + offset;
        const std::int64_t* yi = y.data() + chunks.begin(i);
        double total = 0;
        softmax_rows(zi, p.data() + offset, chunks.length(i), classes, [&](std::size_t n, T maximum, T sum) {
            const T at_label = zi[n * classes + static_cast<std::size_t>(yi[n])] - maximum;
            total += static_cast<double>(std::log(sum)) - static_cast<double>(at_label);
        });
        loss[i] = total;
    });
    double sum = 0;
    for (const double chunk : losses) { sum += chunk; }
    return static_cast<T>(sum / static_cast<double>(z.shape(0)));
}

template <class T> void cross_entropy_backward(const Tensor<T>& p, const Labels& y, Tensor<T>& dz) {
    check_cross_entropy("cross_entropy_backward", p.shape(), y);
    resize(dz, p.shape());
    const std::size_t classes = p.shape(1);
    const T batch = static_cast<T>(p.shape(0));
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        const std::size_t row = n * classes, label = row + static_cast<std::size_t>(y.data()[n]);
        const T at_label = (p.data()[label] - T(1)) / batch; // first, since dz may be p
        for (std::size_t i = row; i < row + classes; ++i) { dz.data()[i] = p.data()[i] / batch; }
        dz.data()[label] = at_label;
    }
}

template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y) {
    Tensor<T> p;
    return cross_entropy_forward(z, y, p);
}

template <class T> Tensor<T> cross_entropy_backward(const Tensor<T>& p, const Labels& y) {
    Tensor<T> dz;
    cross_entropy_backward(p, y, dz);
    return dz;
}

template <class T> std::size_t count_correct(const Tensor<T>& z, const Labels& y) {
    check_cross_entropy("count_correct", z.shape(), y);
    const std::size_t classes = z.shape(1);
    std::size_t correct = 0;
    for (std::size_t n = 0; n < z.shape(0); ++n) {
        const std::size_t best = argmax(z.data() + n * classes, classes);
        if (best == static_cast<std::size_t>(y.data()[n])) { ++correct; }
    }
    return correct;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template T cross_entropy_forward(const Tensor<T>&, const Labels&, Tensor<T>&);                                     \
    template void cross_entropy_backward(const Tensor<T>&, const Labels&, Tensor<T>&);                                 \
    template T cross_entropy_forward(const Tensor<T>&, const Labels&);                                                 \
    template Tensor<T> cross_entropy_backward(const Tensor<T>&, const Labels&);                                        \
    template std::size_t count_correct(const Tensor<T>&, const Labels&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
