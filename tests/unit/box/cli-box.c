/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/cli-box.h"
#include "box/fake-leader.h"
#include "box/own-name.h"

void cli_box_take_stream(int fd, int stream) {
        cr_assert_eq(dup2(fd, stream), stream);
        close(fd);
}

static void open_streams(CliBox *box) {
        int fds[2];

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        box->input = fds[1];
        cli_box_take_stream(fds[0], STDIN_FILENO);
        for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++) {
                cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
                cr_assert_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
                *(stream == STDOUT_FILENO ? &box->output : &box->error) = fds[0];
                cli_box_take_stream(fds[1], stream);
        }
}

void cli_box_open(CliBox *box) {
        if (geteuid() != 0)
                cr_skip_test("only root may run commands in tasks");

        *box = (CliBox){ .machine = own_name_new() };
        box->unit = xasprintf("nspawn-%s.service", box->machine);
        cr_assert_geq(sd_event_default(&box->event), 0);
        box->fake = fake_systemd_new(box->event);
        box->config = (EngineConfig){
                .bus_address = box->fake->address,
                .helper = "/usr/lib/nspawn-units/nspawn-units-helper",
                .processes = &fake_leader,
        };
        open_streams(box);
}

void cli_box_close(CliBox *box) {
        fd_close(box->input);
        fd_close(box->output);
        fd_close(box->error);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        own_name_free(box->machine);
        free(box->unit);
        free(box->shown);
        free(box->message);
}

FakeUnit *cli_box_add_task(CliBox *box) {
        return fake_unit_add(box->fake, box->unit, "active");
}

static char *read_all(int fd) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        char chunk[4096];
        ssize_t n;

        while ((n = read(fd, chunk, sizeof(chunk))) > 0)
                string_buffer_append_bytes(&buffer, chunk, (size_t) n);
        return string_buffer_take(&buffer);
}

int cli_box_run(CliBox *box, const char *text) {
        _cleanup_strv_ char **words = NULL;
        App app;

        strv_append(&words, "nspawnctl");
        for (const char *bar; (bar = strchr(text, '|')); text = bar + 1)
                strv_consume(&words, xstrndup(text, (size_t) (bar - text)));
        /* getopt_long() changes the order of the list. */
        _cleanup_free_ char **argv = xcalloc(strv_length(words) + 1, sizeof(*argv));
        memcpy(argv, words, strv_length(words) * sizeof(*argv));

        cr_assert_geq(app_init(&app), 0);
        app.engine_config = box->config;
        int status = verb_main(&app, verb_table, (int) strv_length(words), argv);
        app_clear(&app);
        (void) fflush(stdout);
        box->shown = read_all(box->output);
        box->message = read_all(box->error);
        return status;
}

void cli_box_expect_untouched(const CliBox *box) {
        static const char *const questions[] = { "GetAll", "Get ", "Subscribe" };
        _cleanup_free_ char *calls = strv_join(box->fake->calls, "; ");
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(questions); i++)
                n += fake_systemd_count(box->fake, questions[i]);
        cr_expect_eq(n, strv_length(box->fake->calls), "%s", calls);
}
