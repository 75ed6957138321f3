#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the booted example's image of the suite (SUITE) where that was not done before, and prints its path.
set -euo pipefail

top=$(dirname "${BASH_SOURCE[0]}")/../..
script=$top/example/debian/build.sh
suite=$("$top/tests/suite")
cache=${NSPAWN_UNITS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nspawn-units}
key=$(sha256sum "$script" | cut -c1-12)
image=$cache/debian-$suite-$key

if [[ ! -d "$image" ]]; then
	echo "Building the Debian image ($suite) of the booted example (a minute or two)" >&2
	start=$SECONDS
	mkdir -p "$cache"
	# It comes to its name only when it is whole.
	mapfile -t options < <("$top/tests/suite" apt)
	"$script" "$image" "$suite" "${options[@]}" >&2
	echo "Built in $((SECONDS - start)) s" >&2
fi
echo "$image"
