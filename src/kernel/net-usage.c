/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/string.h"
#include "kernel/net-usage.h"

/* Enough for some thousand interfaces. */
#define NET_DEV_MAX (1024 * 1024)

/* Columns behind the name. */
enum { COLUMN_RECEIVED = 0, COLUMN_SENT = 8, N_COLUMNS = 9 };

static bool parse_columns(char *text, uint64_t columns[static N_COLUMNS]) {
        size_t n = 0;
        char *word;

        while (n < N_COLUMNS && (word = strsep(&text, " ")))
                if (*word && !string_parse_u64(word, &columns[n++]))
                        return false;
        return n == N_COLUMNS;
}

void net_usage_parse(const char *text, NetUsage *ret) {
        _cleanup_free_ char *copy = xstrdup(text);
        char *rest = copy, *line;

        *ret = (NetUsage){};
        while ((line = strsep(&rest, "\n"))) {
                uint64_t columns[N_COLUMNS];
                char *colon = strrchr(line, ':');

                if (!colon)
                        continue;
                *colon = 0;
                if (streq(line + strspn(line, " "), "lo") || !parse_columns(colon + 1, columns))
                        continue;
                ret->received += columns[COLUMN_RECEIVED];
                ret->sent += columns[COLUMN_SENT];
        }
}

int net_usage_read(pid_t pid, NetUsage *ret) {
        if (pid <= 0)
                return -ESRCH;

        _cleanup_free_ char *netns = xasprintf("/proc/%d/ns/net", pid);
        _cleanup_free_ char *path = xasprintf("/proc/%d/net/dev", pid), *text = NULL;
        struct stat theirs, ours;

        if (stat(netns, &theirs) < 0 || stat("/proc/self/ns/net", &ours) < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
                return -ENODATA;

        ssize_t n = file_read(AT_FDCWD, path, NET_DEV_MAX, &text);
        if (n < 0)
                return n == -ENOENT ? -ESRCH : (int) n;

        net_usage_parse(text, ret);
        return 0;
}
