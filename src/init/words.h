/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages for people, without allocating memory. */

/* Exit code for a failure before execve() of the command; 126 and 127 mean that execve() failed. */
#define EXIT_SETUP 125

/* Keeps a copy of the present descriptor 2, close-on-exec, for say() and fail(). */
void journal_open(void);

/* Makes say() and fail() write to @fd instead, one message in each write(). */
void journal_replace(int fd);

/* Joins the strings, up to NULL, and writes them to the journal as one message. */
void say(const char *first, ...) __attribute__((sentinel));

/* Makes fail() write one byte to @fd, so that a supervisor notices the failure. */
void failure_report_to(int fd);

/* Writes the message as say() does, writes the byte of failure_report_to(), and exits with @code. */
_Noreturn void fail(int code, const char *first, ...) __attribute__((sentinel));
