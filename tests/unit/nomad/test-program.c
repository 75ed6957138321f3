/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/tree.h"
#include "client.h"
#include "plugin.pb-c.h"

/* The driver as a separate process, with a system bus that accepts connections and never answers. */
TestSuite(program, .timeout = 60);

#define LIMIT_MSEC 20000

/* An agent kills a plugin that does not end within 2 s (go-plugin, client.go, Kill()). */
#define EXIT_MSEC 1000

typedef struct Host {
        char directory[32];
        char *address;
        struct sockaddr_un bus;
        int listener;
        int connection;
        Plugin *plugin;
} Host;

static void host_open(Host *host) {
        *host = (Host){ .directory = "/tmp/test-program-XXXXXX", .listener = -1, .connection = -1 };
        cr_assert_not_null(mkdtemp(host->directory));
        host->bus.sun_family = AF_UNIX;
        (void) snprintf(host->bus.sun_path, sizeof(host->bus.sun_path), "%s/bus", host->directory);
        host->address = xasprintf("DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s", host->bus.sun_path);
}

static void host_close(Host *host) {
        plugin_free(host->plugin);
        fd_close(host->listener);
        fd_close(host->connection);
        (void) tree_remove(host->directory);
        free(host->address);
}
#define _cleanup_host_ _cleanup_(host_close)

static void host_start_driver(Host *host) {
        _cleanup_free_ char *directory = xasprintf("TMPDIR=%s", host->directory);
        char *const environment[] = { host->address, directory, NULL };
        _cleanup_error_ Error *error = NULL;
        const char *driver = getenv("TEST_DRIVER");

        cr_assert_eq(plugin_start(driver ? driver : "build/release/nomad-driver-nspawn", environment, NULL,
                             LIMIT_MSEC, &host->plugin, &error),
                0, "%s", error_message(error));
}

/* Starts the bus and accepts the driver's connection, without an answer. */
static void host_take_connection(Host *host) {
        host->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(host->listener, (struct sockaddr *) &host->bus, sizeof(host->bus)), 0);
        cr_assert_eq(listen(host->listener, 8), 0);
        cr_assert_eq(poll(&(struct pollfd){ .fd = host->listener, .events = POLLIN }, 1, LIMIT_MSEC), 1);
        host->connection = accept4(host->listener, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(host->connection, 0);
}

static void expect_end(const Host *host) {
        int status = -1;

        cr_assert_eq(plugin_wait(host->plugin, EXIT_MSEC, &status), 0, "it still runs after a second");
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
        cr_expect(access(plugin_socket(host->plugin), F_OK) < 0, "its socket is left");
}

Test(program, shutdown_ends_within_a_second_though_the_bus_does_not_answer) {
        Plugin__Empty empty = PLUGIN__EMPTY__INIT;
        _cleanup_host_ Host host;

        host_open(&host);
        host_start_driver(&host);
        host_take_connection(&host);
        Client *client = client_new(plugin_socket(host.plugin));
        (void) client_call(client, "/plugin.GRPCController/Shutdown", &empty.base, NULL, NULL, NULL);
        expect_end(&host);
        client_free(client);
}

Test(program, sigterm_ends_it_within_a_second_though_the_bus_does_not_answer) {
        _cleanup_host_ Host host;

        host_open(&host);
        host_start_driver(&host);
        host_take_connection(&host);
        plugin_signal(host.plugin, SIGTERM);
        expect_end(&host);
}
