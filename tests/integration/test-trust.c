/* SPDX-License-Identifier: Apache-2.0 */

#include "box.h"

/* What root in a container can do to the host and to other tasks through its process 1. */
TestSuite(trust, .timeout = TEST_SEC);

/* The identity of another task, as a record has it; version 1 is what the file of nspawn-units 0.1.0 had. */
#define FORGED \
        "{\"version\":%d,\"id\":\"%s\",\"unit\":\"%s\",\"machine\":\"%s\",\"isolation\":\"nspawn\"," \
        "\"launch\":\"supervise\",\"started_usec\":0}"

static Job *attacker_new(const Job *victim, int version, const char *more) {
        Job *job = job_new("exec /local/escape-init \"$FORGED\"", more);
        _cleanup_free_ char *forged = xasprintf(FORGED, version, victim->config.id, victim->unit,
                version == 1 ? job->machine : victim->machine);

        job_set_env(job, "FORGED", forged);
        job_install(job, "escape-init");
        return job;
}

/* Return: the names of the task's files, and the contents of its record. */
static char *record_of(const Job *job) {
        return shell_good("cd /run/nspawn-units/tasks/%s && ls -1 && cat record", job->machine);
}

Test(trust, root_in_the_container_reaches_nothing_but_its_own_result_through_process_1) {
        static const char *const more[] = { "{}", "{'user_namespacing': false, 'network_veth': false}" };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *victim = job_new("echo ready; exec sleep 1000", NULL);

        job_start(&agent, victim);
        stream_wait_text(victim->out, "ready");
        for (size_t i = 0; i < 2 * ELEMENTSOF(more); i++) {
                _cleanup_job_ Job *job = attacker_new(victim, i % 2 == 0 ? 1 : 2, more[i / 2]);

                job_start(&agent, job);
                stream_wait_text(job->out, "done");
                _cleanup_free_ char *told = stream_text(job->out);
                cr_expect_null(strstr(told, "ESCAPE"), "%s", told);
                /* The program wrote to an eventfd: eight bytes at a time, up to its maximum. */
                const char *written = strstr(told, "\nwritten ");
                cr_assert_not_null(written, "%s", told);
                long n_written = atol(written + strlen("\nwritten "));
                cr_expect(n_written > 0 && n_written <= 4096, "%s", told);

                _cleanup_free_ char *record = record_of(job),
                                    *size = shell_good(
                                            "du -sb --exclude=unit /run/nspawn-units/tasks/%s | cut -f1",
                                            job->machine);
                cr_expect_null(strstr(record, victim->config.id), "%s", record);
                cr_expect_not_null(strstr(record, job->config.id), "%s", record);
                cr_expect_lt(atol(size), 4096, "%s", size);

                /* Both names still stand for their own tasks. */
                free(shell_good(
                        "$NSPAWN_PAYLOAD/nspawnctl exec %s test -e /local/escape-init", job->machine));
                free(shell_good("$NSPAWN_PAYLOAD/nspawnctl exec %s test ! -e /local/escape-init",
                        victim->config.id));
                job_destroy(&agent, job);
                free(shell_good("systemctl -q is-active %s", victim->unit));
        }
        job_destroy(&agent, victim);
}
