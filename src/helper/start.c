/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd-letters.h"
#include "base/run-result.h"
#include "base/task-dir.h"
#include "cgroup.h"
#include "helper.h"
#include "init/become.h"
#include "init/fd-message.h"
#include "init/words.h"
#include "process.h"
#include "store.h"

/* The first descriptor that systemd passes to a process (sd_listen_fds(3)). */
#define STORED_FD 3

/*
 * Restores stdin and stdout from the socket that systemd had in its store. Return: 0, or a negative errno.
 */
static int descriptors_restore(void) {
        FdMessage message;
        int r = fd_message_peek(STORED_FD, &message), output;

        if (r < 0)
                return r;

        output = fd_message_find(&message, LETTER_OUTPUT);
        if (dup2(STORED_FD, STDIN_FILENO) < 0 || (output >= 0 && dup2(output, STDOUT_FILENO) < 0))
                return -errno;
        (void) close(STORED_FD);
        return 0;
}

/* Makes the path of a file in the unit's directory. */
static void path_make(char path[PATH_MAX], const char *directory, const char *name) {
        if (snprintf(path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
                fail(EXIT_FAILURE, "the path of the task's directory is too long", NULL);
}

/*
 * Makes the link to the unit's group, which only a process in it knows for sure. Later runs keep the link.
 */
static void cgroup_link(const char *directory) {
        char path[PATH_MAX], cgroup[PATH_MAX];

        path_make(path, directory, TASK_GROUP_LINK);
        if (cgroup_find(cgroup, sizeof(cgroup)) && symlink(cgroup, path) < 0 && errno != EEXIST)
                fail(EXIT_FAILURE, "cannot make ", path, ": ", strerrordesc_np(errno), NULL);
}

/* Clears the result of the previous run, which helper_ended() has noted already. */
static void result_reset(const char *directory) {
        int socket = store_socket(directory), fd = store_find(socket, LETTER_RESULT);

        if (fd >= 0)
                run_result_reset(fd);
        if (fd >= 0)
                (void) close(fd);
        if (socket >= 0)
                (void) close(socket);
}

/* Return: the arguments in the file, NULL-terminated. */
static char **arguments_read(const char *path) {
        Span text = {};
        size_t n = 0;

        if (!text_read(path, TASK_ARGUMENTS_MAX, &text) || text.length == 0 || text.text[text.length - 1])
                fail(EXIT_FAILURE, "cannot read ", path, ": it is missing or damaged", NULL);

        for (size_t i = 0; i < text.length; i++)
                n += text.text[i] == 0;
        char **argv = allocate((n + 1) * sizeof(char *));
        const char *word = text.text;
        for (size_t i = 0; i < n; i++) {
                argv[i] = (char *) (uintptr_t) word;
                word += strlen(word) + 1;
        }
        return argv;
}

int helper_start(char **argv) {
        static const char *const variables[] = { "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES" };
        char path[PATH_MAX];

        if (!argv[0] || argv[1])
                return -EINVAL;

        if (getenv("LISTEN_FDS")) {
                int r = descriptors_restore();

                if (r < 0)
                        fail(EXIT_FAILURE, "the task's descriptors are lost: ", strerrordesc_np(-r), NULL);
                store_note(STDIN_FILENO, argv[0]);
        }

        /* With these variables, nspawn would pass the descriptors on to the container. */
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
                (void) unsetenv(variables[i]);

        result_reset(argv[0]);
        cgroup_link(argv[0]);
        /* The unit may have several runtime directories; nspawn of systemd 262 must work in this one. */
        if (setenv("RUNTIME_DIRECTORY", argv[0], true) < 0)
                fail(EXIT_FAILURE, "out of memory", NULL);

        path_make(path, argv[0], TASK_ARGUMENTS_FILE);
        char **command = arguments_read(path);
        signals_ignore();
        (void) execv(command[0], command);
        fail(EXIT_FAILURE, "cannot run ", command[0], ": ", strerrordesc_np(errno), NULL);
}

int helper_may_start(char **argv) {
        char path[PATH_MAX];

        if (!argv[0] || argv[1])
                return -EINVAL;

        path_make(path, argv[0], TASK_STOPPING_FILE);
        return access(path, F_OK) < 0 && errno == ENOENT ? EXIT_SUCCESS : EXIT_FAILURE;
}
