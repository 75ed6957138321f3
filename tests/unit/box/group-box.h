/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The control group of a unit, as the kernel names it. */
#define GROUP_BOX_NAME "/test.slice/nspawn-one.service"

/* A tree that looks like that of control groups, with plain files, in a directory of the test's own. */
typedef struct GroupBox {
        char root[32]; /* stands for /sys/fs/cgroup */
} GroupBox;

/* The group is there, and has no files yet. */
void group_box_open(GroupBox *box);
void group_box_close(GroupBox *box);
#define _cleanup_group_box_ _cleanup_(group_box_close)

/* Return: the path of the group or, with @name, of a file in it; owned by the caller. */
char *group_box_path(const GroupBox *box, const char *name);

/* Makes the group's directory again, after group_box_remove(). */
void group_box_make(const GroupBox *box);
void group_box_remove(const GroupBox *box);

/* Writes as the kernel's files are written: at once, into the file that is there. */
void group_box_write(const GroupBox *box, const char *name, const char *text);
