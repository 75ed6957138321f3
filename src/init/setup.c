/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/init-systems.h"
#include "base/secrets-file.h"
#include "base/task-dir.h"
#include "become.h"
#include "fd-message.h"
#include "setup.h"

void descriptors_receive(Options *options) {
        FdMessage message;
        int r = fd_message_peek(STDIN_FILENO, &message);

        if (r < 0)
                fail(EXIT_SETUP, "the descriptors of the task did not arrive: ", strerrordesc_np(-r), NULL);
        options->error_fd = fd_message_find(&message, LETTER_ERROR);
        options->result_fd = fd_message_find(&message, LETTER_RESULT);
        options->ledger_fd = fd_message_find(&message, LETTER_LEDGER);
        options->attach_fd = fd_message_find(&message, LETTER_ATTACH);
        (void) close(fd_message_find(&message, LETTER_OUTPUT)); /* is stdout already */
}

void descriptors_nullify(void) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; fd < 3; fd++)
                if (null < 0 || dup2(null, fd) < 0)
                        (void) close(fd);
        if (null > 2)
                (void) close(null);
}

/* Reads the secrets as nspawn put them into the container; there may be none. */
static Span task_read(void) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char path[PATH_MAX];
        Span task = {};

        if (!directory || !*directory)
                return task;
        if (strlen(directory) + sizeof("/" TASK_CREDENTIAL) > sizeof(path))
                fail(EXIT_SETUP, "CREDENTIALS_DIRECTORY is too long", NULL);

        (void) stpcpy(stpcpy(path, directory), "/" TASK_CREDENTIAL);
        (void) text_read(path, SECRETS_FILE_MAX, &task);
        return task;
}

/*
 * Replaces descriptor 0, the socket that brought the others, with /dev/null, and puts stderr in its place.
 */
static void streams_restore(int error_fd) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || (error_fd >= 0 && dup2(error_fd, STDERR_FILENO) < 0))
                fail(EXIT_SETUP, "cannot set up /dev/null: ", strerrordesc_np(errno), NULL);
}

/*
 * Mounts the files with the unit's limits over those in /sys/fs/cgroup. The limits of a task are set on its
 * unit's group, but in /sys/fs/cgroup the task sees the group below, into which nspawn put it, and that has
 * no limits. Language runtimes (JVM, Go) look there for the memory and CPU that they may use.
 */
static void limits_show(void) {
        static const char *const names[] = { "cpu.max", "memory.high", "memory.max", "memory.swap.max",
                "pids.max" };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                char source[PATH_MAX], target[PATH_MAX];

                (void) stpcpy(stpcpy(source, TASK_GROUP_IN_CONTAINER "/"), names[i]);
                (void) stpcpy(stpcpy(target, "/sys/fs/cgroup/"), names[i]);
                if (access(source, F_OK) >= 0 && mount(source, target, NULL, MS_BIND, NULL) < 0)
                        say("the task does not see its limit ", names[i], ": ", strerrordesc_np(errno),
                                NULL);
        }
}

/* Runs the image's own init. */
static _Noreturn void boot(const Options *options, const Setup *setup) {
        static const char *const inits[] = { INIT_SYSTEMS };
        const char *tried = NULL;
        size_t n = 0;
        int error = 0;

        while (options->command[n])
                n++;
        const char **argv = allocate((n + 2) * sizeof(char *));
        memcpy(argv + 1, options->command, n * sizeof(char *));

        for (size_t i = 0; i < sizeof(inits) / sizeof(inits[0]); i++) {
                argv[0] = inits[i];
                (void) execve(inits[i], (char **) argv, (char **) setup->environment);
                if (exit_code_of_exec(errno) == 127)
                        continue;
                /* The error of the first one that exists explains the failure best. */
                if (!tried) {
                        tried = inits[i];
                        error = errno;
                }
        }

        if (tried)
                fail(exit_code_of_exec(error), "cannot boot \"", tried, "\": ", strerrordesc_np(error),
                        NULL);
        fail(127,
                "cannot boot: the image has no /usr/lib/systemd/systemd, /lib/systemd/systemd or /sbin/init; set boot = false to run command",
                NULL);
}

void command_exec(const Options *options) {
        /*
         * A booted system may use these variables. With MODE_SUPERVISE, our init itself reports readiness.
         */
        static const char *const hidden[_MODE_MAX][3] = {
                [MODE_SUPERVISE] = { "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET" },
                [MODE_EXEC] = { "CREDENTIALS_DIRECTORY" },
        };
        Setup setup = {};

        limits_show();
        setup_build(&setup, (const char *const *) environ, hidden[options->mode], task_read());
        if (setup.user && options->mode == MODE_BOOT)
                fail(EXIT_SETUP, "a task that is booted cannot have a user", NULL);

        if (options->descriptors_on_stdin && !options->terminal)
                streams_restore(options->error_fd);
        if (options->terminal && setup.user && fchown(STDIN_FILENO, setup.entry.uid, (gid_t) -1) < 0)
                fail(EXIT_SETUP, "cannot give the terminal to user \"", setup.user,
                        "\": ", strerrordesc_np(errno), NULL);
        if (setup.user)
                user_become(&setup);

        if (options->mode == MODE_BOOT)
                boot(options, &setup);
        command_run(options->command, &setup);
}
