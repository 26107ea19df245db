#include "handgrad/data/transforms.hpp"

#include <cmath>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::data {

void require_valid(const Transforms& transforms) {
    if (transforms.empty()) { throw ShapeError("transforms: there are none, expected ToTensor first"); }
    for (std::size_t i = 0; i < transforms.size(); ++i) {
        const auto* normalize = std::get_if<Normalize>(&transforms[i]);
        if ((i == 0) != (normalize == nullptr)) {
            throw ShapeError(fmt::format("transforms: step {} is {}, expected {}", i,
                                         normalize == nullptr ? "ToTensor" : "Normalize",
                                         i == 0 ? "ToTensor" : "Normalize"));
        }
        if (normalize != nullptr &&
            (!std::isfinite(normalize->mean) || !std::isfinite(normalize->std) || normalize->std == 0.0)) {
            throw ShapeError(fmt::format("Normalize: mean {} and std {}, expected finite numbers and std not 0",
                                         normalize->mean, normalize->std));
        }
    }
}

template <class T> void apply(const Transforms& transforms, const std::uint8_t* bytes, std::size_t count, T* out) {
    for (std::size_t i = 0; i < count; ++i) { out[i] = static_cast<T>(bytes[i]) / T(255); }
    for (std::size_t step = 1; step < transforms.size(); ++step) {
        const auto& normalize = std::get<Normalize>(transforms[step]);
        const auto mean = static_cast<T>(normalize.mean);
        const auto std = static_cast<T>(normalize.std);
        for (std::size_t i = 0; i < count; ++i) { out[i] = (out[i] - mean) / std; }
    }
}

template void apply<float>(const Transforms&, const std::uint8_t*, std::size_t, float*);
template void apply<double>(const Transforms&, const std::uint8_t*, std::size_t, double*);

} // namespace handgrad::data
