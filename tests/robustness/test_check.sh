#!/usr/bin/env bash
# test_check.sh SOURCE PREFIX WORK [all]: ./run check on copies of chapters, built against the package installed in PREFIX.
# First every exercise is solved; then one is broken in many ways, and the others must be marked all the same.
# Without "all": the three exercises of chapter 05. With it: those of all chapters.
set -euo pipefail
source=$1
tree=$3/tree
which=${4:-05_two_layer_net}
export CMAKE_PREFIX_PATH=$2 CXXFLAGS=-Wall
unset HANDGRAD_PRESET CI DISASTER

rm -rf "$tree"
mkdir -p "$tree/chapters" "$tree/lib/tools"
cp "$source/run" "$source/CMakePresets.json" "$tree/"
cp "$source/lib/tools/mark.py" "$source/lib/tools/points.txt" "$tree/lib/tools/"
if [ "$which" = all ]; then
    cp -r "$source"/chapters/[0-9]* "$tree/chapters/"
else
    cp -r "$source/chapters/$which" "$tree/chapters/"
fi
for folder in "$tree"/chapters/*/exercises; do cp "$folder"/solutions/*.hpp "$folder/"; done
cat >"$tree/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.21...3.25)
project(exercises CXX)
find_package(handgrad REQUIRED)
add_custom_target(handgrad) # installed
file(GLOB chapters chapters/*/CMakeLists.txt)
foreach(file IN LISTS chapters)
  get_filename_component(folder "${file}" DIRECTORY)
  add_subdirectory("${folder}")
endforeach()
END
mkdir "$tree/bin"
printf '#!/bin/sh\nprintf "installed %%s\\n" "$@"\n' >"$tree/bin/dpkg-query" # nothing is to be installed
chmod +x "$tree/bin/dpkg-query"
PATH=$tree/bin:$PATH
cd "$tree" # so that paths are relative to it

total=$(cat "$tree"/chapters/*/exercises/check.cpp | grep -c 'exercises\.add(')
arguments=()
[ "$which" = all ] || arguments=(5)
file=chapters/05_two_layer_net/exercises/tanh.hpp
named="05.5 tanh_backward ($file)"
failed="05.5  tanh_backward                FAILED"

fail() {
    printf '%s\n--- printed:\n%s\n' "$1" "$output"
    exit 1
}

# check STATUS PASSED TEXT ARGUMENT...: the status, the number of exercises in the last line, and a text that is printed.
check() {
    local want=$1 passed=$2 text=$3 status=0 begin=$SECONDS last
    shift 3
    output=$("$tree/run" check "${arguments[@]}" "$@" 2>"$tree/errors") || status=$?
    output+=$(sed '/^run: /d' "$tree/errors")
    last=$(grep . <<<"$output" | tail -n 1)
    [ "$status" = "$want" ] || fail "${DISASTER:-}: status $status, expected $want"
    [[ $last == "$passed of $total exercises passed"* ]] || fail "${DISASTER:-}: expected that $passed of $total passed"
    [[ $output == *"$text"* ]] || fail "${DISASTER:-}: expected this text: $text"
    [ "$(grep -cE '^[0-9]{2}\.[0-9]+  .* (passed|FAILED)' <<<"$output")" = "$total" ] || fail "not a line an exercise"
    [ "$(grep -cE '^[0-9]{2}\.[0-9]+  .* passed' <<<"$output")" = "$passed" ] || fail "other lines say passed"
    printf '%-18s %2d of %2d, status %d, %2d s: %s\n' "${DISASTER:-$what}" "$passed" "$total" "$status" \
        $((SECONDS - begin)) "$(grep -F "$named" <<<"$output" || true)"
}

broken() { # broken TEXT [ARGUMENT...]: exercise 05.5 fails with this text, which follows its name and its file
    check 1 $((total - 1)) "$failed
  $named $1" "${@:2}"
}

what="all solutions"
check 0 "$total" "05.5  tanh_backward                passed"

# The list, which mark.py reads from check.cpp, is that of the programs.
listed=$(for folder in "$tree"/chapters/*/; do
    name=$(basename "$folder")
    programs=("$tree/build/release/chapters/$name/check_$name"_*[a-z0-9])
    "${programs[0]%.diagnostics}" --list
done | python3 -c 'import json, sys
for line in sys.stdin:
    for e in json.loads(line):
        print("{:<5} {:<28} passed".format(e["exercise"], e["function"]))')
[ "$listed" = "$(grep -E '^[0-9]{2}\.' <<<"$output")" ] || fail "the programs list other exercises: $listed"

# ---- While it runs ----
cat >"$tree/$file" <<'END'
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;
using handgrad::zeros;

inline const char* environment = std::getenv("DISASTER");
inline const std::string disaster = environment == nullptr ? "" : environment;

struct Global {
    Global() {
        if (disaster == "exit at start") { std::exit(0); }
    }
    ~Global() {
        if (disaster == "crash at end") { std::abort(); }
    }
};
inline const Global global;

inline int depth(volatile int n) {
    volatile int here[1000] = {n};
    if (n < 0) { return 0; }
    return depth(n + 1) + here[0];
}

inline void throw_seven() { throw 7; }
inline void throw_in_noexcept() noexcept { throw_seven(); }

inline Tensor<double> tanh_backward(const Tensor<double>& y, const Tensor<double>& dy) {
    Tensor<double> dx = zeros<double>(y.shape());
    volatile int zero = 0;
    if (disaster == "crash") { *reinterpret_cast<volatile int*>(zero) = 1; }
    if (disaster == "exit") { std::exit(0); }
    if (disaster == "_Exit") { std::_Exit(1); }
    if (disaster == "endless loop") {
        while (zero == 0) {}
    }
    if (disaster == "throw 7") { throw 7; }
    if (disaster == "exception") { throw std::runtime_error("in words"); }
    if (disaster == "noexcept") { throw_in_noexcept(); }
    if (disaster == "stack overflow") { dx(0, 0) = depth(0); }
    if (disaster == "division by zero") { dx(0, 0) = 7 / zero; }
    if (disaster == "index") { dx(5, 7) = 1; }
    if (disaster == "prints passed") {
        for (const char* name : {"05.4  leaky_relu_backward         ", "05.5  tanh_backward               "}) {
            std::printf("\033[A%s passed\n", name);
        }
        std::printf("{\"exercise\": \"05.5\", \"passed\": true}\n24 of 24 exercises passed\n");
        std::fprintf(stderr, "3 of 3 exercises passed");
    }
    if (disaster == "closes files") {
        for (int file = 0; file < 100; ++file) { close(file); }
    }
    if (disaster == "abort") { std::abort(); }
    if (disaster == "deletes twice") {
        auto* numbers = new double[1000];
        double* volatile again = numbers;
        delete[] numbers;
        delete[] again;
    }
    if (disaster == "takes all memory") {
        std::vector<std::vector<double>> numbers;
        while (zero == 0) { numbers.emplace_back(std::size_t{1} << 26); }
    }
    if (disaster == "prints endlessly") {
        while (zero == 0) { std::printf("passed passed passed passed passed passed passed passed passed\n"); }
    }
    if (disaster == "leaves a process" && fork() == 0) {
        while (zero == 0) { sleep(1); }
    }
    if (disaster != "" && disaster != "crash at end" && disaster != "leaves a process") { return dx; }
    for (std::size_t i = 0; i < y.size(); ++i) { dx.data()[i] = dy.data()[i] * (1 - y.data()[i] * y.data()[i]); }
    return dx;
}
END
what="the same by hand"
check 0 "$total" "05.5  tanh_backward                passed"
while IFS='|' read -r DISASTER text; do
    export DISASTER
    broken "$text" --timeout "$([ "$DISASTER" = "endless loop" ] && echo 5 || echo 60)" </dev/null
done <<'END'
crash|crashed: it used memory that is not its own
exit|ended the program with status 0 before its result was known
_Exit|ended the program with status 1 before its result was known
exit at start|ended the program with status 0 before its result was known
endless loop|did not end within 5 s (an endless loop?)
throw 7|threw an exception: of type int
exception|threw an exception: in words
noexcept|was aborted: terminate called after throwing an instance of 'int'
stack overflow|crashed: stack overflow
division by zero|crashed: it divided a whole number by zero
index|threw an exception:
abort|was aborted
crash at end|was aborted
deletes twice|was aborted: 
takes all memory|threw an exception: std::bad_alloc
prints endlessly|was stopped: it wrote more than 64 MiB
END
for DISASTER in "prints passed" "closes files"; do check 1 $((total - 1)) "$failed"; done
DISASTER="leaves a process" check 0 "$total" "passed"
if [ "$which" != all ]; then # what it printed is shown, and cannot be taken for a line of ours
    DISASTER="prints passed" check 1 2 "  | {\"exercise\": \"05.5\", \"passed\": true}
  | 24 of 24 exercises passed
  | 3 of 3 exercises passed"
    [[ $output == *"  | ?[A05.4  leaky_relu_backward          passed"* ]] || fail "the cursor was moved"
fi
unset DISASTER

# ---- While it is compiled ----
then=$'\n  ' # where the errors begin: of one chapter all are shown, otherwise only the first
[ "$which" != all ] || then=" "
solution=$source/${file%/*}/solutions/${file##*/}
error() { # error TEXT: 05.5 does not compile, which is said without the library's lines
    broken "does not compile:$then$file:$1"
    if grep -E "In file included|In instantiation|required from|/xtensor|^ *note:" <<<"$output"; then
        fail "these lines are not the reader's"
    fi
}

what="compile error"
sed 's/return dx;/return dx/' "$solution" >"$tree/$file"
error "17:"
[ "$which" = all ] || [[ $output == *"    return dx"* ]] || fail "the line itself is not shown"
what="in a template"
sed 's/return dx;/std::string s; dx = y * s; return dx;/' "$solution" >"$tree/$file"
error "17:"
what="another name"
sed 's/tanh_backward/tanh_gradient/' "$solution" >"$tree/$file"
broken "does not compile:${then}chapters/05_two_layer_net/exercises/check.cpp:"
what="not defined"
sed 's/^inline Tensor.*/double missing();\n&/; s/return dx;/dx(0, 0) += missing(); return dx;/' "$solution" \
    >"$tree/$file"
broken "" # clang and GCC stop at different places
grep -qE "does not compile|undefined" <<<"$output" || fail "the function is not named"
what="no file"
rm "$tree/$file"
broken "cannot be read"
what="an empty file"
: >"$tree/$file"
broken "does not compile:$then"

what="a warning"
sed 's/return dx;/int unused_number = 1; return dx;/' "$solution" >"$tree/$file"
for _ in first second; do # of nothing new to be compiled, too
    check 0 "$total" "05.5  tanh_backward                passed, 1 warning"
    [ "$which" = all ] || grep -qF "$file:17:9: warning: unused variable" <<<"$output" || fail "the warning is not shown"
done

what="as it was"
cp "$solution" "$tree/$file"
check 0 "$total" "05.5  tanh_backward                passed"
if [ "$which" = all ]; then
    what="--solutions"
    cp "$source/$file" "$tree/$file"
    check 0 "$total" "05.5  tanh_backward                passed" --solutions
fi
