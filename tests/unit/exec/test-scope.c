/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "base/string.h"
#include "box/fake-systemd.h"
#include "box/scope-box.h"

TestSuite(scope, .timeout = 60);

/* Return: "Name signature" for each property, in the order of the call. */
static char *read_properties(sd_bus_message *m) {
        _cleanup_string_buffer_ StringBuffer text = {};
        const char *name, *contents;

        cr_assert_gt(sd_bus_message_enter_container(m, 'a', "(sv)"), 0);
        while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
                cr_assert_gt(sd_bus_message_read(m, "s", &name), 0);
                cr_assert_gt(sd_bus_message_peek_type(m, NULL, &contents), 0);
                string_buffer_append(&text, "%s %s", name, contents);
                if (streq(contents, "s")) {
                        cr_assert_gt(sd_bus_message_read(m, "v", "s", &contents), 0);
                        string_buffer_append(&text, " %s", contents);
                } else if (streq(contents, "au")) {
                        uint32_t pid = 0;

                        cr_assert_gt(sd_bus_message_read(m, "v", "au", 1, &pid), 0);
                        string_buffer_append(&text, " %u", pid);
                } else
                        cr_assert_gt(sd_bus_message_skip(m, "v"), 0);
                string_buffer_append(&text, "\n");
                cr_assert_geq(sd_bus_message_exit_container(m), 0);
        }
        cr_assert_geq(sd_bus_message_exit_container(m), 0);
        return string_buffer_take(&text);
}

#define PROPERTIES \
        "Description s a  command of ours\n" \
        "CollectMode s inactive-or-failed\n" \
        "PIDs au 42\n" \
        "SendSIGHUP b\n" \
        "TasksMax t\n"

static void expect_properties(const char *oom_policy, const char *wanted) {
        _cleanup_box_ Box box;
        const char *name, *mode;

        box_open(&box, PEER_MAKES_IT);
        box.oom_policy = oom_policy;
        expect(&box, 0, NULL);
        cr_assert_gt(sd_bus_message_rewind(box.call, true), 0);
        cr_assert_gt(sd_bus_message_read(box.call, "ss", &name, &mode), 0);
        cr_assert_str_eq(name, NAME);
        cr_assert_str_eq(mode, "fail");
        _cleanup_free_ char *properties = read_properties(box.call);
        cr_assert_str_eq(properties, wanted);
}

Test(scope, is_asked_for_as_for_a_session) {
        expect_properties(NULL, PROPERTIES);
        expect_properties("stop", PROPERTIES "OOMPolicy s continue\n");
}

Test(scope, closes_the_connection_when_it_is_made) {
        _cleanup_box_ Box box;

        box_open(&box, PEER_MAKES_IT);
        expect(&box, 0, NULL);
        RUN_UNTIL(box.event, sd_bus_is_open(box.peer) <= 0);
        cr_assert_not_null(box.scope);
}

Test(scope, the_job_may_be_told_of_before_the_answer) {
        _cleanup_box_ Box box;

        box_open(&box, PEER_TELLS_FIRST);
        expect(&box, 0, NULL);
}

Test(scope, the_job_of_another_is_none_of_ours) {
        _cleanup_box_ Box box;

        box_open(&box, PEER_ANSWERS);
        RUN_UNTIL(box.event, box.call);
        tell_removed(&box, OTHER_JOB, "other.scope", "done");
        tell_removed(&box, JOB, "other.scope", "done");
        tell_removed(&box, OTHER_JOB, NAME, "done");
        cr_assert_geq(sd_bus_emit_signal(box.peer, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "u", 7), 0);
        cr_assert_geq(sd_bus_emit_signal(box.peer, SYSTEMD_PATH, "org.example.Manager", "JobRemoved", "uoss",
                              7, JOB, NAME, "done"),
                0);
        settle(&box);
        cr_assert_eq(box.n_done, 0);
        tell_removed(&box, JOB, NAME, "done");
        expect(&box, 0, NULL);
}

Test(scope, a_job_that_failed_is_told) {
        _cleanup_box_ Box box;

        box_open(&box, PEER_MAKES_IT);
        box.result = "failed";
        expect(&box, EREMOTEIO,
                "the systemd in the container could not make a scope: its job ended with \"failed\"");
}

Test(scope, a_refusal_is_told) {
        _cleanup_box_ Box box;

        box_open(&box, PEER_REFUSES);
        box.words = "Process with ID 42 does not exist.";
        expect(&box, EREMOTEIO, "the systemd in the container refuses: Process with ID 42 does not exist.");
}

Test(scope, words_of_a_refusal_are_one_short_line) {
        char words[1000];
        _cleanup_box_ Box box;

        memset(words, 'x', sizeof(words) - 1);
        words[sizeof(words) - 1] = 0;
        memcpy(words, "a\n\033[2Jb", 7);
        box_open(&box, PEER_REFUSES);
        box.words = words;
        expect(&box, EREMOTEIO, NULL);
        /* The escape character becomes a space; libsystemd 262 has replaced it before. */
        cr_assert(strstr(box.error, "refuses: a  [2Jbxxx") || strstr(box.error, "refuses: a \\x1b[2Jbxxx"),
                "%s", box.error);
        cr_assert_lt(strlen(box.error), 260);
}

Test(scope, an_answer_that_is_no_job_is_told) {
        _cleanup_box_ Box box;

        box_open(&box, PEER_ANSWERS_WORDS);
        expect(&box, EPROTO, "the systemd in the container answered something strange");
}

Test(scope, a_description_that_is_no_text_is_told) {
        _cleanup_box_ Box box;
        int fds[2];

        box_prepare(&box);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer_serve(&box, fds[1]);
        box.scope = scope_new(box.event, fds[0], NAME, "\xff", 42, FAKE_LIMIT_USEC, on_done, &box, NULL);
        cr_assert_not_null(box.scope);
        expect(&box, EINVAL, NULL);
        cr_assert_null(box.call);
}

Test(scope, may_be_freed_at_any_time) {
        for (int rounds = 0, done = false; !done; rounds++) {
                _cleanup_box_ Box box;

                box_open(&box, PEER_MAKES_IT);
                for (int i = 0; i < rounds && box.n_done == 0; i++)
                        cr_assert_geq(sd_event_run(box.event, 100 * USEC_PER_MSEC), 0);
                done = box.n_done > 0;
                box.scope = scope_free(box.scope);
                cr_assert_null(box.scope);
                RUN_UNTIL(box.event, sd_bus_is_open(box.peer) <= 0);
                cr_assert_eq(box.n_done, done ? 1 : 0);
        }
}

Test(scope, may_be_freed_when_it_is_done) {
        static const PeerWay ways[] = { PEER_MAKES_IT, PEER_TELLS_FIRST, PEER_REFUSES, PEER_CLOSES,
                PEER_IS_SILENT, PEER_ANSWERS_WORDS };

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                _cleanup_box_ Box box;

                box_open_for(&box, ways[i], 200 * USEC_PER_MSEC);
                box.frees = true;
                RUN_UNTIL(box.event, box.n_done > 0);
                settle(&box);
                cr_assert_eq(box.n_done, 1);
                cr_assert_null(box.scope);
        }
        cr_assert_null(scope_free(NULL));
}
