/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/program.h"
#include "base/signal.h"
#include "base/string.h"
#include "engine/ledger.h"

/* No machine has such a name, so it cannot be a task's directory. */
#define LEDGERS RUNTIME_DIRECTORY "/.ledgers"

/* Far more than is ever written. */
#define LEDGER_MAX 65536

char *ledger_path(const char *machine) {
        return xasprintf(LEDGERS "/%s", machine);
}

/* Another may just have removed the directory, which goes with the last ledger. */
#define CREATE_ATTEMPTS 8

static int ledger_open_new(const char *path) {
        int fd = -1;

        for (int i = 0; i < CREATE_ATTEMPTS && fd < 0; i++) {
                if (mkdir(RUNTIME_DIRECTORY, 0755) < 0 && errno != EEXIST)
                        return -errno;
                if (mkdir(LEDGERS, 0700) < 0 && errno != EEXIST)
                        return -errno;

                /* A new file: an init that still has the old one cannot write here. */
                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
                fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (fd < 0 && errno != ENOENT)
                        return -errno;
        }
        return fd < 0 ? -ENOENT : fd;
}

int ledger_create(const TaskRecord *record) {
        _cleanup_free_ char *path = ledger_path(record->machine), *text = task_record_write(record);
        _cleanup_free_ char *line = xasprintf("%s\n", text);
        _cleanup_fd_ int fd = ledger_open_new(path);
        int r;

        if (fd < 0)
                return fd;

        r = fd_write_all(fd, line, strlen(line));
        if (r < 0) {
                (void) unlink(path);
                return r;
        }
        return TAKE_FD(fd);
}

void ledger_remove(const char *machine) {
        _cleanup_free_ char *path = ledger_path(machine);

        (void) unlink(path);
        (void) rmdir(LEDGERS);
}

bool ledger_is_of(const char *machine, const char *id, LedgerEnd *ret_end) {
        _cleanup_task_record_ TaskRecord record = {};

        return ledger_read(machine, &record, ret_end) >= 0 && streq_null(record.id, id);
}

static void set_code(LedgerEnd *end, const char *value) {
        static const struct {
                const char *word;
                int code;
        } codes[] = { { "exited", CLD_EXITED }, { "killed", CLD_KILLED }, { "dumped", CLD_DUMPED } };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (streq(value, codes[i].word))
                        end->code = codes[i].code;
}

/* $EXIT_STATUS is a number after an exit, and a signal's name otherwise (systemd.exec(5)). */
static void set_status(LedgerEnd *end, const char *value) {
        uint64_t number;

        if (string_parse_u64(value, &number) && number < 256)
                end->status = (int) number;
        else
                end->status = signal_from_string(value);
}

static void parse_unit(char *words, LedgerEnd *end) {
        const struct {
                const char *key;
                uint64_t *number;
        } numbers[] = {
                { "oom_kill=", &end->oom_kills },
                { "peak=", &end->memory_peak },
                { "limit=", &end->memory_limit },
                { "usec=", &end->usec },
        };
        char *rest;

        for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                const char *value;

                if ((value = string_after_prefix(word, "result=")))
                        (void) snprintf(end->result, sizeof(end->result), "%s", value);
                else if ((value = string_after_prefix(word, "code=")))
                        set_code(end, value);
                else if ((value = string_after_prefix(word, "status=")))
                        set_status(end, value);
                for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                        if ((value = string_after_prefix(word, numbers[i].key)))
                                (void) string_parse_u64(value, numbers[i].number);
        }

        end->has_unit = true;
        if (end->code == 0 || end->status < 0)
                end->code = end->status = 0;
}

/* "CODE SIGNAL". Return: whether it is that. */
static bool parse_payload(const char *text, int *ret_code, int *ret_signal) {
        const char *space = strchr(text, ' ');
        _cleanup_free_ char *first = space ? xstrndup(text, (size_t) (space - text)) : NULL;
        uint64_t code, signal;

        if (!first || !string_parse_u64(first, &code) || !string_parse_u64(space + 1, &signal) ||
                code > 255 || signal >= NSIG)
                return false;
        *ret_code = (int) code;
        *ret_signal = (int) signal;
        return true;
}

static void parse_line(char *line, LedgerEnd *end) {
        const char *payload = string_after_prefix(line, "payload ");

        /* After the end of one run comes the next. */
        if (payload && end->has_unit)
                *end = (LedgerEnd){};

        if (payload)
                end->has_payload = parse_payload(payload, &end->payload_code, &end->payload_signal);
        else if (string_after_prefix(line, "unit "))
                parse_unit(line + strlen("unit "), end);
}

void ledger_parse_end(const char *text, LedgerEnd *ret) {
        *ret = (LedgerEnd){};

        for (const char *newline; (newline = strchr(text, '\n')); text = newline + 1) {
                _cleanup_free_ char *line = xstrndup(text, (size_t) (newline - text));

                parse_line(line, ret);
        }
}

int ledger_read(const char *machine, TaskRecord *ret_record, LedgerEnd *ret_end) {
        _cleanup_free_ char *path = ledger_path(machine), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, LEDGER_MAX, &text);
        const char *newline = n > 0 ? strchr(text, '\n') : NULL;

        if (n < 0)
                return (int) n;
        if (!newline)
                return -EBADMSG;

        if (ret_end)
                ledger_parse_end(newline + 1, ret_end);
        return ret_record ? task_record_read(text, (size_t) (newline - text), ret_record, NULL) : 0;
}

int ledger_search(LedgerMatch match, void *userdata, TaskRecord *ret) {
        DIR *directory = opendir(LEDGERS);
        const struct dirent *entry;
        int r = -ENOENT;

        if (!directory)
                return -errno;

        while (r < 0 && (entry = readdir(directory))) {
                _cleanup_task_record_ TaskRecord record = {};

                if (*entry->d_name == '.' || ledger_read(entry->d_name, &record, NULL) < 0)
                        continue;
                if (!record.id || !streq(record.machine, entry->d_name) || !match(userdata, &record))
                        continue;
                task_record_copy(ret, &record);
                r = 0;
        }

        (void) closedir(directory);
        return r;
}

static bool has_id(void *userdata, const TaskRecord *record) {
        return streq(record->id, userdata);
}

int ledger_find(const char *id, TaskRecord *ret) {
        return ledger_search(has_id, (void *) (uintptr_t) id, ret);
}
