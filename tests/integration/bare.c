/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "bare.h"
#include "base/fd.h"

#define COMMAND_LINE_MAX 65536

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"

struct Bare {
        sd_bus *bus;
        char *machine;
        char *unit;
        char *task_file;
        char **args;
        char *job_path; /* of the current job, from systemd's answer */
        char *removed;  /* path of the job that was removed last */
        char *result;
};

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        const char *path, *unit, *result;
        Bare *bare = userdata;

        if (sd_bus_message_read(m, "uoss", NULL, &path, &unit, &result) < 0 || !streq(unit, bare->unit))
                return 0;
        string_replace(&bare->removed, path);
        string_replace(&bare->result, result);
        return 0;
}

/* A mount of a file in the task's directory, which is gone when the task has ended. */
#define OF_THE_TASK "--bind-ro=/run/nspawn-units/"

/* Adds an argument of the task's nspawn. The machine's name and the secrets are replaced by other ones. */
static void add_argument(Bare *bare, const char *arg) {
        static const char credential[] = "--load-credential=";
        const char *colon;

        if (string_after_prefix(arg, "--machine="))
                strv_appendf(&bare->args, "--machine=%s", bare->machine);
        else if (string_after_prefix(arg, credential) && (colon = strchr(arg, ':'))) {
                free(shell_good("cp -p %s %s", colon + 1, bare->task_file));
                strv_appendf(&bare->args, "%.*s:%s", (int) (colon - arg), arg, bare->task_file);
        } else if (!streq(arg, "--descriptors-on-stdin") && !string_after_prefix(arg, OF_THE_TASK))
                strv_append(&bare->args, arg);
}

Bare *bare_new(const Job *job) {
        Bare *bare = xnew(Bare, 1);
        _cleanup_free_ char *pid = job_property(job, "MainPID");
        _cleanup_free_ char *path = xasprintf("/proc/%s/cmdline", pid), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, COMMAND_LINE_MAX, &text);

        cr_assert_gt(n, 0, "cannot read %s", path);
        bare->machine = xasprintf("bare-%d", getpid());
        bare->unit = xasprintf("%s.service", bare->machine);
        bare->task_file = xasprintf("%s/bare-task", job->directory);
        for (const char *p = text; p < text + n; p += strlen(p) + 1)
                add_argument(bare, p);

        cr_assert_geq(sd_bus_open_system(&bare->bus), 0);
        cr_assert_geq(sd_bus_match_signal(bare->bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER, "JobRemoved",
                              on_job_removed, bare),
                0);
        cr_assert_geq(
                sd_bus_call_method(bare->bus, SYSTEMD, MANAGER_PATH, MANAGER, "Subscribe", NULL, NULL, NULL),
                0);
        return bare;
}

Bare *bare_free(Bare *bare) {
        if (!bare)
                return NULL;

        sd_bus_flush_close_unref(bare->bus);
        strv_free(bare->args);
        free(bare->machine);
        free(bare->unit);
        free(bare->task_file);
        free(bare->job_path);
        free(bare->removed);
        free(bare->result);
        free(bare);
        return NULL;
}

/* Calls a method of systemd that makes a job, and waits until the job has ended. */
static void bare_run_job(Bare *bare, sd_bus_message *call) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        double until = now() + LIMIT_MSEC / 1000.0;
        const char *path;
        int r;

        string_replace(&bare->removed, NULL);
        r = sd_bus_call(bare->bus, call, 0, &error, &reply);
        cr_assert_geq(r, 0, "%s: %s", bare->unit, error.message);
        cr_assert_gt(sd_bus_message_read(reply, "o", &path), 0);
        string_replace(&bare->job_path, path);
        sd_bus_message_unref(reply);

        while (!streq_null(bare->removed, bare->job_path)) {
                r = sd_bus_process(bare->bus, NULL);
                cr_assert_geq(r, 0, "the connection to systemd is lost");
                cr_assert_lt(now(), until, "the job of %s does not end", bare->unit);
                if (r == 0)
                        (void) sd_bus_wait(bare->bus, USEC_PER_SEC);
        }
        cr_assert_str_eq(bare->result, "done", "%s: %s", bare->unit, bare->result);
}

static sd_bus_message *new_call(Bare *bare, const char *method) {
        sd_bus_message *m = NULL;

        cr_assert_geq(
                sd_bus_message_new_method_call(bare->bus, &m, SYSTEMD, MANAGER_PATH, MANAGER, method), 0);
        return m;
}

/* Adds only the properties that nspawn needs, with the values that our units have. */
static int append_properties(Bare *bare, sd_bus_message *m) {
        int r = sd_bus_message_open_container(m, 'a', "(sv)");

        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Type", "s", "notify",
                        "KillMode", "s", "mixed", "Delegate", "b", 1, "Slice", "s", "nspawn-nomad.slice",
                        "CollectMode", "s", "inactive-or-failed", "StandardOutput", "s", "null",
                        "DevicePolicy", "s", "closed");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)", "DeviceAllow", "a(ss)", 4, "/dev/net/tun", "rwm",
                        "char-pts", "rw", "char-*", "m", "block-*", "m");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "ExecStart");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasb");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", bare->args[0]);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, bare->args);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", 0);
        for (unsigned i = 0; i < 5 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

double bare_start(Bare *bare) {
        double begin = now();
        sd_bus_message *m = new_call(bare, "StartTransientUnit");
        int r = sd_bus_message_append(m, "ss", bare->unit, "fail");

        if (r >= 0)
                r = append_properties(bare, m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        cr_assert_geq(r, 0, "cannot describe %s: %s", bare->unit, strerror(-r));
        bare_run_job(bare, m);
        sd_bus_message_unref(m);
        return now() - begin;
}

double bare_stop(Bare *bare) {
        double begin = now();
        sd_bus_message *m = new_call(bare, "StopUnit");

        cr_assert_geq(sd_bus_message_append(m, "ss", bare->unit, "replace"), 0);
        bare_run_job(bare, m);
        sd_bus_message_unref(m);
        return now() - begin;
}
