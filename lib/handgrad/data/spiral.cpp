#include "handgrad/data/spiral.hpp"

#include <cmath>

namespace handgrad::data {

Tensor<double> linspace(double first, double last, std::size_t n) {
    require_at_least("linspace", "n", n, 0);
    Tensor<double> result = full<double>({n}, first);
    if (n < 2) { return result; }
    const double step = (last - first) / static_cast<double>(n - 1);
    for (std::size_t i = 0; i < n; ++i) { result.storage()[i] = static_cast<double>(i) * step + first; }
    result.storage()[n - 1] = last;
    return result;
}

Spiral make_spiral(NumpyRandom& random, std::size_t points_per_class, std::size_t classes) {
    require_at_least("make_spiral", "points_per_class", points_per_class, 1);
    require_at_least("make_spiral", "classes", classes, 1);
    Spiral spiral{zeros<double>({points_per_class * classes, 2}), zeros<std::int64_t>({points_per_class * classes})};
    const Tensor<double> r = linspace(0.0, 1.0, points_per_class);
    for (std::size_t j = 0; j < classes; ++j) {
        const Tensor<double> angle =
            linspace(4.0 * static_cast<double>(j), 4.0 * static_cast<double>(j + 1), points_per_class);
        const Tensor<double> noise = random.randn({points_per_class});
        for (std::size_t i = 0; i < points_per_class; ++i) {
            const double t = angle(i) + noise(i) * 0.2;
            const std::size_t n = j * points_per_class + i;
            spiral.x(n, 0) = r(i) * std::sin(t);
            spiral.x(n, 1) = r(i) * std::cos(t);
            spiral.y(n) = static_cast<std::int64_t>(j);
        }
    }
    return spiral;
}

} // namespace handgrad::data
