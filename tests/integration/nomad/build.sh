#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Compiles the tests against a real agent into one static program: build.sh OUTPUT
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=$(realpath -m -- "$1")
needed=1.21

go=$(command -v go) || {
	echo "go is missing: apt-get install golang-go (any version)" >&2
	exit 1
}
version=$(cd / && GOTOOLCHAIN=local "$go" env GOVERSION)
# Where the distribution's is too old, tests/nomad/build.sh has fetched one.
if [[ "$(printf '%s\n' "$needed" "${version#go}" | sort -V | head -n 1)" != "$needed" ]]; then
	modules=$(cd / && GOTOOLCHAIN=local "$go" env GOMODCACHE)
	go=$(printf '%s\n' "$modules"/golang.org/toolchain@*/bin/go | sort -V | tail -n 1)
	if [[ ! -x "$go" ]]; then
		"$here/../../nomad/build.sh" >/dev/null
		go=$(printf '%s\n' "$modules"/golang.org/toolchain@*/bin/go | sort -V | tail -n 1)
	fi
fi

cd "$here"
env -u GOROOT GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0 \
	"$go" test -c -trimpath -ldflags '-s -w' -o "$output" .
