#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_host
cat >"$CLI/terminal.sh" <<-'EOF'
	stty rows 33 cols 111
	before=$(stty -g)
	TERM=vt220 "$CTL" exec -t host sh -c 'tty; stty size; echo $TERM; exit 9'
	echo "code $?"
	[ "$before" = "$(stty -g)" ] && echo restored
EOF
type_to terminal "sh $CLI/terminal.sh"
wait $!
exec 9>&-
for words in '^/dev/pts/' '^33 111' '^vt220' '^code 9' '^restored'; do
	grep -q "$words" "$CLI/terminal.out"
done
