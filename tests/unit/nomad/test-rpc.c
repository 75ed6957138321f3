/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "base/string.h"
#include "health.pb-c.h"
#include "loop/mailbox.h"
#include "nomad/server.h"
#include "plugin.pb-c.h"

/*
 * A server in a separate thread: its services have the plugin's descriptors and handlers of the test. The
 * test's thread is the client.
 */

#define CHECK "/grpc.health.v1.Health/Check"
#define WATCH "/grpc.health.v1.Health/Watch"
#define STREAM_STDIO "/plugin.GRPCStdio/StreamStdio"
#define START_STREAM "/plugin.GRPCBroker/StartStream"

#define LIMIT_MSEC 20000
#define BLOCK_SIZE 10000
#define N_BLOCKS 400

TestSuite(rpc, .timeout = 60);

typedef void (*Command)(void);

static struct {
        char directory[64];
        char path[96];
        pthread_t thread;
        sd_event *event;
        Server *server;
        Mailbox *commands;
        int ready;
        int done;   /* counts commands */
        int full;   /* counts sends that found the queue full */
        int closed; /* counts calls, plus a million for cancelled ones */
        unsigned n_sent;
} fixture;

static void tick(int fd, uint64_t n) {
        cr_assert_eq(write(fd, &n, sizeof(n)), (ssize_t) sizeof(n));
}

static uint64_t wait_tick(int fd) {
        uint64_t n = 0;

        cr_assert_eq(read(fd, &n, sizeof(n)), (ssize_t) sizeof(n));
        return n;
}

/* ---- handlers ---- */

static void on_held_close(RpcCall *call _unused_, bool cancelled, void *userdata _unused_) {
        tick(fixture.closed, cancelled ? 1000001 : 1);
}

static const RpcCallbacks held = { .on_close = on_held_close };

static void handle_check(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Health__HealthCheckRequest *request = (const Health__HealthCheckRequest *) message;
        Health__HealthCheckResponse response = HEALTH__HEALTH_CHECK_RESPONSE__INIT;

        cr_assert_eq(userdata, &fixture);
        cr_assert_str_eq(rpc_call_path(call), CHECK);
        if (streq(request->service, "hold")) {
                rpc_call_set_callbacks(call, &held, NULL);
                return;
        }
        if (streq(request->service, "fail")) {
                rpc_call_fail(call, GRPC_STATUS_FAILED_PRECONDITION, "no \xff luck\n100 %", true);
                rpc_call_fail(call, GRPC_STATUS_UNKNOWN, "said too late", false);
                return;
        }
        if (streq(request->service, "long")) {
                _cleanup_free_ char *text = xcalloc(3 * RPC_TEXT_MAX, 1);

                for (size_t i = 0; i < 3 * RPC_TEXT_MAX - 3; i += 2)
                        memcpy(text + i, "ä", 2);
                rpc_call_fail(call, GRPC_STATUS_UNKNOWN, text, false);
                return;
        }

        /* The enum carries any number. */
        *(int *) &response.status = (int) strlen(request->service);
        rpc_call_set_callbacks(call, &held, NULL);
        rpc_call_reply(call, &response.base);
        rpc_call_reply(call, &response.base);
}

static void handle_watch(RpcCall *call, const ProtobufCMessage *message, void *userdata _unused_) {
        const Health__HealthCheckRequest *request = (const Health__HealthCheckRequest *) message;
        Health__HealthCheckResponse response = HEALTH__HEALTH_CHECK_RESPONSE__INIT;

        rpc_call_set_callbacks(call, &held, NULL);
        for (size_t i = 0; i < strlen(request->service); i++) {
                *(int *) &response.status = (int) i;
                cr_assert_eq(rpc_call_send(call, &response.base), 0);
        }
        if (string_has_suffix(request->service, "."))
                rpc_call_finish(call);
        if (string_has_suffix(request->service, "!"))
                rpc_call_fail(call, GRPC_STATUS_ABORTED, "enough", false);
}

static void produce(RpcCall *call, void *userdata _unused_) {
        static uint8_t block[BLOCK_SIZE];
        Plugin__StdioData data = PLUGIN__STDIO_DATA__INIT;

        data.data = (ProtobufCBinaryData){ .data = block, .len = sizeof(block) };
        while (fixture.n_sent < N_BLOCKS) {
                memcpy(block, &fixture.n_sent, sizeof(fixture.n_sent));
                int r = rpc_call_send(call, &data.base);

                if (r == -ENOBUFS) {
                        cr_assert_eq(rpc_call_pending(call), 8);
                        tick(fixture.full, 1);
                        return;
                }
                cr_assert_eq(r, 0);
                fixture.n_sent++;
        }
        rpc_call_finish(call);
        cr_assert_eq(rpc_call_send(call, &data.base), -ESHUTDOWN);
}

static void handle_stdio(RpcCall *call, const ProtobufCMessage *message _unused_, void *userdata) {
        static const RpcCallbacks callbacks = { .on_drain = produce, .on_close = on_held_close };

        rpc_call_set_callbacks(call, &callbacks, NULL);
        rpc_call_set_limit(call, 8);
        produce(call, userdata);
}

static void echo(RpcCall *call, const ProtobufCMessage *message, void *userdata _unused_) {
        const Plugin__ConnInfo *info = (const Plugin__ConnInfo *) message;

        if (streq(info->network, "stop reading"))
                rpc_call_set_reading(call, false);
        cr_assert_eq(rpc_call_send(call, message), 0);
        if (streq(info->network, "finish"))
                rpc_call_finish(call);
}

static void finish(RpcCall *call, void *userdata _unused_) {
        rpc_call_finish(call);
}

static RpcCall *last_stream;

static void handle_stream(RpcCall *call, const ProtobufCMessage *message, void *userdata _unused_) {
        static const RpcCallbacks callbacks = {
                .on_message = echo, .on_half_close = finish, .on_close = on_held_close
        };

        cr_assert_null(message);
        last_stream = call;
        rpc_call_set_callbacks(call, &callbacks, NULL);
}

static const RpcMethod health_methods[] = {
        { "Check", RPC_UNARY, handle_check },
        { "Watch", RPC_SERVER_STREAM, handle_watch },
};
static const RpcMethod stdio_methods[] = { { "StreamStdio", RPC_SERVER_STREAM, handle_stdio } };
static const RpcMethod broker_methods[] = { { "StartStream", RPC_BIDI, handle_stream } };
static const RpcMethod controller_methods[] = { { "Shutdown", RPC_UNARY, NULL } };

static const RpcService services[] = {
        { &health__health__descriptor, health_methods, ELEMENTSOF(health_methods), &fixture },
        { &plugin__grpcstdio__descriptor, stdio_methods, ELEMENTSOF(stdio_methods), &fixture },
        { &plugin__grpcbroker__descriptor, broker_methods, ELEMENTSOF(broker_methods), &fixture },
        { &plugin__grpccontroller__descriptor, controller_methods, ELEMENTSOF(controller_methods),
                &fixture },
};

/* ---- the server's thread ---- */

static void on_command(const void *item, void *userdata _unused_) {
        (*(const Command *) item)();
        tick(fixture.done, 1);
}

static void *server_main(void *userdata _unused_) {
        _cleanup_error_ Error *error = NULL;

        cr_assert_geq(sd_event_new(&fixture.event), 0);
        cr_assert_geq(mailbox_new(fixture.event, sizeof(Command), on_command, NULL, &fixture.commands), 0);
        cr_assert_geq(server_new(fixture.event, services, ELEMENTSOF(services), &fixture.server, &error), 0);
        cr_assert_geq(server_listen(fixture.server, fixture.path, (gid_t) -1, &error), 0);
        tick(fixture.ready, 1);
        cr_assert_geq(sd_event_loop(fixture.event), 0);

        fixture.server = server_free(fixture.server);
        fixture.commands = mailbox_free(fixture.commands);
        fixture.event = sd_event_unref(fixture.event);
        return NULL;
}

static void in_server(Command command) {
        mailbox_post(fixture.commands, &command);
        (void) wait_tick(fixture.done);
}

static void nothing(void) {
}

static void leave_loop(void) {
        (void) sd_event_exit(fixture.event, 0);
}

static void on_stopped(Server *server, void *userdata) {
        cr_assert_eq(server, fixture.server);
        cr_assert_eq(userdata, &fixture);
        leave_loop();
}

static void stop_with_grace(void) {
        server_stop(fixture.server, 50 * USEC_PER_MSEC, on_stopped, &fixture);
}

static void setup(void) {
        (void) signal(SIGPIPE, SIG_IGN);
        (void) strcpy(fixture.directory, "/tmp/test-rpc-XXXXXX");
        cr_assert_not_null(mkdtemp(fixture.directory));
        (void) snprintf(fixture.path, sizeof(fixture.path), "%s/socket", fixture.directory);
        fixture.ready = eventfd(0, EFD_CLOEXEC);
        fixture.done = eventfd(0, EFD_CLOEXEC);
        fixture.full = eventfd(0, EFD_CLOEXEC);
        fixture.closed = eventfd(0, EFD_CLOEXEC);
        cr_assert_eq(pthread_create(&fixture.thread, NULL, server_main, NULL), 0);
        (void) wait_tick(fixture.ready);
}

static void join(void) {
        cr_assert_eq(pthread_join(fixture.thread, NULL), 0);
        cr_assert_neq(access(fixture.path, F_OK), 0, "the socket is left behind");
        cr_assert_eq(rmdir(fixture.directory), 0);
}

static void teardown(void) {
        in_server(leave_loop);
        join();
}

static Health__HealthCheckRequest request_for(const char *service) {
        Health__HealthCheckRequest request = HEALTH__HEALTH_CHECK_REQUEST__INIT;

        request.service = (char *) service;
        return request;
}

static grpc_status_code check(Client *client, const char *service, int *ret_number, char **ret_text) {
        Health__HealthCheckRequest request = request_for(service);
        ProtobufCMessage *reply = NULL;

        grpc_status_code code = client_call(
                client, CHECK, &request.base, &health__health_check_response__descriptor, &reply, ret_text);
        if (reply) {
                if (ret_number)
                        *ret_number = (int) ((Health__HealthCheckResponse *) reply)->status;
                protobuf_c_message_free_unpacked(reply, NULL);
        }
        return code;
}

Test(rpc, unary_call_is_answered_once) {
        int number = -1;

        setup();
        Client *client = client_new(fixture.path);
        cr_assert_eq(check(client, "12345", &number, NULL), GRPC_STATUS_OK);
        cr_assert_eq(number, 5);
        cr_assert_eq(wait_tick(fixture.closed), 1, "an answered call is not cancelled");
        cr_assert_eq(check(client, "", &number, NULL), GRPC_STATUS_OK);
        cr_assert_eq(number, 0, "an empty message is a message");
        client_free(client);
        teardown();
}

Test(rpc, many_calls_at_once_are_all_answered) {
        Health__HealthCheckRequest request = request_for("123");
        ClientCall *calls[200];
        ProtobufCMessage *reply;

        setup();
        Client *client = client_new(fixture.path);
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                calls[i] = client_open(client, CHECK, &request.base);
        for (size_t i = ELEMENTSOF(calls); i-- > 0;) {
                cr_assert_eq(client_next(calls[i], &health__health_check_response__descriptor, LIMIT_MSEC,
                                     &reply),
                        1);
                protobuf_c_message_free_unpacked(reply, NULL);
                cr_assert_eq(client_status(calls[i], LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
                client_call_free(calls[i]);
        }
        client_free(client);
        teardown();
}

Test(rpc, failure_carries_text_and_whether_to_try_again) {
        Health__HealthCheckRequest request = request_for("fail");
        _cleanup_free_ char *text = NULL;
        bool recoverable = false;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, CHECK, &request.base);
        cr_assert_eq(client_status(call, LIMIT_MSEC, &text, &recoverable), GRPC_STATUS_FAILED_PRECONDITION);
        cr_assert_str_eq(text, "no \xef\xbf\xbd luck\n100 %");
        cr_assert(recoverable);
        client_call_free(call);
        client_free(client);
        teardown();
}

Test(rpc, long_text_is_cut_between_characters) {
        _cleanup_free_ char *text = NULL;

        setup();
        Client *client = client_new(fixture.path);
        cr_assert_eq(check(client, "long", NULL, &text), GRPC_STATUS_UNKNOWN);
        cr_assert_leq(strlen(text), RPC_TEXT_MAX);
        cr_assert_geq(strlen(text), RPC_TEXT_MAX - 4);
        cr_assert(utf8_is_valid(text, strlen(text)));
        client_free(client);
        teardown();
}

Test(rpc, unknown_method_and_row_without_handler_are_unimplemented) {
        static const char *const paths[] = { "/plugin.GRPCController/Shutdown",
                "/plugin.GRPCController/Shut", "/nobody.Knows/It", "/", "/x" };

        setup();
        Client *client = client_new(fixture.path);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                Plugin__Empty empty = PLUGIN__EMPTY__INIT;
                _cleanup_free_ char *text = NULL;

                cr_assert_eq(client_call(client, paths[i], &empty.base, NULL, NULL, &text),
                        GRPC_STATUS_UNIMPLEMENTED, "%s: %s", paths[i], text);
                cr_assert(strstr(text, paths[i]), "%s", text);
        }
        client_free(client);
        teardown();
}

Test(rpc, request_that_cannot_be_read_is_refused) {
        Plugin__StdioData number = PLUGIN__STDIO_DATA__INIT;
        _cleanup_free_ char *text = NULL, *text2 = NULL, *text3 = NULL;

        setup();
        Client *client = client_new(fixture.path);
        /* A number where a string should be. */
        number.channel = PLUGIN__STDIO_DATA__CHANNEL__STDOUT;
        cr_assert_eq(
                client_call(client, CHECK, &number.base, NULL, NULL, &text), GRPC_STATUS_INVALID_ARGUMENT);

        cr_assert_eq(check(client, "caf\xe9", NULL, &text2), GRPC_STATUS_INVALID_ARGUMENT);
        cr_assert(strstr(text2, "service is not valid UTF-8"), "%s", text2);

        cr_assert_eq(check(client, "still there", NULL, &text3), GRPC_STATUS_OK, "%s", text3);
        client_free(client);
        teardown();
}

Test(rpc, call_without_a_message_is_refused) {
        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, CHECK, NULL);
        cr_assert_eq(client_half_close(call, LIMIT_MSEC), 0);
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_INVALID_ARGUMENT);
        client_call_free(call);
        client_free(client);
        teardown();
}

Test(rpc, oversized_request_is_refused_and_large_one_is_not) {
        size_t size = SERVER_MESSAGE_MAX + 1024;
        char *service = xcalloc(size, 1);
        int number;

        setup();
        Client *client = client_new(fixture.path);
        memset(service, 'x', size - 1);
        cr_assert_eq(check(client, service, NULL, NULL), GRPC_STATUS_RESOURCE_EXHAUSTED);
        service[20 * 1024 * 1024] = 0;
        cr_assert_eq(check(client, service, &number, NULL), GRPC_STATUS_OK);
        cr_assert_eq(number, 20 * 1024 * 1024);
        client_free(client);
        free(service);
        teardown();
}

static void expect_numbers(ClientCall *call, int n) {
        for (int i = 0; i < n; i++) {
                ProtobufCMessage *message = NULL;

                cr_assert_eq(
                        client_next(call, &health__health_check_response__descriptor, LIMIT_MSEC, &message),
                        1);
                cr_assert_eq((int) ((Health__HealthCheckResponse *) message)->status, i);
                protobuf_c_message_free_unpacked(message, NULL);
        }
}

Test(rpc, stream_delivers_what_was_queued_before_its_end) {
        ProtobufCMessage *message;
        _cleanup_free_ char *text = NULL;

        setup();
        Client *client = client_new(fixture.path);

        Health__HealthCheckRequest request = request_for("123456789.");
        ClientCall *call = client_open(client, WATCH, &request.base);
        expect_numbers(call, 10);
        cr_assert_eq(client_next(call, &health__health_check_response__descriptor, LIMIT_MSEC, &message), 0);
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        client_call_free(call);

        request = request_for("123!");
        call = client_open(client, WATCH, &request.base);
        expect_numbers(call, 4);
        cr_assert_eq(client_status(call, LIMIT_MSEC, &text, NULL), GRPC_STATUS_ABORTED);
        cr_assert_str_eq(text, "enough");
        client_call_free(call);

        request = request_for(".");
        call = client_open(client, WATCH, &request.base);
        expect_numbers(call, 1);
        client_call_free(call);
        client_free(client);
        teardown();
}

Test(rpc, slow_reader_loses_nothing) {
        Plugin__Empty empty = PLUGIN__EMPTY__INIT;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, STREAM_STDIO, &empty.base);
        (void) wait_tick(fixture.full);
        in_server(nothing);
        cr_assert_lt(fixture.n_sent, N_BLOCKS, "a send that does not wait for the reader");

        for (unsigned i = 0; i < N_BLOCKS; i++) {
                ProtobufCMessage *message = NULL;
                unsigned number;

                cr_assert_eq(client_next(call, &plugin__stdio_data__descriptor, LIMIT_MSEC, &message), 1);
                Plugin__StdioData *data = (Plugin__StdioData *) message;
                cr_assert_eq(data->data.len, BLOCK_SIZE);
                memcpy(&number, data->data.data, sizeof(number));
                cr_assert_eq(number, i);
                protobuf_c_message_free_unpacked(message, NULL);
        }
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        client_call_free(call);
        client_free(client);
        teardown();
}

Test(rpc, cancelling_a_slow_stream_drops_its_queue) {
        Plugin__Empty empty = PLUGIN__EMPTY__INIT;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, STREAM_STDIO, &empty.base);
        (void) wait_tick(fixture.full);
        client_call_free(call);
        cr_assert_eq(wait_tick(fixture.closed), 1000001);
        client_free(client);
        teardown();
}

Test(rpc, cancellation_and_lost_connection_are_seen) {
        Health__HealthCheckRequest request = request_for("1");
        Health__HealthCheckRequest hold = request_for("hold");

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, WATCH, &request.base);
        expect_numbers(call, 1);
        client_cancel(call);
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_CANCELLED);
        cr_assert_eq(wait_tick(fixture.closed), 1000001);
        client_call_free(call);

        /* The client disconnects, with a call that was never answered. */
        call = client_open(client, WATCH, &request.base);
        expect_numbers(call, 1);
        ClientCall *held_call = client_open(client, CHECK, &hold.base);
        client_call_free(held_call);
        client_call_free(call);
        client_free(client);
        uint64_t n = wait_tick(fixture.closed);
        while (n < 1000001)
                n += wait_tick(fixture.closed);
        teardown();
}

static void send_late(void) {
        static RpcCall *const *call = &last_stream;

        rpc_call_finish(*call);
}

Test(rpc, bidi_stream_echoes_and_ends_with_the_peer) {
        Plugin__ConnInfo info = PLUGIN__CONN_INFO__INIT;
        ProtobufCMessage *message = NULL;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, START_STREAM, NULL);
        for (uint32_t i = 1; i <= 50; i++) {
                info.service_id = i;
                cr_assert_eq(client_send(call, &info.base, LIMIT_MSEC), 0);
                cr_assert_eq(client_next(call, &plugin__conn_info__descriptor, LIMIT_MSEC, &message), 1);
                cr_assert_eq(((Plugin__ConnInfo *) message)->service_id, i);
                protobuf_c_message_free_unpacked(message, NULL);
        }
        cr_assert_eq(client_half_close(call, LIMIT_MSEC), 0);
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        cr_assert_eq(wait_tick(fixture.closed), 1);
        client_call_free(call);
        client_free(client);
        teardown();
}

Test(rpc, bidi_stream_can_be_finished_while_the_peer_writes) {
        Plugin__ConnInfo info = PLUGIN__CONN_INFO__INIT;
        int r = 0;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, START_STREAM, NULL);
        info.network = (char *) "finish";
        for (unsigned i = 0; i < 100000 && r == 0; i++)
                r = client_send(call, &info.base, LIMIT_MSEC);
        cr_assert_eq(r, -EPIPE);
        ProtobufCMessage *message = NULL;
        cr_assert_eq(client_next(call, &plugin__conn_info__descriptor, LIMIT_MSEC, &message), 1);
        protobuf_c_message_free_unpacked(message, NULL);
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        client_call_free(call);
        client_free(client);
        teardown();
}

Test(rpc, bidi_reader_that_pauses_holds_the_peer_back) {
        Plugin__ConnInfo info = PLUGIN__CONN_INFO__INIT;
        ProtobufCMessage *message = NULL;
        size_t n = 2 * 1024 * 1024;
        char *address = xcalloc(n, 1);
        int r = 0;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *call = client_open(client, START_STREAM, NULL);
        info.network = (char *) "stop reading";
        cr_assert_eq(client_send(call, &info.base, LIMIT_MSEC), 0);
        cr_assert_eq(client_next(call, &plugin__conn_info__descriptor, LIMIT_MSEC, &message), 1);
        protobuf_c_message_free_unpacked(message, NULL);

        /* Several of these are far more than the buffers between client and server hold. */
        memset(address, 'x', n - 1);
        info.network = (char *) "";
        info.address = address;
        for (unsigned i = 0; i < 10 && r == 0; i++)
                r = client_send(call, &info.base, 200);
        cr_assert_eq(r, -ETIMEDOUT);
        in_server(send_late);
        cr_assert_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        client_call_free(call);
        client_free(client);
        free(address);
        teardown();
}

Test(rpc, stopping_with_open_streams_cancels_them_after_the_grace) {
        Health__HealthCheckRequest request = request_for("1"), hold = request_for("hold");
        Command command = stop_with_grace;

        setup();
        Client *client = client_new(fixture.path);
        ClientCall *stream = client_open(client, WATCH, &request.base);
        expect_numbers(stream, 1);
        ClientCall *unary = client_open(client, CHECK, &hold.base);
        /* The answer to a later call shows that the earlier one has arrived. */
        cr_assert_eq(check(client, "12", NULL, NULL), GRPC_STATUS_OK);
        cr_assert_eq(wait_tick(fixture.closed), 1);

        mailbox_post(fixture.commands, &command);
        cr_assert_neq(client_status(stream, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        cr_assert_neq(client_status(unary, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        join();
        cr_assert_eq(wait_tick(fixture.closed), 2000002, "each call is cancelled once");
        client_call_free(stream);
        client_call_free(unary);
        client_free(client);
}

Test(rpc, freeing_with_open_streams_tells_each_of_them) {
        Health__HealthCheckRequest request = request_for("1");
        ClientCall *calls[20];

        setup();
        Client *client = client_new(fixture.path);
        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                calls[i] = client_open(client, WATCH, &request.base);
                expect_numbers(calls[i], 1);
        }
        teardown();
        cr_assert_eq(wait_tick(fixture.closed), 20 * 1000001);
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                client_call_free(calls[i]);
        client_free(client);
}

static int raw_socket(void) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        cr_assert_geq(fd, 0);
        return fd;
}

static void raw_connect(int fd) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        memcpy(address.sun_path, fixture.path, strlen(fixture.path));
        cr_assert_eq(connect(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
}

Test(rpc, strange_connections_do_no_harm) {
        int silent = raw_socket();
        uint32_t seed = 1;

        setup();
        raw_connect(silent); /* stays connected until the server stops */
        for (unsigned i = 0; i < 200; i++) {
                static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
                uint8_t garbage[256];
                int fd = raw_socket();

                raw_connect(fd);
                for (size_t j = 0; j < sizeof(garbage); j++)
                        garbage[j] = (uint8_t) ((seed = seed * 1103515245 + 12345) >> 16);
                if (i % 3 == 0)
                        (void) send(fd, preface, sizeof(preface) - 1, MSG_NOSIGNAL);
                if (i % 3 != 1)
                        (void) send(fd, garbage, seed % sizeof(garbage), MSG_NOSIGNAL);
                (void) close(fd);
        }
        Client *client = client_new(fixture.path);
        cr_assert_eq(check(client, "1", NULL, NULL), GRPC_STATUS_OK);
        client_free(client);
        teardown();
        (void) close(silent);
}

Test(rpc, running_out_of_descriptors_passes) {
        struct rlimit limit = { 200, 200 };
        int fds[256], n = 0;
        char byte;

        setup();
        int connection = raw_socket();
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        while ((fds[n] = dup(connection)) >= 0)
                n++;
        raw_connect(connection);
        for (unsigned i = 0; i < 10; i++)
                in_server(nothing);
        while (n > 0)
                (void) close(fds[--n]);

        /* The server speaks first, as soon as it has taken the connection. */
        cr_assert_eq(recv(connection, &byte, 1, 0), 1);
        (void) close(connection);
        teardown();
}

Test(rpc, socket_is_for_the_owner_only_and_a_foreign_one_is_left_alone) {
        _cleanup_error_ Error *error = NULL;
        struct stat st;

        setup();
        cr_assert_eq(lstat(fixture.path, &st), 0);
        cr_assert(S_ISSOCK(st.st_mode));
        cr_assert_eq(st.st_mode & 07777, 0600);

        sd_event *event;
        Server *server;
        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_geq(server_new(event, services, ELEMENTSOF(services), &server, NULL), 0);
        cr_assert_eq(server_listen(server, fixture.path, (gid_t) -1, &error), -EADDRINUSE);
        cr_assert(strstr(error->message, fixture.path), "%s", error->message);
        server_free(server);
        sd_event_unref(event);
        cr_assert_eq(access(fixture.path, F_OK), 0);
        teardown();
}

Test(rpc, environment_meant_for_others_does_not_reach_the_core) {
        cr_assert_eq(setenv("GRPC_POLL_STRATEGY", "none", 1), 0);
        cr_assert_eq(setenv("GRPC_VERBOSITY", "debug", 1), 0);
        cr_assert_eq(setenv("GRPCX", "kept", 1), 0);
        setup();
        cr_assert_null(getenv("GRPC_POLL_STRATEGY"));
        cr_assert_null(getenv("GRPC_VERBOSITY"));
        cr_assert_not_null(getenv("GRPCX"));
        teardown();
}

static void expect_refused(const RpcService *list, size_t n, const char *words) {
        _cleanup_error_ Error *error = NULL;
        sd_event *event;
        Server *server;

        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_eq(server_new(event, list, n, &server, &error), -EINVAL);
        cr_assert(strstr(error->message, words), "%s", error->message);
        sd_event_unref(event);
}

Test(rpc, rows_that_do_not_fit_the_descriptor_are_refused) {
        static const RpcMethod twice[] = { health_methods[0], health_methods[0] };
        static const RpcMethod wrong[] = { health_methods[0], { "Look", RPC_UNARY, NULL } };
        const RpcService missing = { &health__health__descriptor, health_methods, 1, NULL };
        const RpcService doubled = { &health__health__descriptor, twice, 2, NULL };
        const RpcService unknown = { &health__health__descriptor, wrong, 2, NULL };
        const RpcService same[] = { services[0], services[0] };

        expect_refused(&missing, 1, "has 2 methods, but 1 rows");
        expect_refused(&doubled, 1, "two rows");
        expect_refused(&unknown, 1, "no method Look");
        expect_refused(same, 2, "two rows");
}
