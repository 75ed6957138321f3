/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * pty_open() - make a terminal in the container's own devpts
 * @ret_slave: its other side, got from the master and not by a name
 *
 * An image is not trusted to have the right thing in its place: it is recognised by its device number
 * (Documentation/admin-guide/devices.txt). Both are close-on-exec. Ends the process with words where it
 * fails.
 *
 * Return: the master, which does not block.
 */
int pty_open(int *ret_slave);
