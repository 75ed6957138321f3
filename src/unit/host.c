/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "unit/host.h"

/* The paths of most distributions, and that of NixOS. */
static const char *const programs[] = {
        "/usr/bin/systemd-nspawn",
        "/bin/systemd-nspawn",
        "/run/current-system/sw/bin/systemd-nspawn",
};

const char *const host_program_directories[] = { "/usr/bin", "/bin", "/run/current-system/sw/bin", NULL };

void host_facts_probe(HostFacts *ret) {
        struct statfs fs;

        *ret = (HostFacts){
                .is_root = geteuid() == 0,
                .runs_systemd = sd_booted() > 0,
                .unified_cgroups = statfs("/sys/fs/cgroup", &fs) >= 0 && fs.f_type == CGROUP2_SUPER_MAGIC,
        };

        for (size_t i = 0; i < ELEMENTSOF(programs) && !ret->nspawn; i++)
                if (access(programs[i], X_OK) >= 0)
                        ret->nspawn = programs[i];
}

int host_facts_check(const HostFacts *facts, Error **ret_error) {
        if (!facts->is_root)
                return error_set(ret_error, EPERM, "not running as root, which systemd-nspawn needs");
        if (!facts->runs_systemd)
                return error_set(ret_error, ENOTSUP, "systemd is not PID 1 of this host");
        if (!facts->unified_cgroups)
                return error_set(ret_error, ENOTSUP, "this host does not use unified cgroups (cgroup v2)");
        if (!facts->nspawn)
                return error_set(ret_error, ENOENT,
                        "systemd-nspawn is not installed (package systemd-container on Debian and Fedora)");
        return 0;
}
