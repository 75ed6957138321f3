/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The parts of the init that only think: no system calls, no allocation, nothing trusted. The texts come
 * from an image or from the task file, so every length is checked and nothing needs a NUL at its end.
 *
 * This program stands on its own (it knows nothing of src/base), so that it stays tiny.
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

/* Puts NAME=VALUE into the list of *@n, in place of what has the same name. There must be room for one. */
void environment_put(const char **list, size_t *n, const char *assignment);

/* Removes every variable of this name. */
void environment_remove(const char **list, size_t *n, const char *name);

/* Return: the value of a variable, or NULL. */
const char *environment_get(const char *const *list, size_t n, const char *name);

/* Return: whether these are the digits of a uid or gid; (uint32_t) -1 means "none" to the kernel and is not.
 */
bool id_parse(Span text, uint32_t *ret);

/* Splits "user" or "user:group"; the group's text is NULL when there is no colon. */
void user_split(const char *text, Span *ret_user, Span *ret_group);

/**
 * passwd_find() - look a user up in the text of /etc/passwd
 * @user: a name, or decimal digits, which always mean a uid: no image can give that another meaning
 *
 * Lines that are malformed are passed over.
 */
bool passwd_find(Span passwd, Span user, PasswdEntry *ret);

/* Looks a group up by name in the text of /etc/group. */
bool group_find(Span group, Span name, uint32_t *ret);

/**
 * group_memberships() - the groups that list this user as a member
 * @gids: room for @size ids
 *
 * Return: how many there are, which may be more than @size; only that many are stored.
 */
size_t group_memberships(Span group, Span user, uint32_t *gids, size_t size);

/**
 * path_candidate() - the next place where PATH says a command may be
 * @cursor: the rest of PATH, moved on; NULL once all of it was seen
 *
 * Return: 1 with the path in @buffer, 0 at the end, -ENAMETOOLONG when this one did not fit.
 */
int path_candidate(const char **cursor, const char *command, char *buffer, size_t size);

/**
 * signal_forwarded() - which signal the payload gets when PID 1 gets this one
 * @from_outside: a process outside of the container sent it
 *
 * What is sent to the whole unit from outside the payload gets itself, and would get twice. So only a stop
 * is passed on from there: SIGTERM of nspawn, and what "machinectl poweroff" sends to the first process.
 *
 * Return: the signal, or 0 for none.
 */
int signal_forwarded(int signal, bool from_outside);

/* Return: the exit code that tells how a process ended: its own, or 128 and the signal. */
int exit_code_of_status(int status);

/* Room for what ledger_line() writes, for a unit of version 0.1.0. */
#define LEDGER_LINE_MAX 32

/* Writes "payload CODE SIGNAL\n" for a status of waitpid(); the signal is 0 for an exit. Return: its length.
 */
size_t ledger_line(int status, char line[LEDGER_LINE_MAX]);

/* Return: the exit code for an execve that failed with this errno, as shells have it. */
int exit_code_of_exec(int error);
