/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hold.h"
#include "helper.h"
#include "init/become.h"
#include "init/words.h"
#include "process.h"

#define MACHINE_FILE_MAX 65536

/* How long systemd-machined may take to write into its file that it has asked for the stop. */
#define NOTE_MSEC 100

/*
 * Return: whether "machinectl terminate" caused the stop. systemd itself does not say who asked for a stop.
 * But for "machinectl terminate", systemd-machined asks systemd to stop the unit, and writes the job into
 * its file of the machine (machine.c, machine_stop() and machine_save(), systemd 252 to 257). A registered
 * container has no other job there.
 */
static bool machine_is_terminated(const char *machine) {
        char path[PATH_MAX];
        Span text;

        return snprintf(path, sizeof(path), MACHINED_DIRECTORY "/%s", machine) < (int) sizeof(path) &&
                text_read(path, MACHINE_FILE_MAX, &text) && strstr(text.text, "\nSCOPE_JOB=");
}

/* Asks the container to end, or kills it if it is being terminated, and waits until nspawn has ended. */
static void container_end(int supervisor, int first, int signal, const char *machine) {
        enum { SUPERVISOR, MACHINED };
        int watch = inotify_init1(IN_CLOEXEC), msec = NOTE_MSEC;
        struct pollfd fds[] = {
                [SUPERVISOR] = { .fd = supervisor, .events = POLLIN },
                [MACHINED] = { .fd = watch, .events = POLLIN },
        };
        char events[4096];

        if (watch < 0 || inotify_add_watch(watch, MACHINED_DIRECTORY, IN_MOVED_TO) < 0)
                say("cannot watch " MACHINED_DIRECTORY ": ", strerrordesc_np(errno), NULL);

        for (;;) {
                if (fds[MACHINED].fd >= 0 && machine_is_terminated(machine)) {
                        (void) process_signal(first, SIGKILL);
                        fds[MACHINED].fd = msec = -1;
                }

                int n = poll(fds, 2, msec);
                if (n == 0) {
                        (void) process_signal(first, signal);
                        msec = -1;
                }
                if (n > 0 && fds[SUPERVISOR].revents)
                        return;
                if (n > 0 && fds[MACHINED].revents && read(watch, events, sizeof(events)) < 0)
                        fds[MACHINED].fd = -1;
        }
}

int helper_stop(char **argv) {
        int signal = signal_parse(argv[0]);
        pid_t pid = supervisor_pid();

        if (signal == 0 || !argv[1] || argv[2])
                return -EINVAL;
        if (pid <= 0)
                return EXIT_SUCCESS;

        /* Without a container, systemd's next step is to signal nspawn itself. */
        int first = process_open(pid, PROCESS_FIRST), supervisor = (int) syscall(SYS_pidfd_open, pid, 0);
        if (first >= 0 && supervisor >= 0)
                container_end(supervisor, first, signal, argv[1]);
        return EXIT_SUCCESS;
}
