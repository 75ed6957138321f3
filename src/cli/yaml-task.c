/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/string.h"
#include "cli/yaml-task.h"
#include "cli/yaml.h"
#include "task/name.h"

static char *name_from_path(const char *path) {
        const char *slash = strrchr(path, '/');
        char *name = xstrdup(slash ? slash + 1 : path);
        char *dot = strrchr(name, '.');

        if (dot && dot != name)
                *dot = 0;
        return name;
}

static void add_identity(TaskRequest *request, const char *path) {
        TaskIdentity *identity = &request->identity;
        const char *name = request->spec.name;

        identity->name = name ? xstrdup(name) : name_from_path(path);
        identity->machine = machine_name_make(identity->name, NULL);
        identity->description = xasprintf("Container %s (%s)", identity->name, path);
        identity->slice = xstrdup("nspawn-local.slice");
}

/* Without memory_max, memory is the limit. */
static void settle_memory(TaskSpec *spec) {
        if (spec->memory_max == 0) {
                spec->memory_max = spec->memory_low;
                spec->memory_low = 0;
        }
}

int yaml_task_parse(const char *path, const char *text, size_t n, TaskRequest **ret, Error **ret_error) {
        _cleanup_task_request_ TaskRequest *request = task_request_new();
        _cleanup_diagnostics_ Diagnostics d = { .source = path };
        const Policy policy = policy_of_root();
        _cleanup_value_ Value *config = NULL;
        int r;

        r = yaml_read(text, n, path, &config, ret_error);
        if (r < 0)
                return r;

        (void) option_decode(&task_options, &request->spec, config, OPTION_IN_YAML, &d);
        add_identity(request, path);
        settle_memory(&request->spec);
        if (config->type == VALUE_MAP)
                (void) task_request_check(request, &policy, OPTION_IN_YAML, &d);

        r = diagnostics_to_error(&d, ret_error);
        if (r < 0)
                return r;
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

char *yaml_task_directory(const char *path) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *directory = slash ? xstrndup(path, (size_t) (slash - path) + (slash == path))
                                               : xstrdup(".");
        char *absolute = realpath(directory, NULL);

        return absolute ? absolute : xstrdup("/");
}
