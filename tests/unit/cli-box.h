/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "cli/verb.h"
#include "engine/engine.h"
#include "engine/record-file.h"
#include "fake-systemd.h"
#include "own-name.h"
#include "kernel/leader.h"

/*
 * A verb of nspawnctl on a fake systemd, with pipes in place of our standard streams. There is one task,
 * whose container has a first process if the test says so; src/kernel/leader.h is defined here.
 */
typedef struct CliBox {
        sd_event *event;
        FakeSystemd *fake;
        char *machine;
        char *unit;
        int input, output, error; /* the other sides */
        char *shown, *words;      /* what came out of them in the end */
} CliBox;

static bool cli_has_leader = true;

pid_t leader_find(pid_t supervisor, const char *root _unused_, const char *control_group _unused_) {
        return supervisor > 0 && cli_has_leader ? 4242 : -ESRCH;
}

pid_t payload_find(pid_t leader) {
        return leader;
}

int process_open(pid_t pid _unused_, pid_t parent _unused_) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int process_signal(int pidfd _unused_, int signal _unused_) {
        return -ESRCH;
}

pid_t process_inner_pid(pid_t pid) {
        return pid;
}

static inline void cli_take_stream(int fd, int stream) {
        cr_assert_eq(dup2(fd, stream), stream);
        close(fd);
}

static inline void cli_open_streams(CliBox *box) {
        int fds[2];

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        box->input = fds[1];
        cli_take_stream(fds[0], STDIN_FILENO);
        for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++) {
                cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
                cr_assert_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
                *(stream == STDOUT_FILENO ? &box->output : &box->error) = fds[0];
                cli_take_stream(fds[1], stream);
        }
}

static inline void cli_open(CliBox *box) {
        if (geteuid() != 0)
                cr_skip_test("only root may run commands in tasks");

        *box = (CliBox){ .machine = own_name_new() };
        box->unit = xasprintf("nspawn-%s.service", box->machine);
        /* The verb's own loop. */
        cr_assert_geq(sd_event_default(&box->event), 0);
        box->fake = fake_systemd_new(box->event);
        cr_assert_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", box->fake->address, 1), 0);
        cli_open_streams(box);
}

static inline void cli_close(CliBox *box) {
        fd_close(box->input);
        fd_close(box->output);
        fd_close(box->error);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        own_name_free(box->machine);
        free(box->unit);
        free(box->shown);
        free(box->words);
}
#define _cleanup_cli_ _cleanup_(cli_close)

static inline FakeUnit *cli_add_task(CliBox *box) {
        return fake_unit_add(box->fake, box->unit, "active");
}

static inline char *cli_read_all(int fd) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        char chunk[4096];
        ssize_t n;

        while ((n = read(fd, chunk, sizeof(chunk))) > 0)
                string_buffer_append_bytes(&buffer, chunk, (size_t) n);
        return string_buffer_take(&buffer);
}

/* Runs nspawnctl with words that are each followed by a bar. Return: its exit status. */
static inline int cli_run(CliBox *box, const char *text) {
        _cleanup_app_ App app = {};
        _cleanup_strv_ char **words = NULL;

        strv_append(&words, "nspawnctl");
        for (const char *bar; (bar = strchr(text, '|')); text = bar + 1)
                strv_consume(&words, xstrndup(text, (size_t) (bar - text)));
        /* getopt_long() changes the order of the list. */
        _cleanup_free_ char **argv = xcalloc(strv_length(words) + 1, sizeof(*argv));
        memcpy(argv, words, strv_length(words) * sizeof(*argv));
        cr_assert_geq(app_init(&app), 0);
        int status = verb_main(&app, (int) strv_length(words), argv);
        box->shown = cli_read_all(box->output);
        box->words = cli_read_all(box->error);
        return status;
}

/* systemd was asked, and told to do nothing. */
static inline void cli_expect_untouched(const CliBox *box) {
        static const char *const questions[] = { "GetAll", "Get ", "Subscribe" };
        _cleanup_free_ char *calls = strv_join(box->fake->calls, "; ");
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(questions); i++)
                n += fake_systemd_count(box->fake, questions[i]);
        cr_expect_eq(n, strv_length(box->fake->calls), "%s", calls);
}
