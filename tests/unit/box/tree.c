/* SPDX-License-Identifier: Apache-2.0 */

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "box/tree.h"

static int remove_one(
        const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *where _unused_) {
        return remove(path);
}

int tree_remove(const char *path) {
        return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
