/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a client on the host attaches to the terminal of a task (option tty). Our init listens on the socket
 * ATTACH_SOCKET, of type SOCK_SEQPACKET, in the directory in /run of the task's unit. A message is one
 * letter and its data. The static init shares this header, so it includes no other header.
 *
 * The init closes a connection when the run of the task ends, when the client sends any other message, when
 * the client has not read pending output for 5 s, or when 8 clients are attached already; it sends that last
 * reason as ATTACH_OUTPUT first. If the init had not yet read all input at that moment, the client's next
 * recv() fails with ECONNRESET, and the recv() calls after it return the output sent before
 * (net/unix/af_unix.c).
 */
#define ATTACH_SOCKET "attach"

/* To the task: the bytes that the user typed. */
#define ATTACH_INPUT 'I'
/* To the task: the size of the client's terminal; rows and columns, two bytes each, the higher byte first. A
 * client that has just attached may send the size that is set already: programs then redraw. */
#define ATTACH_SIZE 'S'
/* From the task: the output on its terminal. */
#define ATTACH_OUTPUT 'O'

/* Longest message, the letter included. */
#define ATTACH_MESSAGE_MAX 4096
