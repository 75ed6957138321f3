#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs unit test programs, as many at once as there are processors: run.sh RESULTS PROGRAM...
# RESULTS gets a line "PASSED FAILED SKIPPED". FILTER=suite/test runs what matches only. Tests that skip themselves are
# listed with their reasons.
set -uo pipefail

results=$1
shift
directory=$(mktemp -d)
trap 'rm -rf -- "$directory"' EXIT

# The tests of a TAP file that skipped themselves, with their reasons; those that the filter left out are no such tests.
skipped_tests() { # TAP
	[[ ! -f "$1" ]] || sed -nE '/# SKIP test was skipped$/d; s/^ok - ([^ ]*)::([^ ]*) .*# SKIP (.*)/\1\/\2: \3/p' "$1"
}

# Runs a program, leaves a line "PASSED FAILED SKIPPED" in the program's directory, and prints the result.
run() { # PROGRAM
	local own=$directory/${1##*/}
	local log=$own/log status line tested passing leaks skipped attempt
	# A test that hangs is ended by --timeout, so it is Criterion that hangs where the whole program does: it forks while a
	# thread of its own (nanomsg's) may hold a lock of libasan's allocator, which the child never gets (gcc before 15).
	for attempt in 1 2 3; do
		rm -rf "$own/reports"
		mkdir -p "$own/reports"
		# A leak fails no test, but leaves a report.
		ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$own/reports/asan:allocator_may_return_null=1" \
			UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:print_stacktrace=1" \
			timeout 300 "$1" --timeout 60 --tap="$own/tap" ${FILTER:+--filter "$FILTER"} >"$log" 2>&1
		status=$?
		[[ $status -eq 124 && $attempt -lt 3 ]] || break
		printf '  again %-24s no end after 300 s\n' "${1##*/}"
	done
	line=$(grep -aoE 'Tested: [^|]*\| Passing: [^|]*\| Failing: [^|]*\| Crashing: [0-9]+' "$log" | tail -1)
	read -r tested passing <<<"$(sed -E 's/Tested: ([0-9]+).*Passing: ([0-9]+).*/\1 \2/' <<<"$line")"
	leaks=$(find "$own/reports" -type f | head -1)
	skipped_tests "$own/tap" >"$own/skipped"
	skipped=$(wc -l <"$own/skipped")

	if [[ $status -eq 0 && -n "$line" && -z "$leaks" ]]; then
		echo "$passing 0 $skipped" >"$own/result"
		{
			printf '  ok    %-24s %s tests' "${1##*/}" "$tested"
			((skipped == 0)) || printf ', %d skipped' "$skipped"
			echo
			sed 's/^/  skip  /' "$own/skipped"
		} >"$own/words"
		cat "$own/words"
		return
	fi

	local bad=$((${tested:-0} - ${passing:-0}))
	((bad > 0)) || bad=1
	echo "${passing:-0} $bad $skipped" >"$own/result"
	# Printed in one piece, because other programs print at the same time.
	{
		printf '  FAIL  %-24s status %d\n' "${1##*/}" "$status"
		cat "$log"
		sed 's/^/  skip  /' "$own/skipped"
		[[ -z "$leaks" ]] || cat "$own"/reports/*
	} >"$own/words"
	cat "$own/words"
}

running=0
for program in "$@"; do
	if ((running >= $(nproc))); then
		wait -n
		running=$((running - 1))
	fi
	run "$program" &
	running=$((running + 1))
done
wait

cat "$directory"/*/result | awk -v programs=$# '
	{ passed += $1; failed += $2; skipped += $3; n++ }
	END { failed += programs - n; print passed, failed + 0, skipped + 0; exit failed > 0 }' >"$results"
status=$?
read -r _ _ skipped <"$results"
((skipped == 0)) || echo "  $skipped tests were skipped"
exit "$status"
