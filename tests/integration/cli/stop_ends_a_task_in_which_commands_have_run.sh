#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
"$CTL" exec host true </dev/null
"$CTL" stop host
wait_until is_unloaded nspawn-host.service
words=$(expect_failure 125 "$CTL" exec host true)
grep -q 'there is no task "host"' <<<"$words"
