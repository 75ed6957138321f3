/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "base/program.h"
#include "base/string.h"

char *program_directory(void) {
        char *path = realpath("/proc/self/exe", NULL);

        if (!path)
                return xstrdup("/");

        char *slash = strrchr(path, '/');
        slash[slash == path] = 0;
        return path;
}

char *program_find(const char *name) {
        _cleanup_free_ char *directory = program_directory();
        _cleanup_free_ char *beside = xasprintf("%s/%s", directory, name);
        _cleanup_free_ char *installed = xasprintf(LIBEXEC_DIR "/%s", name);

        if (access(beside, X_OK) >= 0)
                return TAKE_PTR(beside);
        return access(installed, X_OK) >= 0 ? TAKE_PTR(installed) : NULL;
}
