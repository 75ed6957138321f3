/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <unistd.h>

#include "box.h"

/* What a task sees of its surroundings, and what the driver reports about the task. */
TestSuite(task, .timeout = TEST_SEC);

static void start_all(Agent *agent, Job **jobs, size_t n) {
        for (size_t i = 0; i < n; i++)
                job_start_begin(agent, jobs[i]);
        for (size_t i = 0; i < n; i++)
                job_start_end(jobs[i]);
}

Test(task, exit_codes_and_signals_are_the_payloads) {
        static const struct {
                const char *script;
                int code, signal;
        } rows[] = {
                { "exit 0", 0, 0 },
                { "exit 1", 1, 0 },
                { "exit 7", 7, 0 },
                { "exit 133", 133, 0 }, /* nspawn would make it 1 */
                { "exit 255", 255, 0 },
                { "kill -KILL $$", 137, 9 },
                { "kill -SEGV $$", 139, 11 },
                { "kill -INT $$", 130, 2 },
                { "kill -HUP $$", 129, 1 },
                { "kill -USR1 $$", 138, 10 },
                { "exit 137", 137, 0 },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                jobs[i] = job_new(rows[i].script, NULL);
        start_all(&agent, jobs, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int code = job_wait(&agent, jobs[i]);
                cr_expect_eq(code, rows[i].code, "%s: %d", rows[i].script, code);
                cr_expect_eq(
                        jobs[i]->signal, rows[i].signal, "%s: signal %d", rows[i].script, jobs[i]->signal);
                /* Nomad may ask again until the task is destroyed. */
                cr_expect_eq(job_wait(&agent, jobs[i]), rows[i].code);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

Test(task, output_is_the_tasks_own_bytes_with_stderr_apart) {
        static const char out[] = "a\r\nb\0\377\033[0mz", err[] = "\001err\n\r";
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new(
                "printf 'a\\r\\nb\\000\\377\\033[0mz'; printf '\\001err\\n\\r' >&2; head -c 300000 /dev/zero",
                NULL);
        size_t n_out, n_err;

        job_start(&agent, job);
        cr_assert_eq(job_wait(&agent, job), 0);
        _cleanup_free_ char *got_out = stream_wait_end(job->out, &n_out);
        _cleanup_free_ char *got_err = stream_wait_end(job->err, &n_err);
        job_destroy(&agent, job);

        cr_assert_eq(n_out, sizeof(out) - 1 + 300000, "%zu bytes", n_out);
        cr_assert_arr_eq(got_out, out, sizeof(out) - 1);
        for (size_t i = sizeof(out) - 1; i < n_out; i++)
                cr_assert_eq(got_out[i], 0);
        cr_assert_eq(n_err, sizeof(err) - 1, "%s", got_err);
        cr_assert_arr_eq(got_err, err, sizeof(err) - 1);
}

/* Programs in some images, nginx for one, log to a link to /dev/stdout and open it like any file. */
Test(task, opens_its_streams_by_name_whoever_it_runs_as) {
        static const struct {
                const char *config;
                const char *out, *err;
        } rows[] = {
                { NULL, "out\n", "err\n" },
                { "{'user': 'app'}", "out\n", "err\n" },
                { "{'user': 'app', 'user_namespacing': false}", "out\n", "err\n" },
                { "{'user': 'app', 'process_two': true}", "out\n", "err\n" },
                { "{'user': 'app', 'init': false}", "out\n", "err\n" },
                { "{'user': 'app', 'tty': true}", "out\r\nerr\r\n", "" },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                jobs[i] = job_new("echo out >/dev/stdout; echo err >/dev/stderr", rows[i].config);
        start_all(&agent, jobs, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int code = job_wait(&agent, jobs[i]);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                _cleanup_free_ char *err = stream_wait_end(jobs[i]->err, NULL);

                cr_expect(code == 0 && streq(out, rows[i].out) && streq(err, rows[i].err),
                        "row %zu: %d, \"%s\", \"%s\"", i, code, out, err);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

Test(task, environment_arrives_as_it_is) {
        static const char *const rows[][2] = {
                { "LINES_OF_IT", "one\ntwo\n\n" },
                { "QUOTES", "\"'`$HOME $(id) %n \\ \t" },
                { "EMPTY", "" },
                { "LD_PRELOAD", "/no/such/library.so" },
                { "PATH", "/nowhere:/bin" },
                { "HOME", "/local" },
                { "both", "of Nomad" },
        };
        /* Names and values that no shell can set or show. */
        static const char *const names[] = { "discovery.type", "my-var", "1st", "Größe 1", "two\nlines" };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_string_buffer_ StringBuffer expected = {};
        _cleanup_job_ Job *job = job_new(
                "printf '[%s]' \"$LINES_OF_IT\" \"$QUOTES\" \"${EMPTY-unset}\" \"$LD_PRELOAD\" \"$PATH\" \"$HOME\" "
                "\"$both\" \"$option\"; printf '|'; tr '\\0' '|' </proc/$$/environ; true",
                "{'environment': {'both': 'of the option', 'option': 'alone', 'team.name': 'x'}}");

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_set_env(job, rows[i][0], rows[i][1]);
                string_buffer_append(&expected, "[%s]", rows[i][1]);
        }
        string_buffer_append(&expected, "[alone]|");
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                job_set_env(job, names[i], "any name");
        _cleanup_free_ char *got = job_run(&agent, job, 0);
        cr_assert_not_null(string_after_prefix(got, expected.text), "%s", got);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *shown = xasprintf("|%s=any name|", names[i]);
                expect_text(got, shown);
        }
        expect_text(got, "|team.name=x|");
}

Test(task, has_its_directories_binds_and_volumes) {
        _cleanup_free_ char *data = xasprintf("%s/alloc/data-%d", test_directory(), getpid());
        _cleanup_free_ char *config = xasprintf(
                "{'bind': {'%1$s/a': '/run/a'}, 'bind_read_only': [{'%1$s/b': '/run/b'}]}", data);
        _cleanup_agent_ Agent agent = agent_start();
        free(shell_good(
                "mkdir -p %1$s/a %1$s/b %1$s/c %1$s/d && for f in a b c d; do echo $f >%1$s/$f/in; done && "
                "chmod 777 %1$s/?",
                data));
        _cleanup_job_ Job *job = job_new(
                "cat /local/in /run/a/in /run/b/in /run/c/in /run/d/in\n"
                "echo x >/alloc/data\n"
                "echo x >/secrets/data\n"
                "for f in a b c d; do echo $f >/run/$f/out && echo wrote $f; done 2>/dev/null\n"
                "true",
                config);
        _cleanup_free_ char *c = xasprintf("%s/c", data), *d = xasprintf("%s/d", data);

        free(shell_good("echo local >%s/task/local/in", job->directory));
        job_add_mount(job, c, "/run/c", false);
        job_add_mount(job, d, "/run/d", true);
        _cleanup_free_ char *got = job_run(&agent, job, 0);
        cr_assert_str_eq(got, "local\na\nb\nc\nd\nwrote a\nwrote c\n");
        free(shell_good(
                "grep -q x %1$s/alloc/data && grep -q x %1$s/task/secrets/data && grep -q a %2$s/a/out && "
                "grep -q c %2$s/c/out && ! test -e %2$s/b/out && ! test -e %2$s/d/out && rm -r %2$s",
                job->directory, data));
}

Test(task, runs_as_the_user_of_option_or_task_in_the_directory_asked_for) {
        static const struct {
                const char *config, *user, *expected;
        } rows[] = {
                { "{'user': 'app', 'working_directory': '/tmp'}", NULL, "1000:1000:/tmp\n" },
                { NULL, "app", "1000:1000:/\n" },
                { "{'user': '0:1000'}", "app", "0:1000:/\n" },
                { "{'working_directory': '/local'}", NULL, "0:0:/local\n" },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                jobs[i] = job_new("echo $(id -u):$(id -g):$(pwd)", rows[i].config);
                jobs[i]->config.user = (char *) (uintptr_t) (rows[i].user ? rows[i].user : "");
        }
        start_all(&agent, jobs, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int code = job_wait(&agent, jobs[i]);
                _cleanup_free_ char *got = stream_wait_end(jobs[i]->out, NULL);
                _cleanup_free_ char *err = stream_wait_end(jobs[i]->err, NULL);

                cr_expect(code == 0 && streq(got, rows[i].expected), "row %zu: %d, %s, not %s; %s", i, code,
                        got, rows[i].expected, err);
                job_destroy(&agent, jobs[i]);
                jobs[i]->config.user = NULL;
                (void) job_free(jobs[i]);
        }
}

/*
 * The payload is the second process in both cases: process 1 is our init, or nspawn's own with process_two.
 * Without a user namespace the task can neither see nor change the unit's limits.
 */
Test(task, process_two_runs_below_the_init_of_nspawn) {
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[] = {
                job_new("cat /proc/1/comm /sys/fs/cgroup/pids.max; echo $$; exit 7",
                        "{'process_two': true}"),
                job_new("cat /proc/1/comm /sys/fs/cgroup/pids.max; exit 7", "{'user_namespacing': false}"),
        };
        static const char *const expected[] = { "(sd-stubinit)\n16384\n2\n", "init\nmax\n" };

        start_all(&agent, jobs, ELEMENTSOF(jobs));
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++) {
                cr_expect_eq(job_wait(&agent, jobs[i]), 7);
                _cleanup_free_ char *got = stream_wait_end(jobs[i]->out, NULL);
                cr_expect_str_eq(got, expected[i], "%s", got);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

Test(task, capabilities_are_added) {
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[] = {
                job_new("grep CapBnd /proc/self/status", NULL),
                job_new("grep CapBnd /proc/self/status",
                        "{'capability': ['CAP_NET_ADMIN', 'syslog', 'CAP_SYSLOG']}"),
        };
        uint64_t sets[2];

        start_all(&agent, jobs, ELEMENTSOF(jobs));
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++) {
                cr_expect_eq(job_wait(&agent, jobs[i]), 0);
                _cleanup_free_ char *got = stream_wait_end(jobs[i]->out, NULL);
                const char *digits = string_after_prefix(got, "CapBnd:\t");

                cr_assert_not_null(digits, "%s", got);
                sets[i] = strtoull(digits, NULL, 16);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
        cr_assert_eq(sets[1], sets[0] | UINT64_C(1) << 12 | UINT64_C(1) << 34);
        cr_assert_neq(sets[1], sets[0]);
}

/* A tunnel needs CAP_NET_ADMIN, and to set the host name CAP_SYS_ADMIN, which nspawn grants by default. */
Test(task, an_ordinary_user_has_the_capabilities_of_the_job_and_no_other) {
        static const char script[] =
                "tunctl -t tun7 && ip link set tun7 up && ip link show tun7 >&2; hostname x; echo $?";
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[] = {
                job_new(script, "{'network_veth': true, 'user': '200', 'capability': ['CAP_NET_ADMIN']}"),
                job_new(script,
                        "{'network_veth': true, 'user': 'app', 'capability': ['CAP_NET_ADMIN'], "
                        "'user_namespacing': false, 'process_two': true}"),
        };

        start_all(&agent, jobs, ELEMENTSOF(jobs));
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++) {
                cr_expect_eq(job_wait(&agent, jobs[i]), 0);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                _cleanup_free_ char *err = stream_wait_end(jobs[i]->err, NULL);

                cr_expect_str_eq(out, "tun7\n1\n", "%zu: %s%s", i, out, err);
                cr_expect(strstr(err, "UP") && strstr(err, "hostname"), "%zu: %s", i, err);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

Test(task, user_namespaces_are_as_asked_for) {
        static const struct {
                const char *config, *base;
        } rows[] = {
                { NULL, NULL },
                { "{'private_users': 'pick', 'private_users_ownership': 'map'}", NULL },
                { "{'private_users': 'identity'}", "0 0 65536" },
                { "{'private_users': '1000000:65536'}", "0 1000000 65536" },
                { "{'user_namespacing': false}", "0 0 4294967295" },
                { "{'private_users': 'no'}", "0 0 4294967295" },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                jobs[i] = job_new("echo $(cat /proc/self/uid_map); stat -c %u /bin/busybox", rows[i].config);
        start_all(&agent, jobs, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int code = job_wait(&agent, jobs[i]);
                _cleanup_free_ char *got = stream_wait_end(jobs[i]->out, NULL);
                _cleanup_free_ char *expected = xasprintf("%s\n0\n", rows[i].base ? rows[i].base : "");
                unsigned long first = 0;

                cr_expect_eq(code, 0);
                if (rows[i].base)
                        cr_expect_str_eq(got, expected);
                else
                        cr_expect(sscanf(got, "0 %lu 65536", &first) == 1 && first >= 65536, "%s", got);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

Test(task, network_is_its_own_or_the_hosts) {
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[] = {
                job_new("ls /sys/class/net; echo ready; read x </local/wait", "{'network_veth': true}"),
                job_new("ls /sys/class/net; echo ready; read x </local/wait", "{'network_veth': false}"),
        };

        for (size_t i = 0; i < ELEMENTSOF(jobs); i++)
                free(shell_good("mkfifo -m 666 %s/task/local/wait", jobs[i]->directory));
        start_all(&agent, jobs, ELEMENTSOF(jobs));
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++)
                stream_wait_text(jobs[i]->out, "ready");
        /* The name of an interface has at most 15 characters; the whole name is its alternative name. */
        free(shell_good("ip link show ve-%s", jobs[0]->machine));
        free(shell_good("! ip link show ve-%s 2>/dev/null", jobs[1]->machine));
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++) {
                free(shell_good("echo >%s/task/local/wait", jobs[i]->directory));
                cr_expect_eq(job_wait(&agent, jobs[i]), 0);
        }
        _cleanup_free_ char *own = stream_wait_end(jobs[0]->out, NULL),
                            *host = stream_wait_end(jobs[1]->out, NULL);
        cr_expect_str_eq(own, "host0\nlo\nready\n");
        expect_text(host, "uplink0");
        expect_no_text(host, "host0");
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++) {
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

Test(task, joins_a_network_namespace_and_keeps_its_users_apart) {
        _cleanup_free_ char *netns = xasprintf("test-%d", getpid()),
                            *path = xasprintf("/run/netns/%s", netns);
        _cleanup_agent_ Agent agent = agent_start();
        Driver__NetworkIsolationSpec network = DRIVER__NETWORK_ISOLATION_SPEC__INIT;
        _cleanup_job_ Job *job = job_new(
                "ip -o addr show dev joined0; cat /proc/self/uid_map", "{'network_veth': true}");

        free(shell_good("ip netns add %1$s && ip -n %1$s link add joined0 type dummy && "
                        "ip -n %1$s addr add 198.51.100.7/24 dev joined0",
                netns));
        network.mode = DRIVER__NETWORK_ISOLATION_SPEC__MODE__GROUP;
        network.path = path;
        job->config.network_isolation_spec = &network;
        _cleanup_free_ char *got = job_run(&agent, job, 0);
        free(shell_good("ip netns delete %s", netns));
        expect_text(got, "198.51.100.7/24");
        expect_no_text(got, "4294967295");
}

/* ---- long command lines ---- */

/* Return: options of a task with @n arguments of @size bytes each, which prints their number. */
static char *long_config(size_t n, size_t size) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        _cleanup_free_ char *word = xcalloc(size + 1, 1);

        memset(word, 'a', size);
        string_buffer_append(&buffer,
                "{'image': 'hello', 'boot': false, 'read_only': true, 'network_veth': false, "
                "'command': ['/bin/sh', '-c', 'echo $#', 'sh'");
        for (size_t i = 0; i < n; i++)
                string_buffer_append(&buffer, ", '%s'", word);
        string_buffer_append(&buffer, "]}");
        return string_buffer_take(&buffer);
}

Test(task, two_thousand_long_arguments_arrive) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_free_ char *config = long_config(2000, 1024);
        _cleanup_job_ Job *job = job_new(NULL, config);

        _cleanup_free_ char *out = job_run(&agent, job, 0);
        cr_expect_str_eq(out, "2000\n");
}

Test(task, strings_too_long_for_the_kernel_are_refused_with_name_and_size) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_free_ char *config = long_config(1, 200 << 10), *value = xcalloc((200 << 10) + 1, 1);
        _cleanup_job_ Job *argument = job_new(NULL, config), *variable = job_new("true", NULL);

        _cleanup_free_ char *words = job_start_fails(&agent, argument);
        expect_text(words, "command: argument 4 (0 is the program) has 204800 bytes, at most 131071");

        memset(value, 'b', 200 << 10);
        job_set_env(variable, "BIG", value);
        _cleanup_free_ char *other = job_start_fails(&agent, variable);
        expect_text(other, "the variable BIG has 204804 bytes with its name, at most 131071");
}
