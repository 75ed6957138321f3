/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "box.h"

/*
 * Tasks keep their properties when systemd reads its units again, as it does with each installed package.
 * The suite alone is declared in test-plugin.c.
 */

/* Return: the unit's properties without counters, times and pids, and without lists of units (they have no
 * order). */
static char *properties(const Job *job) {
        return shell_good(
                "systemctl show %s | grep -vE '^(CPUUsageNSec|(Effective)?Memory(Current|Peak|Available|Swap|ZSwap)"
                "|EffectiveMemory|IO(Read|Write)|TasksCurrent|NeedDaemonReload|[A-Za-z]*Timestamp|"
                "NFileDescriptorStore|After=|Requires=|RequiresMountsFor=)' | "
                "sed -E 's/ (start_time|stop_time|pid|code|status)=[^;}]*//g' | sort",
                job->unit);
}

/* Return: the first line that differs, "" for none; owned by the caller. */
static char *first_difference(const char *a, const char *b) {
        while (*a && *a == *b) {
                const char *x = strchrnul(a, '\n'), *y = strchrnul(b, '\n');

                if (x - a != y - b || strncmp(a, b, (size_t) (x - a)) != 0)
                        break;
                a = *x ? x + 1 : x;
                b = *y ? y + 1 : y;
        }
        return xasprintf(
                "%.*s%s%.*s", (int) strcspn(a, "\n"), a, *a || *b ? " / " : "", (int) strcspn(b, "\n"), b);
}

#define NASTY_NAME "Gr\303\266\303\237e %n $HOME ${X} \"x\" 'y' 100% \\"
#define WORDS \
        "'%i', '%%', '$HOME', '$$', '${X}', '\\\\x41', 'a\\tb', '', '  ', '\\u0027', '\\u0022', ';', '\303\251', " \
        "'two\\nlines', '--', '-x'"
#define WORDS_SEEN "[%i][%%][$HOME][$$][${X}][\\x41][a\tb][][  ]['][\"][;][\303\251][two\nlines][--][-x]"

static Job *nasty_job_new(const char *more) {
        _cleanup_free_ char *config = xasprintf(
                "{'image': 'hello', 'boot': false, 'read_only': true, 'network_veth': false, 'command': "
                "['/bin/sh', '-c', 'printf \\u0027[%%s]\\u0027 \\u0022$@\\u0022; echo \\u0022 $VALUE\\u0022; "
                "read x </local/wait; exit $x', 'sh', %s]%s}",
                WORDS, more);
        Job *job = job_new(NULL, config);

        string_replace(&job->config.job_name, NASTY_NAME);
        string_replace(&job->config.task_group_name, NASTY_NAME);
        job_set_env(job, "VALUE", NASTY_NAME);
        job_limit_memory(job, 64);
        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        return job;
}

#define SEEN WORDS_SEEN " " NASTY_NAME "\n"

Test(alone, a_unit_keeps_its_properties_and_its_command_over_daemon_reload_and_reexec) {
        static const char *const configs[] = {
                "",
                ", 'restart': {'policy': 'on-failure', 'delay': '200ms', 'max_attempts': 3, 'interval': '1h'}",
                ", 'restart': {'policy': 'always'}, 'oom_policy': 'kill', 'process_two': true",
        };
        static const char *const lines[] = { "systemctl daemon-reload", "systemctl daemon-reexec" };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(configs)];
        char *before[ELEMENTSOF(configs)];

        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                jobs[i] = nasty_job_new(configs[i]);
                job_start(&agent, jobs[i]);
                stream_wait_text(jobs[i]->out, SEEN);
                before[i] = properties(jobs[i]);
                expect_text(before[i], "LoadState=loaded");
        }
        for (size_t k = 0; k < ELEMENTSOF(lines); k++) {
                free(shell_good("%s", lines[k]));
                for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                        _cleanup_free_ char *after = properties(jobs[i]);

                        _cleanup_free_ char *changed = first_difference(before[i], after);

                        cr_expect_str_empty(changed, "task %zu after %s: %s", i, lines[k], changed);
                }
        }

        /* The next run sees the same as the first. */
        for (size_t i = 1; i < ELEMENTSOF(configs); i++)
                free(shell_good("systemctl set-property --runtime %1$s CPUWeight=77 && "
                                "kill -KILL $(systemctl show -P MainPID %1$s)",
                        jobs[i]->unit));
        for (size_t i = 1; i < ELEMENTSOF(configs); i++)
                stream_wait_text(jobs[i]->out, SEEN SEEN);

        job_stop(&agent, jobs[2], 0, "SIGKILL");
        for (size_t i = 0; i < 2; i++)
                free(shell_good("echo %d >%s/task/local/wait", i == 0 ? 9 : 0, jobs[i]->directory));
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                static const int codes[ELEMENTSOF(configs)] = { 9, 0, 137 };

                cr_expect_eq(job_wait(&agent, jobs[i]), codes[i], "task %zu", i);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
                free(before[i]);
        }
}
