/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "box/fake-systemd.h"
#include "engine/engine.h"

/* An engine on a fake systemd, and what its callbacks told. */
typedef struct EngineBox {
        sd_event *event;
        FakeSystemd *fake;
        Engine *engine;
        char *root; /* the runtime directory */
        char *machine;
        char *unit;

        unsigned n_connected, n_lost;
        unsigned n_started; /* calls of TaskStarted */
        Task *task;
        int code;
        char *words;
        unsigned n_ended; /* calls of TaskEnded */
        ExitResult result;
        char **events;
} EngineBox;

/* Opens a box whose engine has a connection. */
void engine_box_open(EngineBox *box);

/*
 * Opens a box with an engine that stands on something other than the host.
 * @seams: its processes and exec_new are the engine's; NULL for those of the host
 */
void engine_box_open_with(EngineBox *box, const EngineConfig *seams);

/* The test fails when the engine's end calls back. */
void engine_box_close(EngineBox *box);
#define _cleanup_engine_box_ _cleanup_(engine_box_close)

/* Runs the loop until @condition holds; the test fails when it does not in time. */
#define engine_box_run_until(box, condition) RUN_UNTIL((box)->event, condition)

/* Runs the loop until what the engine sent was seen and answered. */
void engine_box_settle(EngineBox *box);

/* Return: what the engine is configured with, for tests that make one of their own. */
EngineConfig engine_box_config(const EngineBox *box);

/* Callbacks that note in the box, which is their userdata, what they are told. */
extern const EngineCallbacks engine_box_callbacks;
void engine_box_on_started(void *userdata, Task *task, const Error *error);
void engine_box_on_ended(void *userdata, const ExitResult *result);

/* Return: a task that the engine can start; owned by the caller. */
TaskRequest *engine_box_request(const EngineBox *box);

/* Starts such a task, with the id "one". */
void engine_box_start(EngineBox *box);

/* Starts such a task, and waits until it runs. */
void engine_box_run(EngineBox *box);

/* Waits for the end of the task. */
void engine_box_wait_for_end(EngineBox *box);

/* Return: the unit of the task; the test fails when there is none. */
FakeUnit *engine_box_unit(EngineBox *box);

/* Return: how many calls of this method systemd got. */
size_t engine_box_count(const EngineBox *box, const char *method);

/* Return: what the unit's first program becomes, a word in each line; owned by the caller. */
char *engine_box_arguments(EngineBox *box);

/* Makes the directory of a unit that is there already, or was. Return: its path, owned by the caller. */
char *engine_box_make_directory(const EngineBox *box);

/* Return: whether the unit has its directory. */
bool engine_box_has_directory(const EngineBox *box);

/* Return: whether there is a record, of this task if @id is given. */
bool engine_box_has_record(const EngineBox *box, const char *id);

/* Notes an end of a run, as nspawn-units-helper does. */
void engine_box_note(const EngineBox *box, const char *text);
