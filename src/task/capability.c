/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/capability.h"

/* The index is the capability's number. */
static const char *const capability_table[] = {
        [CAP_CHOWN] = "CAP_CHOWN",
        [CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
        [CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
        [CAP_FOWNER] = "CAP_FOWNER",
        [CAP_FSETID] = "CAP_FSETID",
        [CAP_KILL] = "CAP_KILL",
        [CAP_SETGID] = "CAP_SETGID",
        [CAP_SETUID] = "CAP_SETUID",
        [CAP_SETPCAP] = "CAP_SETPCAP",
        [CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
        [CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
        [CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
        [CAP_NET_ADMIN] = "CAP_NET_ADMIN",
        [CAP_NET_RAW] = "CAP_NET_RAW",
        [CAP_IPC_LOCK] = "CAP_IPC_LOCK",
        [CAP_IPC_OWNER] = "CAP_IPC_OWNER",
        [CAP_SYS_MODULE] = "CAP_SYS_MODULE",
        [CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
        [CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
        [CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
        [CAP_SYS_PACCT] = "CAP_SYS_PACCT",
        [CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
        [CAP_SYS_BOOT] = "CAP_SYS_BOOT",
        [CAP_SYS_NICE] = "CAP_SYS_NICE",
        [CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
        [CAP_SYS_TIME] = "CAP_SYS_TIME",
        [CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
        [CAP_MKNOD] = "CAP_MKNOD",
        [CAP_LEASE] = "CAP_LEASE",
        [CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
        [CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
        [CAP_SETFCAP] = "CAP_SETFCAP",
        [CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
        [CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
        [CAP_SYSLOG] = "CAP_SYSLOG",
        [CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
        [CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
        [CAP_AUDIT_READ] = "CAP_AUDIT_READ",
        [CAP_PERFMON] = "CAP_PERFMON",
        [CAP_BPF] = "CAP_BPF",
        [CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};

int capability_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(capability_table); i++)
                if (streq(name, capability_table[i]))
                        return (int) i;
        return -EINVAL;
}

uint64_t capability_mask(char *const *names) {
        uint64_t mask = 0;

        STRV_FOREACH (name, names) {
                int number = capability_find(*name);

                if (streq(*name, "all"))
                        return UINT64_MAX;
                if (number >= 0)
                        mask |= UINT64_C(1) << number;
        }
        return mask;
}

int capability_last(void) {
        int n = 0;

        while (prctl(PR_CAPBSET_READ, n, 0, 0, 0) >= 0)
                n++;
        return n - 1;
}

/* Return: the capability whose name is most similar to @name, or NULL when none is similar. */
static const char *find_alike(const char *name) {
        size_t least = 4; /* a name with more wrong letters is no misspelling */
        const char *found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(capability_table); i++) {
                size_t distance = string_distance(name, capability_table[i]);

                if (distance < least) {
                        least = distance;
                        found = capability_table[i];
                }
        }
        return found;
}

char *capability_spell(const char *text, int last, char **ret_name) {
        bool prefixed = strncasecmp(text, "CAP_", 4) == 0;
        _cleanup_free_ char *name = xasprintf("CAP_%s", prefixed ? text + 4 : text);

        for (char *p = name; *p; p++)
                *p = (char) toupper((unsigned char) *p);

        int number = capability_find(name);
        if (streq(name, "CAP_ALL"))
                *ret_name = xstrdup("all");
        else if (number > last)
                return xasprintf(
                        "a capability that the kernel of this host has, which is too old for this one");
        else if (number >= 0)
                *ret_name = TAKE_PTR(name);
        else {
                const char *alike = find_alike(name);

                return xasprintf("the name of a capability (capabilities(7)), or all%s%s%s",
                        alike ? "; did you mean " : ", such as CAP_NET_ADMIN", alike ? alike : "",
                        alike ? "?" : "");
        }
        return NULL;
}
