/* SPDX-License-Identifier: Apache-2.0 */

#include "box.h"

/* Return: the limits of the task with all that was set before. */
static Limits *limits_of(Job *job) {
        Limits *limits = &job->limits;

        if (job->config.resources == &limits->resources)
                return limits;

        driver__resources__init(&limits->resources);
        driver__linux_resources__init(&limits->linux_resources);
        limits->resources.linux_resources = &limits->linux_resources;
        job->config.resources = &limits->resources;
        return limits;
}

void job_limit_memory(Job *job, int64_t mib) {
        Limits *limits = limits_of(job);

        driver__allocated_task_resources__init(&limits->allocated);
        driver__allocated_memory_resources__init(&limits->memory);
        limits->memory.memory_mb = mib;
        limits->linux_resources.memory_limit_bytes = mib << 20;
        limits->allocated.memory = &limits->memory;
        limits->resources.allocated_resources = &limits->allocated;
}

void job_set_cpu_shares(Job *job, int64_t shares) {
        limits_of(job)->linux_resources.cpu_shares = shares;
}
