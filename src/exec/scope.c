/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <limits.h>
#include <systemd/sd-bus.h>

#include "base/fd.h"
#include "base/string.h"
#include "bus/error.h"
#include "bus/system-bus.h"
#include "exec/relay.h"
#include "exec/scope.h"
#include "unit/plan.h"

#define PEER "the systemd in the container"

/*
 * The most bytes to read from the peer. A systemd that boots sends signals of all that happens to every
 * connection. A hostile one sends bad messages without end, and libsystemd 257 leaks 64 bytes with each of
 * them (bus_process_cmsg(), sd-bus): this limit makes that at most 4 MiB for a command.
 */
#define INPUT_MAX (1024 * 1024)

/* The most bytes of the peer's messages that we put into an error. */
#define WORDS_MAX 200

/* Every property set here exists in all supported versions, except OOMPolicy=, which was probed before. */
#define VERSION_ANY UINT_MAX

struct Scope {
        sd_event_source *timer;
        Relay *relay;
        sd_bus *bus;
        sd_bus_slot *filter;
        sd_bus_slot *call;
        char *name;
        char *description;
        pid_t pid;
        uint64_t limit_usec;

        char *job;    /* path of our job, known once the peer has answered */
        char *ended;  /* path of the job of our unit that ended last */
        char *result; /* result of that job */

        ScopeDone done;
        void *userdata;
};

static void scope_close(Scope *scope) {
        scope->timer = sd_event_source_disable_unref(scope->timer);
        scope->call = sd_bus_slot_unref(scope->call);
        scope->filter = sd_bus_slot_unref(scope->filter);
        /* Nothing is flushed: that would wait for the peer. */
        scope->bus = sd_bus_close_unref(scope->bus);
        scope->relay = relay_free(scope->relay);
}

/* Must be the last use of @scope: done() may free it. */
static void scope_end(Scope *scope, const Error *error) {
        scope_close(scope);
        scope->done(scope->userdata, error);
}

static void _printf_(3, 4) scope_fail(Scope *scope, int code, const char *format, ...) {
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *words = NULL;
        va_list ap;

        va_start(ap, format);
        words = xvasprintf(format, ap);
        va_end(ap);
        (void) error_set(&error, code, PEER " %s", words);
        scope_end(scope, error);
}

static int on_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Scope *scope = userdata;

        scope_fail(scope, ETIMEDOUT, "does not answer within %gs",
                (double) scope->limit_usec / (double) USEC_PER_SEC);
        return 0;
}

static void scope_disconnected(Scope *scope) {
        if (relay_is_exceeded(scope->relay))
                scope_fail(scope, EMSGSIZE, "says far too much");
        else
                scope_fail(scope, ECONNRESET, "closed the connection");
}

/* The answer and the signal may come in any order: the peer may report the job's end before it answers. */
static void scope_check(Scope *scope) {
        if (!scope->job || !scope->result || !streq_null(scope->job, scope->ended))
                return;

        if (streq(scope->result, "done"))
                scope_end(scope, NULL);
        else {
                _cleanup_free_ char *result = string_make_line(scope->result, WORDS_MAX);
                scope_fail(scope, EREMOTEIO, "could not make a scope: its job ended with \"%s\"", result);
        }
}

/*
 * Handles all messages that are no answers, and passes none on to libsystemd, which would answer the peer's
 * calls itself and tell it this host's machine id (process_builtin()).
 */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Scope *scope = userdata;
        const char *path, *unit, *result;

        if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
                scope_disconnected(scope);
                return 1;
        }

        if (sd_bus_message_is_signal(m, SYSTEMD_MANAGER, "JobRemoved") <= 0 ||
                sd_bus_message_read(m, "uoss", NULL, &path, &unit, &result) <= 0 ||
                !streq(unit, scope->name))
                return 1;

        string_replace(&scope->ended, path);
        string_replace(&scope->result, result);
        scope_check(scope);
        return 1;
}

/* Return: whether an answer is from the peer; at the end of the connection, libsystemd makes up answers. */
static bool scope_is_open(Scope *scope) {
        if (sd_bus_is_open(scope->bus) > 0)
                return true;
        scope_disconnected(scope);
        return false;
}

static void scope_refused(Scope *scope, const sd_bus_error *error) {
        _cleanup_free_ char *words = string_make_line(bus_error_text(error), WORDS_MAX);

        scope_fail(scope, EREMOTEIO, "refuses: %s", words);
}

static int on_job(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Scope *scope = userdata;
        const char *path;

        scope->call = sd_bus_slot_unref(scope->call);
        if (!scope_is_open(scope))
                return 1;

        if (sd_bus_message_is_method_error(m, NULL))
                scope_refused(scope, sd_bus_message_get_error(m));
        else if (sd_bus_message_read(m, "o", &path) <= 0)
                scope_fail(scope, EPROTO, "answered something strange");
        else {
                scope->job = xstrdup(path);
                scope_check(scope);
        }
        return 1;
}

/*
 * The same properties as logind's for the scope of a session (manager_start_scope(), systemd 256), but in
 * the default slice.
 *
 * Return: the plan, owned by the caller.
 */
static UnitPlan *scope_plan(const Scope *scope, bool has_oom_policy) {
        UnitPlan *plan = plan_new(scope->name);

        plan_set_line(plan, "Description", scope->description);
        plan_set_number(plan, "PIDs", (uint64_t) scope->pid);
        plan_set_flag(plan, "SendSIGHUP", true); /* Shells ignore SIGTERM. */
        plan_set_number(plan, "TasksMax", UINT64_MAX);
        if (has_oom_policy)
                plan_set_text(plan, "OOMPolicy", "continue");
        plan_set_text(plan, "CollectMode", "inactive-or-failed");
        return plan;
}

static int scope_start(Scope *scope, bool has_oom_policy) {
        _cleanup_plan_ UnitPlan *plan = scope_plan(scope, has_oom_policy);
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                scope->bus, &m, SYSTEMD_DESTINATION, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = plan_append(plan, m, VERSION_ANY, NULL);
        if (r >= 0)
                r = sd_bus_call_async(scope->bus, &scope->call, m, on_job, scope, UINT64_MAX);
        sd_bus_message_unref(m);
        return r;
}

static int on_oom_policy(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Scope *scope = userdata;
        int r;

        scope->call = sd_bus_slot_unref(scope->call);
        if (!scope_is_open(scope))
                return 1;

        r = scope_start(scope, !sd_bus_message_is_method_error(m, NULL));
        if (r < 0)
                scope_fail(scope, r, "cannot be asked for a scope: %s", strerror(-r));
        return 1;
}

/*
 * Asks for OOMPolicy= of init.scope, which every systemd has, to find out whether scopes have the property.
 */
static int scope_ask_oom_policy(Scope *scope) {
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(scope->bus, &m, SYSTEMD_DESTINATION,
                SYSTEMD_UNITS "/init_2escope", "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", "org.freedesktop.systemd1.Scope", "OOMPolicy");
        if (r >= 0)
                r = sd_bus_call_async(scope->bus, &scope->call, m, on_oom_policy, scope, UINT64_MAX);
        sd_bus_message_unref(m);
        return r;
}

/*
 * Negotiates the passing of descriptors, although the relay lets none through: without it, libsystemd aborts
 * the whole process if the peer sends one line more than the two expected (an assert() in
 * bus_socket_auth_verify_client(), systemd 252 to 256).
 */
static int scope_connect(Scope *scope, sd_event *event, int fd) {
        _cleanup_fd_ int own = -1;
        int r;

        r = relay_new(event, fd, INPUT_MAX, &scope->relay, &own);
        if (r >= 0)
                r = sd_bus_new(&scope->bus);
        if (r >= 0)
                r = sd_bus_set_fd(scope->bus, own, own);
        if (r < 0)
                return r;
        (void) TAKE_FD(own);

        r = sd_bus_negotiate_fds(scope->bus, true);
        if (r >= 0)
                r = sd_bus_start(scope->bus);
        if (r >= 0)
                r = sd_bus_attach_event(scope->bus, event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

/* Installs the filter for signals before the first call, so that it misses none. */
static int scope_open(Scope *scope, sd_event *event, int fd) {
        int r = scope_connect(scope, event, fd);

        if (r >= 0)
                r = sd_event_add_time_relative(event, &scope->timer, CLOCK_MONOTONIC, scope->limit_usec,
                        USEC_PER_MSEC, on_limit, scope);
        if (r >= 0)
                r = sd_bus_add_filter(scope->bus, &scope->filter, on_message, scope);
        if (r >= 0)
                r = scope_ask_oom_policy(scope);
        return r;
}

Scope *scope_new(sd_event *event, int fd, const char *name, const char *description, pid_t pid,
        uint64_t limit_usec, ScopeDone done, void *userdata, Error **ret_error) {
        _cleanup_(scope_freep) Scope *scope = xnew(Scope, 1);
        int r;

        *scope = (Scope){
                .name = xstrdup(name),
                .description = xstrdup(description),
                .pid = pid,
                .limit_usec = limit_usec,
                .done = done,
                .userdata = userdata,
        };
        r = scope_open(scope, event, fd);
        if (r < 0) {
                (void) error_set(ret_error, r, PEER " cannot be asked for a scope: %s", strerror(-r));
                return NULL;
        }
        return TAKE_PTR(scope);
}

Scope *scope_free(Scope *scope) {
        if (!scope)
                return NULL;

        scope_close(scope);
        free(scope->name);
        free(scope->description);
        free(scope->job);
        free(scope->ended);
        free(scope->result);
        free(scope);
        return NULL;
}
