#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# In a persistent journal, the output of tasks with user ids outside of the system's range may be in files of its own.
settings=/run/systemd/journald.conf.d/zz-test.conf
trap 'rm "$settings"; systemctl restart systemd-journald; rm -rf /var/log/journal/*' EXIT
mkdir -p "${settings%/*}"
printf '[Journal]\nStorage=persistent\nRateLimitIntervalSec=30s\nRateLimitBurst=100\n' >"$settings"
systemctl restart systemd-journald
journalctl --flush

count_lines() { # UNIT
	journalctl -o cat -u "$1" | grep -c '^line '
}

# shellcheck disable=SC2016 # for the shell in the task
script='i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo line $i; done; exec sleep 1000'
task_file all "$script"
task_file some "$script" 'log_rate_limit: { burst: 100, interval: 30s }'
"$CTL" run --detach "$CLI/all.yaml"
"$CTL" attach all >"$CLI/all.out" &
wait_until grep -q '^line 3000' "$CLI/all.out"
kill -INT $!
wait $!
journalctl --sync
test "$(count_lines nspawn-all.service)" = 3000
"$CTL" run --detach "$CLI/some.yaml"
both_sleep() {
	test "$(pgrep -fc '^sleep 1000')" = 2
}
wait_until both_sleep
journalctl --sync
n=$(count_lines nspawn-some.service)
test "$n" -ge 100
test "$n" -lt 3000
"$CTL" stop all
"$CTL" stop some

task_file lost true
sed -i 's/^command.*/command: [nosuchprogram]/' "$CLI/lost.yaml"
words=$(expect_failure 125 "$CTL" run --detach "$CLI/lost.yaml")
grep -q 'command "nosuchprogram": not found' <<<"$words"

# systemd 252 makes such a file for each range of ids (docs/architecture.md).
if [[ "$(systemctl --version | awk 'NR == 1 { print $2 }')" -ge 257 ]]; then
	test -z "$(find /var/log/journal -name 'user-*')"
fi
