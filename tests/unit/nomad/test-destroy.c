/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"
#include "box/service-box.h"
#include "client.h"
#include "driver.pb-c.h"
#include "engine/record-file.h"

/* SignalTask and DestroyTask, for tasks of this driver and for those that an earlier one left. */
TestSuite(destroy, .timeout = 60);

static grpc_status_code signal_task(ServiceBox *service, const char *id, const char *name, char **ret_text) {
        Driver__SignalTaskRequest request = DRIVER__SIGNAL_TASK_REQUEST__INIT;

        request.task_id = (char *) (uintptr_t) id;
        request.signal = (char *) (uintptr_t) name;
        return client_call(
                service->client, SERVICE_BOX_DRIVER "SignalTask", &request.base, NULL, NULL, ret_text);
}

static grpc_status_code destroy_task(ServiceBox *service, const char *id, bool force, char **ret_text) {
        Driver__DestroyTaskRequest request = DRIVER__DESTROY_TASK_REQUEST__INIT;

        request.task_id = (char *) (uintptr_t) id;
        request.force = force;
        return client_call(
                service->client, SERVICE_BOX_DRIVER "DestroyTask", &request.base, NULL, NULL, ret_text);
}

Test(destroy, a_signal_that_cannot_be_sent_is_an_error_in_words) {
        static const struct {
                const char *id, *signal;
                grpc_status_code code;
                const char *words;
        } rows[] = {
                { "none", "SIGHUP", GRPC_STATUS_NOT_FOUND, "task not found" },
                { "one", "SIGNONSENSE", GRPC_STATUS_INVALID_ARGUMENT, "\"SIGNONSENSE\" is not a signal" },
                { "one", "", GRPC_STATUS_INVALID_ARGUMENT, "from 1 to 64" },
                /* The unit's main process has no child in this test. */
                { "one", "SIGHUP", GRPC_STATUS_FAILED_PRECONDITION, "no process" },
        };
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service_box_begin(&service);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = NULL;

                cr_expect_eq(signal_task(&service, rows[i].id, rows[i].signal, &text), rows[i].code,
                        "row %zu", i);
                cr_expect_not_null(strstr(text, rows[i].words), "row %zu: %s", i, text);
        }
        service_box_end(&service);
}

/* Makes what an earlier driver leaves of a task; @state: of its unit, NULL for no unit. */
static char *leave(ServiceBox *service, const char *id, const char *state) {
        char *machine = own_name_new();
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", machine);
        const TaskRecord record = { .id = (char *) (uintptr_t) id, .machine = machine };

        own_record_leave(service->engine.root, &record);
        if (state)
                fake_unit_add(service->engine.fake, unit, state);
        return machine;
}

Test(destroy, a_task_that_nobody_recovered_is_found_by_its_id_and_ended) {
        _cleanup_own_name_ char *id = own_name_new(), *machine = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        machine = leave(&service, id, "active");
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", machine);
        service_box_begin(&service);
        cr_assert_eq(destroy_task(&service, id, false, &text), GRPC_STATUS_FAILED_PRECONDITION);
        cr_assert_not_null(strstr(text, "still runs"), "%s", text);
        cr_assert(record_file_is_of(service.engine.root, machine, id, NULL));
        cr_assert_eq(destroy_task(&service, id, true, NULL), GRPC_STATUS_OK);
        service_box_end(&service);

        cr_assert_not(record_file_is_of(service.engine.root, machine, id, NULL));
        engine_box_settle(&service.engine);
        cr_assert_null(fake_unit_find(service.engine.fake, unit));
}

Test(destroy, what_is_dead_or_gone_is_cleared_away_without_an_error) {
        _cleanup_own_name_ char *id = own_name_new(), *machine = NULL;
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        machine = leave(&service, id, NULL);
        service_box_begin(&service);
        cr_assert_eq(destroy_task(&service, id, true, NULL), GRPC_STATUS_OK);
        cr_assert_eq(destroy_task(&service, id, true, NULL), GRPC_STATUS_OK, "again");
        cr_assert_eq(destroy_task(&service, "never/was/1", false, NULL), GRPC_STATUS_OK);
        service_box_end(&service);
        cr_assert_not(record_file_is_of(service.engine.root, machine, id, NULL));
        cr_assert_eq(engine_n_tasks(service.engine.engine), 1);
}
