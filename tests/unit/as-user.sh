#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs unit test programs as an ordinary user, in a copy of the files that they need: as-user.sh RESULTS PROGRAM...
# TEST_FILES: further files that they need. RESULTS is like that of run.sh. A user other than root is not changed.
set -euo pipefail

results=$1
shift
: "${TEST_FILES:?}"
read -ra files <<<"$TEST_FILES"
programs=("$@")
build=$(dirname "$results")

directory=$(mktemp -d)
trap 'rm -rf -- "$directory"' EXIT
cp -r --parents "${files[@]}" "${programs[@]}" "$directory"
mkdir "$directory/tmp"

user=()
if ((UID == 0)); then
	user=(setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs)
	chown -R nobody:nogroup "$directory"
fi
status=0
(
	cd "$directory"
	env -u XDG_RUNTIME_DIR HOME="$directory" TMPDIR="$directory/tmp" TEST_INIT="$build/nspawn-units-init" \
		TEST_HELPER="$build/nspawn-units-helper" TEST_DRIVER="$build/nomad-driver-nspawn" TEST_CTL="$build/nspawnctl" \
		"${user[@]}" tests/unit/run.sh unit-user.results "${programs[@]}"
) || status=$?
cp "$directory/unit-user.results" "$results"
exit "$status"
