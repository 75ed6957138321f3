/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/cli-box.h"
#include "engine/record-file.h"
#include "box/own-name.h"
#include "box/fake-leader.h"
#include "task/spec.h"

/* nspawnctl exec and shell, with a fake of exec.h that runs no command. */
TestSuite(exec_command, .timeout = 60);

/* The command of a test, and what nspawnctl did with it. */
static struct {
        Exec exec;
        sd_event *event;
        const ExecCallbacks *callbacks;
        void *userdata;
        sd_event_source *script_source;
        bool terminal;
        char *user, *directory, *command;
        char **environment;
        StringBuffer input;
        bool input_closed, killed, reading, freed;
} fake = { .reading = true };

/* What the command does when it begins. */
static void (*script)(void);
static int refusal;

static int on_script(sd_event_source *source _unused_, void *userdata _unused_) {
        script();
        return 0;
}

static void fake_free(Exec *exec _unused_) {
        fake.freed = true;
        fake.script_source = sd_event_source_disable_unref(fake.script_source);
}

static bool fake_write(Exec *exec _unused_, const void *bytes, size_t n) {
        cr_assert_not(fake.input_closed);
        string_buffer_append_bytes(&fake.input, bytes, n);
        return fake.input.length < 3;
}

static void finish(int code) {
        fake.callbacks->on_end(fake.userdata, &(ExecResult){ .code = code }, NULL);
}

static void fake_close_input(Exec *exec _unused_) {
        fake.input_closed = true;
        /* The command is like cat. */
        if (fake.input.length > 0)
                fake.callbacks->on_output(fake.userdata, EXEC_OUTPUT, fake.input.text, fake.input.length);
        finish(0);
}

static void fake_set_reading(Exec *exec _unused_, bool reading) {
        fake.reading = reading;
}

static void fake_resize(Exec *exec _unused_, uint16_t rows _unused_, uint16_t columns _unused_) {
}

static int on_killed(sd_event_source *source _unused_, void *userdata _unused_) {
        cr_assert(fake.reading, "the last output is not read");
        fake.callbacks->on_output(fake.userdata, EXEC_OUTPUT, "late", 4);
        fake.callbacks->on_end(fake.userdata, &(ExecResult){ .code = 137, .signal = 9 }, NULL);
        return 0;
}

static void fake_kill(Exec *exec _unused_) {
        fake.killed = true;
        cr_assert_geq(sd_event_add_defer(fake.event, NULL, on_killed, NULL), 0);
}

static const ExecMethods fake_methods = {
        .free = fake_free,
        .write = fake_write,
        .close_input = fake_close_input,
        .set_reading = fake_set_reading,
        .resize = fake_resize,
        .kill = fake_kill,
};

static int fake_exec_new(sd_event *event, const ExecPlace *place, const ExecSpec *spec,
        const ExecCallbacks *callbacks, void *userdata, Exec **ret, Error **ret_error) {
        cr_assert_eq(place->leader, FAKE_LEADER_PID);
        if (refusal < 0)
                return error_set(ret_error, refusal, "it is refused");

        fake.exec.methods = &fake_methods;
        fake.event = event;
        fake.callbacks = callbacks;
        fake.userdata = userdata;
        fake.terminal = spec->terminal;
        fake.user = xstrdup_null(spec->user);
        fake.directory = xstrdup_null(spec->directory);
        fake.command = spec->command ? strv_join(spec->command, "|") : NULL;
        fake.environment = strv_copy(spec->environment);
        cr_assert_geq(sd_event_add_defer(event, &fake.script_source, on_script, NULL), 0);
        *ret = &fake.exec;
        return 0;
}

static void fake_clear(CliBox *box _unused_) {
        free(fake.user);
        free(fake.directory);
        free(fake.command);
        strv_free(fake.environment);
        string_buffer_clear(&fake.input);
}

/* Runs nspawnctl for a task that runs, and a command that executes the script. Return: the exit status. */
static int run(CliBox *box, const char *verb, const char *format, void (*run_script)(void)) {
        const char *task = strstr(format, "TASK");
        _cleanup_free_ char *text = xasprintf(
                "%s|%.*s%s%s", verb, (int) (task - format), format, box->machine, task + strlen("TASK"));

        script = run_script;
        box->config.exec_new = fake_exec_new;
        return cli_box_run(box, text);
}

/* ---- scripts ---- */

static void speak(void) {
        fake.callbacks->on_output(fake.userdata, EXEC_OUTPUT, "out", 3);
        fake.callbacks->on_output(fake.userdata, EXEC_ERROR, "err", 3);
        finish(7);
}

static void succeed(void) {
        finish(0);
}

static void find_nothing(void) {
        _cleanup_error_ Error *error = NULL;

        (void) error_set(&error, ENOENT, "no such program: nosuch");
        fake.callbacks->on_end(fake.userdata, &(ExecResult){ .code = 127 }, error);
}

static void fail_to_run(void) {
        _cleanup_error_ Error *error = NULL;

        (void) error_set(&error, EIO, "the container went away");
        fake.callbacks->on_end(fake.userdata, NULL, error);
}

static void be_terminated(void) {
        cr_assert_eq(kill(getpid(), SIGTERM), 0);
}

static void write_in_vain(void) {
        fake.callbacks->on_output(fake.userdata, EXEC_OUTPUT, "out", 3);
}

static void end_with_a_word(void) {
        write_in_vain();
        finish(0);
}

static void wait_for_input(void) {
}

/* ---- tests ---- */

Test(exec_command, output_is_ours_and_so_is_the_code) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "TASK|id|", speak), 7);
        cr_expect_str_eq(box.shown, "out");
        cr_expect_str_eq(box.message, "err");
        cr_expect(fake.freed);
        cr_expect_not(fake.killed);
        cli_box_expect_untouched(&box);
        cr_expect_str_eq(fake_unit_find(box.fake, box.unit)->active_state, "active");
        fake_clear(&box);
}

Test(exec_command, the_command_is_as_it_was_told) {
        _cleanup_cli_box_ CliBox box;

        cr_assert_eq(setenv("TERM", "vt220", 1), 0);
        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "-u|www|-w|/srv|-EA=1|TASK|ls|-t|", succeed), 0);
        cr_expect_str_eq(fake.command, "ls|-t");
        cr_expect_str_eq(fake.user, "www");
        cr_expect_str_eq(fake.directory, "/srv");
        cr_expect_not(fake.terminal);
        cr_expect_str_eq(environment_get(fake.environment, "A"), "1");
        cr_expect_null(environment_get(fake.environment, "TERM"), "it has no terminal");
        fake_clear(&box);
}

Test(exec_command, variables_are_given_or_taken_from_here) {
        _cleanup_cli_box_ CliBox box;

        cr_assert_eq(setenv("HERE", "from here", 1), 0);
        cr_assert_eq(unsetenv("NOWHERE"), 0);
        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec",
                             "-EA=1|-E|B=|--setenv=C=x=y|-E|HERE|-E|NOWHERE|-EA=2|-E|a-b.c d=1|TASK|env|",
                             succeed),
                0);
        _cleanup_free_ char *joined = strv_join(fake.environment, "|");
        cr_expect_str_eq(joined, "A=2|B=|C=x=y|HERE=from here|NOWHERE=|a-b.c d=1");
        fake_clear(&box);
}

Test(exec_command, a_terminal_is_of_our_kind) {
        _cleanup_cli_box_ CliBox box;

        cr_assert_eq(setenv("TERM", "vt220", 1), 0);
        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "-t|TASK|top|", succeed), 0);
        cr_expect(fake.terminal);
        cr_expect_str_eq(environment_get(fake.environment, "TERM"), "vt220");
        fake_clear(&box);
}

Test(exec_command, unless_another_kind_is_said) {
        _cleanup_cli_box_ CliBox box;

        cr_assert_eq(setenv("TERM", "vt220", 1), 0);
        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "-t|-ETERM=dumb|TASK|top|", succeed), 0);
        cr_expect_str_eq(environment_get(fake.environment, "TERM"), "dumb");
        cr_expect_eq(strv_length(fake.environment), 1);
        fake_clear(&box);
}

Test(exec_command, a_shell_is_a_login_with_a_terminal) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "shell", "-uwww|TASK|", succeed), 0);
        cr_expect_null(fake.command);
        cr_expect(fake.terminal);
        cr_expect_str_eq(fake.user, "www");
        cr_expect_str_eq(box.message, "", "there is no way out to tell of without a terminal of ours");
        fake_clear(&box);
}

Test(exec_command, input_goes_there_as_there_is_room_and_ends) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_assert_eq(fd_write_all(box.input, "ab", 2), 0);
        box.input = fd_close(box.input);
        cr_expect_eq(run(&box, "exec", "TASK|cat|", wait_for_input), 0);
        cr_expect_str_eq(box.shown, "ab");
        fake_clear(&box);
}

static int on_room(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata _unused_) {
        cr_assert_not(fake.input_closed, "the end of the input was read, although there was no room");
        fake.callbacks->on_drain(fake.userdata);
        return 0;
}

static void make_room_later(void) {
        cr_assert_geq(sd_event_add_time_relative(
                              fake.event, NULL, CLOCK_MONOTONIC, 100 * USEC_PER_MSEC, 0, on_room, NULL),
                0);
}

Test(exec_command, input_waits_for_room) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_assert_eq(fd_write_all(box.input, "abc", 3), 0);
        box.input = fd_close(box.input);
        cr_expect_eq(run(&box, "exec", "TASK|cat|", make_room_later), 0);
        cr_expect_str_eq(box.shown, "abc");
        fake_clear(&box);
}

Test(exec_command, what_is_not_there_is_said_with_its_code) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "TASK|nosuch|", find_nothing), 127);
        cr_expect_str_eq(box.message, "nspawnctl: no such program: nosuch\n");
        fake_clear(&box);
}

Test(exec_command, what_did_not_run_is_our_failure) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "TASK|id|", fail_to_run), EXIT_OWN_FAILURE);
        cr_expect_str_eq(box.message, "nspawnctl: the container went away\n");
        fake_clear(&box);
}

Test(exec_command, a_refusal_is_our_failure) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        refusal = -EIO;
        cr_expect_eq(run(&box, "exec", "TASK|id|", succeed), EXIT_OWN_FAILURE);
        cr_expect_str_eq(box.message, "nspawnctl: it is refused\n");
}

Test(exec_command, a_signal_ends_the_command_and_then_us) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(run(&box, "exec", "TASK|id|", be_terminated), 128 + SIGTERM);
        cr_expect(fake.killed);
        cr_expect_str_eq(box.shown, "");
        fake_clear(&box);
}

Test(exec_command, a_command_that_nobody_listens_to_is_ended) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        box.output = fd_close(box.output);
        cr_expect_eq(run(&box, "exec", "TASK|yes|", write_in_vain), 128 + SIGPIPE);
        cr_expect(fake.killed);
        cr_expect_str_eq(box.message, "");
        fake_clear(&box);
}

/* The command cannot know that its output was lost, so it exits with 0. */
Test(exec_command, what_was_said_in_vain_is_no_success) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cli_box_take_stream(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        cr_expect_eq(run(&box, "exec", "TASK|echo|", end_with_a_word), EXIT_OWN_FAILURE);
        cr_expect_not_null(strstr(box.message, "cannot write the output: No space left on device"));
        fake_clear(&box);
}

static void expect_unreachable(CliBox *box, const char *words) {
        _cleanup_free_ char *expected = xasprintf(
                "nspawnctl: %s \"%s\"%s\n", *words ? "the task" : "there is no task", box->machine, words);

        cr_expect_eq(run(box, "exec", "TASK|id|", succeed), EXIT_OWN_FAILURE);
        cr_expect_str_eq(box->message, expected);
        cr_expect_null(fake.callbacks);
        cli_box_expect_untouched(box);
}

Test(exec_command, a_task_that_is_not_there_is_said) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        expect_unreachable(&box, "");
}

Test(exec_command, a_task_that_has_no_process_does_not_run) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        fake_leader_is_gone = true;
        expect_unreachable(&box, " does not run");
}

/* The task's owner has not destroyed it yet. */
Test(exec_command, a_task_that_ended_does_not_run) {
        static const char *const notes[] = { "", "payload 3 0\n" };

        for (size_t i = 0; i < ELEMENTSOF(notes); i++) {
                _cleanup_cli_box_ CliBox box;

                cli_box_open(&box);
                const TaskRecord record = { .id = box.machine, .machine = box.machine };
                own_record_leave(NULL, &record);
                own_notes_leave(NULL, box.machine, notes[i]);
                expect_unreachable(&box, " does not run");
                cr_expect(record_file_is_of(NULL, box.machine, box.machine, NULL));
        }
}
