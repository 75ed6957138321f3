#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

writable_task_file front 'echo begun; until test -e /tmp/end; do sleep 0.2; done; exit 5'
"$CTL" run "$CLI/front.yaml" >"$CLI/front.out" 2>&1 &
front=$!
wait_until grep -q begun "$CLI/front.out"
words=$(expect_failure 125 "$CTL" attach front)
grep -q 'goes to the program that started it' <<<"$words"
"$CTL" exec front true </dev/null
"$CTL" exec front touch /tmp/end </dev/null
expect_exit 5 "$front"
test "$(cat "$CLI/front.out")" = begun
is_unloaded nspawn-front.service
