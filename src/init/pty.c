/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pty.h"
#include "words.h"

static int master_open(void) {
        static const char *const paths[] = { "/dev/pts/ptmx", "/dev/ptmx" };
        const char *reason = NULL;
        struct stat st;

        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                int fd = open(paths[i], O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

                if (fd < 0) {
                        reason = strerrordesc_np(errno);
                        continue;
                }
                if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2))
                        return fd;
                (void) close(fd);
                reason = "it is not what it should be";
        }

        fail(EXIT_SETUP, "cannot make a terminal with /dev/ptmx: ", reason, NULL);
}

int pty_open(int *ret_slave) {
        int master = master_open(), slave = -1;
        const int unlocked = 0;

        if (ioctl(master, TIOCSPTLCK, &unlocked) == 0)
                slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                fail(EXIT_SETUP, "cannot make a terminal: ", strerrordesc_np(errno), NULL);

        *ret_slave = slave;
        return master;
}
