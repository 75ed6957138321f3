/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/program.h"
#include "base/string.h"
#include "engine/owner.h"

/* The directory of the notes; it has the plugins' sockets too. */
#define NOTES RUNTIME_DIRECTORY "/plugin"

#define ID_MAX 256
#define NOTE_MAX 8192
#define STAT_MAX 4096

static char *note_path(const char *owner) {
        return xasprintf(NOTES "/node-%s", owner);
}

/* Return: whether @id may be a part of a file's name. */
static bool id_is_valid(const char *id) {
        return !string_is_empty(id) && !strpbrk(id, "/ \n") && utf8_is_valid(id, strlen(id));
}

/*
 * @ret: when the process began, in the kernel's ticks, which tells it from a later one with the same pid; 0
 *       when it is gone or a zombie (proc(5), stat, fields 3 and 22)
 *
 * Return: 0; or a negative errno when the time cannot be read.
 */
static int process_started(pid_t pid, uint64_t *ret) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/stat", pid), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, STAT_MAX, &text);

        *ret = 0;
        if (n == -ENOENT || n == -ESRCH)
                return 0;

        const char *word = n > 0 ? strrchr(text, ')') : NULL;
        if (!word)
                return n < 0 ? (int) n : -EBADMSG;
        if (strncmp(word, ") Z", 3) == 0)
                return 0;
        for (int i = 2; i < 22 && word; i++)
                word = strchr(word + 1, ' ');
        if (!word)
                return -EBADMSG;
        *ret = strtoull(word, NULL, 10);
        return 0;
}

/*
 * Return: the device number of the directory that @path is in, or of the nearest directory above that
 * exists; 0 when it is unknown.
 */
static uint64_t find_device(const char *path) {
        _cleanup_free_ char *directory = xstrdup(path);
        struct stat st;

        do {
                char *slash = strrchr(directory, '/');

                if (slash == directory)
                        return 0;
                *slash = '\0';
                if (stat(directory, &st) >= 0)
                        return st.st_dev;
        } while (errno == ENOENT || errno == ENOTDIR);
        return 0;
}

/* Return: the inode number of this process's mount namespace; 0 when it is unknown. */
static uint64_t mount_namespace(void) {
        struct stat st;

        return stat("/proc/self/ns/mnt", &st) < 0 ? 0 : st.st_ino;
}

int owner_note(const char *path, pid_t pid, char **ret_owner) {
        _cleanup_free_ char *owner = NULL, *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, ID_MAX, &owner);

        if (n < 0)
                return (int) n;
        if (!id_is_valid(owner))
                return -EBADMSG;

        /* If the time is unknown, owner_look() relies on the file alone. */
        uint64_t started;
        (void) process_started(pid, &started);

        json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I}", "path", path, "device",
                (json_int_t) find_device(path), "mounts", (json_int_t) mount_namespace(), "pid",
                (json_int_t) pid, "started", (json_int_t) started);
        text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        if (!text)
                return -EILSEQ; /* a path that is not UTF-8 */

        if (mkdir(RUNTIME_DIRECTORY, 0755) < 0 && errno != EEXIST)
                return -errno;
        if (mkdir(NOTES, 0700) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_free_ char *note = note_path(owner);
        int r = file_write_private(note, text, strlen(text));
        if (r >= 0)
                *ret_owner = TAKE_PTR(owner);
        return r;
}

/* The content of a note. */
typedef struct Note {
        const char *path;
        json_int_t device, mounts, pid, started;
} Note;

static OwnerState look(const char *owner, const Note *note) {
        _cleanup_free_ char *text = NULL;
        ssize_t n = file_read(AT_FDCWD, note->path, ID_MAX, &text);

        if (n >= 0 && streq(text, owner))
                return OWNER_THERE;

        uint64_t started = 0;
        int r = note->started > 0 ? process_started((pid_t) note->pid, &started) : 0;
        if (r < 0)
                return OWNER_UNKNOWN;
        if (started > 0 && started == (uint64_t) note->started)
                return OWNER_THERE;

        /* A file without an id, such as one that is being written, does not name another owner. */
        if (n >= 0 ? !id_is_valid(text) : n != -ENOENT && n != -ENOTDIR)
                return OWNER_UNKNOWN;

        /* A file is not lost if its file system is not mounted now, or not in this mount namespace. */
        uint64_t device = find_device(note->path);
        bool same = device > 0 && device == (uint64_t) note->device &&
                mount_namespace() == (uint64_t) note->mounts;
        return same ? OWNER_LOST : OWNER_UNKNOWN;
}

OwnerState owner_look(const char *owner) {
        _cleanup_free_ char *path = note_path(owner ? owner : ""), *text = NULL;
        ssize_t n = id_is_valid(owner) ? file_read(AT_FDCWD, path, NOTE_MAX, &text) : -1;
        OwnerState state = OWNER_UNKNOWN;
        Note note;

        json_t *json = n < 0 ? NULL : json_loadb(text, (size_t) n, 0, NULL);
        if (json &&
                json_unpack(json, "{s:s, s:I, s:I, s:I, s:I}", "path", &note.path, "device", &note.device,
                        "mounts", &note.mounts, "pid", &note.pid, "started", &note.started) >= 0)
                state = look(owner, &note);
        json_decref(json);
        return state;
}
