# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Functions of run.sh and of the tests in bash: they select tests, count them, and report. run.sh sets payload,
# results and filters.

: "${payload:=}" "${results:=}"

n_passed=0
n_failed=0
n_skipped=0
names=()

say() {
	printf '%s\n' "$*"
}

test_passed() {
	names+=("$1")
	n_passed=$((n_passed + 1))
	[[ -z "${VERBOSE:-}" ]] || say "passed: $1"
}

# test_failed NAME: counts a failed test; reads its output from stdin.
test_failed() {
	names+=("$1")
	n_failed=$((n_failed + 1))
	say "FAILED: $1"
	sed 's/^/    /'
}

# asked PREFIX: whether a filter begins with PREFIX, or there is no filter.
asked() {
	local filter
	((${#filters[@]} > 0)) || return 0
	for filter in "${filters[@]}"; do
		[[ "$filter" != "$1"* ]] || return 0
	done
	return 1
}

# asked_for NAME: whether the filters select this test.
asked_for() {
	local filter
	((${#filters[@]} > 0)) || return 0
	for filter in "${filters[@]}"; do
		[[ "$1" != *"$filter"* && "$filter" != "${1%%/*}" ]] || return 0
	done
	return 1
}

test_skipped() { # NAME: REASON
	names+=("$1")
	n_skipped=$((n_skipped + 1))
	say "skipped: $1"
}

# Fails for each filter that matches no test: otherwise a renamed test would be left out unnoticed.
expect_all_asked() {
	local filter
	for filter in "${filters[@]}"; do
		printf '%s\n' "${names[@]}" | grep -qF -- "${filter#nomad}" ||
			test_failed "$filter" <<<"there is no such test"
	done
}

# check NAME COMMAND...: runs a test, which passes when the command succeeds.
check() {
	local name=$1 log
	shift
	asked_for "$name" || return 0
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		test_passed "$name"
	else
		test_failed "$name" <"$log"
	fi
	rm -f "$log"
}

# wait_for SECONDS COMMAND...: repeats the command until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		command sleep 0.1
	done
}

# Removes what failed tests left, because all later tests would fail of it.
sweep() {
	local pid
	for pid in $(pgrep -x nomad-driver-ns); do
		kill -KILL "$pid"
	done
	systemctl stop 'nspawn-*.service'
	find "$NSPAWN_TEST_DIR/alloc" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
	rm -rf "$NSPAWN_TEST_DIR"/images/*-[0-9]* "$NSPAWN_TEST_DIR"/images/.#* /var/lib/machines/hello-[0-9]*
	ip netns list | while read -r name _; do ip netns delete "$name"; done
	for pid in $(pgrep -x nomad-1.6) $(pgrep -x nomad-1.11); do
		kill -KILL "$pid"
	done
	awk -v below="$NSPAWN_TEST_DIR/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r |
		while read -r name; do umount "$name"; done
	rm -rf "$NSPAWN_TEST_DIR/nomad"
}

summary() {
	[[ ! -d /results ]] || echo "$n_passed $n_failed $n_skipped" >/results/summary
	((n_skipped == 0)) || say "$n_skipped skipped"
	say "$n_passed passed, $n_failed failed"
	((n_failed == 0))
}

# go_pattern SUITE: prints the filters as a pattern for Go's -test.run. A filter nomad/... is for the suites of all
# versions of Nomad.
go_pattern() {
	local filter pattern=
	for filter in "${filters[@]}"; do
		case $filter in
		"$1" | "${1%%-*}") pattern+="|." ;;
		"$1"/* | "${1%%-*}"/*) pattern+="|^${filter#*/}" ;;
		esac
	done
	((${#filters[@]} > 0)) || pattern="|."
	printf '%s\n' "${pattern#|}"
}

# go_tests PROGRAM SUITE: runs the tests of a program in Go; their names get the prefix SUITE/.
go_tests() {
	local log=$results/$2.log name pattern begin=$SECONDS before=$n_failed
	pattern=$(go_pattern "$2")
	[[ -x "$1" && -n "$pattern" ]] || return 0
	NSPAWN_PAYLOAD=$payload "$1" -test.v -test.run "$pattern" -test.parallel 4 -test.timeout 1200s >"$log" 2>&1
	local status=$? found=0
	while IFS= read -r name; do
		found=1
		test_passed "$2/$name"
	done < <(sed -n 's/^ *--- PASS: \([^ ]*\) .*/\1/p' "$log")
	while IFS= read -r name; do
		found=1
		test_failed "$2/$name" < <(awk -v wanted="$name" '
			/^=== / { shown = $2 ~ /^(RUN|CONT|NAME)$/ && $3 == wanted; next }
			/^ *--- / { shown = 0 }
			shown' "$log")
	done < <(sed -n 's/^ *--- FAIL: \([^ ]*\) .*/\1/p' "$log")
	while IFS= read -r name; do
		test_skipped "$2/$name"
	done < <(sed -n 's/^ *--- SKIP: \([^ ]*\) .*/\1/p' "$log")
	if ((status != 0)) && { ((found == 0)) || ! grep -q -e '--- FAIL' "$log"; }; then
		test_failed "$2" < <(tail -n 60 "$log")
	fi
	((n_failed == before)) || sweep
	say "$2: $((SECONDS - begin)) s"
}

# Prints a line for each thing that the tests left on the host and may not leave.
find_leftovers() {
	local pid
	systemctl list-units --all --plain --no-legend 'nspawn-*.service'
	awk '$2 ~ /nspawn-test|nspawn-units|\/var\/lib\/machines/ { print "mount " $2 }' /proc/mounts
	ip -o link show | sed -n 's/^[0-9]*: \(ve-[^:@]*\).*/interface \1/p'
	find /run/nspawn-units -mindepth 1 ! -path '/run/nspawn-units/plugin*' ! -path /run/nspawn-units/tasks -printf 'file %p\n' 2>/dev/null
	find /run/systemd/nspawn/propagate -mindepth 1 -printf 'file %p\n' 2>/dev/null
	find "$NSPAWN_TEST_DIR"/images "$NSPAWN_TEST_DIR"/plugins /var/lib/machines -maxdepth 1 -name '.#*' ! -name '*.lck' -printf 'copy %p\n'
	find "$NSPAWN_TEST_DIR/alloc" -mindepth 1 -maxdepth 1 -printf 'allocation %p\n'
	ip netns list | sed 's/^/netns /'
	for pid in /proc/[0-9]*; do
		case $(readlink "$pid/exe" 2>/dev/null) in
		*/nomad-driver-nspawn* | */nspawnctl* | */nspawn-units-* | */systemd-nspawn* | */nomad-1*)
			printf 'process %s %s\n' "${pid#/proc/}" "$(tr '\0' ' ' <"$pid/cmdline" | cut -c1-150)"
			;;
		esac
	done
}

no_leftovers() {
	[[ -z "$(find_leftovers)" ]]
}

leftovers() {
	# The last processes may still be ending.
	if wait_for 10 no_leftovers; then
		test_passed leftovers/nothing_outlives_the_tests
	else
		test_failed leftovers/nothing_outlives_the_tests < <(find_leftovers)
	fi
}
