/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/node-box.h"
#include "box/own-name.h"
#include "box/tree.h"
#include "engine/owner.h"

void node_box_write(const NodeBox *box, const char *id) {
        cr_assert_eq(file_write_private(box->file, id, strlen(id)), 0);
}

void node_box_open(NodeBox *box) {
        if (geteuid() != 0)
                cr_skip_test("notes nodes below /run: needs root");
        (void) strcpy(box->directory, "/tmp/test-node-XXXXXX");
        cr_assert_not_null(mkdtemp(box->directory));
        box->id = own_name_new();
        box->file = xasprintf("%s/client/client-id", box->directory);
        _cleanup_free_ char *client = xasprintf("%s/client", box->directory);
        cr_assert_eq(mkdir(client, 0700), 0);
        node_box_write(box, box->id);
}

void node_box_close(NodeBox *box) {
        _cleanup_free_ char *note = node_box_note_path(box);

        (void) unlink(note);
        (void) tree_remove(box->directory);
        free(box->id);
        free(box->file);
}

void node_box_note(const NodeBox *box, pid_t pid) {
        _cleanup_free_ char *id = NULL;

        cr_assert_eq(owner_note(box->file, pid, &id), 0);
        cr_assert_str_eq(id, box->id);
}

char *node_box_note_path(const NodeBox *box) {
        return xasprintf("/run/nspawn-units/plugin/node-%s", box->id);
}

void node_box_lose(const NodeBox *box) {
        cr_assert_eq(tree_remove(box->directory), 0);
}
