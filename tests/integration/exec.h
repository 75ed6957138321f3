/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/* Commands that run inside a task, by ExecTask and ExecTaskStreaming. Any failure here ends the test. */

/* Long enough for anything that ends by itself. */
#define EXEC_SEC (LIMIT_MSEC / 1000)

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SH(script) ARGV("/bin/sh", "-c", script)

/* How a command ended, and what it wrote; both texts have a NUL after them. */
typedef struct Ran {
        char *out, *err;
        size_t n_out, n_err;
        int code, signal;
} Ran;

void ran_clear(Ran *ran);
#define _cleanup_ran_ _cleanup_(ran_clear)

/* ---- a unary call ---- */

ClientCall *job_exec_begin(Agent *agent, const Job *job, int64_t timeout_sec, const char *const *command);
Ran job_exec_end(ClientCall *call);
Ran job_exec(Agent *agent, const Job *job, int64_t timeout_sec, const char *const *command);

/* Return: the plugin's error message. */
char *job_exec_fails(Agent *agent, const Job *job, int64_t timeout_sec, const char *const *command,
        grpc_status_code code);

/* Runs a shell line in the task, as shell_good() does on the host. */
char *job_shell(Agent *agent, const Job *job, const char *format, ...) _printf_(3, 4);

/* ---- a stream ---- */

/* An ExecTaskStreaming call. A thread receives its messages and checks that Nomad can handle them. */
typedef struct Session Session;

/* Opens the stream and sends the command. */
Session *session_open(Agent *agent, const Job *job, bool tty, const char *const *command);
/* The same without the thread: nothing is read until session_read(). */
Session *session_open_unread(Agent *agent, const Job *job, bool tty, const char *const *command);
/* The same with a terminal; the first message has its size. */
Session *session_open_sized(
        Agent *agent, const Job *job, int32_t rows, int32_t columns, const char *const *command);
/* Cancels the call if it is not over. */
Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free)
#define _cleanup_session_ _cleanup_(session_freep)

void session_read(Session *session);

/* Sends input. Input for a command that has ended is lost, which is no error. */
void session_send(Session *session, const char *text);
/* The same, as one message. */
void session_send_bytes(Session *session, const void *bytes, size_t n);
/* As client_send(). */
int session_try_send(Session *session, const void *bytes, size_t n, unsigned limit_msec);
void session_close_input(Session *session);
void session_size(Session *session, int32_t rows, int32_t columns);
/* Sends the message that Nomad's client sends every ten seconds. */
void session_heartbeat(Session *session);

/* Waits until @text has come on stdout after the first @skip bytes. Return: how many bytes came so far. */
size_t session_wait_text(Session *session, size_t skip, const char *text);

/* Waits for the exit and the end of the call. */
Ran session_end(Session *session);
/* Waits for the end of a call that has to fail. Return: the plugin's error message. */
char *session_fails(Session *session, grpc_status_code code);

/* Runs a command with @input, and ends its input after that. */
Ran session_run(
        Agent *agent, const Job *job, bool tty, const void *input, size_t n, const char *const *command);
