#!/usr/bin/env bash
# test_memory.sh PROGRAM SOURCE: the letter models of chapter 16 learn a text in which the last letter does not say the next
# one, on any number of threads alike, and write it. What the program refuses, it refuses in one line.
set -euo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HANDGRAD_DATA=$2/data

fail() {
    echo "$*"
    exit 1
}

# After "a" comes "a" or "b": the best table of pairs has a loss of 0.46. Only the first letters of a window are a guess.
for ((i = 0; i < 600; ++i)); do printf 'aab'; done >aab.txt
small=(--preset shakespeare --data aab.txt --hidden 8 --steps 60 --lr 0.05)
for threads in 1 2; do
    "$program" "${small[@]}" --threads "$threads" --out out >all.txt
    grep -v "^#" all.txt >"threads$threads.txt"
done
cmp threads1.txt threads2.txt || fail "2 threads: another output than with one"
grep -q "^1800 characters, 3 different ones$" threads1.txt || fail "the text: $(head -n 3 threads1.txt)"
[ "$(awk '$1 == 60 && $2 < 0.1' threads1.txt | wc -l)" = 2 ] || fail "a model has not learned the text: $(cat threads1.txt)"
[ "$(grep -c '^| .*aabaabaabaab' threads1.txt)" = 2 ] || fail "a model does not write the text: $(cat threads1.txt)"

# Names of one's own: each ends after its third letter.
for name in abc abd acb acd adb adc bac bad bca bcd bda bdc; do echo "$name"; done >names.txt
"$program" --preset names --data names.txt --hidden 8 --steps 60 --lr 0.05 --out out >names.out
[ "$(grep -c '^| [abcd][abcd][abcd]$' names.out)" -ge 20 ] || fail "names of three letters: $(cat names.out)"

# refused STATUS TEXT OPTION...: one line that has the text in it.
refused() {
    local expected=$1 text=$2 status=0
    shift 2
    "$program" "$@" --out out >/dev/null 2>refused.err || status=$?
    if [ "$status" != "$expected" ] || [ "$(wc -l <refused.err)" != 1 ] || [[ $(cat refused.err) != *"$text"* ]]; then
        fail "$*: status $status, expected $expected and one line with '$text', got: $(cat refused.err)"
    fi
}
refused 2 "--data needs --preset names or --preset shakespeare" --data aab.txt
refused 2 "--steps 19: the lesson needs at least 20" --steps 19
refused 2 "--radius: got '0', expected" --radius 0
refused 1 "names: found no names.txt" --preset names --data missing.txt
printf 'too short' >short.txt
refused 1 "the text has 9 characters, expected more than 640" --preset shakespeare --data short.txt
refused 1 "short.txt: 1 names, expected at least 10" --preset names --data short.txt
printf 'a\0b' >binary.txt
refused 1 "binary.txt" --preset shakespeare --data binary.txt
