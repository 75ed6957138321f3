/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "idle.h"

/* ExecTaskStreaming. The suite exec is declared in test-exec.c. */

#define MIB (1024 * 1024)

static char *random_bytes(size_t n) {
        char *bytes = xcalloc(n, 1);

        for (size_t done = 0; done < n;) {
                ssize_t r = getrandom(bytes + done, n - done, 0);

                cr_assert_gt(r, 0);
                done += (size_t) r;
        }
        return bytes;
}

/* Sends the bytes in pieces of many sizes, with an agent's heartbeats between them. */
static void send_pieces(Session *session, const char *bytes, size_t n) {
        size_t piece = 1;

        for (size_t done = 0; done < n; done += piece) {
                piece = piece * 3 % 40009 + 1;
                if (piece > n - done)
                        piece = n - done;
                session_send_bytes(session, bytes + done, piece);
                session_heartbeat(session);
        }
}

static void expect_bytes(const char *got, size_t n_got, const char *wanted, size_t n_wanted) {
        cr_assert_eq(n_got, n_wanted, "%zu bytes, not %zu", n_got, n_wanted);
        cr_assert_eq(memcmp(got, wanted, n_wanted), 0);
}

static void check_bytes(Agent *agent, const Job *job) {
        _cleanup_free_ char *bytes = random_bytes(MIB);
        _cleanup_session_ Session *session = session_open(agent, job, false, ARGV("cat"));

        send_pieces(session, bytes, MIB);
        session_close_input(session);
        _cleanup_ran_ Ran through = session_end(session);
        cr_expect(through.code == 0 && through.n_err == 0, "%d %s", through.code, through.err);
        expect_bytes(through.out, through.n_out, bytes, MIB);

        _cleanup_ran_ Ran aside = session_run(agent, job, false, bytes, MIB, SH("cat >&2; echo; exit 9"));
        cr_expect_eq(aside.code, 9);
        cr_expect_str_eq(aside.out, "\n");
        expect_bytes(aside.err, aside.n_err, bytes, MIB);

        _cleanup_ran_ Ran kept = session_run(
                agent, job, false, bytes, MIB, SH("cat >/local/kept; sha256sum </local/kept | cut -c1-64"));
        _cleanup_free_ char *sum = shell_good("sha256sum <%s/task/local/kept | cut -c1-64", job->directory);
        cr_expect_eq(strncmp(kept.out, sum, 64), 0, "%s, not %s", kept.out, sum);
        _cleanup_ran_ Ran back = job_exec(agent, job, EXEC_SEC, ARGV("cat", "/local/kept"));
        expect_bytes(back.out, back.n_out, bytes, MIB);

        /* The command does not read most of the input. */
        _cleanup_ran_ Ran ended = session_run(agent, job, false, bytes, MIB, SH("head -c 3; exit 4"));
        cr_expect_eq(ended.code, 4);
        expect_bytes(ended.out, ended.n_out, bytes, 3);
        _cleanup_ran_ Ran none = session_run(agent, job, false, NULL, 0, ARGV("wc", "-c"));
        cr_expect_str_eq(none.out, "0\n");
}

static void check_terminal(Agent *agent, const Job *job) {
        _cleanup_session_ Session *sized = session_open_sized(agent, job, 31, 97,
                SH("stty size; test -t 0 && test -t 1 && test -t 2 && echo terminal; echo mine >/dev/tty; "
                   "echo aside >&2; exit 6"));
        _cleanup_ran_ Ran facts = session_end(sized);
        cr_expect_eq(facts.code, 6);
        cr_expect_str_eq(facts.out, "31 97\r\nterminal\r\nmine\r\naside\r\n", "%s", facts.out);
        cr_expect_eq(facts.n_err, 0);

        _cleanup_session_ Session *resized = session_open(agent, job, true,
                SH("stty -echo; read x; stty size; trap 'stty size' WINCH; echo ready; "
                   "while :; do read -t 1 x; done"));
        session_size(resized, 24, 80);
        session_send(resized, "go\n");
        size_t n = session_wait_text(resized, 0, "ready\r\n");
        cr_expect_gt(n, strlen("24 80"));
        session_size(resized, 50, 132);
        (void) session_wait_text(resized, n, "50 132\r\n");
        session_size(resized, 20, 60);
        (void) session_wait_text(resized, n, "20 60\r\n");
        /* Ctrl-C ends the command. */
        session_send(resized, "\003");
        _cleanup_ran_ Ran ended = session_end(resized);
        cr_expect(ended.code == 130 && ended.signal == 2, "%d %d", ended.code, ended.signal);
        expect_text(ended.out, "24 80\r\nready");
}

/* On a terminal, the command gets the end of the input as Ctrl-D. */
static void check_end_of_input(Agent *agent, const Job *job) {
        static const struct {
                const char *input, *out;
        } rows[] = {
                { "", "" },
                { "one\n", "one\r\none\r\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_ran_ Ran ran = session_run(
                        agent, job, true, rows[i].input, strlen(rows[i].input), ARGV("cat"));

                cr_expect_eq(ran.code, 0, "%d", ran.code);
                expect_text(ran.out, rows[i].out);
        }
}

Test(exec, input_and_output_pass_unchanged_also_through_a_terminal) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);

        idle_start(&agent, job);
        _cleanup_inside_ Inside before = inside_of(job);
        check_bytes(&agent, job);
        check_terminal(&agent, job);
        check_end_of_input(&agent, job);
        inside_wait(job, &before);
        idle_finish(&agent, job, IDLE_CODE);
}

/* ---- a peer that does not read ---- */

#define GROWTH_KIB 2048

/* Waits until the process writes no more. Return: how many bytes it wrote. */
static double written(const char *pid) {
        double until = now() + LIMIT_MSEC / 1000.0, last = -1;

        for (unsigned same = 0; same < 4;) {
                _cleanup_free_ char *text = shell_good("awk '/^wchar:/ { print $2 }' /proc/%s/io", pid);
                double n = atof(text);

                cr_assert_lt(now(), until, "the command does not stop writing");
                same = n > 0 && n <= last ? same + 1 : 0;
                last = n;
                (void) usleep(250000);
        }
        return last;
}

/* The client does not read the command's output. */
static void check_slow_client(Agent *agent, const Job *job) {
        double rss = agent_cost(agent).rss_kib;

        for (int tty = 0; tty < 2; tty++) {
                const char *size = tty ? "209715201" : "209715200";
                _cleanup_free_ char *line = xasprintf("head -c %s /dev/zero", size);
                _cleanup_session_ Session *session = session_open_unread(
                        agent, job, tty, ARGV("head", "-c", size, "/dev/zero"));
                _cleanup_free_ char *pid = inside_find(job, line);
                double n = written(pid), grown = agent_cost(agent).rss_kib - rss;

                measured(tty ? "exec, nobody reads its terminal" : "exec, nobody reads",
                        "it wrote %.0f KiB, the driver grew by %.0f KiB", n / 1024, grown);
                cr_expect_lt(n, 32 * MIB);
                cr_expect_lt(grown, GROWTH_KIB);
        }
}

/* The command does not read its input. */
static void check_slow_command(Agent *agent, const Job *job) {
        _cleanup_free_ char *piece = xcalloc(64, 1024);
        double rss = agent_cost(agent).rss_kib;
        size_t n = 0;
        _cleanup_session_ Session *session = session_open(agent, job, false, ARGV("sleep", "40001"));

        free(inside_find(job, "sleep 40001"));
        while (session_try_send(session, piece, 64 * 1024, 2000) == 0) {
                n += 64;
                cr_assert_lt(n, 64 * 1024, "all of %zu KiB was taken", n);
        }
        double grown = agent_cost(agent).rss_kib - rss;
        measured("exec, it does not read", "%zu KiB were taken, the driver grew by %.0f KiB", n, grown);
        cr_expect_lt(grown, GROWTH_KIB);
}

Test(exec, a_peer_that_does_not_read_blocks_the_writer_and_costs_the_driver_little_memory) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);

        idle_start(&agent, job);
        _cleanup_inside_ Inside before = inside_of(job);
        free(job_shell(&agent, job, "true"));
        check_slow_client(&agent, job);
        check_slow_command(&agent, job);
        inside_wait(job, &before);

        /* ExecTask answers with one message, whose size has a limit. */
        _cleanup_free_ char *words = job_exec_fails(
                &agent, job, EXEC_SEC, ARGV("cat", "/dev/zero"), GRPC_STATUS_RESOURCE_EXHAUSTED);
        expect_text(words, "64 MiB");
        inside_wait(job, &before);
        _cleanup_ran_ Ran ran = job_exec(&agent, job, EXEC_SEC, SH("head -c 6000000 /dev/zero; exit 2"));
        cr_expect(ran.n_out == 6000000 && ran.code == 2, "%zu %d", ran.n_out, ran.code);
        idle_finish(&agent, job, IDLE_CODE);
}
