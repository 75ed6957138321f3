/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "member.h"

/* For an answer while all tasks want something at once. */
#define ANSWER_MSEC 400000

/* Of a StopTask, which is never to run out. */
#define STOP_SEC 3600

/* How often a call about one task may fail before the test does. */
#define REFUSALS_MAX 20

/* How long tasks run that end by themselves: up to so many seconds, and one more for each task. A crowd
 * twice as large is so replaced half as fast. */
#define RUN_SEC 5

/* A task that is stopped takes up to so many seconds to end. */
#define LAST_WORDS_SEC 1

/* One in so many starts that the driver was killed in is not made again. */
#define GIVEN_UP 4

/* Codes that the tasks end with. One that is restarted ends with RUN_CODE plus the number of the run. */
#define STOPPED_CODE 6
#define END_CODE 30
#define END_CODES 100
#define RUN_CODE 20
#define N_RUNS 3

#define RESTARTS "{'restart': {'policy': 'on-failure', 'delay': '200ms', 'max_attempts': 2}}"

static ClientCall *stop_open(const Agent *agent, Job *job) {
        return job_open_stop(agent, job, STOP_SEC, "SIGTERM");
}

static ClientCall *destroy_open(const Agent *agent, Job *job) {
        return job_open_destroy(agent, job, true);
}

static ClientCall *recover_open(const Agent *agent, Job *job) {
        return job_open_recover(agent, job);
}

static const struct {
        const char *name;
        ClientCall *(*open)(const Agent *agent, Job *job);
        const ProtobufCMessageDescriptor *output;
} calls[_CALL_MAX] = {
        [CALL_START] = { "StartTask", job_open_start, &driver__start_task_response__descriptor },
        [CALL_RECOVER] = { "RecoverTask", recover_open, &driver__recover_task_response__descriptor },
        [CALL_STOP] = { "StopTask", stop_open, &driver__stop_task_response__descriptor },
        [CALL_DESTROY] = { "DestroyTask", destroy_open, &driver__destroy_task_response__descriptor },
};

/* What the driver is to be asked about the task. */
static Call member_next_call(const Member *member) {
        switch (member->life) {
        case STARTING:
                return CALL_START;
        case STARTED:
                if (!member->known)
                        return CALL_RECOVER;
                return member->stop_asked && !member->stop_answered ? CALL_STOP : CALL_NONE;
        case DESTROYING:
                return CALL_DESTROY;
        default:
                return CALL_NONE;
        }
}

/* Ready means that it will hear a SIGTERM, and not be killed by it. */
#define SCRIPT_BEGIN \
        "end() { trap '' TERM; echo $1 >/local/end; exit $1; }; rm -f /local/end; " \
        "trap 'sleep %u; end %d' TERM; echo ready; "

static char *member_make_script(const Member *member, unsigned sec) {
        unsigned words_sec = crowd_random(LAST_WORDS_SEC + 1);

        switch (member->kind) {
        case ENDING:
                return xasprintf(SCRIPT_BEGIN "sleep %u & wait; end %d", words_sec, STOPPED_CODE, sec,
                        member->wanted);
        case RESTARTED:
                return xasprintf(
                        "n=$(cat /local/runs 2>/dev/null); n=$((n + 1)); echo $n >/local/runs; " SCRIPT_BEGIN
                        "sleep %u & wait; end $((%d + n))",
                        words_sec, STOPPED_CODE, sec / N_RUNS, RUN_CODE);
        default:
                return xasprintf(SCRIPT_BEGIN "sleep 1d & wait", words_sec, STOPPED_CODE);
        }
}

void member_begin(const Crowd *crowd, Member *member) {
        static const Kind kinds[] = { LASTING, LASTING, LASTING, LASTING, LASTING, ENDING, RESTARTED };

        *member = (Member){
                .life = STARTING,
                .kind = kinds[crowd_random(ELEMENTSOF(kinds))],
                .wanted = END_CODE + (int) crowd_random(END_CODES),
        };
        _cleanup_free_ char *script = member_make_script(
                member, crowd_random(RUN_SEC + (unsigned) crowd->n));
        member->job = job_new(script, member->kind == RESTARTED ? RESTARTS : NULL);
}

static void member_clear(Member *member) {
        (void) client_call_free(member->wait);
        (void) client_call_free(member->call);
        (void) job_free(member->job);
        *member = (Member){};
}

void member_destroy(Member *member) {
        member->wait = client_call_free(member->wait);
        member->life = DESTROYING;
}

/* Return: the number in a file that the task wrote, -1 for none. */
static int member_read(const Member *member, const char *name) {
        _cleanup_free_ char *path = xasprintf("%s/task/local/%s", member->job->directory, name),
                            *text = NULL;

        return file_read(AT_FDCWD, path, 64, &text) > 0 ? (int) strtol(text, NULL, 10) : -1;
}

/*
 * Return: whether that is how the task ended. What it wrote down is true, and there are two other ends: the
 * signal of a stop reached a run before it could hear it; and nspawn ended with code 1 before the command
 * ran, since it is told to register with systemd-machined and that, or the bus, was struck.
 */
static bool member_ended_so(const Member *member, int code, int signal, int wrote) {
        bool early = member->kind == RESTARTED || member->n_ids > 0;

        if (signal == 0 && code == wrote)
                return true;
        /* nspawn's own end, before the container is there, has the code and no signal. */
        if (code == 128 + SIGTERM && (signal == SIGTERM || signal == 0))
                return member->stop_asked && early;
        return member->kind == RESTARTED && member->struck && signal == 0 && code == 1;
}

static const char *const kind_names[] = {
        [LASTING] = "which runs until it is stopped",
        [ENDING] = "which ends by itself",
        [RESTARTED] = "which is restarted",
};

static void member_check_end(Member *member, const Driver__WaitTaskResponse *reply) {
        const char *unit = member->job->unit;
        int wrote = member_read(member, "end"), runs = member_read(member, "runs");

        cr_assert_not_null(reply->result);
        int code = reply->result->exit_code, signal = reply->result->signal;
        _cleanup_free_ char *told = xasprintf("%s, %s%s: reported are code %d, signal %d, \"%s\"", unit,
                kind_names[member->kind], member->stop_asked ? ", stopped" : "", code, signal, reply->err);
        cr_assert(!reply->result->oom_killed && *reply->err == '\0', "%s", told);

        if (member->ended) {
                cr_assert(code == member->code && signal == member->signal,
                        "%s, and before that were code %d, signal %d", told, member->code, member->signal);
                return;
        }

        cr_assert(member_ended_so(member, code, signal, wrote), "%s, and the task wrote %d", told, wrote);
        if (!member->stop_asked) {
                cr_assert_neq(member->kind, LASTING, "%s, and nobody stopped it", told);
                cr_assert(member->kind != ENDING || code == member->wanted, "%s, not %d", told,
                        member->wanted);
                cr_assert(member->kind != RESTARTED || member->struck || runs == N_RUNS,
                        "%s, after %d runs of %d", told, runs, N_RUNS);
        }
        member->ended = true;
        member->code = code;
        member->signal = signal;
}

bool member_hear_end(Crowd *crowd, Member *member, unsigned limit_msec) {
        Driver__WaitTaskResponse *reply = NULL;
        _cleanup_free_ char *text = NULL;
        bool before = member->ended;

        int r = client_next(member->wait, &driver__wait_task_response__descriptor, limit_msec,
                (ProtobufCMessage **) &reply);
        if (r == -ETIMEDOUT)
                return false;
        int code = client_status(member->wait, LIMIT_MSEC, &text, NULL);
        cr_assert(r == 1 && code == GRPC_STATUS_OK, "%s: WaitTask: %d %s", member->job->unit, code, text);
        member->wait = client_call_free(member->wait);
        member_check_end(member, reply);
        driver__wait_task_response__free_unpacked(reply, NULL);
        crowd->n_ended += !before;
        return true;
}

void member_ask(Crowd *crowd, Member *member) {
        Call call = member_next_call(member);

        if (call == CALL_NONE || member->call)
                return;
        member->asked = call;
        member->call = calls[call].open(&crowd->agent, member->job);
}

static void member_on_started(Crowd *crowd, Member *member, Driver__StartTaskResponse *reply) {
        cr_assert_not_null(reply->handle);
        cr_assert_not_null(reply->handle->config);
        cr_assert_str_eq(reply->handle->config->id, member->job->config.id);
        member->job->started = reply;
        member->life = STARTED;
        crowd->n_started++;
}

static void member_on_answer(Crowd *crowd, Member *member, Call call, ProtobufCMessage *reply) {
        member->n_refused = 0;
        if (call == CALL_START)
                member_on_started(crowd, member, (Driver__StartTaskResponse *) reply);
        else
                protobuf_c_message_free_unpacked(reply, NULL);

        if (call == CALL_START || call == CALL_RECOVER) {
                member->known = true;
                member->wait = job_open_wait(&crowd->agent, member->job);
        } else if (call == CALL_STOP)
                member->stop_answered = true;
        else {
                _cleanup_free_ char *left = xasprintf("/run/nspawn-units/tasks/%s", member->job->machine);

                /* What a killed start left is for the sweep of a later driver. */
                cr_assert(member->given_up || access(left, F_OK) < 0, "%s is left", left);
                member_clear(member);
        }
}

/*
 * While something that it needs is away a call may fail, and is made again: a start as another one of the
 * same task, with another id, as Nomad does. But a task that is there is never said to be not found, and a
 * stop does not fail.
 */
static void member_on_refusal(Crowd *crowd, Member *member, Call call, int code, const char *text) {
        bool forgiven = crowd->struck && call != CALL_STOP && code == GRPC_STATUS_FAILED_PRECONDITION &&
                !strstr(text, "task not found");
        Job *job = member->job;

        member->n_refused++;
        cr_assert(forgiven && member->n_refused < REFUSALS_MAX, "%s: %s: %d %s", job->unit, calls[call].name,
                code, text);
        (void) fprintf(stderr, "%s: %s: %d %s\n", job->unit, calls[call].name, code, text);
        crowd->n_refused++;
        if (call == CALL_START) {
                member->n_ids++;
                free(job->config.id);
                job->config.id = xasprintf("%s/task/%08x", job->config.alloc_id, member->n_ids + 1);
        }
}

bool member_hear(Crowd *crowd, Member *member) {
        Call call = member->asked;
        ProtobufCMessage *reply = NULL;
        _cleanup_free_ char *text = NULL;

        if (!member->call)
                return false;

        int r = client_next(member->call, calls[call].output, ANSWER_MSEC, &reply);
        int code = client_status(member->call, LIMIT_MSEC, &text, NULL);
        cr_assert(r >= 0 && code >= 0, "%s: %s: no answer in time", member->job->unit, calls[call].name);
        member->call = client_call_free(member->call);
        if (r == 1 && code == GRPC_STATUS_OK)
                member_on_answer(crowd, member, call, reply);
        else
                member_on_refusal(crowd, member, call, code, text);
        return true;
}

void member_lose_driver(Crowd *crowd, Member *member) {
        Driver__StartTaskResponse *reply = NULL;

        if (member->life == STARTING && member->call) {
                int r = client_next(
                        member->call, calls[CALL_START].output, LIMIT_MSEC, (ProtobufCMessage **) &reply);

                if (r == 1 && client_status(member->call, LIMIT_MSEC, NULL, NULL) == GRPC_STATUS_OK)
                        member_on_started(crowd, member, TAKE_PTR(reply));
                driver__start_task_response__free_unpacked(reply, NULL);
        }
        member->call = client_call_free(member->call);
        member->wait = client_call_free(member->wait);
        member->known = false;
        member->stop_answered = member->ended;

        if (member->life == STARTING && crowd_random(GIVEN_UP) == 0) {
                member->given_up = true;
                strv_append(&crowd->given_up, member->job->machine);
                member_destroy(member);
        }
}
