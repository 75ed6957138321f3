/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "notify.h"

int notify_address(struct sockaddr_un *ret) {
        const char *path = getenv("NOTIFY_SOCKET");
        size_t n = path ? strlen(path) : 0;

        if (n == 0)
                return 0;
        if (n >= sizeof(ret->sun_path))
                return -ENAMETOOLONG;

        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        memcpy(ret->sun_path, path, n);
        if (*path == '@')
                ret->sun_path[0] = 0;
        return (int) (offsetof(struct sockaddr_un, sun_path) + n);
}
