#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
code=0
# shellcheck disable=SC2016 # for the shell in the task
out=$(printf 'echo here-$((6 * 7))\nexit 3\n' | "$CTL" shell host) || code=$?
test "$code" = 3
grep -q here-42 <<<"$out"

type_to shell "$CTL shell -u app host; echo code \$?"
wait_until grep -q 'three times' "$CLI/shell.out"
# shellcheck disable=SC2016 # for the shell in the task
printf 'echo user-$(id -un)\r' >&9
wait_until grep -q user-app "$CLI/shell.out"
# sleep does not read: the keys that leave the shell must work without a reader in the task.
printf 'sleep 1000\r' >&9
printf '\035\035\035' >&9
wait_until grep -q 'code 0' "$CLI/shell.out"
exec 9>&-
wait $!
wait_until exec_is_gone
