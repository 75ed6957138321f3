/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <semaphore.h>

#include "base/macro.h"
#include "base/string.h"
#include "box/service-box.h"
#include "exec/exec.h"
#include "loop/mailbox.h"

/* What the driver does to a command. */
typedef enum ExecHappening {
        EXEC_HAPPENED_START,
        EXEC_HAPPENED_INPUT, /* an exec_write() */
        EXEC_HAPPENED_INPUT_END,
        EXEC_HAPPENED_PAUSE, /* exec_set_reading(false) */
        EXEC_HAPPENED_RESIZE,
        EXEC_HAPPENED_FREE,
        _EXEC_HAPPENING_MAX,
} ExecHappening;

typedef struct FakeExec FakeExec;

/*
 * The plugin's service, with an engine whose tasks have fake leaders and run fake commands. The test says
 * what a command does, in the loop, and waits for what the driver does to it.
 */
typedef struct ExecBox {
        ServiceBox service;
        Mailbox *actions;
        sem_t done;
        sem_t happened[_EXEC_HAPPENING_MAX];

        /* The task refuses. */
        int refusal;
        const char *refusal_words;

        /* Of the loop while it runs. The last command, and all that was told of it. */
        FakeExec *exec;
        char *command; /* its words, with a bar behind each */
        char *environment;
        bool terminal;
        bool is_full; /* exec_write() says that there is no room */
        StringBuffer input;
        unsigned n_writes, n_input_ends, n_resizes;
        uint16_t rows, columns;
        size_t produced;
} ExecBox;

/* Opens a box whose loop runs in its thread. One box at a time may be open. */
void exec_box_open(ExecBox *box);

/* The test fails when a command outlives the plugin. */
void exec_box_close(ExecBox *box);
#define _cleanup_exec_box_ _cleanup_(exec_box_close)

/* Waits until this happens to a command, or takes note of one time that it did. */
void exec_box_wait_for(ExecBox *box, ExecHappening what);

/* The test fails when this happened and nobody waited for it. */
void exec_box_expect_none(ExecBox *box, ExecHappening what);

/* Waits until the loop has done what it had to do by now. */
void exec_box_settle(ExecBox *box);

/* The command writes a text, or bytes. */
void exec_box_say(ExecBox *box, ExecStream stream, const char *text);
void exec_box_write(ExecBox *box, ExecStream stream, const void *bytes, size_t n);

/* The command writes this much to its output, as fast as it is read: byte number i is i modulo a prime. */
void exec_box_produce(ExecBox *box, size_t n);
#define EXEC_BOX_MODULUS 251

/* Return: how much was produced by now. */
size_t exec_box_produced(ExecBox *box);

/* The command has no room for input, until it drains. */
void exec_box_fill(ExecBox *box);
void exec_box_drain(ExecBox *box);

/* The command ends. */
void exec_box_end(ExecBox *box, int code, int signal);

/* The command ends with an error. @result: NULL when it did not run at all */
void exec_box_fail(ExecBox *box, const ExecResult *result, int error, const char *words);

/* Waits for as much input as @text has. The test fails unless it is that. */
void exec_box_expect_input(ExecBox *box, const char *text);
