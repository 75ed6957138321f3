/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <unistd.h>

#include "base/string.h"
#include "cli/verb.h"

/* Opens those of the three standard streams that are closed: otherwise a file opened later would become one
 * of them. */
static void open_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void) close(fd);
}

int main(int argc, char *argv[]) {
        _cleanup_app_ App app = {};

        open_streams();
        int r = app_init(&app);
        if (r < 0) {
                app_print("cannot make an event loop: %s", strerror(-r));
                return EXIT_OWN_FAILURE;
        }
        return verb_main(&app, verb_table, argc, argv);
}
