/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "base/strv.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "task/spec.h"

/* A command or a login shell in a task that uses the standard streams of this program. */
typedef struct Execution {
        App *app;
        ExecSpec spec;
        char **environment; /* of the spec */
        bool escape;        /* the user can leave it with ^] (cli/escape.h) */
        Session *session;
        Exec *exec;
        bool ended;    /* the command has ended, but its output may not be written yet */
        bool stopping; /* this program must exit, and waits for the end of the command */
        int status;    /* exit status of this program then */
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
                app_exit(execution->app, execution->status);
                return;
        }
        if (error)
                session_say(execution->session, "%s", error_message(error));
        session_end(execution->session, result ? result->code : EXIT_OWN_FAILURE);
}

static const ExecCallbacks exec_callbacks = { on_output, on_drain, on_end };

/* ---- to the command ---- */

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

/* Kills the command. Reads and drops its remaining output, because the end is reported after the output. */
static void on_stop(void *userdata, int status) {
        Execution *execution = userdata;

        if (execution->ended) {
                app_exit(execution->app, status);
                return;
        }
        execution->stopping = true;
        execution->status = status;
        exec_set_reading(execution->exec, true);
        exec_kill(execution->exec);
}

static const SessionCallbacks session_callbacks = { on_input, on_input_end, on_size, on_room, on_stop };

static void start_command(void *userdata, App *app, Task *task) {
        _cleanup_error_ Error *error = NULL;
        Execution *execution = userdata;
        const SessionConfig config = {
                .input = true,
                .terminal = execution->spec.terminal,
                .escape = execution->escape,
        };
        int r = task_exec(task, &execution->spec, &exec_callbacks, execution, &execution->exec, &error);

        if (r >= 0)
                r = session_new(app, &config, &session_callbacks, execution, &execution->session, &error);
        if (r < 0)
                (void) app_fail(app, "%s", error_message(error));
}

/* As in systemd-run(1), NAME without a value gets the value that it has in this program, or an empty one. */
static void set_variable(char ***environment, const char *assignment) {
        const char *equals = strchrnul(assignment, '=');
        _cleanup_free_ char *name = xstrndup(assignment, (size_t) (equals - assignment));
        const char *inherited = getenv(name);

        environment_set(environment, name, *equals ? equals + 1 : inherited ? inherited : "");
}

/* Return: the variables that the command gets besides the task's, owned by the caller. */
static char **make_environment(const VerbArguments *arguments, bool terminal) {
        const char *term = getenv("TERM");
        char **environment = NULL;

        for (size_t i = 0; i < arguments->n_given; i++)
                if (arguments->given[i].option->letter == 'E')
                        set_variable(&environment, arguments->given[i].value);

        /* The output is shown on the user's terminal, so TERM must be the user's, whatever the task has. */
        if (terminal && term && !environment_get(environment, "TERM"))
                environment_set(&environment, "TERM", term);
        return environment;
}

static void execution_clear(Execution *execution) {
        session_free(execution->session);
        exec_free(execution->exec);
        strv_free(execution->environment);
}

/* @shell: run a login shell instead of a command */
static int execute(App *app, const VerbArguments *arguments, bool shell) {
        bool terminal = shell || verb_has(arguments, 't');
        _cleanup_(execution_clear) Execution execution = {
                .app = app,
                .environment = make_environment(arguments, terminal),
                .escape = shell,
        };

        execution.spec = (ExecSpec){
                .command = shell ? NULL : arguments->operands + 1,
                .environment = execution.environment,
                .user = verb_value(arguments, 'u'),
                .directory = verb_value(arguments, 'w'),
                .terminal = terminal,
        };
        return app_run_task(app, arguments->operands[0], start_command, &execution);
}

int exec_main(App *app, const VerbArguments *arguments) {
        return execute(app, arguments, false);
}

int shell_main(App *app, const VerbArguments *arguments) {
        return execute(app, arguments, true);
}
