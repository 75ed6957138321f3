/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/string.h"
#include "engine/private.h"
#include "image/local.h"
#include "exec/group.h"
#include "kernel/leader.h"
#include "task/name.h"

/* How long journald may lag behind the end of a unit; a failed start is told within a second. */
#define WORDS_LIMIT_USEC (500 * USEC_PER_MSEC)

void task_start_clear(Task *task) {
        task_leave_gate(task);
        task->begin = sd_event_source_disable_unref(task->begin);
        task->query = image_query_free(task->query);
        task->job = job_free(task->job);
        task->words = journal_words_free(task->words);
        task->spec = task_spec_free(task->spec);
        task->streams.output = fd_close(task->streams.output);
        task->streams.error = fd_close(task->streams.error);
        task->failure = (free(task->failure), NULL);
}

void task_start_fail(Task *task, int code, const char *format, ...) {
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *words = NULL;
        TaskStarted started = task->started;
        void *userdata = task->started_userdata;
        va_list ap;

        va_start(ap, format);
        words = xvasprintf(format, ap);
        va_end(ap);
        (void) error_set(&error, code, "%s", words);

        task_forget(task);
        started(userdata, NULL, error);
}

void task_start_succeed(Task *task) {
        TaskStarted started = task->started;

        if (task->record.started_usec == 0)
                task->record.started_usec = clock_realtime_usec();

        task_find_leader(task);
        task_watch_group(task);
        if (task->recovering && !task->engine->observes)
                exec_groups_kill_abandoned(NULL, task->control_group, task->leader);
        task->state = task_state_next(task->state, TASK_INPUT_UP);
        task_start_clear(task);
        task->started = NULL;
        if (!task->recovering) {
                const char *const annotations[] = { "unit", task->record.unit, "machine",
                        task->record.machine, NULL };
                _cleanup_free_ char *message = xasprintf("Started %s", task->record.unit);
                task_event(task, message, annotations);
        }
        if (task->stop_asked)
                task_stop(task, task->stop_signal, task->stop_usec);
        started(task->started_userdata, task, NULL);
}

/* It ran, and was over before anything else was known of it. */
void task_start_succeed_and_end(Task *task, const UnitStatus *status) {
        Engine *engine = task->engine;
        _cleanup_free_ char *id = xstrdup(task->id);

        task_start_succeed(task);
        /* Whoever was told may have forgotten it. */
        task = engine_find(engine, id);
        if (task)
                task_end(task, status);
}

static void on_words(void *userdata, const char *words) {
        Task *task = userdata;
        _cleanup_free_ char *explained = words ? start_explain_words(task, words) : NULL;

        task_start_fail(task, EIO, "the container did not start: %s (journalctl -u %s)",
                explained ? explained : task->failure, task->record.unit);
}

/* The start failed and the unit's state is known: add what nspawn said. */
static void start_explain(Task *task, const UnitStatus *status) {
        bool enough;

        /* systemd does not when it wanted to restart the unit, or never had it. */
        task_remove_runtime_directory(task->record.machine);

        free(task->failure);
        task->failure = start_explain_status(task, status, &enough);
        if (!enough)
                task->words = journal_words_new(task->engine->event, task->record.unit, task->asked_usec,
                        WORDS_LIMIT_USEC, on_words, task);
        if (!task->words)
                on_words(task, NULL);
}

void task_start_on_status(Task *task, const UnitStatus *status, const sd_bus_error *error) {
        if (!status) {
                task_start_fail(task, EIO, "systemd does not tell the state of %s: %s", task->record.unit,
                        error && error->message ? error->message : "no reason given");
                return;
        }

        if (task->looking || task->clearing)
                task_take_up(task, status);
        else if (task->job || task->words)
                return; /* the end of the job decides */
        else if (task->recovering)
                task_recover_on_status(task, status);
        else if (task->refused && !unit_status_is_dead(status))
                (void) unit_stop(task->unit); /* systemd would try again by itself */
        else if (unit_status_is_up(status))
                task_start_succeed(task);
        else if (unit_status_is_dead(status) && task->came_up)
                task_start_succeed_and_end(task, status);
        else if (unit_status_is_dead(status))
                start_explain(task, status);
}

void task_start_on_job(void *userdata, const char *result, const sd_bus_error *error) {
        Task *task = userdata;

        task->job = job_free(task->job);
        task->held = result != NULL; /* by AddRef */

        /* Its pid comes with signals before this one, or with the status. */
        if (result && streq(result, "done")) {
                task->came_up = true;
                if (task->main_pid > 0)
                        task_start_succeed(task);
                else
                        unit_refresh(task->unit);
                return;
        }

        /* The connection is gone: the unit is looked at when it is back. */
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED))
                return;

        task->refused = true;

        /* The directory is ours, for a namesake's would have been found there. */
        if (error)
                task_remove_runtime_directory(task->record.machine);

        if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists"))
                task->looking = true;
        else if (error) {
                task_start_fail(task, EIO, "systemd refused to start %s: %s", task->record.unit,
                        error->message ? error->message : error->name);
                return;
        }

        unit_refresh(task->unit);
}

static void task_tell_start(Task *task) {
        const TaskSpec *spec = task->spec;
        _cleanup_free_ char *message = xasprintf(
                "Starting from %s%s", spec->ephemeral ? "a copy of " : "", spec->image_path);

        task_event(task, message,
                (const char *const[]){ "unit", task->record.unit, "image", spec->image_path, NULL });
        if (task_spec_boots_with_arguments(spec))
                task_event(task, TASK_BOOTS_WITH_ARGUMENTS,
                        (const char *const[]){ "unit", task->record.unit, NULL });
}

static void start_with_image(Task *task) {
        _cleanup_error_ Error *error = NULL;
        int r;

        (void) image_check_command(task->spec, &error);
        (void) image_check_mounts(task->spec, &error);
        if (error) {
                task_start_fail(task, error->code, "%s", error_message(error));
                return;
        }

        r = task_watch(task);
        if (r < 0) {
                task_start_fail(task, r, "cannot watch %s: %s", task->record.unit, strerror(-r));
                return;
        }

        task_tell_start(task);
        task->cut_off = task->engine->adopts && ledger_is_of(task->record.machine, task->id, NULL);
        if (task->cut_off) {
                task->looking = true;
                unit_refresh(task->unit);
        } else
                task_enter_gate(task);
}

static void on_image(void *userdata, const char *path, const char *type, const sd_bus_error *error) {
        Task *task = userdata;

        if (!path) {
                bool unknown = !error ||
                        sd_bus_error_has_name(error, "org.freedesktop.machine1.NoSuchImage");

                task_start_fail(task, ENOENT,
                        "image: \"%s\" is neither a path below %s nor an image that systemd-machined "
                        "knows%s%s",
                        task->spec->image, task->engine->image_directory, unknown ? "" : ": ",
                        unknown ? "" : error->message);
                return;
        }

        image_set(task->spec, path, type);
        task->query = image_query_free(task->query);
        start_with_image(task);
}

static int on_begin(sd_event_source *source _unused_, void *userdata) {
        Task *task = userdata;

        task->begin = sd_event_source_disable_unref(task->begin);
        start_with_image(task);
        return 0;
}

static int duplicate_streams(Task *task, const TaskStreams *streams) {
        if (streams->output >= 0)
                task->streams.output = fcntl(streams->output, F_DUPFD_CLOEXEC, 3);
        if (streams->error >= 0)
                task->streams.error = fcntl(streams->error, F_DUPFD_CLOEXEC, 3);

        bool lost = (streams->output >= 0 && task->streams.output < 0) ||
                (streams->error >= 0 && task->streams.error < 0);
        return lost ? -errno : 0;
}

int engine_start(Engine *engine, const char *id, TaskSpec *spec, const TaskStreams *streams,
        TaskStarted started, void *userdata, Error **ret_error) {
        _cleanup_task_spec_ TaskSpec *owned = spec;
        int r;

        if (engine_find(engine, id))
                return error_set(ret_error, EEXIST, "task %s was started already", id);
        engine_find_programs(engine);
        if (!engine->nspawn)
                return error_set(ret_error, ENOENT, "systemd-nspawn is not installed");
        if (!engine->init || !engine->helper)
                return error_set(ret_error, ENOENT,
                        "%s is neither beside the program nor in " LIBEXEC_DIR ": install it again",
                        engine->init ? PROGRAM_HELPER : PROGRAM_INIT);
        if (!system_bus_is_ready(engine->system_bus))
                return error_set(
                        ret_error, EAGAIN, "there is no connection to systemd; it is being tried again");

        r = system_bus_check_version(engine->system_bus, ret_error);
        if (r < 0)
                return r;

        r = image_resolve(spec, engine->image_directory, ret_error);
        if (r < 0)
                return r;

        Task *task = task_new(engine, id, started, userdata);
        task->spec = TAKE_PTR(owned);
        task->record.id = xstrdup(id);
        task->record.machine = xstrdup(spec->machine);
        task->record.owner = xstrdup_null(spec->owner);
        task->record.unit = unit_name_make(spec->machine);
        task->record.launch = task_spec_launch(spec);

        int dup = duplicate_streams(task, streams);
        if (dup < 0) {
                task_free(task);
                return error_set(ret_error, dup, "cannot keep the task's streams: %s", strerror(-dup));
        }

        if (r > 0)
                r = sd_event_add_defer(engine->event, &task->begin, on_begin, task);
        else {
                task->query = image_query_new(engine->system_bus, spec->image, on_image, task);
                r = task->query ? 0 : -EIO;
        }
        if (r < 0) {
                task_free(task);
                return error_set(ret_error, r, "cannot begin to start the task: %s", strerror(-r));
        }
        return 0;
}
