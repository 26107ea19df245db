#include "handgrad/data/validation.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/tensor/random.hpp"
#include "handgrad/tensor/shape.hpp"

namespace handgrad::data {
namespace {

// For each image, whether it is held back.
std::vector<char> choose(std::size_t size, std::size_t count, Held held, std::uint64_t seed) {
    std::vector<std::size_t> order(size);
    std::iota(order.begin(), order.end(), held == Held::last ? size - count : 0);
    if (held == Held::random) { // a stream that neither weights (0) nor epochs (1, 2, ...) draw from
        Random(seed, std::numeric_limits<std::uint64_t>::max()).shuffle(order.begin(), order.end());
    }
    std::vector<char> chosen(size, 0);
    for (std::size_t i = 0; i < count; ++i) { chosen[order[i]] = 1; }
    return chosen;
}

} // namespace

ValidationSplit hold_back(const ImageDataset& dataset, std::size_t count, Held held, std::uint64_t seed) {
    require<ShapeError>(count >= 1 && count < dataset.size(),
                        "hold_back: count is {}, expected at least 1 and less than the {} images of the data set",
                        as_written(count), dataset.size());
    ValidationSplit parts;
    for (ImageDataset* part : {&parts.train, &parts.validation}) {
        part->name = dataset.name;
        part->class_names = dataset.class_names;
        part->height = dataset.height;
        part->width = dataset.width;
    }
    const std::string train = " train";
    std::string& name = parts.validation.name;
    if (name.size() >= train.size() && name.compare(name.size() - train.size(), train.size(), train) == 0) {
        name.resize(name.size() - train.size());
    }
    name += " validation";
    const std::vector<char> chosen = choose(dataset.size(), count, held, seed);
    const std::size_t pixels = dataset.height * dataset.width;
    for (std::size_t n = 0; n < dataset.size(); ++n) {
        ImageDataset& part = chosen[n] != 0 ? parts.validation : parts.train;
        part.pixels.insert(part.pixels.end(), dataset.image(n), dataset.image(n) + pixels);
        part.labels.push_back(dataset.labels[n]);
    }
    return parts;
}

} // namespace handgrad::data
