/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "engine/end.h"
#include "own-name.h"

TestSuite(ledger, .timeout = 30);

#define UNIT \
        "unit result=exit-code code=exited status=7 oom_kill=2 peak=4096 limit=8192 usec=1700000000000000\n"

Test(ledger, the_end_of_the_last_run_is_read) {
        static const struct {
                const char *text;
                bool has_payload, has_unit;
                int payload_code, payload_signal, code, status;
        } rows[] = {
                { "", false, false, 0, 0, 0, 0 },
                { "payload 7 0\n", true, false, 7, 0, 0, 0 },
                { "payload 137 9\n" UNIT, true, true, 137, 9, CLD_EXITED, 7 },
                { UNIT, false, true, 0, 0, CLD_EXITED, 7 },
                { "unit result=signal code=killed status=KILL usec=1\n", false, true, 0, 0, CLD_KILLED, 9 },
                { "unit result=core-dump code=dumped status=SEGV\n", false, true, 0, 0, CLD_DUMPED, 11 },
                { "unit result=timeout code=- status=-\n", false, true, 0, 0, 0, 0 },
                { "unit result=signal code=killed status=NONSENSE\n", false, true, 0, 0, 0, 0 },
                { "unit code=exited status=4096\n", false, true, 0, 0, 0, 0 },
                /* one run after another */
                { "payload 1 0\n" UNIT "payload 3 0\n", true, false, 3, 0, 0, 0 },
                { "payload 1 0\n" UNIT "payload 4 0\n" UNIT, true, true, 4, 0, CLD_EXITED, 7 },
                /* cut off, or not ours */
                { "payload 7 0", false, false, 0, 0, 0, 0 },
                { "payload 7\n", false, false, 0, 0, 0, 0 },
                { "payload 7 0 0\n", false, false, 0, 0, 0, 0 },
                { "payload 999 0\n", false, false, 0, 0, 0, 0 },
                { "payload -1 0\n", false, false, 0, 0, 0, 0 },
                { "payload x y\n", false, false, 0, 0, 0, 0 },
                { "something new\npayload 2 0\n", true, false, 2, 0, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                LedgerEnd end;

                ledger_parse_end(rows[i].text, &end);
                cr_expect_eq(end.has_payload, rows[i].has_payload, "row %zu", i);
                cr_expect_eq(end.has_unit, rows[i].has_unit, "row %zu", i);
                cr_expect_eq(end.payload_code, rows[i].payload_code, "row %zu", i);
                cr_expect_eq(end.payload_signal, rows[i].payload_signal, "row %zu", i);
                cr_expect_eq(end.code, rows[i].code, "row %zu: %d", i, end.code);
                cr_expect_eq(end.status, rows[i].status, "row %zu: %d", i, end.status);
        }
}

Test(ledger, what_systemd_and_the_cgroup_knew_is_read) {
        LedgerEnd end;

        ledger_parse_end(UNIT, &end);
        cr_assert_str_eq(end.result, "exit-code");
        cr_assert_eq(end.oom_kills, 2);
        cr_assert_eq(end.memory_peak, 4096);
        cr_assert_eq(end.memory_limit, 8192);
        cr_assert_eq(end.usec, UINT64_C(1700000000000000));
}

Test(ledger, an_exit_is_put_together_from_all_who_know_of_it) {
        static const struct {
                const char *ledger;
                int main_code, main_status;
                const char *result;
                bool killed;
                bool known;
                int code, signal;
                bool oom;
        } rows[] = {
                /* the init was there: it knows best */
                { "payload 133 0\n", CLD_EXITED, 1, "exit-code", false, true, 133, 0, false },
                { "payload 139 11\n", CLD_EXITED, 139, "exit-code", false, true, 139, 11, false },
                { "payload 0 0\n", CLD_EXITED, 0, "success", true, true, 0, 0, false },
                /* it was not */
                { "", CLD_EXITED, 3, "exit-code", false, true, 3, 0, false },
                { "", CLD_KILLED, SIGTERM, "signal", false, true, 143, 15, false },
                { "", CLD_EXITED, 1, "exit-code", true, true, 137, 9, false },
                { "unit result=exit-code code=exited status=5\n", 0, 0, NULL, false, true, 5, 0, false },
                { "unit result=signal code=killed status=ABRT\n", 0, 0, NULL, false, true, 134, 6, false },
                { "unit result=timeout code=- status=-\n", 0, 0, NULL, false, false, 0, 0, false },
                { "", 0, 0, "success", false, false, 0, 0, false },
                /* out of memory, which is told only of what failed */
                { "payload 137 9\nunit oom_kill=1\n", CLD_EXITED, 137, "exit-code", false, true, 137, 9,
                        true },
                { "payload 0 0\nunit oom_kill=1\n", CLD_EXITED, 0, "success", false, true, 0, 0, false },
                { "payload 1 0\nunit oom_kill=3\n", CLD_EXITED, 1, "exit-code", false, true, 1, 0, true },
                { "", CLD_KILLED, SIGKILL, "oom-kill", false, true, 137, 9, true },
                { "unit result=oom-kill code=killed status=KILL\n", 0, 0, NULL, false, true, 137, 9, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *result = (char *) (uintptr_t) rows[i].result;
                UnitStatus status = {
                        .exec_main_code = rows[i].main_code,
                        .exec_main_status = rows[i].main_status,
                        .result = result,
                };
                LedgerEnd end;

                ledger_parse_end(rows[i].ledger, &end);
                ExitResult exit = exit_result(&status, &end, rows[i].killed);
                cr_expect_eq(exit.known, rows[i].known, "row %zu", i);
                cr_expect_eq(exit.code, rows[i].code, "row %zu: %d", i, exit.code);
                cr_expect_eq(exit.signal, rows[i].signal, "row %zu: %d", i, exit.signal);
                cr_expect_eq(exit.oom_killed, rows[i].oom, "row %zu", i);
        }
}

Test(ledger, an_exit_is_described_in_words) {
        static const struct {
                ExitResult result;
                const char *words;
        } rows[] = {
                { { .known = true, .code = 7 }, "exit code 7" },
                { { .known = true, .code = 137, .signal = 9 }, "killed by signal 9 (SIGKILL)" },
                { { .known = true, .code = 137, .signal = 9, .oom_killed = true },
                        "killed by signal 9 (SIGKILL), out of memory" },
                { { .known = true, .code = 168, .signal = 40 }, "killed by signal 40" },
                { { .known = false }, "exit status unknown" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *words = exit_describe(&rows[i].result);
                cr_expect_str_eq(words, rows[i].words);
        }
}

/* ---- on the host ---- */

static TaskRecord record_new(const char *id, const char *machine) {
        return (TaskRecord){
                .id = xstrdup(id),
                .unit = xstrdup("nspawn-x.service"),
                .machine = xstrdup(machine),
                .launch = TASK_LAUNCH_BOOT,
        };
}

Test(ledger, a_task_is_found_by_its_id_until_its_ledger_is_removed) {
        _cleanup_task_record_ TaskRecord record = {}, found = {};
        _cleanup_fd_ int fd = -1;
        struct stat st;
        LedgerEnd end;

        if (geteuid() != 0)
                cr_skip_test("writes below /run: needs root");
        _cleanup_own_name_ char *id = own_name_new();
        record = record_new(id, id);

        cr_assert_eq(ledger_read(record.machine, NULL, NULL), -ENOENT);
        cr_assert_not(ledger_is_of(record.machine, id, NULL));
        fd = ledger_create(&record);
        cr_assert_geq(fd, 0);
        cr_assert_eq(fstat(fd, &st), 0);
        cr_assert_eq(st.st_mode & 07777, 0600);
        cr_assert(ledger_is_of(record.machine, id, &end));
        cr_assert_not(end.has_payload);
        cr_assert_eq(ledger_find(id, &found), 0);
        cr_assert_str_eq(found.machine, record.machine);
        cr_assert_eq(found.launch, TASK_LAUNCH_BOOT);

        cr_assert_eq(fd_write_all(fd, "payload 5 0\n", 12), 0);
        cr_assert(ledger_is_of(record.machine, id, &end));
        cr_assert_eq(end.payload_code, 5);
        cr_assert_not(ledger_is_of(record.machine, "another", NULL));
        cr_assert_eq(ledger_find("another", &found), -ENOENT);

        ledger_remove(record.machine);
        cr_assert_eq(ledger_read(record.machine, NULL, NULL), -ENOENT);
        cr_assert_lt(ledger_find(id, &found), 0);
}

Test(ledger, a_new_ledger_takes_the_place_of_the_old_and_who_has_that_writes_in_vain) {
        _cleanup_own_name_ char *machine = own_name_new();
        _cleanup_task_record_ TaskRecord first = {}, second = {};
        _cleanup_fd_ int old = -1, new = -1;
        LedgerEnd end;

        if (geteuid() != 0)
                cr_skip_test("writes below /run: needs root");
        first = record_new("one", machine);
        second = record_new("two", machine);
        old = ledger_create(&first);
        new = ledger_create(&second);
        cr_assert_geq(new, 0);
        cr_assert_eq(fd_write_all(old, "payload 1 0\n", 12), 0);
        cr_assert(ledger_is_of(second.machine, "two", &end));
        cr_assert_not(end.has_payload);
        ledger_remove(second.machine);
}

/* ---- the program that systemd runs at the end of a unit ---- */

static char *path_new(const char *text) {
        char *path = xstrdup("/tmp/test-ledger.XXXXXX");
        _cleanup_fd_ int fd = mkostemp(path, O_CLOEXEC);

        cr_assert_geq(fd, 0);
        cr_assert_eq(fd_write_all(fd, text, strlen(text)), 0);
        return path;
}

static int run_ended(const char *path, const char *result, const char *code, const char *status) {
        const char *init = getenv("TEST_INIT");
        _cleanup_free_ char *directory = xstrdup(init ? init : "build/release/nspawn-units-init");

        *strrchr(directory, '/') = 0;
        _cleanup_free_ char *line = xasprintf(
                "env SERVICE_RESULT=%s %s%s %s%s %s/nspawn-units-helper ended %s 2>&1", result,
                code ? "EXIT_CODE=" : "", code ? code : "", status ? "EXIT_STATUS=" : "",
                status ? status : "", directory, path);
        int r = system(line);
        cr_assert(WIFEXITED(r));
        return WEXITSTATUS(r);
}

static char *ledger_text(const char *path) {
        char *text = NULL;

        cr_assert_geq(file_read(AT_FDCWD, path, 65536, &text), 0);
        return text;
}

Test(ended, the_head_stays_and_the_last_run_is_noted) {
        static const struct {
                const char *before, *after;
        } rows[] = {
                { "{\"head\":1}\n", "{\"head\":1}\nunit result=success code=exited status=0 " },
                { "{}\npayload 7 0\n", "{}\npayload 7 0\nunit result=success code=exited status=0 " },
                { "{}\npayload 1 0\nunit result=x\n", "{}\nunit result=success code=exited status=0 " },
                { "{}\npayload 1 0\nunit result=x\npayload 2 0\n",
                        "{}\npayload 2 0\nunit result=success code=exited status=0 " },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *path = path_new(rows[i].before), *text = NULL;

                cr_assert_eq(run_ended(path, "success", "exited", "0"), 0);
                text = ledger_text(path);
                cr_expect_not_null(string_after_prefix(text, rows[i].after), "row %zu: %s", i, text);
                const char *newline = strchr(strstr(text, "unit "), '\n');
                cr_expect(newline && !newline[1], "one line of the unit: %s", text);
                unlink(path);
        }
}

Test(ended, what_it_notes_is_what_is_read) {
        _cleanup_free_ char *path = path_new("{}\n"), *text = NULL;
        LedgerEnd end;

        cr_assert_eq(run_ended(path, "signal", "killed", "SEGV"), 0);
        text = ledger_text(path);
        ledger_parse_end(text + strlen("{}\n"), &end);
        cr_assert(end.has_unit);
        cr_assert_str_eq(end.result, "signal");
        cr_assert_eq(end.code, CLD_KILLED);
        cr_assert_eq(end.status, SIGSEGV);
        cr_assert_gt(end.usec, UINT64_C(1600000000000000));

        /* nspawn never ran: then there is no code. */
        cr_assert_eq(run_ended(path, "resources", NULL, NULL), 0);
        free(text);
        text = ledger_text(path);
        ledger_parse_end(text + strlen("{}\n"), &end);
        cr_assert(end.has_unit);
        cr_assert_eq(end.code, 0);
        unlink(path);
}

Test(ended, a_start_that_is_stopped_before_anything_runs_leaves_the_end_of_the_run_before) {
        static const char before[] = "{}\npayload 8 0\nunit result=exit-code code=exited status=8\n";
        static const char *const results[] = { "exec-condition", "signal" };

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                _cleanup_free_ char *path = path_new(before), *text = NULL;

                cr_assert_eq(run_ended(path, results[i], NULL, NULL), 0);
                text = ledger_text(path);
                cr_expect_str_eq(text, before, "%s: %s", results[i], text);
                unlink(path);
        }
}

Test(ended, a_forgotten_task_is_no_error_and_a_damaged_ledger_is) {
        _cleanup_free_ char *path = path_new("no line");

        cr_assert_eq(run_ended("/tmp/no-such-ledger", "success", "exited", "0"), 0);
        cr_assert_eq(access("/tmp/no-such-ledger", F_OK), -1, "nothing is made");
        cr_assert_eq(run_ended(path, "success", "exited", "0"), 1);
        unlink(path);
}
