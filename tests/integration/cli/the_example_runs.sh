#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

cp "$NSPAWN_PAYLOAD/example/hello.yaml" "$CLI/hello.yaml"
out=$("$CTL" run "$CLI/hello.yaml" 2>"$CLI/hello.err")
grep -q 'Hello from a container' <<<"$out"
test "$(cat "$CLI/hello.err")" = 'stderr stays apart'
