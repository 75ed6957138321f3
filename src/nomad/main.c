/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/program.h"
#include "base/string.h"
#include "engine/owner.h"
#include "loop/must.h"
#include "nomad/driver-service.h"
#include "nomad/handshake.h"
#include "nomad/log.h"
#include "nomad/server.h"
#include "nomad/services.h"

/* How long open calls may take when the plugin exits. Then they are cancelled: calls that wait for the end
 * of a task would stay open as long as the task runs. */
#define STOP_GRACE_USEC (50 * USEC_PER_MSEC)

/* How long the plugin waits for an answer of systemd before it tells Nomad where it listens. */
#define CONNECT_USEC (5 * USEC_PER_SEC)

/* How often a process whose agent is gone checks whether an agent can still come back to it. */
#define LOOK_USEC (10 * USEC_PER_SEC)

/*
 * How long an orderly exit may take; after that the process exits at once. Nomad kills a plugin 2 s after it
 * has asked the plugin to exit. Freeing the connection to a bus that does not answer may block in libsystemd
 * (sd_bus_flush(3)).
 */
#define EXIT_LIMIT_USEC (700 * USEC_PER_MSEC)

typedef struct Program {
        sd_event *event;
        Plugin plugin;
        Services services;
        Server *server;
} Program;

/* Of the server's socket; static, because a signal handler reads it. */
static char socket_path[PATH_MAX];

static void on_exit_limit(int signal _unused_) {
        (void) unlink(socket_path);
        _exit(EXIT_SUCCESS);
}

/* From now on the process exits within EXIT_LIMIT_USEC, whatever blocks. */
static void limit_exit(void) {
        const struct itimerval limit = { .it_value.tv_usec = EXIT_LIMIT_USEC };

        (void) signal(SIGALRM, on_exit_limit);
        (void) setitimer(ITIMER_REAL, &limit, NULL);
}

static void on_stopped(Server *server _unused_, void *userdata) {
        Program *program = userdata;

        (void) sd_event_exit(program->event, EXIT_SUCCESS);
}

static void stop(Program *program) {
        limit_exit();
        server_stop(program->server, STOP_GRACE_USEC, on_stopped, program);
}

static void on_shutdown(void *userdata) {
        log_debug("Nomad asked the plugin to exit; tasks go on");
        stop(userdata);
}

static int on_sigterm(
        sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *userdata) {
        log_debug("terminated; tasks go on");
        stop(userdata);
        return 0;
}

/* An agent that lost its client state does not know any more where this process listens, and starts another
 * one. This process then exits; tasks go on. */
static int on_look(sd_event_source *source, uint64_t usec _unused_, void *userdata) {
        Program *program = userdata;

        if (owner_look(program->plugin.orphans.node) == OWNER_LOST)
                stop(program);
        else if (sd_event_source_set_time_relative(source, LOOK_USEC) >= 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

/*
 * Nobody reads stderr any more: the agent is gone. A restarted agent comes back only to a process that an
 * agent has used (Plugin.in_use), so any other process exits.
 */
static int on_stderr(sd_event_source *source, int fd _unused_, uint32_t events _unused_, void *userdata) {
        Program *program = userdata;

        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (!program->plugin.in_use)
                stop(program);
        else
                event_must(sd_event_add_time_relative(
                        program->event, NULL, CLOCK_MONOTONIC, LOOK_USEC, 0, on_look, program));
        return 0;
}

static void on_core_log(int severity, const char *message) {
        static const LogLevel levels[] = { LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, LOG_LEVEL_WARN };

        log_event(levels[severity], message, "module", "grpc", NULL);
}

/* Return: the agent's plugin_dir. Nomad starts a plugin as PLUGIN_DIR/NAME, which may be a symbolic link. */
static char *plugin_directory(const char *name) {
        const char *slash = strrchr(name, '/');

        if (!slash)
                return program_directory();

        _cleanup_free_ char *directory = xstrndup(name, (size_t) (slash - name) + (slash == name));
        char *absolute = realpath(directory, NULL);
        return absolute ? absolute : program_directory();
}

static int set_up_signals(Program *program) {
        sigset_t mask;
        int r;

        /* Must come before the core starts its threads, which inherit the mask. SIGINT is ignored because a
         * Ctrl-C in the agent's terminal is meant for the agent. */
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGINT, SIG_IGN);
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        r = pthread_sigmask(SIG_BLOCK, &mask, NULL);
        return r > 0 ? -r : sd_event_add_signal(program->event, NULL, SIGTERM, on_sigterm, program);
}

/*
 * Waits until it is known whether systemd can be reached, for CONNECT_USEC at most. As soon as Nomad knows
 * where the plugin listens it asks for tasks, and it asks only once for the recovery of a task. If systemd
 * does not answer, the fingerprint says so.
 *
 * Return: 1; 0 when the loop was ended meanwhile; or a negative errno.
 */
static int wait_for_systemd(Program *program) {
        uint64_t now, until;
        int r;

        r = sd_event_now(program->event, CLOCK_MONOTONIC, &now);
        for (until = now + CONNECT_USEC;
                r >= 0 && now < until && !program->plugin.fingerprint.connection_known;) {
                r = sd_event_run(program->event, until - now);
                if (sd_event_get_state(program->event) == SD_EVENT_FINISHED)
                        return 0;
                if (r >= 0)
                        r = sd_event_now(program->event, CLOCK_MONOTONIC, &now);
        }
        return r < 0 ? r : 1;
}

static int serve(Program *program, const Handshake *handshake, Error **ret_error) {
        RpcService services[SERVICES_ROWS + DRIVER_SERVICES];
        int r;

        (void) snprintf(socket_path, sizeof(socket_path), "%s", handshake->socket_path);
        services_fill(&program->services, services);
        driver_services_fill(&program->plugin, services + SERVICES_ROWS);
        r = server_new(program->event, services, ELEMENTSOF(services), &program->server, ret_error);
        if (r >= 0)
                r = server_listen(program->server, handshake->socket_path, handshake->group, ret_error);
        if (r < 0)
                return r;

        /* Fails for a regular file, which needs no watching: it has no reader that could go away. */
        (void) sd_event_add_io(program->event, NULL, STDERR_FILENO, 0, on_stderr, program);

        r = wait_for_systemd(program);
        if (r == 0)
                return 0; /* the loop was ended meanwhile */
        if (r > 0)
                r = handshake_print(handshake);
        if (r < 0)
                return error_set(
                        ret_error, r, "cannot tell Nomad where the plugin listens: %s", strerror(-r));

        log_debug("the plugin listens", "address", handshake->socket_path, "version", PROJECT_VERSION);
        r = sd_event_loop(program->event);
        return r < 0 ? error_set(ret_error, r, "the event loop failed: %s", strerror(-r)) : r;
}

/* The plugin needs several descriptors for every task. The usual limit is low only for programs that still
 * use select(). */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const char *name, const Handshake *handshake, Error **ret_error) {
        _cleanup_free_ char *directory = plugin_directory(name);
        Program program = {};
        int r;

        r = sd_event_default(&program.event);
        if (r >= 0)
                r = set_up_signals(&program);
        if (r < 0)
                return error_set(ret_error, r, "cannot make an event loop: %s", strerror(-r));

        program.services.on_shutdown = on_shutdown;
        program.services.userdata = &program;
        server_set_log(on_core_log);
        raise_descriptor_limit();
        plugin_init(&program.plugin, program.event, directory);
        r = serve(&program, handshake, ret_error);

        server_free(program.server);
        plugin_deinit(&program.plugin);
        sd_event_unref(program.event);
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_handshake_ Handshake *handshake = NULL;
        _cleanup_error_ Error *error = NULL;

        if (argc == 2 && streq(argv[1], "--version")) {
                (void) puts("nomad-driver-nspawn " PROJECT_VERSION);
                return EXIT_SUCCESS;
        }

        if (handshake_new(&handshake, &error) < 0) {
                (void) fprintf(stderr, "%s\n", error_message(error));
                return EXIT_FAILURE;
        }

        if (run(argv[0], handshake, &error) < 0) {
                log_error("the plugin cannot go on", "error", error_message(error));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
