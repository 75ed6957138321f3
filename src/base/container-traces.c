/* SPDX-License-Identifier: Apache-2.0 */

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/container-traces.h"

void container_traces_remove(const char *machine) {
        static const char *const directories[] = { "propagate", "unix-export" };
        char path[PATH_MAX];

        for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
                if (snprintf(path, sizeof(path), "/run/systemd/nspawn/%s/%s", directories[i], machine) >=
                        (int) sizeof(path))
                        continue;
                (void) umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
                (void) rmdir(path);
        }
}
