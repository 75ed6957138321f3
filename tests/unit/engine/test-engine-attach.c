/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "base/attach.h"
#include "base/fd.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "unit/task-dir.h"

TestSuite(engine_attach, .timeout = 60);

static struct sockaddr_un attach_address(const EngineBox *box) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        _cleanup_free_ char *path = task_dir_unit_file(box->root, box->machine, ATTACH_SOCKET);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        return address;
}

/* Return: 0 or a negative errno. */
static int attach(const EngineBox *box) {
        struct sockaddr_un address = attach_address(box);
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        return connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

static void start(EngineBox *box, bool tty) {
        TaskRequest *request = engine_box_request(box);

        request->spec.tty = tty;
        cr_assert_eq(engine_start(box->engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, box, NULL),
                0);
}

Test(engine_attach, the_unit_has_a_private_socket_for_those_who_attach) {
        _cleanup_engine_box_ EngineBox box;
        struct stat st;

        engine_box_open(&box);
        start(&box, true);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);

        struct sockaddr_un address = attach_address(&box);
        cr_assert_eq(stat(address.sun_path, &st), 0);
        cr_assert(S_ISSOCK(st.st_mode));
        cr_assert_eq(st.st_mode & 07777, 0600);
        cr_assert_eq(attach(&box), 0);

        /* Only systemd holds the listening socket; the engine has closed its copy. */
        box.fake->started = sd_bus_message_unref(box.fake->started);
        engine_box_settle(&box);
        cr_assert_eq(attach(&box), -ECONNREFUSED);
}

Test(engine_attach, it_is_there_when_systemd_is_asked) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        start(&box, true);
        engine_box_run_until(&box, box.fake->started);
        cr_assert_eq(attach(&box), 0);
}

Test(engine_attach, without_a_terminal_there_is_none) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        start(&box, false);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert(engine_box_has_directory(&box));
        cr_assert_eq(attach(&box), -ENOENT);
}

Test(engine_attach, a_start_that_fails_leaves_nothing) {
        static const FakeStart starts[] = { FAKE_START_REFUSE, FAKE_START_FAIL };

        for (size_t i = 0; i < ELEMENTSOF(starts); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                box.fake->start = starts[i];
                box.fake->refuse_name = "org.freedesktop.DBus.Error.InvalidArgs";
                box.fake->refuse_words = "no";
                box.fake->exit_status = 1;
                start(&box, true);
                engine_box_run_until(&box, box.n_started > 0);
                cr_assert_null(box.task);
                cr_assert_not(engine_box_has_directory(&box));
        }
}

Test(engine_attach, what_an_earlier_start_left_is_replaced) {
        _cleanup_engine_box_ EngineBox box;
        struct sockaddr_un address;

        engine_box_open(&box);
        address = attach_address(&box);
        free(engine_box_make_directory(&box));
        _cleanup_fd_ int old = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(old, (const struct sockaddr *) &address, sizeof(address)), 0);

        start(&box, true);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(attach(&box), 0);
}
