/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "base/task-dir.h"
#include "unit/journal-fields.h"
#include "unit/transient.h"
#include "task/cpus.h"
#include "task/name.h"

/* What systemd-nspawn@.service grants a container. */
#define TASKS_MAX UINT64_C(16384)

/* The default weight of a unit (systemd.resource-control(5)), and the shares that correspond to it. */
#define CPU_WEIGHT_DEFAULT 100
#define CPU_SHARES_DEFAULT 1024
#define CPU_WEIGHT_MAX 10000

char *unit_host_directory(const UnitHost *host) {
        return xasprintf("%s/" TASK_UNIT_DIRECTORY, host->directory);
}

static void add_identity(UnitPlan *plan, const TaskIdentity *identity) {
        plan_set_line(
                plan, "Description", identity->description ? identity->description : identity->machine);
        plan_set_text(plan, "Slice", identity->slice);
        plan_set_flag(plan, "AddRef", true);
        plan_set_text(plan, "CollectMode", "inactive-or-failed");
}

static void add_journal_fields(UnitPlan *plan, char *const *fields) {
        if (strv_is_empty(fields))
                return;

        PlanProperty *property = plan_set_words(plan, "LogExtraFields", fields);
        if (!journal_fields_survive(fields))
                plan_keep_from_bus(property);
}

/*
 * A limit of 0 would mean no limit, but systemd does not pass it on, and journald uses its own limit then
 * (unit_export_log_ratelimit_interval(), core/unit.c of 252). So "no limit" is one that is never reached: no
 * program writes a million lines in a microsecond.
 */
static void add_log_rate_limit(UnitPlan *plan, const TaskLogRateLimit *limit) {
        plan_require(plan_set_number(
                             plan, "LogRateLimitIntervalUSec", limit->burst > 0 ? limit->interval_usec : 1),
                "log_rate_limit");
        plan_require(plan_set_number(plan, "LogRateLimitBurst", limit->burst > 0 ? limit->burst : 1000000),
                "log_rate_limit");
}

/*
 * systemd limits the number of starts, and the first start is no restart. With an interval of UINT64_MAX
 * systemd counts all starts since the first (systemd 252 to 255, ratelimit.c). For a task without a limit,
 * systemd's default limit must be switched off.
 */
static void add_restart_limits(UnitPlan *plan, const TaskRestart *restart) {
        uint64_t interval = restart->interval_usec > 0 ? restart->interval_usec : UINT64_MAX;

        plan_require(
                plan_set_text(plan, "Restart", option_value_name(restart_policy_values, restart->policy)),
                "restart");
        plan_require(plan_set_number(plan, "RestartUSec", restart->delay_usec), "restart");
        plan_require(
                plan_set_number(plan, "StartLimitIntervalUSec", restart->max_attempts > 0 ? interval : 0),
                "restart");
        if (restart->max_attempts > 0)
                plan_require(plan_set_number(plan, "StartLimitBurst", restart->max_attempts + 1), "restart");
}

static void add_restart(UnitPlan *plan, const TaskSpec *spec) {
        if (task_spec_restarts(spec))
                add_restart_limits(plan, &spec->restart);
}

static void add_streams(UnitPlan *plan, const TaskIdentity *identity, const UnitHost *host) {
        plan_set_text(plan, "StandardError", "journal");
        plan_set_line(plan, "SyslogIdentifier", identity->name ? identity->name : identity->machine);

        if (host->descriptors.output >= 0) {
                /*
                 * With "journal", as for stderr, systemd would make stderr a copy of stdout, whatever that
                 * is (execute.c).
                 */
                plan_set_text(plan, "StandardOutput", "null");
                plan_set_fd(plan, "StandardOutputFileDescriptor", host->descriptors.output);
        } else
                plan_set_text(plan, "StandardOutput", "journal");
        if (host->descriptors.message >= 0)
                plan_set_fd(plan, "StandardInputFileDescriptor", host->descriptors.message);
}

/*
 * Secrets live for as long as the unit does, restarts included: only systemd knows when that is over, so it
 * removes the directory that they are in (RuntimeDirectory=). Record and notes outlive the unit and are
 * beside that directory; the engine removes them. Without a record, systemd removes all of the task's
 * directory.
 *
 * systemd can do so for directories below /run only.
 */
static void add_runtime_directory(UnitPlan *plan, const TaskIdentity *identity, const UnitHost *host) {
        _cleanup_free_ char *directory = unit_host_directory(host),
                            *unit = unit_name_make(identity->machine),
                            *fields = journal_fields_directory(unit);
        _cleanup_strv_ char **directories = NULL;
        const char *below = string_after_prefix(host->keeps_record ? directory : host->directory, "/run/");

        if (!below)
                return;
        strv_append(&directories, below);
        if (!journal_fields_survive(identity->journal_fields))
                strv_append(&directories, string_after_prefix(fields, "/run/"));
        plan_set_words(plan, "RuntimeDirectory", directories);
        plan_set_number(plan, "RuntimeDirectoryMode", 0700);
        plan_set_text(plan, "RuntimeDirectoryPreserve", "restart");
}

static uint64_t weight_from_shares(uint64_t shares) {
        if (shares >= (uint64_t) CPU_WEIGHT_MAX * CPU_SHARES_DEFAULT / CPU_WEIGHT_DEFAULT)
                return CPU_WEIGHT_MAX;

        uint64_t weight = shares * CPU_WEIGHT_DEFAULT / CPU_SHARES_DEFAULT;
        return weight > 0 ? weight : 1;
}

/* Return: 0, or -EINVAL with @ret_error set. */
static int add_cpus(UnitPlan *plan, const char *text, Error **ret_error) {
        CpuList list;

        if (!cpu_list_parse(text, &list))
                return error_set(ret_error, EINVAL, "cpus: \"%s\" is no list of processors", text);
        plan_require(plan_set_bytes(plan, "AllowedCPUs", list.mask, list.n_bytes), "cpus");
        return 0;
}

static int add_resources(UnitPlan *plan, const TaskSpec *spec, Error **ret_error) {
        plan_set_flag(plan, "CPUAccounting", true);
        plan_set_flag(plan, "MemoryAccounting", true);
        plan_set_flag(plan, "IOAccounting", true);
        plan_set_flag(plan, "TasksAccounting", true);
        plan_set_number(plan, "TasksMax", TASKS_MAX);
        plan_require(
                plan_set_text(plan, "OOMPolicy", option_value_name(oom_policy_values, spec->oom_policy)),
                "oom_policy");

        if (spec->memory_max > 0)
                plan_require(plan_set_number(plan, "MemoryMax", spec->memory_max), "memory");
        if (spec->memory_low > 0)
                plan_require(plan_set_number(plan, "MemoryLow", spec->memory_low), "memory");
        if (spec->cpu_shares > 0)
                plan_require(
                        plan_set_number(plan, "CPUWeight", weight_from_shares(spec->cpu_shares)), "cpu");
        return string_is_empty(spec->cpus) ? 0 : add_cpus(plan, spec->cpus, ret_error);
}

/* The helper executes the command line in the task's directory (launch.c), which may have any length. */
static void add_start(UnitPlan *plan, const TaskRequest *request, const UnitHost *host) {
        _cleanup_free_ char *directory = unit_host_directory(host);
        _cleanup_strv_ char **start = NULL, **may_start = NULL;

        strv_append(&start, host->helper);
        strv_append(&start, "start");
        strv_append(&start, directory);
        plan_add_command(plan, "ExecStart", start, false);
        if (host->descriptors.message_is_kept) {
                plan_set_number(plan, "FileDescriptorStoreMax", 1);
                plan_set_text(plan, "NotifyAccess", "exec");
        }

        /*
         * The engine may learn too late that systemd is about to start a task again that is being stopped.
         * So the helper checks before each start. The unit's conditions would cost no process, but since 254
         * an automatic restart does not check them (core/unit.c, unit_start()).
         */
        if (!task_request_runs_again(request))
                return;
        strv_append(&may_start, host->helper);
        strv_append(&may_start, "may-start");
        strv_append(&may_start, directory);
        plan_add_command(plan, "ExecCondition", may_start, false);
}

/* The result of the task does not depend on whether its end could be noted: failures are ignored. */
static void add_end(UnitPlan *plan, const TaskSpec *spec, const UnitHost *host) {
        _cleanup_strv_ char **args = NULL;

        strv_append(&args, host->helper);
        strv_append(&args, "ended");
        if (host->descriptors.message_is_kept)
                strv_append(&args, "--keep");
        if (host->register_machine && task_spec_restarts(spec))
                strv_append(&args, "--unregister");
        strv_append(&args, host->directory);
        plan_add_command(plan, "ExecStopPost", args, true);
}

int transient_plan(const Isolation *isolation, const TaskRequest *request, const Root *root,
        const UnitHost *host, UnitPlan **ret, Error **ret_error) {
        const TaskIdentity *identity = &request->identity;
        const TaskSpec *spec = &request->spec;
        _cleanup_free_ char *unit = unit_name_make(identity->machine);
        _cleanup_plan_ UnitPlan *plan = plan_new(unit);

        add_identity(plan, identity);
        add_journal_fields(plan, identity->journal_fields);
        add_log_rate_limit(plan, &spec->log_rate_limit);
        add_restart(plan, spec);
        add_streams(plan, identity, host);
        add_runtime_directory(plan, identity, host);
        add_start(plan, request, host);
        add_end(plan, spec, host);

        isolation->plan(plan, request, root, host);

        int r = add_resources(plan, spec, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(plan);
        return 0;
}
