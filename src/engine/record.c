/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <jansson.h>

#include "base/string.h"
#include "engine/record.h"

/* Raised when an older program could not make sense of it any more. */
#define RECORD_VERSION 1

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
        json_t *json = json_pack("{s:i, s:s*, s:s, s:s, s:s*, s:s, s:I}", "version", RECORD_VERSION, "id",
                record->id, "unit", record->unit, "machine", record->machine, "owner", record->owner,
                "launch", launch_names[record->launch], "started_usec", (json_int_t) record->started_usec);
        char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        char *copy = xstrdup(text ? text : "{}");

        free(text);
        json_decref(json);
        return copy;
}

int task_record_read(const char *text, size_t n, TaskRecord *ret, Error **ret_error) {
        const char *id = NULL, *unit, *machine, *owner = NULL, *launch;
        json_int_t started;
        json_error_t error;
        int version, r = -EBADMSG;

        json_t *json = json_loadb(text, n, 0, &error);
        if (!json || json_unpack(json, "{s:i}", "version", &version) < 0) {
                json_decref(json);
                return error_set(ret_error, EBADMSG, "the task's saved state cannot be read");
        }

        if (version > RECORD_VERSION)
                r = error_set(ret_error, EPROTONOSUPPORT,
                        "the task's saved state is of version %d, this program knows %d: use the newer "
                        "program",
                        version, RECORD_VERSION);
        else if (json_unpack(json, "{s?s, s:s, s:s, s?s, s:s, s:I}", "id", &id, "unit", &unit, "machine",
                         &machine, "owner", &owner, "launch", &launch, "started_usec", &started) < 0)
                r = error_set(ret_error, EBADMSG, "the task's saved state lacks something");
        else if (strchr(machine, '/'))
                r = error_set(
                        ret_error, EBADMSG, "the task's saved state names no container: \"%s\"", machine);
        else
                for (int i = 0; i < _TASK_LAUNCH_MAX && r < 0; i++) {
                        if (!streq(launch, launch_names[i]))
                                continue;
                        *ret = (TaskRecord){
                                .id = xstrdup_null(id),
                                .unit = xstrdup(unit),
                                .machine = xstrdup(machine),
                                .owner = xstrdup_null(owner),
                                .launch = (TaskLaunch) i,
                                .started_usec = (uint64_t) started,
                        };
                        r = 0;
                }

        if (r == -EBADMSG && ret_error && !*ret_error)
                (void) error_set(
                        ret_error, EBADMSG, "the task's saved state names no way to run it that is known");
        json_decref(json);
        return r;
}
