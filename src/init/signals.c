/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "become.h"
#include "signals.h"
#include "words.h"

int signals_open(void) {
        sigset_t all;

        (void) sigfillset(&all);
        int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                fail(EXIT_SETUP, "cannot wait for signals: ", strerrordesc_np(errno), NULL);
        return fd;
}

int signals_take(int fd, bool *ret_from_outside) {
        struct signalfd_siginfo info;

        if (read(fd, &info, sizeof(info)) != sizeof(info))
                return 0;
        /* Of a write of ours that nobody can read: not for the payload. */
        if (info.ssi_signo == SIGPIPE && info.ssi_pid == (unsigned) getpid())
                return 0;
        /* Who has no pid in here is outside (pid_namespaces(7)); the kernel itself has none either. */
        *ret_from_outside = info.ssi_code <= 0 && info.ssi_pid == 0;
        return (int) info.ssi_signo;
}
