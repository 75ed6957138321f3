/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <unistd.h>

#include "crowd.h"

/*
 * The bus, the driver and what else a task depends on are killed at random, again and again, while tasks
 * start, run, end, are stopped and are destroyed. NSPAWN_TEST_KILL_LOOPS says how often,
 * NSPAWN_TEST_KILL_TASKS with how many tasks, NSPAWN_TEST_KILL_SEED which choices are made. The same seed
 * makes the same choices of what is struck and after which delay; what a task is doing at that moment is a
 * matter of time.
 */

/* Every wait has a limit of its own. 500 loops with 100 tasks take hours on a machine that is emulated. */
TestSuite(kill, .timeout = 24 * 3600);

#define LOOPS 6
#define TASKS 8

/* A driver that has had many tasks may keep so much more than a new one. */
#define MORE_FDS 4.0
#define MORE_KIB (16.0 * 1024)

/* How many tasks each loop starts, at least. */
#define STARTS_MIN 3

/* One loop in so many has two strikes. */
#define TWICE 3

/* Before each strike. About as long as a start takes on an emulated host. */
#define DELAY_MSEC 1500

static const struct Strike {
        const char *name;
        const char *line; /* NULL for the driver */
        unsigned weight;  /* how often it is chosen, compared with the others */
} strikes[] = {
        { "SIGKILL of the driver", NULL, 5 },
        { "SIGKILL of dbus", "systemctl kill -s KILL dbus.service", 4 },
        { "restart of dbus", "systemctl restart dbus.service", 1 },
        { "SIGKILL of systemd-machined", "systemctl kill -s KILL systemd-machined.service", 1 },
        { "restart of systemd-machined", "systemctl restart systemd-machined.service", 1 },
        { "daemon-reload", "systemctl daemon-reload", 1 },
        { "daemon-reexec", "systemctl daemon-reexec", 1 },
};

static const struct Strike *choose_strike(void) {
        unsigned sum = 0, i = 0;

        for (size_t k = 0; k < ELEMENTSOF(strikes); k++)
                sum += strikes[k].weight;
        for (unsigned n = crowd_random(sum); n >= strikes[i].weight; i++)
                n -= strikes[i].weight;
        return &strikes[i];
}

/* What one loop strikes. It is chosen before anything of which nobody knows how long it takes. */
typedef struct Choice {
        const struct Strike *strike;
        unsigned delay_msec;
} Choice;

/* Return: how many strikes it is. The second of two may hit what the first has left half done. */
static size_t choose(Choice ret[2]) {
        size_t n = crowd_random(TWICE) == 0 ? 2 : 1;

        for (size_t i = 0; i < n; i++)
                ret[i] = (Choice){ choose_strike(), crowd_random(DELAY_MSEC) };
        return n;
}

/* systemd gives up on a service that is started too often, which this test is not about. */
#define FORGIVE \
        "systemctl reset-failed dbus.service systemd-machined.service systemd-logind.service 2>/dev/null; "

/* Waits until systemd can be reached over the bus, which has another main process than @before. */
static void wait_for_bus(const char *before) {
        shell_until(FORGIVE "P=$(systemctl show -P MainPID dbus.service) && test \"$P\" != 0 && "
                            "test \"$P\" != \"%s\" && "
                            "timeout 10 busctl status org.freedesktop.systemd1 2>&1 >/dev/null",
                before);
}

static void strike(Crowd *crowd, const Choice *choices, size_t n) {
        _cleanup_free_ char *bus = xstrdup("0"); /* main process of the one that was struck */

        for (size_t i = 0; i < n; i++) {
                const char *line = choices[i].strike->line;

                (void) usleep(choices[i].delay_msec * 1000);
                if (!line) {
                        crowd_kill_driver(crowd);
                        continue;
                }
                if (strstr(line, "dbus.service")) {
                        free(bus);
                        bus = shell(NULL, "systemctl show -P MainPID dbus.service");
                }
                crowd_strike(crowd);
                /* What was struck a moment ago may not be there to be struck again. */
                free(shell(NULL, FORGIVE "%s 2>&1", line));
        }
        if (crowd->struck)
                wait_for_bus(bus);
}

/* A task that was destroyed has no directory, unless it was given up while the driver was killed in its
 * start. */
static void check_directories(const Crowd *crowd) {
        _cleanup_free_ char *all = shell(NULL, "ls /run/nspawn-units/tasks 2>/dev/null");
        char *rest = NULL;

        for (char *name = strtok_r(all, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest))
                cr_expect(strv_contains(crowd->given_up, name), "/run/nspawn-units/tasks/%s is left", name);
}

/* The next driver removes what killed starts left, of which it believes it when it is a minute old. */
static void check_sweep(void) {
        free(shell_good("! test -e /run/nspawn-units/tasks || "
                        "find /run/nspawn-units/tasks -depth -exec touch -h -d '5 minutes ago' {} +"));
        _cleanup_agent_ Agent agent = crowd_agent_start();

        shell_until("! ls -A /run/nspawn-units/tasks 2>/dev/null | grep .");
}

/* From this version of systemd on, an nspawn that is killed leaves its mount point in /tmp (seen on 262),
 * and the driver kills it in a start that nobody wants any more. */
#define MOUNT_POINT_VERSION 262

/* Nothing of a task is on the host. */
static void check_leftovers(void) {
        shell_until("exec 2>/dev/null; "
                    "L=$(systemctl list-units --all --full --plain --no-legend 'nspawn-task-*'; "
                    "machinectl list --no-legend | grep ^task-; "
                    "find /run/systemd/nspawn /run/systemd/machines -name '*task-*'; "
                    "find /run/systemd/transient /run/systemd/system -name 'nspawn-task-*'; "
                    "find /tmp -maxdepth 1 -name '%s'; "
                    "ls -d " TASK_SLICE "/*.service; "
                    "grep -e nspawn-test -e nspawn-units /proc/mounts; "
                    "grep -las 'machine[=]task' /proc/[0-9]*/cmdline); "
                    "printf '%%s\\n' \"$L\"; test -z \"$L\"",
                systemd_version() < MOUNT_POINT_VERSION ? "nspawn-*" : "");
}

/* What the driver has of the host when all tasks are gone is what one has that never had a task. */
static void check_cost(Crowd *crowd) {
        _cleanup_agent_ Agent fresh = crowd_agent_start();
        AgentCost none = agent_cost(&fresh), after = agent_cost(&crowd->agent);

        for (double until = now() + LIMIT_MSEC / 1000.0; after.fds > none.fds + MORE_FDS && now() < until;)
                after = agent_cost(&crowd->agent);
        measured("kill: the driver after all tasks, and one without any",
                "%.0f and %.0f descriptors, %.0f and %.0f KiB", after.fds, none.fds, after.rss_kib,
                none.rss_kib);
        cr_expect_leq(after.fds, none.fds + MORE_FDS, "%.0f descriptors, and %.0f without a task", after.fds,
                none.fds);
        cr_expect_leq(after.rss_kib, none.rss_kib + MORE_KIB, "%.0f KiB, and %.0f without a task",
                after.rss_kib, none.rss_kib);
        cr_expect_eq(after.children, 0);
}

Test(kill, the_end_of_every_task_is_reported_truthfully_whatever_is_killed_and_nothing_is_left) {
        unsigned n_loops = number_or("NSPAWN_TEST_KILL_LOOPS", LOOPS);
        unsigned n_tasks = number_or("NSPAWN_TEST_KILL_TASKS", TASKS);
        unsigned seed = number_or("NSPAWN_TEST_KILL_SEED", (unsigned) (uint64_t) (now() * 1000));
        _cleanup_crowd_ Crowd crowd = {};
        double begin = now();

        measured("kill: seed", "%u", seed);
        srandom(seed);
        crowd_begin(&crowd, n_tasks);
        double started = now();
        for (unsigned i = 0; i < n_loops; i++) {
                Choice choices[2];

                srandom(seed + i + 1);
                size_t n = choose(choices);
                for (size_t k = 0; k < n; k++)
                        (void) fprintf(stderr, "loop %u of seed %u: after %u ms %s\n", i, seed,
                                choices[k].delay_msec, choices[k].strike->name);
                crowd_change(&crowd, n_tasks / 20 > STARTS_MIN ? n_tasks / 20 : STARTS_MIN);
                strike(&crowd, choices, n);
                crowd_settle(&crowd);
                crowd_check(&crowd);
        }
        double ending = now();
        crowd_end(&crowd);
        check_directories(&crowd);
        check_cost(&crowd);
        check_sweep();
        check_leftovers();
        measured("kill", "%u loops in %.0f s with %u tasks, which began in %.0f s and ended in %.0f s",
                n_loops, ending - started, n_tasks, started - begin, now() - ending);
        measured("kill", "%u starts and %u ends reported, %u calls refused, %zu starts given up",
                crowd.n_started, crowd.n_ended, crowd.n_refused, strv_length(crowd.given_up));
}
