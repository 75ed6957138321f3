# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the checks of nspawnctl share. run.sh runs each as a program of its own, sets CTL (the nspawnctl under test) and
# CLI (a directory with an image and for the files of the checks), and counts a check as failed with its first command
# that fails.

set -euo pipefail
: "${CTL:?}" "${CLI:?}"

# task_file NAME SCRIPT [LINE...]: NAME.yaml, whose task runs SCRIPT, which has no single quotes, and has the LINEs too.
task_file() {
	{
		printf 'image: image\nboot: false\nnetwork_veth: false\nread_only: true\n'
		printf "command: [/bin/sh, -c, '%s']\n" "$2"
		shift 2
		[[ $# -eq 0 ]] || printf '%s\n' "$@"
	} >"$CLI/$1.yaml"
}

# writable_task_file NAME SCRIPT: as task_file, with a root that the task may write to.
writable_task_file() {
	task_file "$@" 'volatile: overlay'
	sed -i '/^read_only/d' "$CLI/$1.yaml"
}

# wait_until COMMAND...: until it succeeds; fails after a minute.
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

# status_of COMMAND...: prints its exit status; its own output goes to the log.
status_of() {
	local status=0
	"$@" >&2 || status=$?
	printf '%s\n' "$status"
}

# expect_failure STATUS COMMAND...: prints what the command writes to its standard error; fails when it exits otherwise.
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

# The task "host" does nothing until it is told to end. Checks of commands in a task share it.
start_host() {
	task_file host 'trap "exit 0" TERM; while :; do sleep 0.2; done'
	systemctl -q is-active nspawn-host.service || "$CTL" run --detach "$CLI/host.yaml"
}

# Nothing of a command in the task "host" is left: its control group goes last.
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
