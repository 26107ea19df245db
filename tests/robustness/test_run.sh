#!/usr/bin/env bash
# test_run.sh SOURCE CASE: the run script, by itself in a small tree of chapters whose programs are there already.
set -euo pipefail
source=$1
unset HANDGRAD_PRESET CI # the tree below has the default preset, and nothing is installed without asking
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

cp "$source/run" "$source/CMakePresets.json" "$tree/"
for chapter in 01_mnist_data 05_two_layer_net 08_mnist_two_layer 09_cnn 10_net; do
    mkdir -p "$tree/chapters/$chapter" "$tree/build/release/chapters/$chapter"
    echo "handgrad_chapter(TITLE \"About $chapter\" TOLERANCE 1e-6)" >"$tree/chapters/$chapter/CMakeLists.txt"
    program=$tree/build/release/chapters/$chapter/$chapter
    printf '#!/bin/sh\necho "%s got <$*>"\nexit 3\n' "$chapter" >"$program"
    chmod +x "$program"
done
# Two of them have exercises, one that is right and one that is not: programs that say how they were called, and more.
mkdir -p "$tree/lib/tools"
cp "$source/lib/tools/mark.py" "$source/lib/tools/points.txt" "$tree/lib/tools/"
for name in 05_two_layer_net 09_cnn; do
    exercises=$tree/chapters/$name/exercises
    mkdir -p "$exercises/solutions"
    touch "$exercises"/{good,bad}.hpp "$exercises/solutions"/{good,bad}.hpp
    printf '    exercises.add("%s", "%s", "%s.hpp", mark);\n' "${name%%_*}.4" good_backward good \
        "${name%%_*}.5" bad_backward bad >"$exercises/check.cpp"
    for kind in good bad solutions; do
        mkdir "$tree/build/release/chapters/$name/exercises"{,/"$kind"} 2>/dev/null || true
        program=$tree/build/release/chapters/$name/check_${name}_$kind
        passed=true status=0
        [ "$kind" != bad ] || passed=false status=1
        cat >"$program" <<END
#!/bin/sh
echo "$kind got <\$1 \$2>: 05.5 bad_backward passed"
echo '{"exercise": "'"\$1"'", "passed": $passed, "exception": "", "report": "dx is wrong"}' >"\$3"
exit $status
END
        chmod +x "$program"
    done
done
# Nothing is built in this test: a cmake that does nothing, and no package manager.
mkdir "$tree/bin"
printf '#!/bin/sh\nexit 0\n' | tee "$tree/bin/cmake" >"$tree/bin/apt-get"
printf '#!/bin/sh\nprintf "installed %%s\\n" "$@"\n' >"$tree/bin/dpkg-query"
chmod +x "$tree"/bin/*
touch "$tree/build/release/Makefile"

path=$tree/bin:$PATH

expect() { # expect STATUS TEXT ARGUMENT...
    local want=$1 text=$2 status=0
    shift 2
    output=$(PATH=$path "$tree/run" "$@" 2>&1 </dev/null) || status=$?
    if [ "$status" != "$want" ] || [[ $output != *"$text"* ]]; then
        echo "./run $*: status $status, expected $want; printed: $output; expected in it: $text"
        exit 1
    fi
    if [ "$want" = 2 ] && [ "$(wc -l <<<"$output")" != 1 ]; then
        echo "./run $*: expected one line, got: $output"
        exit 1
    fi
}

one_line() { # one_line STATUS TEXT ARGUMENT...: the same, and it prints nothing else
    expect "$@"
    shift 2
    local output
    output=$(PATH=$path "$tree/run" "$@" 2>&1 </dev/null) || true
    if [ "$(wc -l <<<"$output")" != 1 ]; then
        echo "./run $*: expected one line, got: $output"
        exit 1
    fi
}

only() { # only TOOL...: nothing but these and the fakes is in the PATH
    local tool
    for tool in "$@"; do [ -e "$tree/bin/$tool" ] || ln -s "$(command -v "$tool")" "$tree/bin/"; done
    path=$tree/bin
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
    # From elsewhere, the path of a file is given from the root.
    cd "$tree/lib"
    expect 1 "  to fix in $tree/chapters/05_two_layer_net/exercises/bad.hpp" check 5
    cd "$tree"
    expect 1 "05.4  good_backward                passed
  it printed:
  | good got <05.4 --result>: 05.5 bad_backward passed
05.5  bad_backward                 FAILED
  dx is wrong
  it printed:
  | bad got <05.5 --result>: 05.5 bad_backward passed
  to fix in chapters/05_two_layer_net/exercises/bad.hpp

1 of 2 exercises passed" check 5
    expect 0 "| solutions got <05.5 --result>" check two_layer_net --solutions
    expect 0 "| good got <09.4 --result>" check 9.4
    expect 0 "1 of 1 exercises passed" check 9.4
    expect 1 "0 of 1 exercises passed" check 9.5 --timeout 3.5
    expect 0 "| solutions got <09.4 --result>" check --solutions cnn.4
    expect 1 "05.4  good_backward                passed
05.5  bad_backward                 FAILED
09.4  good_backward                passed
09.5  bad_backward                 FAILED
2 of 4 exercises passed; ./run check CHAPTER says more" check
    expect 0 "4 of 4 exercises passed" check --solutions --timeout=7
    # Where the code goes, if the file says so, otherwise where the function begins.
    printf '// bad_backward() is here\n\ndouble bad_backward(int) {\n    // Your code goes here.\n}\n' \
        >chapters/05_two_layer_net/exercises/bad.hpp
    expect 1 "to fix in chapters/05_two_layer_net/exercises/bad.hpp:4" check 5
    sed -i '/Your code/d' chapters/05_two_layer_net/exercises/bad.hpp
    expect 1 "to fix in chapters/05_two_layer_net/exercises/bad.hpp:3" check 5
    # One JSON document, with titles from the text and points from a file.
    mkdir -p chapters/05_two_layer_net/doc
    printf '## Exercises\n\n### 05.4 Good: a title\n' >chapters/05_two_layer_net/doc/exercises.md
    printf '# points\n05.4 2.5 # many\n09.5 3\n' >points
    status=0
    PATH=$path ./run check --json --points=points >document 2>errors || status=$?
    python3 - "$status" document <<'END'
import json, sys
assert sys.argv[1] == "1", sys.argv
result = json.load(open(sys.argv[2]))
assert [e.pop("seconds") >= 0 for e in result["exercises"]] == [True] * 4
assert result.pop("seconds") >= 0
folder = "chapters/05_two_layer_net/exercises/"
good, bad, _, last = result.pop("exercises")
assert good == {"exercise": "05.4", "title": "Good: a title", "function": "good_backward", "file": folder + "good.hpp",
                "passed": True, "points": 2.5, "earned": 2.5, "message": ""}, good
assert bad == {"exercise": "05.5", "title": "bad_backward", "function": "bad_backward", "file": folder + "bad.hpp",
               "passed": False, "points": 1, "earned": 0, "message": "dx is wrong"}, bad
assert (last["points"], last["earned"]) == (3, 0), last
assert result == {"count": 4, "passed": 2, "points": 7.5, "earned": 3.5}, result
END
    expect 0 '"passed": 4,' check --json --solutions
    for line in "05.4" "5 1" "05.4 -1" "05.4 x" "05.4 1 1"; do
        echo "$line" >points
        expect 2 "check: points:1: expected an exercise and its points" check --points points
    done
    expect 2 "--points takes a file, not \"none\"" check --points none
    expect 2 "--points takes a file, not \"\"" check 5 --points
    expect 2 "05.9 is no coding exercise; expected any of 05.4 05.5" check 5.9
    for seconds in 0 0.0 -1 x ""; do
        expect 2 "--timeout takes a number of seconds above 0, not \"$seconds\"" check --timeout "$seconds"
    done
    expect 2 "--timeout takes a number of seconds above 0, not \"\"" check 5 --timeout
    expect 2 "01_mnist_data has no coding exercises" check 1
    expect 2 "no command and no chapter" check 7
    expect 2 "not --solution" check 5 --solution
    expect 2 "one chapter or exercise, not 5 and 9" check 5 9
    # How a process may end; what it prints counts for nothing.
    program=$tree/build/release/chapters/05_two_layer_net/check_05_two_layer_net_good
    named="05.4 good_backward (chapters/05_two_layer_net/exercises/good.hpp)"
    while IFS='|' read -r commands text; do
        printf '#!/bin/sh\necho "05.4  good_backward                passed"\n%s\n' "$commands" >"$program"
        expect 1 "05.4  good_backward                FAILED
  $named $text" check --timeout "$([[ $commands == "sleep 30" ]] && echo 1 || echo 60)"
        [[ $output == *"1 of 4 exercises passed"* ]] || { echo "$commands: expected 1 of 4: $output"; exit 1; }
    done <<'END'
kill -SEGV $$|crashed: it used memory that is not its own
kill -FPE $$|crashed: it divided a whole number by zero
kill -KILL $$|was killed, perhaps by the system because memory ran out
kill -USR1 $$|was ended by SIGUSR1
echo text >&2; kill -ABRT $$|was aborted: text
sleep 30|did not end within 1 s
sleep 30 & exit 0|ended the program with status 0 before its result was known
echo '{"exercise": "05.4", "passed": true}' >$3; exit 1|ended the program with status 1 before its result was known
echo '{"exercise": "05.5", "passed": true}' >$3; exit 0|ended the program with status 0 before its result was known
echo '["05.4"]' >$3; exit 0|ended the program with status 0 before its result was known
echo '{"exercise": "05.4", "pas' >$3; exit 0|ended the program with status 0 before its result was known
echo '{"exercise": "05.4", "passed": false, "exception": "boom"}' >$3; exit 1|threw an exception: boom
echo '{"exercise": "05.4"}' >$3; exit 0|ended the program with status 0 before its result was known
echo '{"crash": "stack overflow"}' >$3; kill -SEGV $$|crashed: stack overflow
echo "1==2==ERROR: AddressSanitizer: heap-use-after-free on x" >&2; exit 1|crashed: AddressSanitizer: heap-use-after-free
END
    # SIGTERM, like Ctrl-C, ends the exercises that run, too.
    printf '#!/bin/sh\necho $$ >%s/pid\nsleep 300 &\necho $! >>%s/pid\nwait\n' "$tree" "$tree" >"$program"
    PATH=$path "$tree/run" check 5 --timeout 200 >"$tree/output" 2>&1 </dev/null &
    running=$!
    while [ "$(grep -c . "$tree/pid" 2>/dev/null)" != 2 ]; do sleep 0.1; done
    kill -TERM "$running"
    status=0
    wait "$running" || status=$?
    if [ "$status" != 130 ] || grep -q Traceback "$tree/output"; then
        echo "status $status: $(cat "$tree/output")"
        exit 1
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10; do # the last to be told may take a moment
        alive=0
        while read -r pid; do
            if grep -qs "^State:.[RSD]" "/proc/$pid/status"; then alive=1; fi
        done <"$tree/pid"
        [ "$alive" = 1 ] || break
        sleep 0.3
    done
    [ "$alive" = 0 ] || { echo "a process was left"; exit 1; }
    : >"$program" # no program
    chmod -x "$program"
    expect 1 "$named could not be marked: " check
    # What does not compile, or is not there, keeps nothing else from being marked, and counts.
    rm "$program"
    printf 'In file included from chapters/05_two_layer_net/exercises/check.cpp:3:\n%s: error: missing ;\n' \
        "$tree/chapters/05_two_layer_net/exercises/good.hpp:7:3" >"$program.diagnostics"
    expect 1 "$named does not compile: chapters/05_two_layer_net/exercises/good.hpp:7:3: error: missing ;" check
    expect 1 "1 of 4 exercises passed" check
    rm "$program.diagnostics" "$tree/chapters/05_two_layer_net/exercises/good.hpp"
    expect 1 "$named cannot be read: there is no such file" check
    rm -r "$tree/build/release/chapters/05_two_layer_net/exercises/good"
    expect 1 "$named cannot be marked: its chapter is not part of this build" check
    expect 1 "1 of 4 exercises passed" check
    ;;
packages)
    # Whoever is not root, and may not become root, is told what root has to do; nothing else happens.
    rm -r "$tree/build"
    printf '#!/bin/sh\nprintf "installed %%s\\n" "$@" | grep -v zlib1g-dev\n' >"$tree/bin/dpkg-query"
    printf '#!/bin/sh\necho 1000\n' >"$tree/bin/id"
    printf '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n' >"$tree/bin/sudo"
    chmod +x "$tree"/bin/*
    one_line 1 "run: packages are missing; ./run --yes installs them. As root: apt-get install" 5
    expect 1 "run: they could not be installed: sudo: a password is required" --yes 5
    only bash dirname getconf comm sort sed grep # no sudo in this PATH
    rm "$tree/bin/sudo"
    one_line 1 "run: packages are missing, and there is no sudo. As root: apt-get install --no-install-recommends zlib1g-dev" \
        --yes 5
    # No network: apt-get's reason.
    printf '#!/bin/sh\necho 0\n' >"$tree/bin/id"
    cat >"$tree/bin/apt-get" <<'END'
#!/bin/sh
echo "Ign:1 http://deb.debian.org/debian bookworm InRelease"
if [ "$1" = update ]; then
    echo "W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Could not resolve 'deb.debian.org'"
else
    echo "E: Unable to locate package zlib1g-dev"
    exit 100
fi
END
    only tail env
    expect 1 "run: they could not be installed: W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease" 5
    sed -i 's/W: Failed to fetch/W: something about/' "$tree/bin/apt-get"
    expect 1 "run: they could not be installed: E: Unable to locate package zlib1g-dev" 5
    [ ! -e "$tree/build" ] || { echo "something was built"; exit 1; }
    rm "$tree/bin/apt-get" "$tree/bin/cmake" # not Debian, and nothing there
    one_line 1 "run: cmake is missing; handgrad needs, by Debian's names: cmake g++" 5
    ;;
configure)
    # CMake's own words, in one line, and no folder that is half configured.
    rm -r "$tree/build"
    cat >"$tree/bin/cmake" <<'END'
#!/bin/sh
[ "$1" = --version ] && exit
mkdir -p build/release && touch build/release/CMakeCache.txt
cat >&2 <<'OUTPUT'
-- The CXX compiler identification is GNU 12.2.0
CMake Error at lib/CMakeLists.txt:15 (message):
  handgrad needs, and CMake did not find: fmt, xtensor 0.24 or later (0.23.10
  was found)


-- Configuring incomplete, errors occurred!
OUTPUT
exit 1
END
    expect 1 "run: handgrad needs, and CMake did not find: fmt, xtensor 0.24 or later (0.23.10 was found) (cmake --preset" 5
    [ ! -e "$tree/build/release" ] || { echo "build/release was left"; exit 1; }
    printf '#!/bin/sh\necho "CMake Error: no generator"\nexit 1\n' >"$tree/bin/cmake"
    expect 1 "run: CMake Error: no generator (cmake --preset release says more)" 5
    printf '#!/bin/sh\necho "cmake version 3.18.4"\n' >"$tree/bin/cmake"
    one_line 1 "run: handgrad needs CMake 3.21 or later; $tree/bin/cmake is 3.18.4" 5
    export HANDGRAD_PRESET=fast
    expect 2 "run: there is no preset \"fast\"; there are: release debug asan" 5
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
