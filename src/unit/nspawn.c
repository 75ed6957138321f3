/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <inttypes.h>

#include "base/string.h"
#include "base/strv.h"
#include "base/secrets-file.h"
#include "base/task-dir.h"
#include "unit/nspawn.h"
#include "task/capability.h"

/* Where our init is found in the container; /run is a tmpfs that nspawn makes. */
#define INIT_IN_CONTAINER "/run/nspawn-units/init"

void nspawn_append_record(StringBuffer *buffer, char letter, const char *text) {
        string_buffer_append_bytes(buffer, &letter, 1);
        string_buffer_append_bytes(buffer, text, strlen(text) + 1);
}

char *nspawn_secrets(const TaskSpec *spec, size_t *ret_size) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        _cleanup_strv_ char **environment = string_map_to_strv(&spec->environment);
        STRV_FOREACH (e, environment)
                nspawn_append_record(&buffer, TASK_ENVIRONMENT, *e);
        if (spec->user)
                nspawn_append_record(&buffer, TASK_USER, spec->user);
        if (spec->user && !strv_is_empty(spec->capability)) {
                _cleanup_free_ char *mask = xasprintf("%" PRIx64, capability_mask(spec->capability));
                nspawn_append_record(&buffer, TASK_CAPABILITIES, mask);
        }

        *ret_size = buffer.length;
        return string_buffer_take(&buffer);
}

bool nspawn_keeps_streams_apart(const TaskRequest *request) {
        return request->spec.console == CONSOLE_PIPE;
}

/* nspawn splits paths at colons and takes a backslash as escape (systemd-nspawn(1), --bind=). */
static char *escape_path(const char *path) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        for (; *path; path++) {
                if (*path == ':' || *path == '\\')
                        string_buffer_append_bytes(&buffer, "\\", 1);
                string_buffer_append_bytes(&buffer, path, 1);
        }
        return string_buffer_take(&buffer);
}

static void append_bind(char ***args, const TaskBind *bind) {
        _cleanup_free_ char *source = escape_path(bind->source), *target = escape_path(bind->target);

        strv_appendf(args, "--bind%s=%s:%s", bind->read_only ? "-ro" : "", source, target);
}

static void append_text(char ***args, const char *option, const char *value) {
        if (value)
                strv_appendf(args, "%s=%s", option, value);
}

static void append_flag(char ***args, const char *option, bool wanted) {
        if (wanted)
                strv_append(args, option);
}

static void append_image(char ***args, const TaskSpec *spec, const Root *root) {
        /*
         * nspawn's own mode "state" mounts below the root too early for id-mapped files: EBUSY (systemd 252,
         * nspawn.c, remount_idmap). These two options have the same effect.
         */
        bool state = spec->volatile_mode == VOLATILE_STATE;

        append_text(args, root->kind == ROOT_RAW ? "--image" : "--directory", root->path);
        append_flag(args, "--read-only", spec->read_only || state);
        append_flag(args, "--ephemeral", spec->ephemeral);
        if (!state && spec->volatile_mode != VOLATILE_NO)
                append_text(args, "--volatile", option_value_name(volatile_values, spec->volatile_mode));
        append_flag(args, "--tmpfs=/var:mode=0755", state);
        append_text(args, "--pivot-root", spec->pivot_root);
}

bool nspawn_joins_network_itself(const TaskRequest *request, const Root *root) {
        return request->network.namespace_path && root->kind == ROOT_RAW;
}

static bool has_users(const TaskRequest *request, const Root *root) {
        return task_spec_has_user_namespace(&request->spec) && !nspawn_joins_network_itself(request, root);
}

static void append_users(char ***args, const TaskRequest *request, const Root *root) {
        const TaskSpec *spec = &request->spec;

        if (!has_users(request, root)) {
                strv_append(args, "--private-users=no");
                return;
        }

        append_text(args, "--private-users", spec->private_users);
        append_text(args, "--private-users-ownership",
                option_value_name(ownership_values, spec->private_users_ownership));
}

static void append_network(char ***args, const TaskRequest *request, const Root *root) {
        const char *path = request->network.namespace_path;

        if (nspawn_joins_network_itself(request, root))
                append_text(args, "--network-namespace-path", path);
        else if (!path)
                append_flag(args, "--network-veth", request->spec.network_veth);
        append_text(args, "--resolv-conf", option_value_name(resolv_conf_values, request->spec.resolv_conf));
}

static void append_launch(char ***args, const TaskRequest *request, bool fd_message) {
        static const char *const modes[_TASK_LAUNCH_MAX] = {
                [TASK_LAUNCH_BOOT] = "boot",
                [TASK_LAUNCH_SUPERVISE] = "supervise",
                [TASK_LAUNCH_STUB] = "exec",
                [TASK_LAUNCH_DIRECT] = "exec",
        };

        strv_append(args, "--");
        strv_append(args, INIT_IN_CONTAINER);
        strv_append(args, modes[request->launch]);
        append_flag(args, "--terminal", request->spec.tty);
        append_flag(args, "--descriptors-on-stdin", fd_message);
        strv_append(args, "--");
        STRV_FOREACH (word, request->spec.command)
                strv_append(args, *word);
}

const char *nspawn_kill_signal(TaskLaunch launch) {
        bool asks_init = launch == TASK_LAUNCH_BOOT || launch == TASK_LAUNCH_STUB;

        return asks_init ? "SIGRTMIN+3" : "SIGTERM";
}

/*
 * A task that boots is started through our init like all others, and our init then executes the image's
 * init: nspawn's own --boot would need the environment as arguments. The other effects of --boot (systemd
 * 252 to 256, nspawn.c) are set here: the signal that asks for a shutdown, and the kind of console.
 */
static void append_process(char ***args, const TaskRequest *request) {
        const TaskSpec *spec = &request->spec;
        TaskLaunch launch = request->launch;

        append_flag(args, "--as-pid2", launch == TASK_LAUNCH_STUB);
        append_text(args, "--kill-signal", nspawn_kill_signal(launch));
        append_flag(
                args, "--notify-ready=yes", launch == TASK_LAUNCH_SUPERVISE || launch == TASK_LAUNCH_BOOT);
        append_text(args, "--console", option_value_name(console_values, spec->console));
        append_text(args, "--chdir", spec->working_directory);

        if (!strv_is_empty(spec->capability)) {
                _cleanup_free_ char *joined = strv_join(spec->capability, ",");
                append_text(args, "--capability", joined);
        }
}

char **nspawn_arguments(const TaskRequest *request, const Root *root, const UnitHost *host) {
        const TaskSpec *spec = &request->spec;
        char in_container[] = INIT_IN_CONTAINER;
        _cleanup_free_ char *directory = unit_host_directory(host);
        char **args = NULL;

        strv_append(&args, host->program);
        strv_append(&args, "--quiet");
        strv_append(&args, "--keep-unit");
        strv_append(&args, "--settings=no");
        append_text(&args, "--register", host->register_machine ? "yes" : "no");
        append_text(&args, "--machine", request->identity.machine);
        append_text(&args, "--uuid", request->identity.machine_id);
        append_image(&args, spec, root);
        append_process(&args, request);
        append_users(&args, request, root);
        append_network(&args, request, root);
        strv_appendf(&args, "--load-credential=" TASK_CREDENTIAL ":%s/" TASK_SECRETS_FILE, directory);
        append_bind(&args, &(TaskBind){ (char *) (uintptr_t) host->init, in_container, true });
        /*
         * Only with a user namespace: without one, the container's root could mount the group writable and
         * lift its own limits.
         */
        if (request->launch != TASK_LAUNCH_BOOT && has_users(request, root))
                strv_appendf(&args, "--bind-ro=%s/" TASK_GROUP_LINK ":" TASK_GROUP_IN_CONTAINER, directory);
        for (size_t i = 0; i < spec->n_binds; i++)
                append_bind(&args, &spec->binds[i]);
        append_launch(&args, request, host->descriptors.init_reads_message);
        return args;
}
