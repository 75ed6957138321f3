/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hold.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "engine/record-file.h"
#include "engine/sweep.h"
#include "engine/task.h"
#include "loop/must.h"
#include "task/name.h"
#include "unit/task-dir.h"

/* A directory that may have to be swept: the sweep waits for the status of its unit. */
typedef struct Suspect {
        LIST_ENTRY(Suspect) suspects;
        Sweep *sweep;
        char *machine;
        struct stat seen; /* detects that a new start has made another directory in this place */
        Unit *unit;
} Suspect;

struct Sweep {
        Engine *engine;
        uint64_t age_usec;
        LIST_HEAD(, Suspect) suspects;
        sd_event_source *again; /* for the directories that were too young */
        Swept swept;
        void *userdata;
};

static void suspect_free(Suspect *suspect) {
        LIST_REMOVE(suspect, suspects);
        unit_free(suspect->unit);
        free(suspect->machine);
        free(suspect);
}

static bool engine_has_machine(const Engine *engine, const char *machine) {
        const Task *task;

        LIST_FOREACH (task, &engine->tasks, tasks)
                if (streq_null(task->record.machine, machine))
                        return true;
        return false;
}

/*
 * Reads the status of the unit's directory or, if that is gone, of the list of what the task holds. Return:
 * whether one of the two exists.
 */
static bool leavings_stat(const Engine *engine, const char *machine, struct stat *ret) {
        const char *root = engine->runtime_directory;
        _cleanup_free_ char *unit = task_dir_unit_path(root, machine),
                            *holds = task_dir_file(root, machine, TASK_HOLDS_FILE);

        return lstat(unit, ret) >= 0 || lstat(holds, ret) >= 0;
}

/*
 * Return: whether the unit's control group exists. The helper makes the link to it when a run begins, and
 * systemd removes the group with the unit.
 */
static bool has_group(const Engine *engine, const char *machine) {
        _cleanup_free_ char *link = task_dir_unit_file(engine->runtime_directory, machine, TASK_GROUP_LINK);

        return access(link, F_OK) >= 0;
}

/* Return: whether the record is of a task that never ran, or there is none. What cannot be read may be of a
 * newer program, and stays. */
static bool never_ran(const Engine *engine, const char *machine) {
        RunEnd end = {};
        int r = record_file_read(engine->runtime_directory, machine, NULL, &end);

        return r == -ENOENT || (r >= 0 && !end.has_unit && !end.has_payload);
}

static void suspect_sweep(const Suspect *suspect) {
        const Sweep *sweep = suspect->sweep;
        const char *root = sweep->engine->runtime_directory, *machine = suspect->machine;
        struct stat st;

        /* This program or another may have started the task meanwhile. */
        if (engine_has_machine(sweep->engine, machine) || !leavings_stat(sweep->engine, machine, &st) ||
                st.st_ino != suspect->seen.st_ino ||
                memcmp(&st.st_mtim, &suspect->seen.st_mtim, sizeof(st.st_mtim)) != 0)
                return;

        bool killed = never_ran(sweep->engine, machine);
        task_dir_release_holds(root, machine, HOLDS_ALL);
        task_dir_remove_unit(root, machine);
        if (!killed)
                return;
        task_dir_remove_record(root, machine);
        if (sweep->swept)
                sweep->swept(sweep->userdata, machine);
}

static void on_status(void *userdata, const UnitStatus *status) {
        Suspect *suspect = userdata;

        if (unit_status_is_dead(status))
                suspect_sweep(suspect);
        suspect_free(suspect);
}

static void suspect_new(Sweep *sweep, const char *machine, const struct stat *seen) {
        static const UnitCallbacks callbacks = { .changed = on_status };
        _cleanup_free_ char *unit = unit_name_make(machine);
        Suspect *suspect = xnew(Suspect, 1);

        *suspect = (Suspect){ .sweep = sweep, .machine = xstrdup(machine), .seen = *seen };
        LIST_INSERT_HEAD(&sweep->suspects, suspect, suspects);
        suspect->unit = unit_new(sweep->engine->system_bus, unit, &callbacks, suspect);
        unit_refresh(suspect->unit);
}

/* Return: whether there is a directory that is too young to be swept. */
static bool look_at(Sweep *sweep, const char *machine) {
        const Engine *engine = sweep->engine;
        struct stat st;

        if (!machine_name_is_valid(machine) || !leavings_stat(engine, machine, &st) ||
                has_group(engine, machine) || engine_has_machine(engine, machine))
                return false;

        uint64_t changed = (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC +
                (uint64_t) st.st_mtim.tv_nsec / 1000;
        if (changed + sweep->age_usec > clock_realtime_usec())
                return true;
        suspect_new(sweep, machine, &st);
        return false;
}

/* Return: whether a directory must be checked again later. */
static bool sweep_look(Sweep *sweep) {
        _cleanup_free_ char *path = xasprintf(
                "%s/" TASKS_DIRECTORY, task_dir_root(sweep->engine->runtime_directory));
        DIR *directory = opendir(path);
        const struct dirent *entry;
        bool young = false;

        while (directory && (entry = readdir(directory)))
                young = look_at(sweep, entry->d_name) || young;
        if (directory)
                (void) closedir(directory);
        return young;
}

static int on_again(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Sweep *sweep = userdata;

        sweep->again = sd_event_source_disable_unref(sweep->again);
        (void) sweep_look(sweep);
        return 0;
}

Sweep *sweep_new(Engine *engine, uint64_t age_usec, Swept swept, void *userdata) {
        Sweep *sweep = xnew(Sweep, 1);

        *sweep = (Sweep){ .engine = engine, .age_usec = age_usec, .swept = swept, .userdata = userdata };
        LIST_INIT(&sweep->suspects);
        /* One second more, so that all present directories are old enough then. */
        if (sweep_look(sweep))
                event_must(sd_event_add_time_relative(engine->event, &sweep->again, CLOCK_MONOTONIC,
                        age_usec + USEC_PER_SEC, 0, on_again, sweep));
        return sweep;
}

Sweep *sweep_free(Sweep *sweep) {
        if (!sweep)
                return NULL;

        for (Suspect *suspect = LIST_FIRST(&sweep->suspects), *next; suspect; suspect = next) {
                next = LIST_NEXT(suspect, suspects);
                suspect_free(suspect);
        }
        sd_event_source_disable_unref(sweep->again);
        free(sweep);
        return NULL;
}
