/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/remove.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/secrets-file.h"
#include "engine/launch.h"
#include "engine/task.h"
#include "unit/fd-message.h"
#include "unit/journal-fields.h"
#include "task/limits.h"
#include "task/name.h"

/* Connections that wait for our init; while systemd restarts a unit there is none. */
#define ATTACH_BACKLOG 8

/*
 * The unit is dead or never came to be, and systemd does not always remove what is there for it: not what a
 * killed nspawn of systemd 262 has mounted there, where our helper did not get to run.
 */
void task_remove_runtime_directory(const char *machine) {
        _cleanup_free_ char *directory = nspawn_runtime_directory(machine), *unit = unit_name_make(machine);

        directory_clear(directory, false);
        (void) rmdir(directory);
        journal_fields_remove(unit);
        nspawn_clear_away(machine);
}

/*
 * What no argument may show goes into a private file first.
 *
 * Return: 0; -EEXIST when a namesake may be using the directory; or another negative errno.
 */
static int write_task_file(const char *machine, const TaskSpec *spec) {
        _cleanup_free_ char *directory = nspawn_runtime_directory(machine);
        _cleanup_free_ char *file = nspawn_runtime_path(machine, NSPAWN_TASK_FILE), *text = NULL;
        size_t size;
        int r;

        if (mkdir(RUNTIME_DIRECTORY, 0755) < 0 && errno != EEXIST)
                return -errno;
        if (mkdir(directory, 0700) < 0)
                return -errno;

        text = nspawn_task_file(spec, &size);
        r = file_write_private(file, text, size);
        if (r < 0)
                (void) rmdir(directory);
        return r;
}

/*
 * Makes the socket that whoever attaches to the task's terminal connects to. It is made here, where root of
 * the host is sure to own it, and our init listens on it.
 *
 * Return: the socket or a negative errno.
 */
static int listen_for_attach(const char *machine) {
        _cleanup_free_ char *path = nspawn_runtime_path(machine, ATTACH_SOCKET);
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
static int make_fd_message(
        const Task *task, const TaskRequest *request, const TaskStreams *streams, int ledger, int attach) {
        bool apart = nspawn_keeps_streams_apart(request);
        bool reports = apart && task->record.launch == TASK_LAUNCH_SUPERVISE;
        int output = loses_descriptors(task, request) ? streams->output : -1;
        int error = apart ? streams->error : -1;

        if (!reports)
                ledger = -1;
        if (output < 0 && error < 0 && ledger < 0 && attach < 0)
                return -1;
        return fd_message_new(output, error, ledger, attach);
}

/* What the unit's first program becomes (TASK_ARGUMENTS_FILE). Return: 0, or a negative errno with words. */
static int write_arguments(
        const Task *task, const TaskRequest *request, const Root *root, bool fd_message, Error **ret_error) {
        const NspawnHost host = {
                .program = task->engine->nspawn,
                .init = task->engine->init,
                .register_machine = system_bus_has_machined(task->engine->system_bus),
                .fd_message = fd_message && nspawn_keeps_streams_apart(request),
        };
        _cleanup_free_ char *path = nspawn_runtime_path(task->record.machine, TASK_ARGUMENTS_FILE);
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

static int describe_unit(const Task *task, const TaskRequest *request, const Root *root,
        const TaskStreams *streams, int fd_message, sd_bus_message **ret) {
        const Engine *engine = task->engine;
        _cleanup_free_ char *ledger = ledger_path(task->record.machine);
        const UnitHost host = {
                .version = system_bus_version(engine->system_bus),
                .register_machine = system_bus_has_machined(engine->system_bus),
                .output = streams->output,
                .fd_message = fd_message,
                .keeps_fd_message = fd_message >= 0 && loses_descriptors(task, request),
                .helper = engine->helper,
                .ledger = ledger,
        };
        int r = system_bus_new_call(engine->system_bus, "StartTransientUnit", ret);

        return r < 0 ? r : transient_append(*ret, request, root, &host);
}

/* Makes what the unit finds in its directory and on its descriptors. Return: as make_fd_message(). */
static int prepare_unit(Task *task, const TaskRequest *request, const Root *root, const TaskStreams *streams,
        Error **ret_error) {
        _cleanup_fd_ int ledger = -1, attach = -1, fd_message = -1;
        int r;

        if (task->engine->ledgers) {
                ledger = ledger_create(&task->record);
                if (ledger < 0)
                        return error_set(ret_error, ledger, "cannot write below " RUNTIME_DIRECTORY ": %s",
                                strerror(-ledger));
                task->has_ledger = true;
        }

        if (request->spec.tty) {
                attach = listen_for_attach(task->record.machine);
                if (attach < 0)
                        return error_set(ret_error, attach, "cannot listen below " RUNTIME_DIRECTORY ": %s",
                                strerror(-attach));
        }

        fd_message = make_fd_message(task, request, streams, ledger, attach);
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
        int r;

        if (fd_message < -1)
                return NULL;

        r = describe_unit(task, request, root, streams, fd_message, &m);
        if (r < 0)
                (void) error_set(ret_error, r, "cannot describe the unit to systemd: %s", strerror(-r));
        else
                job = job_new(task->engine->system_bus, m, done, userdata, ret_error);
        sd_bus_message_unref(m);
        return job;
}

int launch_unit(Task *task, const TaskRequest *request, const Root *root, const TaskStreams *streams,
        JobDone done, void *userdata, Job **ret_job, Error **ret_error) {
        int r = write_task_file(task->record.machine, &request->spec);

        if (r == -EEXIST)
                return r;
        if (r < 0)
                return error_set(ret_error, r, "cannot write below " RUNTIME_DIRECTORY ": %s", strerror(-r));

        Job *job = ask_for_unit(task, request, root, streams, done, userdata, ret_error);
        if (!job) {
                task_remove_runtime_directory(task->record.machine);
                return -EIO;
        }

        *ret_job = job;
        return 0;
}
