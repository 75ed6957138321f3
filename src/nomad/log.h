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

/* Return: the level with this name, in upper or lower case; or _LOG_LEVEL_INVALID. */
LogLevel log_level_from_string(const char *s);

/**
 * log_set_level() - drop everything below a level
 *
 * Without this call the level is the value of NOMAD_LOG_LEVEL, or debug if that is not set. Nomad never
 * tells a plugin what level it wants, but filters the lines that it gets.
 */
void log_set_level(LogLevel level);

/* Return: whether a line of this level would be written; for callers whose arguments are costly to make. */
bool log_is_enabled(LogLevel level);

/**
 * log_event() - write a line
 * @message: a sentence without the values that change
 *
 * Pairs of key and value, all strings, follow @message, and NULL ends them. A NULL value is written as an
 * empty one. Text that is not UTF-8 is repaired, and text that is too long is cut. When nobody reads stderr
 * any more the line is lost, and nothing else happens. Any thread may call this.
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
