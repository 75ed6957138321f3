/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * An error in words, for the edges where a person reads it: Nomad's events, the CLI, a log line.
 *
 * Functions that can fail for a reason a person must understand take `Error **ret_error` as their last
 * parameter and return a negative errno. ret_error may be NULL. What it points to is NULL on entry, or an
 * error already: then the words become one more line of it, so that all mistakes can be told at once.
 */
typedef struct Error {
        int code;      /* positive errno */
        char *message; /* UTF-8, one sentence, or a line for each of several; never NULL */
} Error;

Error *error_free(Error *error);
DEFINE_CLEANUP(Error *, error_free)
#define _cleanup_error_ _cleanup_(error_freep)

/* Tells the compiler what error_set() promises. */
static inline int error_is_negative(int r) {
        if (r >= 0)
                __builtin_unreachable();
        return r;
}

/**
 * error_set() - make an error and return its code
 * @ret_error: where to store the new error, or what gets one more line and keeps its code; may be NULL
 * @code:      errno, either sign; 0 counts as EIO
 *
 * Return: the negative errno, so that callers can `return error_set(...)`.
 */
#define error_set(ret_error, code, ...) error_is_negative(error_make((ret_error), (code), __VA_ARGS__))
int error_make(Error **ret_error, int code, const char *format, ...) _printf_(3, 4);

/**
 * error_prefix() - put context in front of an error's words
 *
 * Does nothing when there is no error to be found at @error.
 *
 * Return: the error's negative errno, -EIO when there is none.
 */
int error_prefix(Error **error, const char *format, ...) _printf_(2, 3);

/**
 * error_message() - the words of an error
 *
 * Return: the message, or a generic one for NULL; never NULL, owned by @error.
 */
const char *error_message(const Error *error);
