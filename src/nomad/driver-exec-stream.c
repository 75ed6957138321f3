/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "loop/must.h"
#include "nomad/driver.h"
#include "nomad/exec-call.h"
#include "nomad/plugin.h"

/* ExecTaskStreaming: runs a command in a task for a user, who sees its output and types its input. */

/* The driver stops reading the command's output while so many messages wait for Nomad to read them. */
#define PIECES_MAX 8

/* Most bytes of output in one message. */
#define PIECE_SIZE ((size_t) 64 * 1024)

/*
 * How often the driver sends an empty message. An agent notices that its user is gone only when it passes a
 * message on to the user, and then cancels the call. Without these messages a command that writes nothing
 * would run on after its user is gone.
 */
#define PING_USEC (10 * USEC_PER_SEC)

/*
 * When an agent sends a message into a stream that has ended, it drops all that it has not read from the
 * stream yet, including the exit code (plugins/drivers/client.go, ExecTaskStreamingRaw(), Nomad 1.6 to
 * 1.11). So after the exit code the driver waits with the end of the stream until the agent has sent nothing
 * for this long. A client that has the exit code sends nothing any more. A client that does not have it yet,
 * since it still reads much output or the user still types, sends a sign of life every 10 s
 * (api/allocations_exec.go).
 */
#define SILENCE_AFTER_MUCH_USEC (12 * USEC_PER_SEC)
#define SILENCE_AFTER_LITTLE_USEC (100 * USEC_PER_MSEC)

/* An agent reads so many bytes of output in no time: HTTP/2 sends no more to an agent that has not read any
 * (RFC 9113, 6.9.2). */
#define LITTLE ((uint64_t) 65535)

/* An ExecTaskStreaming call. session_on_close() frees it. */
typedef struct ExecSession {
        Plugin *plugin;
        RpcCall *call; /* valid as long as this struct */
        Exec *exec;    /* NULL before the command starts and after it has ended */
        sd_event_source *ping;
        sd_event_source *silence; /* runs after the exit code was sent; ends the stream */
        uint64_t silence_usec;
        uint64_t n_sent; /* bytes of output */
        bool set_up;
        bool terminal;
        bool input_is_closed; /* Nomad may still send signs of life */
        bool peer_is_done;    /* Nomad sends nothing any more */
} ExecSession;

/* Kills what is left of the command. The driver still reads Nomad's messages, and drops them, so that Nomad
 * does not have to wait. */
static void session_end(ExecSession *session) {
        session->ping = sd_event_source_disable_unref(session->ping);
        session->exec = exec_free(session->exec);
        rpc_call_set_reading(session->call, true);
}

static int session_on_silence(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        ExecSession *session = userdata;

        rpc_call_finish(session->call);
        return 0;
}

/* Return: how long Nomad must have sent nothing before the stream may end. */
static uint64_t session_silence(const ExecSession *session) {
        if (session->peer_is_done)
                return 0;
        if (session->n_sent > LITTLE)
                return SILENCE_AFTER_MUCH_USEC;
        return session->input_is_closed ? 0 : SILENCE_AFTER_LITTLE_USEC;
}

static void session_finish(ExecSession *session) {
        session->silence_usec = session_silence(session);
        if (session->silence_usec == 0 ||
                sd_event_add_time_relative(session->plugin->event, &session->silence, CLOCK_MONOTONIC,
                        session->silence_usec, 0, session_on_silence, session) < 0)
                rpc_call_finish(session->call);
        session_end(session);
}

/* Nomad sent something, so it does not have the exit code yet: the wait for silence starts again. */
static void session_break_silence(ExecSession *session) {
        if (session->silence)
                (void) sd_event_source_set_time_relative(session->silence, session->silence_usec);
}

static void session_fail(ExecSession *session, grpc_status_code code, const char *words) {
        rpc_call_fail(session->call, code, words, false);
        session_end(session);
}

/* Puts only one of stdout, stderr and result into a message: Nomad's clients use the first they find. */
static void session_send(ExecSession *session, ExecStream stream, const void *bytes, size_t n) {
        Driver__ExecTaskStreamingResponse response = DRIVER__EXEC_TASK_STREAMING_RESPONSE__INIT;
        Driver__ExecIO io = DRIVER__EXEC_IO__INIT;

        io.data = (ProtobufCBinaryData){ .data = (uint8_t *) (uintptr_t) bytes, .len = n };
        io.close = !bytes;
        session->n_sent += n;
        if (stream == EXEC_OUTPUT || session->terminal)
                response.stdout = &io;
        else
                response.stderr = &io;
        (void) rpc_call_send(session->call, &response.base);
}

static void session_send_close(ExecSession *session, ExecStream stream) {
        session_send(session, stream, NULL, 0);
}

static void session_send_result(ExecSession *session, const ExecResult *result) {
        Driver__ExecTaskStreamingResponse response = DRIVER__EXEC_TASK_STREAMING_RESPONSE__INIT;
        Driver__ExitResult exit_result;

        exec_call_fill_result(&exit_result, result);
        response.exited = true;
        response.result = &exit_result;
        (void) rpc_call_send(session->call, &response.base);
}

static void session_on_output(void *userdata, ExecStream stream, const void *bytes, size_t n) {
        ExecSession *session = userdata;
        const char *p = bytes;

        for (size_t length; n > 0; p += length, n -= length) {
                length = n < PIECE_SIZE ? n : PIECE_SIZE;
                session_send(session, stream, p, length);
        }
        if (rpc_call_pending(session->call) >= PIECES_MAX)
                exec_set_reading(session->exec, false);
}

static void session_on_drain(void *userdata) {
        ExecSession *session = userdata;

        rpc_call_set_reading(session->call, true);
}

static void session_on_end(void *userdata, const ExecResult *result, const Error *error) {
        ExecSession *session = userdata;

        if (!result) {
                session_fail(session, exec_call_status(error), error_message(error));
                return;
        }

        if (error) {
                _cleanup_free_ char *words = xasprintf(
                        "%s%s", error_message(error), session->terminal ? "\r\n" : "\n");
                session_send(session, EXEC_ERROR, words, strlen(words));
        }
        session_send_close(session, EXEC_OUTPUT);
        if (!session->terminal)
                session_send_close(session, EXEC_ERROR);
        session_send_result(session, result);
        session_finish(session);
}

static const ExecCallbacks session_callbacks = {
        .on_output = session_on_output,
        .on_drain = session_on_drain,
        .on_end = session_on_end,
};

static int session_on_ping(sd_event_source *source, uint64_t usec _unused_, void *userdata) {
        Driver__ExecTaskStreamingResponse response = DRIVER__EXEC_TASK_STREAMING_RESPONSE__INIT;
        ExecSession *session = userdata;

        if (rpc_call_pending(session->call) == 0)
                (void) rpc_call_send(session->call, &response.base);
        (void) sd_event_source_set_time_relative(source, PING_USEC);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

static void session_set_up(ExecSession *session, const Driver__ExecTaskStreamingRequest__Setup *setup) {
        session->set_up = true;
        session->terminal = setup->tty;
        session->exec = exec_call_start(session->plugin->engine, session->call, setup->task_id,
                setup->command, setup->n_command, setup->tty, &session_callbacks, session);
        if (session->exec)
                event_must(sd_event_add_time_relative(session->plugin->event, &session->ping,
                        CLOCK_MONOTONIC, PING_USEC, USEC_PER_SEC, session_on_ping, session));
}

/* Return: the size, or the nearest one that a terminal can have. */
static uint16_t clamp_size(int32_t size) {
        if (size < 0)
                return 0;
        return size > UINT16_MAX ? UINT16_MAX : (uint16_t) size;
}

static void session_close_input(ExecSession *session) {
        session->input_is_closed = true;
        exec_close_input(session->exec);
}

static void session_on_message(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__ExecTaskStreamingRequest *request = (const Driver__ExecTaskStreamingRequest *) message;
        ExecSession *session = userdata;

        if ((request->setup != NULL) == session->set_up) {
                session_fail(session, GRPC_STATUS_INVALID_ARGUMENT,
                        session->set_up ? "the command was given already"
                                        : "the first message does not say what to run");
                return;
        }
        if (request->setup)
                session_set_up(session, request->setup);
        session_break_silence(session);
        if (!session->exec)
                return;

        if (request->tty_size)
                exec_resize(session->exec, clamp_size(request->tty_size->height),
                        clamp_size(request->tty_size->width));
        if (!request->stdin)
                return;
        if (request->stdin->data.len > 0 &&
                !exec_write(session->exec, request->stdin->data.data, request->stdin->data.len))
                rpc_call_set_reading(call, false);
        if (request->stdin->close)
                session_close_input(session);
}

/* Nomad itself never half-closes the call. A terminal stays open then, because its output is still read. */
static void session_on_half_close(RpcCall *call, void *userdata) {
        ExecSession *session = userdata;

        session->peer_is_done = true;
        if (!session->set_up)
                session_fail(session, GRPC_STATUS_INVALID_ARGUMENT, "no message says what to run");
        else if (session->silence)
                rpc_call_finish(call);
        else if (session->exec && !session->terminal)
                session_close_input(session);
}

static void session_on_sent(RpcCall *call _unused_, void *userdata) {
        ExecSession *session = userdata;

        if (session->exec)
                exec_set_reading(session->exec, true);
}

static void session_on_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        ExecSession *session = userdata;

        exec_free(session->exec);
        sd_event_source_disable_unref(session->ping);
        sd_event_source_disable_unref(session->silence);
        free(session);
}

static const RpcCallbacks session_call_callbacks = {
        .on_message = session_on_message,
        .on_half_close = session_on_half_close,
        .on_drain = session_on_sent,
        .on_close = session_on_close,
};

void driver_on_exec_task_streaming(RpcCall *call, const ProtobufCMessage *message _unused_, void *userdata) {
        ExecSession *session = xnew(ExecSession, 1);

        session->plugin = userdata;
        session->call = call;
        rpc_call_set_callbacks(call, &session_call_callbacks, session);
        /* No limit: session_on_output() stops reading when messages wait, and must not lose output. */
        rpc_call_set_limit(call, SIZE_MAX);
}
