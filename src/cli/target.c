/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/target.h"
#include "engine/record-file.h"
#include "task/name.h"

/* As many characters of an allocation's id Nomad shows where it shortens them. */
#define ALLOCATION_LENGTH_MIN 8

static char *machine_of(const char *name) {
        char *of_unit = unit_name_to_machine(name);

        return of_unit ? of_unit : machine_name_make(name, NULL);
}

char *target_unit(const char *name) {
        _cleanup_free_ char *machine = machine_of(name);

        return unit_name_make(machine);
}

typedef struct Search {
        const char *name;
        char **machines; /* of the allocation's tasks */
} Search;

/* The ids of Nomad's tasks are ALLOCATION/TASK/HASH. Return: whether @name is ALLOCATION or ALLOCATION/TASK,
 * of the allocation at least the beginning. */
static bool is_task_of(const char *id, const char *name) {
        size_t n = strcspn(name, "/");
        const char *task = strchr(id, '/');

        if (!task || n < ALLOCATION_LENGTH_MIN || n > (size_t) (task - id) || strncmp(id, name, n) != 0)
                return false;
        if (!name[n])
                return true;

        size_t length = strcspn(task + 1, "/");
        return strlen(name + n + 1) == length && strncmp(task + 1, name + n + 1, length) == 0;
}

static bool is_meant(void *userdata, const TaskRecord *record) {
        Search *search = userdata;

        if (is_task_of(record->id, search->name))
                strv_append(&search->machines, record->machine);
        return streq(record->id, search->name);
}

static int find_by_id(const char *name, TaskRecord *ret, Error **ret_error) {
        Search search = { .name = name };
        int r = record_file_search(NULL, is_meant, &search, ret);

        _cleanup_strv_ char **machines = search.machines;
        if (r >= 0 || strv_is_empty(machines))
                return r;
        if (strv_length(machines) == 1)
                return record_file_read(NULL, machines[0], ret, NULL);

        _cleanup_free_ char *all = strv_join(machines, ", ");
        return error_set(ret_error, ENOTUNIQ, "\"%s\" has several tasks, say which: %s", name, all);
}

int target_find(const char *name, TaskRecord *ret, bool *ret_known, Error **ret_error) {
        _cleanup_free_ char *machine = machine_of(name);
        int r;

        /* Whose name it is goes before whose id. */
        r = machine_name_is_valid(machine) ? record_file_read(NULL, machine, ret, NULL) : -ENOENT;
        if (r < 0)
                r = find_by_id(name, ret, ret_error);
        *ret_known = r >= 0;
        if (r >= 0 || r == -ENOTUNIQ)
                return r;

        /* One that was started with --detach has no record. */
        *ret = (TaskRecord){
                .id = xstrdup(name),
                .unit = unit_name_make(machine),
                .machine = TAKE_PTR(machine),
                .launch = TASK_LAUNCH_SUPERVISE,
        };
        return 0;
}
