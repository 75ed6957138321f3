#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

words=$(expect_failure 125 "$CTL" run --frozen x.yaml)
grep -qx 'nspawnctl: run: "--frozen" is not one of its options: --detach, --help, --version' <<<"$words"
grep -qx 'usage: nspawnctl run \[OPTION...\] FILE.yaml' <<<"$words"
words=$(expect_failure 2 "$CTL" rum x.yaml)
grep -qx 'nspawnctl: there is no verb "rum"' <<<"$words"
help=$("$CTL" --help)
for verb in run exec shell attach ps stop validate docs; do
	grep -q "^  $verb " <<<"$help"
	grep -q "^usage: nspawnctl $verb" <<<"$("$CTL" "$verb" --help)"
done
grep -qE '^nspawnctl [0-9.]+$' <<<"$("$CTL" --version)"
