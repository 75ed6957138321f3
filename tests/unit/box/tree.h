/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <ftw.h>
#include <stdio.h>

#include "base/macro.h"

static inline int tree_remove_one(
        const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *where _unused_) {
        return remove(path);
}

/* Removes a directory and all below it, without following links. Return: 0, or -1 with errno. */
static inline int tree_remove(const char *path) {
        return nftw(path, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
