/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/hold.h"
#include "base/small-file.h"
#include "base/task-dir.h"

/* Return: whether the path fits into @path; only then it is valid. */
static bool path_make(char path[PATH_MAX], const char *directory, const char *name) {
        return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

/* Return: whether the process exists and is neither a zombie nor dead (proc(5), stat). */
static bool process_lives(long pid) {
        char path[64], text[512];

        (void) snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        if (!small_file_read(path, text, sizeof(text)) || !*text)
                return false;
        const char *state = strrchr(text, ')');
        return !state || (strncmp(state, ") Z", 3) != 0 && strncmp(state, ") X", 3) != 0);
}

/*
 * Return: whether systemd-machined has a living container of the name in another unit than the task's. A
 * container in the task's own unit does not count: its processes are being killed, which takes a while if
 * they used much memory.
 */
static bool foreign_lives(const char *machine) {
        char path[PATH_MAX], unit[PATH_MAX], line[512];
        bool ours = false;
        long leader = 0;

        if (!path_make(path, MACHINED_DIRECTORY, machine) ||
                snprintf(unit, sizeof(unit), "SCOPE=" TASK_UNIT_NAME "\n", machine) >= (int) sizeof(unit))
                return false;
        FILE *file = fopen(path, "re");
        if (!file)
                return false;

        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "LEADER=", 7) == 0)
                        leader = strtol(line + 7, NULL, 10);
                else if (strcmp(line, unit) == 0)
                        ours = true;
        (void) fclose(file);
        return leader > 0 && !ours && process_lives(leader);
}

/*
 * Removes the directory through which nspawn passes mounts into the container, and since systemd 256 the
 * mount for the container's sockets (nspawn.c, 252 to 257; in 262 both are in the unit's RuntimeDirectory=).
 */
static bool container_release(const char *machine) {
        static const char *const directories[] = { "/run/systemd/nspawn/propagate",
                "/run/systemd/nspawn/unix-export" };
        char path[PATH_MAX];
        bool had = false;

        /* If somebody else runs a container of the name, our start has failed and theirs must go on. */
        if (foreign_lives(machine))
                return false;

        for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
                if (!path_make(path, directories[i], machine))
                        continue;
                (void) umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
                had = rmdir(path) >= 0 || had;
        }
        return had;
}

/*
 * Removes the file that a systemd-machined reads when it starts. One that runs already must be called, too
 * (helper/ended.c).
 */
static bool machine_release(const char *machine) {
        char path[PATH_MAX];

        if (foreign_lives(machine))
                return false;
        /* machined's link from the unit to the file; only machined itself would remove it. */
        if (snprintf(path, sizeof(path), MACHINED_DIRECTORY "/unit:" TASK_UNIT_NAME, machine) <
                (int) sizeof(path))
                (void) unlink(path);
        return path_make(path, MACHINED_DIRECTORY, machine) && unlink(path) >= 0;
}

static bool journal_fields_release(const char *unit) {
        char directory[PATH_MAX], path[PATH_MAX];

        if (snprintf(directory, sizeof(directory), JOURNAL_FIELDS_DIRECTORY, unit) >=
                        (int) sizeof(directory) ||
                !path_make(path, directory, JOURNAL_FIELDS_FILE))
                return false;
        bool had = unlink(path) >= 0;
        return rmdir(directory) >= 0 || had;
}

static const struct {
        const char *name;
        bool (*release)(const char *name);
} kinds_table[_HOLD_KIND_MAX] = {
        [HOLD_CONTAINER] = { "container", container_release },
        [HOLD_MACHINE] = { "machine", machine_release },
        [HOLD_JOURNAL_FIELDS] = { "journal-fields", journal_fields_release },
};

const char *hold_kind_name(HoldKind kind) {
        return kinds_table[kind].name;
}

int hold_release(HoldKind kind, const char *name) {
        return kinds_table[kind].release(name);
}

/*
 * Return: the kind that the line begins with, and the name behind it in @ret_name; -1 for an invalid line.
 */
static int line_parse(const char *line, const char **ret_name) {
        for (int kind = 0; kind < _HOLD_KIND_MAX; kind++) {
                size_t n = strlen(kinds_table[kind].name);

                if (strncmp(line, kinds_table[kind].name, n) != 0 || line[n] != ' ')
                        continue;
                *ret_name = line + n + 1;
                return **ret_name && **ret_name != '.' && !strchr(*ret_name, '/') ? kind : -1;
        }
        return -1;
}

int holds_release(const char *path, unsigned kinds) {
        char text[HOLDS_MAX], *rest = text, *line;
        const char *name;
        int released = 0;

        if (!small_file_read(path, text, sizeof(text)))
                return -errno;

        while ((line = strsep(&rest, "\n"))) {
                int kind = line_parse(line, &name);

                if (kind >= 0 && (kinds & HOLD_SET(kind)) && hold_release((HoldKind) kind, name) > 0)
                        released |= (int) HOLD_SET(kind);
        }
        return released;
}

unsigned holds_release_any_version(const char *path, const char *machine, unsigned kinds) {
        int written = path ? holds_release(path, kinds) : -ENOENT;
        unsigned released = 0;
        char unit[PATH_MAX];

        if (written >= 0)
                return (unsigned) written;

        bool fits = snprintf(unit, sizeof(unit), TASK_UNIT_NAME, machine) < (int) sizeof(unit);
        for (HoldKind kind = 0; kind < _HOLD_KIND_MAX; kind++)
                if (fits && (kinds & HOLD_SET(kind)) &&
                        hold_release(kind, kind == HOLD_JOURNAL_FIELDS ? unit : machine) > 0)
                        released |= HOLD_SET(kind);
        return released;
}
