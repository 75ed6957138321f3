/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/string.h"
#include "cli/yaml-task.h"
#include "cli/yaml.h"
#include "task/name.h"
#include "task/option.h"

static char *name_from_path(const char *path) {
        const char *slash = strrchr(path, '/');
        char *name = xstrdup(slash ? slash + 1 : path);
        char *dot = strrchr(name, '.');

        if (dot && dot != name)
                *dot = 0;
        return name;
}

/*
 * Messages about combinations begin with the option they are about, or BLOCK.MEMBER: say where that stands,
 * or else what it is in.
 */
static char *locate(const char *path, const Value *config, const char *message) {
        unsigned line = config->line, column = config->column;
        const char *name = message;
        const Value *map = config;

        while (map && map->type == VALUE_MAP) {
                const Value *inner = NULL;
                size_t n = strcspn(name, ".:");

                for (size_t i = 0; i < map->n_items; i++)
                        if (strlen(map->keys[i]) == n && strncmp(map->keys[i], name, n) == 0) {
                                line = map->key_lines[i];
                                column = map->key_columns[i];
                                inner = map->items[i];
                        }

                if (inner && inner->type == VALUE_LIST && inner->n_items == 1)
                        inner = inner->items[0];
                map = name[n] == '.' ? inner : NULL;
                name += n + (name[n] != 0);
        }
        return xasprintf("%s:%u:%u: %s", path, line, column, message);
}

/* Adds what is wrong with combinations, line by line, to what is wrong with single options. */
static void check(const char *path, const Value *config, TaskRequest *request, Error **errors) {
        _cleanup_error_ Error *found = NULL;

        if (task_request_check(request, &found) >= 0)
                return;

        for (char *rest = found->message, *message; (message = strsep(&rest, "\n"));) {
                _cleanup_free_ char *located = locate(path, config, message);

                (void) error_set(errors, found->code, "%s", located);
        }
}

static void add_identity(TaskRequest *request, const char *path) {
        TaskIdentity *identity = &request->identity;
        const char *name = request->spec.name;

        identity->name = name ? xstrdup(name) : name_from_path(path);
        identity->machine = machine_name_make(identity->name, NULL);
        identity->description = xasprintf("Container %s (%s)", identity->name, path);
        identity->slice = xstrdup("nspawn-local.slice");
}

/* Alone, memory is the limit. */
static void settle_memory(TaskSpec *spec) {
        if (spec->memory_max == 0) {
                spec->memory_max = spec->memory_low;
                spec->memory_low = 0;
        }
}

int yaml_task_parse(const char *path, const char *text, size_t n, TaskRequest **ret, Error **ret_error) {
        _cleanup_task_request_ TaskRequest *request = task_request_new();
        _cleanup_value_ Value *config = NULL;
        _cleanup_error_ Error *errors = NULL;
        int r;

        r = yaml_read(text, n, path, &config, ret_error);
        if (r < 0)
                return r;

        (void) option_decode(&request->spec, config, OPTION_IN_YAML, path, &errors);
        add_identity(request, path);
        settle_memory(&request->spec);
        if (config->type == VALUE_MAP)
                check(path, config, request, &errors);
        if (errors)
                return error_set(ret_error, errors->code, "%s", errors->message);

        *ret = TAKE_PTR(request);
        return 0;
}

int yaml_task_load(const char *path, TaskRequest **ret, Error **ret_error) {
        _cleanup_free_ char *text = NULL;
        ssize_t n;

        n = file_read(AT_FDCWD, path, YAML_SIZE_MAX, &text);
        if (n < 0)
                return error_set(ret_error, (int) n, "%s:1:1: cannot be read: %s", path, strerror((int) -n));
        return yaml_task_parse(path, text, (size_t) n, ret, ret_error);
}
