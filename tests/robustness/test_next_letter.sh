#!/usr/bin/env bash
# test_next_letter.sh PROGRAM SOURCE: lists of names and options that chapter 15 cannot use. Each is refused in one line before
# anything is computed, with status 1 for a list and 2 for an option. Then a list of names that is used.
set -euo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HANDGRAD_DATA=$2/data

refuses() { # refuses STATUS TEXT ARGUMENT...
    local want=$1 text=$2 status=0 message
    shift 2
    message=$("$program" --out out "$@" 2>&1 >printed </dev/null) || status=$?
    if [ "$status" != "$want" ] || [ "$message" != "15_next_letter: $text" ]; then
        echo "$*: status $status, expected $want; said: $message; expected: 15_next_letter: $text"
        exit 1
    fi
    if grep -v '^# handgrad' printed; then
        echo "$*: computed something before it was refused"
        exit 1
    fi
}

: >empty
printf 'anna\nbert\0\n' >binary
printf 'anna\nj\xfcrgen\n' >latin1
head -c $((65 * 1024 * 1024)) /dev/zero >huge
printf 'anna\n\nbert\n' >gap
printf '%s\n' a b c d e f g h i >nine
{ printf '%0101d\n' 0; seq 10 20; } >long
for first in c4 c5 c6 c7; do # the characters U+0100 to U+01FF
    for ((second = 128; second < 192; ++second)); do printf "\\x$first\\x$(printf %x "$second")\n"; done
done >letters

refuses 1 "empty: the file is empty, expected text" --data empty
refuses 1 "binary: line 2 has the control character 0x00; expected text, not a binary file" --data binary
refuses 1 "latin1: line 2 has the byte 0xfc, which is no UTF-8; expected text in UTF-8" --data latin1
refuses 1 "cannot read 'huge': it has 68157440 bytes, expected at most 67108864" --data huge
refuses 1 "gap: line 2 is empty, expected a name" --data gap
refuses 1 "nine: 9 names, expected at least 10" --data nine
refuses 1 "long: line 1 has 101 characters, expected a name of at most 100" --data long
refuses 1 "letters: 257 different letters, expected at most 200" --data letters
refuses 1 "cannot read 'missing': No such file or directory" --data missing

refuses 2 "--context 16: expected at most 15, the letters of the longest name" --context 16
refuses 2 "--context 12, --width 1000 and --hidden 2000 with 27 letters make a network of 24083027 parameters, \
expected at most 10000000" --context 12 --width 1000 --hidden 2000
refuses 2 "--temperature: got '0', expected a number from 0.001 to 100 (--help lists the options)" --temperature 0

# Short names: the context is as long as the longest of them. The letters are not English.
for i in 1 2 3 4 5 6; do printf 'åsa\nzoë\n'; done >names
"$program" --out out --data names --steps 20 --table-steps 10 >printed
grep -q '^12 names, from åsa to zoë$' printed
grep -q '^The network sees 3 letters, and has ' printed
echo "lists and options that do not fit are refused, and a list of one's own is used"
