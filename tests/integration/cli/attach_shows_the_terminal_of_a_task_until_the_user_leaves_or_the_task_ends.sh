#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016 # for the shell in the task
task_file term 'echo begun; while read -r line; do echo got-$line; stty size; test $line != end || exit 4; done' \
	'tty: true'
"$CTL" run --detach "$CLI/term.yaml"
type_to term "stty rows 33 cols 111; $CTL attach term; echo code \$?"
wait_until grep -q 'three times' "$CLI/term.out"
printf 'hello\r' >&9
wait_until grep -q got-hello "$CLI/term.out"
wait_until grep -q '^33 111' "$CLI/term.out"
printf '\035\035\035' >&9
wait_until grep -q 'code 0' "$CLI/term.out"
grep -q 'left the task "term"' "$CLI/term.out"
exec 9>&-
wait $!
systemctl is-active nspawn-term.service

echo end | "$CTL" attach term >"$CLI/term.out" 2>"$CLI/term.err"
grep -q got-end "$CLI/term.out"
test "$(cat "$CLI/term.err")" = 'nspawnctl: the task "term" ended'
