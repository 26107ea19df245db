"""Bugs in the device backend: what each item of a Thrust kernel does, and how a sum is cut into parts."""
from mutants import bug

LIB = "lib/handgrad/"


BUGS = {
    LIB + "ops/activation/device.cpp": [
        bug("device-relu-at-zero", "ReLU: the gradient passes at 0",
            "return <|x <= T(0)|> ? T(0) : dy;", "x < T(0)"),
        bug("device-sigmoid-no-y", "Sigmoid: the gradient lacks the factor y",
            "return <|dy * y * (T(1) - y)|>;", "dy * (T(1) - y)"),
        bug("device-tanh-square", "tanh: 1 - y instead of 1 - y squared",
            "dy * (T(1) - <|y * y|>)", "y"),
    ],
    LIB + "ops/softmax/device.cpp": [
        bug("device-softmax-no-mean", "Softmax: dz lacks the weighted mean of dp",
            "p(n, k) * (dp(n, k) - <|mean|>)", "T(0)"),
    ],
    LIB + "ops/cross_entropy/device.cpp": [
        bug("device-cross-entropy-mean-of-all", "Cross-entropy: the gradient has 1/(N C) instead of 1/N",
            "/ static_cast<T>(<|p.rows|>);", "p.rows * p.columns"),
        bug("device-cross-entropy-int-sum", "Cross-entropy: the losses are added up from the int 0, so they are cut off",
            "<|sum += rows[n];|> }", "sum = static_cast<int>(sum + rows[n]);"),
        bug("device-cross-entropy-last-part", "Cross-entropy: the mean leaves out the last part of the batch",
            "for (int i = 0; i < <|count|>; ++i) { sum += sums[i]; }", "count > 1 ? count - 1 : count"),
        bug("device-accuracy-last-of-ties", "Accuracy: of equal scores the last one is chosen",
            "if (<|row[best] < row[j]|> || is_first_nan) { best = j; }", "!(row[j] < row[best])"),
        bug("device-accuracy-skips-nan", "Accuracy: a score that is NaN is never chosen",
            "if (row[best] < row[j] || <|is_first_nan|>) { best = j; }", "false"),
        bug("device-label-c-accepted", "Cross-entropy: label C of C classes is accepted",
            "return y(n) < 0 || <|y(n) >= classes|>;", "y(n) > classes"),
    ],
    LIB + "ops/layer_norm/device.cpp": [
        bug("device-layer-norm-no-eps", "Layer normalisation: eps is ignored",
            "std::sqrt(variance / D + <|eps|>)", "T(0)"),
        bug("device-layer-norm-dw-without-rstd", "Layer normalisation: dw from differences to the mean alone",
            "dw_sum += dy(n, d) * ((x(n, d) - mean(n)) * <|rstd(n)|>);", "T(1)"),
    ],
    LIB + "ops/l2_penalty/device.cpp": [
        bug("device-penalty-last-block", "Penalty: a last block that is not full counts only as half",
            "end = <|begin + l2_block < w.size ? begin + l2_block : w.size|>;",
            "begin + l2_block < w.size ? begin + l2_block : begin + (w.size - begin + 1) / 2"),
        bug("device-penalty-overwrites", "Penalty: the gradient overwrites the loss's",
            "return before ? <|before[i] + lambda * w(i)|> : lambda * w(i);", "lambda * w(i)"),
        bug("device-penalty-int-sum", "Penalty: the parts are added up from the int 0, so they are cut off",
            "for (const T sum : sums) { <|total += sum;|> }", "total = static_cast<T>(static_cast<int>(total + sum));"),
    ],
    LIB + "ops/linear/device.cpp": [
        bug("device-linear-dx-transposed", "Linear: dx from W instead of its transpose",
            "sum += dy(n, k) * <|w(d, k)|>;", "w.data[k * w.rows + d]"),
        bug("device-linear-db-halved", "Linear: the bias's gradient is halved",
            "for (std::size_t n = 0; n < dy.rows; ++n) { sum += <|dy(n, k)|>; }", "dy(n, k) / 2"),
        bug("device-linear-dw-not-added", "Linear: dW overwrites where it should be added to",
            "return before ? <|before[item] + sum|> : sum;", "sum"),
    ],
    LIB + "device/run.hpp": [
        bug("device-parts-of-threads", "Sums over the batch are cut into as many parts as there are threads",
            "each(<|(rows + 63) / 64|>)", "(rows + num_threads() - 1) / num_threads()"),
        bug("device-last-row-of-parts", "Sums over the batch leave out its last row",
            "return part + 1 < count ? (part + 1) * each : <|rows|>;", "rows > 1 ? rows - 1 : rows"),
    ],
    LIB + "device/extents.hpp": [
        bug("device-conv-between-strides", "Convolution: dx takes windows that a stride leaves out",
            "start >= 0 && <|start % stride == 0|> && start / stride < windows", "true"),
        bug("device-conv-no-dilation", "Convolution: the dilation is ignored",
            "return stride * p + <|dilation * r|> - padding;", "r"),
    ],
    LIB + "ops/conv2d/device_items.hpp": [
        bug("device-conv-one-entry", "Convolution: one entry of y is larger by 1e-9 of its size",
            "k = image % e.K, n = image / e.K; return <|output(n, k, p, q)|>;",
            "item == 0 ? output(n, k, p, q) * T(1 + 1e-9) : output(n, k, p, q)"),
        bug("device-conv-dx-flipped", "Convolution: dx from a kernel that is flipped",
            "sum += <|taps[r * e.columns.kernel + s]|> * dz",
            "taps[(e.rows.kernel - 1 - r) * e.columns.kernel + e.columns.kernel - 1 - s]"),
        bug("device-conv-dw-last-part", "Convolution: dW and db leave out the last part of the batch",
            "for (int part = 0; part < <|count|>; ++part)", "count > 1 ? count - 1 : count"),
    ],
    LIB + "ops/conv2d/extents.hpp": [
        bug("device-conv-paddings-swapped", "Convolution: the paddings along H and W are exchanged",
            "result.h, o.stride.h, <|o.padding.h|>,", "o.padding.w",
            "result.w, o.stride.w, <|o.padding.w|>,", "o.padding.h"),
    ],
    LIB + "ops/pool2d/device_items.hpp": [
        bug("device-max-pool-overwrites", "Max-pooling: where windows overlap, the last gradient overwrites the others",
            "<|image[indices.data[i]] += dy.data[i];|> }", "image[indices.data[i]] = dy.data[i];"),
        bug("device-max-pool-not-zeroed", "Max-pooling: pixels that lost keep what was in dx",
            "for (int i = 0; i < pixels; ++i) { <|image[i] = T(0);|> }", ""),
        bug("device-avg-pool-counts-padding", "Average-pooling: the padding counts although it should not",
            "const int low = <|count_include_pad ? -axis.padding : 0|>;", "-axis.padding"),
    ],
    LIB + "ops/conv2d_relu_max_pool2d/device_items.hpp": [
        bug("device-fused-dead-passes", "Convolution, ReLU and pooling: a window that ReLU closed counts for the bias",
            "if (<|winners.data[window] != T(4)|>) { sum += dy.data[window]; }", "true"),
        bug("device-fused-odd-edge", "Convolution, ReLU and pooling: an odd last row takes its neighbour's gradient",
            "if (<|p / 2 >= rows || q / 2 >= columns|>) { return T(0); }", "false",
            "const int window = (image * rows + <|p / 2|>) * columns + q / 2;",
            "(p / 2 < rows ? p / 2 : rows - 1)"),
    ],
    LIB + "ops/sgd/device.cpp": [
        bug("device-sgd-no-maximize", "SGD: maximize is ignored",
            "T d = <|maximize ? -g(i) : g(i)|>;", "g(i)"),
        bug("device-sgd-first-damped", "SGD: the first step is damped",
            "v(i) = first ? <|d|> : momentum * v(i)", "undamped * d"),
    ],
    LIB + "device/memory.cpp": [
        bug("device-buffer-moved-keeps-size", "Memory: a buffer whose memory was moved away believes that it has it",
            "bytes_(<|std::exchange(other.bytes_, 0)|>)", "other.bytes_"),
        bug("device-buffer-assignment-keeps-size", "Memory: a move by assignment leaves the size behind",
            "std::swap(data_, other.data_); <|std::swap(bytes_, other.bytes_);|>", ""),
    ],
    LIB + "device/transfer.hpp": [
        bug("device-item-of-many", "item takes the first number of a tensor that has several",
            "require_shape(\"item\", \"x\", x.shape(), {1});", ""),
    ],
    LIB + "data/device_batches.cpp": [
        bug("device-batches-all-first", "DataLoader: every batch is the first one",
            "order_.data()) + <|(range.first - first_)|>;", "0"),
    ],
}
