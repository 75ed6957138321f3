#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

task_file trap 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.2; done'
"$CTL" run "$CLI/trap.yaml" >"$CLI/trap.out" 2>&1 &
wait_until grep -q ready "$CLI/trap.out"
kill -INT $!
expect_exit 5 $!
grep -q bye "$CLI/trap.out"
is_unloaded nspawn-trap.service
