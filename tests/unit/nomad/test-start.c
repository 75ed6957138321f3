/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <systemd/sd-bus.h>

#include "base/string.h"
#include "box/fake-systemd.h"
#include "box/service-box.h"
#include "client.h"

/* StartTask: the errors of failed starts. */
TestSuite(start, .timeout = 60);

typedef struct Failure {
        int code;
        char *text;
        bool recoverable;
} Failure;

/* Starts a task that boots. Its image is the directory of the fake systemd, which is enough for this. */
static Failure start_task(ServiceBox *service) {
        Driver__StartTaskRequest request = DRIVER__START_TASK_REQUEST__INIT;
        Driver__TaskConfig config = DRIVER__TASK_CONFIG__INIT;
        char id[] = "allocation/web/2", name[] = "web";
        _cleanup_string_buffer_ StringBuffer bytes = {};
        const char *image = service->engine.fake->directory;
        Failure failure = {};

        string_buffer_append_bytes(&bytes,
                "\x82\xa4"
                "boot"
                "\xc3\xa5"
                "image"
                "\xd9",
                14);
        string_buffer_append_bytes(&bytes, &(unsigned char){ (unsigned char) strlen(image) }, 1);
        string_buffer_append(&bytes, "%s", image);
        config.id = id;
        config.name = name;
        config.msgpack_driver_config.data = (uint8_t *) bytes.text;
        config.msgpack_driver_config.len = bytes.length;
        request.task = &config;

        service_box_begin(service);
        ClientCall *call = client_open(service->client, SERVICE_BOX_DRIVER "StartTask", &request.base);
        failure.code = client_status(call, SERVICE_BOX_LIMIT_MSEC, &failure.text, &failure.recoverable);
        client_call_free(call);
        service_box_end(service);
        return failure;
}

static void expect_failure(ServiceBox *service, const char *words, bool recoverable) {
        Failure failure = start_task(service);

        cr_expect_eq(failure.code, GRPC_STATUS_FAILED_PRECONDITION);
        cr_expect_not_null(strstr(failure.text, words), "%s", failure.text);
        cr_expect_eq(failure.recoverable, recoverable, "%s", failure.text);
        free(failure.text);
}

/* nspawn or the command ended by itself, as without such a command, and would do so again. */
Test(start, a_unit_that_ended_with_a_code_is_not_tried_again) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service.engine.fake->start = FAKE_START_FAIL;
        service.engine.fake->exit_status = 1;
        expect_failure(&service, "did not start", false);
}

Test(start, a_unit_that_was_not_given_what_it_needs_may_be_tried_again) {
        static const char *const results[] = { "timeout", "resources", "oom-kill", "signal" };

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                _cleanup_service_box_ ServiceBox service;

                service_box_open(&service);
                service.engine.fake->start = FAKE_START_FAIL;
                service.engine.fake->fail_result = results[i];
                expect_failure(&service, "did not start", true);
        }
}

Test(start, a_refusal_of_systemd_may_be_tried_again_unless_the_unit_is_at_fault) {
        static const struct {
                const char *name;
                bool recoverable;
        } rows[] = {
                { SD_BUS_ERROR_LIMITS_EXCEEDED, true },
                { SD_BUS_ERROR_INVALID_ARGS, false },
                { SD_BUS_ERROR_PROPERTY_READ_ONLY, false },
        };
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service.engine.fake->start = FAKE_START_REFUSE;
        service.engine.fake->refuse_words = "no";
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                service.engine.fake->refuse_name = rows[i].name;
                expect_failure(&service, "refused to start", rows[i].recoverable);
        }
}

Test(start, a_mistake_of_the_job_is_not_tried_again) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service.plugin.config.enabled = false;
        expect_failure(&service, "disabled", false);
}
