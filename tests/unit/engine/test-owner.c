/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/node-box.h"
#include "engine/owner.h"

TestSuite(owner, .timeout = 30);

/* No process has this pid. */
#define NOBODY 0

/* Changes a number in the note of a node. */
static void forge(const NodeBox *node, const char *key, json_int_t value) {
        _cleanup_free_ char *path = node_box_note_path(node);
        json_t *json = json_load_file(path, 0, NULL);

        cr_assert_not_null(json_object_get(json, key), "no %s in the note", key);
        cr_assert_eq(json_object_set_new(json, key, json_integer(value)), 0);
        cr_assert_eq(json_dump_file(json, path, 0), 0);
        json_decref(json);
}

Test(owner, is_there_exactly_while_the_file_names_it) {
        _cleanup_node_box_ NodeBox node;

        node_box_open(&node);
        node_box_note(&node, NOBODY);
        cr_expect_eq(owner_look(node.id), OWNER_THERE);

        node_box_write(&node, "another");
        cr_expect_eq(owner_look(node.id), OWNER_LOST);
        node_box_write(&node, node.id);
        cr_expect_eq(owner_look(node.id), OWNER_THERE);

        cr_assert_eq(unlink(node.file), 0);
        cr_expect_eq(owner_look(node.id), OWNER_LOST);
        node_box_lose(&node);
        cr_expect_eq(owner_look(node.id), OWNER_LOST);
}

Test(owner, is_there_while_its_process_runs) {
        _cleanup_node_box_ NodeBox node;

        node_box_open(&node);
        node_box_note(&node, getpid());
        node_box_lose(&node);
        cr_expect_eq(owner_look(node.id), OWNER_THERE);
        /* A process that started at another time is not the agent, although it has the pid. */
        forge(&node, "started", 1);
        cr_expect_eq(owner_look(node.id), OWNER_LOST);
}

Test(owner, is_found_again_where_its_directory_was_moved_to) {
        _cleanup_node_box_ NodeBox node, other;
        _cleanup_free_ char *id = NULL;

        node_box_open(&node);
        node_box_open(&other);
        node_box_note(&node, NOBODY);
        node_box_lose(&node);
        node_box_write(&other, node.id);
        cr_assert_eq(owner_note(other.file, NOBODY, &id), 0);
        cr_expect_eq(owner_look(node.id), OWNER_THERE);
}

Test(owner, is_not_lost_while_its_file_system_is_not_mounted) {
        _cleanup_node_box_ NodeBox node;

        node_box_open(&node);
        node_box_note(&node, NOBODY);
        node_box_lose(&node);
        cr_assert_eq(owner_look(node.id), OWNER_LOST);
        forge(&node, "device", 1);
        cr_expect_eq(owner_look(node.id), OWNER_UNKNOWN);
}

Test(owner, is_not_judged_from_another_mount_namespace) {
        _cleanup_node_box_ NodeBox node;

        node_box_open(&node);
        node_box_note(&node, NOBODY);
        forge(&node, "mounts", 1);
        cr_expect_eq(owner_look(node.id), OWNER_THERE, "the file can be read from here");
        node_box_lose(&node);
        cr_expect_eq(owner_look(node.id), OWNER_UNKNOWN);
}

Test(owner, is_not_lost_while_its_file_cannot_be_read) {
        _cleanup_node_box_ NodeBox node;

        node_box_open(&node);
        node_box_note(&node, NOBODY);
        cr_assert_eq(unlink(node.file), 0);
        cr_assert_eq(mkdir(node.file, 0700), 0);
        cr_expect_eq(owner_look(node.id), OWNER_UNKNOWN);
}

Test(owner, is_not_lost_while_its_file_names_nobody) {
        static const char *const texts[] = { "", "\n", "two words", "a/b" };
        _cleanup_node_box_ NodeBox node;

        node_box_open(&node);
        node_box_note(&node, NOBODY);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                node_box_write(&node, texts[i]);
                cr_expect_eq(owner_look(node.id), OWNER_UNKNOWN, "\"%s\"", texts[i]);
        }
}

Test(owner, of_which_nothing_is_noted_is_unknown) {
        static const char *const ids[] = { NULL, "", "never-noted", "x/../../node", "two words" };

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                cr_expect_eq(owner_look(ids[i]), OWNER_UNKNOWN, "%zu", i);
}

Test(owner, is_not_noted_without_a_file_that_names_one) {
        static const char *const bad[] = { "", "a/b", "two words", "line\n" };
        _cleanup_node_box_ NodeBox node;
        char *id = NULL;

        node_box_open(&node);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                node_box_write(&node, bad[i]);
                cr_expect_eq(owner_note(node.file, NOBODY, &id), -EBADMSG, "%s", bad[i]);
        }
        node_box_lose(&node);
        cr_expect_eq(owner_note(node.file, NOBODY, &id), -ENOENT);
        cr_expect_null(id);
}
