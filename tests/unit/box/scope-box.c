/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/fake-systemd.h"
#include "box/scope-box.h"

int scope_box_count_descriptors(void) {
        DIR *directory = opendir("/proc/self/fd");
        int n = 0;

        cr_assert_not_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n;
}

void scope_box_on_done(void *userdata, const Error *error) {
        ScopeBox *box = userdata;

        box->n_done++;
        box->code = error ? error->code : 0;
        string_replace(&box->error, error ? error->message : NULL);
        if (box->frees)
                box->scope = scope_free(box->scope);
}

void scope_box_tell_removed(ScopeBox *box, const char *job, const char *unit, const char *result) {
        (void) sd_bus_emit_signal(
                box->peer, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "uoss", 7, job, unit, result);
}

static int on_start(ScopeBox *box, sd_bus_message *m) {
        box->call = sd_bus_message_ref(m);
        if (box->way == SCOPE_PEER_REFUSES)
                return sd_bus_reply_method_errorf(m, "org.example.Refused", "%s", box->words);
        if (box->way == SCOPE_PEER_ANSWERS_WORDS)
                return sd_bus_reply_method_return(m, "s", "none today");
        if (box->way == SCOPE_PEER_CLOSES)
                sd_bus_close(box->peer);
        if (box->way == SCOPE_PEER_CLOSES || box->way == SCOPE_PEER_IS_SILENT)
                return 1;

        if (box->way == SCOPE_PEER_TELLS_FIRST)
                scope_box_tell_removed(box, SCOPE_BOX_JOB, SCOPE_BOX_NAME, box->result);
        (void) sd_bus_reply_method_return(m, "o", SCOPE_BOX_JOB);
        if (box->way == SCOPE_PEER_MAKES_IT)
                scope_box_tell_removed(box, SCOPE_BOX_JOB, SCOPE_BOX_NAME, box->result);
        return 1;
}

static int on_peer_message(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ScopeBox *box = userdata;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
                return 1;

        box->n_calls++;
        if (sd_bus_message_is_method_call(m, SYSTEMD_MANAGER, "StartTransientUnit"))
                return on_start(box, m);

        cr_assert_gt(sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get"), 0);
        if (box->way == SCOPE_PEER_IS_SILENT_WHEN_ASKED)
                return 1;
        if (box->way == SCOPE_PEER_CLOSES_WHEN_ASKED) {
                sd_bus_close(box->peer);
                return 1;
        }
        if (!box->oom_policy)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_PROPERTY, "Unknown property");
        return sd_bus_reply_method_return(m, "v", "s", box->oom_policy);
}

void scope_box_serve(ScopeBox *box, int fd) {
        sd_id128_t id;

        cr_assert_geq(sd_id128_randomize(&id), 0);
        cr_assert_geq(sd_bus_new(&box->peer), 0);
        cr_assert_geq(sd_bus_set_fd(box->peer, fd, fd), 0);
        cr_assert_geq(sd_bus_set_server(box->peer, true, id), 0);
        cr_assert_geq(sd_bus_set_sender(box->peer, SYSTEMD_DESTINATION), 0);
        cr_assert_geq(sd_bus_add_filter(box->peer, NULL, on_peer_message, box), 0);
        cr_assert_geq(sd_bus_start(box->peer), 0);
        cr_assert_geq(sd_bus_attach_event(box->peer, box->event, 0), 0);
}

void scope_box_ask(ScopeBox *box, int fd, uint64_t limit_usec) {
        _cleanup_error_ Error *error = NULL;

        box->scope = scope_new(box->event, fd, SCOPE_BOX_NAME, "a\\ command\nof ours", 42, limit_usec,
                scope_box_on_done, box, &error);
        cr_assert_not_null(box->scope, "%s", error_message(error));
        cr_assert_eq(box->n_done, 0, "not from within the call");
}

void scope_box_prepare(ScopeBox *box) {
        *box = (ScopeBox){ .result = "done", .words = "no", .raw = -1 };
        box->n_descriptors = scope_box_count_descriptors();
        cr_assert_geq(sd_event_new(&box->event), 0);
}

void scope_box_open_for(ScopeBox *box, ScopePeerWay way, uint64_t limit_usec) {
        int fds[2];

        scope_box_prepare(box);
        box->way = way;
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        scope_box_serve(box, fds[1]);
        scope_box_ask(box, fds[0], limit_usec);
}

void scope_box_open(ScopeBox *box, ScopePeerWay way) {
        scope_box_open_for(box, way, FAKE_LIMIT_USEC);
}

void scope_box_open_raw(ScopeBox *box, uint64_t limit_usec) {
        int fds[2];

        scope_box_prepare(box);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        box->raw = fds[1];
        scope_box_ask(box, fds[0], limit_usec);
}

void scope_box_close(ScopeBox *box) {
        box->scope = scope_free(box->scope);
        sd_bus_message_unref(box->call);
        sd_bus_close_unref(box->peer);
        (void) fd_close(box->raw);
        sd_event_unref(box->event);
        free(box->error);
        cr_assert_eq(scope_box_count_descriptors(), box->n_descriptors, "a descriptor is left");
}

void scope_box_expect(ScopeBox *box, int code, const char *words) {
        RUN_UNTIL(box->event, box->n_done > 0);
        cr_assert_eq(box->n_done, 1);
        cr_assert_eq(box->code, code, "%s", box->error ? box->error : "no error");
        if (words)
                cr_assert_str_eq(box->error, words);
}

void scope_box_settle(ScopeBox *box) {
        while (sd_event_run(box->event, 0) > 0)
                ;
}
