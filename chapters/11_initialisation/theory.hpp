#pragma once
// ## The theory, in numbers
//
// The idea, on the page before, has followed a signal through a layer: forward by
// $E[z^2] = D\, E[w^2]\, E[o^2]$, backward by $E[do^2] = M\, E[w^2]\, E[dz^2]$. What remains is the
// activation. Entries of $z$ are sums of many terms, so they are nearly normal, with mean 0 and a
// standard deviation $\sigma$. Then $E[f(z)^2]$ is an integral over the normal density, which we
// compute by adding up 4,001 narrow strips.

#include <cmath>
#include <cstddef>
#include <vector>

enum class Activation { tanh, relu };

constexpr double pi = 3.14159265358979323846;

inline double normal_density(double u) {
    return std::exp(-u * u / 2) / std::sqrt(2 * pi);
}

// The probability that a standard normal number is less than u.
inline double normal_probability(double u) {
    return std::erfc(-u / std::sqrt(2.0)) / 2;
}

// The expected value of g(u) for a standard normal number u.
template <class G> double normal_mean(const G& g) {
    constexpr double width = 0.005, end = 10;
    double sum = 0;
    for (double u = -end; u <= end; u += width) {
        sum += g(u) * normal_density(u) * width;
    }
    return sum;
}

inline double f(Activation activation, double z) {
    return activation == Activation::tanh ? std::tanh(z) : z > 0 ? z : 0;
}

inline double derivative(Activation activation, double z) {
    const double o = std::tanh(z);
    return activation == Activation::tanh ? 1 - o * o : z > 0 ? 1 : 0;
}

// A tanh unit is called saturated where its output is above 0.97 or below -0.97. Its derivative
// $1 - o^2$ is less than 0.06 there.
constexpr double saturated_from = 0.97;

// ### The unusable units
//
// The share of saturated tanh units follows from $\sigma$ alone: it is the probability that a
// normal number is beyond $\operatorname{artanh} 0.97 = 2.09$ on either side.
inline double saturated_share(double sigma) {
    return 2 * normal_probability(-std::atanh(saturated_from) / sigma);
}

// A ReLU unit is dead if it is 0 for every example: then no example gives it a gradient. Without
// biases, each example makes a unit 0 with probability one half. If N examples were independent,
// $2^{-N}$ of the units would be dead, which is none. But a ReLU layer makes examples more similar:
// all its outputs are positive. Let $\rho$ be the cosine of the angle between two examples. After a
// layer with random weights and ReLU it is
// $$\rho' = \frac1\pi \left( \sqrt{1 - \rho^2} + \rho\, (\pi - \arccos \rho) \right)$$
// (Y. Cho and L. Saul, Kernel Methods for Deep Learning, 2009). From 0 it becomes 0.32, then 0.49,
// and it tends to 1: in a deep layer all examples look the same.
inline double next_cosine(double rho) {
    return (std::sqrt(1 - rho * rho) + rho * (pi - std::acos(rho))) / pi;
}

// The $z$ of one unit for N examples with cosine $\rho$ behave like
// $\sqrt\rho\, u + \sqrt{1 - \rho}\, u_n$:
// one normal number $u$ that all share, and one for each. Given $u$, all N are negative with the
// probability in the power below.
inline double dead_share(double rho, std::size_t examples) {
    if (rho <= 0) { return std::pow(0.5, static_cast<double>(examples)); }
    return normal_mean([&](double u) {
        const double one = normal_probability(-u * std::sqrt(rho / (1 - rho)));
        return std::pow(one, static_cast<double>(examples));
    });
}

// ### Layer after layer
//
// The expected sizes of one layer. A size is the root of a mean square: for mean 0 it is the
// standard deviation.
struct Sizes {
    double o = 1, dz = 1, dw = 1; // outputs, gradients of z and of the weights
    double unusable = 0;          // the share of saturated or dead units
};

// All layers of a network with `width` units each. The weights have standard deviation
// $\text{gain} / \sqrt{\text{width}}$, so that $D\, E[w^2] = M\, E[w^2] = \text{gain}^2$. The inputs
// and the gradient of the last outputs are normal numbers of size 1.
inline std::vector<Sizes> predict(Activation activation, double gain,
                                  std::size_t layers, std::size_t examples) {
    std::vector<Sizes> sizes(layers + 1); // sizes[0] is the input
    std::vector<double> slope(layers + 1);
    double rho = 0;
    for (std::size_t l = 1; l <= layers; ++l) {
        const double sigma = gain * sizes[l - 1].o;
        const auto squared = [&](double (*g)(Activation, double)) {
            return normal_mean([&](double u) {
                const double value = g(activation, sigma * u);
                return value * value;
            });
        };
        sizes[l].o = std::sqrt(squared(f));
        slope[l] = std::sqrt(squared(derivative));
        sizes[l].unusable = activation == Activation::tanh
                                ? saturated_share(sigma)
                                : dead_share(rho, examples);
        rho = next_cosine(rho);
    }
    double upstream = 1; // the size of do
    for (std::size_t l = layers; l >= 1; --l) {
        sizes[l].dz = slope[l] * upstream;
        sizes[l].dw = std::sqrt(static_cast<double>(examples)) *
                      sizes[l - 1].o * sizes[l].dz;
        upstream = gain * sizes[l].dz;
    }
    return sizes;
}

// ### The first loss
//
// The expected value of the largest of `count` standard normal numbers; for 27 it is 2.07. It has
// the density count * (probability that the others are less) * (density of one).
inline double expected_maximum(std::size_t count) {
    const auto others = static_cast<double>(count - 1);
    return normal_mean([&](double u) {
        return u * (others + 1) * std::pow(normal_probability(u), others);
    });
}
