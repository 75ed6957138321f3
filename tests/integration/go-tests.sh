#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Compiles the Go tests of a directory into one program: go-tests.sh DIRECTORY OUTPUT
# Environment: CGO_ENABLED (1: as for the agent, to reuse its compiled packages; 0: a static program)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
module=$(realpath -- "$1")
output=$(realpath -m -- "$2")
cache=${NSPAWN_UNITS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nspawn-units}
export CGO_ENABLED=${CGO_ENABLED:-1}

go=$("$here/../nomad/build.sh" go)
key=$({
	"$go" version
	echo "$CGO_ENABLED"
	cat "$here/go-tests.sh"
	cd "$module" && find . -type f ! -name '.*' -print0 | sort -z | xargs -0 sha256sum
} | sha256sum | cut -c1-12)
built=$cache/tests-${module##*/}-$key
if [[ ! -x "$built" ]]; then
	mkdir -p "$cache"
	find "$cache" -maxdepth 1 -name "tests-${module##*/}-*" -mtime +7 -delete
	# GOROOT of an older Go must not reach the fetched one.
	(cd "$module" && env -u GOROOT GOTOOLCHAIN=local GOWORK=off GOFLAGS= \
		"$go" test -c -mod=readonly -buildvcs=false -p 2 -trimpath -ldflags '-s -w' -o "$built.$$" .)
	mv -T "$built.$$" "$built"
fi
cp -- "$built" "$output"
