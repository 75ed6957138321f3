/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "engine/engine.h"

/*
 * One run of nspawnctl: the event loop, the engine or the bus connection that a verb works with, the signals
 * that end the program, and its exit status. A verb calls one of the app_run_...() functions, which connect,
 * run the loop and return the exit status that app_exit() or app_fail() was given. After that the verb frees
 * what it made in its callbacks: engine and connection live until app_clear().
 */
typedef struct App App;

/* The exit statuses of nspawnctl itself; `nspawnctl --help` explains them to users. */
#define EXIT_USAGE 2 /* wrong options or operands, of a verb that has no task's status to return */
#define EXIT_OWN_FAILURE \
        125 /* as env(1) and docker(1) have it: a command's own status is hardly ever this */

/* There is a connection to systemd. */
typedef void (*AppReady)(void *userdata, App *app);

/* The task was found and runs. */
typedef void (*AppTaskReady)(void *userdata, App *app, Task *task);

struct App {
        sd_event *event;
        EngineConfig engine_config; /* zero in the program; tests say where their fake systemd is */
        Engine *engine;
        SystemBus *system_bus; /* belongs to the engine where there is one */

        const struct Verb *verbs; /* the table that verb_main() was given */

        /* The verb's callback, called once. */
        AppReady ready;
        void *userdata;
        bool is_ready;
        bool loss_is_fatal; /* the program fails when the engine's connection is lost */

        /* The task of app_run_task(). */
        const char *task_name;
        TaskRecord task_record;
        bool task_known; /* the task has a record, so it ran at some time */
        AppTaskReady task_ready;
};

/* Return: 0, or a negative errno. app_clear() must be called in any case. */
int app_init(App *app);
void app_clear(App *app);
#define _cleanup_app_ _cleanup_(app_clear)

/* Prints "nspawnctl: " and the message to stderr. */
void app_print(const char *format, ...) _printf_(1, 2);

/* Ends the loop: app_run_...() returns the status. */
void app_exit(App *app, int status);

/* Prints the message and ends the loop. Return: EXIT_OWN_FAILURE, for callers outside of the loop. */
int app_fail(App *app, const char *format, ...) _printf_(2, 3);

/**
 * app_run_bus() - run the loop with a connection to systemd
 * @ready: called once when App.system_bus is connected
 *
 * The program fails when the connection cannot be made, or is lost later.
 *
 * Return: the exit status.
 */
int app_run_bus(App *app, AppReady ready, void *userdata);

/**
 * app_run_engine() - run the loop with an engine
 * @image_directory: where relative images are
 * @ready:           called once when App.engine is connected to systemd
 *
 * The program fails when the first connection cannot be made. When a connection is lost later, the engine
 * connects again.
 *
 * Return: the exit status.
 */
int app_run_engine(App *app, EngineRole role, const char *image_directory, AppReady ready, void *userdata);

/**
 * app_run_task() - run the loop with a task that another process owns, and that runs
 * @name: as target_find() takes it
 *
 * The engine is a visitor (EngineRole): it changes nothing of the task. The program fails when there is no
 * such task or the task does not run.
 *
 * Return: the exit status.
 */
int app_run_task(App *app, const char *name, AppTaskReady ready, void *userdata);

/* Has the loop handle a signal until app_clear(). Return: 0 or a negative errno. */
int app_on_signal(App *app, int signal, sd_event_signal_handler_t handler, void *userdata);

/**
 * app_on_stop_signals() - have the loop handle SIGINT, SIGTERM and SIGHUP
 *
 * SIGHUP stays ignored where nohup(1) ignores it. SIGINT is handled even where it is ignored: shells without
 * job control do that to their background commands, and a sender of SIGINT means it.
 *
 * Return: 0 or a negative errno.
 */
int app_on_stop_signals(App *app, sd_event_signal_handler_t handler, void *userdata);
