/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "init/handed.h"

/* The first descriptor that systemd passes on. */
#define STORED_FD 3

/* Return: 0, or a negative errno. */
static int descriptors_restore(void) {
        Handed handed;
        int r = handed_peek(STORED_FD, &handed), output;

        if (r < 0)
                return r;

        output = handed_find(&handed, HANDED_OUTPUT);
        if (dup2(STORED_FD, STDIN_FILENO) < 0 || (output >= 0 && dup2(output, STDOUT_FILENO) < 0))
                return -errno;
        (void) close(STORED_FD);
        return 0;
}

int helper_start(char **argv) {
        static const char *const variables[] = { "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES" };

        if (!argv[0])
                return -EINVAL;

        if (getenv("LISTEN_FDS")) {
                int r = descriptors_restore();

                if (r < 0) {
                        (void) fprintf(stderr, "nspawn-units: the task's descriptors are lost: %s\n",
                                strerrordesc_np(-r));
                        return EXIT_FAILURE;
                }
        }

        /* nspawn would pass what they speak of on to the container. */
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
                (void) unsetenv(variables[i]);
        (void) execv(argv[0], argv);
        (void) fprintf(stderr, "nspawn-units: cannot run %s: %s\n", argv[0], strerrordesc_np(errno));
        return EXIT_FAILURE;
}
