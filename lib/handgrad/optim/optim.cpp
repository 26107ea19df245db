#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/optim/adam.hpp"
#include "handgrad/optim/clip_grad.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/optim/rmsprop.hpp"
#include "handgrad/optim/sgd.hpp"

namespace handgrad::optim {
namespace {

void require(bool good, const char* who, const char* what, double got, const char* expected) {
    if (!good) { throw std::invalid_argument(fmt::format("{}: {} is {}, expected {}", who, what, got, expected)); }
}

void require_not_negative(const char* who, const char* what, double got) {
    require(std::isfinite(got) && got >= 0, who, what, got, "a finite number, at least 0");
}

const char* name_of(const AdamOptions& options) { return options.decoupled_weight_decay ? "AdamW" : "Adam"; }

/// From `from` to `to` along half a cosine, as `share` goes from 0 to 1.
double half_cosine(double from, double to, double share) {
    constexpr double pi = 3.14159265358979323846;
    return to + (from - to) * (1 + std::cos(pi * share)) / 2;
}

void require_gamma(const char* who, double gamma) {
    require(std::isfinite(gamma) && gamma > 0, who, "gamma", gamma, "a finite number above 0");
}

} // namespace

void check_sgd_options(const SgdOptions& options) {
    require_not_negative("SGD", "lr", options.lr);
    require_not_negative("SGD", "momentum", options.momentum);
    require_not_negative("SGD", "weight_decay", options.weight_decay);
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

void check_adam_options(const AdamOptions& options) {
    const char* who = name_of(options);
    require_not_negative(who, "lr", options.lr);
    require_not_negative(who, "eps", options.eps);
    require_not_negative(who, "weight_decay", options.weight_decay);
    for (const double beta : {options.betas.first, options.betas.second}) {
        require(beta >= 0 && beta < 1, who, "a beta", beta, "a number from 0, less than 1");
    }
}

std::string to_string(const AdamOptions& options) {
    return fmt::format("{}(betas=({}, {}), eps={}, weight_decay={}, maximize={})", name_of(options),
                       options.betas.first, options.betas.second, options.eps, options.weight_decay, options.maximize);
}

void check_rmsprop_options(const RMSpropOptions& options) {
    require_not_negative("RMSprop", "lr", options.lr);
    require_not_negative("RMSprop", "alpha", options.alpha);
    require_not_negative("RMSprop", "eps", options.eps);
    require_not_negative("RMSprop", "weight_decay", options.weight_decay);
    require_not_negative("RMSprop", "momentum", options.momentum);
}

std::string to_string(const RMSpropOptions& options) {
    return fmt::format("RMSprop(alpha={}, eps={}, weight_decay={}, momentum={}, centered={}, maximize={})",
                       options.alpha, options.eps, options.weight_decay, options.momentum, options.centered,
                       options.maximize);
}

void check_max_norm(double max_norm) {
    require(max_norm > 0, "clip_grad_norm_", "max_norm", max_norm, "a number above 0");
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

LambdaLR::LambdaLR(LearningRates& optimizer, Factor factor)
    : optimizer_(optimizer), factor_(std::move(factor)), base_(optimizer.lrs()) {
    set_rates();
}

void LambdaLR::step() {
    ++steps_;
    set_rates();
}

void LambdaLR::set_rates() {
    const double factor = factor_(steps_);
    require(std::isfinite(factor) && factor >= 0, "LambdaLR", "the factor", factor, "a finite number, at least 0");
    for (std::size_t group = 0; group < base_.size(); ++group) { optimizer_.set_lr(base_[group] * factor, group); }
}

LambdaLR::Factor warmup_cosine(std::size_t warmup, std::size_t total, double least) {
    require_at_least("warmup_cosine", "total", total, warmup + 1);
    require(least >= 0 && least <= 1, "warmup_cosine", "least", least, "a number from 0 to 1");
    return [=](std::size_t t) {
        if (t < warmup) { return static_cast<double>(t + 1) / static_cast<double>(warmup + 1); }
        const double done = std::min(1.0, static_cast<double>(t - warmup) / static_cast<double>(total - warmup));
        return half_cosine(1, least, done);
    };
}

LambdaLR::Factor one_cycle(std::size_t total, double pct_start, double div_factor, double final_div_factor) {
    require_at_least("one_cycle", "total", total, 2);
    const double peak = pct_start * static_cast<double>(total) - 1, last = static_cast<double>(total - 1);
    require(peak > 0 && pct_start < 1, "one_cycle", "pct_start", pct_start, "more than 1 / total, less than 1");
    require(std::isfinite(div_factor) && div_factor >= 1, "one_cycle", "div_factor", div_factor,
            "a finite number, at least 1");
    require(std::isfinite(final_div_factor) && final_div_factor >= 1, "one_cycle", "final_div_factor", final_div_factor,
            "a finite number, at least 1");
    const double first = 1 / div_factor, end = first / final_div_factor;
    return [=](std::size_t t) {
        const double step = std::min(static_cast<double>(t), last);
        return step <= peak ? half_cosine(first, 1, step / peak) : half_cosine(1, end, (step - peak) / (last - peak));
    };
}

} // namespace handgrad::optim
