/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/string.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"

/* A program that is killed while it starts a task, at each of its system calls. */
TestSuite(engine_killed, .timeout = 300);

/* More system calls than any start makes. */
#define CALLS_MAX 5000

typedef struct Child {
        bool over;
        Task *task;
} Child;

static void on_child_started(void *userdata, Task *task, const Error *error _unused_) {
        Child *child = userdata;

        child->over = true;
        child->task = task;
}

/* The traced program: stops itself, and then starts the task. */
static _Noreturn void child_run(const EngineBox *box) {
        static const EngineCallbacks callbacks = {};
        const EngineConfig config = engine_box_config(box);
        sd_event *event = NULL;
        Child child = {};

        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || sd_event_new(&event) < 0)
                _exit(1);
        Engine *engine = engine_new(event, &config, &callbacks, &child);
        while (!engine_is_connected(engine))
                if (sd_event_run(event, UINT64_MAX) < 0)
                        _exit(2);

        TaskRequest *request = engine_box_request(box);
        request->spec.tty = true;
        (void) raise(SIGSTOP);
        if (engine_start(engine, "one", request, &(TaskStreams){ -1, -1 }, on_child_started, &child, NULL) <
                0)
                _exit(3);
        while (!child.over)
                if (sd_event_run(event, UINT64_MAX) < 0)
                        _exit(4);
        _exit(child.task ? 0 : 5);
}

/* Waits for the next stop of the child, while the fake systemd works. Return: its status. */
static int wait_for_stop(const EngineBox *box, pid_t child) {
        int status;

        for (uint64_t end = fake_now() + FAKE_LIMIT_USEC; waitpid(child, &status, WNOHANG) == 0;) {
                cr_assert(fake_now() < end, "the start does not go on");
                cr_assert_geq(sd_event_run(box->event, 100), 0);
        }
        return status;
}

/* Kills a program at its @n_calls-th stop at a system call. Return: false if it started the task before. */
static bool start_and_kill(const EngineBox *box, unsigned n_calls) {
        pid_t child = fork();
        int status;

        cr_assert_geq(child, 0);
        if (child == 0)
                child_run(box);

        status = wait_for_stop(box, child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
                cr_skip_test("no ptrace here");
        cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "%x", status);
        for (unsigned i = 0; i < n_calls; i++) {
                int signal = WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP ? 0
                                                                                        : WSTOPSIG(status);

                cr_assert_eq(ptrace(PTRACE_SYSCALL, child, NULL, (long) signal), 0);
                status = wait_for_stop(box, child);
                if (WIFEXITED(status)) {
                        cr_assert_eq(WEXITSTATUS(status), 0);
                        return false;
                }
                cr_assert(WIFSTOPPED(status), "%x", status);
        }
        cr_assert_eq(kill(child, SIGKILL), 0);
        cr_assert_eq(waitpid(child, &status, 0), child);
        return true;
}

/* Return: the first name in the directory, owned by the caller; NULL when it is empty. */
static char *first_name(const char *path) {
        DIR *directory = opendir(path);
        char *name = NULL;

        for (struct dirent *entry; directory && !name && (entry = readdir(directory));)
                if (*entry->d_name != '.')
                        name = xasprintf("%s/%s", path, entry->d_name);
        if (directory)
                (void) closedir(directory);
        return name;
}

/* Starts the same task again, and ends it. */
static void start_again(EngineBox *box) {
        const EngineConfig config = engine_box_config(box);

        box->n_started = box->n_ended = 0;
        box->engine = engine_new(box->event, &config, &engine_box_callbacks, box);
        engine_box_run_until(box, engine_is_connected(box->engine));
        engine_box_start(box);
        engine_box_run_until(box, box->n_started > 0);
        cr_assert_not_null(box->task, "%s", box->words);

        TaskWait *wait = task_wait(box->task, engine_box_on_ended, box);
        fake_unit_exit(box->fake, engine_box_unit(box), CLD_EXITED, 0);
        engine_box_run_until(box, box->n_ended > 0);
        task_wait_free(wait);
        task_forget(box->task);
        engine_box_settle(box);
        box->engine = engine_free(box->engine);
}

Test(engine_killed, a_start_that_is_killed_anywhere_hinders_no_other_and_leaves_no_secret) {
        _cleanup_engine_box_ EngineBox box;
        bool killed = true;
        unsigned n;

        engine_box_open(&box);
        box.engine = engine_free(box.engine);
        for (n = 1; killed && n < CALLS_MAX; n++) {
                killed = start_and_kill(&box, n);
                start_again(&box);
                _cleanup_free_ char *left = first_name(box.root);
                cr_assert_null(left, "%s is left after %u calls", left, n);
        }
        cr_assert(!killed && n > 100, "%u calls", n);
}
