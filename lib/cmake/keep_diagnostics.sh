#!/bin/sh
# keep_diagnostics.sh PROGRAM COMMAND...: runs the command, which compiles a source of the program, and keeps its messages
# in PROGRAM.diagnostics. It removes the program first: after an error there is no old one that could be run by mistake.
program=$1
shift
rm -f "$program"
status=0
LC_ALL=C "$@" 2>"$program.diagnostics" || status=$?
cat "$program.diagnostics" >&2
exit $status
