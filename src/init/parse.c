/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/secrets-file.h"
#include "parse.h"

/* A line of passwd has seven fields. Further ones are tolerated, and become part of the last one. */
#define FIELDS_MAX 7

static bool span_equal(Span a, Span b) {
        return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

int secrets_record_next(const char **cursor, const char *end, SecretsRecord *ret) {
        if (*cursor >= end)
                return 0;

        const char *start = *cursor;
        const char *nul = memchr(start, 0, (size_t) (end - start));
        if (!nul || nul == start)
                return -EINVAL;

        switch (*start) {
        case TASK_ENVIRONMENT: {
                const char *equals = strchr(start + 1, '=');

                if (!equals || equals == start + 1)
                        return -EBADMSG;
                break;
        }
        case TASK_USER:
        case TASK_CAPABILITIES:
        case TASK_ARGUMENT:
        case TASK_DIRECTORY:
        case TASK_TERMINAL:
        case TASK_MANAGER:
                break;
        default:
                return -ENOTSUP;
        }

        *ret = (SecretsRecord){ .letter = *start, .text = start + 1 };
        *cursor = nul + 1;
        return 1;
}

/* Return: whether @assignment is NAME=..., where the name has @n bytes. */
static bool has_name(const char *assignment, const char *name, size_t n) {
        return strncmp(assignment, name, n) == 0 && assignment[n] == '=';
}

void environment_put(const char **list, size_t *n, const char *assignment) {
        size_t length = strcspn(assignment, "=");

        for (size_t i = 0; i < *n; i++)
                if (has_name(list[i], assignment, length)) {
                        list[i] = assignment;
                        return;
                }

        list[(*n)++] = assignment;
}

void environment_remove(const char **list, size_t *n, const char *name) {
        size_t kept = 0, length = strlen(name);

        for (size_t i = 0; i < *n; i++)
                if (!has_name(list[i], name, length))
                        list[kept++] = list[i];
        *n = kept;
}

const char *environment_get(const char *const *list, size_t n, const char *name) {
        size_t length = strlen(name);

        for (size_t i = 0; i < n; i++)
                if (has_name(list[i], name, length))
                        return list[i] + length + 1;
        return NULL;
}

bool id_parse(Span text, uint32_t *ret) {
        uint64_t value = 0;

        if (text.length == 0)
                return false;

        for (size_t i = 0; i < text.length; i++) {
                if (text.text[i] < '0' || text.text[i] > '9')
                        return false;
                value = value * 10 + (uint64_t) (text.text[i] - '0');
                if (value >= UINT32_MAX)
                        return false;
        }

        *ret = (uint32_t) value;
        return true;
}

void user_split(const char *text, Span *ret_user, Span *ret_group) {
        const char *colon = strchr(text, ':');

        *ret_user = (Span){ text, colon ? (size_t) (colon - text) : strlen(text) };
        *ret_group = colon ? (Span){ colon + 1, strlen(colon + 1) } : (Span){};
}

/* Takes the next line off @rest. Return: false at the end. */
static bool line_next(Span *rest, Span *ret) {
        if (rest->length == 0)
                return false;

        const char *newline = memchr(rest->text, '\n', rest->length);
        size_t length = newline ? (size_t) (newline - rest->text) : rest->length;

        *ret = (Span){ rest->text, length };
        length += newline ? 1 : 0;
        rest->text += length;
        rest->length -= length;
        return true;
}

/* Splits at colons. Return: how many fields there are, at most @n; 0 for a line that contains a NUL. */
static size_t line_split(Span line, Span *fields, size_t n) {
        size_t count = 0;

        if (memchr(line.text, 0, line.length))
                return 0;

        for (; count < n; count++) {
                const char *colon = count + 1 < n ? memchr(line.text, ':', line.length) : NULL;

                fields[count] = (Span){ line.text, colon ? (size_t) (colon - line.text) : line.length };
                if (!colon)
                        return count + 1;
                line.length -= (size_t) (colon + 1 - line.text);
                line.text = colon + 1;
        }

        return count;
}

bool passwd_find(Span passwd, Span user, PasswdEntry *ret) {
        uint32_t wanted = 0;
        bool by_id = id_parse(user, &wanted);
        Span line;

        while (line_next(&passwd, &line)) {
                Span fields[FIELDS_MAX] = {};
                PasswdEntry entry;

                if (line_split(line, fields, FIELDS_MAX) < 6 || fields[0].length == 0 ||
                        !id_parse(fields[2], &entry.uid) || !id_parse(fields[3], &entry.gid))
                        continue;
                if (by_id ? entry.uid != wanted : !span_equal(fields[0], user))
                        continue;

                entry.name = fields[0];
                entry.home = fields[5];
                entry.shell = fields[6];
                *ret = entry;
                return true;
        }

        return false;
}

/* The next well-formed line of /etc/group. Return: false at the end. */
static bool group_next(Span *rest, Span *ret_name, uint32_t *ret_gid, Span *ret_members) {
        Span line;

        while (line_next(rest, &line)) {
                Span fields[4] = {};
                size_t n = line_split(line, fields, 4);

                if (n < 3 || fields[0].length == 0 || !id_parse(fields[2], ret_gid))
                        continue;

                *ret_name = fields[0];
                *ret_members = fields[3];
                return true;
        }

        return false;
}

bool group_find(Span group, Span name, uint32_t *ret) {
        Span found, members;
        uint32_t gid;

        while (group_next(&group, &found, &gid, &members))
                if (span_equal(found, name)) {
                        *ret = gid;
                        return true;
                }

        return false;
}

static bool members_contain(Span members, Span user) {
        while (members.length > 0) {
                const char *comma = memchr(members.text, ',', members.length);
                size_t length = comma ? (size_t) (comma - members.text) : members.length;

                if (span_equal((Span){ members.text, length }, user))
                        return true;
                length += comma ? 1 : 0;
                members.text += length;
                members.length -= length;
        }

        return false;
}

size_t group_memberships(Span group, Span user, uint32_t *gids, size_t size) {
        Span name, members;
        size_t n = 0;
        uint32_t gid;

        if (user.length == 0)
                return 0;

        while (group_next(&group, &name, &gid, &members))
                if (members_contain(members, user)) {
                        if (n < size)
                                gids[n] = gid;
                        n++;
                }

        return n;
}

int path_candidate(const char **cursor, const char *command, char *buffer, size_t size) {
        if (!*cursor)
                return 0;

        const char *directory = *cursor;
        size_t n = strcspn(directory, ":"), m = strlen(command);
        *cursor = directory[n] ? directory + n + 1 : NULL;

        /* An empty entry of PATH is the working directory. */
        if (n == 0) {
                directory = ".";
                n = 1;
        }
        if (n >= size || m >= size - n - 1)
                return -ENAMETOOLONG;

        memcpy(buffer, directory, n);
        buffer[n] = '/';
        memcpy(buffer + n + 1, command, m + 1);
        return 1;
}

int signal_forwarded(int signal, bool from_outside) {
        if (from_outside)
                return signal == SIGTERM || signal == SIGRTMIN + 4 ? SIGTERM : 0;

        switch (signal) {
        case SIGCHLD: /* for us, about our children */
        case SIGSEGV: /* a fault of our own, as the next five */
        case SIGBUS:
        case SIGILL:
        case SIGFPE:
        case SIGTRAP:
        case SIGSYS:
        case SIGKILL: /* cannot be caught */
        case SIGSTOP:
                return 0;
        default:
                return signal > 0 && signal <= SIGRTMAX ? signal : 0;
        }
}

int exit_code_of_status(int status) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t append_number(char *text, size_t n, unsigned number) {
        char digits[10];
        size_t k = 0;

        do
                digits[k++] = (char) ('0' + number % 10);
        while ((number /= 10) > 0);
        while (k > 0)
                text[n++] = digits[--k];
        return n;
}

size_t ledger_line(int status, char line[LEDGER_LINE_MAX]) {
        static const char word[] = "payload ";
        size_t n = sizeof(word) - 1;

        memcpy(line, word, n);
        n = append_number(line, n, (unsigned) exit_code_of_status(status));
        line[n++] = ' ';
        n = append_number(line, n, WIFSIGNALED(status) ? (unsigned) WTERMSIG(status) : 0);
        line[n++] = '\n';
        return n;
}

int exit_code_of_exec(int error) {
        return error == ENOENT || error == ENOTDIR ? 127 : 126;
}
