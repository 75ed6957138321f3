/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "kernel/cgroup.h"

/* Larger than any of the files in Linux 6.18; a longer file is read in parts. */
#define BUFFER_SIZE 4096
#define FILE_NAME_MAX 32

#define FILE_FREEZE "cgroup.freeze"

typedef enum Shape {
        SHAPE_VALUE,  /* a number alone */
        SHAPE_KEYED,  /* lines of: key number */
        SHAPE_NESTED, /* lines of: device key=number key=number ...; summed up */
} Shape;

typedef enum File {
        FILE_CPU_STAT,
        FILE_MEMORY_CURRENT,
        FILE_MEMORY_PEAK,
        FILE_MEMORY_STAT,
        FILE_MEMORY_SWAP,
        FILE_PIDS,
        FILE_IO,
        _FILE_MAX,
} File;

static const struct {
        const char *name;
        Shape shape;
} files[_FILE_MAX] = {
        [FILE_CPU_STAT] = { "cpu.stat", SHAPE_KEYED },
        [FILE_MEMORY_CURRENT] = { "memory.current", SHAPE_VALUE },
        [FILE_MEMORY_PEAK] = { "memory.peak", SHAPE_VALUE },
        [FILE_MEMORY_STAT] = { "memory.stat", SHAPE_KEYED },
        [FILE_MEMORY_SWAP] = { "memory.swap.current", SHAPE_VALUE },
        [FILE_PIDS] = { "pids.current", SHAPE_VALUE },
        [FILE_IO] = { "io.stat", SHAPE_NESTED },
};

static const struct {
        File file;
        const char *key;
} rows[_CGROUP_VALUE_MAX] = {
        [CGROUP_CPU_USEC] = { FILE_CPU_STAT, "usage_usec" },
        [CGROUP_CPU_USER_USEC] = { FILE_CPU_STAT, "user_usec" },
        [CGROUP_CPU_SYSTEM_USEC] = { FILE_CPU_STAT, "system_usec" },
        [CGROUP_CPU_THROTTLED] = { FILE_CPU_STAT, "nr_throttled" },
        [CGROUP_CPU_THROTTLED_USEC] = { FILE_CPU_STAT, "throttled_usec" },
        [CGROUP_MEMORY_CURRENT] = { FILE_MEMORY_CURRENT, NULL },
        [CGROUP_MEMORY_PEAK] = { FILE_MEMORY_PEAK, NULL },
        [CGROUP_MEMORY_ANON] = { FILE_MEMORY_STAT, "anon" },
        [CGROUP_MEMORY_FILE] = { FILE_MEMORY_STAT, "file" },
        [CGROUP_MEMORY_KERNEL] = { FILE_MEMORY_STAT, "kernel" },
        [CGROUP_MEMORY_SWAP] = { FILE_MEMORY_SWAP, NULL },
        [CGROUP_TASKS] = { FILE_PIDS, NULL },
        [CGROUP_IO_READ] = { FILE_IO, "rbytes" },
        [CGROUP_IO_WRITTEN] = { FILE_IO, "wbytes" },
};

#define PROCESS_FILE_MAX 65536

struct CgroupReader {
        char *path; /* of the group, with room for a file's name; NULL when there is none */
        size_t length;
        uint32_t wanted;
        int fds[_FILE_MAX];
};

char *cgroup_path(const char *root, const char *control_group, const char *file) {
        if (string_is_empty(control_group))
                return NULL;
        return xasprintf(
                "%s%s%s%s", root ? root : CGROUP_ROOT, control_group, file ? "/" : "", file ? file : "");
}

CgroupReader *cgroup_reader_new(const char *root, const char *control_group, uint32_t wanted) {
        CgroupReader *reader = xnew(CgroupReader, 1);

        reader->wanted = wanted;
        for (File file = 0; file < _FILE_MAX; file++)
                reader->fds[file] = -1;

        reader->path = cgroup_path(root, control_group, NULL);
        if (reader->path) {
                reader->length = strlen(reader->path);
                reader->path = xreallocarray(reader->path, reader->length + FILE_NAME_MAX, 1);
        }
        return reader;
}

CgroupReader *cgroup_reader_free(CgroupReader *reader) {
        if (!reader)
                return NULL;

        for (File file = 0; file < _FILE_MAX; file++)
                fd_close(reader->fds[file]);
        free(reader->path);
        free(reader);
        return NULL;
}

static int reader_open(CgroupReader *reader, File file) {
        reader->path[reader->length] = '/';
        (void) strncpy(reader->path + reader->length + 1, files[file].name, FILE_NAME_MAX - 2);
        reader->fds[file] = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return reader->fds[file] < 0 ? -errno : 0;
}

/* A read fails with ENODEV when the group is gone. A new group may have its name by then, so open again. */
static ssize_t reader_read_at(CgroupReader *reader, File file, char *buffer, size_t size, off_t offset) {
        for (bool again = false;; again = true) {
                if (reader->fds[file] < 0 && reader_open(reader, file) < 0)
                        return -errno;

                ssize_t n = pread(reader->fds[file], buffer, size, offset);
                if (n >= 0)
                        return n;

                int r = -errno;
                reader->fds[file] = fd_close(reader->fds[file]);
                if (r != -ENODEV || again || offset > 0)
                        return r;
        }
}

static void usage_add(CgroupUsage *usage, CgroupValue value, const char *text) {
        uint64_t number;

        if (!string_parse_u64(text, &number))
                return;
        if (__builtin_add_overflow(usage->values[value], number, &usage->values[value]))
                usage->values[value] = UINT64_MAX;
        usage->measured |= CGROUP_BIT(value);
}

static void usage_add_key(CgroupUsage *usage, File file, const char *key, const char *text) {
        for (CgroupValue value = 0; value < _CGROUP_VALUE_MAX; value++)
                if (rows[value].file == file && streq_null(rows[value].key, key)) {
                        usage_add(usage, value, text);
                        return;
                }
}

static void usage_add_line(CgroupUsage *usage, File file, char *line) {
        char *rest = line, *word;

        switch (files[file].shape) {
        case SHAPE_VALUE:
                usage_add_key(usage, file, NULL, line);
                break;
        case SHAPE_KEYED:
                word = strsep(&rest, " ");
                if (rest)
                        usage_add_key(usage, file, word, rest);
                break;
        case SHAPE_NESTED:
                (void) strsep(&rest, " ");
                while ((word = strsep(&rest, " "))) {
                        char *key = strsep(&word, "=");

                        if (word)
                                usage_add_key(usage, file, key, word);
                }
                break;
        }
}

/* Return: 0, or a negative errno when the file cannot be read to its end. */
static int reader_read_file(CgroupReader *reader, File file, CgroupUsage *usage) {
        char buffer[BUFFER_SIZE];
        size_t kept = 0; /* the beginning of a line whose end is not read yet */
        off_t offset = 0;

        for (;;) {
                size_t room = sizeof(buffer) - kept;
                ssize_t n = room > 0 ? reader_read_at(reader, file, buffer + kept, room, offset) : -E2BIG;
                char *line = buffer, *end;

                if (n < 0)
                        return (int) n;

                size_t length = kept + (size_t) n;
                while ((end = memchr(line, '\n', length - (size_t) (line - buffer)))) {
                        *end = 0;
                        usage_add_line(usage, file, line);
                        line = end + 1;
                }

                /* A short read means the end of the file. */
                if ((size_t) n < room)
                        return 0;
                kept = length - (size_t) (line - buffer);
                memmove(buffer, line, kept);
                offset += n;
        }
}

void cgroup_reader_read(CgroupReader *reader, CgroupUsage *ret) {
        *ret = (CgroupUsage){};
        if (!reader->path)
                return;

        for (File file = 0; file < _FILE_MAX; file++) {
                CgroupUsage usage = {};
                uint32_t mask = 0;

                for (CgroupValue value = 0; value < _CGROUP_VALUE_MAX; value++)
                        if (rows[value].file == file)
                                mask |= reader->wanted & CGROUP_BIT(value);
                if (mask == 0 || reader_read_file(reader, file, &usage) < 0)
                        continue;

                for (CgroupValue value = 0; value < _CGROUP_VALUE_MAX; value++)
                        if (usage.measured & mask & CGROUP_BIT(value))
                                ret->values[value] = usage.values[value];
                ret->measured |= usage.measured & mask;
        }
}

char *cgroup_of_process(pid_t pid) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/cgroup", pid), *text = NULL;

        if (file_read(AT_FDCWD, path, PROCESS_FILE_MAX, &text) < 0)
                return NULL;
        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                const char *value = string_after_prefix(line, "0::");
                if (value)
                        return xstrndup(value, strcspn(value, "\n"));
        }
        return NULL;
}

bool cgroup_is_below(const char *group, const char *other) {
        const char *rest = string_after_prefix(group, other);

        return rest && (*rest == '/' || !*rest);
}

static bool is_frozen(const char *root, const char *control_group) {
        _cleanup_free_ char *path = cgroup_path(root, control_group, FILE_FREEZE);

        if (!path)
                return false;

        _cleanup_free_ char *text = NULL;
        return file_read(AT_FDCWD, path, BUFFER_SIZE, &text) > 0 && *text == '1';
}

char *cgroup_find_frozen(const char *root, const char *control_group) {
        _cleanup_free_ char *group = xstrdup_null(control_group);

        for (char *slash; group && (slash = strrchr(group, '/')); *slash = 0)
                if (is_frozen(root, group))
                        return TAKE_PTR(group);
        return NULL;
}

int cgroup_thaw(const char *root, const char *control_group) {
        _cleanup_free_ char *path = cgroup_path(root, control_group, FILE_FREEZE);

        if (!is_frozen(root, control_group))
                return 0;
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
}
