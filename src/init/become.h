/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "parse.h"

/*
 * Turns a process in the container into a command of the task: environment, user, execve(). A failure ends
 * the process with a message (words.h).
 */

#define DATABASE_SIZE_MAX (4 * 1024 * 1024)

/* Environment and user of the command. */
typedef struct Setup {
        const char **environment; /* NULL-terminated */
        size_t n_environment;
        const char *user;      /* the last user that the task file names, or NULL */
        uint64_t capabilities; /* mask of those that the user keeps, unless it is root */
        PasswdEntry entry;
        bool known; /* the user has a line in /etc/passwd */
} Setup;

/* Closes every descriptor from @first on. */
void descriptors_close_from(unsigned first);

/*
 * Resets all signals to their default action. Ignored signals would stay ignored over execve(), and an
 * ignored SIGCHLD would hide how a command ended.
 */
void signals_reset(void);

/* Return: memory that is zeroed, and freed only by execve() or the end of the process. */
void *allocate(size_t size);

/* Reads all of @fd and closes it; @name is for messages. Return: the text, with a NUL behind it. */
Span text_read_fd(int fd, const char *name, size_t limit);

/*
 * Reads a whole file, which must be a regular one: a FIFO in an image must not stop us.
 * Return: false when there is none.
 */
bool text_read(const char *path, size_t limit, Span *ret);

/* Takes the next record, as secrets_record_next(). Return: whether there was one. */
bool task_next(const char **cursor, Span task, SecretsRecord *ret);

/**
 * setup_build() - find out what the command gets
 * @base:   the environment to begin with, NULL-terminated
 * @hidden: names of variables to leave out of it, NULL-terminated
 * @task:   the task file; the variables for its user (HOME and others) override @base, and its own variables
 *          override both
 */
void setup_build(Setup *setup, const char *const *base, const char *const *hidden, Span task);

/*
 * Becomes the user that the task file names. A user other than root keeps only the capabilities that the
 * task file grants and this process has, even if nspawn left more; programs that it executes get them, too.
 */
void user_become(Setup *setup);

/* Becomes the command; searches PATH for it. */
_Noreturn void command_run(char **argv, const Setup *setup);
