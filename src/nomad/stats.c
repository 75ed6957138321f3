/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "loop/must.h"
#include "nomad/compute.h"
#include "nomad/driver.h"
#include "nomad/plugin.h"
#include "nomad/time.h"
#include "kernel/cgroup.h"

/* The agent's default; and the shortest interval, which is no time to people and cheap for the host. */
#define INTERVAL_DEFAULT_USEC USEC_PER_SEC
#define INTERVAL_MIN_USEC (50 * USEC_PER_MSEC)

/* A sample may be late by one tenth of the interval, so that the loop can take several at once. */
#define INTERVAL_ACCURACY 10

/* Most samples that wait to be sent; a reader that is slower misses samples. */
#define SAMPLES_MAX 2

/* A TaskStats call, which is a stream of samples. on_close() frees it. */
typedef struct Stats {
        Plugin *plugin;
        RpcCall *call; /* valid as long as this struct */
        char *id;
        uint64_t interval_usec;
        sd_event_source *timer;
        TaskWait *wait;
        CgroupReader *reader;
        char *control_group; /* of the reader */
        RateMeter total, user, system;
} Stats;

/* A sample, and all that belongs to its message. */
typedef struct Sample {
        uint64_t at_nsec;
        CgroupUsage usage;
        Driver__CpuUsage cpu;
        Driver__CpuUsage__Field cpu_fields[6];
        Driver__MemoryUsage memory;
        Driver__MemoryUsage__Field memory_fields[7];
        Driver__TaskResourceUsage resources;
        Google__Protobuf__Timestamp timestamp;
        Driver__TaskStats stats;
} Sample;

static uint64_t now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC * NSEC_PER_USEC + (uint64_t) now.tv_nsec;
}

static void cpu_field(Sample *sample, Driver__CpuUsage__Field field) {
        sample->cpu_fields[sample->cpu.n_measured_fields++] = field;
}

static void sample_rate(
        Sample *sample, CgroupValue value, RateMeter *meter, double *ret, Driver__CpuUsage__Field field) {
        if (!cgroup_usage_has(&sample->usage, value))
                return;
        *ret = rate_meter_percent(meter, sample->usage.values[value], sample->at_nsec);
        cpu_field(sample, field);
}

static void sample_fill_cpu(Sample *sample, Stats *stats) {
        const CgroupUsage *usage = &sample->usage;
        Driver__CpuUsage *cpu = &sample->cpu;

        driver__cpu_usage__init(cpu);
        cpu->measured_fields = sample->cpu_fields;
        sample_rate(sample, CGROUP_CPU_SYSTEM_USEC, &stats->system, &cpu->system_mode,
                DRIVER__CPU_USAGE__FIELD__SYSTEM_MODE);
        sample_rate(sample, CGROUP_CPU_USER_USEC, &stats->user, &cpu->user_mode,
                DRIVER__CPU_USAGE__FIELD__USER_MODE);
        sample_rate(
                sample, CGROUP_CPU_USEC, &stats->total, &cpu->percent, DRIVER__CPU_USAGE__FIELD__PERCENT);
        if (cgroup_usage_has(usage, CGROUP_CPU_USEC) && compute_is_known(&stats->plugin->compute)) {
                cpu->total_ticks = compute_ticks(&stats->plugin->compute, cpu->percent);
                cpu_field(sample, DRIVER__CPU_USAGE__FIELD__TOTAL_TICKS);
        }
        if (cgroup_usage_has(usage, CGROUP_CPU_THROTTLED)) {
                cpu->throttled_periods = usage->values[CGROUP_CPU_THROTTLED];
                cpu_field(sample, DRIVER__CPU_USAGE__FIELD__THROTTLED_PERIODS);
        }
        if (cgroup_usage_has(usage, CGROUP_CPU_THROTTLED_USEC)) {
                cpu->throttled_time = usage->values[CGROUP_CPU_THROTTLED_USEC] * NSEC_PER_USEC;
                cpu_field(sample, DRIVER__CPU_USAGE__FIELD__THROTTLED_TIME);
        }
}

static void sample_fill_memory(Sample *sample) {
        static const struct {
                CgroupValue value;
                size_t member;
                Driver__MemoryUsage__Field field;
        } rows[] = {
                { CGROUP_MEMORY_ANON, offsetof(Driver__MemoryUsage, rss), DRIVER__MEMORY_USAGE__FIELD__RSS },
                { CGROUP_MEMORY_FILE, offsetof(Driver__MemoryUsage, cache),
                        DRIVER__MEMORY_USAGE__FIELD__CACHE },
                { CGROUP_MEMORY_PEAK, offsetof(Driver__MemoryUsage, max_usage),
                        DRIVER__MEMORY_USAGE__FIELD__MAX_USAGE },
                { CGROUP_MEMORY_KERNEL, offsetof(Driver__MemoryUsage, kernel_usage),
                        DRIVER__MEMORY_USAGE__FIELD__KERNEL_USAGE },
                { CGROUP_MEMORY_CURRENT, offsetof(Driver__MemoryUsage, usage),
                        DRIVER__MEMORY_USAGE__FIELD__USAGE },
                { CGROUP_MEMORY_SWAP, offsetof(Driver__MemoryUsage, swap),
                        DRIVER__MEMORY_USAGE__FIELD__SWAP },
        };
        Driver__MemoryUsage *memory = &sample->memory;

        driver__memory_usage__init(memory);
        memory->measured_fields = sample->memory_fields;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (!cgroup_usage_has(&sample->usage, rows[i].value))
                        continue;
                memcpy((char *) memory + rows[i].member, &sample->usage.values[rows[i].value],
                        sizeof(sample->usage.values[0]));
                sample->memory_fields[memory->n_measured_fields++] = rows[i].field;
        }
}

#define WANTED \
        (CGROUP_ALL & \
                ~(CGROUP_BIT(CGROUP_TASKS) | CGROUP_BIT(CGROUP_IO_READ) | CGROUP_BIT(CGROUP_IO_WRITTEN)))

/* The control group is known from the unit's first status on, and stays the same when the unit restarts. */
static void stats_read(Stats *stats, const Task *task, CgroupUsage *ret) {
        const char *control_group = task_control_group(task);

        if (!stats->reader || !streq_null(stats->control_group, control_group)) {
                cgroup_reader_free(stats->reader);
                stats->reader = cgroup_reader_new(stats->plugin->cgroup_root, control_group, WANTED);
                string_replace(&stats->control_group, control_group);
        }
        cgroup_reader_read(stats->reader, ret);
}

/* Fills in every nested message, whatever was measured: the agent uses them without a check for nil. */
static void stats_send(Stats *stats, const Task *task) {
        Driver__TaskStatsResponse response = DRIVER__TASK_STATS_RESPONSE__INIT;
        Sample sample = { .at_nsec = now_nsec() };

        stats_read(stats, task, &sample.usage);
        sample_fill_cpu(&sample, stats);
        sample_fill_memory(&sample);
        time_to_timestamp(clock_realtime_usec(), &sample.timestamp);
        driver__task_resource_usage__init(&sample.resources);
        sample.resources.cpu = &sample.cpu;
        sample.resources.memory = &sample.memory;
        driver__task_stats__init(&sample.stats);
        sample.stats.id = stats->id;
        sample.stats.timestamp = &sample.timestamp;
        sample.stats.agg_resource_usage = &sample.resources;
        response.stats = &sample.stats;
        (void) rpc_call_send(stats->call, &response.base);
}

static int on_timer(sd_event_source *source, uint64_t usec _unused_, void *userdata) {
        Stats *stats = userdata;
        const Task *task = engine_find(stats->plugin->engine, stats->id);

        /* The task may have ended just now; then on_ended() is about to end the stream. */
        if (!task || task_state(task) == TASK_EXITED) {
                stats->timer = sd_event_source_disable_unref(stats->timer);
                return 0;
        }

        if (rpc_call_pending(stats->call) < SAMPLES_MAX)
                stats_send(stats, task);
        (void) sd_event_source_set_time_relative(source, stats->interval_usec);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

static void on_ended(void *userdata, const ExitResult *result _unused_) {
        Stats *stats = userdata;

        stats->timer = sd_event_source_disable_unref(stats->timer);
        rpc_call_finish(stats->call);
}

static void on_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        Stats *stats = userdata;

        sd_event_source_disable_unref(stats->timer);
        task_wait_free(stats->wait);
        cgroup_reader_free(stats->reader);
        free(stats->control_group);
        free(stats->id);
        free(stats);
}

static const RpcCallbacks stats_callbacks = { .on_close = on_close };

void driver_on_task_stats(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__TaskStatsRequest *request = (const Driver__TaskStatsRequest *) message;
        Plugin *plugin = userdata;
        Task *task = engine_find(plugin->engine, request->task_id);

        /* End the stream with OK: Nomad logs an error as one, and asks again in any case. */
        if (!task || task_state(task) == TASK_EXITED) {
                rpc_call_finish(call);
                return;
        }

        Stats *stats = xnew(Stats, 1);
        stats->plugin = plugin;
        stats->call = call;
        stats->id = xstrdup(request->task_id);
        stats->interval_usec = time_from_duration(request->collection_interval);
        if (stats->interval_usec == 0)
                stats->interval_usec = INTERVAL_DEFAULT_USEC;
        else if (stats->interval_usec < INTERVAL_MIN_USEC)
                stats->interval_usec = INTERVAL_MIN_USEC;
        stats->wait = task_wait(task, on_ended, stats);
        rpc_call_set_callbacks(call, &stats_callbacks, stats);
        plugin_find_compute(plugin);

        stats_send(stats, task);
        event_must(sd_event_add_time_relative(plugin->event, &stats->timer, CLOCK_MONOTONIC,
                stats->interval_usec, stats->interval_usec / INTERVAL_ACCURACY, on_timer, stats));
}
