"""Planted bugs of the optimisers beyond SGD, of clipping and of the schedules by steps."""
from mutants import bug

LIB = "lib/handgrad/"

BUGS = {
    LIB + "ops/adam/adam.hpp": [
        bug("adam-no-bias-correction-of-m", "Adam: the first moment is not corrected for its start at zero",
            "step_size(<|options.lr / (1 - std::pow(options.betas.first, static_cast<double>(t)))|>)", "options.lr"),
        bug("adam-no-bias-correction-of-v", "Adam: the second moment is not corrected for its start at zero",
            "sqrt_scale(<|1 / std::sqrt(1 - std::pow(options.betas.second, static_cast<double>(t)))|>)", "1"),
        bug("adamw-decay-as-l2", "AdamW: the decay is added to the gradient, as Adam's is",
            "l2(<|options.decoupled_weight_decay ? 0 : options.weight_decay|>)", "options.weight_decay",
            "shrink(<|options.decoupled_weight_decay ? 1 - options.lr * options.weight_decay : 1|>)", "1"),
        bug("adamw-decay-without-lr", "AdamW: the decay is not multiplied by the learning rate",
            "? 1 - <|options.lr * options.weight_decay|> : 1)", "options.weight_decay"),
        bug("adam-dirty-moments", "Adam: the moments of a first step are not set to zero",
            "resize(*moment, p.shape()); <|moment->fill(T(0));|>", "moment->fill(T(1));"),
    ],
    LIB + "ops/adam/reference.hpp": [
        bug("reference-adam-eps-in-root", "Adam: epsilon stands inside the root",
            "const T divisor = <|sqrt(v(i)) * T(factors.sqrt_scale) + T(factors.eps)|>;",
            "sqrt(v(i) * T(factors.sqrt_scale) * T(factors.sqrt_scale) + T(factors.eps))"),
        bug("reference-adam-m-of-old-gradient", "Adam: the decay does not reach the first moment",
            "+ T(1 - factors.beta1) * <|gradient|>;", "up"),
    ],
    LIB + "ops/adam/cpu.cpp": [
        bug("cpu-adam-second-moment-not-squared", "Adam: the second moment is a mean of the gradients",
            "vi = beta2 * vi + <|rest2 * gi * gi|>;", "rest2 * gi"),
        bug("cpu-adam-betas-swapped", "Adam: the first moment decays as the second should",
            "mi = <|beta1 * mi + rest1 * gi|>;", "beta2 * mi + rest2 * gi"),
        bug("cpu-adam-no-maximize", "Adam: maximize is ignored", "if (<|maximize|>) { gi = -gi; }", "false && maximize"),
    ],
    LIB + "ops/adam/device.cpp": [
        bug("device-adam-step-before-moment", "Adam: the step uses the moment of the step before",
            "step_size * <|first|> / (std::sqrt(second)", "m(i)"),
    ],
    LIB + "optim/adam.hpp": [
        bug("adam-step-not-counted", "Adam: every step is corrected as the first one",
            "<|++state.counts[0]|>,", "state.counts[0] = 1"),
        bug("adamw-groups-not-decoupled", "AdamW: a group's decay is Adam's if its options say so",
            "all.back().options.decoupled_weight_decay = true;", ""),
    ],
    LIB + "ops/rmsprop/rmsprop.hpp": [
        bug("rmsprop-dirty-state", "RMSprop: the state of a first step is not set to zero",
            "resize(state, p.shape()); <|state.fill(T(0));|>", "state.fill(T(1));"),
    ],
    LIB + "ops/rmsprop/reference.hpp": [
        bug("reference-rmsprop-not-centered", "RMSprop: the mean is not subtracted",
            "mean_square -= average(i) * average(i);", ""),
        bug("reference-rmsprop-lr-in-velocity", "RMSprop: the velocity decays with alpha",
            "velocity(i) = <|T(options.momentum)|> * velocity(i) + step;", "alpha"),
    ],
    LIB + "ops/rmsprop/cpu.cpp": [
        bug("cpu-rmsprop-old-mean-square", "RMSprop: the scale ignores epsilon",
            "return d / (<|xsimd::sqrt(square_of_scale) + eps|>);", "xsimd::sqrt(square_of_scale)"),
        bug("cpu-rmsprop-mean-of-squares", "RMSprop: the mean decays twice",
            "a = alpha * a + <|rest * d|>;", "rest * rest * d"),
    ],
    LIB + "ops/rmsprop/device.cpp": [
        bug("device-rmsprop-velocity-lost", "RMSprop: the velocity is not kept",
            "if (has_velocity) { <|velocity(i) = step = momentum * velocity(i) + step;|> }",
            "step = momentum * velocity(i) + step;"),
    ],
    LIB + "optim/rmsprop.hpp": [
        bug("rmsprop-state-not-saved", "RMSprop: the mean of the gradients is missing in a checkpoint",
            "k == 1 ? <|options.centered|> : options.momentum != 0", "false"),
    ],
    LIB + "optim/clip_grad.hpp": [
        bug("clip-each-by-itself", "clip_grad_norm_: the norm of the last gradient alone",
            "sum += static_cast<double>(Backend::l2_penalty_forward(parameter->grad, 2));",
            "sum = static_cast<double>(Backend::l2_penalty_forward(parameter->grad, 2));"),
        bug("clip-scales-up", "clip_grad_norm_: small gradients are made larger",
            "if (<|factor >= 1|>) { return norm; }", "false"),
        bug("clip-first-only", "clip_grad_norm_: only the first gradient is scaled",
            "Backend::l2_penalty_backward(<|parameter->grad|>, factor, parameter->grad);", "parameters.front()->grad"),
    ],
    LIB + "tensor/entrywise.hpp": [
        bug("update-rest-forgotten", "The last entries, which do not fill a register, are not updated",
            "if (<|i < end|>) { rest(end - i", "i + 1 < end"),
        bug("update-rest-swapped", "The last entries of two arrays are exchanged",
            "(std::copy_n(buffers[<|++k|>], count, yi), ...);", "sizeof...(yi) - k++"),
    ],
    LIB + "optim/optim.cpp": [
        bug("warmup-starts-at-zero", "warmup_cosine: the first step has a learning rate of 0",
            "<|static_cast<double>(t + 1)|> / static_cast<double>(warmup + 1)", "static_cast<double>(t)"),
        bug("cosine-rises-again", "warmup_cosine: after the last step the learning rate rises again",
            "const double done = <|std::min(1.0, static_cast<double>(t - warmup) / static_cast<double>(total - warmup))|>;",
            "static_cast<double>(t - warmup) / static_cast<double>(total - warmup)"),
        bug("one-cycle-late-peak", "one_cycle: the peak comes a step late",
            "const double peak = <|pct_start * static_cast<double>(total) - 1|>,",
            "pct_start * static_cast<double>(total)"),
        bug("lambda-compounds", "LambdaLR: the factors of all steps are multiplied",
            "optimizer_.set_lr(<|base_[group]|> * factor, group);", "optimizer_.lr(group)"),
        bug("lambda-first-group", "LambdaLR: the first group's learning rate for all",
            "optimizer_.set_lr(<|base_[group] * factor|>, group);", "base_[0] * factor"),
        bug("adam-text-without-betas", "Adam: a run may be resumed with other betas",
            "options.betas.first, <|options.betas.second|>, options.eps,", "0.999"),
    ],
}
