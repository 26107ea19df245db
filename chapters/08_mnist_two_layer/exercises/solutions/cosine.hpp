#pragma once
// Exercise 08.5: a learning rate that falls along a cosine.

#include <cmath>

// (1 + cos) / 2 falls from 1 to 0 while the argument of cos goes from 0 to pi.
inline double cosine_annealing_lr(int epoch, int epochs, double lr,
                                  double lr_min) {
    const double pi = std::acos(-1.0);
    return lr_min + (lr - lr_min) * (1 + std::cos(pi * epoch / epochs)) / 2;
}
