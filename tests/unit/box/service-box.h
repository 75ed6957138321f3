/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/string.h"
#include "client.h"
#include "box/engine-box.h"
#include "box/group-box.h"
#include "nomad/driver-service.h"
#include "nomad/server.h"

/*
 * The plugin's service on an engine that runs on a fake systemd, with a fake control group. The loop takes
 * turns: it runs in a thread of its own while the test is the client, and in the test's thread otherwise.
 */

#define DRIVER "/hashicorp.nomad.plugins.drivers.proto.Driver/"
#define BASE "/hashicorp.nomad.plugins.base.proto.BasePlugin/"
#define LIMIT_MSEC 20000

typedef struct Service {
        EngineBox box;
        GroupBox groups;
        Plugin plugin;
        RpcService rows[DRIVER_SERVICES];
        Server *server;
        Client *client;
        char *socket;
        pthread_t thread;
        int stop;
        bool stopped;
} Service;

static inline int service_on_stop(
        sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata) {
        uint64_t n;

        ((Service *) userdata)->stopped = read(fd, &n, sizeof(n)) == (ssize_t) sizeof(n);
        return 0;
}

static inline void *service_loop(void *userdata) {
        Service *service = userdata;

        while (!service->stopped)
                if (sd_event_run(service->box.event, UINT64_MAX) < 0)
                        abort();
        return NULL;
}

/* From here on the test may only be the client. */
static inline void service_begin(Service *service) {
        service->stopped = false;
        cr_assert_eq(pthread_create(&service->thread, NULL, service_loop, service), 0);
}

static inline void service_end(Service *service) {
        uint64_t n = 1;

        cr_assert_eq(write(service->stop, &n, sizeof(n)), (ssize_t) sizeof(n));
        cr_assert_eq(pthread_join(service->thread, NULL), 0);
}

/* A task that runs; the group of its unit is where the fake systemd says. @seams: as engine_box_open_with().
 */
static inline void service_open_with(Service *service, const char *id, const EngineConfig *seams) {
        _cleanup_error_ Error *error = NULL;

        *service = (Service){ .stop = eventfd(0, EFD_CLOEXEC) };
        (void) signal(SIGPIPE, SIG_IGN);
        engine_box_open_with(&service->box, seams);
        cr_assert_eq(engine_start(service->box.engine, id, engine_box_request(&service->box),
                             &(TaskStreams){ -1, -1 }, engine_box_on_started, &service->box, &error),
                0);
        engine_box_run_until(&service->box, service->box.n_started > 0);
        cr_assert_not_null(service->box.task, "%s", service->box.words);

        group_box_open(&service->groups);
        _cleanup_free_ char *ours = group_box_path(&service->groups, NULL);
        _cleanup_free_ char *units = xasprintf("%s/test.slice/%s", service->groups.root, service->box.unit);
        cr_assert_eq(symlink(ours, units), 0);

        plugin_init_on(&service->plugin, service->box.event, service->box.engine);
        service->plugin.in_use = true;
        service->plugin.cgroup_root = service->groups.root;
        service->plugin.compute = (Compute){ 8000, 4 };
        service->plugin.compute_known = true;
        (void) driver_tasks_add(&service->plugin.tasks, id, "name", "alloc");
        driver_services_fill(&service->plugin, service->rows);
        service->socket = xasprintf("%s/socket", service->groups.root);
        cr_assert_eq(
                sd_event_add_io(service->box.event, NULL, service->stop, EPOLLIN, service_on_stop, service),
                0);
        cr_assert_eq(
                server_new(service->box.event, service->rows, DRIVER_SERVICES, &service->server, &error), 0,
                "%s", error_message(error));
        cr_assert_eq(server_listen(service->server, service->socket, (gid_t) -1, &error), 0);
        service->client = client_new(service->socket);
}

static inline void service_open_as(Service *service, const char *id) {
        service_open_with(service, id, NULL);
}

static inline void service_open(Service *service) {
        service_open_as(service, "one");
}

/* After service_end(). */
static inline void service_close(Service *service) {
        client_free(service->client);
        server_free(service->server);
        plugin_deinit(&service->plugin);
        service->box.engine = NULL;
        engine_box_close(&service->box);
        group_box_close(&service->groups);
        free(service->socket);
        fd_close(service->stop);
}
#define _cleanup_service_ _cleanup_(service_close)
