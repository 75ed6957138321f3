/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "base/string.h"
#include "bus/property.h"

/*
 * The properties we set: their D-Bus type, and the first systemd that takes them for a transient service
 * or, where there are none of services, a scope (systemd's NEWS; an unknown property makes the whole call
 * fail). 0: older than all we support.
 */
static const struct Property {
        const char *name;
        const char *signature;
        unsigned since;
} properties[] = {
        { "AddRef", "b", 0 },
        { "After", "as", 0 },
        { "AllowedCPUs", "ay", 0 },
        { "CPUAccounting", "b", 0 },
        { "CPUWeight", "t", 0 },
        { "CollectMode", "s", 0 },
        { "Delegate", "b", 0 },
        { "DelegateSubgroup", "s", 254 },
        { "Description", "s", 0 },
        { "DeviceAllow", "a(ss)", 0 },
        { "DevicePolicy", "s", 0 },
        { "Environment", "as", 0 },
        { "ExecCondition", "a(sasb)", 0 },
        { "ExecReload", "a(sasb)", 0 },
        { "ExecStart", "a(sasb)", 0 },
        { "ExecStop", "a(sasb)", 0 },
        { "ExecStopPost", "a(sasb)", 0 },
        { "FileDescriptorStoreMax", "u", 0 },
        { "IOAccounting", "b", 0 },
        { "KillMode", "s", 0 },
        { "LogExtraFields", "aay", 0 },
        { "LogRateLimitBurst", "u", 0 },
        { "LogRateLimitIntervalUSec", "t", 0 },
        { "MemoryAccounting", "b", 0 },
        { "MemoryLow", "t", 0 },
        { "MemoryMax", "t", 0 },
        { "NetworkNamespacePath", "s", 0 },
        { "NotifyAccess", "s", 0 },
        { "OOMPolicy", "s", 0 },
        { "PIDs", "au", 0 },
        { "Restart", "s", 0 },
        { "RestartForceExitStatus", "(aiai)", 0 },
        { "RestartUSec", "t", 0 },
        { "RuntimeDirectory", "as", 0 },
        { "RuntimeDirectoryMode", "u", 0 },
        { "RuntimeDirectoryPreserve", "s", 0 },
        { "SendSIGHUP", "b", 0 },
        { "Slice", "s", 0 },
        { "StandardError", "s", 0 },
        { "StandardInputFileDescriptor", "h", 0 },
        { "StandardOutput", "s", 0 },
        { "StandardOutputFileDescriptor", "h", 0 },
        { "StartLimitBurst", "u", 0 },
        { "StartLimitIntervalUSec", "t", 0 },
        { "SuccessExitStatus", "(aiai)", 0 },
        { "SyslogIdentifier", "s", 0 },
        { "TasksAccounting", "b", 0 },
        { "TasksMax", "t", 0 },
        { "TimeoutStartUSec", "t", 0 },
        { "TimeoutStopFailureMode", "s", 0 },
        { "TimeoutStopUSec", "t", 0 },
        { "Type", "s", 0 },
        { "Wants", "as", 0 },
};

static const struct Property *property_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (streq(properties[i].name, name))
                        return &properties[i];

        assert(false);
        return NULL;
}

int property_begin(sd_bus_message *m, unsigned version, const char *name) {
        const struct Property *property = property_find(name);
        int r;

        if (!property)
                return -EINVAL;
        if (version < property->since)
                return 0;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', property->signature);
        return r < 0 ? r : 1;
}

int property_end(sd_bus_message *m) {
        int r = sd_bus_message_close_container(m);

        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}

int property_append(sd_bus_message *m, unsigned version, const char *name, ...) {
        va_list ap;
        int r = property_begin(m, version, name);

        if (r <= 0)
                return r;

        va_start(ap, name);
        r = sd_bus_message_appendv(m, property_find(name)->signature, ap);
        va_end(ap);
        return r < 0 ? r : property_end(m);
}

int property_append_text(sd_bus_message *m, unsigned version, const char *name, const char *text) {
        _cleanup_free_ char *line = xstrdup(text);

        for (char *p = line; *p; p++)
                if (iscntrl((unsigned char) *p) || *p == '\\')
                        *p = ' ';

        char *begin = line + strspn(line, " "), *end = begin + strlen(begin);
        while (end > begin && end[-1] == ' ')
                *--end = 0;
        return property_append(m, version, name, begin);
}
