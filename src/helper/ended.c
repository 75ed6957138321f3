/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd-letters.h"
#include "base/hold.h"
#include "base/remove.h"
#include "base/run-result.h"
#include "base/small-file.h"
#include "base/task-dir.h"
#include "cgroup.h"
#include "helper.h"
#include "init/notify.h"
#include "store.h"

#define LEDGER_MAX 65536
#define FILE_MAX 4096
#define PAYLOAD_MAX 64

/* The task whose run has ended. */
typedef struct Place {
        char *argument; /* path of its directory; for version 0.1.0 of its ledger */
        char *machine;
        char unit[PATH_MAX]; /* the directory of the unit */
        bool old;            /* the task is of version 0.1.0 */
} Place;

/* Return: the number after @key in a file of the group, or the first one; 0 for no number, such as "max". */
static uint64_t cgroup_number(const char *cgroup, const char *file, const char *key) {
        char path[FILE_MAX], text[FILE_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", cgroup, file) >= (int) sizeof(path) ||
                !small_file_read(path, text, sizeof(text)))
                return 0;

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                size_t n = key ? strlen(key) : 0;

                if (!key || (strncmp(line, key, n) == 0 && line[n] == ' '))
                        return strtoull(line + n, NULL, 10);
        }
        return 0;
}

/* Return: a variable that systemd sets, or "-" when it is missing: each field of the notes needs a word. */
static const char *word(const char *name) {
        const char *value = getenv(name);

        return value && *value && !strpbrk(value, " \n") ? value : "-";
}

/*
 * Makes the notes of this run: the line @payload (how the command ended, according to our init; without a
 * newline, or ""), and a line with what systemd and the unit's control group know of the run.
 *
 * Return: the length of both lines, or -1 when they do not fit.
 */
static int notes_make(char ret[FILE_MAX], const char *payload) {
        struct timespec now = {};
        char cgroup[FILE_MAX];

        (void) clock_gettime(CLOCK_REALTIME, &now);
        if (!cgroup_find(cgroup, sizeof(cgroup)))
                *cgroup = 0;
        int n = snprintf(ret, FILE_MAX,
                "%s%sunit result=%s code=%s status=%s invocation=%s oom_kill=%llu peak=%llu limit=%llu usec=%llu\n",
                payload, *payload ? "\n" : "", word("SERVICE_RESULT"), word("EXIT_CODE"),
                word("EXIT_STATUS"), word("INVOCATION_ID"),
                (unsigned long long) cgroup_number(cgroup, "memory.events", "oom_kill"),
                (unsigned long long) cgroup_number(cgroup, "memory.peak", NULL),
                (unsigned long long) cgroup_number(cgroup, "memory.max", NULL),
                (unsigned long long) now.tv_sec * 1000000 + (unsigned long long) now.tv_nsec / 1000);

        return n < FILE_MAX ? n : -1;
}

/*
 * Reads the notes of the previous run. On a busy host the engine may read how a run ended only when the next
 * run is over, too. So the new notes contain the old lines as well, each with the word "before" in front.
 *
 * Return: the length of what is at @ret.
 */
static size_t notes_before(const char *path, char ret[FILE_MAX]) {
        char text[FILE_MAX];
        size_t n = 0;

        *ret = 0;
        if (!small_file_read(path, text, sizeof(text)))
                return 0;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                if (strncmp(line, "payload ", 8) != 0 && strncmp(line, "unit ", 5) != 0)
                        continue;
                int length = snprintf(ret + n, FILE_MAX - n, "before %s\n", line);
                if (length < 0 || (size_t) length >= FILE_MAX - n)
                        return 0;
                n += (size_t) length;
        }
        return n;
}

/* Writes the notes of this run and of the previous one. Return: exit status. */
static int notes_write(const Place *place) {
        char path[PATH_MAX], next[PATH_MAX], text[FILE_MAX], before[FILE_MAX], payload[PAYLOAD_MAX] = "";
        int code, signal, socket = store_socket(place->unit), result = store_find(socket, LETTER_RESULT);

        if (run_result_read(result, &code, &signal))
                (void) snprintf(payload, sizeof(payload), "payload %d %d", code, signal);
        if (result >= 0)
                (void) close(result);
        if (socket >= 0)
                (void) close(socket);

        /* Without a record nobody will read the notes. */
        (void) snprintf(path, sizeof(path), "%s/" TASK_RECORD_FILE, place->argument);
        if (access(path, F_OK) < 0)
                return EXIT_SUCCESS;

        (void) snprintf(path, sizeof(path), "%s/" TASK_NOTES_FILE, place->argument);
        (void) snprintf(next, sizeof(next), "%s/" TASK_NEXT_NOTES_FILE, place->argument);
        size_t n_before = notes_before(path, before);
        int n = notes_make(text, payload),
            fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (n < 0 || n_before + (size_t) n > TASK_NOTES_MAX)
                n_before = 0;
        /* Replaces the file in one step, since the engine may be reading the old one. */
        bool written = fd >= 0 && n > 0 && write(fd, before, n_before) == (ssize_t) n_before &&
                write(fd, text, (size_t) n) == n && rename(next, path) >= 0;
        if (!written)
                (void) fprintf(stderr, "nspawn-units: cannot write %s: %m\n", path);
        if (fd >= 0)
                (void) close(fd);
        return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- tasks of version 0.1.0 ---- */

/* Return: the length of the ledger's first line, its newline included; 0 when it has none. */
static size_t head_length(const char *text, size_t n) {
        const char *newline = memchr(text, '\n', n);

        return newline ? (size_t) (newline - text) + 1 : 0;
}

/* Return: the line in which our init noted how this run's command ended, or "". */
static const char *payload_line(char *tail) {
        const char *found = "";

        for (char *line; (line = strsep(&tail, "\n"));) {
                if (strncmp(line, "payload ", 8) == 0)
                        found = line;
                else if (strncmp(line, "unit ", 5) == 0)
                        found = "";
        }
        return found;
}

/* Return: exit status. */
static int ledger_note(int fd, char *text, size_t n) {
        size_t head = head_length(text, n);
        char entry[FILE_MAX];

        if (head == 0) {
                (void) fprintf(stderr, "nspawn-units: the ledger is damaged\n");
                return EXIT_FAILURE;
        }

        int k = notes_make(entry, payload_line(text + head));
        if (k < 0 || pwrite(fd, entry, (size_t) k, (off_t) head) != k ||
                ftruncate(fd, (off_t) head + k) < 0) {
                (void) fprintf(stderr, "nspawn-units: cannot write the ledger: %m\n");
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}

/* Adds a note to the ledger, to which the container can write, too. Return: exit status. */
static int ledger_write(const char *path) {
        static char text[LEDGER_MAX];
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 && errno == ENOENT)
                return EXIT_SUCCESS; /* nobody will read the note */

        ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
        if (n < 0)
                (void) fprintf(stderr, "nspawn-units: cannot read %s: %m\n", path);
        int status = n < 0 ? EXIT_FAILURE : ledger_note(fd, text, (size_t) n);
        if (fd >= 0)
                (void) close(fd);
        return status;
}

/* ---- cleaning up after the run ---- */

/*
 * Puts stdin, the socket with the unit's descriptors, into the unit's store of descriptors, which survives a
 * restart (sd_notify(3)); systemd before 254 closes stdin itself. If stdin is no socket, the store has it.
 */
static int socket_keep(void) {
        static const char text[] = "FDSTORE=1\nFDNAME=handover\nFDPOLL=0\n";
        const int handover = STDIN_FILENO;
        struct sockaddr_un address;
        int length = notify_address(&address);
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {
                .header = {
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(sizeof(int)),
                },
        };
        struct iovec data = { .iov_base = (char *) (uintptr_t) text, .iov_len = sizeof(text) - 1 };
        struct msghdr message = {
                .msg_name = &address,
                .msg_namelen = (socklen_t) length,
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        struct stat st;

        if (length <= 0 || fstat(handover, &st) < 0 || !S_ISSOCK(st.st_mode))
                return length < 0 ? length : 0;

        memcpy(CMSG_DATA(&control.header), &handover, sizeof(int));
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int r = sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
        (void) close(fd);
        return r;
}

/*
 * Unregisters the container from a running systemd-machined. machined keeps a container while its unit
 * exists and refuses a second one of the name, as the next run would be (machined-dbus.c,
 * method_create_or_register_machine(), systemd 252); in systemd 262 it forgets it with its first process. If
 * machined does not run now, as after a restart of the bus, the next run starts it: it would read its file
 * of the container, and refuse that run (252) or stop the unit (257). So run_release() removes the file
 * first.
 *
 * Uses busctl, because this program has no D-Bus library.
 *
 * Return: exit status, when busctl cannot be run.
 */
static int machine_unregister(char *machine) {
        char *argv[] = { (char[]){ "busctl" }, (char[]){ "--system" }, (char[]){ "--quiet" },
                (char[]){ "--auto-start=no" }, (char[]){ "--timeout=5" }, (char[]){ "call" },
                (char[]){ "org.freedesktop.machine1" }, (char[]){ "/org/freedesktop/machine1" },
                (char[]){ "org.freedesktop.machine1.Manager" }, (char[]){ "UnregisterMachine" },
                (char[]){ "s" }, machine, NULL };

        (void) execvp(argv[0], argv);
        (void) fprintf(stderr, "nspawn-units: cannot run busctl: %s\n", strerrordesc_np(errno));
        return EXIT_FAILURE;
}

/*
 * Finds the task. A unit of version 0.1.0 passes the path of a file in OLD_LEDGERS_DIRECTORY, which cannot
 * be the name of a task's directory.
 *
 * Return: whether the argument is valid.
 */
static bool place_find(char *argument, Place *ret) {
        char *slash = strrchr(argument, '/');

        *ret = (Place){ .argument = argument, .machine = slash ? slash + 1 : argument };
        if (!*ret->machine || *ret->machine == '.')
                return false;

        size_t n = (size_t) (ret->machine - argument), k = strlen(OLD_LEDGERS_DIRECTORY "/");
        ret->old = n >= k && strncmp(ret->machine - k, OLD_LEDGERS_DIRECTORY "/", k) == 0;
        int length = ret->old
                ? snprintf(ret->unit, sizeof(ret->unit), "%.*s%s", (int) (n - k), argument, ret->machine)
                : snprintf(ret->unit, sizeof(ret->unit), "%s/" TASK_UNIT_DIRECTORY, argument);
        return length < (int) sizeof(ret->unit);
}

/*
 * Releases what this run holds after its nspawn was killed; other holds last as long as the task.
 *
 * Return: whether the container has to be unregistered from a running systemd-machined, too.
 */
static bool run_release(const Place *place, bool unregister) {
        unsigned kinds = HOLD_SET(HOLD_CONTAINER) | (unregister ? HOLD_SET(HOLD_MACHINE) : 0);
        char path[PATH_MAX];
        bool written = !place->old &&
                snprintf(path, sizeof(path), "%s/" TASK_HOLDS_FILE, place->argument) < (int) sizeof(path);

        return holds_release_any_version(written ? path : NULL, place->machine, kinds) &
                HOLD_SET(HOLD_MACHINE);
}

int helper_ended(char **argv) {
        bool keep = false, unregister = false;
        Place place;

        for (; *argv && **argv == '-'; argv++)
                if (strcmp(*argv, "--keep") == 0)
                        keep = true;
                else if (strcmp(*argv, "--unregister") == 0)
                        unregister = true;
                else
                        return -EINVAL;
        if (!argv[0] || argv[1] || !place_find(argv[0], &place))
                return -EINVAL;

        /* There was no run: helper_may_start() refused it, or the unit was stopped before systemd called
         * that. Keep the notes of the previous run: they tell how the task ended. */
        if (strcmp(word("SERVICE_RESULT"), "exec-condition") == 0 ||
                (strcmp(word("SERVICE_RESULT"), "signal") == 0 && !getenv("EXIT_CODE")))
                return EXIT_SUCCESS;

        if (keep) {
                int r = socket_keep();
                if (r < 0)
                        (void) fprintf(stderr, "nspawn-units: cannot keep the task's descriptors: %s\n",
                                strerrordesc_np(-r));
        }

        bool killed = strcmp(word("EXIT_CODE"), "killed") == 0 || strcmp(word("EXIT_CODE"), "dumped") == 0;
        /*
         * nspawn of systemd 262 makes directories and mounts below $RUNTIME_DIRECTORY, which is the unit's
         * directory (nspawn.c). A mount left there keeps systemd from removing the directory at the end, and
         * makes the next run fail. Our own entries are files, and stay for the next run.
         */
        directory_clear(place.unit, true);
        bool named = killed && run_release(&place, unregister);

        int status = place.old ? ledger_write(place.argument) : notes_write(&place);
        return named ? machine_unregister(place.machine) : status;
}
