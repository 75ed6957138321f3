/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/signal.h"
#include "base/strv.h"
#include "unit/nspawn-plan.h"
#include "unit/nspawn-run.h"
#include "unit/nspawn.h"

/*
 * How long a start and a stop of the unit may take, unless the engine ends it sooner; systemctl stop waits
 * as long.
 */
#define TIMEOUT_USEC (90 * USEC_PER_SEC)

int nspawn_check(const HostFacts *facts, Error **ret_error) {
        return facts->nspawn ? 0 : error_set(ret_error, ENOENT, "systemd-nspawn is not installed");
}

static void add_process(UnitPlan *plan, const TaskRequest *request, const Root *root) {
        plan_set_text(plan, "Type", "notify");
        plan_set_text(plan, "KillMode", "mixed");
        /* nspawn copies an ephemeral image before it is ready, and the copy may take any time. */
        plan_set_number(plan, "TimeoutStartUSec", request->spec.ephemeral ? UINT64_MAX : TIMEOUT_USEC);
        plan_set_number(plan, "TimeoutStopUSec", TIMEOUT_USEC);
        plan_set_flag(plan, "Delegate", true);
        plan_set_text(plan, "DelegateSubgroup", "supervisor");

        if (request->launch == TASK_LAUNCH_BOOT) {
                plan_set_number(plan, "RestartForceExitStatus", NSPAWN_STATUS_REBOOT);
                plan_set_number(plan, "SuccessExitStatus", NSPAWN_STATUS_REBOOT);
        }
        if (request->network.namespace_path && !nspawn_joins_network_itself(request, root))
                plan_require(plan_set_text(plan, "NetworkNamespacePath", request->network.namespace_path),
                        "network mode of the job's group");
}

static void add_environment(UnitPlan *plan, const TaskRequest *request) {
        /*
         * All messages of nspawn go to the journal through its stderr, whichever of its processes writes
         * them.
         */
        plan_add_word(plan, "Environment", "SYSTEMD_LOG_TARGET=console");
        /*
         * By default nspawn gives an image without systemd the old cgroup hierarchy, in which the container
         * cannot see its limits (nspawn.c, detect_unified_cgroup_hierarchy_from_image(), systemd 252 to 257;
         * gone in 258).
         */
        if (request->launch != TASK_LAUNCH_BOOT)
                plan_add_word(plan, "Environment", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1");
}

/*
 * Allows what systemd-nspawn@.service allows. In addition, nspawn may make nodes of any device ("m"), but
 * not use them: it makes those of the image anew when it shifts the owners of an overlay.
 */
static void add_devices(UnitPlan *plan, const Root *root) {
        char *const modules[] = { (char[]){ "modprobe@loop.service" }, (char[]){ "modprobe@dm_mod.service" },
                NULL };

        plan_set_text(plan, "DevicePolicy", "closed");
        plan_allow_device(plan, "/dev/net/tun", "rwm");
        plan_allow_device(plan, "char-pts", "rw");
        plan_allow_device(plan, "char-*", "m");
        plan_allow_device(plan, "block-*", "m");
        if (root->kind != ROOT_RAW)
                return;

        plan_allow_device(plan, "/dev/loop-control", "rw");
        plan_allow_device(plan, "block-loop", "rw");
        plan_allow_device(plan, "block-blkext", "rw");
        plan_allow_device(plan, "/dev/mapper/control", "rw");
        plan_allow_device(plan, "block-device-mapper", "rw");
        plan_set_words(plan, "Wants", modules);
        plan_set_words(plan, "After", modules);
}

/* Appends a signal as the helper expects it: its number. */
static void append_signal(char ***args, const char *name) {
        strv_appendf(args, "%d", signal_from_string(name));
}

/*
 * The helper finds the task's own process and signals it. systemd itself could only signal nspawn, or all
 * processes of the unit.
 */
static void add_reload(UnitPlan *plan, const TaskRequest *request, const UnitHost *host) {
        const char *signal = request->spec.reload_signal;
        bool below = request->launch == TASK_LAUNCH_SUPERVISE || request->launch == TASK_LAUNCH_STUB;
        _cleanup_strv_ char **args = NULL;

        if (!signal)
                return;
        strv_append(&args, host->helper);
        strv_append(&args, "reload");
        strv_append(&args, below ? "command" : "first");
        append_signal(&args, signal);
        plan_add_command(plan, "ExecReload", args, false);
}

/*
 * The helper learns from systemd-machined whether a stop is a termination (machinectl terminate), which
 * systemd itself does not tell. A stop that takes longer than the unit's timeout ends with a kill: by
 * default systemd would stop the unit once more, and wait as long again (systemd.service(5),
 * TimeoutStopFailureMode=).
 */
static void add_stop(UnitPlan *plan, const TaskRequest *request, const UnitHost *host) {
        _cleanup_strv_ char **args = NULL;

        if (!host->register_machine)
                return;
        strv_append(&args, host->helper);
        strv_append(&args, "stop");
        append_signal(&args, nspawn_kill_signal(request->launch));
        strv_append(&args, request->identity.machine);
        plan_add_command(plan, "ExecStop", args, true);
        plan_set_text(plan, "TimeoutStopFailureMode", "kill");
}

void nspawn_plan(UnitPlan *plan, const TaskRequest *request, const Root *root, const UnitHost *host) {
        add_process(plan, request, root);
        add_environment(plan, request);
        add_devices(plan, root);
        add_reload(plan, request, host);
        add_stop(plan, request, host);
}
