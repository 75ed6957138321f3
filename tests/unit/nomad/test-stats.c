/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base.pb-c.h"
#include "base/string.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/group-box.h"
#include "box/service-box.h"
#include "client.h"
#include "driver.pb-c.h"

/* Samples of a task's resource usage over gRPC, and the values that InspectTask adds. */
TestSuite(stats, .timeout = 60);

#define INTERVAL_MSEC 50
#define ID_SIZE (2 * 1024 * 1024)

static void group_write_usage(ServiceBox *service, uint64_t cpu_usec) {
        _cleanup_free_ char *text = xasprintf("usage_usec %" PRIu64 "\nuser_usec %" PRIu64
                                              "\nsystem_usec %" PRIu64 "\nnr_periods 9\nnr_throttled 4\n"
                                              "throttled_usec 5000\n",
                cpu_usec, cpu_usec / 4, cpu_usec / 4 * 3);

        group_box_write(&service->groups, "cpu.stat", text);
}

static ClientCall *stats_open(ServiceBox *service, const char *id, int64_t interval_msec) {
        Google__Protobuf__Duration interval = GOOGLE__PROTOBUF__DURATION__INIT;
        Driver__TaskStatsRequest request = DRIVER__TASK_STATS_REQUEST__INIT;

        interval.seconds = interval_msec / 1000;
        interval.nanos = (int32_t) (interval_msec % 1000 * 1000000);
        request.task_id = (char *) (uintptr_t) id;
        request.collection_interval = interval_msec ? &interval : NULL;
        return client_open(service->client, SERVICE_BOX_DRIVER "TaskStats", &request.base);
}

static Driver__TaskStatsResponse *stats_next(ClientCall *call) {
        Driver__TaskStatsResponse *response = NULL;

        cr_assert_eq(client_next(call, &driver__task_stats_response__descriptor, SERVICE_BOX_LIMIT_MSEC,
                             (ProtobufCMessage **) &response),
                1);
        cr_assert_not_null(response->stats);
        cr_assert_not_null(response->stats->timestamp);
        cr_assert_not_null(response->stats->agg_resource_usage);
        cr_assert_not_null(response->stats->agg_resource_usage->cpu);
        cr_assert_not_null(response->stats->agg_resource_usage->memory);
        return response;
}

static void stats_free(Driver__TaskStatsResponse *response) {
        driver__task_stats_response__free_unpacked(response, NULL);
}

static void expect_end(ClientCall *call) {
        ProtobufCMessage *message = NULL;
        int r;

        while ((r = client_next(call, &driver__task_stats_response__descriptor, SERVICE_BOX_LIMIT_MSEC,
                        &message)) == 1)
                protobuf_c_message_free_unpacked(message, NULL);
        cr_expect_eq(r, 0);
        cr_expect_eq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
}

#define CPU_FIELD(field) (1u << DRIVER__CPU_USAGE__FIELD__##field)
#define MEMORY_FIELD(field) (1u << DRIVER__MEMORY_USAGE__FIELD__##field)

static unsigned cpu_fields(const Driver__CpuUsage *cpu) {
        unsigned mask = 0;

        for (size_t i = 0; i < cpu->n_measured_fields; i++)
                mask |= 1u << cpu->measured_fields[i];
        return mask;
}

static unsigned memory_fields(const Driver__MemoryUsage *memory) {
        unsigned mask = 0;

        for (size_t i = 0; i < memory->n_measured_fields; i++)
                mask |= 1u << memory->measured_fields[i];
        return mask;
}

Test(stats, first_sample_comes_at_once_with_all_that_was_measured) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        group_write_usage(&service, 4000000);
        group_box_write(&service.groups, "memory.current", "700\n");
        group_box_write(&service.groups, "memory.peak", "900\n");
        group_box_write(&service.groups, "memory.swap.current", "30\n");
        group_box_write(&service.groups, "memory.stat", "anon 100\nfile 200\nkernel 40\n");
        service_box_begin(&service);
        /* The first sample comes at once: the test would not wait an hour for the second. */
        ClientCall *call = stats_open(&service, "one", 3600 * 1000);
        Driver__TaskStatsResponse *response = stats_next(call);
        call = client_call_free(call);
        service_box_end(&service);

        const Driver__CpuUsage *cpu = response->stats->agg_resource_usage->cpu;
        const Driver__MemoryUsage *memory = response->stats->agg_resource_usage->memory;
        cr_expect_str_eq(response->stats->id, "one");
        cr_expect_float_eq((double) response->stats->timestamp->seconds, (double) time(NULL), 60);
        cr_expect_eq(response->stats->n_resource_usage_by_pid, 0);
        cr_expect_float_eq(cpu->percent, 0, 0.001);
        cr_expect_eq(cpu->throttled_periods, 4);
        cr_expect_eq(cpu->throttled_time, 5000000, "nanoseconds");
        cr_expect_eq(cpu_fields(cpu), 0x3f);
        cr_expect_eq(memory->rss, 100);
        cr_expect_eq(memory->cache, 200);
        cr_expect_eq(memory->max_usage, 900);
        cr_expect_eq(memory->kernel_usage, 40);
        cr_expect_eq(memory->usage, 700);
        cr_expect_eq(memory->swap, 30);
        cr_expect_eq(memory_fields(memory),
                MEMORY_FIELD(RSS) | MEMORY_FIELD(CACHE) | MEMORY_FIELD(MAX_USAGE) |
                        MEMORY_FIELD(KERNEL_USAGE) | MEMORY_FIELD(USAGE) | MEMORY_FIELD(SWAP));
        stats_free(response);
}

Test(stats, only_what_was_measured_is_said_to_be) {
        static const struct {
                const char *file, *text;
                unsigned cpu, memory;
        } rows[] = {
                { "pids.current", "5\n", 0, 0 },
                { "cpu.stat", "usage_usec 5\n", CPU_FIELD(PERCENT) | CPU_FIELD(TOTAL_TICKS), 0 },
                { "cpu.stat", "user_usec 5\n", CPU_FIELD(USER_MODE), 0 },
                { "cpu.stat", "system_usec 5\nnr_throttled 0\n",
                        CPU_FIELD(SYSTEM_MODE) | CPU_FIELD(THROTTLED_PERIODS), 0 },
                { "cpu.stat", "throttled_usec 0\n", CPU_FIELD(THROTTLED_TIME), 0 },
                { "memory.stat", "anon 5\n", 0, MEMORY_FIELD(RSS) },
                { "memory.stat", "file 0\nkernel 0\n", 0, MEMORY_FIELD(CACHE) | MEMORY_FIELD(KERNEL_USAGE) },
                { "memory.current", "0\n", 0, MEMORY_FIELD(USAGE) },
        };
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service_box_begin(&service);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *path = group_box_path(&service.groups, rows[i].file);

                group_box_write(&service.groups, rows[i].file, rows[i].text);
                _cleanup_client_call_ ClientCall *call = stats_open(&service, "one", 3600 * 1000);
                Driver__TaskStatsResponse *response = stats_next(call);
                cr_expect_eq(
                        cpu_fields(response->stats->agg_resource_usage->cpu), rows[i].cpu, "row %zu", i);
                cr_expect_eq(memory_fields(response->stats->agg_resource_usage->memory), rows[i].memory,
                        "row %zu", i);
                stats_free(response);
                cr_assert_eq(unlink(path), 0);
        }
        service_box_end(&service);
}

Test(stats, rates_follow_the_counters) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        group_write_usage(&service, 0);
        service_box_begin(&service);
        _cleanup_client_call_ ClientCall *call = stats_open(&service, "one", INTERVAL_MSEC);
        stats_free(stats_next(call));

        /* An hour of processor time, which shows in the next sample whenever it is taken. */
        group_write_usage(&service, 3600 * USEC_PER_SEC);
        double percent = 0;
        while (percent <= 0) {
                Driver__TaskStatsResponse *response = stats_next(call);
                const Driver__CpuUsage *cpu = response->stats->agg_resource_usage->cpu;

                percent = cpu->percent;
                cr_expect_float_eq(cpu->total_ticks, percent * 20, percent / 1000, "2000 ticks a core");
                cr_expect_float_eq(cpu->user_mode, percent / 4, percent / 1000);
                cr_expect_float_eq(cpu->system_mode, percent / 4 * 3, percent / 1000);
                stats_free(response);
        }
        /* A sample comes after at least an interval, or a tenth earlier if the one before was late. */
        cr_expect_lt(percent, 3600 * 100 * 1000.0 / INTERVAL_MSEC * 1.2);
        cr_expect_gt(percent, 3600 * 100 * 1000.0 / SERVICE_BOX_LIMIT_MSEC);

        /* The task uses no more processor time. */
        while (percent > 0) {
                Driver__TaskStatsResponse *response = stats_next(call);

                percent = response->stats->agg_resource_usage->cpu->percent;
                stats_free(response);
        }
        call = client_call_free(call);
        service_box_end(&service);
}

Test(stats, ticks_come_from_the_topology_that_nomad_sends) {
        _cleanup_service_box_ ServiceBox service;
        Base__SetConfigRequest request = BASE__SET_CONFIG_REQUEST__INIT;
        Base__NomadConfig config = BASE__NOMAD_CONFIG__INIT;
        Base__NomadDriverConfig driver = BASE__NOMAD_DRIVER_CONFIG__INIT;
        Base__ClientTopology topology = BASE__CLIENT_TOPOLOGY__INIT;
        Base__ClientTopologyCore core = BASE__CLIENT_TOPOLOGY_CORE__INIT, *cores[] = { &core };

        service_box_open(&service);
        request.nomad_config = &config;
        config.driver = &driver;
        service_box_begin(&service);
        /* Old agents send no topology. */
        cr_expect_eq(
                client_call(service.client, SERVICE_BOX_BASE "SetConfig", &request.base, NULL, NULL, NULL),
                GRPC_STATUS_OK);
        cr_expect_float_eq(service.plugin.compute.total_mhz, 8000, 0.001);

        core.base_speed = 1234;
        topology.n_cores = 1;
        topology.cores = cores;
        driver.topology = &topology;
        cr_expect_eq(
                client_call(service.client, SERVICE_BOX_BASE "SetConfig", &request.base, NULL, NULL, NULL),
                GRPC_STATUS_OK);
        service_box_end(&service);
        cr_expect_float_eq(service.plugin.compute.total_mhz, 1234, 0.001);
        cr_expect_eq(service.plugin.compute.n_cores, 1);
}

Test(stats, without_a_topology_the_host_is_asked_and_ticks_may_stay_unknown) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        group_write_usage(&service, 5);
        service.plugin.compute = (Compute){};
        service.plugin.compute_known = false;
        service_box_begin(&service);
        ClientCall *call = stats_open(&service, "one", 0);
        Driver__TaskStatsResponse *response = stats_next(call);
        call = client_call_free(call);
        service_box_end(&service);

        cr_expect(service.plugin.compute_known);
        cr_expect_gt(service.plugin.compute.n_cores, 0);
        cr_expect_eq(!!(cpu_fields(response->stats->agg_resource_usage->cpu) & CPU_FIELD(TOTAL_TICKS)),
                compute_is_known(&service.plugin.compute));
        stats_free(response);
}

Test(stats, an_unknown_task_has_an_empty_stream_that_is_no_error) {
        _cleanup_service_box_ ServiceBox service;
        ProtobufCMessage *message = NULL;

        service_box_open(&service);
        service_box_begin(&service);
        _cleanup_client_call_ ClientCall *call = stats_open(&service, "none/such", INTERVAL_MSEC);
        cr_expect_eq(client_next(call, &driver__task_stats_response__descriptor, SERVICE_BOX_LIMIT_MSEC,
                             &message),
                0);
        cr_expect_eq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        call = client_call_free(call);
        service_box_end(&service);
}

Test(stats, the_stream_ends_with_the_task_and_later_ones_at_once) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service_box_begin(&service);
        _cleanup_client_call_ ClientCall *often = stats_open(&service, "one", 1);
        _cleanup_client_call_ ClientCall *seldom = stats_open(&service, "one", 3600 * 1000);
        stats_free(stats_next(often));
        stats_free(stats_next(seldom));
        service_box_end(&service);

        fake_unit_exit(service.engine.fake, engine_box_unit(&service.engine), CLD_EXITED, 7);
        service_box_begin(&service);
        expect_end(often);
        expect_end(seldom);
        _cleanup_client_call_ ClientCall *late = stats_open(&service, "one", INTERVAL_MSEC);
        expect_end(late);
        often = client_call_free(often);
        seldom = client_call_free(seldom);
        late = client_call_free(late);
        service_box_end(&service);
}

Test(stats, streams_end_when_the_task_is_forgotten) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service_box_begin(&service);
        _cleanup_client_call_ ClientCall *call = stats_open(&service, "one", INTERVAL_MSEC);
        stats_free(stats_next(call));
        service_box_end(&service);
        task_forget(service.engine.task);
        service_box_begin(&service);
        expect_end(call);
        call = client_call_free(call);
        service_box_end(&service);
}

Test(stats, a_reader_that_does_not_read_misses_samples) {
        _cleanup_service_box_ ServiceBox service;
        /* Each sample has this id, and a few such samples are more than the transport holds unread. */
        _cleanup_free_ char *id = xcalloc(ID_SIZE + 1, 1);
        unsigned n_old = 0;

        memset(id, 'x', ID_SIZE);
        service_box_open_with(&service, id, NULL);
        group_box_write(&service.groups, "memory.current", "1\n");
        service_box_begin(&service);
        Client *other = client_new(service.socket);
        _cleanup_client_call_ ClientCall *slow = stats_open(&service, id, INTERVAL_MSEC);
        stats_free(stats_next(slow));

        /* Samples of another reader show that time passes. */
        ServiceBox as_other = { .client = other };
        ClientCall *call = stats_open(&as_other, id, INTERVAL_MSEC);
        for (unsigned i = 0; i < 30; i++)
                stats_free(stats_next(call));
        call = client_call_free(call);
        client_free(other);
        group_box_write(&service.groups, "memory.current", "2\n");

        for (uint64_t usage = 1; usage == 1; n_old++) {
                Driver__TaskStatsResponse *response = stats_next(slow);

                usage = response->stats->agg_resource_usage->memory->usage;
                stats_free(response);
        }
        cr_expect_lt(n_old, 10, "%u samples of 30 were kept for it", n_old);
        slow = client_call_free(slow);
        service_box_end(&service);
}

static Driver__InspectTaskResponse *inspect(ServiceBox *service) {
        Driver__InspectTaskRequest request = DRIVER__INSPECT_TASK_REQUEST__INIT;
        Driver__InspectTaskResponse *response = NULL;
        char id[] = "one";

        request.task_id = id;
        cr_assert_eq(
                client_call(service->client, SERVICE_BOX_DRIVER "InspectTask", &request.base,
                        &driver__inspect_task_response__descriptor, (ProtobufCMessage **) &response, NULL),
                GRPC_STATUS_OK);
        return response;
}

static const char *attribute(const Driver__InspectTaskResponse *response, const char *name) {
        for (size_t i = 0; i < response->driver->n_attributes; i++)
                if (streq(response->driver->attributes[i]->key, name))
                        return response->driver->attributes[i]->value;
        return NULL;
}

Test(stats, inspect_tells_what_was_measured_and_leaves_out_the_rest) {
        static const struct {
                const char *name, *value;
        } rows[] = {
                { "cpu_usec", "4000000" },
                { "memory_current", "700" },
                { "memory_peak", NULL },
                { "tasks", "12" },
                { "io_read_bytes", "1010" },
                { "io_write_bytes", "22" },
                { "net_rx_bytes", NULL }, /* no process, no network */
                { "net_tx_bytes", NULL },
        };
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        group_write_usage(&service, 4000000);
        group_box_write(&service.groups, "memory.current", "700\n");
        group_box_write(&service.groups, "pids.current", "12\n");
        group_box_write(&service.groups, "io.stat", "8:0 rbytes=1000 wbytes=20\n8:16 rbytes=10 wbytes=2\n");
        service_box_begin(&service);
        Driver__InspectTaskResponse *response = inspect(&service);
        service_box_end(&service);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *value = attribute(response, rows[i].name);

                cr_expect(streq_null(value, rows[i].value), "%s: %s", rows[i].name, value ? value : "none");
        }
        cr_expect_str_eq(attribute(response, "unit"), service.engine.unit);
        cr_expect_str_eq(attribute(response, "machine"), service.engine.machine);
        cr_expect_not_null(attribute(response, "pid"));
        driver__inspect_task_response__free_unpacked(response, NULL);

        /* After the end, the control group may be that of another task with the same name. */
        fake_unit_exit(service.engine.fake, engine_box_unit(&service.engine), CLD_EXITED, 7);
        engine_box_run_until(&service.engine, task_state(service.engine.task) == TASK_EXITED);
        service_box_begin(&service);
        response = inspect(&service);
        service_box_end(&service);
        cr_expect_null(attribute(response, "cpu_usec"));
        cr_expect_str_eq(attribute(response, "unit"), service.engine.unit);
        driver__inspect_task_response__free_unpacked(response, NULL);
}

Test(stats, the_control_group_of_an_ended_task_is_remembered) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        _cleanup_free_ char *group = xasprintf("/test.slice/%s", box.unit);
        cr_expect_str_eq(task_control_group(box.task), group);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 0);
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
        cr_expect_str_eq(task_control_group(box.task), group);
}
