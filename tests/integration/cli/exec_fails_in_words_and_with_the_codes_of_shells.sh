#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
expect_words() {
	local words
	words=$(expect_failure "$@")
	grep -q '^nspawnctl: ' <<<"$words"
}
expect_words 127 "$CTL" exec host /no/such/program
expect_words 126 "$CTL" exec host /etc/passwd
expect_words 125 "$CTL" exec nosuchtask true
expect_words 125 "$CTL" exec -u nobodyofthat host true
expect_words 125 "$CTL" attach nosuchtask
words=$(expect_failure 125 "$CTL" attach nosuchtask)
grep -q 'there is no task "nosuchtask"' <<<"$words"
