#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

printf 'image: image\nboot: maybe\n' >"$CLI/type.yaml"
printf 'image: image\nimgae: x\n' >"$CLI/unknown.yaml"
printf 'image: [\n' >"$CLI/syntax.yaml"
printf 'image: image\nvolatile:   never\n' >"$CLI/value.yaml"
task_file good true
"$CTL" validate "$CLI/good.yaml"
for row in 'type:2:7.*boot' 'unknown:2:1.*imgae' 'syntax:[0-9]*:[0-9]*:' 'value:2:13.*volatile'; do
	words=$(expect_failure 1 "$CTL" validate "$CLI/${row%%:*}.yaml")
	grep -q "${row%%:*}.yaml:${row#*:}" <<<"$words"
done
