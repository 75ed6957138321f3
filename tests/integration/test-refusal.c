/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <unistd.h>

#include "box.h"

/* Starts that fail: the answer names what is wrong, and comes at once. */
TestSuite(refusal, .timeout = TEST_SEC);

Test(refusal, a_wrong_config_is_named) {
        static const struct {
                const char *config, *words[2];
        } rows[] = {
                { "{'no_such_option': 1}", { "no_such_option" } },
                { "{'imgae': '/x'}", { "imgae" } },
                { "{'read_only': 'perhaps'}", { "read_only" } },
                { "{'command': 7}", { "command" } },
                { "{'bind': 'x'}", { "bind" } },
                { "{'capability': ['nonsense']}", { "capability", "nonsense" } },
                { "{'capability': ['NET_ADMN']}", { "\"NET_ADMN\"", "CAP_NET_ADMIN" } },
                { "{'console': 'none', 'process_two': 1}", { "console", "process_two" } },
                { "{'no_such_option': 1, 'boot': true, 'user': 'app'}", { "no_such_option", "user" } },
                { "{'volatile': 'sometimes'}", { "volatile", "sometimes" } },
                { "{'console': 'none'}", { "console", "none" } },
                { "{'resolv_conf': 'maybe'}", { "resolv_conf", "maybe" } },
                { "{'private_users_ownership': 'keep'}", { "private_users_ownership", "keep" } },
                { "{'working_directory': 'here'}", { "working_directory", "here" } },
                { "{'pivot_root': 'here'}", { "pivot_root", "here" } },
                { "{'boot': true, 'process_two': true}", { "process_two", "boot" } },
                { "{'command': null}", { "command", "boot" } },
                { "{'private_users_ownership': 'chown', 'read_only': false, 'volatile': 'overlay'}",
                        { "private_users_ownership", "volatile" } },
                { "{'private_users_ownership': 'chown'}", { "private_users_ownership", "read_only" } },
                { "{'image': '/'}", { "image", "ephemeral" } },
                { "{'image': null}", { "image" } },
                { "{'image': '/no/such/image'}", { "image", "/no/such/image" } },
                { "{'image': 'no/such/image'}", { "image", "no/such/image" } },
                { "{'image': 'nosuchimage'}", { "image", "nosuchimage" } },
                { "{'image': '/dev/null'}", { "image", "/dev/null" } },
                { "{'command': ['/no/such/program']}", { "command", "/no/such/program" } },
        };
        _cleanup_agent_ Agent agent = agent_start();

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_job_ Job *job = job_new("true", rows[i].config);
                double begin = now();
                _cleanup_free_ char *text = job_start_fails(&agent, job);

                cr_expect_lt(now() - begin, 2.0, "%s", rows[i].config);
                for (size_t j = 0; j < ELEMENTSOF(rows[i].words); j++)
                        cr_expect(!rows[i].words[j] || strstr(text, rows[i].words[j]), "%s: %s",
                                rows[i].config, text);
        }
}

Test(refusal, impossible_mounts_and_variables_are_named_in_the_error) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *volumes = job_new("true", NULL), *shared = job_new("true", NULL),
                          *name = job_new("true", NULL), *disabled = job_new("true", NULL);
        char mode[] = "bidirectional", none[] = "";

        agent_configure(&agent, "{'volumes': false}");
        job_add_mount(volumes, "/srv", "/volume", false);
        _cleanup_free_ char *a = job_start_fails(&agent, volumes);
        expect_text(a, "volumes");
        expect_text(a, "/volume");

        agent_configure(&agent, NULL);
        job_add_mount(shared, "/srv", "/volume", false);
        shared->mounts[0].propagation_mode = mode;
        _cleanup_free_ char *b = job_start_fails(&agent, shared);
        expect_text(b, "bidirectional");
        shared->mounts[0].propagation_mode = none;

        job_set_env(name, "A=B", "x");
        _cleanup_free_ char *c = job_start_fails(&agent, name);
        expect_text(c, "A=B");
        job_add_mount(name, "/srv", "/volume", false);
        name->mounts[0].propagation_mode = mode;
        _cleanup_free_ char *all = job_start_fails(&agent, name);
        expect_text(all, "A=B");
        expect_text(all, "bidirectional");
        name->mounts[0].propagation_mode = none;

        agent_configure(&agent, "{'enabled': false}");
        _cleanup_free_ char *d = job_start_fails(&agent, disabled);
        expect_text(d, "enabled");
}

/* Return: when systemd saw nspawn end; 0 if it did not run. */
/* Return: a second, or more on an emulated processor, which is some ten times slower. */
static double limit(void) {
        _cleanup_free_ char *machine = shell_good("systemd-detect-virt || true");

        return strncmp(machine, "qemu", 4) == 0 ? 4.0 : 1.0;
}

Test(refusal, what_nspawn_refuses_is_reported_within_a_second_in_its_words) {
        char *config[] = {
                xstrdup("{'command': ['nosuchprogram']}"),
                xasprintf("{'image': '%s/images/hello.raw', 'command': ['/no/such']}", test_directory()),
                xasprintf(
                        "{'image': '%s/images/hello.raw', 'bind': {'/srv': '/nothere'}}", test_directory()),
                xstrdup("{'working_directory': '/no/such/directory'}"),
                xstrdup("{'user': 'nosuchuser'}"),
                xstrdup("{'bind': {'/no/such/source': '/run/x'}}"),
        };
        static const char *const words[] = { "nosuchprogram", "/no/such", "read_only = true",
                "/no/such/directory", "nosuchuser", "/no/such/source" };
        _cleanup_agent_ Agent agent = agent_start();
        double worst = 0, allowed = limit();

        for (size_t i = 0; i < ELEMENTSOF(config); i++) {
                _cleanup_job_ Job *job = job_new("true", config[i]);
                _cleanup_free_ char *text = job_start_fails(&agent, job);
                double told = now(), ended = job_nspawn_ended(job);

                cr_expect(strstr(text, words[i]), "%s: %s", config[i], text);
                cr_expect_gt(ended, 0, "%s: nspawn was not started: %s", config[i], text);
                if (ended > 0 && told - ended > worst)
                        worst = told - ended;
                cr_expect_lt(told - ended, allowed, "%s: %.3f s", config[i], told - ended);
                shell_until("test \"$(systemctl show -P LoadState %s)\" = not-found", job->unit);
                free(shell_good("! test -e /run/nspawn-units/tasks/%s", job->machine));
                free(config[i]);
        }
        measured("nspawn's end until StartTask has failed, longest of 6", "%.3f s", worst);
}

/* An image of this test alone, with a file of 16 MiB and without /alloc. */
static char *image_new(void) {
        char *image = xasprintf("%s/images/refusal-%d", test_directory(), getpid());

        free(shell_good("cp -a %1$s/images/hello %2$s && rmdir %2$s/alloc && "
                        "dd if=/dev/zero of=%2$s/large bs=1M count=16 status=none",
                test_directory(), image));
        return image;
}

static void expect_start_fails(Agent *agent, Job *job, const char *const *words) {
        _cleanup_free_ char *text = job_start_fails(agent, job);

        for (; *words; words++)
                expect_text(text, *words);
}

Test(refusal, what_an_image_cannot_do_is_reported_with_a_remedy) {
        _cleanup_free_ char *image = image_new();
        _cleanup_free_ char *writable = xasprintf("{'image': '%s', 'read_only': false}", image);
        _cleanup_free_ char *kept = xasprintf("{'image': '%s'}", image);
        _cleanup_free_ char *overlay = xasprintf(
                "{'image': '%s', 'read_only': false, 'volatile': 'overlay'}", image);
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *first = job_new("while :; do sleep 1; done", writable),
                          *second = job_new("true", writable), *read_only = job_new("true", kept),
                          *large = job_new("true", overlay), *small = job_new("true", overlay);

        expect_start_fails(
                &agent, read_only, (const char *const[]){ "read_only: ", "/alloc", "volatile = ", NULL });

        job_limit_memory(small, 3);
        expect_start_fails(&agent, small, (const char *const[]){ "memory: ", "4M", NULL });
        /* nspawn changes the owners of an overlay's files, which copies the files into memory. */
        job_limit_memory(large, 8);
        expect_start_fails(&agent, large,
                (const char *const[]){ "out of memory", "limit 8 MiB", "peak", "raise memory", NULL });

        job_start(&agent, first);
        expect_start_fails(&agent, second,
                (const char *const[]){ first->unit, "read_only", "volatile", "ephemeral", NULL });
        job_stop(&agent, first, 5, NULL);
        (void) job_wait(&agent, first);
        job_destroy(&agent, first);
        _cleanup_job_ Job *third = job_new("true", writable);
        free(job_run(&agent, third, 0));
        free(shell_good("rm -r %s", image));
}
