#!/usr/bin/env bash
# test_cnn_resume.sh PROGRAM SOURCE [IMAGES [THREADS...]]: chapter 09 killed, interrupted, and told to go on from files
# that it should refuse. It trains on so many IMAGES (12000), on one thread and on each of these numbers of THREADS (2 4).
set -euo pipefail
program=$1
folder=$(mktemp -d)
started=""
trap 'if [ -n "$started" ]; then kill -9 "$started" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT
cd "$folder"

# MNIST with the first 500 of the test images: what they say is not looked at here, and they would take most of the time.
export HANDGRAD_DATA=$folder/data
mkdir data
ln -s "$2"/data/mnist/train-* data
first_500() { # first_500 BYTES: of the IDX file that is read, with that count in its header and so many bytes behind it
    cat >whole
    head -c 4 whole
    printf '\0\0\x01\xf4'
    head -c $((8 + $1)) whole | tail -c +9
}
gunzip -c "$2/data/mnist/t10k-images-idx3-ubyte.gz" | first_500 $((8 + 500 * 784)) >data/t10k-images-idx3-ubyte
gunzip -c "$2/data/mnist/t10k-labels-idx1-ubyte.gz" | first_500 500 >data/t10k-labels-idx1-ubyte

images=${3:-12000}
several=("${@:4}")
[ ${#several[@]} != 0 ] || several=(2 4)
batches=$(((images + 63) / 64))
small=(--limit "$images" --log-interval 10 --preset good)

fail() {
    echo "$*"
    exit 1
}

# interrupted NAME SIGNAL: a run that would take very long gets the signal as soon as it has saved something. Its status
# is in $status, its messages in NAME.err.
interrupted() {
    # Where this script runs in the background, SIGINT is ignored, and the program would ignore it, too.
    env --default-signal=INT "$program" "${small[@]}" --epochs 100000 --save-every 20 --save "$1" --threads 2 \
        --out "$1.out" >"$1.txt" 2>"$1.err" &
    started=$!
    for ((i = 0; i < 6000; ++i)); do
        [ ! -e "$1" ] || break
        sleep 0.02
    done
    [ -e "$1" ] || fail "$1: nothing was saved in two minutes: $(cat "$1.err")"
    kill "-$2" "$started"
    status=0
    wait "$started" 2>wait.err || status=$?
    started=""
}

# The run is killed without a warning, in the middle of an epoch or wherever it was.
interrupted killed KILL
[ "$status" = 137 ] || fail "killed: status $status, expected 137: $(cat killed.err)"

# Ctrl-C: the batch is finished and saved.
interrupted stopped INT
[ "$status" = 130 ] || fail "stopped: status $status, expected 130"
if [ "$(wc -l <stopped.err)" != 1 ] || ! grep -q "interrupted in epoch [0-9]* after [0-9]* of $batches batches; go on with --resume stopped" stopped.err; then
    fail "stopped: expected one line about the interruption, got: $(cat stopped.err)"
fi

# How far did they come? That depends on the machine. They are to go on to the end of that epoch, of two at least.
epochs=2
for run in killed stopped; do
    "$program" "${small[@]}" --epochs 1 --resume "$run" --out look.out >look.txt
    epoch=$(sed -n 's/^goes on in epoch \([0-9]*\) at batch .*/\1/p' look.txt)
    [ -n "$epoch" ] || fail "$run: the program does not say where it goes on: $(cat look.txt)"
    if [ "$epoch" -ge "$epochs" ]; then epochs=$((epoch + 1)); fi
done
losses() { sed -n '/"train_losses"/,/"epoch_seconds"/p' "$1.out/run.json" | sed '$d'; }
for threads in 1 "${several[@]}"; do
    "$program" "${small[@]}" --epochs "$epochs" --threads "$threads" --save "whole$threads" --out "whole$threads.out" >/dev/null
    losses "whole$threads" >"whole$threads.losses"
done
[ "$(grep -c '[0-9]\.[0-9]' whole1.losses)" -ge $((batches * 40 / 188)) ] || fail "run.json has too few losses: $(cat whole1.losses)"
for run in killed stopped; do
    "$program" "${small[@]}" --epochs "$epochs" --resume "$run" --save "$run.end" --threads 1 --out "$run.out" >/dev/null
    losses "$run" >"$run.losses"
done
for run in "${several[@]/#/whole}" killed stopped; do
    cmp "whole1.losses" "$run.losses" || fail "$run: other losses than the run with one thread"
done
for file in "${several[@]/#/whole}" killed.end stopped.end; do
    cmp whole1 "$file" || fail "$file: another checkpoint than that of the run with one thread"
done

# refused TEXT FILE OPTION...: the file is not taken, in one line, and nothing is written over it.
refused() {
    local text=$1 file=$2 status=0
    shift 2
    cp "$file" before
    "$program" "${small[@]}" --resume "$file" --out refused.out "$@" >/dev/null 2>refused.err || status=$?
    if [ "$status" != 1 ] || [ "$(wc -l <refused.err)" != 1 ] || [[ $(cat refused.err) != *"$text"* ]]; then
        fail "$file $*: status $status, expected 1 and one line with '$text', got: $(cat refused.err)"
    fi
    cmp before "$file" || fail "$file $*: the file was changed"
}
refused "was saved with --seed 1234" whole1 --seed 5 --save whole1
refused "was saved with --lr 0.02" whole1 --lr 0.01 --save whole1
head -c 20000 whole1 >truncated
refused "09_cnn: truncated: " truncated --save truncated
cp "$2/tests/fixtures/checkpoint.safetensors" other
refused "09_cnn: other: " other --save other
refused "no/such/folder" whole1 --save no/such/folder/file
