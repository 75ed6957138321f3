#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

task_file deaf 'trap "" TERM; echo ready; while :; do sleep 0.2; done'
"$CTL" run "$CLI/deaf.yaml" >"$CLI/deaf.out" 2>&1 &
wait_until grep -q ready "$CLI/deaf.out"
begin=$SECONDS
kill -INT $!
# Two signals at once may be delivered as one, so they are sent until the program is gone.
cannot_interrupt() {
	! kill -INT "$1" 2>/dev/null
}
wait_until cannot_interrupt $!
expect_exit 137 $!
# The first signal alone would have given the task 10 s.
test $((SECONDS - begin)) -lt 9
