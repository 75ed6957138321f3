/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/string.h"
#include "base/strv.h"
#include "bus/property.h"

/*
 * The properties that we set on services and scopes, in the order in which they stand in a unit. The first
 * version is from systemd's NEWS; a property that systemd does not know makes the whole call fail. Names in
 * unit files are from systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.resource-control(5).
 */
static const Property properties[] = {
        { "Description", PROPERTY_TEXT, 0, SECTION_UNIT, NULL },
        { "Slice", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "AddRef", PROPERTY_FLAG, 0, SECTION_NONE, NULL },
        { "CollectMode", PROPERTY_TEXT, 0, SECTION_UNIT, NULL },
        { "PIDs", PROPERTY_PROCESS, 0, SECTION_NONE, NULL },
        { "SendSIGHUP", PROPERTY_FLAG, 0, SECTION_SERVICE, NULL },

        { "LogExtraFields", PROPERTY_FIELDS, 0, SECTION_SERVICE, NULL },
        { "LogRateLimitIntervalUSec", PROPERTY_USEC, 0, SECTION_SERVICE, "LogRateLimitIntervalSec" },
        { "LogRateLimitBurst", PROPERTY_COUNT, 0, SECTION_SERVICE, NULL },

        { "Type", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "KillMode", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "TimeoutStartUSec", PROPERTY_USEC, 0, SECTION_SERVICE, "TimeoutStartSec" },
        { "TimeoutStopUSec", PROPERTY_USEC, 0, SECTION_SERVICE, "TimeoutStopSec" },
        { "Delegate", PROPERTY_FLAG, 0, SECTION_SERVICE, NULL },
        { "DelegateSubgroup", PROPERTY_TEXT, 254, SECTION_SERVICE, NULL },
        { "RestartForceExitStatus", PROPERTY_STATUS, 0, SECTION_SERVICE, NULL },
        { "SuccessExitStatus", PROPERTY_STATUS, 0, SECTION_SERVICE, NULL },
        { "NetworkNamespacePath", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },

        { "Restart", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "RestartUSec", PROPERTY_USEC, 0, SECTION_SERVICE, "RestartSec" },
        { "StartLimitIntervalUSec", PROPERTY_USEC, 0, SECTION_UNIT, "StartLimitIntervalSec" },
        { "StartLimitBurst", PROPERTY_COUNT, 0, SECTION_UNIT, NULL },

        { "Environment", PROPERTY_WORDS, 0, SECTION_SERVICE, NULL },
        { "StandardError", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "SyslogIdentifier", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "StandardOutput", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "StandardOutputFileDescriptor", PROPERTY_DESCRIPTOR, 0, SECTION_NONE, NULL },
        { "StandardInputFileDescriptor", PROPERTY_DESCRIPTOR, 0, SECTION_NONE, NULL },
        { "RuntimeDirectory", PROPERTY_WORDS, 0, SECTION_SERVICE, NULL },
        { "RuntimeDirectoryMode", PROPERTY_MODE, 0, SECTION_SERVICE, NULL },
        { "RuntimeDirectoryPreserve", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },

        { "DevicePolicy", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "DeviceAllow", PROPERTY_DEVICES, 0, SECTION_SERVICE, NULL },
        { "Wants", PROPERTY_WORDS, 0, SECTION_UNIT, NULL },
        { "After", PROPERTY_WORDS, 0, SECTION_UNIT, NULL },

        { "CPUAccounting", PROPERTY_FLAG, 0, SECTION_SERVICE, NULL },
        { "MemoryAccounting", PROPERTY_FLAG, 0, SECTION_SERVICE, NULL },
        { "IOAccounting", PROPERTY_FLAG, 0, SECTION_SERVICE, NULL },
        { "TasksAccounting", PROPERTY_FLAG, 0, SECTION_SERVICE, NULL },
        { "TasksMax", PROPERTY_NUMBER, 0, SECTION_SERVICE, NULL },
        { "OOMPolicy", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "MemoryMax", PROPERTY_NUMBER, 0, SECTION_SERVICE, NULL },
        { "MemoryLow", PROPERTY_NUMBER, 0, SECTION_SERVICE, NULL },
        { "CPUWeight", PROPERTY_NUMBER, 0, SECTION_SERVICE, NULL },
        { "AllowedCPUs", PROPERTY_PROCESSORS, 0, SECTION_SERVICE, NULL },

        { "ExecStart", PROPERTY_COMMAND, 0, SECTION_SERVICE, NULL },
        { "FileDescriptorStoreMax", PROPERTY_COUNT, 0, SECTION_SERVICE, NULL },
        { "NotifyAccess", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "ExecCondition", PROPERTY_COMMAND, 0, SECTION_SERVICE, NULL },
        { "ExecReload", PROPERTY_COMMAND, 0, SECTION_SERVICE, NULL },
        { "ExecStop", PROPERTY_COMMAND, 0, SECTION_SERVICE, NULL },
        { "TimeoutStopFailureMode", PROPERTY_TEXT, 0, SECTION_SERVICE, NULL },
        { "ExecStopPost", PROPERTY_COMMAND, 0, SECTION_SERVICE, NULL },
};

const Property *property_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (streq(properties[i].name, name))
                        return &properties[i];

        assert(false);
        return NULL;
}

static int append_flag(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append(m, "b", value->number != 0);
}

static int append_u32(sd_bus_message *m, const PropertyValue *value) {
        return value->number > UINT32_MAX ? -ERANGE
                                          : sd_bus_message_append(m, "u", (uint32_t) value->number);
}

static int append_u64(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append(m, "t", value->number);
}

static int append_text(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append(m, "s", value->words[0]);
}

static int append_words(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append_strv(m, (char **) (uintptr_t) value->words);
}

static int append_fields(sd_bus_message *m, const PropertyValue *value) {
        int r = sd_bus_message_open_container(m, 'a', "ay");

        STRV_FOREACH (field, value->words)
                if (r >= 0)
                        r = sd_bus_message_append_array(m, 'y', *field, strlen(*field));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_bytes(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append_array(m, 'y', value->bytes, value->n_bytes);
}

static int append_devices(sd_bus_message *m, const PropertyValue *value) {
        int r = sd_bus_message_open_container(m, 'a', "(ss)");

        for (char *const *word = value->words; r >= 0 && word && word[0]; word += 2)
                r = sd_bus_message_append(m, "(ss)", word[0], word[1]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_command(sd_bus_message *m, const PropertyValue *value) {
        int r = sd_bus_message_open_container(m, 'a', "(sasb)");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasb");
        if (r >= 0)
                r = append_text(m, value);
        if (r >= 0)
                r = append_words(m, value);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", value->ignore_failure);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Exit statuses, then signals. */
static int append_status(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append(m, "(aiai)", 1, (int) value->number, 0);
}

static int append_process(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append(m, "au", 1, (uint32_t) value->number);
}

static int append_descriptor(sd_bus_message *m, const PropertyValue *value) {
        return sd_bus_message_append(m, "h", value->fd);
}

static const struct {
        const char *signature;
        int (*append)(sd_bus_message *m, const PropertyValue *value);
} types[_PROPERTY_TYPE_MAX] = {
        [PROPERTY_FLAG] = { "b", append_flag },
        [PROPERTY_COUNT] = { "u", append_u32 },
        [PROPERTY_MODE] = { "u", append_u32 },
        [PROPERTY_NUMBER] = { "t", append_u64 },
        [PROPERTY_USEC] = { "t", append_u64 },
        [PROPERTY_TEXT] = { "s", append_text },
        [PROPERTY_WORDS] = { "as", append_words },
        [PROPERTY_FIELDS] = { "aay", append_fields },
        [PROPERTY_PROCESSORS] = { "ay", append_bytes },
        [PROPERTY_DEVICES] = { "a(ss)", append_devices },
        [PROPERTY_COMMAND] = { "a(sasb)", append_command },
        [PROPERTY_STATUS] = { "(aiai)", append_status },
        [PROPERTY_PROCESS] = { "au", append_process },
        [PROPERTY_DESCRIPTOR] = { "h", append_descriptor },
};

int property_append(sd_bus_message *m, const Property *property, const PropertyValue *value) {
        int r = sd_bus_message_open_container(m, 'r', "sv");

        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', property->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', types[property->type].signature);
        if (r >= 0)
                r = types[property->type].append(m, value);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}
