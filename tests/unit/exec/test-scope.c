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
        _cleanup_scope_box_ ScopeBox box;
        const char *name, *mode;

        scope_box_open(&box, SCOPE_PEER_MAKES_IT);
        box.oom_policy = oom_policy;
        scope_box_expect(&box, 0, NULL);
        cr_assert_gt(sd_bus_message_rewind(box.call, true), 0);
        cr_assert_gt(sd_bus_message_read(box.call, "ss", &name, &mode), 0);
        cr_assert_str_eq(name, SCOPE_BOX_NAME);
        cr_assert_str_eq(mode, "fail");
        _cleanup_free_ char *properties = read_properties(box.call);
        cr_assert_str_eq(properties, wanted);
}

Test(scope, is_asked_for_as_for_a_session) {
        expect_properties(NULL, PROPERTIES);
        expect_properties("stop", PROPERTIES "OOMPolicy s continue\n");
}

Test(scope, closes_the_connection_when_it_is_made) {
        _cleanup_scope_box_ ScopeBox box;

        scope_box_open(&box, SCOPE_PEER_MAKES_IT);
        scope_box_expect(&box, 0, NULL);
        RUN_UNTIL(box.event, sd_bus_is_open(box.peer) <= 0);
        cr_assert_not_null(box.scope);
}

Test(scope, the_job_may_be_told_of_before_the_answer) {
        _cleanup_scope_box_ ScopeBox box;

        scope_box_open(&box, SCOPE_PEER_TELLS_FIRST);
        scope_box_expect(&box, 0, NULL);
}

Test(scope, the_job_of_another_is_none_of_ours) {
        _cleanup_scope_box_ ScopeBox box;

        scope_box_open(&box, SCOPE_PEER_ANSWERS);
        RUN_UNTIL(box.event, box.call);
        scope_box_tell_removed(&box, SCOPE_BOX_OTHER_JOB, "other.scope", "done");
        scope_box_tell_removed(&box, SCOPE_BOX_JOB, "other.scope", "done");
        scope_box_tell_removed(&box, SCOPE_BOX_OTHER_JOB, SCOPE_BOX_NAME, "done");
        cr_assert_geq(sd_bus_emit_signal(box.peer, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "u", 7), 0);
        cr_assert_geq(sd_bus_emit_signal(box.peer, SYSTEMD_PATH, "org.example.Manager", "JobRemoved", "uoss",
                              7, SCOPE_BOX_JOB, SCOPE_BOX_NAME, "done"),
                0);
        scope_box_settle(&box);
        cr_assert_eq(box.n_done, 0);
        scope_box_tell_removed(&box, SCOPE_BOX_JOB, SCOPE_BOX_NAME, "done");
        scope_box_expect(&box, 0, NULL);
}

Test(scope, a_job_that_failed_is_told) {
        _cleanup_scope_box_ ScopeBox box;

        scope_box_open(&box, SCOPE_PEER_MAKES_IT);
        box.result = "failed";
        scope_box_expect(&box, EREMOTEIO,
                "the systemd in the container could not make a scope: its job ended with \"failed\"");
}

Test(scope, a_refusal_is_told) {
        _cleanup_scope_box_ ScopeBox box;

        scope_box_open(&box, SCOPE_PEER_REFUSES);
        box.words = "Process with ID 42 does not exist.";
        scope_box_expect(
                &box, EREMOTEIO, "the systemd in the container refuses: Process with ID 42 does not exist.");
}

Test(scope, words_of_a_refusal_are_one_short_line) {
        char words[1000];
        _cleanup_scope_box_ ScopeBox box;

        memset(words, 'x', sizeof(words) - 1);
        words[sizeof(words) - 1] = 0;
        memcpy(words, "a\n\033[2Jb", 7);
        scope_box_open(&box, SCOPE_PEER_REFUSES);
        box.words = words;
        scope_box_expect(&box, EREMOTEIO, NULL);
        /* The escape character becomes a space; libsystemd 262 has replaced it before. */
        cr_assert(strstr(box.error, "refuses: a  [2Jbxxx") || strstr(box.error, "refuses: a \\x1b[2Jbxxx"),
                "%s", box.error);
        cr_assert_lt(strlen(box.error), 260);
}

Test(scope, an_answer_that_is_no_job_is_told) {
        _cleanup_scope_box_ ScopeBox box;

        scope_box_open(&box, SCOPE_PEER_ANSWERS_WORDS);
        scope_box_expect(&box, EPROTO, "the systemd in the container answered something strange");
}

Test(scope, a_description_that_is_no_text_is_told) {
        _cleanup_scope_box_ ScopeBox box;
        int fds[2];

        scope_box_prepare(&box);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        scope_box_serve(&box, fds[1]);
        box.scope = scope_new(box.event, fds[0], SCOPE_BOX_NAME, "\xff", 42, FAKE_LIMIT_USEC,
                scope_box_on_done, &box, NULL);
        cr_assert_not_null(box.scope);
        scope_box_expect(&box, EINVAL, NULL);
        cr_assert_null(box.call);
}

Test(scope, may_be_freed_at_any_time) {
        for (int rounds = 0, done = false; !done; rounds++) {
                _cleanup_scope_box_ ScopeBox box;

                scope_box_open(&box, SCOPE_PEER_MAKES_IT);
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
        static const ScopePeerWay ways[] = { SCOPE_PEER_MAKES_IT, SCOPE_PEER_TELLS_FIRST, SCOPE_PEER_REFUSES,
                SCOPE_PEER_CLOSES, SCOPE_PEER_IS_SILENT, SCOPE_PEER_ANSWERS_WORDS };

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                _cleanup_scope_box_ ScopeBox box;

                scope_box_open_for(&box, ways[i], 200 * USEC_PER_MSEC);
                box.frees = true;
                RUN_UNTIL(box.event, box.n_done > 0);
                scope_box_settle(&box);
                cr_assert_eq(box.n_done, 1);
                cr_assert_null(box.scope);
        }
        cr_assert_null(scope_free(NULL));
}
