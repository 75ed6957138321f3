/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/remove.h"

/* Neither we nor systemd nest directories deeper, or stack more mounts on one of them. */
#define DEPTH_MAX 16
#define MOUNTS_MAX 16

static void entries_remove(int fd, bool keep_files, unsigned depth);

static void entry_remove(int parent, const char *name, bool keep_files, unsigned depth) {
        /* Never enter a mount, not even one of the same file system: it shows files from elsewhere. */
        struct open_how how = {
                .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
        };
        char path[sizeof("/proc/self/fd/") + 16 + NAME_MAX];

        /* There is no umountat(). */
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", parent, name);
        for (int i = 0; i < MOUNTS_MAX && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) >= 0; i++)
                continue;
        if (!keep_files && unlinkat(parent, name, 0) >= 0)
                return;

        int fd = depth > 0 ? (int) syscall(SYS_openat2, parent, name, &how, sizeof(how)) : -1;
        if (fd < 0)
                return;
        entries_remove(fd, false, depth - 1);
        (void) unlinkat(parent, name, AT_REMOVEDIR);
}

/* Closes the directory. */
static void entries_remove(int fd, bool keep_files, unsigned depth) {
        DIR *directory = fdopendir(fd);
        const struct dirent *entry;

        if (!directory) {
                (void) close(fd);
                return;
        }
        while ((entry = readdir(directory)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        entry_remove(fd, entry->d_name, keep_files, depth);
        (void) closedir(directory);
}

void directory_clear(const char *path, bool keep_files) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0)
                entries_remove(fd, keep_files, DEPTH_MAX);
}
