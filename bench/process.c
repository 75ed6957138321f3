/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>

#include "base/fd.h"
#include "bench.h"

#define FILE_MAX_BYTES 65536

static double field(const char *text, const char *name) {
        const char *found = strstr(text, name);

        cr_assert_not_null(found, "no %s in:\n%s", name, text);
        return strtod(found + strlen(name), NULL);
}

Memory bench_memory(pid_t pid) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/smaps_rollup", pid), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text);

        cr_assert_gt(n, 0, "%s: %s", path, strerror((int) -n));
        return (Memory){
                .rss = field(text, "\nRss:"),
                .pss = field(text, "\nPss:"),
                .own = field(text, "\nPrivate_Clean:") + field(text, "\nPrivate_Dirty:"),
        };
}

/* Nanoseconds on a processor come first (Documentation/scheduler/sched-stats.rst). */
static double sum_schedstat(const char *pattern) {
        glob_t found;
        double sum = 0;

        cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
        for (size_t i = 0; i < found.gl_pathc; i++) {
                _cleanup_free_ char *text = NULL;

                if (file_read(AT_FDCWD, found.gl_pathv[i], FILE_MAX_BYTES, &text) > 0)
                        sum += strtod(text, NULL) / 1000;
        }
        globfree(&found);
        return sum;
}

double bench_cpu_usec(pid_t pid) {
        _cleanup_free_ char *pattern = xasprintf("/proc/%d/task/*/schedstat", pid);

        return sum_schedstat(pattern);
}

double bench_loop_usec(pid_t pid) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/task/%d/schedstat", pid, pid);

        return sum_schedstat(path);
}
