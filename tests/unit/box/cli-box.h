/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>

#include "cli/verb.h"
#include "box/fake-systemd.h"

/*
 * nspawnctl on a fake systemd and with fake containers, with pipes in place of the standard streams. The
 * event loop is the program's own: what a test adds to it runs while the verb does.
 */
typedef struct CliBox {
        sd_event *event;
        FakeSystemd *fake;
        char *machine;
        char *unit;               /* of the machine, whether there is one or not */
        int input, output, error; /* the other sides of the standard streams */
        EngineConfig config;      /* of the program; exec_new is the test's to set */
        char *shown, *message;    /* what the program wrote to its output and its error, once it ran */
} CliBox;

/* Skips the test without root. */
void cli_box_open(CliBox *box);
void cli_box_close(CliBox *box);
#define _cleanup_cli_box_ _cleanup_(cli_box_close)

/* The unit runs. */
FakeUnit *cli_box_add_task(CliBox *box);

/* Makes a standard stream of the descriptor, which it closes. */
void cli_box_take_stream(int fd, int stream);

/* Runs nspawnctl with words that are each followed by a bar, the verb first. Return: its exit status. */
int cli_box_run(CliBox *box, const char *text);

/* The test fails unless all that systemd was told to do is to answer questions. */
void cli_box_expect_untouched(const CliBox *box);
