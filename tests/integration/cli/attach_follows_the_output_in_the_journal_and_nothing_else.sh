#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016 # for the shell in the task
writable_task_file talk 'for i in 1 2 3; do echo line $i; echo err $i >&2; until test -e /tmp/go-$i; do sleep 0.1; done; done; printf last'
"$CTL" run --detach "$CLI/talk.yaml"
"$CTL" attach talk >"$CLI/talk.out" 2>"$CLI/talk.err" </dev/null &
for i in 1 2 3; do
	wait_until grep -qx "line $i" "$CLI/talk.out"
	"$CTL" exec talk touch "/tmp/go-$i" </dev/null
done
wait $!
# journald may read the two streams in any order.
test "$(sort "$CLI/talk.out")" = $'err 1\nerr 2\nerr 3\nlast\nline 1\nline 2\nline 3'
test "$(cat "$CLI/talk.err")" = 'nspawnctl: the task "talk" ended'

start_host
"$CTL" attach host >"$CLI/talk.out" &
# attach handles signals before it opens the journal.
has_journal() {
	find "/proc/$1/fd" -lname '*/system.journal' | grep -q .
}
wait_until has_journal $!
kill -INT $!
wait $!
test ! -s "$CLI/talk.out"
