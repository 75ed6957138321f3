/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How somebody on the host attaches to the terminal of a task (option tty): a socket of type SOCK_SEQPACKET,
 * ATTACH_SOCKET in the directory in /run of the task's unit, where our init listens. Shared with that static
 * program, which takes nothing else from here. A message is a letter and what follows it.
 *
 * The connection ends with the task's run. Before that it ends for who sends anything but these messages,
 * for who reads nothing for some seconds while there is something to read, and for one too many, who is told
 * so in words of ATTACH_OUTPUT first. An end with messages on their way to the task is ECONNRESET first, and
 * what was shown before can be read after that (net/unix/af_unix.c).
 */
#define ATTACH_SOCKET "attach"

/* To the task: what was typed. */
#define ATTACH_INPUT 'I'
/* To the task: the size of the terminal that it is shown on; rows and columns, two bytes each, the higher
 * one first. The same size again makes programs draw anew, for one who has just come. */
#define ATTACH_SIZE 'S'
/* From the task: what its terminal shows. */
#define ATTACH_OUTPUT 'O'

/* Longest message, the letter included. */
#define ATTACH_MESSAGE_MAX 4096
