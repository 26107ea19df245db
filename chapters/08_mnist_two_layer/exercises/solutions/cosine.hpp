#pragma once
// Exercise 08.5: a learning rate that falls along a cosine.

#include <cmath>

// (1 + cos) / 2 falls from 1 to 0 while its argument goes from 0 to pi.
inline double cosine_annealing_lr(int epoch, int T, double lr, double eta_min) {
    const double pi = std::acos(-1.0);
    return eta_min + (lr - eta_min) * (1 + std::cos(pi * epoch / T)) / 2;
}
