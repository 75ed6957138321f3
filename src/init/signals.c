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
        /* Our own write to a closed pipe or socket caused this SIGPIPE: it is not for the payload. */
        if (info.ssi_signo == SIGPIPE && info.ssi_pid == (unsigned) getpid())
                return 0;
        /*
         * A process outside of the container has no pid in here (pid_namespaces(7)), so its signals come
         * from pid 0. So do the kernel's own, which have another code.
         */
        *ret_from_outside = info.ssi_code <= 0 && info.ssi_pid == 0;
        return (int) info.ssi_signo;
}
