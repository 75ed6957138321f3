/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "parse.h"

/*
 * From a process in the container to a command of the task: environment, user, execve. What goes wrong ends
 * the process with words (words.h).
 */

#define DATABASE_SIZE_MAX (4 * 1024 * 1024)

/* What the command gets. */
typedef struct Setup {
        const char **environment; /* NULL-terminated */
        size_t n_environment;
        const char *user;      /* the last that the task file names, or NULL */
        uint64_t capabilities; /* that the user keeps, unless he is root */
        PasswdEntry entry;
        bool known; /* the user has a line in /etc/passwd */
} Setup;

/* Closes every descriptor from @first on. */
void descriptors_close_from(unsigned first);

/* Every signal does what it does by default. What is ignored stays ignored over execve otherwise, and an
 * ignored SIGCHLD would hide how a command ended. */
void signals_reset(void);

/* Memory that execve gives back; it starts as zeros. */
void *allocate(size_t size);

/* Reads all of @fd, which is closed; @name is for words. There is a NUL behind it. */
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
 * @hidden: names of it that are not for the command, NULL-terminated
 * @task:   the task file: over the base goes what the user implies, over that what the task says
 */
void setup_build(Setup *setup, const char *const *base, const char *const *hidden, Span task);

/*
 * Becomes the user that the task file names. An ordinary one keeps the capabilities that it grants him and
 * that there are, and no other, whatever nspawn left; what he executes has them too.
 */
void user_become(Setup *setup);

/* Becomes the command, which is looked for in PATH. */
_Noreturn void command_run(char **argv, const Setup *setup);
