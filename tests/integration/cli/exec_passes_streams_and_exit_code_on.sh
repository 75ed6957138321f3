#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
code=0
echo in | "$CTL" exec host sh -c 'cat; echo err >&2; exit 7' >"$CLI/exec.out" 2>"$CLI/exec.err" || code=$?
test "$code" = 7
test "$(cat "$CLI/exec.out")" = in
test "$(cat "$CLI/exec.err")" = err
# shellcheck disable=SC2016 # for the shell in the task
code=$(status_of "$CTL" exec nspawn-host.service sh -c 'kill -KILL $$')
test "$code" = 137
wait_until exec_is_gone
