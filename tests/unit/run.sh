#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs unit test programs one after another: run.sh RESULTS PROGRAM...
# RESULTS gets a line "PASSED FAILED". FILTER=suite/test runs what matches only.
set -uo pipefail

results=$1
shift
passed=0
failed=0
log=$(mktemp)
reports=$(mktemp -d)
trap 'rm -rf -- "$log" "$reports"' EXIT

# A leak fails no test by itself, so its report is looked for afterwards.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$reports/asan:allocator_may_return_null=1"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:print_stacktrace=1"

for program in "$@"; do
	timeout 300 "$program" --timeout 60 ${FILTER:+--filter "$FILTER"} >"$log" 2>&1
	status=$?
	line=$(grep -aoE 'Tested: [^|]*\| Passing: [^|]*\| Failing: [^|]*\| Crashing: [0-9]+' "$log" | tail -1)
	read -r tested passing <<<"$(sed -E 's/Tested: ([0-9]+).*Passing: ([0-9]+).*/\1 \2/' <<<"$line")"
	leaks=$(find "$reports" -type f | head -1)

	if [[ $status -eq 0 && -n "$line" && -z "$leaks" ]]; then
		printf '  ok    %-24s %s tests\n' "$(basename "$program")" "$tested"
		passed=$((passed + passing))
		continue
	fi

	bad=$((${tested:-0} - ${passing:-0}))
	((bad > 0)) || bad=1
	passed=$((passed + ${passing:-0}))
	failed=$((failed + bad))
	printf '  FAIL  %-24s status %d\n' "$(basename "$program")" "$status"
	cat "$log"
	[[ -z "$leaks" ]] || cat "$reports"/*
	rm -f "$reports"/*
done

echo "$passed $failed" >"$results"
[[ $failed -eq 0 ]]
