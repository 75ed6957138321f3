/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/fd.h"
#include "base/hold.h"
#include "base/run-result.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/task-dir.h"
#include "engine/launch.h"
#include "engine/task.h"
#include "unit/fd-message.h"
#include "unit/journal-fields.h"
#include "unit/nspawn.h"
#include "unit/task-dir.h"
#include "task/limits.h"

/* How many connections may wait until our init accepts them; no init runs while systemd restarts a unit. */
#define ATTACH_BACKLOG 8

void task_remove_unit_directory(const Task *task) {
        const char *root = task->engine->runtime_directory;

        task_dir_release_holds(root, task->record.machine, HOLDS_ALL);
        task_dir_remove_unit(root, task->record.machine);
}

void launch_undo(const Task *task) {
        const char *root = task->engine->runtime_directory, *machine = task->record.machine;

        task_dir_release_holds(root, machine, HOLD_SET(HOLD_JOURNAL_FIELDS));
        task_dir_remove_unit(root, machine);
        if (!engine_keeps_records(task->engine))
                task_dir_remove_record(root, machine);
}

/* Return: the path of a file that goes with the task's unit, owned by the caller. */
static char *unit_file(const Task *task, const char *name) {
        return task_dir_unit_file(task->engine->runtime_directory, task->record.machine, name);
}

/*
 * Writes the record before all other files, so that the directory can be recognized as this task's whatever
 * happens after that.
 *
 * Return: 0, or a negative errno.
 */
static int write_record(Task *task) {
        const char *root = task->engine->runtime_directory;
        int r;

        /* A record that an earlier task with this name left would be taken for this task's. */
        if (!engine_keeps_records(task->engine)) {
                task_dir_remove_record(root, task->record.machine);
                return 0;
        }

        r = record_file_create(root, &task->record);
        task->has_record = r >= 0;
        return r;
}

/* Writes the secrets, which must not appear in any command line. Return: 0, or a negative errno. */
static int write_secrets(const Task *task, const TaskSpec *spec) {
        _cleanup_free_ char *path = unit_file(task, TASK_SECRETS_FILE), *text = NULL;
        size_t size;

        text = nspawn_secrets(spec, &size);
        return file_write_private(path, text, size);
}

/*
 * Makes the socket that clients connect to when they attach to the task's terminal. The engine makes it, so
 * that root of the host is sure to own it; our init accepts the connections.
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

/* Return: whether systemd closes the unit's descriptors before it runs the unit again. */
static bool loses_descriptors(const Engine *engine, const TaskRequest *request) {
        return task_request_runs_again(request) &&
                fd_message_is_lost(system_bus_version(engine->system_bus));
}

UnitDescriptors launch_descriptors(const Engine *engine, const Isolation *isolation,
        const TaskRequest *request, int output, int message) {
        return (UnitDescriptors){
                .output = output,
                .message = message,
                .message_is_kept = message >= 0 && loses_descriptors(engine, request),
                .init_reads_message = message >= 0 && isolation->hands_streams_on(request),
        };
}

UnitHost launch_host(const Engine *engine, const char *directory) {
        return (UnitHost){
                .program = engine->nspawn,
                .init = engine->init,
                .helper = engine->helper,
                .directory = directory,
                .keeps_record = engine_keeps_records(engine),
                .register_machine = system_bus_has_machined(engine->system_bus),
        };
}

/*
 * Decides which descriptors the unit is started with, and what each is for; no other function does. A unit
 * that systemd runs again may lose its stdout (fd_message_is_lost()), so the message contains it too. Where
 * the isolation hands the unit's streams on to the payload, the unit's stderr goes to the journal. Then the
 * task's stderr comes in the message, and our init makes it the stderr of the command.
 *
 * Return: 0 with @ret set, whose message the caller must close; or a negative errno.
 */
static int make_descriptors(Task *task, const TaskRequest *request, const TaskStreams *streams, int attach,
        UnitDescriptors *ret) {
        bool apart = task->isolation->hands_streams_on(request);
        bool reports = apart && task->record.launch == TASK_LAUNCH_SUPERVISE;
        bool loses = loses_descriptors(task->engine, request);
        int output = loses ? streams->output : -1, error = apart ? streams->error : -1, message = -1;

        task->result_fd = fd_close(task->result_fd);
        if (reports && engine_keeps_records(task->engine)) {
                task->result_fd = run_result_new();
                if (task->result_fd < 0)
                        return task->result_fd;
        }
        if (output >= 0 || error >= 0 || task->result_fd >= 0 || attach >= 0) {
                message = fd_message_new(output, error, task->result_fd, attach);
                if (message < 0)
                        return message;
        }

        *ret = launch_descriptors(task->engine, task->isolation, request, streams->output, message);
        return 0;
}

/*
 * Writes the command line that the helper executes (TASK_ARGUMENTS_FILE). Return: 0, or a negative errno
 * with @ret_error set.
 */
static int write_arguments(const Task *task, const TaskRequest *request, const Root *root,
        const UnitHost *host, Error **ret_error) {
        _cleanup_free_ char *path = unit_file(task, TASK_ARGUMENTS_FILE);
        _cleanup_strv_ char **args = task->isolation->arguments(request, root, host);
        _cleanup_string_buffer_ StringBuffer buffer = {};

        if (arguments_size(args) > ARGUMENTS_MAX - ARGUMENTS_RESERVE)
                return error_set(ret_error, E2BIG,
                        "the arguments of %s take %" PRIu64 " bytes, at most %" PRIu64
                        " are allowed: command or bind is too long",
                        basename(args[0]), arguments_size(args), ARGUMENTS_MAX - ARGUMENTS_RESERVE);

        STRV_FOREACH (word, args)
                string_buffer_append_bytes(&buffer, *word, strlen(*word) + 1);
        int r = file_write_private(path, buffer.text, buffer.length);
        return r < 0 ? error_set(ret_error, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

/* Writes the files that the unit reads. Return: 0, or a negative errno with @ret_error set. */
static int prepare_unit(const Task *task, const TaskRequest *request, const Root *root, const UnitHost *host,
        Error **ret_error) {
        char *const *fields = request->identity.journal_fields;
        int r = write_arguments(task, request, root, host, ret_error);

        if (r < 0 || journal_fields_survive(fields))
                return r;

        r = journal_fields_write(task->record.unit, fields);
        return r < 0 ? error_set(ret_error, r, "cannot write below /run/systemd/system: %s", strerror(-r))
                     : 0;
}

/* Return: 0 with the call that starts the unit, or a negative errno with @ret_error set. */
static int describe_unit(const Task *task, const TaskRequest *request, const Root *root,
        const UnitHost *host, sd_bus_message **ret, Error **ret_error) {
        SystemBus *system_bus = task->engine->system_bus;
        _cleanup_plan_ UnitPlan *plan = NULL;
        int r = transient_plan(task->isolation, request, root, host, &plan, ret_error);

        if (r < 0)
                return r;
        r = system_bus_new_call(system_bus, "StartTransientUnit", ret);
        if (r < 0)
                return error_set(ret_error, r, "cannot describe the unit to systemd: %s", strerror(-r));
        return plan_append(plan, *ret, system_bus_version(system_bus), ret_error);
}

/* As make_descriptors(), but sets @ret_error, and adds the socket of the terminal if the task has one. */
static int open_descriptors(Task *task, const TaskRequest *request, const TaskStreams *streams,
        UnitDescriptors *ret, Error **ret_error) {
        _cleanup_fd_ int attach = -1;

        if (request->spec.tty) {
                attach = listen_for_attach(task);
                if (attach < 0)
                        return error_set(ret_error, attach, "cannot listen below %s: %s",
                                task->engine->runtime_directory, strerror(-attach));
        }

        int r = make_descriptors(task, request, streams, attach, ret);
        return r < 0 ? error_set(ret_error, r, "cannot hand the task's streams over: %s", strerror(-r)) : 0;
}

/* Asks systemd for the unit. Return: the job, or NULL with @ret_error set. */
static Job *ask_for_unit(Task *task, const TaskRequest *request, const Root *root,
        const TaskStreams *streams, JobDone done, void *userdata, Error **ret_error) {
        const Engine *engine = task->engine;
        _cleanup_free_ char *directory = task_dir_path(engine->runtime_directory, task->record.machine);
        UnitHost host = launch_host(engine, directory);
        sd_bus_message *m = NULL;
        Job *job = NULL;

        if (open_descriptors(task, request, streams, &host.descriptors, ret_error) < 0)
                return NULL;
        _cleanup_fd_ int message = host.descriptors.message;

        if (prepare_unit(task, request, root, &host, ret_error) >= 0 &&
                describe_unit(task, request, root, &host, &m, ret_error) >= 0)
                job = job_new(engine->system_bus, m, done, userdata, ret_error);
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
                r = task_dir_write_holds(runtime, task->record.machine);
        if (r >= 0)
                r = write_secrets(task, &request->spec);
        if (r < 0) {
                launch_undo(task);
                return error_set(ret_error, r, "cannot write below %s: %s", runtime, strerror(-r));
        }

        Job *job = ask_for_unit(task, request, root, streams, done, userdata, ret_error);
        if (!job) {
                launch_undo(task);
                return -EIO;
        }

        *ret_job = job;
        return 0;
}
