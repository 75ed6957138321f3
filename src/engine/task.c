/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "engine/task.h"
#include "kernel/leader.h"

Task *engine_find(Engine *engine, const char *id) {
        Task *task;

        LIST_FOREACH (task, &engine->tasks, tasks)
                if (streq(task->id, id))
                        return task;
        return NULL;
}

const char *engine_runtime_directory(const Engine *engine) {
        return engine->runtime_directory;
}

Task *engine_first(Engine *engine) {
        return LIST_FIRST(&engine->tasks);
}

size_t engine_n_tasks(const Engine *engine) {
        return engine->n_tasks;
}

void task_event(Task *task, const char *message, const char *const *annotations) {
        if (task->engine->callbacks->on_event)
                task->engine->callbacks->on_event(task->engine->userdata, task, message, annotations);
}

void task_watch(Task *task) {
        const Engine *engine = task->engine;

        task->unit = unit_new(engine->system_bus, task->record.unit, engine->on_unit, task);
}

void task_hold(Task *task) {
        task->held = task->engine->role != ENGINE_VISITOR && unit_pin(task->unit) >= 0;
}

int task_find_leader(Task *task) {
        if (task->state == TASK_EXITED || task->ending || task->main_pid <= 0)
                return -ESRCH;
        if (task->leader_fd >= 0 && task->main_pid == task->leader_parent)
                return task->leader_fd;

        task_forget_leader(task);
        const LeaderFunctions *processes = task->engine->processes;
        pid_t leader = processes ? processes->find(task->main_pid)
                                 : task->isolation->find_leader(task->main_pid, task->control_group);
        int fd = leader <= 0 ? (int) leader
                : processes  ? processes->open(leader, task->main_pid)
                             : process_open(leader, task->main_pid);
        if (fd < 0)
                return fd;

        task->leader = leader;
        task->leader_fd = fd;
        task->leader_parent = task->main_pid;
        return fd;
}

pid_t task_leader(Task *task) {
        return task_find_leader(task) < 0 ? 0 : task->leader;
}

void task_forget_leader(Task *task) {
        task->leader_fd = fd_close(task->leader_fd);
        task->leader = task->leader_parent = 0;
}

/*
 * When the bus goes away, systemd forgets which clients held a unit, and does not check whether the unit is
 * still needed (252 to 255, dbus.c, destroy_bus()): a dead unit would stay until a client holds it and lets
 * it go.
 */
void task_let_go(Task *task) {
        SystemBus *system_bus = task->engine->system_bus;

        if (task->held && system_bus_send(system_bus, "RefUnit", "s", task->record.unit) >= 0)
                (void) system_bus_send(system_bus, "UnrefUnit", "s", task->record.unit);
        task->held = false;
}

/*
 * Reads the result from the eventfd if the notes do not have it. The helper copies it into the notes at the
 * end of a run, but may have been killed before.
 */
static void read_result(const Task *task, RunEnd *end) {
        if (!end->has_payload && !end->has_unit)
                end->has_payload = run_result_read(
                        task->result_fd, &end->payload_code, &end->payload_signal);
}

static bool is_invocation(const RunEnd *end, const char *invocation) {
        return *end->invocation && streq_null(invocation, end->invocation);
}

bool task_read_run(const Task *task, const RunChoice *choice, RunEnd *ret) {
        RunEnds ends = {};
        bool ours = task->has_record &&
                record_file_read_runs(
                        task->engine->runtime_directory, task->record.machine, task->id, &ends);
        bool before = choice->earlier ? ends.before.has_unit && is_invocation(&ends.last, choice->invocation)
                                      : is_invocation(&ends.before, choice->invocation);

        *ret = before ? ends.before : ends.last;
        if (!before)
                read_result(task, ret);
        return ours;
}

bool task_read_end(const Task *task, RunEnd *ret) {
        bool ours = task->has_record &&
                record_file_is_of(task->engine->runtime_directory, task->record.machine, task->id, ret);

        if (!ours)
                *ret = (RunEnd){};
        read_result(task, ret);
        return ours;
}

const char *task_id(const Task *task) {
        return task->id;
}

TaskState task_state(const Task *task) {
        return task->state;
}

const TaskRecord *task_record(const Task *task) {
        return &task->record;
}

const ExitResult *task_result(const Task *task) {
        return &task->result;
}

const char *task_control_group(const Task *task) {
        return task->control_group;
}
