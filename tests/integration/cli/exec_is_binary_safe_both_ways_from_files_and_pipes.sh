#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
head -c 5000000 /dev/urandom >"$CLI/data"
"$CTL" exec host cat <"$CLI/data" >"$CLI/copy"
cmp "$CLI/data" "$CLI/copy"
# shellcheck disable=SC2002 # a pipe on both sides
cat "$CLI/data" | "$CTL" exec host cat | cat >"$CLI/copy"
cmp "$CLI/data" "$CLI/copy"
# In a file that both write to, the shell goes on after the command's output.
{
	"$CTL" exec host echo one </dev/null
	echo two
} >"$CLI/both"
test "$(cat "$CLI/both")" = $'one\ntwo'
