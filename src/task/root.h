/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

typedef enum RootKind {
        ROOT_UNRESOLVED,
        ROOT_DIRECTORY,
        ROOT_RAW, /* a file system image or block device */
} RootKind;

/* The root of a container: the image that was found (image/local.h). */
typedef struct Root {
        char *path; /* absolute; NULL until the image is found */
        RootKind kind;
} Root;

/* Frees what @root holds; it can be used again. */
static inline void root_clear(Root *root) {
        free(root->path);
        *root = (Root){};
}
