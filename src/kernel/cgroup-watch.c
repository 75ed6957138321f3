/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "base/fd.h"
#include "base/string.h"
#include "kernel/cgroup-watch.h"
#include "kernel/cgroup.h"

#define FILE_EVENTS "memory.events"
#define FILE_MAX_BYTES 4096

/* Two numbers of 64 bits with a blank. */
#define LIMIT_TEXT_MAX 48

#define WORD_NO_LIMIT "no limit"

/* Return: words for a limit as the kernel writes it, owned by the caller. */
typedef char *(*LimitWords)(const char *text);

/* Uses the biggest unit that gives a whole number, so that different limits never look the same. */
static char *words_of_bytes(const char *text) {
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        uint64_t bytes;
        size_t unit = 0;

        if (!string_parse_u64(text, &bytes))
                return xstrdup(WORD_NO_LIMIT);
        while (bytes > 0 && bytes % 1024 == 0) {
                bytes /= 1024;
                unit++;
        }
        return xasprintf("%" PRIu64 " %s", bytes, units[unit]);
}

static char *words_of_number(const char *text) {
        uint64_t number;

        return xstrdup(string_parse_u64(text, &number) ? text : WORD_NO_LIMIT);
}

/* @text is "QUOTA PERIOD" in microseconds; the result is a share of one processor. */
static char *words_of_quota(const char *text) {
        const char *blank = strchr(text, ' ');
        uint64_t quota, period;

        if (!blank)
                return xstrdup(WORD_NO_LIMIT);

        _cleanup_free_ char *first = xstrndup(text, (size_t) (blank - text));
        if (!string_parse_u64(first, &quota) || !string_parse_u64(blank + 1, &period) || period == 0)
                return xstrdup(WORD_NO_LIMIT);
        return xasprintf("%.6g %%", 100.0 * (double) quota / (double) period);
}

static const struct {
        const char *name;
        const char *file;
        LimitWords words;
        const char *passing; /* a value that systemd sets only for a moment, and that is no limit */
} limits[] = {
        { "MemoryMax", "memory.max", words_of_bytes },
        { "MemoryHigh", "memory.high", words_of_bytes },
        { "CPUWeight", "cpu.weight", words_of_number },
        { "CPUQuota", "cpu.max", words_of_quota },
        /* Before the last SIGKILL of a unit systemd 262 forbids new processes, and allows them again after
         * it (core/unit.c). */
        { "TasksMax", "pids.max", words_of_number, "0" },
};

struct CgroupWatch {
        char *root;
        char *control_group;
        const CgroupWatchCallbacks *callbacks;
        void *userdata;
        /* One watch of the directory covers all files of limits. memory.events needs a watch of its own: the
         * kernel itself changes it, and sends events only for files that somebody watches or has open. */
        sd_event_source *directory;
        sd_event_source *events;
        uint64_t n_before; /* kills when the watch began */
        uint64_t n_told;   /* kills at the last call of on_oom() */
        char texts[ELEMENTSOF(limits)][LIMIT_TEXT_MAX];
};

/* Return: a file of a group without its last newline, owned by the caller; NULL when it cannot be read. */
static char *group_read(const char *root, const char *control_group, const char *file, int *ret_error) {
        _cleanup_free_ char *path = cgroup_path(root, control_group, file), *text = NULL;
        ssize_t n = path ? file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text) : -ENOENT;

        if (n < 0) {
                *ret_error = (int) n;
                return NULL;
        }
        if (n > 0 && text[n - 1] == '\n')
                text[n - 1] = 0;
        return TAKE_PTR(text);
}

/* Return: whether the file is a number; if not, *ret keeps its value. */
static bool group_read_number(const CgroupWatch *watch, const char *file, uint64_t *ret) {
        int error;
        _cleanup_free_ char *text = group_read(watch->root, watch->control_group, file, &error);

        return text && string_parse_u64(text, ret);
}

int cgroup_read_oom_kills(const char *root, const char *control_group, uint64_t *ret) {
        int error = 0;
        _cleanup_free_ char *text = group_read(root, control_group, FILE_EVENTS, &error);
        char *rest = text, *line;

        if (!text)
                /* The group was removed while we read the file. */
                return error == -ENODEV ? -ENOENT : error;

        while ((line = strsep(&rest, "\n"))) {
                const char *number = string_after_prefix(line, "oom_kill ");

                if (number && string_parse_u64(number, ret))
                        return 0;
        }
        return -ENODATA;
}

void cgroup_watch_check(CgroupWatch *watch) {
        CgroupOom oom = { .limit = CGROUP_NO_LIMIT };

        if (cgroup_read_oom_kills(watch->root, watch->control_group, &oom.n_killed) < 0 ||
                oom.n_killed <= watch->n_told)
                return;

        oom.n_new = oom.n_killed - watch->n_told;
        watch->n_told = oom.n_killed;
        if (!watch->callbacks->on_oom)
                return;

        (void) group_read_number(watch, "memory.max", &oom.limit);
        if (!group_read_number(watch, "memory.peak", &oom.peak))
                (void) group_read_number(watch, "memory.current", &oom.peak);
        watch->callbacks->on_oom(watch->userdata, &oom);
}

/* Return: whether the limit has changed; if so, @before is the old text. */
static bool limit_update(CgroupWatch *watch, size_t i, char before[static LIMIT_TEXT_MAX]) {
        int error;
        _cleanup_free_ char *text = group_read(watch->root, watch->control_group, limits[i].file, &error);

        if (string_is_empty(text) || streq(text, watch->texts[i]) || streq_null(limits[i].passing, text))
                return false;

        memcpy(before, watch->texts[i], LIMIT_TEXT_MAX);
        (void) snprintf(watch->texts[i], LIMIT_TEXT_MAX, "%s", text);
        return true;
}

static void limit_check(CgroupWatch *watch, size_t i) {
        char before[LIMIT_TEXT_MAX];

        if (!limit_update(watch, i, before) || !watch->callbacks->on_limit)
                return;
        /* The watch began while the file had its passing value: the real old limit is not known. */
        if (limits[i].passing && string_is_empty(before))
                return;

        _cleanup_free_ char *old = limits[i].words(before), *now = limits[i].words(watch->texts[i]);
        if (!streq(old, now))
                watch->callbacks->on_limit(watch->userdata, limits[i].name, old, now);
}

static int on_directory(
        sd_event_source *source _unused_, const struct inotify_event *event, void *userdata) {
        CgroupWatch *watch = userdata;

        for (size_t i = 0; i < ELEMENTSOF(limits); i++)
                if ((event->mask & IN_Q_OVERFLOW) || (event->len > 0 && streq(event->name, limits[i].file)))
                        limit_check(watch, i);
        return 0;
}

static int on_events(
        sd_event_source *source _unused_, const struct inotify_event *event _unused_, void *userdata) {
        cgroup_watch_check(userdata);
        return 0;
}

/* Watches first and then reads the present values, for comparison, so that no change is missed. */
static int watch_begin(CgroupWatch *watch, sd_event *event) {
        _cleanup_free_ char *directory = cgroup_path(watch->root, watch->control_group, NULL);
        _cleanup_free_ char *events = cgroup_path(watch->root, watch->control_group, FILE_EVENTS);
        char before[LIMIT_TEXT_MAX];
        int r;

        if (!directory)
                return -ENOENT;

        r = sd_event_add_inotify(
                event, &watch->directory, directory, IN_MODIFY | IN_ONLYDIR, on_directory, watch);
        if (r < 0)
                return r;
        r = sd_event_add_inotify(event, &watch->events, events, IN_MODIFY, on_events, watch);
        if (r < 0 && r != -ENOENT)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(limits); i++)
                (void) limit_update(watch, i, before);
        (void) cgroup_read_oom_kills(watch->root, watch->control_group, &watch->n_before);
        watch->n_told = watch->n_before;
        return 0;
}

int cgroup_watch_new(sd_event *event, const char *root, const char *control_group,
        const CgroupWatchCallbacks *callbacks, void *userdata, CgroupWatch **ret) {
        _cleanup_cgroup_watch_ CgroupWatch *watch = xnew(CgroupWatch, 1);
        int r;

        watch->root = xstrdup_null(root);
        watch->control_group = xstrdup_null(control_group);
        watch->callbacks = callbacks;
        watch->userdata = userdata;
        r = watch_begin(watch, event);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(watch);
        return 0;
}

CgroupWatch *cgroup_watch_free(CgroupWatch *watch) {
        if (!watch)
                return NULL;

        sd_event_source_disable_unref(watch->directory);
        sd_event_source_disable_unref(watch->events);
        free(watch->root);
        free(watch->control_group);
        free(watch);
        return NULL;
}

uint64_t cgroup_watch_n_killed(const CgroupWatch *watch) {
        return watch->n_told - watch->n_before;
}
