/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * An error with a message for people, who read it in Nomad's events, in the CLI or in a log line.
 *
 * Functions that can fail for a reason a person must understand take `Error **ret_error` as their last
 * parameter and return a negative errno. ret_error may be NULL. *ret_error must be NULL on entry, or an
 * error: then the new message becomes one more line of that error, so that a caller can report all mistakes
 * at once.
 */
typedef struct Error {
        int code;      /* positive errno */
        char *message; /* UTF-8, one sentence, or a line for each of several; never NULL */
} Error;

Error *error_free(Error *error);
DEFINE_CLEANUP(Error *, error_free)
#define _cleanup_error_ _cleanup_(error_freep)

/* Tells the compiler that the result of error_set() is always negative. */
static inline int error_is_negative(int r) {
        if (r >= 0)
                __builtin_unreachable();
        return r;
}

/**
 * error_set() - make an error and return its code
 * @ret_error: where to store the new error; an error that is there already gets one more line and keeps its
 *             code; may be NULL
 * @code:      errno, either sign; 0 counts as EIO
 *
 * Return: the negative errno, so that callers can `return error_set(...)`.
 */
#define error_set(ret_error, code, ...) error_is_negative(error_make((ret_error), (code), __VA_ARGS__))
int error_make(Error **ret_error, int code, const char *format, ...) _printf_(3, 4);

/**
 * error_prefix() - put context in front of an error's message
 *
 * Does nothing when @error or *@error is NULL.
 *
 * Return: the error's negative errno, -EIO when there is none.
 */
int error_prefix(Error **error, const char *format, ...) _printf_(2, 3);

/**
 * error_message() - the message of an error
 *
 * Return: the message, or a generic one for NULL; never NULL, owned by @error.
 */
const char *error_message(const Error *error);
