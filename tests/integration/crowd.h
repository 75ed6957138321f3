/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/*
 * Many tasks, each at another moment of its life, whose driver and host may be struck at any time. With them
 * the test does what Nomad does: a WaitTask is always open for each task, a new driver is told to recover
 * all that were started, and a call whose driver was killed is made again.
 *
 * Each task writes down with which code it ends. That, and what systemd says of the units, is compared with
 * what the driver says. Where they differ the test ends.
 */

/* A task of the crowd; a place that is empty now and then. */
typedef struct Member Member;

typedef struct Crowd {
        Agent agent;
        Member *members;
        size_t n;
        bool struck;        /* something but the driver was struck, and crowd_settle() was not called yet */
        char **given_up;    /* machines that were destroyed while they started and the driver was killed */
        unsigned n_started; /* answers of StartTask */
        unsigned n_ended;   /* ends that were told, each task's once */
        unsigned n_refused; /* calls that failed for want of something that was struck */
} Crowd;

/* Return: a driver that was told Init, as Nomad does with one that it means to use. */
Agent crowd_agent_start(void);

/* Return: a number below @below; srandom(3) says which comes next. */
unsigned crowd_random(unsigned below);

/* Makes places for @n tasks, starts tasks in most of them, all at once, and waits until they are started. */
void crowd_begin(Crowd *crowd, size_t n);

/* Destroys tasks that ended, stops some that run or destroys them by force, and starts up to @n new ones in
 * the places that are empty. Waits only until those that it stops can hear it. */
void crowd_change(Crowd *crowd, size_t n);

/* Kills the driver and starts another, which is asked for all tasks again. Waits for no answer. */
void crowd_kill_driver(Crowd *crowd);

/* Says that something of the host was struck, other than the driver: calls may fail for that until
 * crowd_settle() was called, and so may what is nspawn's part of a run. */
void crowd_strike(Crowd *crowd);

/* Waits until every call but WaitTask has an answer that is final. Whatever was struck must be there again.
 */
void crowd_settle(Crowd *crowd);

/* Everything that the driver says of the tasks is true; crowd_settle() was called before. */
void crowd_check(Crowd *crowd);

/* Stops all, checks how each ended, destroys all. */
void crowd_end(Crowd *crowd);

/* Ends the last driver. */
void crowd_clear(Crowd *crowd);
#define _cleanup_crowd_ _cleanup_(crowd_clear)
