/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/signal.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/task-dir.h"
#include "unit/journal-fields.h"
#include "bus/property.h"
#include "unit/transient.h"
#include "task/cpus.h"
#include "task/name.h"

/* What systemd-nspawn@.service grants a container. */
#define TASKS_MAX UINT64_C(16384)

/* Without a request of ours to end sooner; systemctl stop waits as long. */
#define TIMEOUT_USEC (90 * USEC_PER_SEC)

/* The unit's weight that equals no weight (systemd.resource-control(5)), and the shares that mean the same.
 */
#define CPU_WEIGHT_DEFAULT 100
#define CPU_SHARES_DEFAULT 1024
#define CPU_WEIGHT_MAX 10000

/* A message being built; the first failure sticks, so that a list of properties reads as a list. */
typedef struct Builder {
        sd_bus_message *m;
        unsigned version;
        int r;
} Builder;

#define add(b, ...) \
        do { \
                if ((b)->r >= 0) \
                        (b)->r = property_append((b)->m, (b)->version, __VA_ARGS__); \
        } while (false)

static void add_text(Builder *b, const char *name, const char *text) {
        if (b->r >= 0)
                b->r = property_append_text(b->m, b->version, name, text);
}

static void add_identity(Builder *b, const TaskIdentity *identity) {
        add_text(b, "Description", identity->description ? identity->description : identity->machine);
        add(b, "Slice", identity->slice);
        add(b, "AddRef", true);
        add(b, "CollectMode", "inactive-or-failed");
}

static void add_journal_fields(Builder *b, char *const *fields) {
        if (b->r < 0 || strv_is_empty(fields) || !journal_fields_survive(fields))
                return;

        b->r = property_begin(b->m, b->version, "LogExtraFields");
        if (b->r <= 0)
                return;
        b->r = sd_bus_message_open_container(b->m, 'a', "ay");
        STRV_FOREACH (field, fields)
                if (b->r >= 0)
                        b->r = sd_bus_message_append_array(b->m, 'y', *field, strlen(*field));
        if (b->r >= 0)
                b->r = sd_bus_message_close_container(b->m);
        if (b->r >= 0)
                b->r = property_end(b->m);
}

/*
 * journald does not see a limit of 0, which would be none, and has its own then
 * (unit_export_log_ratelimit_interval(), core/unit.c of 252). No program writes a million lines in a
 * microsecond.
 */
static void add_log_rate_limit(Builder *b, const TaskLogRateLimit *limit) {
        add(b, "LogRateLimitIntervalUSec", limit->burst > 0 ? limit->interval_usec : 1);
        add(b, "LogRateLimitBurst", limit->burst > 0 ? (uint32_t) limit->burst : 1000000);
}

static void add_process(Builder *b, const TaskRequest *request, const Root *root) {
        add(b, "Type", "notify");
        add(b, "KillMode", "mixed");
        /* A copy of an image is made before readiness, and takes as long as it takes. */
        add(b, "TimeoutStartUSec", request->spec.ephemeral ? UINT64_MAX : TIMEOUT_USEC);
        add(b, "TimeoutStopUSec", TIMEOUT_USEC);
        add(b, "Delegate", true);
        add(b, "DelegateSubgroup", "supervisor");

        if (request->launch == TASK_LAUNCH_BOOT) {
                add(b, "RestartForceExitStatus", 1, NSPAWN_STATUS_REBOOT, 0);
                add(b, "SuccessExitStatus", 1, NSPAWN_STATUS_REBOOT, 0);
        }
        if (request->network.namespace_path && !nspawn_joins_network_itself(request, root))
                add(b, "NetworkNamespacePath", request->network.namespace_path);
}

/*
 * The limit is one of starts, and the first is no restart. An endless window begins with the first start and
 * is never left (systemd 252 to 255, ratelimit.c). Without a limit systemd's own default must be undone.
 */
static void add_restart_limits(Builder *b, const TaskRestart *restart) {
        uint64_t interval = restart->interval_usec > 0 ? restart->interval_usec : UINT64_MAX;

        add(b, "Restart", option_value_name(restart_policy_values, restart->policy));
        add(b, "RestartUSec", restart->delay_usec);
        add(b, "StartLimitIntervalUSec", restart->max_attempts > 0 ? interval : 0);
        if (restart->max_attempts > 0)
                add(b, "StartLimitBurst", (uint32_t) restart->max_attempts + 1);
}

static void add_restart(Builder *b, const TaskSpec *spec) {
        if (task_spec_restarts(spec))
                add_restart_limits(b, &spec->restart);
}

static void add_environment(Builder *b, const TaskRequest *request) {
        /* nspawn's own words go to the journal through its stderr, whoever it is that says them. */
        add(b, "Environment", 1, "SYSTEMD_LOG_TARGET=console");
        /*
         * By itself nspawn gives an image without systemd the old hierarchy, where there are no limits to
         * see (nspawn.c, detect_unified_cgroup_hierarchy_from_image(), systemd 252 to 257; gone in 258).
         */
        if (request->launch != TASK_LAUNCH_BOOT)
                add(b, "Environment", 1, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1");
}

static void add_streams(Builder *b, const TaskIdentity *identity, const UnitHost *host) {
        add(b, "StandardError", "journal");
        add_text(b, "SyslogIdentifier", identity->name ? identity->name : identity->machine);

        if (host->output >= 0) {
                /* Named the same, systemd would make stderr a copy of stdout, whatever that is (execute.c).
                 */
                add(b, "StandardOutput", "null");
                add(b, "StandardOutputFileDescriptor", host->output);
        } else
                add(b, "StandardOutput", "journal");
        if (host->fd_message >= 0)
                add(b, "StandardInputFileDescriptor", host->fd_message);
}

/* Return: the part of the task's directory that goes with the unit, owned by the caller. */
static char *unit_directory(const UnitHost *host) {
        return xasprintf("%s/" TASK_UNIT_DIRECTORY, host->directory);
}

/*
 * Secrets live for as long as the unit does, restarts included: only systemd knows when that is over, so it
 * removes the directory that they are in (RuntimeDirectory=). Record and notes outlive the unit and are
 * beside that directory, for the engine to remove. Where nobody keeps them, all of the task's directory
 * goes.
 *
 * systemd looks after directories below /run only.
 */
static void add_runtime_directory(Builder *b, const TaskIdentity *identity, const UnitHost *host) {
        _cleanup_free_ char *directory = unit_directory(host), *unit = unit_name_make(identity->machine),
                            *fields = journal_fields_directory(unit);
        const char *below = string_after_prefix(host->keeps_record ? directory : host->directory, "/run/");

        if (!below)
                return;
        if (journal_fields_survive(identity->journal_fields))
                add(b, "RuntimeDirectory", 1, below);
        else
                add(b, "RuntimeDirectory", 2, below, string_after_prefix(fields, "/run/"));
        add(b, "RuntimeDirectoryMode", (uint32_t) 0700);
        add(b, "RuntimeDirectoryPreserve", "restart");
}

/*
 * As systemd-nspawn@.service has it, and nodes of any device may be made ("m") but not used: a copy of an
 * image may hold some, made by nspawn when it shifts the owners of an overlay.
 */
static void add_devices(Builder *b, const Root *root) {
        add(b, "DevicePolicy", "closed");
        if (root->kind != ROOT_RAW) {
                add(b, "DeviceAllow", 4, "/dev/net/tun", "rwm", "char-pts", "rw", "char-*", "m", "block-*",
                        "m");
                return;
        }

        add(b, "DeviceAllow", 9, "/dev/net/tun", "rwm", "char-pts", "rw", "char-*", "m", "block-*", "m",
                "/dev/loop-control", "rw", "block-loop", "rw", "block-blkext", "rw", "/dev/mapper/control",
                "rw", "block-device-mapper", "rw");
        add(b, "Wants", 2, "modprobe@loop.service", "modprobe@dm_mod.service");
        add(b, "After", 2, "modprobe@loop.service", "modprobe@dm_mod.service");
}

static uint64_t weight_from_shares(uint64_t shares) {
        if (shares >= (uint64_t) CPU_WEIGHT_MAX * CPU_SHARES_DEFAULT / CPU_WEIGHT_DEFAULT)
                return CPU_WEIGHT_MAX;

        uint64_t weight = shares * CPU_WEIGHT_DEFAULT / CPU_SHARES_DEFAULT;
        return weight > 0 ? weight : 1;
}

/* A bit mask, lowest byte first (org.freedesktop.systemd1(5), AllowedCPUs). */
static void add_cpus(Builder *b, const char *text) {
        CpuList list;

        if (b->r < 0)
                return;
        if (!cpu_list_parse(text, &list)) {
                b->r = -EINVAL;
                return;
        }

        b->r = property_begin(b->m, b->version, "AllowedCPUs");
        if (b->r <= 0)
                return;
        b->r = sd_bus_message_append_array(b->m, 'y', list.mask, list.n_bytes);
        if (b->r >= 0)
                b->r = property_end(b->m);
}

static void add_resources(Builder *b, const TaskSpec *spec) {
        add(b, "CPUAccounting", true);
        add(b, "MemoryAccounting", true);
        add(b, "IOAccounting", true);
        add(b, "TasksAccounting", true);
        add(b, "TasksMax", TASKS_MAX);
        add(b, "OOMPolicy", option_value_name(oom_policy_values, spec->oom_policy));

        if (spec->memory_max > 0)
                add(b, "MemoryMax", spec->memory_max);
        if (spec->memory_low > 0)
                add(b, "MemoryLow", spec->memory_low);
        if (spec->cpu_shares > 0)
                add(b, "CPUWeight", weight_from_shares(spec->cpu_shares));
        if (!string_is_empty(spec->cpus))
                add_cpus(b, spec->cpus);
}

/*
 * One command with its arguments; @args begins with the program's path. systemd 252 reads back neither
 * ExecStartEx= nor what it wrote for a "$" when it reloads its units (dbus-execute.c,
 * bus_set_transient_exec_command()), so these are the plain properties, and no word comes from a job.
 */
static void add_exec(Builder *b, const char *property, char **args, bool ignore_failure) {
        sd_bus_message *m = b->m;

        if (b->r < 0)
                return;

        b->r = property_begin(m, b->version, property);
        if (b->r <= 0)
                return;
        b->r = sd_bus_message_open_container(m, 'a', "(sasb)");
        if (b->r >= 0)
                b->r = sd_bus_message_open_container(m, 'r', "sasb");
        if (b->r >= 0)
                b->r = sd_bus_message_append(m, "s", args[0]);
        if (b->r >= 0)
                b->r = sd_bus_message_append_strv(m, args);
        if (b->r >= 0)
                b->r = sd_bus_message_append(m, "b", ignore_failure);
        if (b->r >= 0)
                b->r = sd_bus_message_close_container(m);
        if (b->r >= 0)
                b->r = sd_bus_message_close_container(m);
        if (b->r >= 0)
                b->r = property_end(m);
}

/* What the helper becomes is in the task's directory (launch.c), however long it is. */
static void add_start(Builder *b, const TaskRequest *request, const UnitHost *host) {
        _cleanup_free_ char *directory = unit_directory(host);
        _cleanup_strv_ char **start = NULL, **may_start = NULL;

        strv_append(&start, host->helper);
        strv_append(&start, "start");
        strv_append(&start, directory);
        add_exec(b, "ExecStart", start, false);
        if (host->keeps_fd_message) {
                add(b, "FileDescriptorStoreMax", (uint32_t) 1);
                add(b, "NotifyAccess", "exec");
        }

        /*
         * Who stops a task may be told too late that systemd wants to start it once more. A unit's
         * conditions would cost no process, but since 254 an automatic restart does not look at them
         * (core/unit.c, unit_start()).
         */
        if (!task_request_runs_again(request))
                return;
        strv_append(&may_start, host->helper);
        strv_append(&may_start, "may-start");
        strv_append(&may_start, directory);
        add_exec(b, "ExecCondition", may_start, false);
}

/* Whatever becomes of the note, the task ended as it did. */
static void add_end(Builder *b, const TaskSpec *spec, const UnitHost *host) {
        _cleanup_strv_ char **args = NULL;

        strv_append(&args, host->helper);
        strv_append(&args, "ended");
        if (host->keeps_fd_message)
                strv_append(&args, "--keep");
        if (host->register_machine && task_spec_restarts(spec))
                strv_append(&args, "--unregister");
        strv_append(&args, host->directory);
        add_exec(b, "ExecStopPost", args, true);
}

/* A signal as the helper takes it. */
static void append_signal(char ***args, const char *name) {
        strv_appendf(args, "%d", signal_from_string(name));
}

/* A process looks for the task's own: systemd would signal nspawn, or all there are. */
static void add_reload(Builder *b, const TaskRequest *request, const UnitHost *host) {
        const char *signal = request->spec.reload_signal;
        bool below = request->launch == TASK_LAUNCH_SUPERVISE || request->launch == TASK_LAUNCH_STUB;
        _cleanup_strv_ char **args = NULL;

        if (!signal)
                return;
        strv_append(&args, host->helper);
        strv_append(&args, "reload");
        strv_append(&args, below ? "command" : "first");
        append_signal(&args, signal);
        add_exec(b, "ExecReload", args, false);
}

/*
 * Only systemd-machined knows of a stop that it is a termination. What takes longer than the unit's timeout
 * is killed then: by default systemd would ask once more, and wait as long again (systemd.service(5),
 * TimeoutStopFailureMode=).
 */
static void add_stop(Builder *b, const TaskRequest *request, const UnitHost *host) {
        _cleanup_strv_ char **args = NULL;

        if (!host->register_machine)
                return;
        strv_append(&args, host->helper);
        strv_append(&args, "stop");
        append_signal(&args, nspawn_kill_signal(request->launch));
        strv_append(&args, request->identity.machine);
        add_exec(b, "ExecStop", args, true);
        add(b, "TimeoutStopFailureMode", "kill");
}

int transient_append(sd_bus_message *m, const TaskRequest *request, const Root *root, const UnitHost *host) {
        const TaskIdentity *identity = &request->identity;
        const TaskSpec *spec = &request->spec;
        _cleanup_free_ char *unit = unit_name_make(identity->machine);
        Builder b = { .m = m, .version = host->version };

        b.r = sd_bus_message_append(m, "ss", unit, "fail");
        if (b.r >= 0)
                b.r = sd_bus_message_open_container(m, 'a', "(sv)");

        add_identity(&b, identity);
        add_journal_fields(&b, identity->journal_fields);
        add_log_rate_limit(&b, &spec->log_rate_limit);
        add_process(&b, request, root);
        add_restart(&b, spec);
        add_environment(&b, request);
        add_streams(&b, identity, host);
        add_runtime_directory(&b, identity, host);
        add_devices(&b, root);
        add_resources(&b, spec);
        add_start(&b, request, host);
        add_reload(&b, request, host);
        add_stop(&b, request, host);
        add_end(&b, spec, host);

        if (b.r >= 0)
                b.r = sd_bus_message_close_container(m);
        if (b.r >= 0)
                b.r = sd_bus_message_append(m, "a(sa(sv))", 0);
        return b.r < 0 ? b.r : 0;
}
