/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "base/string.h"
#include "engine/record-file.h"
#include "engine/owner.h"
#include "loop/must.h"
#include "nomad/log.h"
#include "nomad/orphans.h"
#include "unit/task-dir.h"

/*
 * A file that an agent keeps open, and the file in the same directory that has the node's id (Nomad,
 * client/client.go and client/state/db_bolt.go). An agent in development mode has neither: it keeps its
 * state in memory.
 */
#define STATE_FILE "/state.db"
#define NODE_FILE "/client-id"

/* How long an orphan may take to end. The time that its job allows is lost with the client state. */
#define STOP_USEC (30 * USEC_PER_SEC)

/* How long until the driver tries again to end an orphan, if it had no connection to systemd for example. */
#define RETRY_USEC (60 * USEC_PER_SEC)

struct Orphan {
        LIST_ENTRY(Orphan) orphans;
        Orphans *owner;
        char *id;
        bool ending;  /* the engine is recovering or stopping the task */
        bool dropped; /* orphans_drop() was called during the recovery: do not stop the task */
        TaskWait *wait;
};

/* Return: the path of the file with the id of the agent's node, owned by the caller; NULL if not found. */
static char *find_node_file(pid_t agent) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/fd", agent);
        char target[PATH_MAX], *found = NULL;
        DIR *directory = opendir(path);
        const struct dirent *entry;

        while (directory && !found && (entry = readdir(directory))) {
                ssize_t n = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

                target[n > 0 ? n : 0] = '\0';
                if (*target == '/' && string_has_suffix(target, STATE_FILE))
                        found = xasprintf(
                                "%.*s" NODE_FILE, (int) (strlen(target) - strlen(STATE_FILE)), target);
        }
        if (directory)
                (void) closedir(directory);
        return found;
}

static Orphan *orphan_free(Orphan *orphan) {
        LIST_REMOVE(orphan, orphans);
        task_wait_free(orphan->wait);
        free(orphan->id);
        free(orphan);
        return NULL;
}

void orphans_drop(Orphans *orphans) {
        orphans->timer = sd_event_source_disable_unref(orphans->timer);
        for (Orphan *orphan = LIST_FIRST(&orphans->list), *next; orphan; orphan = next) {
                next = LIST_NEXT(orphan, orphans);
                /* The engine will still call on_taken_up() with this orphan. */
                if (orphan->ending && !orphan->wait)
                        orphan->dropped = true;
                else
                        orphan_free(orphan);
        }
}

void orphans_deinit(Orphans *orphans) {
        orphans_drop(orphans);
        /* The engine is freed already, so it will not call on_taken_up() for those that are left. */
        for (Orphan *orphan = LIST_FIRST(&orphans->list), *next; orphan; orphan = next) {
                next = LIST_NEXT(orphan, orphans);
                orphan_free(orphan);
        }
        free(orphans->node);
}

/* A task that an agent asked this driver for is no orphan, even if its node looks lost. */
static bool is_orphan(const Orphans *orphans, const TaskRecord *record) {
        return owner_look(record->owner) == OWNER_LOST && !engine_find(orphans->engine, record->id);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata);

static void set_timer(Orphans *orphans, uint64_t usec) {
        if (!orphans->timer)
                event_must(sd_event_add_time_relative(
                        orphans->event, &orphans->timer, CLOCK_MONOTONIC, usec, 0, on_timeout, orphans));
}

static void orphan_retry(Orphan *orphan, const Error *error) {
        log_warn("a task of a lost node was not ended; it is tried again in a minute", "task_id", orphan->id,
                "error", error_message(error));
        orphan->ending = false;
        set_timer(orphan->owner, RETRY_USEC);
}

static void on_ended(void *userdata, const ExitResult *result _unused_) {
        Orphan *orphan = userdata;
        Task *task = engine_find(orphan->owner->engine, orphan->id);

        if (task)
                task_forget(task);
        orphan_free(orphan);
}

static void on_taken_up(void *userdata, Task *task, const Error *error) {
        Orphan *orphan = userdata;

        if (orphan->dropped) {
                orphan_free(orphan);
                return;
        }
        if (task) {
                orphan->wait = task_wait(task, on_ended, orphan);
                task_stop(task, 0, STOP_USEC);
        } else if (error->code == ESRCH)
                orphan_free(orphan); /* it ended by itself */
        else
                orphan_retry(orphan, error);
}

/* Ends the task, unless it is gone or its node is back. */
static void orphan_end(Orphan *orphan) {
        _cleanup_task_record_ TaskRecord record = {};
        _cleanup_error_ Error *error = NULL;
        Engine *engine = orphan->owner->engine;

        int r = record_file_find(engine_runtime_directory(engine), orphan->id, &record);
        if (r < 0 && r != -ENOENT) {
                (void) error_set(&error, r, "cannot look for the task: %s", strerror(-r));
                orphan_retry(orphan, error);
                return;
        }
        if (r < 0 || !is_orphan(orphan->owner, &record)) {
                orphan_free(orphan);
                return;
        }

        log_warn("ending a task of a lost node, as orphan_timeout says", "unit", record.unit, "task_id",
                record.id, "node_id", record.owner);
        orphan->ending = true;
        if (engine_recover(engine, orphan->id, &record, on_taken_up, orphan, &error) < 0)
                orphan_retry(orphan, error);
}

static int on_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Orphans *orphans = userdata;

        orphans->timer = sd_event_source_disable_unref(orphans->timer);
        for (Orphan *orphan = LIST_FIRST(&orphans->list), *next; orphan; orphan = next) {
                next = LIST_NEXT(orphan, orphans);
                if (!orphan->ending)
                        orphan_end(orphan);
        }
        return 0;
}

typedef struct Search {
        Orphans *orphans;
        uint64_t timeout_usec;
} Search;

/* Called for each record. Returns false, so that the search goes on. */
static bool collect(void *userdata, const TaskRecord *record) {
        _cleanup_free_ char *remedy = NULL;
        const Search *search = userdata;
        Orphans *orphans = search->orphans;

        if (!task_dir_is_live(engine_runtime_directory(orphans->engine), record->machine) ||
                !is_orphan(orphans, record))
                return false;

        remedy = search->timeout_usec > 0 ? xasprintf("it is ended in %" PRIu64 " s (orphan_timeout)",
                                                    search->timeout_usec / USEC_PER_SEC)
                                          : xasprintf("nspawnctl stop %s ends it", record->machine);
        log_warn("a task runs that no agent will ask for: its node's client state is lost", "unit",
                record->unit, "task_id", record->id, "node_id", record->owner, "remedy", remedy);

        Orphan *orphan = xnew(Orphan, 1);
        orphan->owner = orphans;
        orphan->id = xstrdup(record->id);
        LIST_INSERT_HEAD(&orphans->list, orphan, orphans);
        return false;
}

void orphans_find(Orphans *orphans, pid_t agent, uint64_t timeout_usec) {
        _cleanup_free_ char *path = find_node_file(agent);
        _cleanup_task_record_ TaskRecord none = {};
        orphans->node = (free(orphans->node), NULL);
        int r = path ? owner_note(path, agent, &orphans->node) : -ENOENT;

        /* An agent that does not know its own node cannot judge other nodes. */
        if (r < 0) {
                log_debug("the agent keeps no client state that can be found: tasks of lost nodes are not "
                          "looked for",
                        "error", strerror(-r));
                return;
        }

        (void) record_file_search(engine_runtime_directory(orphans->engine), collect,
                &(Search){ orphans, timeout_usec }, &none);
        if (!LIST_EMPTY(&orphans->list) && timeout_usec > 0)
                set_timer(orphans, timeout_usec);
}
