/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/string.h"

/* How a unit file says what a program has in mind (systemd.syntax(7), "Quoting"; systemd.unit(5),
 * "Specifiers"). */

/* What systemd replaces in a word beside specifiers. */
typedef enum UnitFileWord {
        UNIT_FILE_PLAIN,    /* nothing */
        UNIT_FILE_ARGUMENT, /* "$", as in the arguments of ExecStart= (systemd.service(5), "Command lines")
                             */
} UnitFileWord;

/* Appends a word of a setting that is a list of words: quoted where it has to be, so that systemd reads the
 * same bytes. */
void unit_file_append_word(StringBuffer *buffer, const char *word, UnitFileWord kind);

/* As unit_file_append_word() for a plain word, with quotes in any case. */
void unit_file_append_quoted(StringBuffer *buffer, const char *word);
