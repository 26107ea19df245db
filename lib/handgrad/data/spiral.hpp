#pragma once
/// @file
/// The spiral: points in the plane that no straight line can tell apart.

#include <cstddef>

#include "handgrad/tensor/random.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::data {

/// Points and their classes.
struct Spiral {
    Tensor<double> x; ///< (N K, 2): the points, class after class, from the centre outwards
    Labels y;         ///< (N K): the class of each point, 0 .. K-1
};

/// n numbers from `first` to `last` in equal steps, shape (n), as np.linspace rounds them: first + i * step, and the
/// last one exactly `last`.
Tensor<double> linspace(double first, double last, std::size_t n);

/// K spiral arms of N points each, as the lecture draws them. For point n of arm k,
/// \f[ \text{radius}_n = \frac{n}{N-1}, \qquad
///     \text{angle}_{nk} = 4k + \frac{4n}{N-1} + 0.2\,\text{noise}_{nk}, \qquad
///     x_{nk} = (\text{radius}_n \sin \text{angle}_{nk},\; \text{radius}_n \cos \text{angle}_{nk}) \f]
/// with standard normal noise: every arm turns through 4 radians, a little more than half a circle, and
/// starts where the one before it ends.
///
/// Radii and angles equal those of the NumPy program of the same seed bit for bit; sine and cosine are the C
/// library's, which may differ from NumPy's in the last bit.
/// @param random the stream that the noise is drawn from, N numbers an arm; the lecture draws its weights from it next
/// @param points_per_class N
/// @param classes K
/// @returns the points (N K, 2) and classes (N K)
/// @throws ShapeError if N or K is 0
///
/// Source: "Supervised Machine Learning and Learning Theory", Lecture 13 (2024), which takes the data set from
/// Stanford's CS231n notes.
Spiral make_spiral(NumpyRandom& random, std::size_t points_per_class = 100, std::size_t classes = 3);

} // namespace handgrad::data
