/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "base/program.h"
#include "base/string.h"

#define INIT_NAME "nspawn-units-init"

char *program_directory(void) {
        char *path = realpath("/proc/self/exe", NULL);

        if (!path)
                return xstrdup("/");

        char *slash = strrchr(path, '/');
        slash[slash == path] = 0;
        return path;
}

char *program_find_init(void) {
        _cleanup_free_ char *directory = program_directory();
        _cleanup_free_ char *beside = xasprintf("%s/" INIT_NAME, directory);

        if (access(beside, X_OK) >= 0)
                return TAKE_PTR(beside);
        return access(LIBEXEC_DIR "/" INIT_NAME, X_OK) >= 0 ? xstrdup(LIBEXEC_DIR "/" INIT_NAME) : NULL;
}
