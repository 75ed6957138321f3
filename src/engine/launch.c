/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/container-traces.h"
#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/task-dir.h"
#include "engine/launch.h"
#include "engine/task.h"
#include "unit/fd-message.h"
#include "unit/journal-fields.h"
#include "unit/task-dir.h"
#include "task/limits.h"

/* Connections that wait for our init; while systemd restarts a unit there is none. */
#define ATTACH_BACKLOG 8

void task_remove_unit_directory(const Task *task) {
        task_dir_remove_unit(task->engine->runtime_directory, task->record.machine);
        journal_fields_remove(task->record.unit);
        container_traces_remove(task->record.machine);
}

/* Return: the path of a file that goes with the task's unit, owned by the caller. */
static char *unit_file(const Task *task, const char *name) {
        return task_dir_unit_file(task->engine->runtime_directory, task->record.machine, name);
}

/*
 * The record comes first, so that the directory can be told to be this task's whatever happens after that.
 *
 * Return: 0, or a negative errno.
 */
static int write_record(Task *task) {
        int r = task->engine->keeps_records
                ? record_file_create(task->engine->runtime_directory, &task->record)
                : 0;

        task->has_record = task->engine->keeps_records && r >= 0;
        return r;
}

/* Writes what no argument may show. Return: 0, or a negative errno. */
static int write_secrets(const Task *task, const TaskSpec *spec) {
        _cleanup_free_ char *path = unit_file(task, TASK_SECRETS_FILE), *text = NULL;
        size_t size;

        text = nspawn_secrets(spec, &size);
        return file_write_private(path, text, size);
}

/*
 * Makes the socket that whoever attaches to the task's terminal connects to. It is made here, where root of
 * the host is sure to own it, and our init listens on it.
 *
 * Return: the socket or a negative errno.
 */
static int listen_for_attach(const Task *task) {
        _cleanup_free_ char *path = unit_file(task, ATTACH_SOCKET);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);

        /* The file gets the mode that the socket has (net/unix/af_unix.c, unix_bind_bsd()). */
        if (fd < 0 || fchmod(fd, 0600) < 0 ||
                bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
                listen(fd, ATTACH_BACKLOG) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Whether systemd starts the unit again by itself, and forgets its descriptors then. */
static bool loses_descriptors(const Task *task, const TaskRequest *request) {
        return task_request_runs_again(request) &&
                fd_message_is_lost(system_bus_version(task->engine->system_bus));
}

/*
 * Return: what the unit's stdin is to be, -1 when there is nothing to hand over, or another negative errno.
 */
static int make_fd_message(Task *task, const TaskRequest *request, const TaskStreams *streams, int attach) {
        bool apart = nspawn_keeps_streams_apart(request);
        bool reports = apart && task->record.launch == TASK_LAUNCH_SUPERVISE;
        int output = loses_descriptors(task, request) ? streams->output : -1;
        int error = apart ? streams->error : -1;

        task->result_fd = fd_close(task->result_fd);
        if (reports && task->engine->keeps_records) {
                task->result_fd = run_result_new();
                if (task->result_fd < 0)
                        return task->result_fd;
        }
        if (output < 0 && error < 0 && task->result_fd < 0 && attach < 0)
                return -1;
        return fd_message_new(output, error, task->result_fd, attach);
}

/* What the unit's first program becomes (TASK_ARGUMENTS_FILE). Return: 0, or a negative errno with words. */
static int write_arguments(
        const Task *task, const TaskRequest *request, const Root *root, bool fd_message, Error **ret_error) {
        const Engine *engine = task->engine;
        _cleanup_free_ char *directory = task_dir_unit_path(engine->runtime_directory, task->record.machine),
                            *path = unit_file(task, TASK_ARGUMENTS_FILE);
        const NspawnHost host = {
                .program = engine->nspawn,
                .init = engine->init,
                .directory = directory,
                .register_machine = system_bus_has_machined(engine->system_bus),
                .fd_message = fd_message && nspawn_keeps_streams_apart(request),
        };
        _cleanup_strv_ char **args = nspawn_arguments(request, root, &host);
        _cleanup_string_buffer_ StringBuffer buffer = {};

        if (arguments_size(args) > ARGUMENTS_MAX - ARGUMENTS_RESERVE)
                return error_set(ret_error, E2BIG,
                        "the arguments of systemd-nspawn take %" PRIu64 " bytes, at most %" PRIu64
                        " are allowed: command or bind is too long",
                        arguments_size(args), ARGUMENTS_MAX - ARGUMENTS_RESERVE);

        STRV_FOREACH (word, args)
                string_buffer_append_bytes(&buffer, *word, strlen(*word) + 1);
        int r = file_write_private(path, buffer.text, buffer.length);
        return r < 0 ? error_set(ret_error, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

/* Return: 0 with the call that starts the unit, or a negative errno with words. */
static int describe_unit(const Task *task, const TaskRequest *request, const Root *root,
        const TaskStreams *streams, int fd_message, sd_bus_message **ret, Error **ret_error) {
        const Engine *engine = task->engine;
        _cleanup_free_ char *directory = task_dir_path(engine->runtime_directory, task->record.machine);
        const UnitHost host = {
                .register_machine = system_bus_has_machined(engine->system_bus),
                .output = streams->output,
                .fd_message = fd_message,
                .keeps_fd_message = fd_message >= 0 && loses_descriptors(task, request),
                .helper = engine->helper,
                .directory = directory,
                .keeps_record = engine->keeps_records,
        };
        _cleanup_plan_ UnitPlan *plan = NULL;
        int r = transient_plan(request, root, &host, &plan, ret_error);

        if (r < 0)
                return r;
        r = system_bus_new_call(engine->system_bus, "StartTransientUnit", ret);
        if (r < 0)
                return error_set(ret_error, r, "cannot describe the unit to systemd: %s", strerror(-r));
        return plan_append(plan, *ret, system_bus_version(engine->system_bus), ret_error);
}

/* Makes what the unit finds in its directory and on its descriptors. Return: as make_fd_message(). */
static int prepare_unit(Task *task, const TaskRequest *request, const Root *root, const TaskStreams *streams,
        Error **ret_error) {
        _cleanup_fd_ int attach = -1, fd_message = -1;
        int r;

        if (request->spec.tty) {
                attach = listen_for_attach(task);
                if (attach < 0)
                        return error_set(ret_error, attach, "cannot listen below %s: %s",
                                task->engine->runtime_directory, strerror(-attach));
        }

        fd_message = make_fd_message(task, request, streams, attach);
        if (fd_message < -1)
                return error_set(ret_error, fd_message, "cannot hand the task's streams over: %s",
                        strerror(-fd_message));

        r = write_arguments(task, request, root, fd_message >= 0, ret_error);
        if (r < 0)
                return r;

        char *const *fields = request->identity.journal_fields;
        if (!journal_fields_survive(fields)) {
                r = journal_fields_write(task->record.unit, fields);
                if (r < 0)
                        return error_set(
                                ret_error, r, "cannot write below /run/systemd/system: %s", strerror(-r));
        }
        return TAKE_FD(fd_message);
}

/* Asks systemd for the unit. Return: the job, or NULL with @ret_error set. */
static Job *ask_for_unit(Task *task, const TaskRequest *request, const Root *root,
        const TaskStreams *streams, JobDone done, void *userdata, Error **ret_error) {
        sd_bus_message *m = NULL;
        Job *job = NULL;
        _cleanup_fd_ int fd_message = prepare_unit(task, request, root, streams, ret_error);

        if (fd_message < -1)
                return NULL;

        if (describe_unit(task, request, root, streams, fd_message, &m, ret_error) >= 0)
                job = job_new(task->engine->system_bus, m, done, userdata, ret_error);
        sd_bus_message_unref(m);
        return job;
}

int launch_unit(Task *task, const TaskRequest *request, const Root *root, const TaskStreams *streams,
        JobDone done, void *userdata, Job **ret_job, Error **ret_error) {
        const char *runtime = task->engine->runtime_directory;
        int r = task_dir_create(runtime, task->record.machine);

        if (r == -EEXIST)
                return r;
        if (r == -EBUSY)
                return error_set(ret_error, r,
                        "an older version started a task called \"" TASKS_DIRECTORY
                        "\", whose directory is in the way of all others: stop nspawn-" TASKS_DIRECTORY
                        ".service first");

        if (r >= 0)
                r = write_record(task);
        if (r >= 0)
                r = write_secrets(task, &request->spec);
        if (r < 0) {
                task_remove_unit_directory(task);
                return error_set(ret_error, r, "cannot write below %s: %s", runtime, strerror(-r));
        }

        Job *job = ask_for_unit(task, request, root, streams, done, userdata, ret_error);
        if (!job) {
                task_remove_unit_directory(task);
                return -EIO;
        }

        *ret_job = job;
        return 0;
}
