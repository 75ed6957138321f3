/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Log lines for the Nomad agent: one JSON object per line on stderr. All values are strings, since the agent
 * crashes on others in some places and rounds numbers in the rest.
 */
typedef enum LogLevel {
        LOG_LEVEL_TRACE,
        LOG_LEVEL_DEBUG,
        LOG_LEVEL_INFO,
        LOG_LEVEL_WARN,
        LOG_LEVEL_ERROR,
        _LOG_LEVEL_MAX,
        _LOG_LEVEL_INVALID = -1,
} LogLevel;

/* Return: the name Nomad knows. */
const char *log_level_to_string(LogLevel level);

/* Return: the level of that name in any case, or _LOG_LEVEL_INVALID. */
LogLevel log_level_from_string(const char *s);

/**
 * log_set_level() - drop everything below a level
 *
 * Nomad never tells a plugin its level and filters by itself; without this call NOMAD_LOG_LEVEL counts where
 * it is set, and everything from debug up is written where it is not.
 */
void log_set_level(LogLevel level);

/* Return: whether a line of this level would be written; for what is costly to put together. */
bool log_is_enabled(LogLevel level);

/**
 * log_event() - write a line
 * @message: a sentence without the values that change
 *
 * Followed by pairs of key and value, both strings, and NULL. A NULL value is written as an empty one. Text
 * that is not UTF-8 is repaired, what is too long is cut, and a reader that is gone costs the line and
 * nothing else. From any thread.
 */
void log_event(LogLevel level, const char *message, ...) __attribute__((sentinel));

/* The arguments are evaluated only where the line is written. */
#define log_debug(...) \
        (log_is_enabled(LOG_LEVEL_DEBUG) ? log_event(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL) : (void) 0)
#define log_info(...) \
        (log_is_enabled(LOG_LEVEL_INFO) ? log_event(LOG_LEVEL_INFO, __VA_ARGS__, NULL) : (void) 0)
#define log_warn(...) \
        (log_is_enabled(LOG_LEVEL_WARN) ? log_event(LOG_LEVEL_WARN, __VA_ARGS__, NULL) : (void) 0)
#define log_error(...) \
        (log_is_enabled(LOG_LEVEL_ERROR) ? log_event(LOG_LEVEL_ERROR, __VA_ARGS__, NULL) : (void) 0)
