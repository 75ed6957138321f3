/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "box/own-name.h"
#include "box/tree.h"
#include "engine/end.h"
#include "engine/record-file.h"
#include "unit/fd-message.h"
#include "unit/task-dir.h"

TestSuite(run_end, .timeout = 30);

#define UNIT \
        "unit result=exit-code code=exited status=7 oom_kill=2 peak=4096 limit=8192 usec=1700000000000000\n"

Test(run_end, the_end_of_the_last_run_is_read) {
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
                /* several runs */
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
                RunEnd end;

                run_end_parse(rows[i].text, &end);
                cr_expect_eq(end.has_payload, rows[i].has_payload, "row %zu", i);
                cr_expect_eq(end.has_unit, rows[i].has_unit, "row %zu", i);
                cr_expect_eq(end.payload_code, rows[i].payload_code, "row %zu", i);
                cr_expect_eq(end.payload_signal, rows[i].payload_signal, "row %zu", i);
                cr_expect_eq(end.code, rows[i].code, "row %zu: %d", i, end.code);
                cr_expect_eq(end.status, rows[i].status, "row %zu: %d", i, end.status);
        }
}

Test(run_end, what_systemd_and_the_cgroup_knew_is_read) {
        RunEnd end;

        run_end_parse(UNIT, &end);
        cr_assert_str_eq(end.result, "exit-code");
        cr_assert_eq(end.oom_kills, 2);
        cr_assert_eq(end.memory_peak, 4096);
        cr_assert_eq(end.memory_limit, 8192);
        cr_assert_eq(end.usec, UINT64_C(1700000000000000));
}

Test(run_end, an_exit_is_put_together_from_all_who_know_of_it) {
        static const struct {
                const char *notes;
                int main_code, main_status;
                const char *result;
                bool killed;
                bool known;
                int code, signal;
                bool oom;
        } rows[] = {
                /* with a result of our init, which counts */
                { "payload 133 0\n", CLD_EXITED, 1, "exit-code", false, true, 133, 0, false },
                { "payload 139 11\n", CLD_EXITED, 139, "exit-code", false, true, 139, 11, false },
                { "payload 0 0\n", CLD_EXITED, 0, "success", true, true, 0, 0, false },
                /* without a result of our init */
                { "", CLD_EXITED, 3, "exit-code", false, true, 3, 0, false },
                { "", CLD_KILLED, SIGTERM, "signal", false, true, 143, 15, false },
                { "", CLD_EXITED, 1, "exit-code", true, true, 137, 9, false },
                { "unit result=exit-code code=exited status=5\n", 0, 0, NULL, false, true, 5, 0, false },
                { "unit result=signal code=killed status=ABRT\n", 0, 0, NULL, false, true, 134, 6, false },
                { "unit result=timeout code=- status=-\n", 0, 0, NULL, false, false, 0, 0, false },
                { "", 0, 0, "success", false, false, 0, 0, false },
                /* out of memory, which is reported only of failed tasks */
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
                RunEnd end;

                run_end_parse(rows[i].notes, &end);
                ExitResult exit = exit_result(isolation_find("nspawn"), &status, &end, rows[i].killed, NULL);
                cr_expect_eq(exit.known, rows[i].known, "row %zu", i);
                cr_expect_eq(exit.code, rows[i].code, "row %zu: %d", i, exit.code);
                cr_expect_eq(exit.signal, rows[i].signal, "row %zu: %d", i, exit.signal);
                cr_expect_eq(exit.oom_killed, rows[i].oom, "row %zu", i);
        }
}

Test(run_end, an_exit_is_described_in_words) {
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

TestSuite(record_file, .timeout = 30);

/* The runtime directory of a test. */
typedef char RuntimeRoot[sizeof("/tmp/record-file-XXXXXX")];

static void root_open(RuntimeRoot root) {
        (void) strcpy(root, "/tmp/record-file-XXXXXX");
        cr_assert_not_null(mkdtemp(root));
}

static void leave(const char *root, const char *machine, const char *id) {
        const TaskRecord record = {
                .id = (char *) (uintptr_t) id,
                .machine = (char *) (uintptr_t) machine,
                .launch = TASK_LAUNCH_BOOT,
        };

        own_record_leave(root, &record);
}

/* Writes a file as an old program or an attacker would. */
static void write_text(const char *root, const char *name, const char *text) {
        _cleanup_free_ char *path = xasprintf("%s/%s", root, name);

        cr_assert_eq(file_write_private(path, text, strlen(text)), 0);
}

Test(record_file, a_task_is_found_by_its_id_until_its_record_is_removed) {
        _cleanup_task_record_ TaskRecord found = {};
        struct stat st;
        RunEnd end;
        RuntimeRoot root;

        root_open(root);
        cr_assert_eq(record_file_read(root, "web", NULL, NULL), -ENOENT);
        cr_assert_not(record_file_is_of(root, "web", "one", NULL));
        leave(root, "web", "one");
        _cleanup_free_ char *path = task_dir_file(root, "web", TASK_RECORD_FILE);
        cr_assert_eq(stat(path, &st), 0);
        cr_assert_eq(st.st_mode & 07777, 0600);
        cr_assert(record_file_is_of(root, "web", "one", &end));
        cr_assert_not(end.has_payload);
        cr_assert_eq(record_file_find(root, "one", &found), 0);
        cr_assert_str_eq(found.machine, "web");
        cr_assert_str_eq(found.unit, "nspawn-web.service");
        cr_assert_eq(found.launch, TASK_LAUNCH_BOOT);

        own_notes_leave(root, "web", "payload 5 0\n");
        cr_assert(record_file_is_of(root, "web", "one", &end));
        cr_assert_eq(end.payload_code, 5);
        cr_assert_not(record_file_is_of(root, "web", "another", NULL));
        cr_assert_eq(record_file_find(root, "another", &found), -ENOENT);

        task_dir_remove_record(root, "web");
        cr_assert_eq(record_file_read(root, "web", NULL, NULL), -ENOENT);
        cr_assert_lt(record_file_find(root, "one", &found), 0);
        tree_remove(root);
}

Test(record_file, a_new_record_takes_the_place_of_the_old_with_its_notes) {
        RunEnd end;
        RuntimeRoot root;

        root_open(root);
        leave(root, "web", "one");
        own_notes_leave(root, "web", "payload 1 0\n");
        leave(root, "web", "two");
        cr_assert(record_file_is_of(root, "web", "two", &end));
        cr_assert_not(end.has_payload);
        tree_remove(root);
}

Test(record_file, a_record_of_another_machine_than_its_directory_is_refused) {
        _cleanup_task_record_ TaskRecord found = {};
        RuntimeRoot root;

        root_open(root);
        leave(root, "web", "one");
        leave(root, "mine", "two");
        _cleanup_free_ char *good = task_dir_file(root, "web", TASK_RECORD_FILE),
                            *bad = task_dir_file(root, "mine", TASK_RECORD_FILE);
        cr_assert_eq(rename(good, bad), 0);
        cr_expect_eq(record_file_read(root, "mine", &found, NULL), -EBADMSG);
        cr_expect_eq(record_file_find(root, "one", &found), -ENOENT);
        tree_remove(root);
}

/* Without a free descriptor no record can be read, so the answer may not be that there is no such task. */
Test(record_file, a_task_is_not_missing_while_records_cannot_be_opened) {
        _cleanup_task_record_ TaskRecord found = {};
        struct rlimit limit, low;
        RuntimeRoot root;

        root_open(root);
        leave(root, "web", "one");
        cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
        cr_assert_geq(next, 0);
        (void) close(next);

        /* First no descriptor is left for the directory, then none for a file in it. */
        for (rlim_t n = 0; n <= 1; n++) {
                low = (struct rlimit){ .rlim_cur = (rlim_t) next + n, .rlim_max = limit.rlim_max };
                cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
                int r = record_file_find(root, "another", &found);
                cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
                cr_expect_eq(r, -EMFILE, "%d", r);
        }
        cr_expect_eq(record_file_find(root, "another", &found), -ENOENT);
        tree_remove(root);
}

#define OLD_RECORD(id, unit, machine) \
        "{\"version\":1,\"id\":\"" id "\",\"unit\":\"" unit "\",\"machine\":\"" machine \
        "\",\"launch\":\"supervise\",\"started_usec\":0}\n"

Test(record_file, a_task_of_version_0_1_0_is_found_with_its_end) {
        _cleanup_task_record_ TaskRecord found = {};
        RunEnd end;
        RuntimeRoot root;

        root_open(root);
        _cleanup_free_ char *ledgers = xasprintf("%s/.ledgers", root);
        cr_assert_eq(mkdir(ledgers, 0700), 0);
        write_text(
                root, ".ledgers/old", OLD_RECORD("one", "nspawn-old.service", "old") "payload 7 0\n" UNIT);
        cr_assert(record_file_is_of(root, "old", "one", &end));
        cr_expect_eq(end.payload_code, 7);
        cr_expect_eq(end.oom_kills, 2);
        cr_assert_eq(record_file_find(root, "one", &found), 0);
        cr_expect_str_eq(found.unit, "nspawn-old.service");

        task_dir_remove_record(root, "old");
        cr_expect_eq(record_file_read(root, "old", NULL, NULL), -ENOENT);
        cr_expect(access(ledgers, F_OK) < 0, "it goes with the last ledger");
        tree_remove(root);
}

/* The container of a task of version 0.1.0 can write to its ledger. */
Test(record_file, a_forged_ledger_of_version_0_1_0_reaches_no_other_task) {
        static const struct {
                const char *text;
                int r;
        } rows[] = {
                { OLD_RECORD("other", "ssh.service", "mine"), -EBADMSG },
                { OLD_RECORD("other", "nspawn-web.service", "mine"), -EBADMSG },
                { OLD_RECORD("other", "nspawn-web.service", "web"), -EBADMSG },
                { OLD_RECORD("other", "nspawn-../web.service", "../web"), -EBADMSG },
                { OLD_RECORD("other", "nspawn-.service", ""), -EBADMSG },
                { OLD_RECORD("other", "nspawn-mine.service", "mine"), 0 },
        };
        RuntimeRoot root;

        root_open(root);
        leave(root, "web", "other");
        _cleanup_free_ char *ledgers = xasprintf("%s/.ledgers", root);
        cr_assert_eq(mkdir(ledgers, 0700), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_task_record_ TaskRecord found = {};

                write_text(root, ".ledgers/mine", rows[i].text);
                cr_expect_eq(record_file_read(root, "mine", NULL, NULL), rows[i].r, "row %zu", i);
                cr_assert_eq(record_file_find(root, "other", &found), 0);
                cr_expect_str_eq(found.machine, "web", "row %zu", i);
        }
        tree_remove(root);
}

/* ---- the program that systemd runs at the end of a unit ---- */

TestSuite(ended, .timeout = 30);

typedef struct Ended {
        const char *result, *code, *status; /* variables of systemd; NULL for none */
        int socket;                         /* stdin, or -1 */
} Ended;

static int run_ended(const char *argument, const Ended *ended) {
        const char *init = getenv("TEST_INIT");
        _cleanup_free_ char *directory = xstrdup(init ? init : "build/release/nspawn-units-init");

        /* A shell can redirect only descriptors of one digit. */
        if (ended->socket >= 0)
                cr_assert_eq(dup2(ended->socket, 9), 9);
        *strrchr(directory, '/') = 0;
        _cleanup_free_ char *line = xasprintf(
                "env SERVICE_RESULT=%s %s%s %s%s %s/nspawn-units-helper ended %s 2>&1 %s", ended->result,
                ended->code ? "EXIT_CODE=" : "", ended->code ? ended->code : "",
                ended->status ? "EXIT_STATUS=" : "", ended->status ? ended->status : "", directory, argument,
                ended->socket >= 0 ? "<&9" : "</dev/null");
        int r = system(line);
        cr_assert(WIFEXITED(r));
        return WEXITSTATUS(r);
}

/* ---- of a task ---- */

/* Return: a socket as the unit's stdin, with the descriptor of the result in it. */
static int socket_new(int result) {
        int socket = fd_message_new(-1, -1, result, -1);

        cr_assert_geq(socket, 0);
        return socket;
}

Test(ended, how_the_command_ended_is_noted_whatever_number_the_container_wrote) {
        static const struct {
                uint64_t number;
                bool known;
                int code, signal;
        } rows[] = {
                { 0, false, 0, 0 },
                { 1, true, 0, 0 },
                { 1 + (7 << 8), true, 7, 0 },
                { 1 + (133 << 8), true, 133, 0 },
                { 1 + (137 << 8) + 9, true, 137, 9 },
                { 1 + (255 << 8), true, 255, 0 },
                { 1 + (256 << 8), false, 0, 0 },
                { 1 + (1 << 8) + 200, false, 0, 0 },
                { UINT64_MAX - 1, false, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_fd_ int result = run_result_new(), socket = socket_new(result);
                RunEnd end;
                RuntimeRoot root;

                root_open(root);
                leave(root, "web", "one");
                own_notes_leave(root, "web", "payload 99 0\nunit result=x\n");
                _cleanup_free_ char *directory = task_dir_path(root, "web");
                if (rows[i].number > 0)
                        cr_assert_eq(write(result, &rows[i].number, 8), 8);
                cr_assert_eq(run_ended(directory, &(Ended){ "signal", "killed", "SEGV", socket }), 0);
                cr_assert(record_file_is_of(root, "web", "one", &end));
                cr_expect_eq(end.has_payload, rows[i].known, "row %zu", i);
                cr_expect_eq(end.payload_code, rows[i].code, "row %zu: %d", i, end.payload_code);
                cr_expect_eq(end.payload_signal, rows[i].signal, "row %zu", i);
                cr_expect(end.has_unit);
                cr_expect_str_eq(end.result, "signal");
                cr_expect_eq(end.code, CLD_KILLED);
                cr_expect_eq(end.status, SIGSEGV);
                cr_expect_gt(end.usec, UINT64_C(1600000000000000));
                tree_remove(root);
        }
}

Test(ended, without_a_socket_what_systemd_tells_is_noted) {
        RunEnd end;
        RuntimeRoot root;

        root_open(root);
        leave(root, "web", "one");
        _cleanup_free_ char *directory = task_dir_path(root, "web");
        cr_assert_eq(run_ended(directory, &(Ended){ "resources", NULL, NULL, -1 }), 0);
        cr_assert(record_file_is_of(root, "web", "one", &end));
        cr_expect_not(end.has_payload);
        cr_expect(end.has_unit);
        cr_expect_eq(end.code, 0, "nspawn never ran");
        tree_remove(root);
}

Test(ended, a_start_that_is_stopped_before_anything_runs_leaves_the_end_of_the_run_before) {
        static const char *const results[] = { "exec-condition", "signal" };

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                RunEnd end;
                RuntimeRoot root;

                root_open(root);
                leave(root, "web", "one");
                own_notes_leave(root, "web", "payload 8 0\nunit result=exit-code code=exited status=8\n");
                _cleanup_free_ char *directory = task_dir_path(root, "web");
                cr_assert_eq(run_ended(directory, &(Ended){ results[i], NULL, NULL, -1 }), 0);
                cr_assert(record_file_is_of(root, "web", "one", &end));
                cr_expect_eq(end.payload_code, 8, "%s", results[i]);
                cr_expect_eq(end.status, 8, "%s", results[i]);
                tree_remove(root);
        }
}

Test(ended, a_task_without_a_record_gets_no_notes) {
        RuntimeRoot root;

        root_open(root);
        own_directory_make(root, "web");
        _cleanup_free_ char *directory = task_dir_path(root, "web"),
                            *notes = task_dir_file(root, "web", TASK_NOTES_FILE);
        cr_expect_eq(run_ended(directory, &(Ended){ "success", "exited", "0", -1 }), 0);
        cr_expect(access(notes, F_OK) < 0);
        cr_expect_eq(run_ended("/tmp/no-such-task", &(Ended){ "success", "exited", "0", -1 }), 0);
        cr_expect(access("/tmp/no-such-task", F_OK) < 0, "nothing is made");
        tree_remove(root);
}

/* ---- of a task of version 0.1.0 ---- */

static char *old_new(RuntimeRoot root, const char *text) {
        root_open(root);
        _cleanup_free_ char *directory = xasprintf("%s/.ledgers", root);
        char *path = xasprintf("%s/web", directory);

        cr_assert_eq(mkdir(directory, 0700), 0);
        cr_assert_eq(file_write_private(path, text, strlen(text)), 0);
        return path;
}

static char *file_text(const char *path) {
        char *text = NULL;

        cr_assert_geq(file_read(AT_FDCWD, path, 65536, &text), 0);
        return text;
}

Test(ended, in_an_old_ledger_the_head_stays_and_the_last_run_is_noted) {
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
                RuntimeRoot root;
                _cleanup_free_ char *path = old_new(root, rows[i].before), *text = NULL;

                cr_assert_eq(run_ended(path, &(Ended){ "success", "exited", "0", -1 }), 0);
                text = file_text(path);
                cr_expect_not_null(string_after_prefix(text, rows[i].after), "row %zu: %s", i, text);
                const char *newline = strchr(strstr(text, "unit "), '\n');
                cr_expect(newline && !newline[1], "one line of the unit: %s", text);
                tree_remove(root);
        }
}

Test(ended, an_old_ledger_keeps_the_end_of_the_run_before_a_start_that_was_stopped) {
        static const char before[] = "{}\npayload 8 0\nunit result=exit-code code=exited status=8\n";
        static const char *const results[] = { "exec-condition", "signal" };

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                RuntimeRoot root;
                _cleanup_free_ char *path = old_new(root, before), *text = NULL;

                cr_assert_eq(run_ended(path, &(Ended){ results[i], NULL, NULL, -1 }), 0);
                text = file_text(path);
                cr_expect_str_eq(text, before, "%s: %s", results[i], text);
                tree_remove(root);
        }
}

Test(ended, an_old_ledger_that_is_gone_is_no_error_and_a_damaged_one_is) {
        RuntimeRoot root;
        _cleanup_free_ char *path = old_new(root, "no line"), *gone = xasprintf("%s/.ledgers/gone", root);

        cr_assert_eq(run_ended(gone, &(Ended){ "success", "exited", "0", -1 }), 0);
        cr_assert_eq(access(gone, F_OK), -1, "nothing is made");
        cr_assert_eq(run_ended(path, &(Ended){ "success", "exited", "0", -1 }), 1);
        tree_remove(root);
}
