/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include "base/error.h"
#include "base/string.h"
#include "base/strv.h"
#include "loop/mailbox.h"
#include "box/fake-leader.h"
#include "box/service-box.h"

/*
 * The plugin's service, with an engine whose tasks have fake leaders and run fake commands. The test says
 * what a command does, in the loop, and waits for what the driver does to it.
 */

typedef enum Happening {
        HAPPENED_START,
        HAPPENED_INPUT, /* an exec_write() */
        HAPPENED_INPUT_END,
        HAPPENED_PAUSE, /* exec_set_reading(false) */
        HAPPENED_RESIZE,
        HAPPENED_FREE,
        _HAPPENING_MAX,
} Happening;

typedef struct FakeExec {
        Exec exec;
        const ExecCallbacks *callbacks;
        void *userdata;
        bool reading;
        size_t to_produce; /* bytes of output still to come whenever it is read */
        sd_event_source *producer;
} FakeExec;

static struct {
        ServiceBox service;
        Mailbox *actions;
        sem_t done;
        sem_t happened[_HAPPENING_MAX];

        /* The task refuses. */
        int refusal;
        const char *refusal_words;

        /* Of the loop while it runs. The last command, and all that was told of it. */
        FakeExec *exec;
        char *command; /* its words, with a bar behind each */
        char *environment;
        bool terminal;
        bool is_full; /* exec_write() says that there is no room */
        StringBuffer input;
        unsigned n_writes, n_input_ends, n_resizes;
        uint16_t rows, columns;
        size_t produced;
} fake;

static inline void happen(Happening what) {
        (void) sem_post(&fake.happened[what]);
}

static inline void wait_sem(sem_t *sem, const char *what) {
        struct timespec until;

        (void) clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SERVICE_BOX_LIMIT_MSEC / 1000;
        while (sem_timedwait(sem, &until) < 0)
                cr_assert_eq(errno, EINTR, "in vain waited for: %s", what);
}

#define wait_for(what) wait_sem(&fake.happened[what], #what)

static inline void expect_none(Happening what) {
        int n = -1;

        cr_assert_eq(sem_getvalue(&fake.happened[what], &n), 0);
        cr_expect_eq(n, 0, "%d of happening %d", n, (int) what);
}

/* The program's own. */

static inline char *words_of(char *const *list) {
        StringBuffer buffer = {};

        STRV_FOREACH (s, list)
                string_buffer_append(&buffer, "%s|", *s);
        return string_buffer_take(&buffer);
}

static inline void fake_exec_free(Exec *base) {
        FakeExec *exec = CONTAINER_OF(base, FakeExec, exec);

        sd_event_source_disable_unref(exec->producer);
        if (exec == fake.exec)
                fake.exec = NULL;
        free(exec);
        happen(HAPPENED_FREE);
}

static inline bool fake_exec_write(Exec *exec, const void *bytes, size_t n) {
        cr_assert_eq(exec, &fake.exec->exec);
        cr_assert_gt(n, 0);
        cr_assert_eq(fake.n_input_ends, 0);
        string_buffer_append_bytes(&fake.input, bytes, n);
        fake.n_writes++;
        happen(HAPPENED_INPUT);
        return !fake.is_full;
}

static inline void fake_exec_close_input(Exec *exec) {
        cr_assert_eq(exec, &fake.exec->exec);
        fake.n_input_ends++;
        happen(HAPPENED_INPUT_END);
}

static inline void fake_exec_set_reading(Exec *exec, bool reading) {
        cr_assert_eq(exec, &fake.exec->exec);
        fake.exec->reading = reading;
        if (!reading)
                happen(HAPPENED_PAUSE);
        else if (fake.exec->producer)
                (void) sd_event_source_set_enabled(fake.exec->producer, SD_EVENT_ON);
}

static inline void fake_exec_resize(Exec *exec, uint16_t rows, uint16_t columns) {
        cr_assert_eq(exec, &fake.exec->exec);
        fake.rows = rows;
        fake.columns = columns;
        fake.n_resizes++;
        happen(HAPPENED_RESIZE);
}

static inline void fake_exec_kill(Exec *exec) {
        cr_assert_eq(exec, &fake.exec->exec);
}

static const ExecMethods fake_exec_methods = {
        .free = fake_exec_free,
        .write = fake_exec_write,
        .close_input = fake_exec_close_input,
        .set_reading = fake_exec_set_reading,
        .resize = fake_exec_resize,
        .kill = fake_exec_kill,
};

static inline int fake_exec_new(sd_event *event _unused_, const ExecPlace *place, const ExecSpec *spec,
        const ExecCallbacks *callbacks, void *userdata, Exec **ret, Error **ret_error) {
        cr_assert_eq(place->leader, FAKE_LEADER_PID);
        cr_assert_not_null(strstr(place->control_group, fake.service.engine.unit));
        cr_assert(callbacks->on_output && callbacks->on_drain && callbacks->on_end);
        if (fake.refusal)
                return error_set(ret_error, fake.refusal, "%s", fake.refusal_words);

        FakeExec *exec = xnew(FakeExec, 1);
        *exec = (FakeExec){
                .exec = { &fake_exec_methods },
                .callbacks = callbacks,
                .userdata = userdata,
                .reading = true,
        };
        free(fake.command);
        free(fake.environment);
        fake.command = words_of(spec->command);
        fake.environment = words_of(spec->environment);
        fake.terminal = spec->terminal;
        cr_assert(!spec->user && !spec->directory);
        fake.exec = exec;
        *ret = &exec->exec;
        happen(HAPPENED_START);
        return 0;
}

#define PRODUCED_AT_ONCE 60000

/* Byte number i is i modulo a prime. */
#define PRODUCED_MODULUS 251

static inline int on_produce(sd_event_source *source, void *userdata) {
        static uint8_t bytes[PRODUCED_AT_ONCE];
        FakeExec *exec = userdata;
        size_t n = exec->to_produce < sizeof(bytes) ? exec->to_produce : sizeof(bytes);

        if (!exec->reading || n == 0) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return 0;
        }
        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t) ((fake.produced + i) % PRODUCED_MODULUS);
        fake.produced += n;
        exec->to_produce -= n;
        exec->callbacks->on_output(exec->userdata, EXEC_OUTPUT, bytes, n);
        return 0;
}

/* What the test says. */

typedef void (*Action)(void *argument);

typedef struct ActionItem {
        Action action;
        void *argument;
} ActionItem;

static inline void on_action(const void *item, void *userdata _unused_) {
        const ActionItem *action = item;

        action->action(action->argument);
        (void) sem_post(&fake.done);
}

/* Runs in the loop, and has run when this returns. */
static inline void in_loop(Action action, void *argument) {
        mailbox_post(fake.actions, &(ActionItem){ action, argument });
        wait_sem(&fake.done, "the loop");
}

static inline void do_nothing(void *argument _unused_) {
}

typedef struct Output {
        ExecStream stream;
        const void *bytes;
        size_t n;
} Output;

static inline void do_output(void *argument) {
        const Output *output = argument;

        cr_assert_not_null(fake.exec);
        fake.exec->callbacks->on_output(fake.exec->userdata, output->stream, output->bytes, output->n);
}

/* The command writes a text. */
static inline void say(ExecStream stream, const char *text) {
        in_loop(do_output, &(Output){ stream, text, strlen(text) });
}

static inline void do_produce(void *argument) {
        fake.exec->to_produce = *(const size_t *) argument;
        cr_assert_geq(
                sd_event_add_defer(fake.service.engine.event, &fake.exec->producer, on_produce, fake.exec),
                0);
        cr_assert_geq(sd_event_source_set_enabled(fake.exec->producer, SD_EVENT_ON), 0);
}

/* The command writes as much as is read of it. */
static inline void produce(size_t n) {
        in_loop(do_produce, &n);
}

/* There is no room for input, until it drains. */
static inline void do_fill(void *argument _unused_) {
        fake.is_full = true;
}

static inline void do_drain(void *argument _unused_) {
        fake.is_full = false;
        fake.exec->callbacks->on_drain(fake.exec->userdata);
}

typedef struct End {
        const ExecResult *result;
        int error;
        const char *words;
} End;

static inline void do_end(void *argument) {
        const End *end = argument;
        _cleanup_error_ Error *error = NULL;

        if (end->error)
                (void) error_set(&error, end->error, "%s", end->words);
        cr_assert_not_null(fake.exec);
        fake.exec->callbacks->on_end(fake.exec->userdata, end->result, error);
}

static inline void end_with(int code, int signal) {
        in_loop(do_end, &(End){ .result = &(ExecResult){ code, signal } });
}

static inline void exec_box_open(void) {
        (void) sem_init(&fake.done, 0, 0);
        for (size_t i = 0; i < _HAPPENING_MAX; i++)
                (void) sem_init(&fake.happened[i], 0, 0);
        service_box_open_with(&fake.service, "one",
                &(EngineConfig){ .processes = &fake_leader, .exec_new = fake_exec_new });
        cr_assert_geq(
                mailbox_new(fake.service.engine.event, sizeof(ActionItem), on_action, NULL, &fake.actions),
                0);
        service_box_begin(&fake.service);
}

static inline void exec_box_close(void) {
        service_box_end(&fake.service);
        fake.actions = mailbox_free(fake.actions);
        service_box_close(&fake.service);
        cr_expect_null(fake.exec, "a command outlives the plugin");
        string_buffer_clear(&fake.input);
        free(fake.command);
        free(fake.environment);
}
