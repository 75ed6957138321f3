/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "box.h"

/* The images of tasks, and which changes to them stay. */
TestSuite(image, .timeout = TEST_SEC);

/* Return: a copy of the image that a test may lock and change. */
static char *image_copy(const char *name) {
        char *path = xasprintf("%s/images/%s-%d", test_directory(), name, getpid());

        free(shell_good("cp -a %s/images/hello %s", test_directory(), path));
        return path;
}

static char *config_of(const char *image, const char *more) {
        return xasprintf("{'image': '%s', 'read_only': false%s%s}", image, *more ? ", " : "", more);
}

Test(image, is_found_as_file_system_image_relative_path_and_machined_name) {
        _cleanup_free_ char *machines = xasprintf("hello-%d", getpid());
        char *configs[] = {
                xasprintf("{'image': '%s/images/hello.raw'}", test_directory()),
                xstrdup("{'image': 'hello'}"),
                xasprintf("{'image': '%s'}", machines),
                xstrdup("{'image': '../images/hello'}"),
        };
        Job *jobs[ELEMENTSOF(configs)];
        _cleanup_agent_ Agent agent = agent_start();

        free(shell_good("mkdir -p /var/lib/machines && cp -a %s/images/hello /var/lib/machines/%s",
                test_directory(), machines));
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                jobs[i] = job_new("cat /etc/os-release", configs[i]);
                job_start_begin(&agent, jobs[i]);
                free(configs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                job_start_end(jobs[i]);
                cr_expect_eq(job_wait(&agent, jobs[i]), 0, "image %zu", i);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                expect_text(out, "ID=hello");
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
        free(shell_good("rm -r /var/lib/machines/%s", machines));
}

Test(image, keeps_what_is_written_only_where_it_is_writable) {
        static const struct {
                const char *options, *expected;
                bool kept;
        } rows[] = {
                { "", "root var \n", true },
                { "'ephemeral': true", "root var \n", false },
                { "'volatile': 'overlay'", "root var \n", false },
                { "'volatile': 'state'", "var \n", false },
                { "'volatile': 'no'", "root var \n", true },
                { "'read_only': true", "\n", false },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];
        char *images[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *name = xasprintf("mode%zu", i);
                images[i] = image_copy(name);
                _cleanup_free_ char *config = config_of(images[i], rows[i].options);

                jobs[i] = job_new("(echo x >/written) 2>/dev/null && printf 'root '\n"
                                  "(echo x >/var/written) 2>/dev/null && printf 'var '\n"
                                  "echo",
                        config);
                job_start_begin(&agent, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_start_end(jobs[i]);
                cr_expect_eq(job_wait(&agent, jobs[i]), 0);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                cr_expect_str_eq(out, rows[i].expected, "%s: %s", rows[i].options, out);
                job_destroy(&agent, jobs[i]);
                _cleanup_free_ char *left = shell_good(
                        "test -e %1$s/written && echo yes; rm -r %1$s; ls -d %1$s/../.#$(basename %1$s)* 2>/dev/null; true",
                        images[i]);
                cr_expect_str_eq(left, rows[i].kept ? "yes" : "", "%s: %s", rows[i].options, left);
                (void) job_free(jobs[i]);
                free(images[i]);
        }
}

Test(image, volatile_yes_keeps_usr_alone) {
        _cleanup_free_ char *image = image_copy("usr"), *config = config_of(image, "'volatile': 'yes'");
        _cleanup_agent_ Agent agent = agent_start();

        free(shell_good(
                "cd %s && mkdir -p usr/lib && mv bin usr/bin && ln -s usr/bin bin && mkdir usr/sbin && "
                "ln -s usr/sbin sbin && ln -s usr/lib lib && ln -s usr/lib lib64",
                image));
        _cleanup_job_ Job *job = job_new(
                "echo x >/written && ls -d /usr/bin/busybox; ls /home 2>/dev/null; true", config);
        _cleanup_free_ char *out = job_run(&agent, job, 0);
        cr_assert_str_eq(out, "/usr/bin/busybox\n");
        free(shell_good("! test -e %1$s/written && rm -r %1$s", image));
}

Test(image, pivot_root_makes_a_directory_of_it_the_root) {
        _cleanup_free_ char *inner = image_copy("inner");
        _cleanup_free_ char *image = xasprintf("%s/images/outer-%d", test_directory(), getpid());
        _cleanup_free_ char *config = config_of(image, "'pivot_root': '/inner'");
        _cleanup_agent_ Agent agent = agent_start();

        free(shell_good(
                "mkdir -p %1$s/usr && mv %2$s %1$s/inner && mkdir %1$s/alloc %1$s/local %1$s/secrets", image,
                inner));
        _cleanup_job_ Job *job = job_new("cat /etc/os-release", config);
        _cleanup_free_ char *out = job_run(&agent, job, 0);
        expect_text(out, "ID=hello");
        free(shell_good("rm -r %s", image));
}

Test(image, chown_gives_its_files_to_the_container) {
        _cleanup_free_ char *image = image_copy("chown");
        _cleanup_free_ char *config = config_of(
                image, "'private_users': '2031616:65536', 'private_users_ownership': 'chown'");
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new("stat -c %u /bin/busybox", config);

        _cleanup_free_ char *out = job_run(&agent, job, 0);
        cr_assert_str_eq(out, "0\n");
        free(shell_good("test $(stat -c %%u %1$s/bin/busybox) = 2031616 && rm -r %1$s", image));
}

static char *resolv_conf_copy(void) {
        return xasprintf("%s/resolv.conf", test_directory());
}

static void keep_resolv_conf(void) {
        _cleanup_free_ char *copy = resolv_conf_copy();

        free(shell_good("! test -e /etc/resolv.conf || cp /etc/resolv.conf %s", copy));
}

/* Runs after a failed assertion as well. */
static void restore_resolv_conf(void) {
        _cleanup_free_ char *copy = resolv_conf_copy();

        free(shell_good("if test -e %1$s; then cat %1$s >/etc/resolv.conf && rm %1$s; "
                        "else rm -f \"$(realpath /etc/resolv.conf)\"; fi",
                copy));
}

Test(image, resolv_conf_and_console_are_as_asked_for, .init = keep_resolv_conf,
        .fini = restore_resolv_conf) {
        _cleanup_free_ char *image = image_copy("resolv"),
                            *copy = config_of(image, "'resolv_conf': 'copy-host'");
        _cleanup_free_ char *image2 = image_copy("noresolv"),
                            *off = config_of(image2, "'resolv_conf': 'off'");
        _cleanup_agent_ Agent agent = agent_start();

        free(shell_good("echo 'nameserver 192.0.2.53' >/etc/resolv.conf"));
        _cleanup_job_ Job *a = job_new("cat /etc/resolv.conf", copy),
                          *b = job_new("test -e /etc/resolv.conf", off);
        /* A terminal has one stream for stdout and stderr. */
        _cleanup_job_ Job *c = job_new(
                "test -t 1 && echo on a terminal; echo err >&2", "{'console': 'read-only'}");
        job_start_begin(&agent, a);
        job_start_begin(&agent, b);
        job_start_end(a);
        cr_expect_eq(job_wait(&agent, a), 0);
        _cleanup_free_ char *out = stream_wait_end(a->out, NULL);
        expect_text(out, "192.0.2.53");
        job_start_end(b);
        cr_expect_eq(job_wait(&agent, b), 1);
        job_destroy(&agent, a);
        job_destroy(&agent, b);
        _cleanup_free_ char *terminal = job_run(&agent, c, 0);
        expect_text(terminal, "on a terminal");
        expect_text(terminal, "err");
        free(shell_good("rm -r %s %s", image, image2));
}
