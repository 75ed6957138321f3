/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "image/lock.h"

#define LOCKS "/run/systemd/nspawn/locks"
#define FILE_MAX 65536

/*
 * Return: the file that nspawn locks for the image, owned by the caller; NULL when there is no such image.
 */
static char *lock_path(const char *image) {
        struct stat st;

        if (stat(image, &st) < 0)
                return NULL;
        if (S_ISBLK(st.st_mode))
                return xasprintf(LOCKS "/block-%u:%u", major(st.st_rdev), minor(st.st_rdev));
        return xasprintf(LOCKS "/inode-%lu:%lu", (unsigned long) st.st_dev, (unsigned long) st.st_ino);
}

static char *process_text(const char *pid, const char *file) {
        _cleanup_free_ char *path = xasprintf("/proc/%s/%s", pid, file);
        char *text = NULL;

        return file_read(AT_FDCWD, path, FILE_MAX, &text) >= 0 ? text : NULL;
}

/*
 * A process that only tries to get the lock has the file open too, but its descriptor has no lock (proc(5),
 * fdinfo).
 */
static bool has_lock(const char *pid, const char *path) {
        _cleanup_free_ char *directory = xasprintf("/proc/%s/fd", pid);
        DIR *descriptors = opendir(directory);
        bool found = false;

        for (struct dirent *entry; descriptors && !found && (entry = readdir(descriptors));) {
                char target[PATH_MAX];
                ssize_t n = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof(target) - 1);

                if (n <= 0)
                        continue;
                target[n] = 0;
                if (!streq(target, path))
                        continue;

                _cleanup_free_ char *file = xasprintf("fdinfo/%s", entry->d_name);
                _cleanup_free_ char *text = process_text(pid, file);
                found = text && strstr(text, "\nlock:");
        }
        if (descriptors)
                (void) closedir(descriptors);
        return found;
}

/* Return: the name of a process for messages, owned by the caller. */
static char *process_describe(const char *pid) {
        _cleanup_free_ char *text = process_text(pid, "cgroup");
        char *rest = text ? strstr(text, "0::/") : NULL;

        /*
         * The control group of a container is below that of its unit; the unit is the first name that is no
         * slice.
         */
        for (char *word; rest && (word = strsep(&rest, "/\n"));)
                if (string_has_suffix(word, ".service") || string_has_suffix(word, ".scope"))
                        return xstrdup(word);
        return xasprintf("process %s", pid);
}

char *image_find_holder(const char *path) {
        _cleanup_free_ char *lock = lock_path(path);
        DIR *processes = lock ? opendir("/proc") : NULL;
        char *holder = NULL;

        for (struct dirent *entry; processes && !holder && (entry = readdir(processes));)
                if (isdigit((unsigned char) *entry->d_name) && has_lock(entry->d_name, lock))
                        holder = process_describe(entry->d_name);
        if (processes)
                (void) closedir(processes);
        return holder;
}
