/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/request.h"
#include "task/root.h"

/* Texts that are compared with files in tests/unit/golden, and the tasks that these texts are made of. */

/*
 * Compares a text with the file of this name in tests/unit/golden, or in $TEST_GOLDEN_DIR. GOLDEN_UPDATE=1
 * writes the file anew instead: read the diff then.
 */
void golden_compare(const char *name, const char *text);

/* A value of the tasks' environment. It may be seen nowhere: environments are secret. */
#define GOLDEN_SECRET "s3cr3t"

/* Where the image was found; not to be freed. */
extern const Root golden_root;
extern const Root golden_root_raw;

/* Return: what every task has, as the decoder leaves it with `image` only. */
TaskRequest *golden_request(void);

/* Makes the task one that runs a command. */
void golden_command(TaskRequest *request);

/* Return: a command without a user namespace and a network of its own. */
TaskRequest *golden_request_off(void);

/* Return: a command with most of the options there are. */
TaskRequest *golden_request_everything(void);

/* Return: a command in the network namespace of a group. */
TaskRequest *golden_request_namespace(void);
