/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <jansson.h>

#include "base/string.h"
#include "engine/record.h"
#include "unit/isolation.h"
#include "task/name.h"

/* To be raised when older programs cannot read the record any more. */
#define RECORD_VERSION 2

static const char *const launch_names[_TASK_LAUNCH_MAX] = {
        [TASK_LAUNCH_BOOT] = "boot",
        [TASK_LAUNCH_SUPERVISE] = "supervise",
        [TASK_LAUNCH_STUB] = "stub",
        [TASK_LAUNCH_DIRECT] = "direct",
};

void task_record_clear(TaskRecord *record) {
        free(record->id);
        free(record->unit);
        free(record->machine);
        free(record->owner);
        *record = (TaskRecord){};
}

void task_record_copy(TaskRecord *ret, const TaskRecord *record) {
        *ret = (TaskRecord){
                .id = xstrdup_null(record->id),
                .unit = xstrdup(record->unit),
                .machine = xstrdup(record->machine),
                .owner = xstrdup_null(record->owner),
                .launch = record->launch,
                .started_usec = record->started_usec,
        };
}

char *task_record_write(const TaskRecord *record) {
        json_t *json = json_pack("{s:i, s:s*, s:s, s:s*, s:s, s:s, s:I}", "version", RECORD_VERSION, "id",
                record->id, "machine", record->machine, "owner", record->owner, "isolation",
                ISOLATION_DEFAULT, "launch", launch_names[record->launch], "started_usec",
                (json_int_t) record->started_usec);
        char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

        /* All texts are UTF-8, so only memory can be missing. */
        if (!text)
                abort();
        char *copy = xstrdup(text);

        free(text);
        json_decref(json);
        return copy;
}

/* The content of a record; the strings belong to the JSON. */
typedef struct Members {
        const char *id, *unit, *machine, *owner, *isolation, *launch;
        json_int_t started;
} Members;

static int find_launch(const char *name, TaskLaunch *ret) {
        for (TaskLaunch launch = 0; launch < _TASK_LAUNCH_MAX; launch++)
                if (streq(name, launch_names[launch])) {
                        *ret = launch;
                        return 0;
                }
        return -EBADMSG;
}

static int check_version(json_t *json, Error **ret_error) {
        int version;

        if (!json || json_unpack(json, "{s:i}", "version", &version) < 0)
                return error_set(ret_error, EBADMSG, "the task's saved state cannot be read");
        if (version > RECORD_VERSION)
                return error_set(ret_error, EPROTONOSUPPORT,
                        "the task's saved state is of version %d, this program knows %d: use the newer "
                        "program",
                        version, RECORD_VERSION);
        return version;
}

static int unpack(json_t *json, Members *ret, Error **ret_error) {
        int version = check_version(json, ret_error);

        if (version < 0)
                return version;
        if (json_unpack(json, "{s?s, s?s, s:s, s?s, s?s, s:s, s:I}", "id", &ret->id, "unit", &ret->unit,
                    "machine", &ret->machine, "owner", &ret->owner, "isolation", &ret->isolation, "launch",
                    &ret->launch, "started_usec", &ret->started) < 0)
                return error_set(ret_error, EBADMSG, "the task's saved state lacks something");
        if (version == 1 ? !ret->unit : !ret->isolation)
                return error_set(ret_error, EBADMSG, "the task's saved state lacks something");
        return 0;
}

static int check(const Members *members, Error **ret_error) {
        if (!machine_name_is_valid(members->machine))
                return error_set(ret_error, EBADMSG, "the task's saved state names no container: \"%s\"",
                        members->machine);

        _cleanup_free_ char *unit = unit_name_make(members->machine);
        if (members->unit && !streq(members->unit, unit))
                return error_set(ret_error, EBADMSG,
                        "the task's saved state names the unit \"%s\", which is not that of its container "
                        "\"%s\"",
                        members->unit, members->machine);
        if (members->isolation && !isolation_find(members->isolation))
                return error_set(ret_error, EPROTONOSUPPORT,
                        "the task was started with the isolation \"%s\", which this program does not know",
                        members->isolation);
        return 0;
}

int task_record_read(const char *text, size_t n, TaskRecord *ret, Error **ret_error) {
        TaskLaunch launch = TASK_LAUNCH_BOOT;
        Members members = {};

        json_t *json = json_loadb(text, n, 0, NULL);
        int r = unpack(json, &members, ret_error);
        if (r >= 0)
                r = check(&members, ret_error);
        if (r >= 0 && find_launch(members.launch, &launch) < 0)
                r = error_set(ret_error, EBADMSG,
                        "the task's saved state names no way to run it that is known: \"%s\"",
                        members.launch);
        if (r >= 0)
                *ret = (TaskRecord){
                        .id = xstrdup_null(members.id),
                        .unit = unit_name_make(members.machine),
                        .machine = xstrdup(members.machine),
                        .owner = xstrdup_null(members.owner),
                        .launch = launch,
                        .started_usec = (uint64_t) members.started,
                };
        json_decref(json);
        return r;
}
