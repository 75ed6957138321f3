/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"
#include "init/words.h"
#include "process.h"

int helper_reload(char **argv) {
        bool first = argv[0] && strcmp(argv[0], "first") == 0;
        int number = argv[0] ? signal_parse(argv[1]) : 0;

        if (number == 0 || argv[2] || (!first && strcmp(argv[0], "command") != 0))
                return -EINVAL;

        int fd = process_open(supervisor_pid(), first ? PROCESS_FIRST : PROCESS_COMMAND);
        int r = fd < 0 ? fd : process_signal(fd, number);
        if (r < 0)
                fail(EXIT_FAILURE, "cannot signal the task's process: ", strerrordesc_np(-r), NULL);
        return EXIT_SUCCESS;
}
