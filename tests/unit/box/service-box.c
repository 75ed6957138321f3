/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/string.h"
#include "box/service-box.h"

static int on_stop(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata) {
        ServiceBox *box = userdata;
        uint64_t n;

        box->stopped = read(fd, &n, sizeof(n)) == (ssize_t) sizeof(n);
        return 0;
}

static void *run_loop(void *userdata) {
        ServiceBox *box = userdata;

        while (!box->stopped)
                if (sd_event_run(box->engine.event, UINT64_MAX) < 0)
                        abort();
        return NULL;
}

void service_box_begin(ServiceBox *box) {
        box->stopped = false;
        cr_assert_eq(pthread_create(&box->thread, NULL, run_loop, box), 0);
}

void service_box_end(ServiceBox *box) {
        uint64_t n = 1;

        cr_assert_eq(write(box->stop, &n, sizeof(n)), (ssize_t) sizeof(n));
        cr_assert_eq(pthread_join(box->thread, NULL), 0);
}

static void open_groups(ServiceBox *box) {
        group_box_open(&box->groups);
        _cleanup_free_ char *ours = group_box_path(&box->groups, NULL);
        _cleanup_free_ char *units = xasprintf("%s/test.slice/%s", box->groups.root, box->engine.unit);
        cr_assert_eq(symlink(ours, units), 0);
}

static void open_server(ServiceBox *box) {
        _cleanup_error_ Error *error = NULL;

        driver_services_fill(&box->plugin, box->rows);
        box->socket = xasprintf("%s/socket", box->groups.root);
        cr_assert_eq(sd_event_add_io(box->engine.event, NULL, box->stop, EPOLLIN, on_stop, box), 0);
        cr_assert_eq(server_new(box->engine.event, box->rows, DRIVER_SERVICES, &box->server, &error), 0,
                "%s", error_message(error));
        cr_assert_eq(server_listen(box->server, box->socket, (gid_t) -1, &error), 0);
        box->client = client_new(box->socket);
}

void service_box_open_with(ServiceBox *box, const char *id, const EngineConfig *seams) {
        _cleanup_error_ Error *error = NULL;

        *box = (ServiceBox){ .stop = eventfd(0, EFD_CLOEXEC) };
        (void) signal(SIGPIPE, SIG_IGN);
        engine_box_open_with(&box->engine, seams);
        cr_assert_eq(engine_start(box->engine.engine, id, engine_box_request(&box->engine),
                             &(TaskStreams){ -1, -1 }, engine_box_on_started, &box->engine, &error),
                0);
        engine_box_run_until(&box->engine, box->engine.n_started > 0);
        cr_assert_not_null(box->engine.task, "%s", box->engine.words);

        open_groups(box);
        plugin_init_on(&box->plugin, box->engine.event, box->engine.engine);
        box->plugin.in_use = true;
        box->plugin.cgroup_root = box->groups.root;
        box->plugin.compute = (Compute){ 8000, 4 };
        box->plugin.compute_known = true;
        (void) driver_tasks_add(&box->plugin.tasks, id, "name", "alloc");
        open_server(box);
}

void service_box_open(ServiceBox *box) {
        service_box_open_with(box, "one", NULL);
}

void service_box_close(ServiceBox *box) {
        client_free(box->client);
        server_free(box->server);
        plugin_deinit(&box->plugin);
        /* The plugin owned it. */
        box->engine.engine = NULL;
        engine_box_close(&box->engine);
        group_box_close(&box->groups);
        free(box->socket);
        fd_close(box->stop);
}
