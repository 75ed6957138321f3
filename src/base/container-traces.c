/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/container-traces.h"

/* Return: whether systemd-machined has a living container of the name; it need not be ours. */
static bool container_lives(const char *machine) {
        char path[PATH_MAX], line[256];
        long leader = 0;

        if (snprintf(path, sizeof(path), MACHINED_DIRECTORY "/%s", machine) >= (int) sizeof(path))
                return false;
        FILE *file = fopen(path, "re");
        if (!file)
                return false;

        while (leader == 0 && fgets(line, sizeof(line), file))
                if (strncmp(line, "LEADER=", 7) == 0)
                        leader = strtol(line + 7, NULL, 10);
        (void) fclose(file);
        return leader > 0 && (kill((pid_t) leader, 0) >= 0 || errno == EPERM);
}

void container_traces_remove(const char *machine) {
        static const char *const directories[] = { "propagate", "unix-export" };
        char path[PATH_MAX];

        /* A start fails where somebody else runs a container of the name, and that goes on. */
        if (container_lives(machine))
                return;

        for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
                if (snprintf(path, sizeof(path), "/run/systemd/nspawn/%s/%s", directories[i], machine) >=
                        (int) sizeof(path))
                        continue;
                (void) umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
                (void) rmdir(path);
        }
}
