/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/target.h"
#include "engine/record-file.h"
#include "task/name.h"
#include "task/nomad-id.h"

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
        char **machines; /* of the tasks with this name; several if it names an allocation */
} Search;

/* Return: whether the name is the task's whole id, which ends the search. */
static bool on_record(void *userdata, const TaskRecord *record) {
        Search *search = userdata;

        if (nomad_id_has_name(record->id, search->name))
                strv_append(&search->machines, record->machine);
        return streq(record->id, search->name);
}

static int find_by_id(const char *name, TaskRecord *ret, Error **ret_error) {
        Search search = { .name = name };
        int r = record_file_search(NULL, on_record, &search, ret);

        _cleanup_strv_ char **machines = search.machines;
        if (r >= 0 || strv_is_empty(machines))
                return r;
        if (strv_length(machines) == 1)
                return record_file_read(NULL, machines[0], ret, NULL);

        _cleanup_free_ char *all = strv_join(machines, ", ");
        return error_set(ret_error, ENOTUNIQ, "\"%s\" has several tasks; name one of them: %s", name, all);
}

int target_find(const char *name, TaskRecord *ret, bool *ret_known, Error **ret_error) {
        _cleanup_free_ char *machine = machine_of(name);
        int r;

        /* A task with this name goes before a task with this id. */
        r = machine_name_is_valid(machine) ? record_file_read(NULL, machine, ret, NULL) : -ENOENT;
        if (r < 0)
                r = find_by_id(name, ret, ret_error);
        *ret_known = r >= 0;
        if (r >= 0 || r == -ENOTUNIQ)
                return r;

        /* A task that was started with --detach has no record, but its unit has its name. */
        *ret = (TaskRecord){
                .id = xstrdup(name),
                .unit = unit_name_make(machine),
                .machine = TAKE_PTR(machine),
                .launch = TASK_LAUNCH_SUPERVISE,
        };
        return 0;
}
