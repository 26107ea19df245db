"""Bugs in the operations: the reference's plain loops, the cpu backend's kernels, and the chapters that call them."""
from mutants import bug

LIB = "lib/handgrad/"


BUGS = {
    # ---- The reference ----
    LIB + "ops/linear/reference.hpp": [
        bug("reference-linear-no-bias", "Linear: the bias is not added",
            "T sum = <|b(k)|>;", "T(0)"),
        bug("reference-linear-dx-transposed", "Linear: dx from W instead of its transpose",
            "sum += dy(n, k) * <|w(d, k)|>;", "w.data[k * w.rows + d]"),
        bug("reference-linear-dw-last-row", "Linear: dW leaves out the last row of the batch",
            "n < <|x.rows|>; ++n) { sum += x(n, d) * dy(n, k)", "x.rows > 1 ? x.rows - 1 : x.rows"),
        bug("reference-linear-dw-one-entry", "Linear: one entry of dW is 1e-9 too large",
            "dw(d, k) = mode == Accumulate::yes ? dw(d, k) + sum : <|sum|>;", "d + k == 0 ? sum + T(1e-9) : sum"),
        bug("reference-linear-db-missing", "Linear: the bias's gradient is missing",
            "db(k) = mode == Accumulate::yes ? db(k) + sum : <|sum|>;", "T(0)"),
        bug("reference-linear-db-halved", "Linear: the bias's gradient is halved",
            "sum += <|dy(n, k)|>; }", "dy(n, k) / T(2)"),
    ],
    LIB + "ops/activation/reference.hpp": [
        bug("reference-relu-mask-of-gradient", "ReLU: the mask is taken from the gradient",
            "return is_positive(<|x|>) ? dy : T(0);", "dy"),
        bug("reference-tanh-square", "tanh: 1 - y instead of 1 - y squared",
            "(T(1) - <|y * y|>)", "y"),
        bug("reference-gelu-no-inner-derivative", "GELU: the derivative of tanh's argument is missing",
            "T(0.5) * x * (T(1) - t * t) * <|du|>);", "T(1)"),
    ],
    LIB + "ops/softmax/reference.hpp": [
        bug("reference-softmax-no-maximum", "Softmax: the row's maximum is not subtracted, so large scores overflow",
            "p(n, k) = exp(z(n, k) - <|T(m)|>)", "T(0)"),
        bug("reference-softmax-no-mean", "Softmax: dz lacks the weighted mean of dp",
            "p(n, k) * (dp(n, k) - <|mean|>)", "T(0)"),
    ],
    LIB + "ops/cross_entropy/reference.hpp": [
        bug("reference-cross-entropy-no-mean", "Cross-entropy: the gradient lacks 1/N",
            "dz(n, k) = <|(p(n, k) - T(is_true_class ? 1 : 0)) / batch|>;", "p(n, k) - T(is_true_class ? 1 : 0)"),
        bug("reference-cross-entropy-next-class", "Cross-entropy: the one is in the class after the true one",
            "k == static_cast<std::size_t>(<|y(n)|>)",
            "(y(n) + 1) % static_cast<std::int64_t>(p.columns)"),
    ],
    LIB + "ops/layer_norm/reference.hpp": [
        bug("reference-layer-norm-unbiased", "Layer normalisation: the variance is divided by D - 1",
            "variance /= D;", "variance /= T(static_cast<double>(x.columns > 1 ? x.columns - 1 : 1));"),
        bug("reference-layer-norm-constant-rstd", "Layer normalisation: dx lacks the term of the standard deviation",
            "- g_mean - <|x_hat * gx_mean|>);", "T(0)"),
    ],
    LIB + "ops/l2_penalty/reference.hpp": [
        bug("reference-penalty-two-lambda", "Penalty: the gradient is 2 lambda w",
            "const T g = <|T(lambda) * w(i)|>;", "T(2 * lambda) * w(i)"),
    ],
    LIB + "ops/conv2d/reference.hpp": [
        bug("reference-conv-flipped-everywhere", "Convolution: the kernel is flipped, forward and backward alike",
            "f(n, k, p, q, c, r, s, first + c, i, j);",
            "f(n, k, p, q, c, w.h - 1 - r, w.w - 1 - s, first + c, i, j);"),
        bug("reference-conv-no-padding", "Convolution: the padding is ignored",
            "options.dilation.h * r - <|options.padding.h|>;", "std::size_t(0)"),
        bug("reference-conv-strides-swapped", "Convolution: the strides along H and W are exchanged",
            "<|options.stride.h|> * p + options.dilation.h", "options.stride.w",
            "<|options.stride.w|> * q + options.dilation.w", "options.stride.h"),
        bug("reference-conv-no-groups", "Convolution: every group reads the first one's channels",
            "const std::size_t first = <|k / kernels_per_group * w.c|>;", "std::size_t(0)"),
        bug("reference-conv-dx-not-zeroed", "Convolution: dx is added to what was there",
            "std::fill_n(dx.data, dx.size(), T(0));", ""),
    ],
    LIB + "ops/pool2d/reference.hpp": [
        bug("reference-max-pool-last-of-ties", "Max-pooling: the last of equal pixels wins",
            "winner < 0 || <|is_greater(v, best)|>", "!is_greater(best, v)"),
        bug("reference-max-pool-padding-counts", "Max-pooling: the padding counts as zeros",
            "if (i >= x.h || j >= x.w) { <|continue;|> }",
            "if (winner >= 0 && is_greater(T(0), best)) { best = T(0); } continue;"),
        bug("reference-max-pool-overwrites", "Max-pooling: where windows overlap, the last gradient overwrites the others",
            "dx(n, c, m / dx.w, m % dx.w) += dy(n, c, p, q);", "dx(n, c, m / dx.w, m % dx.w) = dy(n, c, p, q);"),
        bug("reference-avg-pool-counts-padding", "Average-pooling: the padding counts although it should not",
            "options.count_include_pad ? padded : <|inside|>;", "padded"),
    ],
    LIB + "ops/sgd/reference.hpp": [
        bug("reference-sgd-decoupled-decay", "SGD: the weight decay bypasses the momentum",
            "step += T(options.weight_decay) * p(i);",
            "p(i) -= T(options.lr) * T(options.weight_decay) * p(i);"),
        bug("reference-sgd-no-nesterov", "SGD: nesterov does nothing",
            "step = options.nesterov ? <|step + T(options.momentum) * v(i)|> : v(i);", "v(i)"),
        bug("reference-sgd-lr-in-velocity", "SGD: the velocity holds lr times the gradient, so a new lr comes late",
            "v(i) = first ? step : T(options.momentum) * v(i) + T(1 - options.dampening) * step;",
            "step *= T(options.lr);"
            " v(i) = first ? step : T(options.momentum) * v(i) + T(1 - options.dampening) * step;",
            "p(i) -= <|T(options.lr)|> * step;", "options.momentum != 0 ? T(1) : T(options.lr)"),
    ],

    # ---- The cpu backend ----
    LIB + "ops/linear/cpu.cpp": [
        bug("cpu-linear-dx-factor", "Linear: dx is larger by a factor of 1 + 1e-6",
            "gemm(CblasNoTrans, CblasTrans, rows, in, out, <|T(1)|>, dyi, out", "T(1 + 1e-6)"),
        bug("cpu-linear-dx-transposed", "Linear: dx of narrow layers from W instead of its transpose",
            "const T* wt = is_narrow(out) ? <|transposed(w)|> : nullptr;", "w.data"),
        bug("cpu-linear-db-overwrites", "Linear: the bias's gradient is overwritten where it should be added to",
            "db(k) = mode == Accumulate::yes ? <|db(k) + sums[k]|> : sums[k];", "sums[k]"),
    ],
    LIB + "ops/activation/cpu.cpp": [
        bug("cpu-relu-mask-of-gradient", "ReLU: the mask is taken from the gradient",
            "return xsimd::select(<|x|> <= Vec<T>(0), Vec<T>(0), dy);", "dy"),
        bug("cpu-relu-eats-nan", "ReLU: a NaN becomes 0",
            "value(ReLU, Vec<T> x) { return <|xsimd::select(x < Vec<T>(0), Vec<T>(0), x)|>; }",
            "xsimd::select(x > Vec<T>(0), x, Vec<T>(0))"),
        bug("cpu-sigmoid-no-factor", "Sigmoid: the gradient lacks the factor 1 - y",
            "return <|dy * y * (Vec<T>(1) - y)|>;", "dy * y"),
        bug("cpu-gelu-cube-once", "GELU: the derivative of x cubed lacks its factor 3",
            "(one + Vec<T>(T(<|3 * GELU::cubic|>)) * x * x)", "GELU::cubic"),
    ],
    LIB + "ops/softmax/rows.hpp": [
        bug("cpu-softmax-first-as-maximum", "Softmax: the first score is taken for the largest",
            "m = <|z[j] > m || z[j] != z[j] ? z[j] : m|>;", "m"),
    ],
    LIB + "ops/cross_entropy/cpu.cpp": [
        bug("cpu-cross-entropy-mean-twice", "Cross-entropy: the gradient has 1/N twice",
            "const T batch = <|static_cast<T>(p.rows)|>;", "static_cast<T>(p.rows * p.rows)"),
        bug("cpu-cross-entropy-no-mean", "Cross-entropy: the loss is a sum instead of a mean",
            "*loss = static_cast<T>(<|sum / static_cast<double>(z.rows)|>);", "sum"),
        bug("cpu-cross-entropy-parts-of-threads", "Cross-entropy: the sum is cut into as many parts as there are threads",
            "const Chunks chunks(z.rows, <|cpu::softmax_grain(classes)|>);",
            "(z.rows + static_cast<std::size_t>(num_threads()) - 1) / static_cast<std::size_t>(num_threads())"),
    ],
    LIB + "ops/layer_norm/cpu.cpp": [
        bug("cpu-layer-norm-no-rest", "Layer normalisation: features that do not fill a SIMD register are not summed",
            "for (; <|d < n|>; ++d) { total += f_one(d); }", "false"),
    ],
    LIB + "ops/l2_penalty/cpu.cpp": [
        bug("cpu-penalty-no-half", "Penalty: the loss lacks the factor 1/2",
            "static_cast<T>(<|0.5 * lambda|>) * total", "lambda"),
        bug("cpu-penalty-no-rest", "Penalty: the last weights, if not a multiple of eight, do not count",
            "for (std::size_t j = 0; <|i < w.size|>; ++i, ++j)", "false"),
    ],
    LIB + "ops/conv2d/cpu.cpp": [
        bug("cpu-conv-db-rest", "Convolution: the bias's gradient leaves out what does not fill a SIMD register",
            "for (; <|i < plane|>; ++i) { rest += d[i]; }", "false"),
        bug("cpu-conv-padding-times-infinity", "Convolution: the padding's zeros times an infinite weight make NaN",
            "if (<|pass == Pass::forward && g.is_padded() && !all_finite(w, g.w_size())|>)", "false"),
        bug("cpu-conv-spread-times-infinity", "Convolution: the zeros between dy's numbers times an infinite weight"
            " make NaN",
            "if (<|!all_finite(w, g.w_size())|>) { return Algorithm::im2col; }", "false"),
        bug("cpu-conv-dw-padding-times-infinity", "Convolution: the padding's zeros times an infinite dy make dW NaN",
            "if (<|g.is_padded() && has_nan(sums, dw.size())|>)", "false"),
        bug("cpu-conv-empty-batch-keeps-dw", "Convolution: for a batch without images dW stays what it was",
            "if (!add) { <|std::fill_n(dw.data, dw.size(), T(0));|> }", ""),
    ],
    LIB + "ops/conv2d/conv2d.cpp": [
        bug("conv-groups-of-x-unchecked", "Convolution: channels of x that the groups do not divide are accepted",
            "groups > largest_extent || <|x[1] % groups != 0|> ||", "false"),
    ],
    LIB + "ops/conv2d/fast/direct.hpp": [
        bug("cpu-conv-no-dilation", "Convolution: the dilation along H is ignored",
            "const std::size_t row = ci * c.frame.rows + (r - rows.begin) * <|c.dilation.h|>;", "std::size_t(1)"),
    ],
    LIB + "ops/conv2d/fast/batch.hpp": [
        bug("cpu-conv-dx-not-flipped", "Convolution: dx from a kernel that is not flipped",
            "* g.R + <|g.R - 1 - r|>) * g.S", "r", "* g.S + <|g.S - 1 - s|>];", "s"),
        bug("cpu-conv-dw-last-part", "Convolution: dW leaves out the last thread's part of the sum",
            "for (std::size_t n = 0; n < <|count|>; ++n) { all +=", "count > 1 ? count - 1 : count"),
    ],
    LIB + "ops/conv2d/geometry.hpp": [
        bug("cpu-conv-dw-parts-of-threads", "Convolution: dW is cut into as many parts as there are threads",
            "inline Chunks chunks_of(std::size_t images) { return Chunks(images, <|(images + 15) / 16|>); }",
            "(images + static_cast<std::size_t>(num_threads()) - 1) / static_cast<std::size_t>(num_threads())"),
        bug("cpu-conv-pointwise-stride-width", "Convolution: a kernel of one pixel is taken to read every row, whatever the "
            "stride along H",
            "return R == 1 && S == 1 && <|stride == Size2d(1)|> &&", "stride.w == 1"),
    ],
    LIB + "ops/conv2d/im2col.hpp": [
        bug("cpu-conv-no-stride", "Convolution: the stride along W is ignored",
            "to[q * column_step] = from[(q - begin) * <|g.stride.w|>];", "std::size_t(1)"),
        bug("cpu-conv-windows-not-zeroed", "Convolution: the padding is what the last image left there",
            "if (<|g.is_padded()|>) { std::fill_n(matrix", "false"),
        bug("cpu-conv-dx-not-zeroed", "Convolution: dx is added to what was there",
            "std::fill_n(dx, g.x_image(), T(0));", ""),
    ],
    LIB + "ops/pool2d/cpu.cpp": [
        bug("cpu-max-pool-last-of-ties", "Max-pooling: the last of equal pixels wins",
            "const bool second = <|b.value > a.value|> || b.value != b.value;", "b.value >= a.value"),
        bug("cpu-max-pool-eats-nan", "Max-pooling: a NaN loses",
            "const bool second = b.value > a.value || <|b.value != b.value|>;", "false"),
        bug("cpu-max-pool-not-zeroed", "Max-pooling: pixels that lost keep what was in dx",
            "std::fill(to, to + pixels, T(0));", ""),
        bug("cpu-avg-pool-whole-kernel", "Average-pooling: a window over the edge is divided by the whole kernel's area",
            "padded_rows = <|std::min(kernel.h, height + 2 * padding.h - p * stride.h)|>;", "std::size_t(kernel.h)"),
        bug("cpu-avg-pool-no-share", "Average-pooling: each of four pixels gets the whole gradient",
            "lower[2 * q + 1] = <|dy[q] / T(4)|>;", "dy[q]"),
    ],
    LIB + "ops/conv2d_relu_max_pool2d/fast/fused.hpp": [
        bug("cpu-fused-swapped", "Convolution, ReLU and pooling: the gradient goes to the right instead of below",
            "const std::size_t place[places] = {0, <|right|>, below, below + right};", "below",
            "const std::size_t place[places] = {0, right, <|below|>, below + right};", "right"),
        bug("cpu-fused-dead-passes", "Convolution, ReLU and pooling: a window that ReLU closed lets its gradient pass",
            "xsimd::select(<|best <= zero|>, dead, place).store_aligned(winners", "best < zero"),
    ],
    LIB + "ops/conv2d_relu_max_pool2d/unfused.hpp": [
        bug("cpu-unfused-not-zeroed", "Convolution, ReLU and pooling of a small mini-batch: dz is not zeroed",
            "std::fill_n(dz.data, dz.size(), T(0));", ""),
    ],
    LIB + "ops/sgd/cpu.cpp": [
        bug("cpu-sgd-no-dampening", "SGD: the dampening is ignored",
            "undamped(static_cast<T>(<|1 - options.dampening|>))", "1.0"),
        bug("cpu-sgd-rest-of-block", "SGD: of the last block only the first half takes the step",
            "const std::size_t m = <|std::min(block, n - i)|>;", "n - i < block ? (n - i + 1) / 2 : block"),
    ],

    # ---- What the operations of all backends share: shapes, memory, labels, windows ----
    LIB + "ops/cross_entropy/cross_entropy.hpp": [
        bug("label-c-accepted", "Cross-entropy: label C of C classes is accepted",
            "return l >= 0 && <|static_cast<std::size_t>(l) < classes|>;", "static_cast<std::size_t>(l) <= classes"),
        bug("argmax-skips-nan", "Cross-entropy: a score that is NaN is never chosen",
            "if (scores[k] > scores[best] || <|is_first_nan|>) { best = k; }", "false"),
        bug("tally-rows-of-first-axis", "Cross-entropy: of sequences (B, T), the tally counts B rows instead of B T",
            "tally.data()[0] += static_cast<double>(loss) * static_cast<double>(<|y.size()|>);", "y.shape()[0]"),
    ],
    LIB + "ops/cross_entropy/cross_entropy.cpp": [
        bug("cross-entropy-flat-labels", "Cross-entropy: labels of sequences (B, T) have to be flat",
            "require_shape(where, \"y\", y, <|without_last(z)|>);", "Shape{count(without_last(z))}"),
    ],
    LIB + "ops/linear/linear.hpp": [
        bug("linear-y-flat", "Linear: y of sequences (B, T, D) is flat, (B T, D)",
            "return <|with_last(x, w[1])|>;", "Shape{count(without_last(x)), w[1]}"),
        bug("linear-dx-flat", "Linear: dx of sequences (B, T, D) is flat, (B T, D)",
            "resize(dx, <|with_last(dy.shape(), w.shape()[0])|>);",
            "Shape{count(without_last(dy.shape())), w.shape()[0]}"),
        bug("linear-y-may-be-bias", "Linear: that y shares memory with the bias is not refused",
            "require_apart(\"linear_forward\", {\"y\", y}, {{\"x\", x}, {\"w\", w}, {\"b\", b}});",
            "require_apart(\"linear_forward\", {\"y\", y}, {{\"x\", x}, {\"w\", w}});"),
        bug("linear-db-may-be-dy", "Linear: that db shares memory with dy is not refused",
            "require_apart(where, {\"db\", db}, {{\"dy\", dy}});", ""),
    ],
    LIB + "ops/softmax/softmax.hpp": [
        bug("softmax-dz-flat", "Softmax: dz of sequences (B, T, K) is flat, (B T, K)",
            "resize(dz, <|p.shape()|>);", "Shape{count(without_last(p.shape())), p.shape().back()}"),
    ],
    LIB + "ops/flatten/flatten.hpp": [
        bug("flatten-one-entry", "Flatten: one entry of dx is larger by 1e-9 of its size",
            "flatten_backward(dy, shape_of_x, view); <|return Tensor(std::as_const(view));|>",
            """Tensor dx(std::as_const(view));
               T& last = dx.data()[dx.size() - 1]; // the tests' device is the host
               last = last * T(1 + 1e-9);
               return dx;"""),
    ],
    LIB + "ops/windows.cpp": [
        bug("ceil-mode-ignored", "Pooling: ceil_mode counts windows as if it was off",
            "padded + <|(ceil_mode ? stride - 1 : 0)|>;", "std::size_t(0)"),
        bug("ceil-mode-empty-window", "Pooling: with ceil_mode a window may begin beyond the image",
            "return steps + (<|ceil_mode && steps * stride >= size + padding|> ? 0 : 1);", "false"),
    ],

    # ---- The chapters' models ----
    "chapters/04_linear_classifier/model.hpp": [
        bug("chapter-04-penalty-overwrites", "Chapter 04: the penalty's gradient overwrites the loss's",
            "cpu::l2_penalty_backward(w, reg, dw, <|Accumulate::yes|>);", "Accumulate::no"),
    ],
    "chapters/05_two_layer_net/model.hpp": [
        bug("chapter-05-penalty-on-bias", "Chapter 05: the biases are penalised as well",
            "Backend::linear_backward_bias(dz2, db2);",
            "Backend::linear_backward_bias(dz2, db2); Backend::l2_penalty_backward(b2, reg, db2, Accumulate::yes);"),
        bug("chapter-05-no-mask", "Chapter 05: backpropagation forgets the ReLU",
            "Backend::relu_backward(o1, do1, dz1);", ""),
    ],
    "chapters/09_cnn/model.hpp": [
        bug("chapter-09-relu-on-scores", "Chapter 09: the spare ReLU is applied to the scores",
            "return <|fc.forward(rows)|>;", "act.forward(fc.forward(rows))"),
    ],
}
