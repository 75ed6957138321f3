/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/string.h"
#include "nomad/log.h"

/* Nomad cuts lines of 64 KiB or more into pieces, and recognises none of the pieces as JSON. */
#define LINE_MAX_BYTES (64 * 1024 - 1)

/* A message and values of these lengths fit into one line: in JSON a control character takes six bytes. */
#define MESSAGE_MAX 4096
#define VALUES_MAX 4096

static const char *const level_names[_LOG_LEVEL_MAX] = {
        [LOG_LEVEL_TRACE] = "trace",
        [LOG_LEVEL_DEBUG] = "debug",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_WARN] = "warn",
        [LOG_LEVEL_ERROR] = "error",
};

static atomic_int log_level = _LOG_LEVEL_INVALID;

const char *log_level_to_string(LogLevel level) {
        return level >= 0 && level < _LOG_LEVEL_MAX ? level_names[level] : level_names[LOG_LEVEL_DEBUG];
}

LogLevel log_level_from_string(const char *s) {
        for (LogLevel i = 0; i < _LOG_LEVEL_MAX; i++)
                if (strcasecmp(s, level_names[i]) == 0)
                        return i;
        return _LOG_LEVEL_INVALID;
}

void log_set_level(LogLevel level) {
        atomic_store(&log_level, (int) level);
}

bool log_is_enabled(LogLevel level) {
        int least = atomic_load(&log_level);

        if (least == _LOG_LEVEL_INVALID) {
                const char *wanted = getenv("NOMAD_LOG_LEVEL");

                least = wanted ? (int) log_level_from_string(wanted) : _LOG_LEVEL_INVALID;
                if (least == _LOG_LEVEL_INVALID)
                        least = LOG_LEVEL_DEBUG;
                atomic_store(&log_level, least);
        }

        return (int) level >= least;
}

/* Writes exactly six digits after the point: otherwise the agent takes the whole line for plain text. */
static void format_timestamp(char *buffer, size_t size) {
        char seconds[32];
        struct timespec now;
        struct tm tm;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        (void) gmtime_r(&now.tv_sec, &tm);
        (void) strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(buffer, size, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}

/* Return: the first @limit bytes of a text, made valid UTF-8; "..." follows them if the text is longer. */
static json_t *text_new(const char *s, size_t limit) {
        _cleanup_free_ char *text = NULL;
        size_t n = strnlen(s, limit);

        if (s[n]) {
                while (n > 0 && ((unsigned char) s[n] & 0xc0) == 0x80)
                        n--;
                _cleanup_free_ char *cut = utf8_sanitize(s, n);
                text = xasprintf("%s...", cut);
        } else
                text = utf8_sanitize(s, n);

        return json_string(text);
}

static char *format_line(LogLevel level, const char *message, va_list ap) {
        json_t *line = json_object();
        size_t room = VALUES_MAX;
        char timestamp[64];
        const char *key;

        format_timestamp(timestamp, sizeof(timestamp));
        (void) json_object_set_new(line, "@level", json_string(log_level_to_string(level)));
        (void) json_object_set_new(line, "@message", text_new(message, MESSAGE_MAX));
        (void) json_object_set_new(line, "@timestamp", json_string(timestamp));

        while ((key = va_arg(ap, const char *))) {
                const char *value = va_arg(ap, const char *);
                size_t n = strlen(key);

                if (!value)
                        value = "";
                /* Keys that begin with @ are reserved for the agent. */
                if (*key == '@' || room < n)
                        continue;
                room -= n;
                (void) json_object_set_new(line, key, text_new(value, room));
                room -= strnlen(value, room);
        }

        char *text = json_dumps(line, JSON_COMPACT);
        json_decref(line);
        return text;
}

void log_event(LogLevel level, const char *message, ...) {
        _cleanup_free_ char *text = NULL;
        _cleanup_free_ char *line = NULL;
        va_list ap;

        if (!log_is_enabled(level))
                return;

        va_start(ap, message);
        text = format_line(level, message, ap);
        va_end(ap);
        if (!text || strlen(text) >= LINE_MAX_BYTES)
                return;

        /* One write, so that lines of several threads do not mix. */
        line = xasprintf("%s\n", text);
        while (write(STDERR_FILENO, line, strlen(line)) < 0 && errno == EINTR)
                ;
}
