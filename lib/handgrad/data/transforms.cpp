#include "handgrad/data/transforms.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::data {
namespace {

const char* name(const ToTensor&) { return "ToTensor"; }
const char* name(const Normalize&) { return "Normalize"; }
const char* name(const RandomCrop&) { return "RandomCrop"; }
const char* name(const RandomShift&) { return "RandomShift"; }
const char* name(const RandomHorizontalFlip&) { return "RandomHorizontalFlip"; }

template <class Step> constexpr bool is_random = !std::is_same_v<Step, ToTensor> && !std::is_same_v<Step, Normalize>;

bool moves_pixels(const Transforms::value_type& step) {
    return std::visit([](const auto& s) { return is_random<std::decay_t<decltype(s)>>; }, step);
}

const char* name_of(const Transforms::value_type& step) {
    return std::visit([](const auto& s) { return name(s); }, step);
}

// Calls f(step, i) for each random step, with its position among all steps.
template <class F> void for_each_random(const Transforms& transforms, const F& f) {
    for (std::size_t i = 0; i < transforms.size(); ++i) {
        std::visit(
            [&](const auto& step) {
                if constexpr (is_random<std::decay_t<decltype(step)>>) { f(step, static_cast<std::uint32_t>(i)); }
            },
            transforms[i]);
    }
}

} // namespace

void require_valid(const Transforms& transforms) {
    const auto first = std::find_if_not(transforms.begin(), transforms.end(), moves_pixels);
    if (first == transforms.end()) {
        throw ShapeError(transforms.empty() ? "transforms: there are none, expected ToTensor first"
                                            : "transforms: there is no ToTensor, expected one after the random steps");
    }
    for (auto step = first; step != transforms.end(); ++step) {
        const char* const expected = step == first ? "ToTensor" : "Normalize";
        if (name_of(*step) != std::string_view(expected)) {
            throw ShapeError(fmt::format("transforms: step {} is {}, expected {}", step - transforms.begin(),
                                         name_of(*step), expected));
        }
        const auto* normalize = std::get_if<Normalize>(&*step);
        if (normalize != nullptr &&
            (!std::isfinite(normalize->mean) || !std::isfinite(normalize->std) || normalize->std == 0.0)) {
            throw ShapeError(fmt::format("Normalize: mean {} and std {}, expected finite numbers and std not 0",
                                         normalize->mean, normalize->std));
        }
    }
}

void require_valid(const Transforms& transforms, Size2d image) {
    require_valid(transforms);
    AugmentedImage so_far(image);
    for_each_random(transforms, [&](const auto& step, std::uint32_t i) {
        require_valid(step, so_far.size());
        so_far.apply(step, {}, i);
    });
}

Transforms without_augmentation(const Transforms& transforms) {
    Transforms result;
    std::copy_if(transforms.begin(), transforms.end(), std::back_inserter(result),
                 [](const auto& step) { return !moves_pixels(step); });
    return result;
}

bool has_augmentation(const Transforms& transforms) {
    return std::any_of(transforms.begin(), transforms.end(), moves_pixels);
}

Size2d output_size(const Transforms& transforms, Size2d image) {
    AugmentedImage result(image);
    for_each_random(transforms, [&](const auto& step, std::uint32_t i) { result.apply(step, {}, i); });
    return result.size();
}

ImageWindow augmented_window(const Transforms& transforms, Size2d image, const AugmentationCounter& counter) {
    AugmentedImage result(image);
    for_each_random(transforms, [&](const auto& step, std::uint32_t i) { result.apply(step, counter, i); });
    return result.window();
}

template <class T> void apply(const Transforms& transforms, const std::uint8_t* bytes, std::size_t count, T* out) {
    for (std::size_t i = 0; i < count; ++i) { out[i] = static_cast<T>(bytes[i]) / T(255); }
    for (const auto& step : transforms) {
        const auto* const normalize = std::get_if<Normalize>(&step);
        if (normalize == nullptr) { continue; }
        const auto mean = static_cast<T>(normalize->mean);
        const auto std = static_cast<T>(normalize->std);
        for (std::size_t i = 0; i < count; ++i) { out[i] = (out[i] - mean) / std; }
    }
}

template void apply<float>(const Transforms&, const std::uint8_t*, std::size_t, float*);
template void apply<double>(const Transforms&, const std::uint8_t*, std::size_t, double*);

} // namespace handgrad::data
