/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hold.h"
#include "base/task-dir.h"
#include "base/string.h"

TestSuite(hold, .timeout = 30);

#define PROPAGATE "/run/systemd/nspawn/propagate"

static void make_directories(void) {
        static const char *const paths[] = { "/run/systemd", MACHINED_DIRECTORY, "/run/systemd/nspawn",
                PROPAGATE };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                cr_assert(mkdir(paths[i], 0755) >= 0 || errno == EEXIST, "%s: %m", paths[i]);
}

static void write_machine(const char *path, pid_t leader) {
        FILE *file = fopen(path, "we");

        cr_assert_not_null(file, "%m");
        (void) fprintf(file, "# machined\nNAME=x\nLEADER=%d\n", leader);
        cr_assert_eq(fclose(file), 0);
}

/* Return: the pid of a process that has ended. */
static pid_t dead_process(void) {
        pid_t pid = fork();

        cr_assert_geq(pid, 0);
        if (pid == 0)
                _exit(0);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        return pid;
}

typedef struct Names {
        char *name, *machine, *directory, *holds;
} Names;

/* Makes what a killed container leaves: the file of systemd-machined, and the directory of nspawn. */
static void names_make(Names *names, pid_t leader) {
        names->name = xasprintf("test-hold-%d", getpid());
        names->machine = xasprintf(MACHINED_DIRECTORY "/%s", names->name);
        names->directory = xasprintf(PROPAGATE "/%s", names->name);
        names->holds = xasprintf("/tmp/holds-%d", getpid());
        make_directories();
        cr_assert_eq(mkdir(names->directory, 0755), 0, "%m");
        write_machine(names->machine, leader);
}

static void names_clear(Names *names) {
        (void) unlink(names->machine);
        (void) rmdir(names->directory);
        (void) unlink(names->holds);
        free(names->name);
        free(names->machine);
        free(names->directory);
        free(names->holds);
}
#define _cleanup_names_ _cleanup_(names_clear)

static void write_holds(const Names *names, const char *text) {
        cr_assert_eq(file_write_private(names->holds, text, strlen(text)), 0);
}

#define TAKES_ROOT() \
        do { \
                if (geteuid() != 0) \
                        cr_skip_test("writes below /run/systemd, which takes root"); \
        } while (false)

Test(hold, a_container_of_the_name_that_lives_loses_nothing) {
        _cleanup_names_ Names names = {};

        TAKES_ROOT();
        names_make(&names, getpid());
        cr_expect_eq(hold_release(HOLD_CONTAINER, names.name), 0);
        cr_expect_eq(hold_release(HOLD_MACHINE, names.name), 0);
        cr_expect_eq(access(names.directory, F_OK), 0, "it is somebody else's");
        cr_expect_eq(access(names.machine, F_OK), 0, "it is somebody else's");
}

Test(hold, a_container_of_the_tasks_own_unit_is_about_to_be_gone) {
        _cleanup_names_ Names names = {};

        TAKES_ROOT();
        names_make(&names, getpid());
        FILE *file = fopen(names.machine, "ae");
        cr_assert_not_null(file);
        (void) fprintf(file, "SCOPE=" TASK_UNIT_NAME "\n", names.name);
        cr_assert_eq(fclose(file), 0);
        cr_expect_eq(hold_release(HOLD_CONTAINER, names.name), 1);
        cr_expect_eq(hold_release(HOLD_MACHINE, names.name), 1);
}

Test(hold, a_zombie_is_no_living_container) {
        _cleanup_names_ Names names = {};
        siginfo_t info;

        TAKES_ROOT();
        pid_t pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0)
                _exit(0);
        cr_assert_eq(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
        names_make(&names, pid);
        cr_expect_eq(hold_release(HOLD_CONTAINER, names.name), 1);
        cr_expect_eq(hold_release(HOLD_MACHINE, names.name), 1);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(hold, all_that_is_written_down_is_released_once) {
        _cleanup_names_ Names names = {};

        TAKES_ROOT();
        names_make(&names, dead_process());
        _cleanup_free_ char *text = xasprintf(HOLD_LINE HOLD_LINE HOLD_LINE, "container", names.name,
                "machine", names.name, "journal-fields", "no-such-unit-test.service");
        write_holds(&names, text);

        cr_expect_eq(holds_release(names.holds, HOLD_SET(HOLD_MACHINE)), HOLD_SET(HOLD_MACHINE));
        cr_expect_eq(access(names.directory, F_OK), 0, "only the machine was to be released");
        cr_expect_eq(holds_release(names.holds, HOLDS_ALL), HOLD_SET(HOLD_CONTAINER));
        cr_expect_neq(access(names.directory, F_OK), 0);
        cr_expect_eq(holds_release(names.holds, HOLDS_ALL), 0);
}

Test(hold, what_makes_no_sense_is_passed_over) {
        _cleanup_names_ Names names = {};

        TAKES_ROOT();
        names_make(&names, dead_process());
        _cleanup_free_ char *text = xasprintf(
                "\ncontainer\ncontainer \ncontainer ..\ncontainer ../x\ncontainers %1$s\nmachine %1$s",
                names.name);
        write_holds(&names, text);
        cr_expect_eq(holds_release(names.holds, HOLDS_ALL), HOLD_SET(HOLD_MACHINE));
        cr_expect_eq(holds_release("/no/such/file", HOLDS_ALL), -ENOENT);
}
