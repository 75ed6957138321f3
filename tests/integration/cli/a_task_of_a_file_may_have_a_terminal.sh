#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

task_file terminal 'tty; echo err >&2; exit 133' 'tty: true'
code=0
"$CTL" run "$CLI/terminal.yaml" >"$CLI/terminal.out" 2>"$CLI/terminal.err" || code=$?
test "$code" = 133
test "$(cat "$CLI/terminal.out")" = $'/dev/pts/0\r\nerr\r'
test ! -s "$CLI/terminal.err"
