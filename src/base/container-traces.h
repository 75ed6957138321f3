/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files that systemd-nspawn and systemd-machined keep in /run for a container, and that outlive both the
 * container and nspawn when nspawn is killed. Shared with nspawn-units-helper: needs libc alone.
 */

/* Where systemd-machined keeps a file for each container that is registered (machine.c, machine_save()). */
#define MACHINED_DIRECTORY "/run/systemd/machines"

/**
 * container_traces_remove() - remove the directories that a killed nspawn leaves
 * @machine: name of a container of ours that is gone
 *
 * Does nothing while systemd-machined has a living container of the name, which is somebody else's then.
 *
 * These are the directory through which mounts are handed in, and since systemd 256 the mount of nspawn's
 * socket (nspawn.c, 252 to 257; in 262 both are in the unit's RuntimeDirectory=).
 */
void container_traces_remove(const char *machine);
