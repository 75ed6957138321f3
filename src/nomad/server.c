/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/string.h"
#include "loop/mailbox.h"
#include "loop/must.h"
#include "nomad/call.h"
#include "nomad/listener.h"
#include "nomad/server.h"

/*
 * How many new calls the server asks the core for in advance. No call is lost while none is asked for, since
 * the core queues new calls; to ask for a few makes bursts faster.
 */
#define INCOMING 4

/* How long after the end of a call the server returns free memory to the host, for several calls at once. */
#define TRIM_USEC (2 * USEC_PER_SEC)

typedef struct Incoming {
        RpcOperation operation;
        Server *server;
        grpc_call *call;
        grpc_call_details details;
        grpc_metadata_array metadata;
} Incoming;

struct Server {
        RpcTable *table;
        Listener *listener;
        Mailbox *mailbox;
        sd_event *event;

        grpc_server *server;
        grpc_completion_queue *queue;
        pthread_t thread;
        bool thread_runs;

        Incoming incoming[INCOMING];
        size_t n_incoming; /* new calls that the core was asked for and that have not come */
        size_t n_calls;

        RpcOperation shutdown;
        sd_event_source *grace;
        sd_event_source *trim;
        bool stopping;
        bool shut_down; /* the core has reported its shutdown; calls may be left nevertheless */
        bool stopped;
        ServerStopped on_stopped;
        void *userdata;
};

/* A finished operation, as the thread passes it on to the loop. */
typedef struct Tag {
        RpcOperation *operation;
        bool ok;
} Tag;

static ServerLog server_log;

static void on_core_log(gpr_log_func_args *args) {
        if (server_log)
                server_log((int) args->severity, args->message);
}

void server_set_log(ServerLog log) {
        server_log = log;
}

static void *server_thread(void *userdata) {
        Server *server = userdata;

        for (;;) {
                grpc_event event = grpc_completion_queue_next(
                        server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

                if (event.type == GRPC_QUEUE_SHUTDOWN)
                        return NULL;
                if (event.type == GRPC_OP_COMPLETE)
                        mailbox_post(server->mailbox, &(Tag){ event.tag, event.success != 0 });
        }
}

static void server_check_stopped(Server *server) {
        if (!server->shut_down || server->n_calls > 0 || server->n_incoming > 0 || server->stopped)
                return;

        server->stopped = true;
        server->grace = sd_event_source_disable_unref(server->grace);
        if (server->on_stopped)
                server->on_stopped(server, server->userdata);
}

static int on_trim(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Server *server = userdata;

        server->trim = sd_event_source_disable_unref(server->trim);
        (void) malloc_trim(0);
        return 0;
}

/* An open call takes some 11 KB in the middle of the heap, and each task has two open calls. */
static void server_trim_later(Server *server) {
        if (!server->trim)
                event_must(sd_event_add_time_relative(
                        server->event, &server->trim, CLOCK_MONOTONIC, TRIM_USEC, 0, on_trim, server));
}

static void on_tag(const void *item, void *userdata) {
        Server *server = userdata;
        const Tag *tag = item;
        size_t n_calls = server->n_calls;

        tag->operation->done(tag->operation, tag->ok);
        if (server->n_calls < n_calls)
                server_trim_later(server);
        server_check_stopped(server);
}

static void server_request(Incoming *incoming) {
        grpc_completion_queue *queue = incoming->server->queue;

        incoming->call = NULL;
        grpc_call_details_init(&incoming->details);
        grpc_metadata_array_init(&incoming->metadata);
        grpc_call_error e = grpc_server_request_call(incoming->server->server, &incoming->call,
                &incoming->details, &incoming->metadata, queue, queue, &incoming->operation);
        if (e != GRPC_CALL_OK) {
                gpr_log(GPR_ERROR, "the core refuses to take calls: %s", grpc_call_error_to_string(e));
                abort();
        }
        incoming->server->n_incoming++;
}

static void on_incoming(RpcOperation *operation, bool ok) {
        Incoming *incoming = CONTAINER_OF(operation, Incoming, operation);
        Server *server = incoming->server;
        grpc_call *call = incoming->call;
        _cleanup_free_ char *path = NULL;
        const RpcRow *row = NULL;

        server->n_incoming--;
        if (ok && call) {
                grpc_slice method = incoming->details.method;
                const char *bytes = (const char *) GRPC_SLICE_START_PTR(method);

                row = rpc_table_find(server->table, bytes, GRPC_SLICE_LENGTH(method));
                path = utf8_sanitize(bytes, GRPC_SLICE_LENGTH(method));
        }
        grpc_call_details_destroy(&incoming->details);
        grpc_metadata_array_destroy(&incoming->metadata);

        if (!server->stopping)
                server_request(incoming);
        if (ok && call)
                rpc_call_open(call, path, row, &server->n_calls);
}

static void on_shutdown(RpcOperation *operation, bool ok _unused_) {
        Server *server = CONTAINER_OF(operation, Server, shutdown);

        server->shut_down = true;
}

static void on_accepted(int fd, void *userdata) {
        Server *server = userdata;
        grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();

        grpc_server_add_channel_from_fd(server->server, fd, credentials);
        grpc_server_credentials_release(credentials);
}

/* The plugin inherits the agent's environment. A value that the core does not know ends the process. */
static void forget_core_environment(void) {
        size_t i = 0;

        while (environ && environ[i]) {
                const char *equals = strchr(environ[i], '=');

                if (!equals || !string_after_prefix(environ[i], "GRPC_")) {
                        i++;
                        continue;
                }

                _cleanup_free_ char *name = xstrndup(environ[i], (size_t) (equals - environ[i]));
                if (unsetenv(name) < 0)
                        i++;
        }
}

static grpc_arg integer_arg(const char *key, int value) {
        return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *) key, .value.integer = value };
}

static void server_create(Server *server) {
        grpc_arg list[] = {
                integer_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, SERVER_MESSAGE_MAX),
                /* No compression: the core would inflate a message before it checks the size. */
                integer_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
                integer_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
                /* The probe would let a stream send 4 MiB ahead of its reader; here 64 KiB do as well. */
                integer_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0),
        };
        grpc_channel_args args = { .num_args = ELEMENTSOF(list), .args = list };

        server->server = grpc_server_create(&args, NULL);
        grpc_server_register_completion_queue(server->server, server->queue, NULL);
        grpc_server_start(server->server);

        server->shutdown.done = on_shutdown;
        for (size_t i = 0; i < INCOMING; i++) {
                server->incoming[i].operation.done = on_incoming;
                server->incoming[i].server = server;
                server_request(server->incoming + i);
        }
}

/* Blocks all signals while the threads are made, which inherit the mask: only the loop handles signals. */
static int server_start(Server *server) {
        sigset_t all, before;
        int r;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);

        /* One heap for all threads. The core's threads take turns at the same work: with a heap for each, a
         * thread could not use the memory that another one has freed. */
        (void) mallopt(M_ARENA_MAX, 1);
        forget_core_environment();
        gpr_set_log_function(on_core_log);
        grpc_init();
        server->queue = grpc_completion_queue_create_for_next(NULL);
        r = pthread_create(&server->thread, NULL, server_thread, server);
        server->thread_runs = r == 0;
        if (server->thread_runs)
                server_create(server);

        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int server_new(sd_event *event, const RpcService *services, size_t n_services, Server **ret_server,
        Error **ret_error) {

        _cleanup_server_ Server *server = xnew(Server, 1);
        int r;

        server->event = sd_event_ref(event);
        r = rpc_table_new(services, n_services, &server->table, ret_error);
        if (r < 0)
                return r;

        r = mailbox_new(event, sizeof(Tag), on_tag, server, &server->mailbox);
        if (r < 0)
                return error_set(ret_error, r, "cannot set up a mailbox: %s", strerror(-r));

        r = server_start(server);
        if (r < 0)
                return error_set(ret_error, r, "cannot start a thread: %s", strerror(-r));

        *ret_server = TAKE_PTR(server);
        return 0;
}

int server_listen(Server *server, const char *path, gid_t group, Error **ret_error) {
        if (server->listener || server->stopping)
                return error_set(ret_error, EBUSY, "the server listens already, or is being stopped");

        return listener_new(server->event, path, group, on_accepted, server, &server->listener, ret_error);
}

static int on_grace_over(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Server *server = userdata;

        grpc_server_cancel_all_calls(server->server);
        return 0;
}

void server_stop(Server *server, uint64_t grace_usec, ServerStopped stopped, void *userdata) {
        if (server->stopping)
                return;

        server->stopping = true;
        server->on_stopped = stopped;
        server->userdata = userdata;
        server->listener = listener_free(server->listener);
        grpc_server_shutdown_and_notify(server->server, server->queue, &server->shutdown);

        if (grace_usec == 0 ||
                sd_event_add_time_relative(server->event, &server->grace, CLOCK_MONOTONIC, grace_usec, 0,
                        on_grace_over, server) < 0)
                grpc_server_cancel_all_calls(server->server);
}

static void server_end_core(Server *server) {
        if (server->server) {
                server_stop(server, 0, NULL, NULL);
                grpc_server_cancel_all_calls(server->server);
                while (!server->stopped && mailbox_wait(server->mailbox) >= 0)
                        ;
        }

        /* Only after all calls: to start a batch on a queue that was shut down ends the process. */
        if (server->server)
                grpc_server_destroy(server->server);
        grpc_completion_queue_shutdown(server->queue);
        if (server->thread_runs)
                (void) pthread_join(server->thread, NULL);
        grpc_completion_queue_destroy(server->queue);
        grpc_shutdown();
}

Server *server_free(Server *server) {
        if (!server)
                return NULL;

        server->listener = listener_free(server->listener);
        if (server->queue)
                server_end_core(server);
        (void) sd_event_source_disable_unref(server->grace);
        (void) sd_event_source_disable_unref(server->trim);
        (void) mailbox_free(server->mailbox);
        (void) rpc_table_free(server->table);
        (void) sd_event_unref(server->event);
        free(server);
        return NULL;
}
