/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>

#include "base.pb-c.h"
#include "base/macro.h"
#include "base/string.h"
#include "base/strv.h"
#include "client.h"
#include "driver.pb-c.h"

/*
 * Shared by all tests of the plugin: a stand-in for a Nomad agent, tasks with the directories and pipes that
 * Nomad makes for them, and commands on the host. Any failure here ends the test.
 */

/* Longest wait for anything that should happen; an emulated machine with two busy processors is slow. */
#define LIMIT_MSEC 90000

/* How long a whole test may take on a busy emulated machine; each wait in it has the limit above, too. */
#define TEST_SEC 600

/* Return: the directory that run.sh fills: images/, plugins/, and alloc/ for allocations. */
const char *test_directory(void);

/* Return: seconds, realtime. */
double now(void);

/* Reorders @values. */
double median(double *values, size_t n);

/* Adds a line to the list of measurements that run.sh shows at its end. */
void measured(const char *what, const char *format, ...) _printf_(2, 3);

/* Return: what the shell line writes to stdout, without newlines at the end; @ret_status may be NULL. */
char *shell(int *ret_status, const char *format, ...) _printf_(2, 3);

/* The same; a status other than 0 ends the test. */
char *shell_good(const char *format, ...) _printf_(1, 2);

/* Return: the version of the host's systemd, such as 252. */
unsigned systemd_version(void);

/* Return: the number in a variable of the environment, @otherwise if it is not set or empty. */
unsigned number_or(const char *name, unsigned otherwise);

/* Waits until the shell line succeeds. */
void shell_until(const char *format, ...) _printf_(1, 2);

#define expect_text(text, part) \
        cr_assert_not_null(strstr((text), (part)), "\"%s\" is not in:\n%s", (part), (text))
#define expect_no_text(text, part) \
        cr_assert_null(strstr((text), (part)), "\"%s\" is in:\n%s", (part), (text))

/* A plugin that was started, and a connection to it. */
typedef struct Agent {
        Plugin *plugin;
        Client *client;
} Agent;

Agent agent_start(void);
void agent_clear(Agent *agent);
#define _cleanup_agent_ _cleanup_(agent_clear)

#define DRIVER "/hashicorp.nomad.plugins.drivers.proto.Driver/"
#define BASE "/hashicorp.nomad.plugins.base.proto.BasePlugin/"

/* Waits for the one answer of a call that @what names, and frees the call; any status but OK ends the test.
 * Return: the answer. */
void *call_end(
        ClientCall *call, const char *what, const ProtobufCMessageDescriptor *output, unsigned limit_msec);

/* The same, within LIMIT_MSEC and for an answer that says nothing. */
void call_finish(ClientCall *call, const char *what, const ProtobufCMessageDescriptor *output);

/* Calls a method; any status but OK ends the test. Return: the answer. */
void *agent_call(
        Agent *agent, const char *path, const void *request, const ProtobufCMessageDescriptor *output);

/* Calls a method; OK ends the test. Return: the text of the failure. */
char *agent_call_fails(Agent *agent, const char *path, const void *request, grpc_status_code code);

/* Calls SetConfig. @config is JSON with ' instead of ", NULL for none. */
void agent_configure(Agent *agent, const char *config);

/* The stream that says whether the driver can be used. */
#define HEALTHY DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__HEALTHY
#define UNDETECTED DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__UNDETECTED

ClientCall *fingerprint_open(Agent *agent);
/* Waits until the driver says so; the first word comes at once. */
void fingerprint_wait(ClientCall *call, Driver__FingerprintResponse__HealthState wanted);

/* What the plugin's process uses of the host. */
typedef struct AgentCost {
        double fds, children, rss_kib;
} AgentCost;

AgentCost agent_cost(const Agent *agent);

/* Return: msgpack of JSON with ' instead of ". */
ProtobufCBinaryData msgpack_of(const char *json);
/* Return: a task's config as msgpack; the arguments are those of job_new(). */
ProtobufCBinaryData driver_config_of(const char *script, const char *config);

/* A pipe that a thread reads all the time, and everything that it has read. */
typedef struct Stream Stream;

Stream *stream_new(const char *path);
Stream *stream_free(Stream *stream);
/* Waits until @text was read. */
void stream_wait_text(Stream *stream, const char *text);
/* The same, but ignores the first @skip bytes. */
void stream_wait_text_after(Stream *stream, size_t skip, const char *text);
/* Waits until nobody has the pipe open for writing. Return: all that was read, with a NUL after it. */
char *stream_wait_end(Stream *stream, size_t *ret_size);
/* Return: what was read so far. */
char *stream_text(Stream *stream);

#define JOB_ENV_MAX 24
#define JOB_MOUNTS_MAX 4

/* The resources of a task in the form in which Nomad sends them; see job_limit_memory(). */
typedef struct Limits {
        Driver__Resources resources;
        Driver__AllocatedTaskResources allocated;
        Driver__AllocatedMemoryResources memory;
        Driver__LinuxResources linux_resources;
} Limits;

/* Where the control groups of tasks' units are. */
#define TASK_SLICE "/sys/fs/cgroup/nspawn.slice/nspawn-nomad.slice"

/* A task in the form in which Nomad sends it. job_new() fills config; a test may change it until then. */
typedef struct Job {
        char *directory; /* of the allocation */
        char *machine;
        char *unit;
        Stream *out, *err;
        Driver__TaskConfig config;
        Driver__TaskConfig__EnvEntry env[JOB_ENV_MAX], *env_rows[JOB_ENV_MAX];
        Driver__Mount mounts[JOB_MOUNTS_MAX], *mount_rows[JOB_MOUNTS_MAX];
        Limits limits;
        ClientCall *starting;
        Driver__StartTaskResponse *started; /* has the handle */
        int signal;                         /* of the last job_wait() */
        bool oom_killed;                    /* likewise */
} Job;

/**
 * job_new() - describe a task
 * @script: for /bin/sh -c in the image; NULL when @config says what to run
 * @config: further options, JSON with ' instead of "; may be NULL
 *
 * Unless @config says otherwise, the image is hello, which is read_only, so that tasks can share it, and the
 * network is the host's.
 */
Job *job_new(const char *script, const char *config);
Job *job_free(Job *job);
DEFINE_CLEANUP(Job *, job_free)
#define _cleanup_job_ _cleanup_(job_freep)

void job_set_env(Job *job, const char *name, const char *value);
void job_add_mount(Job *job, const char *source, const char *target, bool read_only);

/* Limits the memory of the task. */
void job_limit_memory(Job *job, int64_t mib);

/* Sets the task's CPU shares; without it they are 1024. */
void job_set_cpu_shares(Job *job, int64_t shares);

/* Puts a program of the payload into the task's directory /local. */
void job_install(const Job *job, const char *program);

/* Return: when systemd saw nspawn end, in seconds since 1970; 0 if it did not. */
double job_nspawn_ended(const Job *job);

/* Open calls about the task, for call_end() or client_call_free(). */
ClientCall *job_open_start(const Agent *agent, Job *job);
ClientCall *job_open_recover(const Agent *agent, const Job *job);
/* @signal: "" for that of the task */
ClientCall *job_open_stop(const Agent *agent, const Job *job, int64_t timeout_sec, const char *signal);
ClientCall *job_open_destroy(const Agent *agent, const Job *job, bool force);
ClientCall *job_open_wait(const Agent *agent, const Job *job);

void job_start_begin(Agent *agent, Job *job);
void job_start_end(Job *job);
void job_start(Agent *agent, Job *job);
/* Return: the plugin's error message. */
char *job_start_fails(Agent *agent, Job *job);

/* Return: exit code. */
int job_wait(Agent *agent, Job *job);
void job_stop(Agent *agent, Job *job, int64_t timeout_sec, const char *signal);
/* Calls DestroyTask, as Nomad does at the end of a task. The unit and its directory must be gone then. */
void job_destroy(Agent *agent, Job *job);
void job_recover(Agent *agent, Job *job);

/* Starts the task, waits for its end, and destroys it; expects this exit code. Return: its stdout. */
char *job_run(Agent *agent, Job *job, int code);

/* Return: the value of a property of the task's unit. */
char *job_property(const Job *job, const char *name);
