/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Where the files of a task are on the host, and how its directory is made and removed (base/task-dir.h says
 * what is in it). @root is the runtime directory of this project; NULL for /run/nspawn-units.
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

/* Return: the path of the part that is removed with the unit, owned by the caller. */
char *task_dir_unit_path(const char *root, const char *machine);

/* Return: the path of the file @name in that part, owned by the caller. */
char *task_dir_unit_file(const char *root, const char *machine, const char *name);

/**
 * task_dir_find() - find a file of the unit of a task that was started before
 * @name: a name of base/task-dir.h, or "" for the directory itself
 *
 * Return: its path, owned by the caller, also for a task of version 0.1.0. The file may be missing.
 */
char *task_dir_find(const char *root, const char *machine, const char *name);

/* Return: whether there are files of the task's unit, so that the unit is probably alive. */
bool task_dir_is_live(const char *root, const char *machine);

/* Return: where a task of version 0.1.0 has its record and notes, owned by the caller. */
char *task_dir_old_ledger(const char *root, const char *machine);

/**
 * task_dir_create() - make the directory of a task that is about to start
 *
 * Return: 0; -EEXIST when a unit of this name may be using one, also one of version 0.1.0; -EBUSY when a
 * task of version 0.1.0 uses the directory of all tasks, because it has the same name; or another negative
 * errno.
 */
int task_dir_create(const char *root, const char *machine);

/**
 * task_dir_write_holds() - write down what a task may hold, before any of it is made
 *
 * Return: 0 or a negative errno.
 */
int task_dir_write_holds(const char *root, const char *machine);

/**
 * task_dir_release_holds() - release what a task holds, after its end or after a failed start
 * @kinds: the kinds to release (base/hold.h); the list stays unless that is all
 *
 * Works for tasks of older versions, too.
 */
void task_dir_release_holds(const char *root, const char *machine, unsigned kinds);

/**
 * task_dir_remove_unit() - remove the files of a unit that is dead or was never started
 *
 * systemd does not always remove them. Everything in the unit's part of the directory is removed, the mounts
 * of a killed nspawn too. Record and notes stay; if there are none, the whole directory is removed.
 */
void task_dir_remove_unit(const char *root, const char *machine);

/* Removes record and notes, and the whole directory if nothing else is in it. */
void task_dir_remove_record(const char *root, const char *machine);
