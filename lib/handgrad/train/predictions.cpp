#include "handgrad/train/predictions.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/train/backends.hpp"

namespace handgrad::train {

template <class Backend>
std::vector<Prediction> predict(data::DataLoader<Backend>& loader, nn::Module<Backend>& model) {
    model.eval();
    std::vector<Prediction> predictions;
    typename Backend::Tensor on_backend;
    for (const auto& batch : loader) {
        const auto& scores = model(batch.images);
        Backend::softmax_forward(scores, on_backend);
        const Tensor<typename Backend::Scalar>& z = Backend::to_host(scores);
        const Tensor<typename Backend::Scalar>& p = Backend::to_host(on_backend);
        const Labels& labels = Backend::to_host(batch.labels);
        const std::size_t classes = p.shape(1);
        for (std::size_t n = 0; n < p.shape(0); ++n) {
            const std::size_t best = argmax(z.data() + n * classes, classes);
            predictions.push_back({labels(n), static_cast<std::int64_t>(best), static_cast<double>(p(n, best))});
        }
    }
    return predictions;
}

Tensor<std::int64_t> confusion_matrix(const std::vector<Prediction>& predictions, std::size_t classes) {
    require_at_least("confusion_matrix", "classes", classes, 1);
    auto counts = zeros<std::int64_t>({classes, classes});
    const auto most = static_cast<std::int64_t>(classes);
    for (const Prediction& p : predictions) {
        if (p.label < 0 || p.label >= most || p.chosen < 0 || p.chosen >= most) {
            throw ShapeError(fmt::format("confusion_matrix: class {} predicted as {}, expected 0 to {}", p.label,
                                         p.chosen, most - 1));
        }
        ++counts(static_cast<std::size_t>(p.label), static_cast<std::size_t>(p.chosen));
    }
    return counts;
}

std::vector<std::size_t> worst_mistakes(const std::vector<Prediction>& predictions, std::size_t most) {
    std::vector<std::size_t> wrong;
    for (std::size_t n = 0; n < predictions.size(); ++n) {
        if (predictions[n].chosen != predictions[n].label) { wrong.push_back(n); }
    }
    std::stable_sort(wrong.begin(), wrong.end(), [&](std::size_t a, std::size_t b) {
        const double pa = predictions[a].probability, pb = predictions[b].probability;
        return pa > pb || (std::isnan(pa) && !std::isnan(pb)); // an order needs a place for NaN
    });
    wrong.resize(std::min(wrong.size(), most));
    return wrong;
}

#define HANDGRAD_INSTANTIATE(B) template std::vector<Prediction> predict(data::DataLoader<B>&, nn::Module<B>&);
HANDGRAD_FOR_EACH_BACKEND(HANDGRAD_INSTANTIATE)

} // namespace handgrad::train
