/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/container-traces.h"
#include "base/string.h"

TestSuite(container_traces, .timeout = 30);

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

/* Return: the pid of a process that is gone. */
static pid_t dead_process(void) {
        pid_t pid = fork();

        cr_assert_geq(pid, 0);
        if (pid == 0)
                _exit(0);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        return pid;
}

Test(container_traces, stay_while_a_container_of_the_name_lives) {
        if (geteuid() != 0)
                cr_skip_test("writes below /run/systemd, which takes root");

        _cleanup_free_ char *name = xasprintf("test-traces-%d", getpid());
        _cleanup_free_ char *machine = xasprintf(MACHINED_DIRECTORY "/%s", name);
        _cleanup_free_ char *directory = xasprintf(PROPAGATE "/%s", name);
        make_directories();
        cr_assert_eq(mkdir(directory, 0755), 0, "%m");

        write_machine(machine, getpid());
        container_traces_remove(name);
        cr_expect_eq(access(directory, F_OK), 0, "it is somebody else's");

        write_machine(machine, dead_process());
        container_traces_remove(name);
        cr_expect_neq(access(directory, F_OK), 0, "machined has only its file left");

        cr_assert_eq(unlink(machine), 0);
        cr_assert_eq(mkdir(directory, 0755), 0, "%m");
        container_traces_remove(name);
        cr_expect_neq(access(directory, F_OK), 0, "nobody has a container of the name");
}
