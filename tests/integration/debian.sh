#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the booted example's image where that was not done before, and prints its path.
set -euo pipefail

script=$(dirname "${BASH_SOURCE[0]}")/../../example/debian/build.sh
cache=${NSPAWN_UNITS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nspawn-units}
key=$(sha256sum "$script" | cut -c1-12)
image=$cache/debian-$key

if [[ ! -d "$image" ]]; then
	echo "Building the Debian image of the booted example (a minute or two)" >&2
	start=$SECONDS
	mkdir -p "$cache"
	# It comes to its name only when it is whole.
	"$script" "$image" >&2
	echo "Built in $((SECONDS - start)) s" >&2
fi
echo "$image"
