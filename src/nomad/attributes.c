/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <inttypes.h>

#include "base/string.h"
#include "nomad/attributes.h"
#include "kernel/cgroup.h"
#include "kernel/net-usage.h"

static const struct {
        const char *name;
        CgroupValue value;
} usage_rows[] = {
        { "cpu_usec", CGROUP_CPU_USEC },
        { "memory_current", CGROUP_MEMORY_CURRENT },
        { "memory_peak", CGROUP_MEMORY_PEAK },
        { "tasks", CGROUP_TASKS },
        { "io_read_bytes", CGROUP_IO_READ },
        { "io_write_bytes", CGROUP_IO_WRITTEN },
};

void attributes_clear(Attributes *attributes) {
        for (size_t i = 0; i < attributes->n; i++)
                free(attributes->rows[i].value);
        attributes->n = 0;
}

void attributes_add(Attributes *attributes, const char *name, const char *format, ...) {
        Driver__TaskDriverStatus__AttributesEntry *row = &attributes->rows[attributes->n];
        va_list ap;

        assert(attributes->n < ATTRIBUTES_MAX);
        driver__task_driver_status__attributes_entry__init(row);
        row->key = (char *) (uintptr_t) name;
        va_start(ap, format);
        row->value = xvasprintf(format, ap);
        va_end(ap);
        attributes->entries[attributes->n++] = row;
}

static void add_usage(Attributes *attributes, const char *root, const char *control_group) {
        uint32_t wanted = 0;
        CgroupUsage usage;

        for (size_t i = 0; i < ELEMENTSOF(usage_rows); i++)
                wanted |= CGROUP_BIT(usage_rows[i].value);
        _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(root, control_group, wanted);
        cgroup_reader_read(reader, &usage);

        for (size_t i = 0; i < ELEMENTSOF(usage_rows); i++)
                if (cgroup_usage_has(&usage, usage_rows[i].value))
                        attributes_add(attributes, usage_rows[i].name, "%" PRIu64,
                                usage.values[usage_rows[i].value]);
}

static void add_network(Attributes *attributes, pid_t leader) {
        NetUsage usage;

        if (net_usage_read(leader, &usage) < 0)
                return;
        attributes_add(attributes, "net_rx_bytes", "%" PRIu64, usage.received);
        attributes_add(attributes, "net_tx_bytes", "%" PRIu64, usage.sent);
}

void attributes_add_task(Attributes *attributes, const char *cgroup_root, Task *task) {
        attributes_add(attributes, "unit", "%s", task_record(task)->unit);
        attributes_add(attributes, "machine", "%s", task_record(task)->machine);
        attributes_add(attributes, "pid", "%d", task_leader(task));
        /* The unit of an ended task may be another task's by now. */
        if (task_state(task) == TASK_EXITED)
                return;
        add_usage(attributes, cgroup_root, task_control_group(task));
        add_network(attributes, task_leader(task));
}
