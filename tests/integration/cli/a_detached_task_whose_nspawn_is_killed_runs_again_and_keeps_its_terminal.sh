#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016 # for the shell in the task
task_file again 'while read -r line; do echo got-$line; test $line != end || exit 0; done' \
	'tty: true' 'restart: {policy: on-failure, delay: 200ms}'
unit=$("$CTL" run --detach "$CLI/again.yaml")
kill -KILL "$(property MainPID "$unit")"
is_restarted() {
	test "$(property NRestarts "$1")" -gt 0 && systemctl -q is-active "$1"
}
wait_until is_restarted "$unit"
has_property NRestarts "$unit" 1
echo end | "$CTL" attach again >"$CLI/again.out" 2>"$CLI/again.err"
grep -q got-end "$CLI/again.out"
wait_until is_unloaded "$unit"
test ! -e /run/nspawn-units/tasks/again
