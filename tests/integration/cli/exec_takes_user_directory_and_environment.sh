#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
export HERE=there
# shellcheck disable=SC2016 # for the shell in the task
out=$("$CTL" exec -u app -w /tmp -E A=1 -E HERE host sh -c 'id -un; pwd; echo $A $HERE' </dev/null)
test "$out" = $'app\n/tmp\n1 there'
