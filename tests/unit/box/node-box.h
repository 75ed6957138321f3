/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "engine/owner.h"
#include "box/own-name.h"
#include "box/tree.h"

/* The client state of a Nomad node, in a directory of the test's own. */
typedef struct Node {
        char directory[32];
        char *id;
        char *file; /* that holds the id */
} Node;

static inline void node_write(const Node *node, const char *id) {
        cr_assert_eq(file_write_private(node->file, id, strlen(id)), 0);
}

static inline void node_open(Node *node) {
        if (geteuid() != 0)
                cr_skip_test("notes nodes below /run: needs root");
        (void) strcpy(node->directory, "/tmp/test-node-XXXXXX");
        cr_assert_not_null(mkdtemp(node->directory));
        node->id = own_name_new();
        node->file = xasprintf("%s/client/client-id", node->directory);
        _cleanup_free_ char *client = xasprintf("%s/client", node->directory);
        cr_assert_eq(mkdir(client, 0700), 0);
        node_write(node, node->id);
}

/* What its agent does first; the process is none unless given. */
static inline void node_note(const Node *node, pid_t pid) {
        _cleanup_free_ char *id = NULL;

        cr_assert_eq(owner_note(node->file, pid, &id), 0);
        cr_assert_str_eq(id, node->id);
}

static inline void node_lose(const Node *node) {
        cr_assert_eq(tree_remove(node->directory), 0);
}

static inline char *node_note_path(const Node *node) {
        return xasprintf("/run/nspawn-units/plugin/node-%s", node->id);
}

static inline void node_close(Node *node) {
        _cleanup_free_ char *note = node_note_path(node);

        (void) unlink(note);
        (void) tree_remove(node->directory);
        free(node->id);
        free(node->file);
}
#define _cleanup_node_ _cleanup_(node_close)
