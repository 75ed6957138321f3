/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "exec.h"

struct Session {
        ClientCall *call;
        pthread_t thread;
        bool reading;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        StringBuffer out, err;
        bool out_closed, err_closed;
        bool exited;
        bool ended;
        int code, signal;
        const char *wrong; /* what Nomad's client could not handle */
};

void ran_clear(Ran *ran) {
        free(ran->out);
        free(ran->err);
        *ran = (Ran){};
}

static size_t argv_length(const char *const *command) {
        size_t n = 0;

        while (command[n])
                n++;
        return n;
}

/* ---- a unary call ---- */

typedef struct Request {
        Driver__ExecTaskRequest message;
        Google__Protobuf__Duration timeout;
} Request;

static void request_init(Request *request, const Job *job, int64_t timeout_sec, const char *const *command) {

        driver__exec_task_request__init(&request->message);
        google__protobuf__duration__init(&request->timeout);
        request->timeout.seconds = timeout_sec;
        request->message.task_id = job->config.id;
        request->message.command = (char **) (uintptr_t) command;
        request->message.n_command = argv_length(command);
        request->message.timeout = &request->timeout;
}

ClientCall *job_exec_begin(Agent *agent, const Job *job, int64_t timeout_sec, const char *const *command) {
        Request request;

        request_init(&request, job, timeout_sec, command);
        return client_open(agent->client, DRIVER "ExecTask", &request.message.base);
}

static char *text_of(ProtobufCBinaryData data) {
        char *text = xcalloc(data.len + 1, 1);

        if (data.len > 0)
                memcpy(text, data.data, data.len);
        return text;
}

Ran job_exec_end(ClientCall *call) {
        _cleanup_free_ char *text = NULL;
        Driver__ExecTaskResponse *reply = NULL;

        int r = client_next(
                call, &driver__exec_task_response__descriptor, LIMIT_MSEC, (ProtobufCMessage **) &reply);
        int code = client_status(call, LIMIT_MSEC, &text, NULL);
        cr_assert(r == 1 && code == GRPC_STATUS_OK, "ExecTask: %d %s", code, text ? text : "no answer");
        cr_assert_not_null(reply->result, "ExecTask without a result: the agent would panic");
        Ran ran = {
                .out = text_of(reply->stdout),
                .err = text_of(reply->stderr),
                .n_out = reply->stdout.len,
                .n_err = reply->stderr.len,
                .code = reply->result->exit_code,
                .signal = reply->result->signal,
        };
        driver__exec_task_response__free_unpacked(reply, NULL);
        (void) client_call_free(call);
        return ran;
}

Ran job_exec(Agent *agent, const Job *job, int64_t timeout_sec, const char *const *command) {
        return job_exec_end(job_exec_begin(agent, job, timeout_sec, command));
}

char *job_exec_fails(Agent *agent, const Job *job, int64_t timeout_sec, const char *const *command,
        grpc_status_code code) {
        Request request;

        request_init(&request, job, timeout_sec, command);
        return agent_call_fails(agent, DRIVER "ExecTask", &request.message, code);
}

char *job_shell(Agent *agent, const Job *job, const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        va_list ap;

        va_start(ap, format);
        line = xvasprintf(format, ap);
        va_end(ap);
        Ran ran = job_exec(agent, job, EXEC_SEC, SH(line));
        cr_assert(ran.code == 0, "in the task: %s: status %d\n%s%s", line, ran.code, ran.out, ran.err);
        while (ran.n_out > 0 && ran.out[ran.n_out - 1] == '\n')
                ran.out[--ran.n_out] = 0;
        free(ran.err);
        return ran.out;
}

/* ---- a stream ---- */

static void take_io(Session *session, const Driver__ExecIO *io, StringBuffer *buffer, bool *closed) {
        if (io->data.len > 0 && *closed)
                session->wrong = "data behind the end of a stream";
        if (io->data.len > 0)
                string_buffer_append_bytes(buffer, io->data.data, io->data.len);
        *closed = *closed || io->close;
}

/* Nomad's client evaluates only the first of stdout, stderr and exited in a message. A message without any
 * of them shows that the stream is alive. */
static void take(Session *session, const Driver__ExecTaskStreamingResponse *response) {
        if ((response->stdout != NULL) + (response->stderr != NULL) + (response->exited != 0) > 1)
                session->wrong = "a message of several kinds";
        if (session->exited)
                session->wrong = "a message behind the exit";
        if (response->stdout)
                take_io(session, response->stdout, &session->out, &session->out_closed);
        if (response->stderr)
                take_io(session, response->stderr, &session->err, &session->err_closed);
        if (response->exited && !response->result)
                session->wrong = "an exit without a result";
        if (response->exited && response->result) {
                session->exited = true;
                session->code = response->result->exit_code;
                session->signal = response->result->signal;
        }
}

static void *session_thread(void *userdata) {
        Session *session = userdata;
        int r;

        do {
                Driver__ExecTaskStreamingResponse *response = NULL;

                r = client_next(session->call, &driver__exec_task_streaming_response__descriptor, UINT32_MAX,
                        (ProtobufCMessage **) &response);
                (void) pthread_mutex_lock(&session->mutex);
                if (r > 0)
                        take(session, response);
                else if (r < 0)
                        session->wrong = "a message that cannot be unpacked";
                session->ended = r <= 0;
                (void) pthread_cond_broadcast(&session->changed);
                (void) pthread_mutex_unlock(&session->mutex);
                driver__exec_task_streaming_response__free_unpacked(response, NULL);
        } while (r > 0);
        return NULL;
}

void session_read(Session *session) {
        session->reading = true;
        cr_assert_eq(pthread_create(&session->thread, NULL, session_thread, session), 0);
}

static void session_message(Session *session, const Driver__ExecTaskStreamingRequest *request) {
        cr_assert_neq(client_send(session->call, &request->base, LIMIT_MSEC), -ETIMEDOUT,
                "the driver does not take what is sent to a command");
}

static Session *open_stream(Agent *agent, const Job *job, bool tty,
        Driver__ExecTaskStreamingRequest__TerminalSize *size, const char *const *command) {

        Driver__ExecTaskStreamingRequest request = DRIVER__EXEC_TASK_STREAMING_REQUEST__INIT;
        Driver__ExecTaskStreamingRequest__Setup setup = DRIVER__EXEC_TASK_STREAMING_REQUEST__SETUP__INIT;
        Session *session = xnew(Session, 1);
        pthread_condattr_t attributes;

        (void) pthread_mutex_init(&session->mutex, NULL);
        (void) pthread_condattr_init(&attributes);
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void) pthread_cond_init(&session->changed, &attributes);
        (void) pthread_condattr_destroy(&attributes);

        setup.task_id = job->config.id;
        setup.command = (char **) (uintptr_t) command;
        setup.n_command = argv_length(command);
        setup.tty = tty;
        request.setup = &setup;
        request.tty_size = size;
        session->call = client_open(agent->client, DRIVER "ExecTaskStreaming", NULL);
        session_message(session, &request);
        return session;
}

Session *session_open_unread(Agent *agent, const Job *job, bool tty, const char *const *command) {
        return open_stream(agent, job, tty, NULL, command);
}

Session *session_open(Agent *agent, const Job *job, bool tty, const char *const *command) {
        Session *session = open_stream(agent, job, tty, NULL, command);

        session_read(session);
        return session;
}

Session *session_open_sized(
        Agent *agent, const Job *job, int32_t rows, int32_t columns, const char *const *command) {
        Driver__ExecTaskStreamingRequest__TerminalSize size =
                DRIVER__EXEC_TASK_STREAMING_REQUEST__TERMINAL_SIZE__INIT;

        size.height = rows;
        size.width = columns;
        Session *session = open_stream(agent, job, true, &size, command);
        session_read(session);
        return session;
}

static void session_join(Session *session) {
        if (session->reading)
                (void) pthread_join(session->thread, NULL);
        session->reading = false;
}

Session *session_free(Session *session) {
        if (!session)
                return NULL;

        client_cancel(session->call);
        session_join(session);
        (void) client_call_free(session->call);
        (void) pthread_cond_destroy(&session->changed);
        (void) pthread_mutex_destroy(&session->mutex);
        string_buffer_clear(&session->out);
        string_buffer_clear(&session->err);
        free(session);
        return NULL;
}

int session_try_send(Session *session, const void *bytes, size_t n, unsigned limit_msec) {
        Driver__ExecTaskStreamingRequest request = DRIVER__EXEC_TASK_STREAMING_REQUEST__INIT;
        Driver__ExecIO io = DRIVER__EXEC_IO__INIT;

        io.data = (ProtobufCBinaryData){ .len = n, .data = (uint8_t *) (uintptr_t) bytes };
        request.stdin = &io;
        return client_send(session->call, &request.base, limit_msec);
}

void session_send_bytes(Session *session, const void *bytes, size_t n) {
        cr_assert_neq(session_try_send(session, bytes, n, LIMIT_MSEC), -ETIMEDOUT,
                "the driver does not take what is sent to a command");
}

void session_send(Session *session, const char *text) {
        session_send_bytes(session, text, strlen(text));
}

void session_close_input(Session *session) {
        Driver__ExecTaskStreamingRequest request = DRIVER__EXEC_TASK_STREAMING_REQUEST__INIT;
        Driver__ExecIO io = DRIVER__EXEC_IO__INIT;

        io.close = true;
        request.stdin = &io;
        session_message(session, &request);
}

void session_size(Session *session, int32_t rows, int32_t columns) {
        Driver__ExecTaskStreamingRequest request = DRIVER__EXEC_TASK_STREAMING_REQUEST__INIT;
        Driver__ExecTaskStreamingRequest__TerminalSize size =
                DRIVER__EXEC_TASK_STREAMING_REQUEST__TERMINAL_SIZE__INIT;

        size.height = rows;
        size.width = columns;
        request.tty_size = &size;
        session_message(session, &request);
}

void session_heartbeat(Session *session) {
        Driver__ExecTaskStreamingRequest request = DRIVER__EXEC_TASK_STREAMING_REQUEST__INIT;

        session_message(session, &request);
}

static bool has_come(const Session *session, size_t skip, const char *text) {
        if (!text)
                return session->ended || session->exited;
        return session->out.length > skip &&
                memmem(session->out.text + skip, session->out.length - skip, text, strlen(text));
}

/* Waits for @text; NULL for the exit, or the end of the stream. Return: how many bytes came on stdout. */
static size_t wait_for(Session *session, size_t skip, const char *text) {
        struct timespec until;

        (void) clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LIMIT_MSEC / 1000;

        (void) pthread_mutex_lock(&session->mutex);
        while (!has_come(session, skip, text) && !session->ended)
                if (pthread_cond_timedwait(&session->changed, &session->mutex, &until) == ETIMEDOUT)
                        break;
        bool found = has_come(session, skip, text);
        size_t n = session->out.length;
        (void) pthread_mutex_unlock(&session->mutex);
        cr_assert(found, "%s did not come; this came:\n%s%s", text ? text : "the end",
                session->out.text ? session->out.text : "", session->err.text ? session->err.text : "");
        return n;
}

size_t session_wait_text(Session *session, size_t skip, const char *text) {
        return wait_for(session, skip, text);
}

Ran session_end(Session *session) {
        _cleanup_free_ char *text = NULL;

        if (!session->reading)
                session_read(session);
        (void) wait_for(session, 0, NULL);
        /* After much output, the driver keeps the stream open for some time after our last message. */
        (void) client_half_close(session->call, LIMIT_MSEC);
        int code = client_status(session->call, LIMIT_MSEC, &text, NULL);
        cr_assert_eq(code, GRPC_STATUS_OK, "ExecTaskStreaming: %d %s", code, text ? text : "no end");
        session_join(session);
        cr_assert_null(session->wrong, "ExecTaskStreaming: %s", session->wrong);
        cr_assert(session->exited, "ExecTaskStreaming ended without an exit");
        Ran ran = { .n_out = session->out.length, .n_err = session->err.length };
        ran.out = string_buffer_take(&session->out);
        ran.err = string_buffer_take(&session->err);
        ran.code = session->code;
        ran.signal = session->signal;
        return ran;
}

char *session_fails(Session *session, grpc_status_code expected) {
        char *text = NULL;

        if (!session->reading)
                session_read(session);
        (void) wait_for(session, 0, NULL);
        int code = client_status(session->call, LIMIT_MSEC, &text, NULL);
        cr_assert_eq(code, expected, "ExecTaskStreaming: %d, not %d: %s", code, expected, text);
        cr_assert(!session->exited, "ExecTaskStreaming sent an exit and failed: %s", text);
        return text;
}

Ran session_run(
        Agent *agent, const Job *job, bool tty, const void *input, size_t n, const char *const *command) {
        _cleanup_session_ Session *session = session_open(agent, job, tty, command);

        if (n > 0)
                session_send_bytes(session, input, n);
        session_close_input(session);
        return session_end(session);
}
