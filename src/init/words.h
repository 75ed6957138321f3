/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Words for people, where nothing may be allocated. */

/* Exit code when something failed before the command was tried; 126 and 127 are the command's. */
#define EXIT_SETUP 125

/* Keeps a copy of descriptor 2 as it is now, close-on-exec, for say() and fail(). */
void journal_open(void);

/* What they say goes to @fd instead, a sentence in each write. */
void journal_replace(int fd);

/* Writes one sentence of these strings, up to NULL, to the journal. */
void say(const char *first, ...) __attribute__((sentinel));

/* Has fail() write one byte there, so that a supervisor knows. */
void failure_report_to(int fd);

/* Writes the sentence, reports, exits with @code. */
_Noreturn void fail(int code, const char *first, ...) __attribute__((sentinel));
