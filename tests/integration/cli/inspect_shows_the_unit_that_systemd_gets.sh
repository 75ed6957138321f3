#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Loads the shown unit under another name: systemd must report the same properties for both. The list leaves out names, and
# what only the call to systemd can set.
properties=Restart,RestartUSec,KillMode,Type,TimeoutStartUSec,TimeoutStopUSec,MemoryMax,TasksMax,OOMPolicy,Delegate
properties+=,DevicePolicy,DeviceAllow,Slice,RuntimeDirectory,StandardOutput,StandardError,Environment,CollectMode

task_file shown 'trap "exit 0" TERM; while :; do sleep 0.2; done' 'memory: 64M' 'environment: {PASSWORD: hunter2}' \
	'restart: {policy: on-failure, delay: 3s}'
"$CTL" inspect --unit "$CLI/shown.yaml" >"$CLI/shown.unit"
not grep hunter2 "$CLI/shown.unit"
"$CTL" run --detach "$CLI/shown.yaml"
cp "$CLI/shown.unit" /run/systemd/system/shown-as-a-file.service
systemctl daemon-reload
# systemd lists the devices of a transient unit in reverse order.
diff <(systemctl show -p "$properties" nspawn-shown.service | sort) \
	<(systemctl show -p "$properties" shown-as-a-file.service | sort)
rm /run/systemd/system/shown-as-a-file.service
systemctl daemon-reload

# The shown command line is the one that the helper executes.
tr '\0' '\n' </run/nspawn-units/tasks/shown/unit/arguments | head -n 8 >"$CLI/arguments"
sed -n 's/^#   *//p' "$CLI/shown.unit" | head -n 8 | diff "$CLI/arguments" -
"$CTL" stop shown
wait_until is_unloaded nspawn-shown.service
