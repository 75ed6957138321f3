#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

task_file away 'trap "exit 0" TERM; while :; do sleep 0.2; done'
unit=$("$CTL" run --detach "$CLI/away.yaml")
test "$unit" = nspawn-away.service
systemctl is-active "$unit"
has_property Slice "$unit" nspawn-local.slice
"$CTL" ps | grep -E '^away +active'
words=$(expect_failure 125 "$CTL" run "$CLI/away.yaml")
grep -q 'runs already' <<<"$words"

# stop thaws a frozen task, but not a slice that is frozen: other tasks are in it.
slice=/sys/fs/cgroup/nspawn.slice/nspawn-local.slice
trap 'echo 0 >"$slice/cgroup.freeze"' EXIT
echo 1 >"$slice/cgroup.freeze"
words=$(expect_failure 125 timeout 30 "$CTL" stop away)
test "$words" = "nspawnctl: $unit is frozen with its slice: systemctl thaw nspawn-local.slice"
echo 0 >"$slice/cgroup.freeze"
systemctl is-active "$unit"
systemctl freeze "$unit"
timeout 30 "$CTL" stop away
wait_until is_unloaded "$unit"
"$CTL" ps | not grep -q '^away'
