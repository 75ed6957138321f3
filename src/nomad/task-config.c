/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "nomad/msgpack.h"
#include "nomad/task-config.h"
#include "task/name.h"

#define MEBIBYTE (UINT64_C(1) << 20)

static void add_field(TaskIdentity *identity, const char *name, const char *value) {
        if (!string_is_empty(value) && !strchr(value, '\n'))
                strv_appendf(&identity->journal_fields, "%s=%s", name, value);
}

static void add_identity(const Driver__TaskConfig *config, TaskIdentity *identity) {
        identity->name = xstrdup(config->name);
        identity->machine = machine_name_make(config->name, config->alloc_id);
        identity->description = xasprintf(
                "Nomad task %s of job %s, allocation %s", config->name, config->job_name, config->alloc_id);
        identity->slice = xstrdup("nspawn-nomad.slice");
        /* Nomad 1.4.3 sends no node id. */
        if (!string_is_empty(config->node_id))
                identity->owner = xstrdup(config->node_id);
        identity->machine_id = machine_id_make(config->alloc_id, config->name);

        add_field(identity, "NOMAD_ALLOC_ID", config->alloc_id);
        add_field(identity, "NOMAD_TASK_NAME", config->name);
        add_field(identity, "NOMAD_GROUP_NAME", config->task_group_name);
        add_field(identity, "NOMAD_JOB_NAME", config->job_name);
        add_field(identity, "NOMAD_JOB_ID", config->job_id);
        add_field(identity, "NOMAD_NAMESPACE", config->namespace_);
        add_field(identity, "NOMAD_NODE_NAME", config->node_name);
}

static void set_variable(TaskSpec *spec, const char *name, const char *value, Diagnostics *d) {
        if (environment_name_is_valid(name))
                string_map_set(&spec->environment, name, value);
        else
                (void) diagnostics_add(
                        d, "env", EINVAL, "\"%s\" is not allowed: must be " ENVIRONMENT_NAME_WANTED, name);
}

static void add_environment(const Driver__TaskConfig *config, TaskSpec *spec, Diagnostics *d) {
        for (size_t i = 0; i < config->n_env; i++)
                set_variable(spec, config->env[i]->key, config->env[i]->value, d);
        for (size_t i = 0; i < config->n_device_env; i++)
                set_variable(spec, config->device_env[i]->key, config->device_env[i]->value, d);
}

/* Mounts the directories that every Nomad task has, at the paths that its environment names. */
static void add_directories(const Driver__TaskConfig *config, TaskSpec *spec) {
        static const struct {
                const char *variable, *target, *directory;
                bool of_task;
        } directories[] = {
                { "NOMAD_ALLOC_DIR", "/alloc", "alloc", false },
                { "NOMAD_TASK_DIR", "/local", "local", true },
                { "NOMAD_SECRETS_DIR", "/secrets", "secrets", true },
        };

        if (string_is_empty(config->alloc_dir))
                return;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                const char *named = string_map_get(&spec->environment, directories[i].variable);
                bool of_task = directories[i].of_task;
                _cleanup_free_ char *source = xasprintf("%s/%s%s%s", config->alloc_dir,
                        of_task ? config->name : "", of_task ? "/" : "", directories[i].directory);

                task_spec_add_bind(
                        spec, source, named && *named == '/' ? named : directories[i].target, false);
        }
}

/* The policy decides whether the operator allows the mount (task/policy.h). */
static void add_mount(const Driver__Mount *mount, TaskSpec *spec, Diagnostics *d) {
        _cleanup_free_ char *target = xasprintf(
                "%s%s", *mount->task_path == '/' ? "" : "/", mount->task_path);

        diagnostics_note(d, "volume_mount", 0, 0, mount->task_path);
        if (streq(mount->propagation_mode, "bidirectional"))
                (void) diagnostics_add(d, "volume_mount", ENOTSUP,
                        "propagation_mode \"bidirectional\" of \"%s\" is not "
                        "possible: must be private or host-to-task",
                        mount->task_path);
        else
                task_spec_add_bind(spec, mount->host_path, target, mount->readonly);
}

static void add_mounts(const Driver__TaskConfig *config, TaskSpec *spec, Diagnostics *d) {
        for (size_t i = 0; i < config->n_mounts; i++)
                add_mount(config->mounts[i], spec, d);
        for (size_t i = 0; i < config->n_devices; i++)
                (void) diagnostics_add(d, "device", ENOTSUP,
                        "\"%s\" cannot be given to a task by this driver yet",
                        config->devices[i]->host_path);
}

static uint64_t from_mebibytes(int64_t n) {
        return n > 0 ? (uint64_t) n * MEBIBYTE : 0;
}

/*
 * Without memory_max the job's memory is the limit. With memory_max that is the limit, and memory is the
 * amount that is kept for the task. memory_max = -1 means no limit (Nomad 1.8.1).
 */
static void add_memory(const Driver__Resources *resources, TaskSpec *spec) {
        const Driver__AllocatedTaskResources *allocated = resources->allocated_resources;
        const Driver__AllocatedMemoryResources *memory = allocated ? allocated->memory : NULL;

        if (memory && memory->memory_max_mb != 0) {
                spec->memory_max = memory->memory_max_mb < 0 ? UINT64_MAX
                                                             : from_mebibytes(memory->memory_max_mb);
                spec->memory_low = from_mebibytes(memory->memory_mb);
        } else if (resources->linux_resources && resources->linux_resources->memory_limit_bytes > 0)
                spec->memory_max = (uint64_t) resources->linux_resources->memory_limit_bytes;
        else if (memory)
                spec->memory_max = from_mebibytes(memory->memory_mb);
}

static void add_resources(const Driver__Resources *resources, TaskSpec *spec) {
        if (!resources)
                return;

        add_memory(resources, spec);
        if (!resources->linux_resources)
                return;
        if (resources->linux_resources->cpu_shares > 0)
                spec->cpu_shares = (uint64_t) resources->linux_resources->cpu_shares;
        if (!string_is_empty(resources->linux_resources->cpuset_cpus))
                string_replace(&spec->cpus, resources->linux_resources->cpuset_cpus);
}

int task_config_to_request(
        const Driver__TaskConfig *config, const DriverConfig *driver, TaskRequest **ret, Error **ret_error) {
        _cleanup_task_request_ TaskRequest *request = task_request_new();
        TaskSpec *spec = &request->spec;
        const Driver__NetworkIsolationSpec *network = config->network_isolation_spec;
        _cleanup_value_ Value *options = NULL;
        const Policy policy = policy_of_driver(driver);
        _cleanup_diagnostics_ Diagnostics d = {};
        int r;

        r = msgpack_to_value(
                config->msgpack_driver_config.data, config->msgpack_driver_config.len, &options, ret_error);
        if (r < 0)
                return r;

        /* The error lists all mistakes at once, so that a user does not have to try once for each. */
        (void) option_decode(&task_options, spec, options, OPTION_IN_JOB, &d);
        add_identity(config, &request->identity);
        add_environment(config, spec, &d);
        add_directories(config, spec);
        add_mounts(config, spec, &d);
        add_resources(config->resources, spec);
        if (!spec->user && !spec->boot && !string_is_empty(config->user))
                spec->user = xstrdup(config->user);
        if (network && !string_is_empty(network->path))
                request->network.namespace_path = xstrdup(network->path);
        if (options->type == VALUE_MAP)
                (void) task_request_check(request, &policy, OPTION_IN_JOB | OPTION_FROM_NOMAD, &d);

        r = diagnostics_to_error(&d, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(request);
        return 0;
}
