#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs in the test host, in the payload's directory, as root: run.sh [FILTER...]
# FILTER is a test's name or a part of it, as "task/exit_codes_are_the_payloads", "cli/...", "harness/...", "nomad/..." or
# "nomad-1.6/..."; the check for leftovers is always run. Environment: JOBS (3): how many tests of the plugin run at
# once.
set -uo pipefail
shopt -s extglob

payload=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
filters=("$@")
export NSPAWN_PAYLOAD=$payload
export NSPAWN_TEST_DIR=/var/lib/nspawn-test
[[ ! -f "$payload/no-debian" ]] || export NSPAWN_TEST_NO_DEBIAN=1
# parameter NAME FILE DEFAULT: exports what the payload was built with.
parameter() {
	[[ ! -f "$payload/$2" ]] || printf -v "$1" '%s' "$(<"$payload/$2")"
	export "$1=${!1:-$3}"
}
parameter NSPAWN_TEST_MANY many 100
parameter NSPAWN_TEST_EXEC_MIB exec-mib 16
parameter NSPAWN_TEST_KILL_LOOPS kill-loops 6
parameter NSPAWN_TEST_KILL_TASKS kill-tasks 8
parameter NSPAWN_TEST_KILL_SEED kill-seed ''
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=tests/integration/lib.sh
. "$payload/lib.sh"

results=$NSPAWN_TEST_DIR/results

# Copies images and programs to the disk, because the payload's file system has no id-mapped mounts.
set_up() {
	local name
	mkdir -p "$NSPAWN_TEST_DIR"/{images,plugins,alloc} "$results"
	rm -f "$results"/* "$NSPAWN_TEST_DIR"/{measured,plugin.log}
	[[ -d "$NSPAWN_TEST_DIR/images/hello" ]] || cp -a "$payload/images/hello" "$NSPAWN_TEST_DIR/images/hello"
	for name in nomad-driver-nspawn nspawn-units-init nspawn-units-helper nspawnctl; do
		install -m 0755 "$payload/$name" "$NSPAWN_TEST_DIR/plugins/$name"
	done
	ln -sfn ../images/hello "$NSPAWN_TEST_DIR/plugins/hello"
	if [[ ! -f "$NSPAWN_TEST_DIR/images/hello.raw" ]]; then
		truncate -s 16M "$NSPAWN_TEST_DIR/images/hello.raw"
		mkfs.ext4 -q -d "$NSPAWN_TEST_DIR/images/hello" "$NSPAWN_TEST_DIR/images/hello.raw"
	fi
	if [[ -f "$payload/images/debian.tar" && ! -d "$NSPAWN_TEST_DIR/images/debian" ]]; then
		mkdir "$NSPAWN_TEST_DIR/images/debian"
		tar -C "$NSPAWN_TEST_DIR/images/debian" --numeric-owner --xattrs -xf "$payload/images/debian.tar"
	fi
	cp "$payload"/units/*.slice /run/systemd/system/
	systemctl daemon-reload
}

# criterion NAME JOBS SUITES: runs the C tests of those suites and counts the results in their TAP output.
criterion() {
	local log=$results/$1.log tap=$results/$1.tap patterns='' filter name
	for filter in "${filters[@]}"; do
		# shellcheck disable=SC2053
		case $filter in
		cli* | harness* | nomad*) ;;
		*/*) [[ "${filter%%/*}" != $3 ]] || patterns+="|$filter*" ;;
		*) patterns+="|$3/*$filter*" ;;
		esac
	done
	((${#filters[@]} > 0)) || patterns="|$3/*"
	[[ -n "$patterns" ]] || return 0
	"$payload/integration-tests" --filter="@(${patterns#|})" -j"$2" --tap="$tap" --quiet --color=never >"$log" 2>&1
	if [[ ! -s "$tap" ]]; then
		test_failed "$1" <"$log"
		return
	fi
	while IFS= read -r name; do
		test_passed "${name/:://}"
	done < <(sed -n '/# SKIP/d; s/^ok - \([^ ]*\).*/\1/p' "$tap")
	while IFS= read -r name; do
		test_skipped "${name/:://}"
	done < <(sed -n '/# SKIP test was skipped$/d; s/^ok - \([^ ]*\).*# SKIP \(.*\)/\1: \2/p' "$tap") # except tests that the filter left out
	while IFS= read -r name; do
		test_failed "${name/:://}" < <(awk -v wanted="$name" '
			/^ok / || /^#/ { shown = 0 }
			/^not ok / { shown = $4 == wanted }
			shown' "$tap")
	done < <(sed -n 's/^not ok - \([^ ]*\).*/\1/p' "$tap")
}

# Each script in cli/ is a test of nspawnctl, with the name of its file.
run_cli_checks() {
	local file name
	export CTL=$NSPAWN_TEST_DIR/plugins/nspawnctl CLI=$NSPAWN_TEST_DIR/cli
	rm -rf "$CLI"
	mkdir -p "$CLI"
	cp -a "$NSPAWN_TEST_DIR/images/hello" "$CLI/image"
	for file in "$payload"/cli/*.sh; do
		name=${file##*/}
		[[ "$name" == lib.sh ]] || check "cli/${name%.sh}" bash -x "$file"
	done
	# The task that all of these tests share.
	systemctl stop nspawn-host.service 2>/dev/null
	rm -rf "$CLI"
}

set_up
begin=$SECONDS
criterion plugin "${JOBS:-3}" '!(alone|exec|kill|many)'
criterion exec "${JOBS:-3}" exec
criterion alone 1 alone
criterion many 1 many
# What a failed test has left would fail this one, too.
((n_failed == 0)) || sweep
criterion kill 1 kill
((n_failed == 0)) || sweep
say "tests of the plugin: $((SECONDS - begin)) s"

if asked cli; then
	begin_suite=$SECONDS
	run_cli_checks
	say "cli: $((SECONDS - begin_suite)) s"
fi

go_tests "$payload/nomad/harness" harness
for agent in "$payload"/nomad/nomad-*; do
	[[ -x "$agent" ]] || continue
	NOMAD_AGENT=$agent go_tests "$payload/nomad/tests" "${agent##*/}"
done

expect_all_asked
leftovers
[[ -s "$NSPAWN_TEST_DIR/measured" ]] && sed 's/^/measured: /' "$NSPAWN_TEST_DIR/measured"
[[ -d /results ]] && cp -r "$results" /results/ 2>/dev/null
say "all: $((SECONDS - begin)) s"
summary
