#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

task_file program true
sed -i 's,^command:.*,command: [/no/such/program],' "$CLI/program.yaml"
task_file image true
sed -i 's,^image:.*,image: /no/such/image,' "$CLI/image.yaml"
task_file found true
sed -i 's,^command:.*,command: [nosuchprogram],' "$CLI/found.yaml"
for row in program:/no/such/program image:/no/such/image found:nosuchprogram; do
	words=$(expect_failure 125 "$CTL" run "$CLI/${row%%:*}.yaml")
	grep -q "^nspawnctl: .*${row#*:}" <<<"$words"
done
