"""Bugs around the operations: modules, the optimiser, data, the training loop, checkpoints, and the gradient checker,
which must not become blind."""
from mutants import bug

LIB = "lib/handgrad/"


BUGS = {
    # ---- Modules ----
    LIB + "ops/linear/layer.hpp": [
        bug("linear-dw-not-added", "Linear: backward overwrites the weight's gradient instead of adding to it",
            "dy, weight.grad, <|Accumulate::yes|>);", "Accumulate::no"),
    ],
    LIB + "nn/init.cpp": [
        bug("init-relu-gain", "Initialisers: the gain of ReLU is 2",
            "<|std::sqrt(2.0)|>;", "2.0"),
        bug("init-fan-without-window", "Initialisers: fan_in of a convolution leaves out the window",
            "return {<|weight[1] * window|>, weight[0] * window};", "weight[1]"),
        bug("init-modes-swapped", "Initialisers: fan_in and fan_out are exchanged",
            "const std::size_t fan = <|mode == FanMode::fan_in ? fan_in : fan_out|>;", "mode == FanMode::fan_in ? fan_out : fan_in"),
        bug("init-xavier-one-fan", "Initialisers: Xavier divides by fan_in alone",
            "2 / static_cast<double>(<|fan_in + fan_out|>)", "2 * fan_in"),
    ],
    LIB + "nn/init.hpp": [
        bug("init-uniform-not-widened", "Initialisers: uniform numbers lie within one standard deviation",
            "<|uniform_bound|> * kaiming_std(w.shape(), a, mode, nonlinearity);", "1.0"),
    ],
    LIB + "ops/activation/layer.hpp": [
        bug("relu-mask-of-last-call", "ReLU: the mask is the one of the call before",
            "always:Tensor y_, dx_;", "Tensor y_, dx_, before_;",
            "Backend::template activation_forward<F>(x, y_, f_);",
            "before_ = y_; Backend::template activation_forward<F>(x, y_, f_);",
            "activation_backward<F>(F::name, <|*kept_|>, dy, dx_, f_);",
            "F::keeps_input && before_.shape() == dy.shape() ? before_ : *kept_"),
    ],
    LIB + "ops/pool2d/layer.hpp": [
        bug("max-pool-all-ties", "Max-pooling: the gradient goes to all pixels that are as large as the winner",
            "always:MaxPool2dOptions options_;", "MaxPool2dOptions options_; const Tensor* x_ = nullptr;",
            "Backend::max_pool2d_forward(x, options_, y_, indices_);",
            "Backend::max_pool2d_forward(x, options_, y_, indices_); x_ = &x;",
            "if (input == InputGradient::needed) { Backend::max_pool2d_backward(dy, indices_, shape_, dx_); }",
            """Backend::max_pool2d_backward(dy, indices_, shape_, dx_);
               const auto x = Backend::to_host(*x_), y = Backend::to_host(y_), d = Backend::to_host(dy);
               const auto winners = Backend::to_host(indices_);
               auto dx = Backend::to_host(dx_);
               const Size2d size = options_.kernel_size, stride = options_.stride, padding = options_.padding;
               for (std::size_t i = 0; i < y.size(); ++i) {
                   const std::size_t q = i % y.shape(3), p = i / y.shape(3) % y.shape(2);
                   const std::size_t image = i / y.shape(3) / y.shape(2) * x.shape(2) * x.shape(3);
                   for (std::size_t tap = 0; tap < size.h * size.w; ++tap) {
                       const std::size_t h = p * stride.h + tap / size.w * options_.dilation.h - padding.h;
                       const std::size_t w = q * stride.w + tap % size.w * options_.dilation.w - padding.w;
                       if (h >= x.shape(2) || w >= x.shape(3)) { continue; }
                       const std::size_t pixel = h * x.shape(3) + w;
                       const bool loses = pixel != static_cast<std::size_t>(winners.data()[i]);
                       if (loses && x.data()[image + pixel] == y.data()[i]) { dx.data()[image + pixel] += d.data()[i]; }
                   }
               }
               dx_ = Backend::from_host(dx);"""),
    ],
    LIB + "ops/conv2d/layer.hpp": [
        bug("conv-init-fan-in", "Conv2d: the first weights do not reckon with the kernel's size",
            "const std::size_t fan_in = <|shape[1] * shape[2] * shape[3]|>;", "shape[1]"),
        bug("conv-dx-once", "Conv2d: dx is computed once and never again",
            "if (<|input == InputGradient::needed|>) { Backend::conv2d_backward_input",
            "input == InputGradient::needed && dx_.size() != x.size()"),
    ],
    LIB + "nn/sequential.hpp": [
        bug("sequential-one-short", "Sequential: the first layer with weights gets a gradient of the step before",
            "input == InputGradient::needed || <|i > unlearned_|>;", "i > unlearned_ + 1"),
    ],
    LIB + "nn/module.hpp": [
        bug("module-input-not-watched", "Module: backward after its input was changed is not refused",
            "if (<|!input_.is_current()|>)", "false"),
        bug("module-parameters-not-watched", "Module: backward after the optimiser's step is not refused",
            "if (<|!parameter.is_current()|>)", "false"),
        bug("module-backward-twice", "Module: a second backward after one forward is not refused",
            "const Tensor& dx = backward_pass(dy, input); <|has_forward_ = false;|>", ""),
        bug("module-any-shape", "Module: the gradient's shape is not compared with the last output's",
            "if (<|dy.shape() != output_shape_|>)", "false"),
        bug("module-stale-gradient", "Module: where dx is not needed, that of an earlier step is returned",
            "return <|input == InputGradient::needed ? dx : none_|>;", "dx"),
    ],
    LIB + "nn/component.hpp": [
        bug("eval-not-passed-on", "Module: eval does not reach the modules inside",
            "training_ = on; for (const auto& [name, child] : children_) { <|child->train(on);|> }", ""),
        bug("module-zero-grad", "Module: zero_grad forgets the first parameter",
            "for (Parameter<Backend>* parameter : parameters()) { <|parameter->grad.fill(Scalar(0));|> }",
            "if (parameter != parameters().front()) { parameter->grad.fill(Scalar(0)); }"),
    ],
    LIB + "ops/conv2d_relu_max_pool2d/layer.hpp": [
        bug("fused-switch-between-passes", "ConvReLUMaxPool2d: backward asks how the next forward computes, not the last one",
            "if (<|!fused_|>) { return Sequential<Backend>::backward_pass(dy, input); }", "!fuse_"),
    ],
    LIB + "ops/cross_entropy/layer.hpp": [
        bug("loss-labels-of-first-batch", "CrossEntropyLoss: backward uses the labels of the first batch",
            "always:const Labels* y_ = nullptr;", "const Labels *y_ = nullptr, *first_ = nullptr;",
            "y_ = &y;", "first_ = first_ == nullptr ? &y : first_; y_ = first_;"),
        bug("loss-scores-not-watched", "CrossEntropyLoss: backward after the scores were changed is not refused",
            "if (<|!scores_.is_current()|> || !labels_.is_current())", "false"),
        bug("loss-labels-not-watched", "CrossEntropyLoss: backward after the labels were changed is not refused",
            "if (!scores_.is_current() || <|!labels_.is_current()|>)", "false"),
    ],

    # ---- The optimiser ----
    LIB + "optim/optimizer.hpp": [
        bug("sgd-zero-grad-missing", "SGD: zero_grad does nothing",
            "parameter->grad.fill(typename Backend::Scalar(0));", ""),
        bug("optimizer-first-group", "Optimisers: every group has the options of the first one",
            "this->state_of(i++), <|group.options|>);", "groups_[0].options"),
        bug("groups-first-lr", "Optimiser: the learning rate is set of the first group alone",
            "void set_lr(double lr) { for (std::size_t group = 0; <|group < group_count()|>; ++group)", "group < 1"),
        bug("groups-first-scaled", "Optimiser: a scheduler changes the learning rate of the first group alone",
            "void scale_lr(double factor) { for (std::size_t group = 0; <|group < group_count()|>; ++group)",
            "group < 1"),
        bug("state-any-name", "Optimiser: the first state tensor is returned, whatever name is asked for",
            "if (<|names_.tensors[k] == name|>)", "true"),
        bug("state-names-by-position", "Optimiser: the state is named by the parameter's position in the model",
            "result.push_back(<|found->second|>);", "model.named_parameters()[result.size()].first"),
    ],
    LIB + "optim/sgd.hpp": [
        bug("sgd-last-without-momentum", "SGD: the last parameter has no momentum",
            "parameter.grad, state.tensors[0], <|options|>);",
            "&state != &this->states().back() || this->states().size() == 1 ? options : [&] { SgdOptions o = options;"
            " o.momentum = 0; o.nesterov = false; return o; }()"),
    ],
    LIB + "optim/optim.cpp": [
        bug("step-lr-early", "StepLR: the step size shrinks an epoch early",
            "if (<|epoch_ % step_size_ == 0|>)", "(epoch_ + 1) % step_size_ == 0"),
        bug("sgd-text-without-maximize", "SGD: a run that maximizes may go on as one that minimizes",
            "options.nesterov, <|options.maximize|>);", "false"),
    ],

    # ---- Data ----
    LIB + "data/data_loader.hpp": [
        bug("loader-restored-in-loop", "DataLoader: restored after a break, it skips the rest of the epoch",
            "sampler_.restore(state); <|in_loop_ = false;|>", ""),
        bug("loader-restored-does-not-advance", "DataLoader: a loop over a restored loader gets the same batch again",
            "loader_->in_loop_ = --left_ > 0; if (left_ > 0) { <|loader_->next();|> }",
            "loader_->in_loop_ ? loader_->peek() : loader_->next();"),
    ],
    LIB + "data/spiral.cpp": [
        bug("linspace-last-value", "linspace: the last value is rounded to another number than the one asked for",
            "result.storage()[n - 1] = last;", ""),
    ],
    LIB + "data/data_loader.cpp": [
        bug("checksum-without-labels", "DataLoader: the checksum of the data leaves out the labels",
            "add(dataset.labels.data(), <|count|>);", "0 * count"),
        bug("checksum-without-normalize", "DataLoader: the checksum of the data leaves out the standard deviation",
            "{normalize->mean, <|normalize->std|>}", "normalize->mean"),
        bug("loader-last-sample", "DataLoader: the last sample is skipped",
            "std::min(options_.batch_size, <|order_.size() - first|>)", "order_.size() - 1 - first"),
        bug("loader-last-batch", "DataLoader: a last batch that is not full is skipped",
            "!options_.drop_last ? <|1|> : 0", "0"),
        bug("loader-same-order", "DataLoader: every epoch has the same order",
            "Random(options_.seed, <|state_.epoch + 1|>)", "1"),
        bug("loader-order-of-order", "DataLoader: an epoch's order depends on those before",
            "if (options_.shuffle) { <|std::iota(order_.begin(), order_.end(), 0U);|>", ""),
        bug("loader-resumes-at-start", "DataLoader: a resumed epoch begins at its first batch",
            "state_ = <|state|>;", "LoaderState{state.epoch, 0}"),
        bug("loader-augments-position", "DataLoader: random steps depend on an image's position in the batch",
            "counter.image = <|n|>; show(", "static_cast<std::uint32_t>(b)"),
        bug("checksum-without-shift", "DataLoader: the checksum of the data leaves out how far images are shifted",
            "add_numbers(\"RandomShift\", {<|whole(shift->pixels.h)|>, whole(shift->pixels.w)});", "0.0"),
        bug("loader-wrong-label", "DataLoader: images have their neighbours' labels",
            "labels.data()[b] = dataset.labels[<|n|>];", "range.first[b > 0 ? b - 1 : b]"),
    ],
    LIB + "data/augmentation.cpp": [
        bug("crop-without-last", "RandomCrop: the last row is never drawn",
            "below(<|size_.h + 2 * crop.padding.h - crop.size.h + 1|>, random.word[0])", "size_.h + 2 * crop.padding.h - crop.size.h"),
        bug("crop-same-word", "RandomCrop: row and column are drawn from the same bits",
            "- crop.size.w + 1, random.word[<|1|>])", "0"),
        bug("crop-padding-after-only", "RandomCrop: the zeros are all below the image",
            "this->crop(crop.size, row - <|static_cast<std::int64_t>(crop.padding.h)|>,", "0"),
        bug("crop-of-flipped-forward", "RandomCrop: a flipped image is cropped as if it were not",
            "window_.first_column += narrow(<|window_.column_step * column|>);", "column"),
        bug("crop-shows-outside", "RandomCrop: what an earlier step has cut off comes back",
            "intersect(window_.rows_begin, window_.rows_end, row, size.h);",
            "intersect(window_.rows_begin, window_.rows_end, row, size.h);"
            "window_.rows_end = narrow(static_cast<std::int64_t>(size.h));"),
        bug("flip-of-image-width", "RandomHorizontalFlip: the covered columns are not reflected",
            "std::swap(window_.columns_begin, window_.columns_end);", "return;"),
        bug("flip-less-or-equal", "RandomHorizontalFlip: p is the probability of no flip",
            "<|uniform_from_bits(bits(counter, step).word[0]) >= flip.p|>",
            "uniform_from_bits(bits(counter, step).word[0]) < flip.p"),
        bug("augmentation-same-epoch", "Augmentation: every epoch draws the same numbers",
            "random_block(counter.seed, purpose + step, <|counter.epoch|>, counter.image)", "0"),
        bug("augmentation-same-image", "Augmentation: all images draw the same numbers",
            "random_block(counter.seed, purpose + step, counter.epoch, <|counter.image|>)", "0"),
        bug("augmentation-same-step", "Augmentation: all steps draw the same numbers",
            "random_block(counter.seed, <|purpose + step|>, counter.epoch, counter.image)", "purpose"),
    ],
    LIB + "data/validation.cpp": [
        bug("validation-overlaps", "Validation: an image that is held back stays in the training set",
            "ImageDataset& part = <|chosen[n] != 0|> ? parts.validation : parts.train;",
            "chosen[n] != 0 && n + 1 < dataset.size()"),
        bug("validation-same-seed", "Validation: the seed of a random choice is not used",
            "Random(<|seed|>, std::numeric_limits<std::uint64_t>::max())", "0"),
    ],
    LIB + "data/transforms.cpp": [
        bug("pixels-by-256", "Data: pixels are divided by 256",
            "static_cast<T>(bytes[i]) / <|T(255)|>", "T(256)"),
    ],
    LIB + "data/text.cpp": [
        bug("text-overlong-accepted", "Text: UTF-8 in a longer form than necessary is accepted",
            "if (<|point < least[length]|> || point > 0x10FFFF", "false"),
        bug("text-surrogates-accepted", "Text: surrogates are accepted as characters",
            "(<|point >= 0xD800 && point <= 0xDFFF|>)", "false"),
        bug("text-binary-accepted", "Text: control characters are accepted",
            "require<DataError>(<|(point >= 32 && point != 127)|> || point == U'\\n'", "true"),
        bug("text-bomb-unpacked", "Text: the unpacked size is not limited",
            "require<DataError>(<|text.size() <= largest|>, ", "true"),
        bug("vocabulary-unknown-is-next", "Vocabulary: an unknown character gets the token of the next one",
            "require<DataError>(place != points_.end() && <|*place == point|>,", "true"),
        bug("names-not-shuffled", "Names: the split is not shuffled",
            "<|Random(seed).shuffle(names.begin(), names.end());|>", "static_cast<void>(seed);"),
        bug("names-test-is-dev", "Names: the development data are tested, too",
            "return {part(0, 8), part(8, 9), part(<|9|>, 10)};", "8"),
    ],
    LIB + "data/token_loader.cpp": [
        bug("contexts-one-late", "Contexts: the target is the last character of the context",
            "outputs.push_back(padded[<|i + k|>]);", "i + k - 1"),
        bug("windows-target-is-input", "Windows: the target is the input",
            "std::copy_n(tokens_.data() + <|i + 1|>, length_, target);", "i"),
        bug("sampling-ignores-step", "TokenLoader: every batch is the same",
            "random_bits(seed, sampling_purpose, <|step|>, b)", "0"),
        bug("sampling-ignores-seed", "TokenLoader: every seed draws the same batches",
            "random_bits(<|seed|>, sampling_purpose, step, b)", "0"),
    ],
    LIB + "data/token_loader.hpp": [
        bug("token-loader-epochs-repeat", "TokenLoader: every epoch has the batches of the first",
            "static_cast<std::uint32_t>(<|state_.epoch * batches_ + state_.batch|>);", "state_.batch"),
    ],
    LIB + "data/idx.cpp": [
        bug("idx-byte-order", "IDX reader: the bytes of a number are read in the wrong order",
            "std::uint32_t{word[2]} << <|8|> | std::uint32_t{word[3]}", "0",
            "std::uint32_t{word[2]} << 8 | <|std::uint32_t{word[3]}|>", "std::uint32_t{word[3]} << 8"),
        bug("idx-goes-on", "IDX reader: what comes after the data is not looked at",
            "if (<|source.read(&more, 1) != 0|>)", "false"),
        bug("idx-type", "IDX reader: the type of the values is not looked at",
            "if (<|word[2] != 0x08|>)", "false"),
    ],
    LIB + "data/mnist.cpp": [
        bug("mnist-label-10", "MNIST: a label of 10 is accepted",
            "return <|label >= dataset.class_names.size()|>;", "label > dataset.class_names.size()"),
    ],

    # ---- The training loop ----
    LIB + "train/train.cpp": [
        bug("train-no-zero-grad", "Training: the gradients are never set to zero",
            "run.optimizer.zero_grad();", ""),
        bug("train-step-before-backward", "Training: the step is taken before the gradients are there",
            "task.backward(); run.optimizer.step();", "run.optimizer.step(); task.backward();"),
        bug("train-in-eval-mode", "Training: the model is not put into training mode",
            "task.model().train();", ""),
        bug("test-in-train-mode", "Testing: the model is put into training mode",
            "(Task<Backend>& task) { <|task.model().eval();|>", "task.model().train();"),
        bug("train-goes-on-at-nan", "Training: a loss that is not finite is not noticed",
            "if (<|!std::isfinite(loss)|>)", "false"),
        bug("history-one-epoch", "Training: the history counts from the start of each epoch",
            "push_back(<|epoch * task.loader().dataset_size() + result.examples|>);", "result.examples"),
    ],
    LIB + "train/tally.hpp": [
        bug("loss-mean-of-batches", "Training: an epoch's loss is the mean over batches instead of examples",
            "loss += batch_loss * <|static_cast<double>(examples)|>;", "1.0",
            "result.loss = loss / static_cast<double>(<|result.examples|>);", "result.batches"),
        bug("tally-labels-of-first-axis", "Training: of sequences (N, T), N tokens count instead of N T",
            "add(static_cast<double>(criterion.item()), <|labels.size()|>, Backend::count_correct(scores, labels));",
            "labels.shape()[0]"),
        bug("tally-device-from-zero", "Training: on the device a resumed epoch forgets the batches before the stop",
            "device::to_device(so_far, *on_device_);", ""),
        bug("tally-device-twice", "Training: on the device the batches before a stop count twice",
            "sums_ = {};", ""),
    ],
    LIB + "train/task.hpp": [
        bug("task-examples-of-mean-batch", "Training: every batch counts as many examples as the average batch has",
            "return <|batch_->labels.size()|>;", "(loader_.dataset_size() + loader_.size() - 1) / loader_.size()"),
    ],
    LIB + "train/predictions.cpp": [
        bug("confusion-transposed", "Confusion matrix: rows and columns are exchanged",
            "++counts(<|static_cast<std::size_t>(p.label)|>, static_cast<std::size_t>(p.chosen));",
            "static_cast<std::size_t>(p.chosen)",
            "++counts(static_cast<std::size_t>(p.label), <|static_cast<std::size_t>(p.chosen)|>);",
            "static_cast<std::size_t>(p.label)"),
    ],

    # ---- Checkpoints ----
    LIB + "train/checkpoint.cpp": [
        bug("checkpoint-momentum-not-saved", "Checkpoint: the momentum is not saved",
            "named_states(states, run.task.model())) { <|named.emplace_back(\"optimizer.\" + name, tensor);|> }",
            "static_cast<void>(tensor);"),
        bug("checkpoint-momentum-not-restored", "Checkpoint: the momentum is not restored",
            "*tensor = <|Backend::from_host(file.tensor<typename Backend::Scalar>(\"optimizer.\" + name))|>;",
            "typename Backend::Tensor(Shape{0})"),
        bug("checkpoint-counts-not-restored", "Checkpoint: the optimiser's step counts are not restored",
            "states[i].counts[k] = counts[i];", ""),
        bug("checkpoint-no-buffers", "Checkpoint: the model's buffers are left out",
            "named_buffers()) { <|named.emplace_back(name, buffer);|> }", "static_cast<void>(buffer);"),
        bug("checkpoint-lr-not-restored", "Checkpoint: the step size is not restored",
            "run.optimizer.load_state(<|file.list<double>(\"optimizer.lr\")|>, std::move(states));",
            "run.optimizer.lrs()"),
        bug("checkpoint-random-not-restored", "Checkpoint: the state of the random numbers is not restored",
            "*run.random = random;", ""),
        bug("checkpoint-place-not-restored", "Checkpoint: the place in the epoch is not restored",
            "run.task.loader().restore({next[0], next[1]});", ""),
        bug("checkpoint-epoch-not-restored", "Checkpoint: the epoch's account is not restored",
            "run.epoch = epoch;", ""),
        bug("checkpoint-saves-what-it-refuses", "Checkpoint: a file is written that cannot be loaded",
            "<|require_numbers(run, run.task.loader().state(), run.epoch, run.history);|>", ""),
        bug("checkpoint-test-data-not-recorded", "Checkpoint: the test data are not recorded",
            "if (<|run.testing != nullptr|>) { file.metadata", "false"),
        bug("checkpoint-lost-state", "Checkpoint: a run goes on without the momentum that its file has lost",
            "<|require_states(run, states, {next[0], next[1]});|>", ""),
    ],
    LIB + "train/checkpoint_invariants.cpp": [
        bug("checkpoint-any-count", "Checkpoint: more correct answers than examples are accepted",
            "require<DataError>(got >= least && <|got <= most|>,", "true"),
        bug("checkpoint-back-in-time", "Checkpoint: a history that goes back is accepted",
            "if (sequence) { least = <|counts[i]|>; }", "least"),
        bug("checkpoint-negative-loss", "Checkpoint: a negative loss of a classification is accepted",
            "return <|loss < bound - 1e-9 * std::abs(bound)|>;", "loss < -1e6"),
    ],
    LIB + "train/checkpoint_file.cpp": [
        bug("checkpoint-no-checksum", "Checkpoint: the checksum is not compared",
            "contents_.metadata.count(checksum_key) > 0 && <|got != expected|>)", "false"),
        bug("checkpoint-saves-nan", "Checkpoint: a NaN is saved",
            "[](T x) { return <|!std::isfinite(x)|>; }", "std::isinf(x)"),
        bug("checkpoint-version-1-not-renamed", "Checkpoint: the momentum in a file of version 1 is not found",
            "const bool renamed = <|text(version_key) == \"1\"|> &&", "false"),
        bug("checkpoint-version-1-first-step", "Checkpoint: version 1 is refused if it was saved before the first step",
            "const bool add = <|none|> &&", "false"),
        bug("checkpoint-other-data", "Checkpoint: a run goes on with other data",
            "if (<|got == wanted|>) { return; }\n    fail(fmt::format(\"was {} on", "true"),
    ],

    # ---- The gradient checker ----
    LIB + "check/report.cpp": [
        bug("checker-wide-tolerance", "Checker: the tolerance is a thousand times too wide",
            "<|report.tolerance.relative * report.largest_numeric|> + report.tolerance.entrywise",
            "1e3 * report.tolerance.relative * report.largest_numeric"),
        bug("checker-both-zero", "Checker: two gradients of zeros agree",
            "if (<|analytic_is_zero && report.largest_numeric == 0|>)", "false",
            "if (<|analytic_is_zero|>) { return \"the analytic", "analytic_is_zero && report.largest_numeric > 0",
            "if (<|report.largest_numeric == 0|>) { return \"the numeric", "false"),
        bug("checker-eats-nan", "Checker: a NaN agrees with anything",
            "if (<|!std::isfinite(entry.analytic) || !std::isfinite(entry.numeric)|>)", "false",
            "if (<|!(deviation <= allowed)|>)", "deviation > allowed"),
    ],
    LIB + "check/complex_step.hpp": [
        bug("checker-large-complex-step", "Checker: the complex step is 1e-5",
            "Complex(x.data()[i], <|h|>);", "1e-5", "std::imag(f(std::as_const(point))) / <|h|>;", "1e-5"),
    ],
    LIB + "check/central_difference.hpp": [
        bug("checker-one-sided", "Checker: differences are taken to the right only",
            "result.gradient.data()[i] = <|(after.value - before.value) / width|>;", "right.data()[i]"),
        bug("checker-divides-by-h", "Checker: the divisor is 2 h instead of the step that was taken",
            "const double width = <|static_cast<double>(above) - static_cast<double>(below)|>;", "2 * h"),
        bug("checker-no-kinks", "Checker: corners of the function are not noticed",
            "if (<|after.decisions != here.decisions || before.decisions != here.decisions|>)", "false"),
    ],
}
