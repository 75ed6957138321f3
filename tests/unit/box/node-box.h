/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The client state of a Nomad node, in a directory of the test's own. */
typedef struct NodeBox {
        char directory[32];
        char *id;
        char *file; /* that holds the id */
} NodeBox;

/* Skips the test without root, which notes of nodes take. */
void node_box_open(NodeBox *box);
void node_box_close(NodeBox *box);
#define _cleanup_node_box_ _cleanup_(node_box_close)

/* Writes the file that holds the id. */
void node_box_write(const NodeBox *box, const char *id);

/* Notes the node, as its agent does first. @pid: the agent's process, 0 for none */
void node_box_note(const NodeBox *box, pid_t pid);

/* Return: where the note is; owned by the caller. */
char *node_box_note_path(const NodeBox *box);

/* Removes the node's state. */
void node_box_lose(const NodeBox *box);
