#pragma once
/// @file
/// A table of the layers of a model, with the shape of each output and the number of parameters.

#include <string>
#include <utility>
#include <vector>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/add/layer.hpp"

namespace handgrad::nn {

/// One layer of a model: a module without parts.
struct LayerSummary {
    std::string name;       ///< its name in named_parameters(), "conv1.0"
    std::string module;     ///< its class, "Conv2d"
    Shape output;           ///< the shape of its output
    std::size_t parameters; ///< number of entries of its parameters
};

/// A line for each layer and one for the total.
std::string to_string(const std::vector<LayerSummary>& layers);

/// The layers of a model for an input of this shape, in the order in which they were registered. It assumes that they run
/// in that order; both parts of a Residual get its input. A module with parameters of its own beside its parts follows them. Nothing is computed
/// except shapes.
/// @throws ShapeError if the model does not take such an input
template <class Backend>
std::vector<LayerSummary> layers(const Module<Backend>& model, Shape shape, const std::string& name = "") {
    if (model.named_children().empty()) {
        return {{name, model.name(), model.output_shape(shape), model.parameter_count()}};
    }
    std::vector<LayerSummary> all;
    const bool beside_each_other = dynamic_cast<const Residual<Backend>*>(&model) != nullptr;
    std::size_t own = model.parameter_count();
    for (const auto& [key, child] : model.named_children()) {
        for (LayerSummary& layer : layers(*child, shape, name.empty() ? key : name + "." + key)) {
            all.push_back(std::move(layer));
        }
        if (!beside_each_other) { shape = child->output_shape(shape); }
        own -= child->parameter_count();
    }
    if (own > 0) { all.push_back({name, model.name(), shape, own}); }
    return all;
}

/// The table of layers(), as text:
///
///     Layer    Module     Output shape      Parameters
///     conv1.0  Conv2d     (64, 10, 24, 24)         260
template <class Backend> std::string summary(const Module<Backend>& model, const Shape& input) {
    return to_string(layers(model, input));
}

} // namespace handgrad::nn
