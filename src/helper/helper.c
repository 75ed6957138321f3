/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The program that systemd runs in a task's unit beside nspawn, at the beginning and the end of a run and to
 * stop or reload it, and that the engine runs to execute a further command in the container.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                int (*run)(char **argv);
        } verbs[] = { { "may-start", helper_may_start }, { "start", helper_start },
                { "reload", helper_reload }, { "stop", helper_stop }, { "ended", helper_ended },
                { "exec", helper_exec } };
        int r = -1;

        for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
                if (strcmp(argv[1], verbs[i].name) == 0)
                        r = verbs[i].run(argv + 2);

        if (r < 0)
                (void) fprintf(stderr,
                        "usage: nspawn-units-helper may-start DIRECTORY\n"
                        "       nspawn-units-helper start DIRECTORY\n"
                        "       nspawn-units-helper reload first|command SIGNAL\n"
                        "       nspawn-units-helper stop SIGNAL MACHINE\n"
                        "       nspawn-units-helper ended [--keep] [--unregister] DIRECTORY\n"
                        "       nspawn-units-helper exec PID NAME\n");
        return r < 0 ? EXIT_FAILURE : r;
}
