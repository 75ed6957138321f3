/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * pty_open() - make a terminal in the container's own devpts
 * @ret_slave: the other side; opened through the master (TIOCGPTPEER), not by a name
 *
 * The image is not trusted to have the real device at /dev/ptmx: this function checks its device number
 * (Documentation/admin-guide/devices.txt). Both descriptors are close-on-exec. A failure ends the process
 * with a message.
 *
 * Return: the master, which does not block.
 */
int pty_open(int *ret_slave);
