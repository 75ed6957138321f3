/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/string.h"

/*
 * How words are written to a unit file, so that systemd reads the same bytes (systemd.syntax(7), "Quoting";
 * systemd.unit(5), "Specifiers").
 */

/* What systemd replaces in a word beside specifiers. */
typedef enum UnitFileWord {
        UNIT_FILE_PLAIN,    /* nothing */
        UNIT_FILE_ARGUMENT, /* "$", as in the arguments of ExecStart= (systemd.service(5), "Command lines")
                             */
} UnitFileWord;

/* Appends a word of a setting that is a list of words: with quotes only if it needs them. */
void unit_file_append_word(StringBuffer *buffer, const char *word, UnitFileWord kind);

/* As unit_file_append_word() for a plain word, with quotes in any case. */
void unit_file_append_quoted(StringBuffer *buffer, const char *word);
