/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "base/error.h"
#include "base/strv.h"
#include "box/exec-box.h"
#include "box/fake-leader.h"
#include "loop/mailbox.h"

struct FakeExec {
        Exec exec;
        ExecBox *box;
        const ExecCallbacks *callbacks;
        void *userdata;
        bool reading;
        size_t to_produce; /* bytes of output still to come whenever it is read */
        sd_event_source *producer;
};

/* The box that is open: exec_new() of an engine is told of nothing that could lead to it. */
static ExecBox *open_box;

static void happen(ExecBox *box, ExecHappening what) {
        (void) sem_post(&box->happened[what]);
}

static void wait_sem(sem_t *sem, const char *what) {
        struct timespec until;

        (void) clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SERVICE_BOX_LIMIT_MSEC / 1000;
        while (sem_timedwait(sem, &until) < 0)
                cr_assert_eq(errno, EINTR, "in vain waited for: %s", what);
}

void exec_box_wait_for(ExecBox *box, ExecHappening what) {
        static const char *const names[] = {
                [EXEC_HAPPENED_START] = "start",
                [EXEC_HAPPENED_INPUT] = "input",
                [EXEC_HAPPENED_INPUT_END] = "end of input",
                [EXEC_HAPPENED_PAUSE] = "pause",
                [EXEC_HAPPENED_RESIZE] = "resize",
                [EXEC_HAPPENED_FREE] = "free",
        };

        wait_sem(&box->happened[what], names[what]);
}

void exec_box_expect_none(ExecBox *box, ExecHappening what) {
        int n = -1;

        cr_assert_eq(sem_getvalue(&box->happened[what], &n), 0);
        cr_expect_eq(n, 0, "%d of happening %d", n, (int) what);
}

/* ---- what the driver does ---- */

static char *words_of(char *const *list) {
        StringBuffer buffer = {};

        STRV_FOREACH (s, list)
                string_buffer_append(&buffer, "%s|", *s);
        return string_buffer_take(&buffer);
}

/* Return: the box of the command, which is its last one. */
static ExecBox *box_of(Exec *exec) {
        ExecBox *box = CONTAINER_OF(exec, FakeExec, exec)->box;

        cr_assert_eq(exec, &box->exec->exec);
        return box;
}

static void fake_free(Exec *base) {
        FakeExec *exec = CONTAINER_OF(base, FakeExec, exec);
        ExecBox *box = exec->box;

        sd_event_source_disable_unref(exec->producer);
        if (exec == box->exec)
                box->exec = NULL;
        free(exec);
        happen(box, EXEC_HAPPENED_FREE);
}

static bool fake_write(Exec *exec, const void *bytes, size_t n) {
        ExecBox *box = box_of(exec);

        cr_assert_gt(n, 0);
        cr_assert_eq(box->n_input_ends, 0);
        string_buffer_append_bytes(&box->input, bytes, n);
        box->n_writes++;
        happen(box, EXEC_HAPPENED_INPUT);
        return !box->is_full;
}

static void fake_close_input(Exec *exec) {
        ExecBox *box = box_of(exec);

        box->n_input_ends++;
        happen(box, EXEC_HAPPENED_INPUT_END);
}

static void fake_set_reading(Exec *exec, bool reading) {
        ExecBox *box = box_of(exec);

        box->exec->reading = reading;
        if (!reading)
                happen(box, EXEC_HAPPENED_PAUSE);
        else if (box->exec->producer)
                (void) sd_event_source_set_enabled(box->exec->producer, SD_EVENT_ON);
}

static void fake_resize(Exec *exec, uint16_t rows, uint16_t columns) {
        ExecBox *box = box_of(exec);

        box->rows = rows;
        box->columns = columns;
        box->n_resizes++;
        happen(box, EXEC_HAPPENED_RESIZE);
}

static void fake_kill(Exec *exec) {
        (void) box_of(exec);
}

static const ExecMethods fake_methods = {
        .free = fake_free,
        .write = fake_write,
        .close_input = fake_close_input,
        .set_reading = fake_set_reading,
        .resize = fake_resize,
        .kill = fake_kill,
};

static int fake_new(sd_event *event _unused_, const ExecPlace *place, const ExecSpec *spec,
        const ExecCallbacks *callbacks, void *userdata, Exec **ret, Error **ret_error) {
        ExecBox *box = open_box;

        cr_assert_eq(place->leader, FAKE_LEADER_PID);
        cr_assert_not_null(strstr(place->control_group, box->service.engine.unit));
        cr_assert(callbacks->on_output && callbacks->on_drain && callbacks->on_end);
        if (box->refusal)
                return error_set(ret_error, box->refusal, "%s", box->refusal_words);

        FakeExec *exec = xnew(FakeExec, 1);
        *exec = (FakeExec){
                .exec = { &fake_methods },
                .box = box,
                .callbacks = callbacks,
                .userdata = userdata,
                .reading = true,
        };
        free(box->command);
        free(box->environment);
        box->command = words_of(spec->command);
        box->environment = words_of(spec->environment);
        box->terminal = spec->terminal;
        cr_assert(!spec->user && !spec->directory);
        box->exec = exec;
        *ret = &exec->exec;
        happen(box, EXEC_HAPPENED_START);
        return 0;
}

/* ---- what the test says ---- */

typedef void (*Action)(ExecBox *box, void *argument);

typedef struct ActionItem {
        Action action;
        void *argument;
} ActionItem;

static void on_action(const void *item, void *userdata) {
        const ActionItem *action = item;
        ExecBox *box = userdata;

        action->action(box, action->argument);
        (void) sem_post(&box->done);
}

/* Runs in the loop, and has run when this returns. */
static void in_loop(ExecBox *box, Action action, void *argument) {
        mailbox_post(box->actions, &(ActionItem){ action, argument });
        wait_sem(&box->done, "the loop");
}

static void do_nothing(ExecBox *box _unused_, void *argument _unused_) {
}

void exec_box_settle(ExecBox *box) {
        in_loop(box, do_nothing, NULL);
}

typedef struct Output {
        ExecStream stream;
        const void *bytes;
        size_t n;
} Output;

static void do_write(ExecBox *box, void *argument) {
        const Output *output = argument;

        cr_assert_not_null(box->exec);
        box->exec->callbacks->on_output(box->exec->userdata, output->stream, output->bytes, output->n);
}

void exec_box_write(ExecBox *box, ExecStream stream, const void *bytes, size_t n) {
        in_loop(box, do_write, &(Output){ stream, bytes, n });
}

void exec_box_say(ExecBox *box, ExecStream stream, const char *text) {
        exec_box_write(box, stream, text, strlen(text));
}

#define PRODUCED_AT_ONCE 60000

static int on_produce(sd_event_source *source, void *userdata) {
        static uint8_t bytes[PRODUCED_AT_ONCE];
        FakeExec *exec = userdata;
        ExecBox *box = exec->box;
        size_t n = exec->to_produce < sizeof(bytes) ? exec->to_produce : sizeof(bytes);

        if (!exec->reading || n == 0) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return 0;
        }
        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t) ((box->produced + i) % EXEC_BOX_MODULUS);
        box->produced += n;
        exec->to_produce -= n;
        exec->callbacks->on_output(exec->userdata, EXEC_OUTPUT, bytes, n);
        return 0;
}

static void do_produce(ExecBox *box, void *argument) {
        sd_event *event = box->service.engine.event;

        box->exec->to_produce = *(const size_t *) argument;
        cr_assert_geq(sd_event_add_defer(event, &box->exec->producer, on_produce, box->exec), 0);
        cr_assert_geq(sd_event_source_set_enabled(box->exec->producer, SD_EVENT_ON), 0);
}

void exec_box_produce(ExecBox *box, size_t n) {
        in_loop(box, do_produce, &n);
}

static void copy_produced(ExecBox *box, void *argument) {
        *(size_t *) argument = box->produced;
}

size_t exec_box_produced(ExecBox *box) {
        size_t n;

        in_loop(box, copy_produced, &n);
        return n;
}

static void do_fill(ExecBox *box, void *argument _unused_) {
        box->is_full = true;
}

void exec_box_fill(ExecBox *box) {
        in_loop(box, do_fill, NULL);
}

static void do_drain(ExecBox *box, void *argument _unused_) {
        box->is_full = false;
        box->exec->callbacks->on_drain(box->exec->userdata);
}

void exec_box_drain(ExecBox *box) {
        in_loop(box, do_drain, NULL);
}

typedef struct End {
        const ExecResult *result;
        int error;
        const char *words;
} End;

static void do_end(ExecBox *box, void *argument) {
        const End *end = argument;
        _cleanup_error_ Error *error = NULL;

        if (end->error)
                (void) error_set(&error, end->error, "%s", end->words);
        cr_assert_not_null(box->exec);
        box->exec->callbacks->on_end(box->exec->userdata, end->result, error);
}

void exec_box_end(ExecBox *box, int code, int signal) {
        in_loop(box, do_end, &(End){ .result = &(ExecResult){ code, signal } });
}

void exec_box_fail(ExecBox *box, const ExecResult *result, int error, const char *words) {
        in_loop(box, do_end, &(End){ result, error, words });
}

void exec_box_expect_input(ExecBox *box, const char *text) {
        while (exec_box_settle(box), box->input.length < strlen(text))
                exec_box_wait_for(box, EXEC_HAPPENED_INPUT);
        cr_expect_str_eq(box->input.text, text);
}

/* ---- the box ---- */

void exec_box_open(ExecBox *box) {
        *box = (ExecBox){};
        open_box = box;
        (void) sem_init(&box->done, 0, 0);
        for (size_t i = 0; i < _EXEC_HAPPENING_MAX; i++)
                (void) sem_init(&box->happened[i], 0, 0);
        service_box_open_with(
                &box->service, "one", &(EngineConfig){ .processes = &fake_leader, .exec_new = fake_new });
        cr_assert_geq(
                mailbox_new(box->service.engine.event, sizeof(ActionItem), on_action, box, &box->actions),
                0);
        service_box_begin(&box->service);
}

void exec_box_close(ExecBox *box) {
        service_box_end(&box->service);
        box->actions = mailbox_free(box->actions);
        service_box_close(&box->service);
        cr_expect_null(box->exec, "a command outlives the plugin");
        string_buffer_clear(&box->input);
        free(box->command);
        free(box->environment);
        open_box = NULL;
}
