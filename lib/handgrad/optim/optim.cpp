#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/optim/sgd.hpp"

namespace handgrad::optim {
namespace {

void require(bool good, const char* who, const char* what, double got, const char* expected) {
    if (!good) { throw std::invalid_argument(fmt::format("{}: {} is {}, expected {}", who, what, got, expected)); }
}

void require_not_negative(const char* what, double got) {
    require(std::isfinite(got) && got >= 0, "SGD", what, got, "a finite number, at least 0");
}

void require_gamma(const char* who, double gamma) {
    require(std::isfinite(gamma) && gamma > 0, who, "gamma", gamma, "a finite number above 0");
}

} // namespace

void check_sgd_options(const SgdOptions& options) {
    require_not_negative("lr", options.lr);
    require_not_negative("momentum", options.momentum);
    require_not_negative("weight_decay", options.weight_decay);
    require(std::isfinite(options.dampening), "SGD", "dampening", options.dampening, "a finite number");
    if (options.nesterov) {
        require(options.momentum > 0, "SGD", "momentum", options.momentum, "more than 0 for nesterov");
        require(options.dampening == 0, "SGD", "dampening", options.dampening, "0 for nesterov");
    }
}

std::string to_string(const SgdOptions& options) {
    return fmt::format("SGD(momentum={}, dampening={}, weight_decay={}, nesterov={}, maximize={})", options.momentum,
                       options.dampening, options.weight_decay, options.nesterov, options.maximize);
}

void detail::refuse_state(std::string_view name, const StateNames& names) {
    throw std::out_of_range(
        fmt::format("Optimizer: no state '{}', expected one of {}", name, fmt::join(names.tensors, ", ")));
}

void detail::refuse_parameter() {
    throw std::invalid_argument("the optimizer has a parameter that is not the model's");
}

void detail::require_distinct(std::vector<const void*> parameters) {
    std::sort(parameters.begin(), parameters.end(), std::less<>());
    if (std::adjacent_find(parameters.begin(), parameters.end()) != parameters.end()) {
        throw std::invalid_argument("Optimizer: a parameter appears twice, expected each in one group");
    }
}

ExponentialLR::ExponentialLR(LearningRates& optimizer, double gamma) : optimizer_(optimizer), gamma_(gamma) {
    require_gamma("ExponentialLR", gamma);
}

void ExponentialLR::step() { optimizer_.scale_lr(gamma_); }

StepLR::StepLR(LearningRates& optimizer, std::size_t step_size, double gamma)
    : optimizer_(optimizer), step_size_(step_size), gamma_(gamma) {
    require_at_least("StepLR", "step_size", step_size, 1);
    require_gamma("StepLR", gamma);
}

void StepLR::step() {
    ++epoch_;
    if (epoch_ % step_size_ == 0) { optimizer_.scale_lr(gamma_); }
}

} // namespace handgrad::optim
