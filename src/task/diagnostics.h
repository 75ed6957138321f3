/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* A mistake in a job or file. */
typedef struct Diagnostic {
        char *option;    /* BLOCK.MEMBER for a member; NULL for the text as a whole */
        unsigned line;   /* from 1; 0 when the value did not come from a text */
        unsigned column; /* from 1 */
        int code;        /* positive errno */
        bool unread;     /* the option's value could not be read */
        char *text;      /* one line, without the option's name */
} Diagnostic;

/* An option that was given. */
typedef struct OptionPlace {
        char *option;
        unsigned line; /* of its name; 0 when it did not come from a text */
        unsigned column;
        char *shown; /* text for this use of the option in messages, such as the path of a mount, or NULL */
} OptionPlace;

/*
 * All mistakes of one job or file. The decoder, the rules and the policy add theirs in turn. The decoder
 * also notes which options are given and where, so that the rules and the policy know that, and their
 * messages can name the place.
 *
 * Zero-initialised is empty. If @source is set, messages begin with it and with line and column.
 */
typedef struct Diagnostics {
        const char *source; /* name of the file, or NULL */
        unsigned line;      /* where the text's map of options begins */
        unsigned column;
        Diagnostic *items;
        size_t n_items;
        OptionPlace *places;
        size_t n_places;
} Diagnostics;

void diagnostics_clear(Diagnostics *d);
#define _cleanup_diagnostics_ _cleanup_(diagnostics_clear)

/* Notes that an option is given. @shown may be NULL. */
void diagnostics_note(Diagnostics *d, const char *option, unsigned line, unsigned column, const char *shown);

/* Return: whether the option is given. */
bool diagnostics_is_given(const Diagnostics *d, const char *option);

/* Return: whether the option, or the block it is in, has a value that could not be read. */
bool diagnostics_is_unread(const Diagnostics *d, const char *option);

/**
 * diagnostics_add() - add a mistake at the place of its option
 * @option: the mistake gets the place of this option, else of the block it is in, else of the beginning
 * @code:   errno, either sign
 *
 * Return: the negative errno.
 */
#define diagnostics_add(d, option, code, ...) \
        error_is_negative(diagnostics_make((d), (option), (code), __VA_ARGS__))
int diagnostics_make(Diagnostics *d, const char *option, int code, const char *format, ...) _printf_(4, 5);

/* As diagnostics_add(), for a value or a name that cannot be read, at the given place of the text. */
#define diagnostics_add_unread(d, option, line, column, ...) \
        error_is_negative(diagnostics_make_unread((d), (option), (line), (column), __VA_ARGS__))
int diagnostics_make_unread(Diagnostics *d, const char *option, unsigned line, unsigned column,
        const char *format, ...) _printf_(5, 6);

/* Return: the mistakes, a line for each, owned by the caller; NULL when there are none. */
char *diagnostics_to_string(const Diagnostics *d);

/* Return: 0 when there are none, else the first one's negative errno with all of them in @ret_error. */
int diagnostics_to_error(const Diagnostics *d, Error **ret_error);
