/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/macro.h"
#include "init/parse.h"

/* Return: a copy of exactly these bytes, so that the address sanitizer sees a read beyond them. */
static Span span_copy(const char *text, size_t n) {
        char *copy = malloc(n ? n : 1);

        memcpy(copy, text, n);
        return (Span){ copy, n };
}
static void span_free(Span *span) {
        free((char *) span->text);
}
#define _cleanup_span_ _cleanup_(span_free)
#define SPAN(literal) ((Span){ (literal), sizeof(literal) - 1 })
#define COPY(literal) span_copy((literal), sizeof(literal) - 1)

static bool span_is(Span span, const char *text) {
        return span.length == strlen(text) && memcmp(span.text, text, span.length) == 0;
}

Test(init, task_records_come_in_order) {
        _cleanup_span_ Span task = COPY("EA=b\nc\0Ualice:1\0E=x=\0");
        const char *cursor = task.text, *end = task.text + task.length;
        SecretsRecord record;

        cr_assert_eq(secrets_record_next(&cursor, end, &record), 1);
        cr_assert_eq(record.letter, 'E');
        cr_assert_str_eq(record.text, "A=b\nc");
        cr_assert_eq(secrets_record_next(&cursor, end, &record), 1);
        cr_assert_eq(record.letter, 'U');
        cr_assert_str_eq(record.text, "alice:1");
        cr_assert_eq(secrets_record_next(&cursor, end, &record), -EBADMSG);
        cr_assert_str_eq(record.text, "alice:1", "changed on failure");

        cursor = end;
        cr_assert_eq(secrets_record_next(&cursor, end, &record), 0);
}

Test(init, task_records_that_are_wrong_are_refused) {
        static const struct {
                const char *bytes;
                size_t n;
                int r;
        } rows[] = {
                { "", 0, 0 },
                { "E", 1, -EINVAL },
                { "EA=b", 4, -EINVAL },
                { "\0", 1, -EINVAL },
                { "E\0", 2, -EBADMSG },
                { "EA\0", 3, -EBADMSG },
                { "E=\0", 3, -EBADMSG },
                { "EA=\0", 4, 1 },
                { "E1-a.b c=\0", 10, 1 },
                { "U\0", 2, 1 },
                { "X\0", 2, -ENOTSUP },
                { "e\0", 2, -ENOTSUP },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_span_ Span task = span_copy(rows[i].bytes, rows[i].n);
                const char *cursor = task.text;
                SecretsRecord record;

                cr_assert_eq(secrets_record_next(&cursor, task.text + task.length, &record), rows[i].r,
                        "row %zu", i);
        }
}

Test(init, environment_keeps_one_of_each_name) {
        const char *list[8] = { "A=1", "AB=2", "broken", "A=3" };
        size_t n = 4;

        environment_put(list, &n, "AB=4");
        cr_assert_eq(n, 4);
        cr_assert_str_eq(environment_get(list, n, "AB"), "4");
        environment_put(list, &n, "B=");
        cr_assert_eq(n, 5);
        cr_assert_str_eq(environment_get(list, n, "B"), "");
        cr_assert_null(environment_get(list, n, "broken"));
        cr_assert_null(environment_get(list, n, "C"));

        environment_remove(list, &n, "A");
        cr_assert_eq(n, 3);
        cr_assert_null(environment_get(list, n, "A"));
        cr_assert_str_eq(list[0], "AB=4");
        cr_assert_str_eq(list[1], "broken");
}

Test(init, ids_are_decimal_and_fit) {
        static const struct {
                const char *text;
                bool good;
                uint32_t id;
        } rows[] = {
                { "0", true, 0 },
                { "65534", true, 65534 },
                { "4294967294", true, 4294967294 },
                { "4294967295", false },
                { "4294967296", false },
                { "99999999999999999999999", false },
                { "", false },
                { "-1", false },
                { "+1", false },
                { " 1", false },
                { "1a", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint32_t id = 0;

                cr_assert_eq(id_parse((Span){ rows[i].text, strlen(rows[i].text) }, &id), rows[i].good, "%s",
                        rows[i].text);
                cr_assert_eq(id, rows[i].id);
        }
}

Test(init, users_split_at_the_first_colon) {
        Span user, group;

        user_split("alice", &user, &group);
        cr_assert(span_is(user, "alice"));
        cr_assert_null(group.text);
        user_split("alice:", &user, &group);
        cr_assert(span_is(user, "alice"));
        cr_assert_not_null(group.text);
        cr_assert_eq(group.length, 0);
        user_split("1:2:3", &user, &group);
        cr_assert(span_is(user, "1"));
        cr_assert(span_is(group, "2:3"));
}

#define PASSWD \
        "\n:x:1:1::/:\nshort:x:5:5\n+::::::\nnul\0:x:6:6::/n:/s\nroot:x:0:0:root:/root:/bin/sh\n" \
        "bad:x:-1:0::/:/s\nbad:x:1:4294967295::/:/s\n" \
        "alice:x:1001:2001:A,B:/home/alice:/bin/sh\nalice:x:7:7::/second:/s\n77:x:8:8::/name:/" \
        "s\nlast:x:9:9::"

Test(init, passwd_lines_are_found) {
        _cleanup_span_ Span passwd = COPY(PASSWD);
        PasswdEntry entry = {};

        cr_assert(passwd_find(passwd, SPAN("alice"), &entry));
        cr_assert_eq(entry.uid, 1001);
        cr_assert_eq(entry.gid, 2001);
        cr_assert(span_is(entry.home, "/home/alice"));
        cr_assert(passwd_find(passwd, SPAN("0"), &entry));
        cr_assert(span_is(entry.name, "root"));
        cr_assert(passwd_find(passwd, SPAN("last"), &entry));
        cr_assert(span_is(entry.home, ""));
}

Test(init, passwd_lines_that_are_wrong_are_passed_over) {
        static const char *const users[] = { "", "short", "5", "+", "nul", "6", "bad", "1", "ali", "alice2",
                "77", "none", "4294967295" };
        _cleanup_span_ Span passwd = COPY(PASSWD), empty = COPY("");
        PasswdEntry entry = { .uid = 42 };

        for (size_t i = 0; i < ELEMENTSOF(users); i++)
                cr_assert_not(
                        passwd_find(passwd, (Span){ users[i], strlen(users[i]) }, &entry), "%s", users[i]);
        cr_assert_not(passwd_find(empty, SPAN("root"), &entry));
        cr_assert_not(passwd_find((Span){}, SPAN("root"), &entry));
        cr_assert_eq(entry.uid, 42, "changed on failure");
}

#define GROUP \
        "root:x:0:\nweb:x:10:bob,alice\nno:x:11:malice,alice2,ali\ntwo:x\nbad:x:y:alice\none:x:12:alice\n" \
        "odd:x:13:,,alice,\nnone:x:14\nlast:x:15:bob"

Test(init, groups_are_found_by_name) {
        _cleanup_span_ Span group = COPY(GROUP);
        uint32_t gid = 42;

        cr_assert_not(group_find(group, SPAN("two"), &gid));
        cr_assert_not(group_find(group, SPAN("bad"), &gid));
        cr_assert_not(group_find(group, SPAN(""), &gid));
        cr_assert_not(group_find((Span){}, SPAN("root"), &gid));
        cr_assert_eq(gid, 42);
        cr_assert(group_find(group, SPAN("web"), &gid));
        cr_assert_eq(gid, 10);
        cr_assert(group_find(group, SPAN("none"), &gid));
        cr_assert_eq(gid, 14);
}

Test(init, memberships_are_whole_names) {
        _cleanup_span_ Span group = COPY(GROUP);
        uint32_t gids[4] = {};

        cr_assert_eq(group_memberships(group, SPAN("alice"), gids, 4), 3);
        cr_assert_eq(gids[0], 10);
        cr_assert_eq(gids[1], 12);
        cr_assert_eq(gids[2], 13);
        cr_assert_eq(group_memberships(group, SPAN("bob"), gids, 4), 2);
        cr_assert_eq(gids[1], 15);
        cr_assert_eq(group_memberships(group, SPAN(""), gids, 4), 0);
}

Test(init, memberships_beyond_the_room_are_counted_only) {
        _cleanup_span_ Span group = COPY(GROUP);
        uint32_t gids[2] = { 0, 42 };

        cr_assert_eq(group_memberships(group, SPAN("alice"), gids, 1), 3);
        cr_assert_eq(gids[0], 10);
        cr_assert_eq(gids[1], 42);
}

Test(init, path_is_walked_in_order) {
        const char *path = "/a::/b:";
        char buffer[16];

        cr_assert_eq(path_candidate(&path, "x", buffer, sizeof(buffer)), 1);
        cr_assert_str_eq(buffer, "/a/x");
        cr_assert_eq(path_candidate(&path, "x", buffer, sizeof(buffer)), 1);
        cr_assert_str_eq(buffer, "./x");
        cr_assert_eq(path_candidate(&path, "x", buffer, sizeof(buffer)), 1);
        cr_assert_str_eq(buffer, "/b/x");
        cr_assert_eq(path_candidate(&path, "x", buffer, sizeof(buffer)), 1);
        cr_assert_str_eq(buffer, "./x");
        cr_assert_eq(path_candidate(&path, "x", buffer, sizeof(buffer)), 0);
}

Test(init, path_that_does_not_fit_is_passed_over) {
        const char *path = "/aaa:/bbbb:/ccccccccccccccccccc:/d";
        char buffer[8];

        cr_assert_eq(path_candidate(&path, "12", buffer, sizeof(buffer)), 1);
        cr_assert_str_eq(buffer, "/aaa/12");
        cr_assert_eq(path_candidate(&path, "12", buffer, sizeof(buffer)), -ENAMETOOLONG);
        cr_assert_eq(path_candidate(&path, "12", buffer, sizeof(buffer)), -ENAMETOOLONG);
        cr_assert_eq(path_candidate(&path, "12", buffer, sizeof(buffer)), 1);
        cr_assert_str_eq(buffer, "/d/12");
}

Test(init, signals_about_the_init_itself_stay_there) {
        static const int own[] = { SIGCHLD, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGKILL,
                SIGSTOP };

        for (int sig = 1; sig <= SIGRTMAX; sig++) {
                bool forwarded = true;

                for (size_t i = 0; i < ELEMENTSOF(own); i++)
                        forwarded = forwarded && own[i] != sig;
                cr_assert_eq(signal_forwarded(sig, false), forwarded ? sig : 0, "signal %d", sig);
        }
        cr_assert_eq(signal_forwarded(-1, false), 0);
        cr_assert_eq(signal_forwarded(0, false), 0);
        cr_assert_eq(signal_forwarded(SIGRTMAX + 1, false), 0);
}

Test(init, only_a_stop_is_passed_on_from_outside) {
        for (int sig = -1; sig <= SIGRTMAX + 1; sig++) {
                bool stops = sig == SIGTERM || sig == SIGRTMIN + 4;

                cr_assert_eq(signal_forwarded(sig, true), stops ? SIGTERM : 0, "signal %d", sig);
        }
}

Test(init, exit_codes_tell_code_or_signal) {
        for (int code = 0; code < 256; code++)
                cr_assert_eq(exit_code_of_status(W_EXITCODE(code, 0)), code);
        cr_assert_eq(exit_code_of_status(W_EXITCODE(0, SIGKILL)), 137);
        cr_assert_eq(exit_code_of_status(W_EXITCODE(0, SIGSEGV) | WCOREFLAG), 139);
        cr_assert_eq(exit_code_of_status(W_EXITCODE(0, SIGRTMAX)), 128 + SIGRTMAX);

        cr_assert_eq(exit_code_of_exec(ENOENT), 127);
        cr_assert_eq(exit_code_of_exec(ENOTDIR), 127);
        cr_assert_eq(exit_code_of_exec(EACCES), 126);
        cr_assert_eq(exit_code_of_exec(ENOEXEC), 126);
        cr_assert_eq(exit_code_of_exec(E2BIG), 126);
}
