#!/usr/bin/env bash
# test_residual_resume.sh PROGRAM SOURCE [IMAGES [THREADS...]]: the residual CNN of chapter 13, with batch normalisation,
# random shifts and flips, AdamW and a schedule, killed in the middle of an epoch and resumed, has the bits of a run that
# was not. It trains on so many IMAGES (1600), on one thread and on each of these numbers of THREADS (2 4).
set -euo pipefail
program=$1
folder=$(mktemp -d)
started=""
trap 'if [ -n "$started" ]; then kill -9 "$started" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT
cd "$folder"

images=${3:-1600}
several=("${@:4}")
[ ${#several[@]} != 0 ] || several=(2 4)
export HANDGRAD_DATA=$2/data
# The last training images take the place of the test images, and there are few of them.
small=(--part network --limit "$images" --validation 300 --width 4 --batch-size 64 --flip 0.5 --shift 3
    --weight-decay 0.05)

fail() {
    echo "$*"
    exit 1
}

# A run that would take very long is killed without a warning as soon as it has saved something.
"$program" "${small[@]}" --epochs 3 --save-every 7 --save killed --threads 2 --out killed.out >killed.txt 2>killed.err &
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

losses() { sed -n '/"train_losses"/,/"epoch_seconds"/p' "$1.out/run.json" | sed '$d'; }
for threads in 1 "${several[@]}"; do
    "$program" "${small[@]}" --epochs 3 --threads "$threads" --save "whole$threads" --out "whole$threads.out" >/dev/null
    losses "whole$threads" >"whole$threads.losses"
done
"$program" "${small[@]}" --epochs 3 --resume killed --save resumed --threads 1 --out resumed.out >resumed.txt
grep -q "^goes on in epoch [1-3] at batch [0-9]* of $(((images + 63) / 64))$" resumed.txt ||
    fail "the resumed run does not say where it goes on: $(cat resumed.txt)"
losses resumed >resumed.losses
[ "$(grep -c '[0-9]\.[0-9]' whole1.losses)" -ge $((3 * images / 64 / 5)) ] || fail "run.json has too few losses"
for run in "${several[@]/#/whole}" resumed; do
    cmp "whole1.losses" "$run.losses" || fail "$run: other losses than the run with one thread"
    cmp whole1 "$run" || fail "$run: another checkpoint than that of the run with one thread"
done

# refused TEXT OPTION VALUE: with another value of an option the checkpoint is not taken, in one line: it would not be the
# same run.
refused() {
    local status=0 changed=("${small[@]}" --epochs 3)
    for ((i = 0; i < ${#changed[@]}; ++i)); do
        [ "${changed[i]}" != "$2" ] || changed[i + 1]=$3
    done
    "$program" "${changed[@]}" --resume killed --out refused.out >/dev/null 2>refused.err || status=$?
    if [ "$status" != 1 ] || [ "$(wc -l <refused.err)" != 1 ] || [[ $(cat refused.err) != *"$1"* ]]; then
        fail "$2 $3: status $status, expected 1 and one line with '$1', got: $(cat refused.err)"
    fi
}
refused "a run can only be resumed with the same data" --shift 2
refused "a run can only be resumed with the same data" --flip 0.25
refused "was saved with --epochs 3" --epochs 4
refused "expected 'AdamW(" --weight-decay 0.1
refused "was saved with --width 4" --width 5
