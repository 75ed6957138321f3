/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/node-box.h"
#include "box/own-name.h"
#include "box/service-box.h"
#include "engine/record-file.h"
#include "unit/task-dir.h"

/* Tasks of lost nodes are reported and ended, those of other nodes are left alone. */
TestSuite(orphans, .timeout = 60);

typedef struct Scene {
        ServiceBox service;
        NodeBox own, lost;
        int state; /* the open state file of the agent, which is this process */
        int log;
} Scene;

/* Makes stderr, the driver's log, a file. */
static int capture_log(void) {
        int fd = open("/tmp", O_RDWR | O_TMPFILE | O_APPEND | O_CLOEXEC, 0600);

        cr_assert_geq(fd, 0);
        cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        return fd;
}

static void scene_open(Scene *scene) {
        *scene = (Scene){};
        service_box_open(&scene->service);
        node_box_open(&scene->own);
        node_box_open(&scene->lost);
        node_box_note(&scene->lost, 0);
        node_box_lose(&scene->lost);
        _cleanup_free_ char *state = xasprintf("%s/client/state.db", scene->own.directory);
        scene->state = open(state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        cr_assert_geq(scene->state, 0);
        scene->log = capture_log();
}

static void scene_close(Scene *scene) {
        fd_close(scene->state);
        fd_close(scene->log);
        orphans_drop(&scene->service.plugin.orphans);
        node_box_close(&scene->own);
        node_box_close(&scene->lost);
        service_box_close(&scene->service);
}
#define _cleanup_scene_ _cleanup_(scene_close)

/* Makes a running task that this driver has not started or recovered. Return: its machine. */
static char *leave(Scene *scene, const char *id, const char *owner) {
        char *machine = own_name_new();
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", machine);
        const char *root = scene->service.engine.root;
        _cleanup_free_ char *directory = task_dir_unit_path(root, machine);
        const TaskRecord record = {
                .id = (char *) (uintptr_t) id,
                .machine = machine,
                .owner = (char *) (uintptr_t) owner,
        };

        own_record_leave(root, &record);
        cr_assert_eq(mkdir(directory, 0700), 0);
        fake_unit_add(scene->service.engine.fake, unit, "active");
        return machine;
}

static bool runs(Scene *scene, const char *machine) {
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", machine);

        return fake_unit_find(scene->service.engine.fake, unit) &&
                record_file_read(scene->service.engine.root, machine, NULL, NULL) >= 0;
}

static void look(Scene *scene, uint64_t timeout_usec) {
        orphans_find(&scene->service.plugin.orphans, getpid(), timeout_usec);
}

static bool log_has(const Scene *scene, const char *words) {
        char text[8192] = "";

        cr_assert_geq(pread(scene->log, text, sizeof(text) - 1, 0), 0);
        return strstr(text, words) != NULL;
}

Test(orphans, a_task_of_a_lost_node_is_told_of_with_the_remedy_and_runs_on) {
        _cleanup_own_name_ char *machine = NULL;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        machine = leave(&scene, "allocation/web/1", scene.lost.id);
        look(&scene, 0);
        cr_expect(log_has(&scene, machine));
        cr_expect(log_has(&scene, scene.lost.id));
        _cleanup_free_ char *remedy = xasprintf("nspawnctl stop %s", machine);
        cr_expect(log_has(&scene, remedy));
        cr_expect_null(scene.service.plugin.orphans.timer);
        engine_box_settle(&scene.service.engine);
        cr_expect(runs(&scene, machine));
}

Test(orphans, a_task_of_a_lost_node_is_ended_after_the_timeout) {
        _cleanup_own_name_ char *machine = NULL;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        machine = leave(&scene, "allocation/web/1", scene.lost.id);
        look(&scene, USEC_PER_SEC);
        cr_expect(log_has(&scene, "it is ended in 1 s (orphan_timeout)"));
        engine_box_settle(&scene.service.engine);
        cr_expect(runs(&scene, machine), "ended before the timeout");
        engine_box_run_until(&scene.service.engine, LIST_EMPTY(&scene.service.plugin.orphans.list));
        engine_box_settle(&scene.service.engine);
        cr_expect_not(runs(&scene, machine));
        cr_expect(record_file_read(scene.service.engine.root, machine, NULL, NULL) < 0);
        cr_expect(log_has(&scene, "ending a task of a lost node"));
}

Test(orphans, tasks_of_others_are_neither_told_of_nor_ended) {
        _cleanup_node_box_ NodeBox slow;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        node_box_open(&slow);
        node_box_note(&slow, 0);
        const struct {
                const char *id, *owner;
        } rows[] = {
                { "allocation/own/1", scene.own.id },
                { "allocation/slow/1", slow.id }, /* its agent does not run, but its state is there */
                { "allocation/development/1", "node-without-state" }, { "allocation/old/1", NULL },
                { "one", scene.lost.id }, /* this driver has the task, so an agent knows it */
        };
        char *machines[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                machines[i] = leave(&scene, rows[i].id, rows[i].owner);
        look(&scene, 1);
        cr_expect(LIST_EMPTY(&scene.service.plugin.orphans.list));
        cr_expect_null(scene.service.plugin.orphans.timer);
        engine_box_settle(&scene.service.engine);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                cr_expect_not(log_has(&scene, machines[i]), "%s", rows[i].id);
                cr_expect(runs(&scene, machines[i]), "%s", rows[i].id);
                own_name_free(machines[i]);
        }
}

Test(orphans, a_node_that_comes_back_in_time_keeps_its_tasks) {
        _cleanup_own_name_ char *machine = NULL;
        _cleanup_node_box_ NodeBox back;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        node_box_open(&back);
        node_box_note(&back, 0);
        cr_assert_eq(unlink(back.file), 0);
        machine = leave(&scene, "allocation/web/1", back.id);
        look(&scene, 1);
        cr_expect(log_has(&scene, machine));
        node_box_write(&back, back.id);
        engine_box_run_until(&scene.service.engine, LIST_EMPTY(&scene.service.plugin.orphans.list));
        engine_box_settle(&scene.service.engine);
        cr_expect(runs(&scene, machine));
}

Test(orphans, a_unit_that_is_gone_is_not_told_of) {
        _cleanup_own_name_ char *machine = NULL;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        machine = leave(&scene, "allocation/web/1", scene.lost.id);
        _cleanup_free_ char *directory = task_dir_unit_path(scene.service.engine.root, machine);
        cr_assert_eq(rmdir(directory), 0);
        look(&scene, 0);
        cr_expect_not(log_has(&scene, machine));
}

Test(orphans, an_agent_without_state_of_its_own_judges_nobody) {
        _cleanup_own_name_ char *machine = NULL;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        machine = leave(&scene, "allocation/web/1", scene.lost.id);
        scene.state = fd_close(scene.state);
        look(&scene, 1);
        cr_expect_not(log_has(&scene, machine));
        cr_expect(LIST_EMPTY(&scene.service.plugin.orphans.list));
}

Test(orphans, what_cannot_be_ended_is_tried_again) {
        _cleanup_own_name_ char *machine = NULL;
        _cleanup_scene_ Scene scene;

        scene_open(&scene);
        machine = leave(&scene, "allocation/web/1", scene.lost.id);
        scene.service.engine.fake->stop_is_slow = true;
        look(&scene, 1);
        fake_systemd_drop(scene.service.engine.fake);
        engine_box_run_until(&scene.service.engine, log_has(&scene, "tried again in a minute"));
        cr_expect_not_null(scene.service.plugin.orphans.timer);
        cr_expect_not(LIST_EMPTY(&scene.service.plugin.orphans.list));
        cr_expect(record_file_is_of(scene.service.engine.root, machine, "allocation/web/1", NULL));
}
