"""Mutants that no test can see, and why. An entry names a file below lib/handgrad, a line of it without its
indentation, and the change as "run --sample" prints it, or "*" for every change of the line.

Four reasons come again and again. SPEED: the mutant is slower or faster, and its results are the same. SAME: it
computes the same. BEYOND: it reads or writes just behind the end of some memory, where nobody looks; AddressSanitizer
does, in tests/sanitizers/run address. ELSEWHERE: a test that is no unit test sees it; it is named."""
import re

SPEED = "speed only: "
SAME = "the same result: "
BEYOND = "behind the end of memory, which AddressSanitizer sees: "
ELSEWHERE = "another test sees it: "

LISTED = {
    "check/hints.cpp": [
        ("if (std::abs(a.data()[i] - factor * c.data()[i]) > allowed) { return 0; }",
         "std::abs(a.data()[i] - factor * c.data()[i]) > allowed -> std::abs(a.data()[i] - factor * c.data()[i]) >= allowed",
         SAME + "but for a deviation that is the tolerance to the last bit"),
    ],
    "check/traced.hpp": [
        ("digest_ = (digest_ ^ (outcome ? 0xD6E8FEB86659FD93u : 0xA5A5C3C3F00F1E1Eu)) * 0x9E3779B97F4A7C15u;",
         "outcome -> !(outcome)", SAME + "the two constants are exchanged; digests are only compared with each other"),
    ],
    "app/interrupt.cpp": [
        ("io::remove_temporary_files();", "without io::remove_temporary_files();",
         ELSEWHERE + "tests/chapters/test_frame.cpp does, but a program that a signal ends does not note what it reached"),
    ],
    "app/start.cpp": [
        ("const char* const slash = std::strrchr(argv[0], '/');", "0 -> 0 + 1",
         ELSEWHERE + "the test of faults sees the program's name; and no mutant is at work before the libraries are there"),
    ],
    "check/exercise.cpp": [
        ("if (result != arguments.end() && result + 1 != arguments.end()) { limit_resources(*(result + 1)); }", "1 -> 1 + 1",
         ELSEWHERE + "tests/robustness/test_check.sh reads the file's report of a stack overflow"),
        ("if (result != arguments.end() && result + 1 != arguments.end()) { limit_resources(*(result + 1)); }",
         "without limit_resources(*(result + 1));",
         ELSEWHERE + "tests/robustness/test_check.sh reads the file's report of a stack overflow"),
    ],
    "check/limits.cpp": [
        ("limit(RLIMIT_AS, rlim_t{2} << 30);", "30 -> 30 + 1", SAME + "an exercise that asks for ever more memory ends later"),
        ("limit(RLIMIT_STACK, stack_size);", "without limit(RLIMIT_STACK, stack_size);",
         SAME + "the system's limit is 8 MiB as well"),
        ("if (file >= 0) {", "file >= 0 -> file > 0", SAME + "0 is stdin, which is open"),
        ("static std::vector<char> other_stack(1 << 16);", "16 -> 16 + 1", SAME + "a larger stack for a function that needs little"),
        ("action.sa_flags = SA_SIGINFO | SA_ONSTACK;", "without action.sa_flags = SA_SIGINFO | SA_ONSTACK;",
         ELSEWHERE + "tests/robustness/test_check.sh overflows the stack"),
    ],
    "data/spiral.cpp": [
        ("for (std::size_t i = 0; i < n; ++i) { result.storage()[i] = static_cast<double>(i) * step + first; }",
         "i < n -> i <= n", BEYOND + "one number is written behind the last"),
    ],
    "io/file.cpp": [
        ("if (written < 0 && errno != EINTR) { error_ = errno; }", "written < 0 -> written <= 0",
         SAME + "write() of some bytes to a regular file never returns 0"),
        ("if (error_ == 0 && ::fsync(descriptor_) != 0) { error_ = errno; } // may be the first to notice a full disk",
         "0 -> 0 + 1", ELSEWHERE + "the test of faults makes fsync() fail"),
    ],
    "io/safetensors.cpp": [
        ("std::uint64_t length = 0;", "0 -> 0 + 1", SAME + "the next line writes all of it"),
    ],
    "nn/sequential.hpp": [
        ("if (!needed) { break; }", "without break;", SPEED + "what is below has no parameters, and its backward returns at once"),
    ],
    "ops/conv2d/cpu.cpp": [
        ("for (std::size_t k = 0; k < dy.c; ++k) {", "k < dy.c -> k <= dy.c",
         BEYOND + "one number behind the gradient is changed"),
        ("const bool suits_direct = fuses && g.N >= lanes<T> / 2 && bytes <= (std::size_t(1) << 20);", "*",
         SPEED + "it chooses one of two algorithms"),
    ],
    "ops/conv2d/extents.hpp": [
        ("countable(where, \"y\", x.n * w.n * result.h * result.w);", "*",
         "y would need more than 2^31 numbers, 8 GB, to be seen"),
    ],
    "ops/conv2d/fast/direct.hpp": [
        ("for (; q + Pixels <= c.Q; q += Pixels) { tile(std::integral_constant<std::size_t, Pixels>{}, q); }",
         "q + Pixels -> q - Pixels", SPEED + "the next loop computes all pixels, one by one"),
        ("constexpr std::size_t tile_pixels(std::size_t channels) { return channels <= tile_channels(4) ? 4 : 2; }", "*",
         SPEED + "the size of a tile"),
    ],
    "ops/conv2d/reference.hpp": [
        ("for (std::size_t k = 0; k < dy.c; ++k) {", "k < dy.c -> k <= dy.c",
         BEYOND + "one number behind the bias's gradient is written"),
    ],
    "ops/conv2d/geometry.hpp": [
        ("for (std::size_t i = 0; i < size; ++i) { gradient[i] += sums[i]; }", "i < size -> i <= size",
         BEYOND + "one number behind the gradient is changed"),
    ],
    "ops/conv2d_relu_max_pool2d/device.cpp": [
        ("const std::size_t windows = static_cast<std::size_t>(batch.each) * dy.h * dy.w; // number of windows of a part", "*",
         SPEED + "an estimate of the work, which decides whether to use threads"),
    ],
    "ops/conv2d_relu_max_pool2d/fast/fused.hpp": [
        ("direct::correlate_all(c, g.groups, g.N, pack_group, direct::flipped_weight(g, w), no_bias, dx, windows * lanes<T>);",
         "windows * lanes<T> -> windows + lanes<T>", BEYOND + "the scratch memory is too small"),
    ],
    "ops/l2_penalty/device.cpp": [
        ("const std::size_t count = (w.size + l2_block - 1) / l2_block;",
         "(w.size + l2_block - 1) / l2_block -> (w.size + l2_block - 1) * l2_block",
         SPEED + "the blocks behind the last are empty, and their sums 0"),
    ],
    "ops/linear/device.cpp": [
        ("tabulate(dx.data, dx.rows * dx.columns, 2 * dy.columns, BackwardInput<T>{dy, w});", "2 -> 2 + 1",
         SPEED + "an estimate of the work, which decides whether to use threads"),
    ],
    "ops/pool2d/cpu.cpp": [
        ("if (is_two_by_two(options) && x.h == 2 * y.h && x.w == 2 * y.w && y.w <= two_by_two_block) {", "2 -> 2 + 1",
         SPEED + "the general loop computes the same as the one for 2 x 2"),
    ],
    "plot/image_grid.cpp": [
        ("std::size_t rows_, cols_, count_ = 0, height_ = 0, width_ = 0;", "*",
         SAME + "the constructor sets all of them"),
        ("for (auto row = static_cast<std::size_t>(top); row < height_ && static_cast<double>(row) < bottom; ++row) {",
         "static_cast<double>(row) < bottom -> static_cast<double>(row) <= bottom",
         SAME + "a row that begins at the bottom is covered by 0"),
        ("for (auto row = static_cast<std::size_t>(top); row < height_ && static_cast<double>(row) < bottom; ++row) {",
         "row < height_ && static_cast<double>(row) < bottom -> row < height_ || static_cast<double>(row) < bottom",
         SAME + "the rows below the rectangle are covered by 0"),
    ],
    "tensor/block_matmul.hpp": [
        ("return fuses && k > 0 && n >= lanes<T> && k * n * sizeof(T) <= (std::size_t(1) << 19);",
         "n >= lanes<T> -> n > lanes<T>", SPEED + "it chooses one of two algorithms"),
        ("return fuses && k > 0 && n >= lanes<T> && k * n * sizeof(T) <= (std::size_t(1) << 19);", "0 -> 0 + 1",
         SPEED + "it chooses one of two algorithms"),
        ("return fuses && k > 0 && n >= lanes<T> && k * n * sizeof(T) <= (std::size_t(1) << 19);",
         "k * n * sizeof(T) -> k * n + sizeof(T)", SPEED + "it chooses one of two algorithms"),
    ],
    "tensor/narrow_matmul.hpp": [
        ("if (d < k && k >= lanes<T>) {", "d < k -> d <= k", SAME + "no column is left, and zeros are added"),
        ("for (; i + rows <= m; i += rows) { narrow_outer_rows<N, rows>(x + i * k, w, b, y + i * N, k); }",
         "i + rows <= m -> i + rows < m", SAME + "the next loop computes the last rows, one by one"),
    ],
    "tensor/philox.hpp": [
        ("std::uint32_t word[4]; ///< least significant first", "*", SAME + "the compiler computes the size of an array"),
    ],
    "tensor/shape.hpp": [
        ("for (std::size_t i = rank_; i < rank; ++i) { extents_[i] = value; }", "i < rank -> i <= rank",
         ELSEWHERE + "of Shape(8, 2), UndefinedBehaviorSanitizer says that the ninth extent is behind the end; below "
         "that, nobody reads it"),
    ],
    "tensor/simd.hpp": [
        ("sums[r] += v - v;", "sums[r] += v - v -> sums[r] -= v - v", SAME + "v - v is 0 or NaN"),
    ],
    "check/central_difference.hpp": [
        ("if (std::abs(right.data()[i] - left.data()[i]) > allowed) {",
         "std::abs(right.data()[i] - left.data()[i]) > allowed -> std::abs(right.data()[i] - left.data()[i]) >= allowed",
         SAME + "but for two slopes whose difference is what is allowed to the last bit"),
    ],
    "ops/conv2d/fast/batch.hpp": [
        ("pixels == 4 ? run(std::integral_constant<std::size_t, 4>{})", "4 -> 4 + 1", SPEED + "the size of a tile"),
        ("const Frame frame{g.H + 2 * g.padding.h, g.W + 2 * g.padding.w, g.padding.h, g.padding.w};", "2 -> 2 + 1",
         SPEED + "the frame of zeros is wider than need be"),
    ],
    "ops/layer_norm/cpu.cpp": [
        ("const Chunks chunks(x.columns, x.rows * x.columns < 65536 ? x.columns : block, block);", "*",
         SPEED + "it decides whether to use threads"),
    ],
    "ops/conv2d/device.cpp": [
        ("tabulate(parts, size, 2 * pixels, Conv2dBackwardWeightPart<T>{e, batch, x, dy});", "2 -> 2 + 1",
         SPEED + "an estimate of the work, which decides whether to use threads"),
    ],
    "tensor/parallel.cpp": [
        ("while (n > 1 && !memory_is_left(4 * static_cast<std::size_t>(n - 1) * stack + left)) { --n; }", "4 -> 4 + 1",
         SPEED + "how many threads start where memory is limited"),
    ],
    "tensor/parallel_for.cpp": [
        ("hand_over();", "*", SAME + "it does nothing without sanitizers"),
        ("if (handgrad_hand_over != nullptr) { handgrad_hand_over(); }", "*", SAME + "without sanitizers it is not compiled"),
        ("if (sleeping_ > 0) { wake_.notify_all(); }", "sleeping_ > 0 -> sleeping_ >= 0",
         SPEED + "threads are woken that do not sleep"),
    ],
    "tensor/storage.hpp": [
        ("void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, std::align_val_t(64)); } ///< frees it",
         "64 -> 64 + 1", SAME + "memory is freed without a look at its alignment"),
    ],
    "tensor/exp.hpp": [
        ("const Vec<T> y = xsimd::select(magnitude > Vec<T>(B::vanishing), Vec<T>(B::vanishing), magnitude); // NaN stays NaN",
         "magnitude > Vec<T>(B::vanishing) -> magnitude >= Vec<T>(B::vanishing)", SAME + "the smaller of two numbers"),
        ("return xsimd::select(x < Vec<T>(0), e, Vec<T>(1)) / (Vec<T>(1) + e);",
         "x < Vec<T>(0) -> x <= Vec<T>(0)", SAME + "e is 1 where x is 0"),
        ("const Vec<T> y = xsimd::select(magnitude > Vec<T>(B::saturated), Vec<T>(B::saturated), magnitude);",
         "magnitude > Vec<T>(B::saturated) -> magnitude >= Vec<T>(B::saturated)", SAME + "the smaller of two numbers"),
        ("x = xsimd::select(x > Vec<T>(B::greatest), Vec<T>(B::greatest), x);",
         "x > Vec<T>(B::greatest) -> x >= Vec<T>(B::greatest)", SAME + "the smaller of two numbers"),
    ],
    "device/cuda_on_host.hpp": [
        ("barrier_.wait(); // the next block uses the same shared memory", "without barrier_.wait();",
         SAME + "the kernel of the tiles ends with a barrier of its own"),
    ],
    "device/extents.hpp": [
        ("return start >= 0 && start % stride == 0 && start / stride < windows ? start / stride : -1;", "1 -> 1 + 1",
         SAME + "any negative number says that there is no window"),
        ("if (stride == 1) { return start >= 0 && start < windows ? start : -1; }", "1 -> 1 + 1",
         SAME + "any negative number says that there is no window; and stride 1 needs no case of its own"),
    ],
    "data/data_loader.hpp": [
        ("epoch_ = sampler_.epoch();", "without epoch_ = sampler_.epoch();",
         SPEED + "the order of the epoch is given to the source before every batch"),
    ],
}


def reason(mutant):
    """Why no test can see the mutant, or None."""
    called = re.match(r"(max|min|>)\((.*)\) exchanged$", mutant.change)
    if called and (called[1] != ">" or re.search(r"(max|min)<[\w:]+>\(" + re.escape(called[2]), mutant.text)):
        return SAME + "a maximum or minimum of two numbers does not depend on their order"
    for line, change, why in LISTED.get(mutant.file.removeprefix("lib/handgrad/"), []):
        if line == mutant.text and change in ("*", mutant.change):
            return why
    return None
