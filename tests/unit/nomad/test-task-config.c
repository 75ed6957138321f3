/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "base/string.h"
#include "base/strv.h"
#include "nomad/task-config.h"

TestSuite(task_config, .timeout = 30);

#define ALLOC "5f0c1a3e-9d0b-7a52-6f1c-0e4f6c1f9a77"

static const DriverConfig driver = { .enabled = true, .volumes = true };

/* A job's config, {"image": "/i"}. */
static uint8_t config_image[] = "\x81\xa5image\xa2/i";

/* {"boot": false, "tty": 5, "user": "a/b"} */
static uint8_t config_wrong[] = "\x83\xa4"
                                "boot\xc2\xa3tty\x05\xa4user\xa3"
                                "a/b";

static char name[] = "web", alloc[] = ALLOC;

static void config_init(Driver__TaskConfig *config, uint8_t *msgpack, size_t n) {
        driver__task_config__init(config);
        config->name = name;
        config->alloc_id = alloc;
        config->msgpack_driver_config.data = msgpack;
        config->msgpack_driver_config.len = n;
}

static TaskRequest *request_of(const Driver__TaskConfig *config) {
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request = NULL;

        cr_assert_eq(
                task_config_to_request(config, &driver, &request, &error), 0, "%s", error_message(error));
        return request;
}

Test(task_config, tasks_of_an_allocation_are_different_machines) {
        Driver__TaskConfig config;
        char other[] = "db";

        config_init(&config, config_image, sizeof(config_image) - 1);
        _cleanup_task_request_ TaskRequest *web = request_of(&config), *again = request_of(&config);
        config.name = other;
        _cleanup_task_request_ TaskRequest *db = request_of(&config);

        cr_assert_eq(strlen(web->identity.machine_id), 32);
        cr_assert_str_eq(web->identity.machine_id, again->identity.machine_id, "a restart changes nothing");
        cr_assert_str_neq(web->identity.machine_id, db->identity.machine_id);
}

Test(task_config, all_mistakes_of_a_job_are_told_a_line_for_each) {
        char empty[] = "", path[] = "/data", mode[] = "bidirectional", device[] = "/dev/x\ny";
        Driver__TaskConfig__EnvEntry variable = DRIVER__TASK_CONFIG__ENV_ENTRY__INIT, *env[] = { &variable };
        Driver__Mount mount = DRIVER__MOUNT__INIT, *mounts[] = { &mount };
        Driver__Device dev = DRIVER__DEVICE__INIT, *devices[] = { &dev };
        const DriverConfig closed = { .enabled = true };
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request = NULL;
        Driver__TaskConfig config;

        config_init(&config, config_wrong, sizeof(config_wrong) - 1);
        variable.key = variable.value = empty;
        mount.task_path = mount.host_path = path;
        mount.propagation_mode = mode;
        dev.host_path = device;
        config.env = env;
        config.mounts = mounts;
        config.devices = devices;
        config.n_env = config.n_mounts = config.n_devices = 1;
        cr_assert_eq(task_config_to_request(&config, &closed, &request, &error), -EINVAL);
        cr_assert_null(request);
        cr_assert_str_eq(error->message,
                "tty: must be true or false, not a number (5)\n"
                "user: \"a/b\" is not allowed: must be a user name or id, with :GROUP if wanted\n"
                "image: missing, it must be given\n"
                "env: \"\" is not allowed: must be a name that is not empty and has no = in it\n"
                "volume_mount: propagation_mode \"bidirectional\" of \"/data\" is not possible: must be private "
                "or host-to-task\n"
                "device: \"/dev/x y\" cannot be given to a task by this driver yet\n"
                "volume_mount: \"/data\" is not allowed: the driver's option volumes is false on this client\n"
                "command: needed when boot = false; say which program to run");
}

/* The event loop waits meanwhile. With a linear search for each variable this took many seconds. */
Test(task_config, very_many_variables_are_read_at_once) {
        enum { N = 60000 };
        Driver__TaskConfig__EnvEntry *entries = xnew(Driver__TaskConfig__EnvEntry, N),
                                     **env = xnew(Driver__TaskConfig__EnvEntry *, N);
        char value[] = "x";
        Driver__TaskConfig config;

        config_init(&config, config_image, sizeof(config_image) - 1);
        for (size_t i = 0; i < N; i++) {
                driver__task_config__env_entry__init(&entries[i]);
                entries[i].key = xasprintf("V%zu", i);
                entries[i].value = value;
                env[i] = &entries[i];
        }
        config.env = env;
        config.n_env = N;

        clock_t before = clock();
        _cleanup_task_request_ TaskRequest *request = request_of(&config);
        double seconds = (double) (clock() - before) / CLOCKS_PER_SEC;
        cr_assert_eq(request->spec.environment.n, N);
        cr_assert_lt(seconds, 2, "%f s", seconds);

        for (size_t i = 0; i < N; i++)
                free(entries[i].key);
        free(entries);
        free(env);
}
