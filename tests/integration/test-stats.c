/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"
#include "kernel/cgroup-watch.h"
#include "kernel/cgroup.h"

/* The driver's statistics of a task, compared with those of systemd and of the kernel. */
TestSuite(stats, .timeout = TEST_SEC);

#define MIB (1024 * 1024)
#define SAMPLES 200

/* A task that runs @script, prints "ready", and ends when the test writes to its pipe. */
static Job *waiting_job(const char *script, const char *config) {
        _cleanup_free_ char *whole = xasprintf("%s echo ready; read x </local/wait; exit 5", script);
        Job *job = job_new(whole, config);

        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        return job;
}

static void start_ready(Agent *agent, Job *job) {
        job_start(agent, job);
        stream_wait_text(job->out, "ready");
}

static void let_go(const Job *job) {
        free(shell_good("echo >%s/task/local/wait", job->directory));
}

static ClientCall *stats_open(Agent *agent, const Job *job, int64_t interval_msec) {
        Google__Protobuf__Duration interval = GOOGLE__PROTOBUF__DURATION__INIT;
        Driver__TaskStatsRequest request = DRIVER__TASK_STATS_REQUEST__INIT;

        interval.seconds = interval_msec / 1000;
        interval.nanos = (int32_t) (interval_msec % 1000 * 1000000);
        request.task_id = job->config.id;
        request.collection_interval = &interval;
        return client_open(agent->client, DRIVER "TaskStats", &request.base);
}

static Driver__TaskStatsResponse *stats_next(ClientCall *call) {
        Driver__TaskStatsResponse *response = NULL;

        cr_assert_eq(client_next(call, &driver__task_stats_response__descriptor, LIMIT_MSEC,
                             (ProtobufCMessage **) &response),
                1);
        cr_assert_not_null(response->stats->agg_resource_usage);
        return response;
}

static void stats_free(Driver__TaskStatsResponse *response) {
        driver__task_stats_response__free_unpacked(response, NULL);
}

static Driver__InspectTaskResponse *inspect(Agent *agent, Job *job) {
        Driver__InspectTaskRequest request = DRIVER__INSPECT_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        return agent_call(agent, DRIVER "InspectTask", &request, &driver__inspect_task_response__descriptor);
}

/* Return: the number, or -1 without such an attribute. */
static double attribute(const Driver__InspectTaskResponse *response, const char *name) {
        for (size_t i = 0; i < response->driver->n_attributes; i++)
                if (streq(response->driver->attributes[i]->key, name))
                        return atof(response->driver->attributes[i]->value);
        return -1;
}

Test(stats, a_busy_loop_uses_a_core_and_the_first_sample_comes_at_once) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new("echo ready; while :; do :; done", NULL);

        start_ready(&agent, job);
        double begin = now();
        _cleanup_client_call_ ClientCall *seldom = stats_open(&agent, job, 3600 * 1000);
        Driver__TaskStatsResponse *first = stats_next(seldom);
        double took = now() - begin;
        measured("TaskStats until the first sample", "%.3f s", took);
        cr_expect_lt(took, 5.0);
        cr_expect_float_eq((double) first->stats->timestamp->seconds, now(), 10);
        cr_expect_str_eq(first->stats->id, job->config.id);
        cr_expect_float_eq(first->stats->agg_resource_usage->cpu->percent, 0, 0.001);
        stats_free(first);

        _cleanup_client_call_ ClientCall *call = stats_open(&agent, job, 500);
        double percent = 0, user = 0, system = 0, ticks = 0;
        stats_free(stats_next(call));
        for (unsigned i = 0; i < 10; i++) {
                Driver__TaskStatsResponse *response = stats_next(call);
                const Driver__CpuUsage *cpu = response->stats->agg_resource_usage->cpu;

                percent += cpu->percent / 10;
                user += cpu->user_mode / 10;
                system += cpu->system_mode / 10;
                ticks += cpu->total_ticks / 10;
                stats_free(response);
        }
        measured("a busy loop, as TaskStats has it", "%.0f %%", percent);
        /* The range is wide, because other tests use the processors at the same time. */
        cr_expect(percent > 25 && percent < 125, "%f", percent);
        cr_expect_float_eq(user + system, percent, 10, "%f + %f, %f", user, system, percent);
        cr_expect_gt(user, system);
        cr_expect_gt(ticks, percent, "%f MHz: cores here have more than 100", ticks);

        job_stop(&agent, job, 5, "");
        job_destroy(&agent, job);
}

Test(stats, memory_of_processes_and_of_files_is_reported_separately_and_the_stream_ends_with_the_task) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = waiting_job("dd if=/dev/zero of=/dev/shm/fill bs=1M count=24 2>/dev/null; "
                                             "x=$(head -c 8000000 /dev/zero | tr '\\0' x);",
                NULL);
        ProtobufCMessage *rest = NULL;

        start_ready(&agent, job);
        _cleanup_client_call_ ClientCall *call = stats_open(&agent, job, 1000);
        Driver__TaskStatsResponse *response = stats_next(call);
        const Driver__MemoryUsage *memory = response->stats->agg_resource_usage->memory;
        cr_expect(memory->rss > 7 * MIB && memory->rss < 100 * MIB, "%" PRIu64, memory->rss);
        cr_expect(memory->cache > 23 * MIB && memory->cache < 100 * MIB, "%" PRIu64, memory->cache);
        cr_expect_gt(memory->usage, 31 * MIB);
        cr_expect_geq(memory->max_usage + MIB, memory->usage);
        cr_expect_gt(memory->kernel_usage, 0);
        cr_expect_eq(memory->n_measured_fields, 6, "%zu", memory->n_measured_fields);
        stats_free(response);

        let_go(job);
        cr_expect_eq(job_wait(&agent, job), 5);
        int r;
        while ((r = client_next(call, &driver__task_stats_response__descriptor, LIMIT_MSEC, &rest)) == 1)
                protobuf_c_message_free_unpacked(rest, NULL);
        cr_expect_eq(r, 0);
        cr_expect_eq(client_status(call, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        job_destroy(&agent, job);
}

Test(stats, numbers_agree_with_systemctl_show) {
        static const struct {
                const char *attribute, *property;
                double scale, tolerance;
        } rows[] = {
                { "cpu_usec", "CPUUsageNSec", 1000, 0 },
                { "memory_current", "MemoryCurrent", 1, 2 * MIB },
                { "tasks", "TasksCurrent", 1, 0 },
                { "io_read_bytes", "IOReadBytes", 1, 0 },
                { "io_write_bytes", "IOWriteBytes", 1, 0 },
        };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = waiting_job("cat /bin/busybox >/alloc/copy; sync;", NULL);

        start_ready(&agent, job);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Driver__InspectTaskResponse *before = inspect(&agent, job);
                _cleanup_free_ char *text = job_property(job, rows[i].property);
                Driver__InspectTaskResponse *after = inspect(&agent, job);
                double a = attribute(before, rows[i].attribute) * rows[i].scale, value = atof(text),
                       b = attribute(after, rows[i].attribute) * rows[i].scale;

                cr_expect_geq(a, 0, "%s is not there", rows[i].attribute);
                /* The scale is for a fraction that was cut off. */
                cr_expect(value >= a - rows[i].tolerance - rows[i].scale &&
                                value <= b + rows[i].tolerance + rows[i].scale,
                        "%s: %f, %s, %f", rows[i].property, a, text, b);
                driver__inspect_task_response__free_unpacked(before, NULL);
                driver__inspect_task_response__free_unpacked(after, NULL);
        }

        Driver__InspectTaskResponse *response = inspect(&agent, job);
        cr_expect_geq(attribute(response, "memory_peak") + MIB, attribute(response, "memory_current"));
        cr_expect_gt(attribute(response, "cpu_usec"), 0);
        cr_expect_gt(attribute(response, "io_write_bytes"), 100000);
        cr_expect_eq(attribute(response, "net_rx_bytes"), -1, "the host's network is not the task's");
        driver__inspect_task_response__free_unpacked(response, NULL);

        let_go(job);
        cr_expect_eq(job_wait(&agent, job), 5);
        /* An ended task has no counters. */
        response = inspect(&agent, job);
        cr_expect_eq(attribute(response, "cpu_usec"), -1);
        driver__inspect_task_response__free_unpacked(response, NULL);
        job_destroy(&agent, job);
}

Test(stats, bytes_of_a_network_of_its_own_are_counted) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = waiting_job("ip link set dev host0 up;", "{'network_veth': true}");

        start_ready(&agent, job);
        Driver__InspectTaskResponse *response = inspect(&agent, job);
        double received = attribute(response, "net_rx_bytes"), sent = attribute(response, "net_tx_bytes");
        driver__inspect_task_response__free_unpacked(response, NULL);
        cr_expect(received >= 0 && sent >= 0, "%f %f", received, sent);
        let_go(job);
        cr_expect_eq(job_wait(&agent, job), 5);
        job_destroy(&agent, job);
}

/* Return: the processor time of all threads of the plugin in microseconds. */
static double plugin_cpu(const Agent *agent) {
        _cleanup_free_ char *text = shell_good(
                "cat /proc/%d/task/*/schedstat | awk '{ n += $1 } END { printf \"%%.0f\", n / 1000 }'",
                plugin_pid(agent->plugin));

        return atof(text);
}

Test(stats, a_sample_costs_the_plugin_little) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = waiting_job("", NULL);

        start_ready(&agent, job);
        _cleanup_client_call_ ClientCall *call = stats_open(&agent, job, 50);
        stats_free(stats_next(call));
        double before = plugin_cpu(&agent), begin = now();
        for (unsigned i = 0; i < SAMPLES; i++)
                stats_free(stats_next(call));
        double used = (plugin_cpu(&agent) - before) / SAMPLES;
        measured("processor time of the plugin for a sample of TaskStats", "%.0f us (%u samples in %.1f s)",
                used, SAMPLES, now() - begin);
        cr_expect(used > 0 && used < 20000, "%f", used);

        call = client_call_free(call);
        let_go(job);
        cr_expect_eq(job_wait(&agent, job), 5);
        job_destroy(&agent, job);
}

/* systemd does that when it restarts a unit in place. */
Test(stats, a_control_group_that_was_removed_and_made_again_is_found) {
        _cleanup_free_ char *group = xasprintf("/nspawn-test-%d", getpid()),
                            *path = cgroup_path(NULL, group, NULL);
        CgroupUsage usage;

        cr_assert_eq(mkdir(path, 0755), 0);
        _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(NULL, group, CGROUP_ALL);
        cgroup_reader_read(reader, &usage);
        cr_expect(cgroup_usage_has(&usage, CGROUP_CPU_USEC));
        cr_expect(cgroup_usage_has(&usage, CGROUP_MEMORY_CURRENT));

        cr_assert_eq(rmdir(path), 0);
        cgroup_reader_read(reader, &usage);
        cr_expect_eq(usage.measured, 0);

        cr_assert_eq(mkdir(path, 0755), 0);
        cgroup_reader_read(reader, &usage);
        cr_expect(cgroup_usage_has(&usage, CGROUP_CPU_USEC));
        cr_assert_eq(rmdir(path), 0);
        cr_assert_eq(mkdir(path, 0755), 0);
        cgroup_reader_read(reader, &usage);
        cr_expect(cgroup_usage_has(&usage, CGROUP_CPU_USEC));
        cr_expect(cgroup_usage_has(&usage, CGROUP_MEMORY_CURRENT));
        cr_assert_eq(rmdir(path), 0);
}

/* ---- the watch of a group, on a real one ---- */

typedef struct Told {
        CgroupOom oom;
        unsigned n_ooms;
        char **limits;
} Told;

static void on_oom(void *userdata, const CgroupOom *oom) {
        Told *told = userdata;

        told->oom = *oom;
        told->n_ooms++;
}

static void on_limit(void *userdata, const char *limit, const char *before, const char *after) {
        strv_appendf(&((Told *) userdata)->limits, "%s: %s -> %s", limit, before, after);
}

static const CgroupWatchCallbacks watch_callbacks = { on_oom, on_limit };

#define RUN_UNTIL(event, condition) \
        do { \
                double _until = now() + LIMIT_MSEC / 1000.0; \
                while (!(condition)) { \
                        cr_assert_lt(now(), _until, "timed out waiting for: %s", #condition); \
                        cr_assert_geq(sd_event_run(event, 100 * USEC_PER_MSEC), 0); \
                } \
        } while (false)

Test(stats, limits_that_somebody_changes_are_reported_once) {
        static const char *const rows[][2] = {
                /* property, expected message */
                { "MemoryMax=48M", "MemoryMax: 64 MiB -> 48 MiB" },
                { "MemoryHigh=32M", "MemoryHigh: no limit -> 32 MiB" },
                { "CPUWeight=70", "CPUWeight: 100 -> 70" },
                { "CPUQuota=50%", "CPUQuota: no limit -> 50 %" },
                { "TasksMax=77", NULL },
        };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = waiting_job("", NULL);
        sd_event *event = NULL;
        CgroupWatch *watch = NULL;
        Told told = {};

        job_limit_memory(job, 64);
        start_ready(&agent, job);
        free(shell_good("systemctl set-property --runtime %s CPUWeight=100", job->unit));
        _cleanup_free_ char *group = job_property(job, "ControlGroup");
        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_eq(cgroup_watch_new(event, NULL, group, &watch_callbacks, &told, &watch), 0);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                /* The second round writes the same value, which the watch must not report. */
                for (unsigned round = 0; round < 2; round++)
                        free(shell_good("systemctl set-property --runtime %s %s", job->unit, rows[i][0]));
                RUN_UNTIL(event, strv_length(told.limits) > i);
                if (rows[i][1])
                        cr_expect_str_eq(told.limits[i], rows[i][1]);
        }
        _cleanup_free_ char *all = strv_join(told.limits, "\n");
        cr_expect_eq(strv_length(told.limits), ELEMENTSOF(rows), "%s", all);
        expect_text(told.limits[ELEMENTSOF(rows) - 1], "TasksMax: ");
        expect_text(told.limits[ELEMENTSOF(rows) - 1], " -> 77");
        cr_expect_eq(told.n_ooms, 0);

        watch = cgroup_watch_free(watch);
        sd_event_unref(event);
        strv_free(told.limits);
        let_go(job);
        cr_expect_eq(job_wait(&agent, job), 5);
        job_destroy(&agent, job);
}

Test(stats, a_kill_for_want_of_memory_is_seen) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = waiting_job(
                "echo begin; read x </local/wait; tail /dev/zero; echo $?;", NULL);
        sd_event *event = NULL;
        CgroupWatch *watch = NULL;
        Told told = {};
        uint64_t kills = 7;

        job_limit_memory(job, 48);
        job_start(&agent, job);
        stream_wait_text(job->out, "begin");
        _cleanup_free_ char *group = job_property(job, "ControlGroup");
        cr_assert_eq(cgroup_read_oom_kills(NULL, group, &kills), 0);
        cr_expect_eq(kills, 0);
        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_eq(cgroup_watch_new(event, NULL, group, &watch_callbacks, &told, &watch), 0);

        let_go(job);
        RUN_UNTIL(event, told.n_ooms > 0);
        cr_expect_geq(told.oom.n_new, 1);
        cr_expect_eq(told.oom.limit, 48 * MIB);
        cr_expect(told.oom.peak > 40 * MIB && told.oom.peak <= 49 * MIB, "%" PRIu64, told.oom.peak);
        stream_wait_text(job->out, "ready");
        let_go(job);
        cr_expect_eq(job_wait(&agent, job), 5);
        cr_expect_eq(cgroup_read_oom_kills(NULL, group, &kills), -ENOENT);
        cgroup_watch_check(watch);

        watch = cgroup_watch_free(watch);
        sd_event_unref(event);
        job_destroy(&agent, job);
}
