#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host

# Whether the command has filled the buffers for its output, and has written nothing since the last call of this. On a slow
# host that may be true too early; the test then proves less, but does not fail.
written=0
is_stuck() {
	local before=$written
	written=$(find /sys/fs/cgroup -path '*nspawn-host.service*/nspawn-exec-*' -name cgroup.procs -exec cat {} + |
		sed 's,.*,/proc/&/io,' | xargs cat | awk '$1 == "wchar:" { n += $2 } END { print n + 0 }')
	[[ "$written" -gt 65536 && "$written" == "$before" ]]
}

read_late() {
	wait_until is_stuck
	test ! -s "$CLI/slow.err"
	wc -c
}

"$CTL" exec host sh -c 'head -c 3000000 /dev/zero; echo end >&2' </dev/null 2>"$CLI/slow.err" | read_late >"$CLI/slow.out"
test "$(cat "$CLI/slow.out")" = 3000000
test "$(cat "$CLI/slow.err")" = end
