/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "task/nomad-id.h"

/* Points into the id. */
typedef struct NomadId {
        const char *allocation;
        size_t n_allocation;
        const char *task;
        size_t n_task;
} NomadId;

static bool nomad_id_split(const char *id, NomadId *ret) {
        const char *task = strchr(id, '/'), *hash = task ? strchr(task + 1, '/') : NULL;

        if (!hash)
                return false;

        *ret = (NomadId){
                .allocation = id,
                .n_allocation = (size_t) (task - id),
                .task = task + 1,
                .n_task = (size_t) (hash - task) - 1,
        };
        return true;
}

bool nomad_id_is_valid(const char *id) {
        NomadId parts;

        return nomad_id_split(id, &parts);
}

bool nomad_id_has_name(const char *id, const char *name) {
        size_t n = strcspn(name, "/");
        NomadId parts;

        if (!nomad_id_split(id, &parts))
                return false;
        if (n < NOMAD_ALLOCATION_LENGTH_MIN || n > parts.n_allocation || strncmp(id, name, n) != 0)
                return false;
        if (!name[n])
                return true;
        return strlen(name + n + 1) == parts.n_task && strncmp(parts.task, name + n + 1, parts.n_task) == 0;
}

char *nomad_id_logs_command(const char *id) {
        NomadId parts;

        if (!nomad_id_split(id, &parts))
                return NULL;
        return xasprintf("nomad alloc logs -f %.*s %.*s", (int) parts.n_allocation, parts.allocation,
                (int) parts.n_task, parts.task);
}
