#pragma once
// ## The twelve steps, forward
//
// A channel of a mini-batch is a column of $m$ numbers, one from each example. Batch normalisation
// turns the column $x$ into a column $y$ of the same length. We write the computation as a chain
// of twelve steps so small that each has a derivative that one knows by heart. Every intermediate
// result gets a name, and next to it stands the name of its gradient.
//
// The scalar type is a template parameter. `double` computes, `float` shows what single precision
// costs, and `std::complex<double>` differentiates by the complex step (chapter 06).

#include <cmath>
#include <cstddef>
#include <vector>

template <class T> using Column = std::vector<T>;

template <class T> T sum(const Column<T>& column) {
    T total(0);
    for (const T& number : column) { total += number; }
    return total;
}

template <class T> struct Graph {
    T w, b, eps, m;
    Column<T> x, c, q, x_hat, z, y;
    T s, mu, v, var, e, t, rstd;

    Column<T> dx, dc, dq, dx_hat, dz;
    T ds, dmu, dv, dvar, de, dt, drstd, dw, db;

    Graph(T w_, T b_, T eps_) : w(w_), b(b_), eps(eps_) {}

    // The comments count the steps.
    const Column<T>& forward(const Column<T>& x_) {
        using std::sqrt;
        x = c = q = x_hat = z = y = x_;
        m = T(static_cast<double>(x.size()));
        s = sum(x);                                    // 1
        mu = s / m;                                    // 2
        for (T& number : c) { number -= mu; }          // 3
        for_each([&](auto i) { q[i] = c[i] * c[i]; }); // 4
        v = sum(q);                                    // 5
        var = v / m;                                   // 6
        e = var + eps;                                 // 7
        t = sqrt(e);                                   // 8
        rstd = T(1) / t;                               // 9
        for_each([&](auto i) {
            x_hat[i] = c[i] * rstd; // 10
            z[i] = x_hat[i] * w;    // 11
            y[i] = z[i] + b;        // 12
        });
        return y;
    }

    const Column<T>& backward(const Column<T>& dy);

private:
    template <class F> void for_each(const F& f) const {
        for (std::size_t i = 0; i < x.size(); ++i) { f(i); }
    }
};

// ## The twelve steps, backward
//
// Backward goes through the same steps from the last to the first. Each line is the chain rule for
// one step: the gradient of the step's result, times the derivative of the step. Two rules are
// enough to get every line right.
//
// 1. If a single number is used by a whole column, as $\text{rstd}$, $w$, $b$ and $\mu$ are, its
//    gradient is a **sum** over the column.
// 2. If a number is used twice, its gradient has **two parts** that are added: $c$ is used in
//    steps 4 and 10, and $x$ in steps 1 and 3.
//
// Without $ds$ the result ignores that the mean depends on $x$. Without step 4 it ignores that the
// variance does.
template <class T> const Column<T>& Graph<T>::backward(const Column<T>& dy) {
    dx = dc = dq = dx_hat = dz = dy;
    db = sum(dz); // 12
    dw = drstd = T(0);
    for_each([&](auto i) {
        dw += dz[i] * x_hat[i]; // 11
        dx_hat[i] = dz[i] * w;
        drstd += dx_hat[i] * c[i]; // 10
        dc[i] = dx_hat[i] * rstd;
    });
    dt = -drstd / (t * t); // 9
    de = dt / (T(2) * t);  // 8
    dvar = de;             // 7
    dv = dvar / m;         // 6
    for_each([&](auto i) {
        dq[i] = dv;                   // 5
        dc[i] += T(2) * c[i] * dq[i]; // 4, added to that of step 10
    });
    dmu = -sum(dc);                                // 3
    ds = dmu / m;                                  // 2
    for_each([&](auto i) { dx[i] = dc[i] + ds; }); // 3 and 1
    return dx;
}

// ## The three terms
//
// Twelve steps read and write the column a dozen times. The derivation on the page about batch
// normalisation inserts each line into the next one, and nearly everything cancels. What remains is
// $$dx_i = w\, \text{rstd} \Bigl( dy_i - \frac1m \sum_j dy_j
// - \hat x_i\, \frac1m \sum_j dy_j\, \hat x_j \Bigr).$$
// The first term would be the whole gradient if mean and variance were constants. The second term
// is there because the mean depends on $x$, the third because the variance does. The function can
// leave out the second or the third one; we shall need that for an experiment.
struct Terms {
    bool mean = true, variance = true;
    double less = 0; // a mistake: the third term is divided by m - less
};

template <class T> Column<T> three_terms(const Graph<T>& forward,
                                         const Column<T>& dy,
                                         const Terms& terms = {}) {
    T dy_mean(0), dyx_mean(0);
    for (std::size_t i = 0; i < dy.size(); ++i) {
        dy_mean += dy[i] / forward.m;
        dyx_mean += dy[i] * forward.x_hat[i] / (forward.m - T(terms.less));
    }
    Column<T> dx(dy.size());
    for (std::size_t i = 0; i < dy.size(); ++i) {
        const T mean = terms.mean ? dy_mean : T(0);
        const T variance = terms.variance ? forward.x_hat[i] * dyx_mean : T(0);
        dx[i] = forward.w * forward.rstd * (dy[i] - mean - variance);
    }
    return dx;
}
