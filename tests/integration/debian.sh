#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints the path of the booted example's image, and builds it first if it is missing. SUITE: the Debian suite of the image.
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
	# build.sh gives the image this name only when it is complete.
	mapfile -t options < <("$top/tests/suite" apt)
	"$script" "$image" "$suite" "${options[@]}" >&2
	echo "Built in $((SECONDS - start)) s" >&2
fi
echo "$image"
