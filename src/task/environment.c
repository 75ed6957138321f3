/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "base/strv.h"
#include "task/environment.h"

static char **environment_find(char **environment, const char *name) {
        size_t n = strlen(name);

        for (char **e = environment; e && *e; e++)
                if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
                        return e;
        return NULL;
}

void environment_set(char ***environment, const char *name, const char *value) {
        char *assignment = xasprintf("%s=%s", name, value);
        char **e = environment_find(*environment, name);

        if (!e) {
                strv_consume(environment, assignment);
                return;
        }

        free(*e);
        *e = assignment;
}

const char *environment_get(char *const *environment, const char *name) {
        char **e = environment_find((char **) (uintptr_t) environment, name);

        return e ? *e + strlen(name) + 1 : NULL;
}

bool environment_name_is_valid(const char *name) {
        return *name && !strchr(name, '=');
}
