/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "cli/command.h"
#include "cli/exec-arguments.h"
#include "cli/session.h"
#include "cli/visit.h"
#include "task/spec.h"

typedef struct Execution {
        ExecArguments arguments;
        bool shell;
        sd_event *event;
        Session *session;
        Exec *exec;
        bool ended;
        bool stopping;
        int status; /* when we were told to stop */
} Execution;

/* ---- from the command ---- */

static void on_output(void *userdata, ExecStream stream, const void *bytes, size_t n) {
        Execution *execution = userdata;

        if (!execution->stopping)
                session_write(execution->session, stream, bytes, n);
}

static void on_drain(void *userdata) {
        Execution *execution = userdata;

        session_take_input(execution->session);
}

static void on_end(void *userdata, const ExecResult *result, const Error *error) {
        Execution *execution = userdata;

        execution->ended = true;
        if (execution->stopping) {
                (void) sd_event_exit(execution->event, execution->status);
                return;
        }
        if (error)
                session_say(execution->session, "%s", error_message(error));
        session_end(execution->session, result ? result->code : EXIT_OWN_FAILURE);
}

static const ExecCallbacks exec_callbacks = { on_output, on_drain, on_end };

/* ---- from us ---- */

static bool on_input(void *userdata, const void *bytes, size_t n) {
        Execution *execution = userdata;

        return exec_write(execution->exec, bytes, n);
}

static void on_input_end(void *userdata) {
        Execution *execution = userdata;

        exec_close_input(execution->exec);
}

static void on_size(void *userdata, uint16_t rows, uint16_t columns) {
        Execution *execution = userdata;

        exec_resize(execution->exec, rows, columns);
}

static void on_room(void *userdata, bool room) {
        Execution *execution = userdata;

        exec_set_reading(execution->exec, room);
}

/* What it still says is taken and dropped, or its end would not come. */
static void on_stop(void *userdata, int status) {
        Execution *execution = userdata;

        if (execution->ended) {
                (void) sd_event_exit(execution->event, status);
                return;
        }
        execution->stopping = true;
        execution->status = status;
        exec_set_reading(execution->exec, true);
        exec_kill(execution->exec);
}

static const SessionCallbacks session_callbacks = { on_input, on_input_end, on_size, on_room, on_stop };

static void begin(void *userdata, Engine *engine, Task *task) {
        _cleanup_error_ Error *error = NULL;
        Execution *execution = userdata;
        const ExecArguments *arguments = &execution->arguments;
        const SessionConfig config = {
                .input = true,
                .terminal = arguments->terminal,
                .escape = execution->shell,
        };
        const ExecSpec spec = {
                .command = arguments->command,
                .environment = arguments->environment,
                .user = arguments->user,
                .directory = arguments->directory,
                .terminal = arguments->terminal,
        };
        int r;

        execution->event = system_bus_event(engine_system_bus(engine));
        r = task_exec(task, &spec, &exec_callbacks, execution, &execution->exec, &error);
        if (r >= 0)
                r = session_new(execution->event, &config, &session_callbacks, execution,
                        &execution->session, &error);
        if (r < 0)
                (void) sd_event_exit(execution->event, command_fail("%s", error_message(error)));
}

static int execute(bool shell, int argc, char **argv) {
        Execution execution = { .shell = shell };
        const char *term = getenv("TERM");
        int status = exec_arguments_parse(shell, argc, argv, &execution.arguments);

        if (status >= 0)
                return status;

        /* The terminal is ours in the end, whatever the task has been told. */
        char ***environment = &execution.arguments.environment;
        if (execution.arguments.terminal && term && !environment_get(*environment, "TERM"))
                environment_set(environment, "TERM", term);

        status = visit_task(execution.arguments.task, begin, &execution);
        session_free(execution.session);
        exec_free(execution.exec);
        exec_arguments_clear(&execution.arguments);
        return status;
}

int command_exec(int argc, char **argv) {
        return execute(false, argc, argv);
}

int command_shell(int argc, char **argv) {
        return execute(true, argc, argv);
}
