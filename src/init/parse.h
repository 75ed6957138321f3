/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The parts of the init that only compute: no system calls, no allocation. The texts come from an image or
 * from the task file and are not trusted, so every length is checked and no text needs a NUL at its end.
 *
 * The init uses only those headers of src/base that need nothing but libc, so that it stays tiny.
 */

typedef struct Span {
        const char *text;
        size_t length;
} Span;

typedef struct PasswdEntry {
        Span name;
        Span home;
        Span shell;
        uint32_t uid;
        uint32_t gid;
} PasswdEntry;

/* A record of the task file: the letter that says what it is, and its text. */
typedef struct SecretsRecord {
        char letter;
        const char *text; /* NUL-terminated, inside the file's bytes */
} SecretsRecord;

/**
 * secrets_record_next() - take the next record off the task file's bytes
 * @cursor: where to go on; moved behind the record
 * @end:    one past the last byte
 *
 * Return: 1 with @ret set, 0 at the end, -EINVAL when the record's end is missing, -EBADMSG for a variable
 * without a name, -ENOTSUP for a letter of a newer writer.
 */
int secrets_record_next(const char **cursor, const char *end, SecretsRecord *ret);

/*
 * Puts NAME=VALUE into the list of *@n, replacing a variable of that name. There must be room for one more.
 */
void environment_put(const char **list, size_t *n, const char *assignment);

/* Removes every variable of this name. */
void environment_remove(const char **list, size_t *n, const char *name);

/* Return: the value of a variable, or NULL. */
const char *environment_get(const char *const *list, size_t n, const char *name);

/* Return: whether the text is the digits of a uid or gid; (uint32_t) -1 is refused, since it means "none" to
 * the kernel. */
bool id_parse(Span text, uint32_t *ret);

/* Splits "user" or "user:group"; the group's text is NULL when there is no colon. */
void user_split(const char *text, Span *ret_user, Span *ret_group);

/**
 * passwd_find() - look a user up in the text of /etc/passwd
 * @user: a name, or decimal digits; digits always mean a uid, even if the image has a user with such a name
 *
 * Ignores malformed lines.
 *
 * Return: whether there is such a user; its entry is in @ret then.
 */
bool passwd_find(Span passwd, Span user, PasswdEntry *ret);

/* Looks a group up by name in the text of /etc/group. Return: whether it exists; its gid is in @ret then. */
bool group_find(Span group, Span name, uint32_t *ret);

/**
 * group_memberships() - the groups that list this user as a member
 * @gids: room for @size ids
 *
 * Return: how many there are, which may be more than @size; only that many are stored.
 */
size_t group_memberships(Span group, Span user, uint32_t *gids, size_t size);

/**
 * path_candidate() - make the command's path in the next directory of PATH
 * @cursor: the rest of PATH, moved on; NULL at its end
 *
 * Return: 1 with the path in @buffer, 0 at the end, -ENAMETOOLONG when this path did not fit.
 */
int path_candidate(const char **cursor, const char *command, char *buffer, size_t size);

/**
 * signal_forwarded() - which signal the payload gets when PID 1 gets this one
 * @from_outside: a process outside of the container sent it
 *
 * A signal from outside to the whole unit reaches the payload directly: to pass it on would deliver it
 * twice. So PID 1 passes on only a stop from outside: nspawn's SIGTERM, and the signal that "machinectl
 * poweroff" sends to the first process.
 *
 * Return: the signal, or 0 for none.
 */
int signal_forwarded(int signal, bool from_outside);

/* Return: the exit code of a process, or 128 + the signal that ended it. */
int exit_code_of_status(int status);

/* Room for what ledger_line() writes, for a unit of version 0.1.0. */
#define LEDGER_LINE_MAX 32

/* Writes "payload CODE SIGNAL\n" for a status of waitpid(); the signal is 0 for an exit. Return: its length.
 */
size_t ledger_line(int status, char line[LEDGER_LINE_MAX]);

/* Return: the exit code for an execve that failed with this errno, as shells have it. */
int exit_code_of_exec(int error);
