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
	"$CTL" stop away
	until_true "test \$(systemctl show -P LoadState $unit) = not-found"
	! "$CTL" ps | grep -q "^away"
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

rm -rf "$CLI"
