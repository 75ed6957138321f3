# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
#
# nspawnctl as its users call it; sourced by run.sh. Each check is a script of its own.

export CTL=$NSPAWN_TEST_DIR/plugins/nspawnctl
export CLI=$NSPAWN_TEST_DIR/cli
rm -rf "$CLI"
mkdir -p "$CLI"
cp -a "$NSPAWN_TEST_DIR/images/hello" "$CLI/image"

# task_file NAME SCRIPT [LINE...]: a file that runs SCRIPT, which has no single quotes.
task_file() {
	{
		printf 'image: image\nboot: false\nnetwork_veth: false\nread_only: true\n'
		printf "command: [/bin/sh, -c, '%s']\n" "$2"
		shift 2
		[[ $# -eq 0 ]] || printf '%s\n' "$@"
	} >"$CLI/$1.yaml"
}
# The same limit for everything that is waited for.
until_true() {
	local end=$((SECONDS + 60))
	until eval "$1"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}
export -f task_file until_true

check cli/run_exits_with_the_tasks_code_and_keeps_the_streams_apart '
	task_file code "echo out; echo err >&2; exit 7"
	code=0
	"$CTL" run "$CLI/code.yaml" >"$CLI/code.out" 2>"$CLI/code.err" || code=$?
	test "$code" = 7
	test "$(cat "$CLI/code.out")" = out
	test "$(cat "$CLI/code.err")" = err
'

check cli/the_example_runs '
	cp "$NSPAWN_PAYLOAD/example/hello.yaml" "$CLI/hello.yaml"
	out=$("$CTL" run "$CLI/hello.yaml" 2>"$CLI/hello.err")
	grep -q "Hello from a container" <<<"$out"
	test "$(cat "$CLI/hello.err")" = "stderr stays apart"
'

check cli/a_task_of_a_file_may_have_a_terminal '
	task_file terminal "tty; echo err >&2; exit 133" "tty: true"
	code=0
	"$CTL" run "$CLI/terminal.yaml" >"$CLI/terminal.out" 2>"$CLI/terminal.err" || code=$?
	test "$code" = 133
	test "$(cat "$CLI/terminal.out")" = "$(printf "/dev/pts/0\r\nerr\r\n")"
	test ! -s "$CLI/terminal.err"
'

check cli/ctrl_c_ends_the_task_by_its_own_trap '
	task_file trap "trap \"echo bye; exit 5\" TERM; echo ready; while :; do sleep 0.2; done"
	"$CTL" run "$CLI/trap.yaml" >"$CLI/trap.out" 2>&1 &
	until_true "grep -q ready \"$CLI/trap.out\""
	kill -INT $!
	code=0
	wait $! || code=$?
	test "$code" = 5
	grep -q bye "$CLI/trap.out"
	test "$(systemctl show -P LoadState nspawn-trap.service)" = not-found
'

check cli/a_second_ctrl_c_ends_it_at_once '
	task_file deaf "trap \"\" TERM; echo ready; while :; do sleep 0.2; done"
	"$CTL" run "$CLI/deaf.yaml" >"$CLI/deaf.out" 2>&1 &
	until_true "grep -q ready \"$CLI/deaf.out\""
	begin=$SECONDS
	kill -INT $!
	kill -INT $!
	# Two at once may have been one.
	until_true "! kill -INT $! 2>/dev/null"
	code=0
	wait $! || code=$?
	test "$code" = 137
	test $((SECONDS - begin)) -lt 9
'

check cli/a_detached_task_lives_on_is_listed_and_stopped '
	task_file away "trap \"exit 0\" TERM; while :; do sleep 0.2; done"
	unit=$("$CTL" run --detach "$CLI/away.yaml")
	test "$unit" = nspawn-away.service
	systemctl is-active "$unit"
	test "$(systemctl show -P Slice "$unit")" = nspawn-local.slice
	"$CTL" ps | grep -E "^away +active"
	code=0
	words=$("$CTL" run "$CLI/away.yaml" 2>&1) || code=$?
	test "$code" = 125
	grep -q "runs already" <<<"$words"

	# What is frozen is thawed, but not what others are frozen with.
	slice=/sys/fs/cgroup/nspawn.slice/nspawn-local.slice
	trap "echo 0 >$slice/cgroup.freeze" EXIT
	echo 1 >$slice/cgroup.freeze
	code=0
	words=$(timeout 30 "$CTL" stop away 2>&1) || code=$?
	test "$code" = 125
	test "$words" = "nspawnctl: $unit is frozen with its slice: systemctl thaw nspawn-local.slice"
	echo 0 >$slice/cgroup.freeze
	systemctl is-active "$unit"
	systemctl freeze "$unit"
	timeout 30 "$CTL" stop away
	until_true "test \$(systemctl show -P LoadState $unit) = not-found"
	! "$CTL" ps | grep -q "^away"
'

check cli/a_detached_task_whose_nspawn_is_killed_runs_again_and_keeps_its_terminal '
	task_file again "while read -r line; do echo got-\$line; test \$line != end || exit 0; done" \
		"tty: true" "restart: {policy: on-failure, delay: 200ms}"
	unit=$("$CTL" run --detach "$CLI/again.yaml")
	kill -KILL "$(systemctl show -P MainPID "$unit")"
	until_true "test \$(systemctl show -P NRestarts $unit) -gt 0 && systemctl -q is-active $unit"
	test "$(systemctl show -P NRestarts "$unit")" = 1
	echo end | "$CTL" attach again >"$CLI/again.out" 2>"$CLI/again.err"
	grep -q got-end "$CLI/again.out"
	until_true "test \$(systemctl show -P LoadState $unit) = not-found"
	test ! -e /run/nspawn-units/tasks/again
'

check cli/a_start_that_fails_exits_with_125_and_says_why '
	task_file program "true"
	sed -i "s,^command:.*,command: [/no/such/program]," "$CLI/program.yaml"
	task_file image "true"
	sed -i "s,^image:.*,image: /no/such/image," "$CLI/image.yaml"
	task_file found "true"
	sed -i "s,^command:.*,command: [nosuchprogram]," "$CLI/found.yaml"
	for row in program:/no/such/program image:/no/such/image found:nosuchprogram; do
		code=0
		words=$("$CTL" run "$CLI/${row%%:*}.yaml" 2>&1) || code=$?
		test "$code" = 125
		grep -q "^nspawnctl: .*${row#*:}" <<<"$words"
	done
'

# A task that does nothing until it is told to end.
task_file host "trap \"exit 0\" TERM; while :; do sleep 0.2; done"
in_host() {
	[[ "$(systemctl is-active nspawn-host.service)" == active ]] || "$CTL" run --detach "$CLI/host.yaml"
}
# Nothing of a command stays: its control group goes last.
exec_is_gone() {
	! find /sys/fs/cgroup -path "*nspawn-host.service*" -name "nspawn-exec-*" | grep -q .
}
export -f in_host exec_is_gone

check cli/exec_passes_streams_and_exit_code_on '
	in_host
	code=0
	echo in | "$CTL" exec host sh -c "cat; echo err >&2; exit 7" >"$CLI/exec.out" 2>"$CLI/exec.err" || code=$?
	test "$code" = 7
	test "$(cat "$CLI/exec.out")" = in
	test "$(cat "$CLI/exec.err")" = err
	code=0
	"$CTL" exec nspawn-host.service sh -c "kill -KILL \$\$" || code=$?
	test "$code" = 137
	until_true exec_is_gone
'

check cli/exec_takes_user_directory_and_environment '
	in_host
	export HERE=there
	out=$("$CTL" exec -u app -w /tmp -E A=1 -E HERE host sh -c "id -un; pwd; echo \$A \$HERE" </dev/null)
	test "$out" = "$(printf "app\n/tmp\n1 there")"
'

# CAP_SYSLOG has the number 34.
check cli/exec_gives_capabilities_to_the_user_of_the_task_and_to_root '
	task_file granted "trap \"exit 0\" TERM; while :; do sleep 0.2; done" "user: app" "capability: [CAP_SYSLOG]"
	"$CTL" run --detach "$CLI/granted.yaml"
	granted() {
		"$CTL" exec "$@" granted sed -nE "s/^CapEff:.0*(.)/\1/p" /proc/self/status </dev/null
	}
	test "$(granted)" = 400000000
	test "$(granted -u 1000:7)" = 400000000
	test "$(granted -u 200)" = 0
	test $((0x$(granted -u root) & 0x400000001)) = $((0x400000001))
	"$CTL" stop granted
'

check cli/exec_fails_in_words_and_with_the_codes_of_shells '
	in_host
	for row in "127:exec host /no/such/program" "126:exec host /etc/passwd" "125:exec nosuchtask true" \
		"125:exec -u nobodyofthat host true" "125:attach nosuchtask"; do
		code=0
		words=$("$CTL" ${row#*:} 2>&1 </dev/null) || code=$?
		test "$code" = "${row%%:*}"
		grep -q "^nspawnctl: " <<<"$words"
	done
	grep -q "there is no task \"nosuchtask\"" <<<"$words"
'

check cli/exec_is_binary_safe_both_ways_from_files_and_pipes '
	in_host
	head -c 5000000 /dev/urandom >"$CLI/data"
	"$CTL" exec host cat <"$CLI/data" >"$CLI/copy"
	cmp "$CLI/data" "$CLI/copy"
	cat "$CLI/data" | "$CTL" exec host cat | cat >"$CLI/copy"
	cmp "$CLI/data" "$CLI/copy"
	# A shell goes on where the command stopped writing.
	{ "$CTL" exec host echo one </dev/null; echo two; } >"$CLI/both"
	test "$(cat "$CLI/both")" = "$(printf "one\ntwo")"
'

check cli/exec_waits_for_a_slow_reader '
	in_host
	"$CTL" exec host sh -c "head -c 3000000 /dev/zero; echo end >&2" </dev/null 2>"$CLI/slow.err" |
		{ sleep 2; test ! -s "$CLI/slow.err"; wc -c; } >"$CLI/slow.out"
	test "$(cat "$CLI/slow.out")" = 3000000
'

check cli/exec_reads_no_input_that_nobody_will_read_and_ends_with_its_command '
	in_host
	timeout 60 "$CTL" exec host true </dev/zero
	timeout 60 "$CTL" exec host sh -c "exec <&-; sleep 2" </dev/zero
	truncate -s 300M "$CLI/much"
	exec 9<"$CLI/much"
	timeout 60 "$CTL" exec host sh -c "exec <&-; sleep 1" <&9
	# Where the file is read next: what the pipe holds and what waits for it, at most.
	test "$(sed -n "s/^pos:[^0-9]*//p" /proc/$$/fdinfo/9)" -le 1000000

	"$CTL" exec host sh -c "echo ready; exec sleep 1000" </dev/zero >"$CLI/zero.out" &
	until_true "grep -q ready \"$CLI/zero.out\""
	kill -TERM $!
	code=0
	wait $! || code=$?
	test "$code" = 143
	until_true exec_is_gone
'

check cli/exec_ends_with_us '
	in_host
	for signal in INT TERM; do
		"$CTL" exec host sh -c "echo ready; exec sleep 1000" </dev/null >"$CLI/ends.out" &
		until_true "grep -q ready \"$CLI/ends.out\""
		kill -"$signal" $!
		code=0
		wait $! || code=$?
		test "$code" = $((128 + $(kill -l "$signal")))
		until_true exec_is_gone
	done
	{
		code=0
		"$CTL" exec host yes </dev/null || code=$?
		echo "$code" >"$CLI/pipe.code"
	} | head -n 1
	test "$(cat "$CLI/pipe.code")" = 141
	until_true exec_is_gone
'

check cli/a_terminal_has_our_size_and_kind_and_ours_is_restored '
	in_host
	cat >"$CLI/terminal.sh" <<-EOF
		stty rows 33 cols 111
		before=\$(stty -g)
		TERM=vt220 "$CTL" exec -t host sh -c "tty; stty size; echo \\\$TERM; exit 9"
		echo "code \$?"
		[ "\$before" = "\$(stty -g)" ] && echo restored
	EOF
	# Its input stays open.
	mkfifo "$CLI/nothing"
	script -qec "sh $CLI/terminal.sh" /dev/null <"$CLI/nothing" >"$CLI/terminal.out" &
	exec 9>"$CLI/nothing"
	wait $!
	exec 9>&-
	for words in "^/dev/pts/" "^33 111" "^vt220" "^code 9" "^restored"; do
		grep -q "$words" "$CLI/terminal.out"
	done
'

check cli/a_shell_reads_commands_and_can_be_left '
	in_host
	code=0
	out=$(printf "echo here-\$((6 * 7))\nexit 3\n" | "$CTL" shell host) || code=$?
	test "$code" = 3
	grep -q "here-42" <<<"$out"

	mkfifo "$CLI/keys"
	script -qec "$CTL shell -u app host; echo code \$?" /dev/null <"$CLI/keys" >"$CLI/shell.out" 2>&1 &
	exec 9>"$CLI/keys"
	until_true "grep -q \"three times\" \"$CLI/shell.out\""
	printf "echo user-\$(id -un)\r" >&9
	until_true "grep -q user-app \"$CLI/shell.out\""
	# Nothing in there reads any more.
	printf "sleep 1000\r" >&9
	printf "\035\035\035" >&9
	until_true "grep -q \"code 0\" \"$CLI/shell.out\""
	exec 9>&-
	wait $!
	until_true exec_is_gone
'

check cli/attach_follows_the_output_in_the_journal_and_nothing_else '
	task_file talk "for i in 1 2 3; do echo line \$i; echo err \$i >&2; sleep 2; done; printf last"
	"$CTL" run --detach "$CLI/talk.yaml"
	"$CTL" attach talk >"$CLI/talk.out" 2>"$CLI/talk.err" </dev/null
	# Which of two streams journald reads first is its own affair.
	test "$(sort "$CLI/talk.out")" = "$(printf "err 1\nerr 2\nerr 3\nlast\nline 1\nline 2\nline 3")"
	test "$(cat "$CLI/talk.err")" = "nspawnctl: the task \"talk\" ended"

	in_host
	"$CTL" attach host >"$CLI/talk.out" &
	# It has its signals when it looks at the journal.
	until_true "ls -l /proc/$!/fd | grep -q \"/system.journal\""
	kill -INT $!
	wait $!
	test ! -s "$CLI/talk.out"
'

# What is written below other user ids than the system's may be in files of its own then.
check cli/a_persistent_journal_has_all_that_a_task_says_and_shows_it '
	settings=/run/systemd/journald.conf.d/zz-test.conf
	trap "rm $settings; systemctl restart systemd-journald; rm -rf /var/log/journal/*" EXIT
	mkdir -p "${settings%/*}"
	printf "[Journal]\nStorage=persistent\nRateLimitIntervalSec=30s\nRateLimitBurst=100\n" >"$settings"
	systemctl restart systemd-journald
	journalctl --flush

	script="i=0; while [ \$i -lt 3000 ]; do i=\$((i + 1)); echo line \$i; done; exec sleep 1000"
	task_file all "$script"
	task_file some "$script" "log_rate_limit: { burst: 100, interval: 30s }"
	"$CTL" run --detach "$CLI/all.yaml"
	"$CTL" attach all >"$CLI/all.out" &
	until_true "grep -q \"^line 3000\" \"$CLI/all.out\""
	kill -INT $!
	wait $!
	journalctl --sync
	test "$(journalctl -o cat -u nspawn-all.service | grep -c "^line ")" = 3000
	"$CTL" run --detach "$CLI/some.yaml"
	until_true "pgrep -f \"^sleep 1000\" | wc -l | grep -qx 2"
	journalctl --sync
	n=$(journalctl -o cat -u nspawn-some.service | grep -c "^line ")
	test "$n" -ge 100 -a "$n" -lt 3000
	"$CTL" stop all
	"$CTL" stop some

	task_file lost "true"
	sed -i "s/^command.*/command: [nosuchprogram]/" "$CLI/lost.yaml"
	words=$("$CTL" run --detach "$CLI/lost.yaml" 2>&1) && exit 1
	grep -q "command \"nosuchprogram\": not found" <<<"$words"

	# systemd 252 makes a file for each range of ids: docs/architecture.md.
	if [[ "$(systemctl --version | awk "NR == 1 { print \$2 }")" -ge 257 ]]; then
		test -z "$(find /var/log/journal -name "user-*")"
	fi
'

check cli/attach_is_at_the_terminal_of_a_task_until_one_leaves_or_it_ends '
	task_file term "echo begun; while read -r line; do echo got-\$line; stty size; test \$line != end || exit 4; done" \
		"tty: true"
	"$CTL" run --detach "$CLI/term.yaml"
	mkfifo "$CLI/typed"
	script -qec "stty rows 33 cols 111; $CTL attach term; echo code \$?" /dev/null <"$CLI/typed" >"$CLI/term.out" 2>&1 &
	exec 9>"$CLI/typed"
	until_true "grep -q \"three times\" \"$CLI/term.out\""
	printf "hello\r" >&9
	until_true "grep -q got-hello \"$CLI/term.out\" && grep -q \"^33 111\" \"$CLI/term.out\""
	printf "\035\035\035" >&9
	until_true "grep -q \"code 0\" \"$CLI/term.out\""
	grep -q "left the task \"term\"" "$CLI/term.out"
	exec 9>&-
	wait $!
	systemctl is-active nspawn-term.service

	echo end | "$CTL" attach term >"$CLI/term.out" 2>"$CLI/term.err"
	grep -q got-end "$CLI/term.out"
	test "$(cat "$CLI/term.err")" = "nspawnctl: the task \"term\" ended"
'

check cli/a_task_in_the_foreground_is_not_disturbed_by_a_visit '
	task_file front "echo begun; until test -e /tmp/end; do sleep 0.2; done; exit 5" "volatile: overlay"
	sed -i "/^read_only/d" "$CLI/front.yaml"
	"$CTL" run "$CLI/front.yaml" >"$CLI/front.out" 2>&1 &
	until_true "grep -q begun \"$CLI/front.out\""
	code=0
	words=$("$CTL" attach front 2>&1) || code=$?
	test "$code" = 125
	grep -q "goes to the program that started it" <<<"$words"
	"$CTL" exec front true </dev/null
	"$CTL" exec front touch /tmp/end </dev/null
	code=0
	wait $! || code=$?
	test "$code" = 5
	test "$(cat "$CLI/front.out")" = begun
	test "$(systemctl show -P LoadState nspawn-front.service)" = not-found
'

check cli/what_was_visited_is_stopped_and_gone '
	in_host
	"$CTL" stop host
	until_true "test \$(systemctl show -P LoadState nspawn-host.service) = not-found"
	code=0
	words=$("$CTL" exec host true 2>&1 </dev/null) || code=$?
	test "$code" = 125
	grep -q "there is no task \"host\"" <<<"$words"
'

check cli/validate_names_line_and_column '
	printf "image: image\nboot: maybe\n" >"$CLI/type.yaml"
	printf "image: image\nimgae: x\n" >"$CLI/unknown.yaml"
	printf "image: [\n" >"$CLI/syntax.yaml"
	printf "image: image\nvolatile:   never\n" >"$CLI/value.yaml"
	task_file good "true"
	"$CTL" validate "$CLI/good.yaml"
	for row in "type:2:7.*boot" "unknown:2:1.*imgae" "syntax:[0-9]*:[0-9]*:" "value:2:13.*volatile"; do
		code=0
		words=$("$CTL" validate "$CLI/${row%%:*}.yaml" 2>&1) || code=$?
		test "$code" != 0
		grep -q "${row%%:*}.yaml:${row#*:}" <<<"$words"
	done
'

check cli/docs_has_every_option '
	docs=$("$CTL" docs)
	for option in image boot command read_only ephemeral volatile process_two user working_directory environment bind \
		bind_read_only capability console pivot_root resolv_conf user_namespacing private_users private_users_ownership \
		network_veth memory memory_max cpu_shares cpus; do
		grep -qw "$option" <<<"$docs"
	done
'

check cli/has_no_grpc_in_it '
	! ldd "$CTL" | grep -qi -e grpc -e protobuf
'

# Where the check that ends it was not run.
systemctl stop nspawn-host.service 2>/dev/null
rm -rf "$CLI"
