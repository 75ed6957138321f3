#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
timeout 60 "$CTL" exec host true </dev/zero
# These commands close their input and go on for a while.
timeout 60 "$CTL" exec host sh -c 'exec <&-; sleep 2' </dev/zero
truncate -s 300M "$CLI/much"
exec 9<"$CLI/much"
timeout 60 "$CTL" exec host sh -c 'exec <&-; sleep 1' <&9
# nspawnctl has read no more of the file than the pipe and its own buffer hold.
test "$(sed -n 's/^pos:[^0-9]*//p' "/proc/$$/fdinfo/9")" -le 1000000

"$CTL" exec host sh -c 'echo ready; exec sleep 1000' </dev/zero >"$CLI/zero.out" &
wait_until grep -q ready "$CLI/zero.out"
kill -TERM $!
expect_exit 143 $!
wait_until exec_is_gone
