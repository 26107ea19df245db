#!/usr/bin/env bash
# test_run.sh SOURCE CASE: the run script, by itself in a small tree of chapters whose programs are there already.
set -euo pipefail
source=$1
unset HANDGRAD_PRESET # the tree below has the default one
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

cp "$source/run" "$tree/"
for chapter in 01_mnist_data 05_two_layer_net 08_mnist_two_layer 09_cnn 10_net; do
    mkdir -p "$tree/chapters/$chapter" "$tree/build/release/chapters/$chapter"
    echo "handgrad_chapter(TITLE \"About $chapter\" TOLERANCE 1e-6)" >"$tree/chapters/$chapter/CMakeLists.txt"
    program=$tree/build/release/chapters/$chapter/$chapter
    printf '#!/bin/sh\necho "%s got <$*>"\nexit 3\n' "$chapter" >"$program"
    chmod +x "$program"
done
# Two of them have exercises.
for name in 05_two_layer_net 09_cnn; do
    mkdir "$tree/chapters/$name/exercises"
    touch "$tree/chapters/$name/exercises/check.cpp"
    for kind in "" _solutions; do
        program=$tree/build/release/chapters/$name/check_$name$kind
        printf '#!/bin/sh\necho "%s.1 check%s <$*> passed"\necho "%s.2 x FAILED"\nexit 1\n' \
            "${name%%_*}" "$kind" "${name%%_*}" >"$program"
        chmod +x "$program"
    done
done
# Nothing is built in this test: a cmake that does nothing, and no package manager.
mkdir "$tree/bin"
printf '#!/bin/sh\nexit 0\n' | tee "$tree/bin/cmake" >"$tree/bin/apt-get"
printf '#!/bin/sh\nprintf "installed %%s\\n" "$@"\n' >"$tree/bin/dpkg-query"
chmod +x "$tree"/bin/*
touch "$tree/build/release/Makefile"

expect() { # expect STATUS TEXT ARGUMENT...
    local want=$1 text=$2 status=0 output
    shift 2
    output=$(PATH=$tree/bin:$PATH "$tree/run" "$@" 2>&1 </dev/null) || status=$?
    if [ "$status" != "$want" ] || [[ $output != *"$text"* ]]; then
        echo "./run $*: status $status, expected $want; printed: $output; expected in it: $text"
        exit 1
    fi
    if [ "$want" = 2 ] && [ "$(wc -l <<<"$output")" != 1 ]; then
        echo "./run $*: expected one line, got: $output"
        exit 1
    fi
}

case $2 in
list)
    expect 0 "08_mnist_two_layer     About 08_mnist_two_layer"
    cd "$source"
    for chapter in chapters/[0-9][0-9]_*/; do
        chapter=$(basename "$chapter")
        ./run | grep -E "^  $chapter +[A-Z]" || { echo "$chapter is not listed with its title"; exit 1; }
    done
    ;;
number)
    expect 3 "05_two_layer_net got <--epochs 2>" 5 --epochs 2
    expect 3 "05_two_layer_net got <>" 05
    expect 3 "10_net got <>" 10
    expect 2 "no command and no chapter" 0
    ;;
name)
    expect 3 "01_mnist_data got <-h>" 01_mnist_data -h
    expect 3 "09_cnn got <--preset good>" cnn --preset good
    expect 3 "10_net got <>" net # a whole name comes before a part of one
    ;;
part) expect 3 "08_mnist_two_layer got <a b>" mnist_two "a b" ;;
ambiguous)
    expect 2 "could be any of: 01_mnist_data 08_mnist_two_layer" mnist
    expect 2 "could be any of" ""
    ;;
unknown)
    expect 2 "no command and no chapter" transformer
    expect 2 "no command and no chapter" 7
    expect 2 "no command and no chapter" record nothing
    expect 2 "record takes one chapter" record
    ;;
check)
    expect 1 "05.1 check <> passed" check 5
    expect 1 "05.1 check_solutions <> passed" check two_layer_net --solutions
    expect 1 "09.1 check <09.4> passed" check 9.4
    expect 1 "09.1 check_solutions <09.4> passed" check --solutions cnn.4
    expect 1 "05.2 x FAILED
09.1 check <--summary> passed
09.2 x FAILED
2 of 4 exercises passed" check
    expect 1 "check_solutions <--summary> passed" check --solutions
    expect 2 "01_mnist_data has no coding exercises" check 1
    expect 2 "no command and no chapter" check 7
    expect 2 "not --solution" check 5 --solution
    expect 2 "one chapter or exercise, not 5 and 9" check 5 9
    # A chapter whose answers do not compile does not keep the others from being marked.
    cat >"$tree/bin/cmake" <<'END'
#!/bin/sh
case "$*" in *check_05*) echo "error: missing ;" >&2; exit 1 ;; esac
END
    expect 1 "error: missing ;" check
    expect 1 "1 of 2 exercises passed" check
    ;;
option) expect 2 "unknown option --epochs" --epochs 3 5 ;;
status)
    expect 0 "Usage: ./run" help
    printf '#!/bin/sh\necho "error: boom" >&2\nexit 7\n' >"$tree/bin/cmake"
    expect 1 "error: boom" 5
    ;;
*)
    echo "unknown case $2"
    exit 1
    ;;
esac
