#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

task_file code 'echo out; echo err >&2; exit 7'
code=0
"$CTL" run "$CLI/code.yaml" >"$CLI/code.out" 2>"$CLI/code.err" || code=$?
test "$code" = 7
test "$(cat "$CLI/code.out")" = out
test "$(cat "$CLI/code.err")" = err
