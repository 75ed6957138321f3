/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/task-dir.h"
#include "init/fd-message.h"
#include "store.h"

/* Room for an inode number. */
#define NUMBER_MAX 32

/* Return: the inode number of a socket, 0 for anything else. */
static unsigned long socket_inode(int fd) {
        struct stat st;

        return fd >= 0 && fstat(fd, &st) >= 0 && S_ISSOCK(st.st_mode) ? (unsigned long) st.st_ino : 0;
}

static int note_open(const char *unit_directory, int flags) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/" TASK_SOCKET_FILE, unit_directory) >= (int) sizeof(path))
                return -1;
        return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void store_note(int socket, const char *unit_directory) {
        char text[NUMBER_MAX];
        int n = snprintf(text, sizeof(text), "%lu\n", socket_inode(socket)),
            fd = note_open(unit_directory, O_WRONLY | O_CREAT | O_TRUNC);

        if (fd < 0 || write(fd, text, (size_t) n) != n)
                (void) fprintf(stderr, "nspawn-units: cannot write down the unit's socket: %m\n");
        if (fd >= 0)
                (void) close(fd);
}

/* Return: the number that store_note() wrote, or 0. */
static unsigned long note_read(const char *unit_directory) {
        char text[NUMBER_MAX];
        int fd = note_open(unit_directory, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (fd >= 0)
                (void) close(fd);
        text[n > 0 ? n : 0] = 0;
        return strtoul(text, NULL, 10);
}

/* Return: the number of the socket's descriptor in systemd itself, -1 when it is not there. */
static int manager_find(unsigned long inode) {
        DIR *directory = opendir("/proc/1/fd");
        const struct dirent *entry;
        char wanted[NUMBER_MAX + 16], link[NUMBER_MAX + 16];
        int found = -1;

        (void) snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
        while (directory && found < 0 && (entry = readdir(directory))) {
                ssize_t n = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);

                link[n > 0 ? n : 0] = 0;
                if (strcmp(link, wanted) == 0)
                        found = (int) strtol(entry->d_name, NULL, 10);
        }
        if (directory)
                (void) closedir(directory);
        return found;
}

/*
 * systemd passes the unit's store only to the main process. So another process of the unit copies the socket
 * from PID 1 (pidfd_getfd(2)). Return: the socket, or -1.
 */
static int manager_get(unsigned long inode) {
        int number = inode > 0 ? manager_find(inode) : -1;
        int manager = number < 0 ? -1 : (int) syscall(SYS_pidfd_open, 1, 0);
        int fd = manager < 0 ? -1 : (int) syscall(SYS_pidfd_getfd, manager, number, 0);

        if (manager >= 0)
                (void) close(manager);
        if (fd >= 0 && socket_inode(fd) != inode) { /* PID 1 may have reused the number by now */
                (void) close(fd);
                return -1;
        }
        return fd;
}

int store_socket(const char *unit_directory) {
        if (socket_inode(STDIN_FILENO) > 0)
                return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return manager_get(note_read(unit_directory));
}

int store_find(int socket, char letter) {
        FdMessage message;

        if (socket < 0 || fd_message_peek(socket, &message) < 0)
                return -1;
        for (size_t i = 0; i < message.n; i++)
                if (message.letters[i] != letter)
                        (void) close(message.fds[i]);
        return fd_message_find(&message, letter);
}
