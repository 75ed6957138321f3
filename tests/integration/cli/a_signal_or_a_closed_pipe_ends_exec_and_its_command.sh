#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
for signal in INT TERM; do
	"$CTL" exec host sh -c 'echo ready; exec sleep 1000' </dev/null >"$CLI/ends.out" &
	wait_until grep -q ready "$CLI/ends.out"
	kill -"$signal" $!
	expect_exit $((128 + $(kill -l "$signal"))) $!
	wait_until exec_is_gone
done
{
	code=0
	"$CTL" exec host yes </dev/null || code=$?
	echo "$code" >"$CLI/pipe.code"
} | head -n 1
test "$(cat "$CLI/pipe.code")" = 141
wait_until exec_is_gone
