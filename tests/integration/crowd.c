/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "member.h"

/* One in so many tasks that are to end while they run is destroyed by force. */
#define FORCED 4

/* One place in so many is empty at the beginning, for the first loop to start tasks in. */
#define EMPTY_PLACES 4

/* There is one stop for so many starts. */
#define STOPS 3

/* How often to look at the control group of a task while its end is waited for. */
#define LOOK_MSEC 100

Agent crowd_agent_start(void) {
        Agent agent = agent_start();
        Driver__InitRequest init = DRIVER__INIT_REQUEST__INIT;

        protobuf_c_message_free_unpacked(
                agent_call(&agent, DRIVER "Init", &init, &driver__init_response__descriptor), NULL);
        return agent;
}

unsigned crowd_random(unsigned below) {
        return (unsigned) random() % below;
}

/* Changes up to @n members, from a random one on. */
static void change_some(Crowd *crowd, size_t n, bool (*change)(Crowd *crowd, Member *member)) {
        size_t first = crowd_random((unsigned) crowd->n);

        for (size_t i = 0; i < crowd->n && n > 0; i++)
                n -= change(crowd, &crowd->members[(first + i) % crowd->n]);
}

static bool fill(Crowd *crowd, Member *member) {
        if (member->life != EMPTY)
                return false;
        member_begin(crowd, member);
        return true;
}

static bool remove_ended(Crowd *crowd _unused_, Member *member) {
        if (member->life != STARTED || !member->ended)
                return false;
        member_destroy(member);
        return true;
}

static bool stop(Crowd *crowd _unused_, Member *member) {
        if (member->life != STARTED || member->ended || member->stop_asked)
                return false;
        stream_wait_text(member->job->out, "ready");
        member->stop_asked = true;
        return true;
}

static bool stop_or_destroy(Crowd *crowd, Member *member) {
        bool forced = crowd_random(FORCED) == 0 && member->life == STARTED && !member->stop_asked;

        if (!forced)
                return stop(crowd, member);
        member_destroy(member);
        return true;
}

static void ask_all(Crowd *crowd) {
        for (size_t i = 0; i < crowd->n; i++)
                member_ask(crowd, &crowd->members[i]);
}

void crowd_begin(Crowd *crowd, size_t n) {
        cr_assert_gt(n, 0);
        *crowd = (Crowd){ .agent = crowd_agent_start(), .n = n, .members = xcalloc(n, sizeof(Member)) };
        change_some(crowd, n - n / EMPTY_PLACES, fill);
        crowd_settle(crowd);
}

void crowd_change(Crowd *crowd, size_t n) {
        /* Some end by themselves: with fewer stops than starts nearly all the places stay taken by tasks
         * that live. */
        change_some(crowd, n / STOPS + 1, stop_or_destroy);
        change_some(crowd, crowd->n, remove_ended);
        change_some(crowd, n, fill);
        ask_all(crowd);
}

void crowd_kill_driver(Crowd *crowd) {
        int status;

        plugin_signal(crowd->agent.plugin, SIGKILL);
        cr_assert_eq(plugin_wait(crowd->agent.plugin, LIMIT_MSEC, &status), 0);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the driver had ended: %#x", status);
        for (size_t i = 0; i < crowd->n; i++)
                member_lose_driver(crowd, &crowd->members[i]);
        agent_clear(&crowd->agent);
        crowd->agent = crowd_agent_start();
        ask_all(crowd);
}

void crowd_strike(Crowd *crowd) {
        crowd->struck = true;
        for (size_t i = 0; i < crowd->n; i++)
                crowd->members[i].struck = true;
}

void crowd_settle(Crowd *crowd) {
        for (bool more = true; more;) {
                if (crowd->struck) {
                        _cleanup_client_call_ ClientCall *fingerprint = fingerprint_open(&crowd->agent);

                        fingerprint_wait(fingerprint, HEALTHY);
                }
                more = false;
                ask_all(crowd);
                for (size_t i = 0; i < crowd->n; i++)
                        more = member_hear(crowd, &crowd->members[i]) || more;
        }
        crowd->struck = false;
}

/* What runs has a control group with processes in it. */
static bool has_processes(const Member *member) {
        _cleanup_free_ char *path = xasprintf(TASK_SLICE "/%s/cgroup.events", member->job->unit),
                            *text = NULL;

        return file_read(AT_FDCWD, path, 4096, &text) > 0 && strstr(text, "populated 1");
}

/* It may be between two runs, or have ended only now. */
static void check_running(Crowd *crowd, Member *member) {
        double until = now() + LIMIT_MSEC / 1000.0;

        while (!has_processes(member) && !member_hear_end(crowd, member, LOOK_MSEC))
                cr_assert_lt(
                        now(), until, "%s does not run, and its end is not reported", member->job->unit);
}

static void hear_ends(Crowd *crowd) {
        for (size_t i = 0; i < crowd->n; i++) {
                Member *member = &crowd->members[i];
                bool over = member->ended || member->stop_answered;

                if (member->life != STARTED || !member->wait)
                        continue;
                bool heard = member_hear_end(crowd, member, over ? LIMIT_MSEC : 0);
                cr_assert(heard || !over, "%s: it has ended, and WaitTask does not tell", member->job->unit);
        }
}

/* Return: how many of our units systemd keeps alive; also one that it will start again counts. */
static size_t list_units(char **ret_units) {
        *ret_units = shell_good("systemctl list-units --full --plain --no-legend "
                                "--state=activating,active,reloading,deactivating 'nspawn-task-*.service'");
        size_t n = **ret_units ? 1 : 0;

        for (const char *p = *ret_units; (p = strchr(p, '\n')); p++)
                n++;
        return n;
}

void crowd_check(Crowd *crowd) {
        _cleanup_free_ char *units = NULL;
        size_t n_known = 0;

        hear_ends(crowd);
        size_t n_units = list_units(&units);
        for (size_t i = 0; i < crowd->n; i++) {
                Member *member = &crowd->members[i];

                if (member->life != STARTED)
                        continue;
                bool lives = strstr(units, member->job->unit);
                n_known += lives;
                if (member->ended)
                        cr_assert(!lives, "%s: code %d was reported, and it lives:\n%s", member->job->unit,
                                member->code, units);
                else
                        check_running(crowd, member);
        }
        cr_assert_eq(
                n_units, n_known, "%zu units live, of which %zu are of tasks:\n%s", n_units, n_known, units);
}

void crowd_end(Crowd *crowd) {
        change_some(crowd, crowd->n, stop);
        crowd_settle(crowd);
        crowd_check(crowd);
        change_some(crowd, crowd->n, remove_ended);
        crowd_settle(crowd);
        for (size_t i = 0; i < crowd->n; i++)
                cr_assert_eq(
                        crowd->members[i].life, EMPTY, "%s was not destroyed", crowd->members[i].job->unit);
}

void crowd_clear(Crowd *crowd) {
        agent_clear(&crowd->agent);
        crowd->given_up = strv_free(crowd->given_up);
        free(crowd->members);
}
