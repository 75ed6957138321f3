/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/fd.h"
#include "base/string.h"
#include "loop/must.h"
#include "loop/reader.h"
#include "loop/writer.h"
#include "exec/process.h"

typedef struct ContainerExec ContainerExec;

typedef struct Output {
        ContainerExec *exec;
        ExecStream stream;
        Reader *reader;
} Output;

/* The Exec that exec_new() makes. */
struct ContainerExec {
        Exec exec;
        sd_event *event;
        const ExecCallbacks *callbacks;
        void *userdata;
        ExecProcess *process;
        bool over; /* on_process_end() was called */
        ExecEnd end;
        sd_event_source *tell;

        bool terminal;
        bool has_size;
        struct winsize size;
        Writer *input;
        bool input_closed;
        bool reading;
        Output outputs[_EXEC_STREAM_MAX];
};

static int on_tell(sd_event_source *source _unused_, void *userdata) {
        ContainerExec *exec = userdata;
        const ExecEnd *end = &exec->end;
        bool exited = end->code == CLD_EXITED;
        const ExecResult result = {
                .code = exited ? end->status : 128 + end->status,
                .signal = exited ? 0 : end->status,
        };
        bool nothing = end->words && (result.code == 126 || result.code == 127);
        _cleanup_error_ Error *error = NULL;

        exec->tell = sd_event_source_disable_unref(exec->tell);
        if (end->words)
                (void) error_set(&error, nothing ? ENOENT : EINVAL, "%s", end->words);
        else if (!end->ran)
                (void) error_set(&error, ECANCELED, "the command was ended before it ran");
        exec->callbacks->on_end(exec->userdata, error && !nothing ? NULL : &result, error);
        return 0;
}

/* Schedules on_end() once the processes have ended and all output is read. */
static void exec_check(ContainerExec *exec) {
        if (!exec->over || exec->tell)
                return;
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++) {
                const Reader *reader = exec->outputs[i].reader;

                if (reader && !reader_has_ended(reader))
                        return;
        }
        event_must(sd_event_add_defer(exec->event, &exec->tell, on_tell, exec));
}

static void on_data(void *userdata, const void *bytes, size_t n) {
        const Output *output = userdata;
        const ContainerExec *exec = output->exec;

        exec->callbacks->on_output(exec->userdata, output->stream, bytes, n);
}

static void on_data_end(void *userdata, int error _unused_) {
        const Output *output = userdata;

        exec_check(output->exec);
}

static const ReaderCallbacks reader_callbacks = { on_data, on_data_end };

static int output_open(ContainerExec *exec, ExecStream stream, int fd) {
        Output *output = &exec->outputs[stream];
        int r = reader_new(exec->event, fd, &reader_callbacks, output, &output->reader);

        if (r >= 0)
                reader_set_enabled(output->reader, exec->reading);
        return r;
}

static void on_drained(void *userdata, int error) {
        const ContainerExec *exec = userdata;

        if (error >= 0)
                exec->callbacks->on_drain(exec->userdata);
}

static void terminal_resize(const ContainerExec *exec) {
        if (writer_fd(exec->input) >= 0)
                (void) ioctl(writer_fd(exec->input), TIOCSWINSZ, &exec->size);
}

/* Sends the end-of-file character, as the terminal is set now, to a program that reads lines. */
static void terminal_close_input(ContainerExec *exec) {
        struct termios attributes;
        char character = 4; /* ^D */

        if (tcgetattr(writer_fd(exec->input), &attributes) >= 0)
                character = (char) attributes.c_cc[VEOF];
        writer_write(exec->input, &character, 1);
}

static void on_terminal(void *userdata, int master) {
        ContainerExec *exec = userdata;
        int copy = fcntl(master, F_DUPFD_CLOEXEC, 3);

        if (copy < 0 || writer_open(exec->input, copy) < 0) {
                fd_close(master);
                exec_process_kill(exec->process);
                return;
        }
        if (output_open(exec, EXEC_OUTPUT, master) < 0) {
                exec_process_kill(exec->process);
                return;
        }

        if (exec->has_size)
                terminal_resize(exec);
        if (exec->input_closed)
                terminal_close_input(exec);
}

static void on_process_end(void *userdata, const ExecEnd *end) {
        ContainerExec *exec = userdata;

        exec->over = true;
        exec->end = *end;
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                if (exec->outputs[i].reader)
                        reader_finish(exec->outputs[i].reader);
        exec_check(exec);
}

static const ExecProcessCallbacks process_callbacks = { on_terminal, on_process_end };

/* ---- the methods ---- */

static ContainerExec *container_exec(Exec *exec) {
        return CONTAINER_OF(exec, ContainerExec, exec);
}

static void container_exec_free(Exec *base) {
        ContainerExec *exec = container_exec(base);

        exec_process_free(exec->process);
        sd_event_source_disable_unref(exec->tell);
        writer_free(exec->input);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                reader_free(exec->outputs[i].reader);
        sd_event_unref(exec->event);
        free(exec);
}

static bool container_exec_write(Exec *base, const void *bytes, size_t n) {
        const ContainerExec *exec = container_exec(base);

        if (!exec->input_closed)
                writer_write(exec->input, bytes, n);
        return !writer_has_failed(exec->input) && writer_pending(exec->input) < EXEC_INPUT_LIMIT;
}

static void container_exec_close_input(Exec *base) {
        ContainerExec *exec = container_exec(base);

        if (exec->input_closed)
                return;

        exec->input_closed = true;
        if (!exec->terminal)
                writer_close(exec->input);
        else if (writer_fd(exec->input) >= 0)
                terminal_close_input(exec);
}

static void container_exec_set_reading(Exec *base, bool reading) {
        ContainerExec *exec = container_exec(base);

        exec->reading = reading;
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                if (exec->outputs[i].reader && !reader_has_ended(exec->outputs[i].reader))
                        reader_set_enabled(exec->outputs[i].reader, reading);
}

static void container_exec_resize(Exec *base, uint16_t rows, uint16_t columns) {
        ContainerExec *exec = container_exec(base);

        if (!exec->terminal)
                return;

        exec->has_size = true;
        exec->size = (struct winsize){ .ws_row = rows, .ws_col = columns };
        terminal_resize(exec);
}

static void container_exec_kill(Exec *base) {
        exec_process_kill(container_exec(base)->process);
}

static const ExecMethods container_exec_methods = {
        .free = container_exec_free,
        .write = container_exec_write,
        .close_input = container_exec_close_input,
        .set_reading = container_exec_set_reading,
        .resize = container_exec_resize,
        .kill = container_exec_kill,
};

int exec_new(sd_event *event, const ExecPlace *place, const ExecSpec *spec, const ExecCallbacks *callbacks,
        void *userdata, Exec **ret, Error **ret_error) {
        _cleanup_(exec_freep) Exec *made = NULL;
        int input, outputs[_EXEC_STREAM_MAX], r;
        ContainerExec *exec = xnew(ContainerExec, 1);

        made = &exec->exec;
        *exec = (ContainerExec){
                .exec = { &container_exec_methods },
                .event = sd_event_ref(event),
                .callbacks = callbacks,
                .userdata = userdata,
                .terminal = spec->terminal,
                .reading = true,
        };
        exec->input = writer_new(event, on_drained, exec);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                exec->outputs[i] = (Output){ .exec = exec, .stream = (ExecStream) i };

        r = exec_process_new(
                event, place, spec, &process_callbacks, exec, &input, outputs, &exec->process, ret_error);
        if (r < 0)
                return r;

        r = input < 0 ? 0 : writer_open(exec->input, input);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++) {
                if (r >= 0 && outputs[i] >= 0)
                        r = output_open(exec, (ExecStream) i, outputs[i]);
                else
                        fd_close(outputs[i]);
        }
        if (r < 0)
                return error_set(ret_error, r, "cannot watch the command: %s", strerror(-r));

        *ret = TAKE_PTR(made);
        return 0;
}

Exec *exec_free(Exec *exec) {
        if (exec)
                exec->methods->free(exec);
        return NULL;
}

bool exec_write(Exec *exec, const void *bytes, size_t n) {
        return exec->methods->write(exec, bytes, n);
}

void exec_close_input(Exec *exec) {
        exec->methods->close_input(exec);
}

void exec_set_reading(Exec *exec, bool reading) {
        exec->methods->set_reading(exec, reading);
}

void exec_resize(Exec *exec, uint16_t rows, uint16_t columns) {
        exec->methods->resize(exec, rows, columns);
}

void exec_kill(Exec *exec) {
        exec->methods->kill(exec);
}
