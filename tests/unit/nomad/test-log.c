/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/string.h"
#include "nomad/log.h"

TestSuite(log, .timeout = 60);

static int reader = -1;

/* Makes stderr a pipe. Criterion reports failed assertions in another way. */
static void capture(void) {
        int fds[2];

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        (void) fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
        cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        (void) close(fds[1]);
        reader = fds[0];
        cr_assert_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
}

/* Return: the next line. Each line comes with one write, so one read gives exactly one. */
static json_t *read_line(void) {
        static char buffer[256 * 1024];
        ssize_t n = read(reader, buffer, sizeof(buffer) - 1);
        json_error_t error;

        cr_assert_gt(n, 0);
        cr_assert_lt(n, 65536, "Nomad cuts such lines");
        buffer[n] = 0;
        cr_assert_eq(strchr(buffer, '\n'), buffer + n - 1, "one line");
        json_t *line = json_loads(buffer, JSON_REJECT_DUPLICATES, &error);
        cr_assert_not_null(line, "%s: %s", error.text, buffer);
        return line;
}

static bool is_quiet(void) {
        char c;

        return read(reader, &c, 1) < 0 && errno == EAGAIN;
}

static void expect_text(json_t *line, const char *key, const char *expected) {
        const char *s = json_string_value(json_object_get(line, key));

        cr_assert_not_null(s, "%s is no string", key);
        cr_assert_str_eq(s, expected);
}

Test(log, line_is_an_object_of_strings) {
        unsigned year, month, day, hour, minute, second, micro;
        char zone;
        int end = 0;

        capture();
        log_event(LOG_LEVEL_WARN, "task \"a\"\nis gone", "task", "web", "bytes", "1234567", "none",
                (const char *) NULL, NULL);
        json_t *line = read_line();
        cr_assert_eq(json_object_size(line), 6);
        expect_text(line, "@message", "task \"a\"\nis gone");
        expect_text(line, "@level", "warn");
        expect_text(line, "task", "web");
        expect_text(line, "bytes", "1234567");
        expect_text(line, "none", "");

        const char *timestamp = json_string_value(json_object_get(line, "@timestamp"));
        cr_assert_eq(strlen(timestamp), strlen("2026-01-02T03:04:05.000006Z"));
        cr_assert_eq(sscanf(timestamp, "%4u-%2u-%2uT%2u:%2u:%2u.%6u%c%n", &year, &month, &day, &hour,
                             &minute, &second, &micro, &zone, &end),
                8);
        cr_assert_eq(zone, 'Z');
        cr_assert_eq(timestamp[end], 0);
        json_decref(line);
}

Test(log, text_that_is_not_utf8_is_repaired) {
        capture();
        log_event(LOG_LEVEL_INFO, "caf\xe9\x01", "key\xff", "value", "path", "\xed\xa0\x80x", NULL);
        json_t *line = read_line();
        expect_text(line, "@message", "caf\xef\xbf\xbd\x01");
        expect_text(line, "path", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");
        json_decref(line);
}

Test(log, keys_of_the_agent_cannot_be_overwritten) {
        capture();
        log_event(LOG_LEVEL_INFO, "text", "@level", "nonsense", "@timestamp", "never", NULL);
        json_t *line = read_line();
        expect_text(line, "@level", "info");
        json_decref(line);
}

Test(log, long_texts_stay_below_the_limit) {
        _cleanup_free_ char *control = xcalloc(200000, 1), *invalid = xcalloc(200000, 1);

        memset(control, 1, 199999);
        memset(invalid, 0xff, 199999);
        capture();
        log_event(LOG_LEVEL_ERROR, control, "a", control, "b", control, NULL);
        json_decref(read_line());
        log_event(LOG_LEVEL_ERROR, invalid, invalid, invalid, "b", control, NULL);
        json_decref(read_line());
        log_event(LOG_LEVEL_ERROR, "x", "a", "short", "b", control, "c", "lost", NULL);
        json_t *line = read_line();
        expect_text(line, "a", "short");
        cr_assert(string_has_suffix(json_string_value(json_object_get(line, "b")), "..."));
        json_decref(line);
}

Test(log, levels_filter) {
        capture();
        cr_assert_eq(unsetenv("NOMAD_LOG_LEVEL"), 0);
        log_event(LOG_LEVEL_TRACE, "unwanted", NULL);
        cr_assert(is_quiet());
        log_debug("wanted");
        json_decref(read_line());

        log_set_level(LOG_LEVEL_WARN);
        log_info("unwanted", "a", "b");
        cr_assert(is_quiet());
        log_error("wanted", "a", "b");
        json_decref(read_line());
        cr_assert_not(log_is_enabled(LOG_LEVEL_INFO));
}

Test(log, level_comes_from_the_environment) {
        capture();
        cr_assert_eq(setenv("NOMAD_LOG_LEVEL", "ERROR", 1), 0);
        log_warn("unwanted");
        cr_assert(is_quiet());
        log_error("wanted");
        json_decref(read_line());
}

Test(log, level_names_go_both_ways) {
        for (LogLevel i = 0; i < _LOG_LEVEL_MAX; i++)
                cr_assert_eq(log_level_from_string(log_level_to_string(i)), i);
        cr_assert_eq(log_level_from_string("Warn"), LOG_LEVEL_WARN);
        cr_assert_eq(log_level_from_string("loud"), _LOG_LEVEL_INVALID);
}

/* SIGPIPE is ignored, as in the program. */
Test(log, lines_without_a_reader_are_lost_and_later_lines_are_not) {
        (void) signal(SIGPIPE, SIG_IGN);
        capture();
        (void) close(reader);
        log_error("nobody reads this");
        capture();
        log_error("somebody reads this");
        json_t *line = read_line();
        expect_text(line, "@message", "somebody reads this");
        json_decref(line);
}

static void *log_many(void *userdata) {
        for (unsigned i = 0; i < 100; i++)
                log_info("a line of some length, so that parts of it would be seen", "from",
                        (const char *) userdata);
        return NULL;
}

Test(log, lines_of_threads_do_not_mix) {
        pthread_t threads[4];
        static char buffer[1 << 20];
        unsigned n = 0;

        capture();
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                cr_assert_eq(pthread_create(threads + i, NULL, log_many, (void *) "thread"), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                cr_assert_eq(pthread_join(threads[i], NULL), 0);

        ssize_t size = read(reader, buffer, sizeof(buffer) - 1);
        cr_assert_gt(size, 0);
        for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n"), n++) {
                json_t *object = json_loads(line, 0, NULL);

                cr_assert_not_null(object, "%s", line);
                json_decref(object);
        }
        cr_assert_eq(n, 400);
}
