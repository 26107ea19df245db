#!/usr/bin/env bash
# test_gpt_resume.sh PROGRAM SOURCE: a tiny GPT of chapter 17, with AdamW, clipping and a schedule, killed in the middle of
# the training and resumed, has the bits of a run that was not; so have runs on 2 and 4 threads. And what the program
# refuses, it refuses in one line.
set -euo pipefail
program=$1
folder=$(mktemp -d)
started=""
trap 'if [ -n "$started" ]; then kill -9 "$started" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
export HANDGRAD_DATA=$2/data
sizes=(--layers 2 --heads 2 --width 16 --context 12 --batch 5 --validation 2 --characters 20)
small=("${sizes[@]}" --steps 120)

fail() {
    echo "$*"
    exit 1
}

# It is killed without a warning as soon as it has saved something.
"$program" "${small[@]}" --save-every 7 --save killed --threads 2 --out killed.out >killed.txt 2>killed.err &
started=$!
for ((i = 0; i < 6000; ++i)); do
    [ ! -e killed ] || break
    kill -0 "$started" 2>/dev/null || break
    sleep 0.02
done
[ -e killed ] || fail "nothing was saved: $(cat killed.err)"
kill -KILL "$started" 2>/dev/null || true
wait "$started" 2>/dev/null || true
started=""

results() { sed -n '/"results"/,$p' "$1.out/run.json"; }
for threads in 1 2 4; do
    "$program" "${small[@]}" --threads "$threads" --save "whole$threads" --out "whole$threads.out" >"whole$threads.txt"
    results "whole$threads" >"whole$threads.results"
done
"$program" "${small[@]}" --resume killed --save resumed --threads 1 --out resumed.out >resumed.txt
grep -q "^goes on after step [0-9]* of 120$" resumed.txt || fail "it does not say where it goes on: $(cat resumed.txt)"
results resumed >resumed.results
[ "$(grep -c '[0-9]\.[0-9]' whole1.results)" -ge 120 ] || fail "run.json has too few losses: $(cat whole1.results)"
written() { sed -n '/^It writes/,/^$/p' "$1.txt"; }
for run in whole2 whole4 resumed; do
    cmp whole1.results "$run.results" || fail "$run: other losses than the run with one thread"
    cmp whole1 "$run" || fail "$run: another checkpoint than that of the run with one thread"
    [ "$(written whole1)" = "$(written "$run")" ] || fail "$run: it writes another text"
done

# refused STATUS TEXT OPTION...: one line that has the text in it.
refused() {
    local expected=$1 text=$2 status=0
    shift 2
    "$program" "$@" --out refused.out >refused.txt 2>refused.err || status=$?
    if [ "$status" != "$expected" ] || [ "$(wc -l <refused.err)" != 1 ] || [[ $(cat refused.err) != *"$text"* ]]; then
        fail "$*: status $status, expected $expected and one line with '$text', got: $(cat refused.err)"
    fi
}
refused 1 "was saved with --steps 120" "${sizes[@]}" --steps 121 --resume killed
refused 1 "was saved with --seed 1" "${small[@]}" --seed 2 --resume killed
refused 2 "--heads 3 does not divide --width 64" --heads 3
printf 'To be, or not to be? Ω' >unknown.txt
refused 1 "unknown.txt: unknown character" "${sizes[@]}" --steps 1 --prompt-file unknown.txt
if grep -q "training loss" refused.txt; then fail "a wrong prompt is found after the training"; fi
printf 'too short' >short.txt
refused 1 "the text has 9 characters, expected more than 120" "${sizes[@]}" --data short.txt
printf 'a\0b' >binary.txt
refused 1 "binary.txt" "${sizes[@]}" --data binary.txt

printf 'ab%.0s' {1..200} >no_lines.txt
"$program" "${sizes[@]}" --steps 1 --data no_lines.txt --out lines.out >/dev/null || fail "a text without lines fails"

# A text of one's own, with other characters than Shakespeare's.
for ((i = 0; i < 40; ++i)); do echo "ähnlich §$i"; done >own.txt
"$program" "${sizes[@]}" --steps 2 --data own.txt --out own.out >own.txt.out || fail "a text of one's own fails"
grep -q "^[0-9]* characters, 19 different ones:" own.txt.out || fail "own text: $(grep different own.txt.out)"
