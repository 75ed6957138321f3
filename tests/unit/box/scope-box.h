/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/fake-systemd.h"
#include "bus/system-bus.h"
#include "exec/scope.h"

/*
 * A scope that is asked for, and who is asked: a D-Bus server as a systemd's, in the same event loop, or
 * bytes.
 */

#define NAME "exec-1.scope"
#define JOB SYSTEMD_PATH "/job/7"
#define OTHER_JOB SYSTEMD_PATH "/job/8"

/* What the systemd in the container does with a call of StartTransientUnit. */
typedef enum PeerWay {
        PEER_MAKES_IT,
        PEER_TELLS_FIRST,   /* of the job's end, and answers then */
        PEER_ANSWERS,       /* and the job does not end */
        PEER_ANSWERS_WORDS, /* and no job */
        PEER_REFUSES,
        PEER_IS_SILENT,
        PEER_CLOSES,
        PEER_CLOSES_WHEN_ASKED, /* what it knows */
        PEER_IS_SILENT_WHEN_ASKED,
} PeerWay;

typedef struct Box {
        sd_event *event;
        int n_descriptors;

        sd_bus *peer; /* NULL for one that is no D-Bus server */
        int raw;      /* its descriptor then */
        PeerWay way;
        const char *oom_policy; /* NULL: it knows of none */
        const char *result;
        const char *words;
        sd_bus_message *call;
        unsigned n_answers; /* to what the peer called */
        unsigned n_calls;

        Scope *scope;
        bool frees; /* in the callback */
        unsigned n_done;
        int code;
        char *error;
} Box;

static inline int count_descriptors(void) {
        DIR *directory = opendir("/proc/self/fd");
        int n = 0;

        cr_assert_not_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n;
}

static inline void on_done(void *userdata, const Error *error) {
        Box *box = userdata;

        box->n_done++;
        box->code = error ? error->code : 0;
        string_replace(&box->error, error ? error->message : NULL);
        if (box->frees)
                box->scope = scope_free(box->scope);
}

/* In vain when nobody listens any more. */
static inline void tell_removed(Box *box, const char *job, const char *unit, const char *result) {
        (void) sd_bus_emit_signal(
                box->peer, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "uoss", 7, job, unit, result);
}

static inline int on_start(Box *box, sd_bus_message *m) {
        box->call = sd_bus_message_ref(m);
        if (box->way == PEER_REFUSES)
                return sd_bus_reply_method_errorf(m, "org.example.Refused", "%s", box->words);
        if (box->way == PEER_ANSWERS_WORDS)
                return sd_bus_reply_method_return(m, "s", "none today");
        if (box->way == PEER_CLOSES)
                sd_bus_close(box->peer);
        if (box->way == PEER_CLOSES || box->way == PEER_IS_SILENT)
                return 1;

        if (box->way == PEER_TELLS_FIRST)
                tell_removed(box, JOB, NAME, box->result);
        (void) sd_bus_reply_method_return(m, "o", JOB);
        if (box->way == PEER_MAKES_IT)
                tell_removed(box, JOB, NAME, box->result);
        return 1;
}

static inline int on_peer_message(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Box *box = userdata;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
                return 1;

        box->n_calls++;
        if (sd_bus_message_is_method_call(m, SYSTEMD_MANAGER, "StartTransientUnit"))
                return on_start(box, m);

        cr_assert_gt(sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get"), 0);
        if (box->way == PEER_IS_SILENT_WHEN_ASKED)
                return 1;
        if (box->way == PEER_CLOSES_WHEN_ASKED) {
                sd_bus_close(box->peer);
                return 1;
        }
        if (!box->oom_policy)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_PROPERTY, "Unknown property");
        return sd_bus_reply_method_return(m, "v", "s", box->oom_policy);
}

/* As systemd does it for a private connection. */
static inline void peer_serve(Box *box, int fd) {
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

static inline void box_ask(Box *box, int fd, uint64_t limit_usec) {
        _cleanup_error_ Error *error = NULL;

        box->scope = scope_new(
                box->event, fd, NAME, "a\\ command\nof ours", 42, limit_usec, on_done, box, &error);
        cr_assert_not_null(box->scope, "%s", error_message(error));
        cr_assert_eq(box->n_done, 0, "not from within the call");
}

static inline void box_prepare(Box *box) {
        *box = (Box){ .result = "done", .words = "no", .raw = -1 };
        box->n_descriptors = count_descriptors();
        cr_assert_geq(sd_event_new(&box->event), 0);
}

static inline void box_open_for(Box *box, PeerWay way, uint64_t limit_usec) {
        int fds[2];

        box_prepare(box);
        box->way = way;
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer_serve(box, fds[1]);
        box_ask(box, fds[0], limit_usec);
}

static inline void box_open(Box *box, PeerWay way) {
        box_open_for(box, way, FAKE_LIMIT_USEC);
}

/* The peer is whoever writes to box->raw. */
static inline void box_open_raw(Box *box, uint64_t limit_usec) {
        int fds[2];

        box_prepare(box);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        box->raw = fds[1];
        box_ask(box, fds[0], limit_usec);
}

static inline void box_close(Box *box) {
        box->scope = scope_free(box->scope);
        sd_bus_message_unref(box->call);
        sd_bus_close_unref(box->peer);
        (void) fd_close(box->raw);
        sd_event_unref(box->event);
        free(box->error);
        cr_assert_eq(count_descriptors(), box->n_descriptors, "a descriptor is left");
}
#define _cleanup_box_ _cleanup_(box_close)

static inline void expect(Box *box, int code, const char *words) {
        RUN_UNTIL(box->event, box->n_done > 0);
        cr_assert_eq(box->n_done, 1);
        cr_assert_eq(box->code, code, "%s", box->error ? box->error : "no error");
        if (words)
                cr_assert_str_eq(box->error, words);
}

/* Runs the loop for what is under way: all takes place in this process. */
static inline void settle(Box *box) {
        while (sd_event_run(box->event, 0) > 0)
                ;
}
