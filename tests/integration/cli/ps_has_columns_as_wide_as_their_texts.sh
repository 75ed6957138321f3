#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# ps goes by the names of units: this one is no task, and no image is needed for it.
unit=nspawn-a-task-whose-name-has-more-than-forty-characters.service
systemd-run --quiet --unit="$unit" sleep 1000
trap 'systemctl stop "$unit"' EXIT
"$CTL" ps | awk '
	NR == 1 { column = index($0, "STATE") }
	/^a-task-whose/ { found = 1 }
	NR > 1 && substr($0, column, 1) !~ /[a-z]/ || substr($0, column - 1, 1) != " " { print "not aligned: " $0; bad = 1 }
	END { exit bad || !found }'
