/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exec.h"

/* Tasks that do nothing, for commands to run in, and what the host sees of them. */

/* A task that runs @script, prints IDLE_READY, waits for SIGTERM, and exits with IDLE_CODE. */
Job *idle_new(const char *script, const char *config);
#define IDLE_READY "ready\n"
#define IDLE_CODE 3

/* Does what the lines of say_to() tell it; listener.c has them, and the @arguments. */
Job *listener_new(const char *arguments, const char *config);

/* A task that boots Debian. Return: NULL when there is no image. */
Job *booted_new(void);

/*
 * What getty prints when the system is up. systemd's own message that the target is reached is no sign:
 * systemd prints nothing more once getty has the console (manager.c, manager_get_show_status()), and getty
 * waits at most 5 s for systemd's other jobs (Type=idle), which is not enough on a busy host.
 */
#define BOOTED_READY " login: "

void idle_start(Agent *agent, Job *job);
/* Stops the task, expects this exit code, and destroys the task. */
void idle_finish(Agent *agent, Job *job, int code);

/* Return: the leader's pid on the host. */
char *leader_of(const Job *job);
/* Return: the pid of the first child. */
char *child_of(const char *pid);

/* The processes and control groups in the control group of a unit. */
typedef struct Inside {
        size_t n_processes;
        char *processes; /* pids, a line for each */
        char *groups;    /* below that of the unit, in one line */
} Inside;

Inside inside_of(const Job *job);
void inside_clear(Inside *inside);
#define _cleanup_inside_ _cleanup_(inside_clear)

/* Waits until the unit has as many processes as in @before, and the same groups. */
void inside_wait(const Job *job, const Inside *before);

/* Waits until no command has a control group any more. systemd in a booted container may remove it late. */
void inside_wait_no_command(const Job *job);

/* Waits for the one process of the unit whose arguments are these. Return: its pid on the host. */
char *inside_find(const Job *job, const char *arguments);
