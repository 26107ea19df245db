"""Bugs in what everything is built on: shapes, versions and views of tensors, matrix products, functions of SIMD
registers, threads, random numbers."""
from mutants import bug

LIB = "lib/handgrad/"


BUGS = {
    # ---- Shapes and views ----
    LIB + "tensor/shape.hpp": [
        bug("shape-rank-nine", "Shape: nine dimensions are accepted, where there is memory for eight",
            "if (<|rank > most|>) { throw", "rank > most + 1"),
        bug("shape-last-extent", "Shape: two shapes are equal where only the last extents differ",
            "if (a.rank_ != b.rank_) { return false; } for (std::size_t i = 0; <|i < a.rank_|>; ++i)",
            "i + 1 < a.rank_"),
    ],
    LIB + "tensor/shape.cpp": [
        bug("as-written-unsigned", "Messages: -1 that became a std::size_t is shown as 18446744073709551615",
            "return <|std::to_string(static_cast<std::ptrdiff_t>(number))|>;", "std::to_string(number)"),
        bug("at-least-unsigned", "Numbers from the user: -1 that became a std::size_t counts as a large one",
            "if (<|static_cast<std::ptrdiff_t>(number) < static_cast<std::ptrdiff_t>(least)|>)", "number < least"),
    ],
    LIB + "tensor/view.hpp": [
        bug("rows-of-first-axis", "Rows: of the axes before the last one, only the first is folded into rows",
            "return {x.data(), <|count(without_last(shape))|>, shape.back()};", "shape[0]"),
    ],

    # ---- Versions: who watches a tensor learns of every change ----
    LIB + "tensor/version.hpp": [
        bug("version-view-alone", "Version: what is written to a view does not count for its tensor",
            "if (shown_) { ++*shown_; }", ""),
        bug("version-owner-alone", "Version: what is written to a tensor does not count for its views",
            "own_ && *own_ == own_seen_ && <|(!shown_ || *shown_ == shown_seen_)|>;", "true"),
        bug("version-view-of-view", "Version: a view of a view follows the view, not the tensor",
            "shown_ = <|other.shown_ ? other.shown_ : other.own()|>;", "other.own()"),
        bug("version-end-of-life", "Version: a tensor that is destroyed does not say that its numbers are gone",
            "~Version() { <|gone();|> }", ""),
    ],
    LIB + "tensor/storage.hpp": [
        bug("storage-write-not-counted", "Version: a number written by its index does not count",
            "T& operator[](std::size_t i) { return <|changing()|>[i]; }", "data_"),
        bug("storage-assignment-not-counted", "Version: an assigned tensor of the same size does not count",
            "std::copy_n(other.data_, size_, data_); <|version_.changed();|>", ""),
        bug("storage-move-not-gone", "Version: a tensor that was moved from does not say that its numbers are gone",
            "if (view) { version_.follow(other.version_); } <|other.version_.gone();|>", ""),
    ],
    LIB + "device/tensor.hpp": [
        bug("device-write-not-counted", "Version: what a kernel writes does not count",
            "<|version_.changed();|> return data_;", ""),
    ],
    LIB + "device/tensor.cpp": [
        bug("device-move-not-gone", "Version: a device tensor that was moved from does not say so",
            "other.version_.gone();", ""),
        bug("device-view-not-followed", "Version: a view on the device does not follow its tensor",
            "data_ = x.data_; <|version_.follow(x.version_);|>", ""),
    ],

    # ---- Matrix products and SIMD registers ----
    LIB + "tensor/narrow_matmul.hpp": [
        bug("cpu-narrow-overlap-twice", "Linear: what two SIMD registers overlap in is added twice",
            "xsimd::select(is_new, v, Vec<T>(0))", "v"),
        bug("cpu-narrow-last-row", "Linear: dW of narrow layers leaves out the last row of the batch",
            "for (std::size_t i = 0; i < <|m|>; ++i) { for (std::size_t r = 0; r < R; ++r) { const auto bi", "m - 1"),
    ],
    LIB + "tensor/block_matmul.hpp": [
        bug("cpu-block-overlap-twice", "Linear: the columns that two blocks share are added twice",
            "c + last, m, k, rows, <|j - last|>);", "std::size_t(0)"),
    ],
    LIB + "tensor/simd.hpp": [
        bug("cpu-entrywise-no-rest", "Entrywise operations: what does not fill a SIMD register is left out",
            "if (<|i < n|>) { T buffer[lanes<T>] = {};", "false"),
        bug("lane-sum-order", "SIMD: the four numbers that are left of a register are added from left to right",
            "return <|(x[0] + x[1]) + (x[2] + x[3])|>;", "x[0] + x[1] + x[2] + x[3]"),
        bug("all-finite-first-registers", "SIMD: all_finite does not look at what does not fill four registers",
            "for (; <|i < n|>; ++i) { rest += x[i] - x[i]; }", "false"),
    ],
    LIB + "tensor/exp.hpp": [
        bug("exp-coefficient", "exp: one coefficient of the series in double is wrong, that of the eleventh power",
            "series = series * r + Vec<T>(<|factor(n)|>);", "factor(n == 11 ? 12 : n)"),
        bug("exp-power-in-one-step", "exp: the power of two is made in one step, too small for a normal number",
            "const Vec<T> half = <|detail::rounded<T>(reduced.k * Vec<T>(T(0.5)))|>;", "reduced.k"),
        bug("cpu-lstm-sigmoid-overflows", "LSTM: sigmoid takes exp(-x), which overflows",
            "const detail::Reduced<T> reduced(<|-y|>);", "Vec<T>(-x)"),
        bug("cpu-lstm-sigmoid-not-clipped", "LSTM: sigmoid of scores below -88 or -709 has a power of two that wraps around",
            "const detail::Reduced<T> reduced(<|-y|>);", "Vec<T>(-magnitude)"),
        bug("tanh-cancels-near-zero", "tanh: 1 is subtracted from exp(2x), which costs small results their digits",
            "const Vec<T> e = <|power * reduced.exp_r_minus_1 + (power - Vec<T>(1))|>;",
            "power * (Vec<T>(1) + reduced.exp_r_minus_1) - Vec<T>(1)"),
    ],

    # ---- Threads ----
    LIB + "tensor/parallel_for.cpp": [
        bug("threads-last-chunk", "Threads: the last chunk of the work is not done",
            "chunks_ = <|chunks|>; waiting_chunks_", "chunks > 2 ? chunks - 1 : chunks"),
        bug("threads-exception-lost", "Threads: an exception in one of them is lost",
            "if (<|error && !error_|>) { error_ = error; }", "false"),
        bug("threads-pool-kept", "Threads: another number of threads has no effect once there are some",
            "if (<|!pool || pool->wanted() != workers|>)", "!pool"),
        bug("threads-inside-for-ever", "Threads: after the first loop all loops run on one thread",
            "~Inside() { <|flag = false;|> }", ""),
        # Data races. Their names begin with "race-": handgrad_mutants_on_host runs them under ThreadSanitizer.
        bug("race-caller-does-not-wait", "Threads: a loop ends while others still work on its chunks",
            "done_.wait(lock, [this] { return running_ == 0; });", ""),
        bug("race-stop-without-lock", "Threads: the pool tells its workers to stop without the lock",
            "always:<|const std::lock_guard<std::mutex> lock(mutex_);|> stop_ = true;",
            "std::unique_lock<std::mutex> lock(mutex_);", "stop_ = true;", "lock.unlock(); stop_ = true;"),
        bug("race-no-join", "Threads: the pool does not wait for its workers when it ends",
            "worker.join();", "worker.detach();"),
        bug("race-flag-not-atomic", "Threads: a worker looks for chunks in what only the lock protects",
            "return <|waiting_chunks_ != 0|>;", "next_ < chunks_"),
        bug("race-two-jobs", "Threads: two callers give the pool their loops at the same time",
            "if (inside || <|!lock.try_lock()|>)", "false"),
        bug("race-exception-without-lock", "Threads: two threads store their exceptions in the same place",
            "catch (...) { <|error = std::current_exception();|> }",
            "error = std::current_exception(); if (!error_) { error_ = error; }"),
    ],

    # ---- Random numbers and first weights ----
    LIB + "tensor/random.cpp": [
        bug("init-no-root", "First weights: the bound is 1/fan_in instead of its square root",
            "return <|1.0 / std::sqrt(static_cast<double>(fan_in))|>;", "1.0 / static_cast<double>(fan_in)"),
        bug("random-state-no-spare", "Random: the state forgets the second normal number of a pair",
            "<|has_spare_|> ? fmt::format(\"{:016x}\", spare_bits)", "false"),
        bug("random-spare-for-ever", "Random: the second normal number of a pair comes again and again",
            "double Random::normal() { if (has_spare_) { <|has_spare_ = false;|>", ""),
    ],
    LIB + "tensor/random.hpp": [
        bug("shuffle-never-stays", "Random: shuffle leaves nothing in its place",
            "below(<|static_cast<std::uint64_t>(n)|>)", "static_cast<std::uint64_t>(n - 1)"),
    ],
    LIB + "tensor/philox.hpp": [
        bug("philox-nine-rounds", "Philox: one round is missing",
            "round < <|10|>;", "9"),
        bug("philox-key-stays", "Philox: the second half of the key stays the same in all rounds",
            "key1 += 0xBB67AE85;", ""),
        bug("philox-one-purpose", "Random numbers from a counter: all purposes have the same",
            "step, <|purpose|>}}", "std::uint32_t{0} * purpose"),
        bug("philox-step-and-purpose", "Random bits: step and purpose are exchanged in the counter",
            "static_cast<std::uint32_t>(block >> 32), <|step|>, purpose}}", "purpose",
            "static_cast<std::uint32_t>(block >> 32), step, <|purpose|>}}", "step"),
        bug("philox-same-word", "Random bits: four numbers in a row are the same word",
            "random_block(seed, purpose, step, index / 4).word[<|index % 4|>];", "0"),
    ],
}
