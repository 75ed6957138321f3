/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/string.h"
#include "exec/exec.h"

struct sock_fprog;

/* A container of sorts with namespaces of its own, and a command that is run in it. */
typedef struct ContainerBox {
        sd_event *event;
        char *helper;
        char *directory; /* that goes with the unit: there is none, unless a test makes it */
        pid_t leader;
        int leader_fd;

        Exec *exec;
        StringBuffer outputs[_EXEC_STREAM_MAX];
        unsigned n_drained;
        unsigned n_ended;
        bool has_result;
        ExecResult result;
        char *words;
} ContainerBox;

/*
 * Opens a box, of which the first process runs. Skips the test without root.
 * @more: flags of namespaces beside the usual ones, such as CLONE_NEWUSER
 */
void container_box_open(ContainerBox *box, unsigned long more);

/* As before, with one more filter of system calls in the container. */
void container_box_open_filtered(ContainerBox *box, unsigned long more, const struct sock_fprog *filter);

void container_box_close(ContainerBox *box);
#define _cleanup_container_box_ _cleanup_(container_box_close)

/* What a command tells is noted in the box, which is their userdata. */
extern const ExecCallbacks container_box_callbacks;

/* Begins a command, and forgets what the one before it wrote. */
void container_box_begin(ContainerBox *box, const ExecSpec *spec);

/* Waits for the end of the command. */
void container_box_wait(ContainerBox *box);

/* Runs a shell line to its end, without input. Return: its code. */
int container_box_shell(ContainerBox *box, const char *line);

/* Return: what the command wrote, never NULL; owned by the box. */
const char *container_box_output(const ContainerBox *box);
const char *container_box_error(const ContainerBox *box);
