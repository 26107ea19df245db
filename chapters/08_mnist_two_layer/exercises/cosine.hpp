#pragma once
// Exercise 08.5: a learning rate that falls along a cosine.
// Background: chapter 08, the section about the schedule.

#include <cmath>

// Returns the learning rate of an epoch from 0 to `epochs`: half a period of a
// cosine that starts at lr in epoch 0 and ends at lr_min in epoch `epochs`. Its
// slope is zero at both ends. PyTorch calls it CosineAnnealingLR.
// Find the formula; pi is std::acos(-1.0).
inline double cosine_annealing_lr(int epoch, int epochs, double lr,
                                  double lr_min) {
    // Your code goes here.
    return 0;
}
