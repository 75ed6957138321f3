#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the directory that the test host gets: payload.sh DIRECTORY
# Environment variables, with their defaults in parentheses:
#   BUILD (release): the kind of build, as for make
#   SUITE (this machine's own): the Debian suite of the programs; see tests/suite
#   WERROR (unset): 1 makes a warning of the compiler an error
#   NOMAD_VERSIONS (1.6): the Nomad agents; "1.6 1.11" adds a newer one, "" leaves out all tests in Go
#   DEBIAN_IMAGE (build/images/debian): the directory that example/debian/build.sh has made
#   NSPAWN_TEST_NO_DEBIAN (unset): if set, tests that boot this image are skipped when it does not exist
#   NSPAWN_TEST_MANY (100): how many tasks the suite many starts
#   NSPAWN_TEST_EXEC_MIB (16): how many MiB go through a command of nomad alloc exec
#   NSPAWN_TEST_KILL_LOOPS (6): how often the suite kill kills or restarts something
#   NSPAWN_TEST_KILL_TASKS (8): how many tasks the suite kill runs meanwhile
#   NSPAWN_TEST_KILL_SEED (random): a number with which the suite kill repeats an earlier run's choices
set -euo pipefail

if [[ $# -ne 1 ]]; then
	echo "usage: $0 DIRECTORY" >&2
	exit 2
fi

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=$(realpath -m -- "$1")
build=${BUILD:-release}
cd "$top"
out=$top/$(tests/suite build)/$build

# The benchmark is built as well, so that a check fails when it does not build any more.
tests/suite run env WERROR="${WERROR:-}" make --no-print-directory -j"$(nproc)" \
	-f Makefile -f tests/integration/programs.mk -f bench/bench.mk BUILD="$build" all integration-tests bench-program

mkdir -p "$target/images" "$target/nomad"
rm -rf "${target:?}/example" "$target/images/hello" "$target"/nomad/*

cp -- "$out/nomad-driver-nspawn" "$out/nspawnctl" "$out"/nspawn-units-{init,helper} "$target/"
cp -- "$out/integration/tests" "$target/integration-tests"
cp -- "$out"/integration/{escape{,-init},listener} "$target/"
cp -- tests/integration/run.sh tests/integration/lib.sh "$target/"
rm -rf -- "${target:?}/cli"
cp -r -- tests/integration/cli "$target/cli"
cp -r -- example "$target/example"
rm -rf -- "$target"/example/{image,debian/image}
cp -r -- units "$target/"
example/hello-image.sh "$target/images/hello"

# An archive keeps the owners of the image's files; the payload gives all files to root.
debian=${DEBIAN_IMAGE:-build/images/debian}
rm -f "$target/images/debian.tar" "$target/no-debian"
if [[ -d "$debian" ]]; then
	tar -C "$debian" --numeric-owner --xattrs -cf "$target/images/debian.tar" .
elif [[ -n "${NSPAWN_TEST_NO_DEBIAN:-}" ]]; then
	touch "$target/no-debian"
fi

# parameter NAME FILE: what run.sh reads there.
parameter() {
	rm -f "$target/$2"
	[[ -z "${!1:-}" ]] || printf '%s\n' "${!1}" >"$target/$2"
}
parameter NSPAWN_TEST_MANY many
parameter NSPAWN_TEST_EXEC_MIB exec-mib
parameter NSPAWN_TEST_KILL_LOOPS kill-loops
parameter NSPAWN_TEST_KILL_TASKS kill-tasks
parameter NSPAWN_TEST_KILL_SEED kill-seed

for version in ${NOMAD_VERSIONS-1.6}; do
	cp -- "$(tests/nomad/build.sh "$version")" "$target/nomad/nomad-$version"
done
if [[ -n "${NOMAD_VERSIONS-1.6}" ]]; then
	CGO_ENABLED=0 tests/integration/go-tests.sh tests/integration/nomad "$target/nomad/tests"
	tests/integration/go-tests.sh tests/integration/harness "$target/nomad/harness"
fi
