#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# CAP_SYSLOG has the number 34.
task_file granted 'trap "exit 0" TERM; while :; do sleep 0.2; done' 'user: app' 'capability: [CAP_SYSLOG]'
"$CTL" run --detach "$CLI/granted.yaml"
granted() {
	"$CTL" exec "$@" granted sed -nE 's/^CapEff:.0*(.)/\1/p' /proc/self/status </dev/null
}
test "$(granted)" = 400000000
test "$(granted -u 1000:7)" = 400000000
test "$(granted -u 200)" = 0
test $((0x$(granted -u root) & 0x400000001)) = $((0x400000001))
"$CTL" stop granted
