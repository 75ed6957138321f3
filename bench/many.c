/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "bus.h"
#include "kernel/leader.h"

/* What tasks cost while they run, and what a driver costs that comes back to them. */
TestSuite(many, .timeout = 1200);

#define N_FEW 10
#define N_TASKS 100
#define AT_ONCE 10
#define SAMPLES 5
#define STATS_SEC 10
#define PAUSE_SEC 4

/* A task, and the streams that Nomad holds for it. */
typedef struct Held {
        Job *job;
        ClientCall *wait;
        ClientCall *stats;
} Held;

static void hold(Agent *agent, Held *held) {
        Google__Protobuf__Duration interval = GOOGLE__PROTOBUF__DURATION__INIT;
        Driver__TaskStatsRequest stats = DRIVER__TASK_STATS_REQUEST__INIT;

        interval.seconds = 1;
        stats.task_id = held->job->config.id;
        stats.collection_interval = &interval;
        held->wait = job_open_wait(agent, held->job);
        held->stats = client_open(agent->client, DRIVER "TaskStats", &stats.base);
}

static void let_go(Held *held) {
        held->wait = client_call_free(held->wait);
        held->stats = client_call_free(held->stats);
}

/* Takes @rounds samples of each, as they come. */
static void read_samples(Held *held, size_t n, unsigned rounds) {
        for (unsigned round = 0; round < rounds; round++)
                for (size_t i = 0; i < n; i++) {
                        ProtobufCMessage *sample = NULL;

                        cr_assert_eq(client_next(held[i].stats, &driver__task_stats_response__descriptor,
                                             LIMIT_MSEC, &sample),
                                1);
                        protobuf_c_message_free_unpacked(sample, NULL);
                }
}

static void start_some(Agent *agent, Held *held, size_t from, size_t to) {
        for (size_t i = from; i < to; i += AT_ONCE) {
                for (size_t j = i; j < i + AT_ONCE && j < to; j++)
                        job_start_begin(agent, held[j].job);
                for (size_t j = i; j < i + AT_ONCE && j < to; j++) {
                        job_start_end(held[j].job);
                        hold(agent, held + j);
                }
        }
}

/* What Nomad has open of any plugin. */
typedef struct Looks {
        ClientCall *events;
        ClientCall *fingerprint;
} Looks;

static Looks look(Agent *agent) {
        Driver__FingerprintRequest fingerprint = DRIVER__FINGERPRINT_REQUEST__INIT;
        Driver__TaskEventsRequest events = DRIVER__TASK_EVENTS_REQUEST__INIT;

        agent_configure(agent, NULL);
        return (Looks){
                .events = client_open(agent->client, DRIVER "TaskEvents", &events.base),
                .fingerprint = client_open(agent->client, DRIVER "Fingerprint", &fingerprint.base),
        };
}

static void look_away(Looks *looks) {
        looks->events = client_call_free(looks->events);
        looks->fingerprint = client_call_free(looks->fingerprint);
}

static Memory memory_of(const Agent *agent) {
        return bench_memory(plugin_pid(agent->plugin));
}

static double cpu_of(const Agent *agent) {
        return bench_cpu_usec(plugin_pid(agent->plugin));
}

static double megabytes(double kib) {
        return kib * 1024 / 1e6;
}

/* Return: processes of ours beside the driver itself, as far as they are not in a container. */
static unsigned count_helpers(pid_t driver) {
        static const char *const names[] = { "/nspawn-units-", "/nomad-driver-nspawn", "/nspawnctl" };
        DIR *directory = opendir("/proc");
        struct dirent *entry;
        unsigned n = 0;

        cr_assert_not_null(directory);
        while ((entry = readdir(directory))) {
                _cleanup_free_ char *link = xasprintf("/proc/%s/exe", entry->d_name);
                char path[4096] = "";

                if (atoi(entry->d_name) <= 0 || atoi(entry->d_name) == driver ||
                        readlink(link, path, sizeof(path) - 1) < 0)
                        continue;
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        n += strstr(path, names[i]) != NULL;
        }
        (void) closedir(directory);
        return n;
}

static void measure_processes(const Agent *agent, Held *held) {
        _cleanup_free_ char *children = shell(NULL, "pgrep -c -P %d", plugin_pid(agent->plugin));
        unsigned n = count_helpers(plugin_pid(agent->plugin)) + (unsigned) atoi(children);
        double own[N_TASKS];

        for (size_t i = 0; i < N_TASKS; i++) {
                _cleanup_free_ char *pid = job_property(held[i].job, "MainPID");
                _cleanup_free_ char *group = job_property(held[i].job, "ControlGroup");
                pid_t leader = leader_find(atoi(pid), NULL, group);

                cr_assert_gt(leader, 0);
                own[i] = bench_memory(leader).own;
        }
        double typical = median(own, N_TASKS);
        bench_measured("processes", n / (double) N_TASKS, "%u beside %d tasks", n, N_TASKS);
        bench_measured("init.memory", typical, "most %.0f KiB", own[N_TASKS - 1]);
}

/* Return: how many samples there are of each task up to a point in time, all tasks together. */
static unsigned read_samples_until(Held *held, double until) {
        unsigned n = 0;

        for (size_t i = 0; i < N_TASKS; i++)
                for (double at = 0; at < until; n++) {
                        Driver__TaskStatsResponse *sample = NULL;

                        cr_assert_eq(client_next(held[i].stats, &driver__task_stats_response__descriptor,
                                             LIMIT_MSEC, (ProtobufCMessage **) &sample),
                                1);
                        at = (double) sample->stats->timestamp->seconds +
                                sample->stats->timestamp->nanos / 1e9;
                        driver__task_stats_response__free_unpacked(sample, NULL);
                }
        return n;
}

static void measure_samples(const Agent *agent, Held *held) {
        BusCounter *bus = bus_counter_new(plugin_pid(agent->plugin));
        double begin = now();

        /* What came while nobody read is in between. */
        (void) read_samples_until(held, begin);
        (void) bus_counter_take(bus);
        double before = cpu_of(agent);
        begin = now();
        unsigned n = read_samples_until(held, begin + STATS_SEC);
        double used = cpu_of(agent) - before, took = now() - begin;
        bench_measured("stats.cpu", used / n, "%u samples in %.1f s, all threads of the driver", n, took);
        bench_measured("stats.bus", bus_counter_take(bus), NULL);
        (void) bus_counter_free(bus);
}

static void agent_replace(Agent *agent, Looks *looks, Held *held) {
        for (size_t i = 0; i < N_TASKS; i++)
                let_go(held + i);
        look_away(looks);
        plugin_signal(agent->plugin, SIGKILL);
        cr_assert_eq(plugin_wait(agent->plugin, LIMIT_MSEC, NULL), 0);
        agent_clear(agent);
        *agent = agent_start();
        *looks = look(agent);
}

static void recover_end(ClientCall *call) {
        call_finish(call, "RecoverTask", &driver__recover_task_response__descriptor);
}

static void recover_all(Agent *agent, Held *held) {
        ClientCall *calls[N_TASKS];

        for (size_t i = 0; i < N_TASKS; i++)
                calls[i] = job_open_recover(agent, held[i].job);
        for (size_t i = 0; i < N_TASKS; i++)
                recover_end(calls[i]);
}

/* The counting makes the bus slower: by itself. */
static void count_recovery(Agent *agent, Held *held) {
        BusCounter *bus = bus_counter_new(plugin_pid(agent->plugin));

        (void) bus_counter_take(bus);
        recover_all(agent, held);
        bench_measured("recovery.bus", bus_counter_take(bus) / (double) N_TASKS, NULL);
        (void) bus_counter_free(bus);
}

static void measure_recovery(Agent *agent, Looks *looks, Held *held) {
        agent_replace(agent, looks, held);
        count_recovery(agent, held);

        agent_replace(agent, looks, held);
        double begin = now();
        for (size_t i = 0; i < N_TASKS; i++)
                recover_end(job_open_recover(agent, held[i].job));
        bench_measured("recovery.in_turn", now() - begin, NULL);

        agent_replace(agent, looks, held);
        double idle = memory_of(agent).rss, cpu = cpu_of(agent),
               loop = bench_loop_usec(plugin_pid(agent->plugin));
        begin = now();
        recover_all(agent, held);
        bench_measured("recovery.at_once", now() - begin, NULL);
        bench_measured("recovery.cpu", (cpu_of(agent) - cpu) / 1e6, "all threads; the event loop's %.3f",
                (bench_loop_usec(plugin_pid(agent->plugin)) - loop) / 1e6);

        for (size_t i = 0; i < N_TASKS; i++)
                hold(agent, held + i);
        read_samples(held, N_TASKS, 2);
        bench_measured("memory.recovered", (memory_of(agent).rss - idle) / N_TASKS, "RSS, with streams");
}

static void stop_all(Agent *agent, Held *held) {
        ClientCall *calls[N_TASKS];
        double begin = now();

        for (size_t i = 0; i < N_TASKS; i++)
                calls[i] = job_open_stop(agent, held[i].job, 60, "");
        for (size_t i = 0; i < N_TASKS; i++)
                call_finish(calls[i], "StopTask", &driver__stop_task_response__descriptor);
        bench_measured("many.stop", now() - begin, NULL);
        for (size_t i = 0; i < N_TASKS; i++) {
                let_go(held + i);
                job_destroy(agent, held[i].job);
        }
}

Test(many, tasks) {
        _cleanup_agent_ Agent agent = agent_start();
        Looks looks = look(&agent);
        Held held[N_TASKS] = {};

        for (size_t i = 0; i < N_TASKS; i++)
                held[i].job = job_new("exec sleep 1000000", NULL);

        Memory idle = memory_of(&agent);
        bench_measured("memory.idle", megabytes(idle.rss), NULL);
        bench_measured("memory.idle_pss", megabytes(idle.pss), "this program shares the libraries");

        double begin = now();
        start_some(&agent, held, 0, N_FEW);
        double took = now() - begin;
        read_samples(held, N_FEW, SAMPLES);
        Memory few = memory_of(&agent);
        bench_measured("memory.10", megabytes(few.rss), "%.1f KiB a task", (few.rss - idle.rss) / N_FEW);

        begin = now();
        start_some(&agent, held, N_FEW, N_TASKS);
        bench_measured("many.start", took + now() - begin, NULL);
        read_samples(held, N_TASKS, SAMPLES);
        Memory many = memory_of(&agent);
        bench_measured("memory.100", megabytes(many.rss), NULL);
        bench_measured("memory.100_pss", megabytes(many.pss), NULL);
        bench_measured("memory.task", (many.rss - idle.rss) / N_TASKS,
                "RSS with streams; private %.1f, the last 90: %.1f", (many.own - idle.own) / N_TASKS,
                (many.rss - few.rss) / (N_TASKS - N_FEW));

        measure_processes(&agent, held);
        measure_samples(&agent, held);
        measure_recovery(&agent, &looks, held);
        stop_all(&agent, held);
        /* What can be given back is given back after a pause. */
        (void) sleep(PAUSE_SEC);
        bench_measured("memory.after", megabytes(memory_of(&agent).rss), NULL);
        look_away(&looks);
        for (size_t i = 0; i < N_TASKS; i++)
                (void) job_free(held[i].job);
}
