/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "box.h"
#include "task/name.h"

#define POLL_USEC 50000

const char *test_directory(void) {
        const char *directory = getenv("NSPAWN_TEST_DIR");

        return directory ? directory : "/var/lib/nspawn-test";
}

double now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void measured(const char *what, const char *format, ...) {
        _cleanup_free_ char *path = xasprintf("%s/measured", test_directory()), *text = NULL;
        FILE *file = fopen(path, "ae");
        va_list ap;

        cr_assert_not_null(file);
        va_start(ap, format);
        text = xvasprintf(format, ap);
        va_end(ap);
        (void) fprintf(file, "%s: %s\n", what, text);
        (void) fclose(file);
}

static char *shell_line(const char *line, int *ret_status) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        FILE *file = popen(line, "re");
        char bytes[4096];
        size_t n;

        cr_assert_not_null(file);
        while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
                string_buffer_append_bytes(&buffer, bytes, n);
        int status = pclose(file);
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

        while (buffer.length > 0 && buffer.text[buffer.length - 1] == '\n')
                buffer.text[--buffer.length] = 0;
        return string_buffer_take(&buffer);
}

char *shell(int *ret_status, const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        int status;
        va_list ap;

        va_start(ap, format);
        line = xvasprintf(format, ap);
        va_end(ap);
        return shell_line(line, ret_status ? ret_status : &status);
}

char *shell_good(const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        int status;
        va_list ap;

        va_start(ap, format);
        line = xvasprintf(format, ap);
        va_end(ap);
        char *text = shell_line(line, &status);
        cr_assert_eq(status, 0, "%s: status %d\n%s", line, status, text);
        return text;
}

unsigned systemd_version(void) {
        _cleanup_free_ char *text = shell_good(
                "systemctl --version | sed -n '1s/^systemd \\([0-9]*\\).*/\\1/p'");

        return (unsigned) strtoul(text, NULL, 10);
}

unsigned number_or(const char *name, unsigned otherwise) {
        const char *text = getenv(name);

        return text && *text ? (unsigned) strtoul(text, NULL, 10) : otherwise;
}

void shell_until(const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        double until = now() + LIMIT_MSEC / 1000.0;
        int status;
        va_list ap;

        va_start(ap, format);
        line = xvasprintf(format, ap);
        va_end(ap);
        for (;;) {
                _cleanup_free_ char *text = shell_line(line, &status);

                if (status == 0)
                        return;
                cr_assert_lt(now(), until, "never succeeded: %s\n%s", line, text);
                (void) usleep(POLL_USEC);
        }
}

Agent agent_start(void) {
        _cleanup_free_ char *program = xasprintf("%s/plugins/nomad-driver-nspawn", test_directory());
        _cleanup_free_ char *log = xasprintf("%s/plugin.log", test_directory());
        _cleanup_error_ Error *error = NULL;
        Agent agent = {};

        if (plugin_start(program, NULL, log, LIMIT_MSEC, &agent.plugin, &error) < 0)
                cr_assert_fail("%s", error_message(error));
        agent.client = client_new(plugin_socket(agent.plugin));
        return agent;
}

void agent_clear(Agent *agent) {
        /* A plugin that is killed leaves its socket. */
        if (agent->plugin)
                (void) unlink(plugin_socket(agent->plugin));
        agent->client = client_free(agent->client);
        agent->plugin = plugin_free(agent->plugin);
}

void agent_configure(Agent *agent, const char *config) {
        Base__SetConfigRequest request = BASE__SET_CONFIG_REQUEST__INIT;
        char version[] = "0.1.0";

        request.plugin_api_version = version;
        if (config)
                request.msgpack_config = msgpack_of(config);
        protobuf_c_message_free_unpacked(
                agent_call(agent, BASE "SetConfig", &request, &base__set_config_response__descriptor), NULL);
        free(request.msgpack_config.data);
}

static double number_of(const char *line, pid_t pid) {
        _cleanup_free_ char *text = shell_good("P=%d; %s", pid, line);

        return atof(text);
}

AgentCost agent_cost(const Agent *agent) {
        pid_t pid = plugin_pid(agent->plugin);

        return (AgentCost){
                .fds = number_of("ls /proc/$P/fd | wc -l", pid),
                .children = number_of("cat /proc/$P/task/*/children | wc -w", pid),
                .rss_kib = number_of("awk '/^Rss:/ { print $2 }' /proc/$P/smaps_rollup", pid),
        };
}

Job *job_new(const char *script, const char *config) {
        Job *job = xnew(Job, 1);
        char *alloc = shell_good("cat /proc/sys/kernel/random/uuid");

        job->directory = xasprintf("%s/alloc/%s", test_directory(), alloc);
        job->machine = machine_name_make("task", alloc);
        job->unit = unit_name_make(job->machine);
        driver__task_config__init(&job->config);
        job->config.id = xasprintf("%s/task/00000001", alloc);
        job->config.name = xstrdup("task");
        job->config.alloc_id = alloc;
        job->config.job_name = xstrdup("testjob");
        job->config.job_id = xstrdup("testjob");
        job->config.task_group_name = xstrdup("group");
        job->config.namespace_ = xstrdup("default");
        job->config.alloc_dir = xstrdup(job->directory);
        job->config.stdout_path = xasprintf("%s/alloc/logs/.task.stdout.fifo", job->directory);
        job->config.stderr_path = xasprintf("%s/alloc/logs/.task.stderr.fifo", job->directory);
        job->config.msgpack_driver_config = driver_config_of(script, config);
        job->config.env = job->env_rows;
        job->config.mounts = job->mount_rows;
        free(shell_good("mkdir -p %1$s/alloc/logs %1$s/task/local %1$s/task/secrets && "
                        "chown -R nobody %1$s/alloc %1$s/task && chmod -R 777 %1$s/alloc %1$s/task && "
                        "mkfifo -m 600 %2$s %3$s",
                job->directory, job->config.stdout_path, job->config.stderr_path));
        job->out = stream_new(job->config.stdout_path);
        job->err = stream_new(job->config.stderr_path);
        job_set_env(job, "NOMAD_ALLOC_DIR", "/alloc");
        job_set_env(job, "NOMAD_TASK_DIR", "/local");
        job_set_env(job, "NOMAD_SECRETS_DIR", "/secrets");
        return job;
}

Job *job_free(Job *job) {
        if (!job)
                return NULL;

        (void) client_call_free(job->starting);
        driver__start_task_response__free_unpacked(job->started, NULL);
        (void) stream_free(job->out);
        (void) stream_free(job->err);
        free(shell_good("rm -rf %s", job->directory));
        for (size_t i = 0; i < job->config.n_env; i++) {
                free(job->env[i].key);
                free(job->env[i].value);
        }
        for (size_t i = 0; i < job->config.n_mounts; i++) {
                free(job->mounts[i].host_path);
                free(job->mounts[i].task_path);
        }
        free(job->config.id);
        free(job->config.name);
        free(job->config.alloc_id);
        free(job->config.job_name);
        free(job->config.job_id);
        free(job->config.task_group_name);
        free(job->config.namespace_);
        free(job->config.alloc_dir);
        free(job->config.stdout_path);
        free(job->config.stderr_path);
        free(job->config.msgpack_driver_config.data);
        free(job->directory);
        free(job->machine);
        free(job->unit);
        free(job);
        return NULL;
}

void job_set_env(Job *job, const char *name, const char *value) {
        size_t i = job->config.n_env++;

        cr_assert_lt(i, JOB_ENV_MAX);
        driver__task_config__env_entry__init(&job->env[i]);
        job->env[i].key = xstrdup(name);
        job->env[i].value = xstrdup(value);
        job->env_rows[i] = &job->env[i];
}

void job_add_mount(Job *job, const char *source, const char *target, bool read_only) {
        size_t i = job->config.n_mounts++;

        cr_assert_lt(i, JOB_MOUNTS_MAX);
        driver__mount__init(&job->mounts[i]);
        job->mounts[i].host_path = xstrdup(source);
        job->mounts[i].task_path = xstrdup(target);
        job->mounts[i].readonly = read_only;
        job->mount_rows[i] = &job->mounts[i];
}

void job_install(const Job *job, const char *program) {
        free(shell_good("install -m 755 \"$NSPAWN_PAYLOAD/%s\" %s/task/local/", program, job->directory));
}

double job_nspawn_ended(const Job *job) {
        _cleanup_free_ char *text = shell_good(
                "journalctl --sync; journalctl -q --no-pager -o short-unix -u %s | "
                "sed -n 's/^\\([0-9.]*\\) .*Main process exited.*/\\1/p'",
                job->unit);

        return strtod(text, NULL);
}

void job_start_begin(Agent *agent, Job *job) {
        job->starting = job_open_start(agent, job);
}

void job_start_end(Job *job) {
        job->started = call_end(
                job->starting, "StartTask", &driver__start_task_response__descriptor, LIMIT_MSEC);
        job->starting = NULL;
        cr_assert_not_null(job->started->handle);
        cr_assert_not_null(job->started->handle->config);
        cr_assert_str_eq(job->started->handle->config->id, job->config.id);
}

void job_start(Agent *agent, Job *job) {
        job_start_begin(agent, job);
        job_start_end(job);
}

char *job_start_fails(Agent *agent, Job *job) {
        Driver__StartTaskRequest request = DRIVER__START_TASK_REQUEST__INIT;

        request.task = &job->config;
        return agent_call_fails(agent, DRIVER "StartTask", &request, GRPC_STATUS_FAILED_PRECONDITION);
}

int job_wait(Agent *agent, Job *job) {
        Driver__WaitTaskResponse *reply = call_end(
                job_open_wait(agent, job), "WaitTask", &driver__wait_task_response__descriptor, LIMIT_MSEC);
        cr_assert_not_null(reply->result);
        cr_assert_str_eq(reply->err, reply->result->oom_killed ? "OOM Killed" : "");
        int code = reply->result->exit_code;
        job->signal = reply->result->signal;
        job->oom_killed = reply->result->oom_killed;
        driver__wait_task_response__free_unpacked(reply, NULL);
        return code;
}

void job_stop(Agent *agent, Job *job, int64_t timeout_sec, const char *signal) {
        call_finish(job_open_stop(agent, job, timeout_sec, signal), "StopTask",
                &driver__stop_task_response__descriptor);
}

void job_destroy(Agent *agent, Job *job) {
        call_finish(job_open_destroy(agent, job, true), "DestroyTask",
                &driver__destroy_task_response__descriptor);
        shell_until("test \"$(systemctl show -P LoadState %s)\" = not-found", job->unit);
        free(shell_good("! test -e /run/nspawn-units/tasks/%s", job->machine));
}

void job_recover(Agent *agent, Job *job) {
        call_finish(job_open_recover(agent, job), "RecoverTask", &driver__recover_task_response__descriptor);
}

char *job_run(Agent *agent, Job *job, int code) {
        job_start(agent, job);
        int got = job_wait(agent, job);
        char *out = stream_wait_end(job->out, NULL);
        _cleanup_free_ char *err = stream_wait_end(job->err, NULL);

        job_destroy(agent, job);
        cr_assert_eq(got, code, "exit code %d, not %d\nstdout: %s\nstderr: %s", got, code, out, err);
        return out;
}

char *job_property(const Job *job, const char *name) {
        return shell_good("systemctl show -P %s %s", name, job->unit);
}
