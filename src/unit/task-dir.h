/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Where the files of a task are on the host, and how its directory comes and goes (base/task-dir.h says what
 * is in it). @root is the runtime directory of this project; NULL for /run/nspawn-units.
 *
 * A task of version 0.1.0 has other places. Only task_dir_find(), task_dir_is_live() and the functions that
 * remove know of them: a new task never has them.
 */

/* Return: the runtime directory, which is @root or the one of the host. */
const char *task_dir_root(const char *root);

/* Return: the directory of a task, owned by the caller. */
char *task_dir_path(const char *root, const char *machine);

/* Return: the path of the file @name in it, owned by the caller. */
char *task_dir_file(const char *root, const char *machine, const char *name);

/* Return: the path of the part that goes with the unit, owned by the caller. */
char *task_dir_unit_path(const char *root, const char *machine);

/* Return: the path of the file @name in that part, owned by the caller. */
char *task_dir_unit_file(const char *root, const char *machine, const char *name);

/**
 * task_dir_find() - find a file that goes with the unit of a task which was started before
 * @name: a name of base/task-dir.h, or "" for the directory itself
 *
 * Return: its path, owned by the caller, also for a task of version 0.1.0. The file may be missing.
 */
char *task_dir_find(const char *root, const char *machine, const char *name);

/* Return: whether there are files that go with the task's unit, so that it probably lives. */
bool task_dir_is_live(const char *root, const char *machine);

/* Return: where a task of version 0.1.0 has its record and notes, owned by the caller. */
char *task_dir_old_ledger(const char *root, const char *machine);

/**
 * task_dir_create() - make the directory of a task that is about to start
 *
 * Return: 0; -EEXIST when a unit of this name may be using one, also one of version 0.1.0; -EBUSY when a
 * task of version 0.1.0 uses the directory of all tasks (it is called like that); or another negative errno.
 */
int task_dir_create(const char *root, const char *machine);

/**
 * task_dir_write_holds() - write down what a task may hold, before it is made
 * @unit: of the task
 *
 * Return: 0 or a negative errno.
 */
int task_dir_write_holds(const char *root, const char *machine, const char *unit);

/**
 * task_dir_release_holds() - release what a task holds that is over or never came to be
 * @unit:  of the task
 * @kinds: those that may be released (base/hold.h); the list stays unless it is all
 *
 * Tasks of older versions did not write down what they hold; the same is looked for then.
 */
void task_dir_release_holds(const char *root, const char *machine, const char *unit, unsigned kinds);

/**
 * task_dir_remove_unit() - remove what goes with the unit, which is dead or never came to be
 *
 * systemd does not always do so. Whatever is in there is removed, the mounts of a killed nspawn too. Record
 * and notes stay; without them the whole directory goes.
 */
void task_dir_remove_unit(const char *root, const char *machine);

/* Removes record and notes, and the whole directory if nothing else is in it. */
void task_dir_remove_record(const char *root, const char *machine);
