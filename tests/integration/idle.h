/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exec.h"

/* Tasks that do nothing, for commands to run in, and what the host sees of them. */

/* Runs @script, says IDLE_READY, waits until it is told to stop, and then ends with IDLE_CODE. */
Job *idle_new(const char *script, const char *config);
#define IDLE_READY "ready\n"
#define IDLE_CODE 3

/* Does what the lines of say_to() tell it; listener.c has them, and the @arguments. */
Job *listener_new(const char *arguments, const char *config);

/* A booted Debian. Return: NULL when there is no image of that. */
Job *booted_new(void);

/*
 * What getty says there. When getty has the console systemd says nothing more on it (manager.c,
 * manager_get_show_status()), and getty waits 5 s for other jobs (Type=idle): on a busy host that the target
 * is reached is never said.
 */
#define BOOTED_READY " login: "

void idle_start(Agent *agent, Job *job);
/* Stops it and expects that end; nothing of it may be left. */
void idle_finish(Agent *agent, Job *job, int code);

/* Return: pid on the host of the container's first process. */
char *leader_of(const Job *job);
/* Return: pid of the first child. */
char *child_of(const char *pid);

/* What the control group of a unit has below it. */
typedef struct Inside {
        size_t n_processes;
        char *processes; /* pids, a line for each */
        char *groups;    /* below that of the unit, in one line */
} Inside;

Inside inside_of(const Job *job);
void inside_clear(Inside *inside);
#define _cleanup_inside_ _cleanup_(inside_clear)

/* Waits until there are as many processes and the same groups. */
void inside_wait(const Job *job, const Inside *before);

/* Waits until no command has a group any more; a systemd in there takes its time. */
void inside_wait_no_command(const Job *job);

/* Waits for the one process of the unit whose arguments are these. Return: its pid on the host. */
char *inside_find(const Job *job, const char *arguments);
