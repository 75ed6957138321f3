# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Shared by the checks of nspawnctl. run.sh runs each check as a program of its own, with CTL (the nspawnctl under test) and
# CLI (a directory with an image, where the checks put their files). A check fails with its first command that fails.

set -euo pipefail
: "${CTL:?}" "${CLI:?}"

# task_file NAME SCRIPT [LINE...]: writes NAME.yaml with the LINEs and a task that runs SCRIPT, which has no single quotes.
task_file() {
	{
		printf 'image: image\nboot: false\nnetwork_veth: false\nread_only: true\n'
		printf "command: [/bin/sh, -c, '%s']\n" "$2"
		shift 2
		[[ $# -eq 0 ]] || printf '%s\n' "$@"
	} >"$CLI/$1.yaml"
}

# writable_task_file NAME SCRIPT: the same, with a root that the task may write to.
writable_task_file() {
	task_file "$@" 'volatile: overlay'
	sed -i '/^read_only/d' "$CLI/$1.yaml"
}

# wait_until COMMAND...: waits until the command succeeds; fails after a minute.
wait_until() {
	local end=$((SECONDS + 60))
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

not() {
	! "$@"
}

# status_of COMMAND...: prints the exit status of the command, whose output goes to the log.
status_of() {
	local status=0
	"$@" >&2 || status=$?
	printf '%s\n' "$status"
}

# expect_failure STATUS COMMAND...: prints what the command writes to its standard error; fails for another exit status.
expect_failure() {
	local wanted=$1 status=0
	shift
	"$@" 2>&1 >/dev/null </dev/null || status=$?
	test "$status" = "$wanted"
}

# expect_exit STATUS PID
expect_exit() {
	local status=0
	wait "$2" || status=$?
	test "$status" = "$1"
}

property() { # NAME UNIT
	systemctl show -P "$1" "$2"
}

has_property() { # NAME UNIT VALUE
	test "$(property "$1" "$2")" = "$3"
}

is_unloaded() { # UNIT
	has_property LoadState "$1" not-found
}

# Starts the task "host", which does nothing until it is stopped. The checks that run commands in a task share it.
start_host() {
	task_file host 'trap "exit 0" TERM; while :; do sleep 0.2; done'
	systemctl -q is-active nspawn-host.service || "$CTL" run --detach "$CLI/host.yaml"
}

# Whether nothing of any command in the task "host" is left. A command's control group is what goes last.
exec_is_gone() {
	! find /sys/fs/cgroup -path '*nspawn-host.service*' -name 'nspawn-exec-*' | grep -q .
}

# type_to NAME COMMAND...: runs a shell command on a terminal, with its output in NAME.out. What is written to descriptor 9
# is typed there.
type_to() {
	local name=$1
	shift
	rm -f "$CLI/$name.keys"
	mkfifo "$CLI/$name.keys"
	script -qec "$*" /dev/null <"$CLI/$name.keys" >"$CLI/$name.out" 2>&1 &
	exec 9>"$CLI/$name.keys"
}
