#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

for user in root app; do
	task_file named 'echo out >/dev/stdout; echo err >/dev/stderr; test ! -t 1' "user: $user"
	"$CTL" run "$CLI/named.yaml" >"$CLI/named.out" 2>"$CLI/named.err"
	test "$(cat "$CLI/named.out")" = out
	test "$(cat "$CLI/named.err")" = err

	unit=$("$CTL" run --detach "$CLI/named.yaml")
	wait_until is_unloaded "$unit"
	lines() {
		test "$(journalctl -q -o cat -u "$unit" _TRANSPORT=stdout | grep -cxE 'out|err')" = "$1"
	}
	wait_until lines $((count = ${count:-0} + 2))
done

# With one file for both streams the lines keep their order.
# shellcheck disable=SC2016 # for the shell in the task
task_file ordered 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done'
"$CTL" run "$CLI/ordered.yaml" >"$CLI/ordered.out" 2>&1
test "$(cat "$CLI/ordered.out")" = "$(for i in 1 2 3 4 5; do printf 'out %s\nerr %s\n' "$i" "$i"; done)"

# A reader that goes away ends the task. Much output arrives whole.
task_file endless 'while :; do echo filling; done'
begin=$SECONDS
timeout 60 "$CTL" run "$CLI/endless.yaml" | head -n 1 >"$CLI/endless.out" || true
test "$(cat "$CLI/endless.out")" = filling
((SECONDS - begin < 50))
wait_until is_unloaded nspawn-endless.service
task_file much 'head -c 20000000 /dev/zero'
test "$("$CTL" run "$CLI/much.yaml" | wc -c)" = 20000000
