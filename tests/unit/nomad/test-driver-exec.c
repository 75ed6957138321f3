/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "box/exec-box.h"
#include "box/service-box.h"
#include "client.h"
#include "driver.pb-c.h"

/* ExecTask: the answer comes when the command has ended. */
TestSuite(driver_exec, .timeout = 60);

#define MIB ((size_t) 1024 * 1024)

static ClientCall *open_command(
        ExecBox *box, const char *id, size_t n_command, const Google__Protobuf__Duration *timeout) {
        Driver__ExecTaskRequest request = DRIVER__EXEC_TASK_REQUEST__INIT;
        char *command[] = { (char *) (uintptr_t) "sh", (char *) (uintptr_t) "-c" };

        cr_assert_leq(n_command, ELEMENTSOF(command));
        request.task_id = (char *) (uintptr_t) id;
        request.command = command;
        request.n_command = n_command;
        request.timeout = (Google__Protobuf__Duration *) (uintptr_t) timeout;
        return client_open(box->service.client, SERVICE_BOX_DRIVER "ExecTask", &request.base);
}

static ClientCall *start(ExecBox *box) {
        ClientCall *call = open_command(box, "one", 2, NULL);

        exec_box_wait_for(box, EXEC_HAPPENED_START);
        return call;
}

static Driver__ExecTaskResponse *answer(ClientCall *call) {
        Driver__ExecTaskResponse *response = NULL;

        cr_assert_eq(client_next(call, &driver__exec_task_response__descriptor, SERVICE_BOX_LIMIT_MSEC,
                             (ProtobufCMessage **) &response),
                1);
        cr_assert_eq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        cr_assert_not_null(response->result);
        return response;
}

static void expect_failure(ClientCall *call, grpc_status_code code, const char *words) {
        _cleanup_free_ char *text = NULL;
        bool recoverable = true;

        cr_expect_eq(
                client_status(call, SERVICE_BOX_LIMIT_MSEC, &text, &recoverable), (int) code, "%s", text);
        cr_expect_str_eq(text, words);
        cr_expect_not(recoverable);
}

static bool has_text(const ProtobufCBinaryData *data, const char *text) {
        return data->len == strlen(text) && memcmp(data->data, text, data->len) == 0;
}

Test(driver_exec, output_and_errors_come_apart_and_the_code_with_them) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        cr_expect_str_eq(box.command, "sh|-c|");
        cr_expect_str_eq(box.environment, "", "there is no terminal");
        cr_expect_not(box.terminal);
        exec_box_say(&box, EXEC_OUTPUT, "one ");
        exec_box_say(&box, EXEC_ERROR, "bad ");
        exec_box_say(&box, EXEC_OUTPUT, "two");
        exec_box_say(&box, EXEC_ERROR, "luck");
        exec_box_end(&box, 43, 0);

        Driver__ExecTaskResponse *response = answer(call);
        cr_expect(has_text(&response->stdout, "one two"));
        cr_expect(has_text(&response->stderr, "bad luck"));
        cr_expect_eq(response->result->exit_code, 43);
        cr_expect_eq(response->result->signal, 0);
        driver__exec_task_response__free_unpacked(response, NULL);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
}

Test(driver_exec, there_is_a_result_also_when_there_is_nothing_to_tell) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        exec_box_end(&box, 0, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 0);
        cr_expect_eq(response->stdout.len + response->stderr.len, 0);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, a_signal_is_told_beside_the_code) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        exec_box_end(&box, 137, 9);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 137);
        cr_expect_eq(response->result->signal, 9);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, input_is_at_its_end_from_the_first) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        exec_box_settle(&box);
        cr_expect_eq(box.n_input_ends, 1);
        cr_expect_eq(box.n_writes, 0);
        exec_box_end(&box, 0, 0);
        driver__exec_task_response__free_unpacked(answer(call), NULL);
}

Test(driver_exec, bytes_of_any_kind_pass) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);
        uint8_t bytes[256];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) i;
        exec_box_write(&box, EXEC_OUTPUT, bytes, sizeof(bytes));
        exec_box_end(&box, 0, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->stdout.len, sizeof(bytes));
        cr_expect_arr_eq(response->stdout.data, bytes, sizeof(bytes));
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, what_could_not_be_run_has_a_code_and_words_among_the_errors) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        exec_box_fail(&box, &(ExecResult){ 127, 0 }, ENOENT, "no program nosuch in the task");
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 127);
        cr_expect(has_text(&response->stderr, "no program nosuch in the task\n"));
        cr_expect_eq(response->stdout.len, 0);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, what_was_not_run_fails_in_words) {
        _cleanup_exec_box_ ExecBox box;
        static const struct {
                int error;
                grpc_status_code code;
        } rows[] = {
                { ESRCH, GRPC_STATUS_FAILED_PRECONDITION },
                { EINVAL, GRPC_STATUS_INVALID_ARGUMENT },
                { EIO, GRPC_STATUS_UNKNOWN },
                { ECANCELED, GRPC_STATUS_UNKNOWN },
        };

        exec_box_open(&box);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_client_call_ ClientCall *call = start(&box);

                exec_box_fail(&box, NULL, rows[i].error, "it was not to be");
                expect_failure(call, rows[i].code, "it was not to be");
                exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                box.refusal = rows[i].error;
                box.refusal_words = "the task does not run";
                _cleanup_client_call_ ClientCall *call = open_command(&box, "one", 2, NULL);
                expect_failure(call, rows[i].code, "the task does not run");
        }
}

Test(driver_exec, neither_an_unknown_task_nor_no_command_is_run) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *unknown = open_command(&box, "another", 2, NULL);
        expect_failure(unknown, GRPC_STATUS_NOT_FOUND, "task not found for given id");
        _cleanup_client_call_ ClientCall *none = open_command(&box, "one", 0, NULL);
        expect_failure(none, GRPC_STATUS_INVALID_ARGUMENT, "there is no command to run");
        exec_box_expect_none(&box, EXEC_HAPPENED_START);
}

Test(driver_exec, the_timeout_ends_it) {
        _cleanup_exec_box_ ExecBox box;
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

        exec_box_open(&box);
        timeout.nanos = 50000000;
        _cleanup_client_call_ ClientCall *call = open_command(&box, "one", 1, &timeout);
        expect_failure(
                call, GRPC_STATUS_DEADLINE_EXCEEDED, "the command did not end within 0.05s and was killed");
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
}

Test(driver_exec, the_least_timeout_is_one) {
        _cleanup_exec_box_ ExecBox box;
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

        exec_box_open(&box);
        timeout.nanos = 1;
        _cleanup_client_call_ ClientCall *call = open_command(&box, "one", 1, &timeout);
        cr_expect_eq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_DEADLINE_EXCEEDED);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
}

Test(driver_exec, who_ends_within_the_timeout_is_answered) {
        _cleanup_exec_box_ ExecBox box;
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

        exec_box_open(&box);
        timeout.seconds = INT64_MAX;
        timeout.nanos = 999999999;
        _cleanup_client_call_ ClientCall *call = open_command(&box, "one", 1, &timeout);
        exec_box_wait_for(&box, EXEC_HAPPENED_START);
        exec_box_end(&box, 5, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 5);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, no_time_or_less_is_no_timeout) {
        _cleanup_exec_box_ ExecBox box;
        static const int64_t seconds[] = { 0, -1, INT64_MIN };

        exec_box_open(&box);
        for (size_t i = 0; i < ELEMENTSOF(seconds); i++) {
                Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

                timeout.seconds = seconds[i];
                timeout.nanos = seconds[i] < 0 ? -1 : 0;
                _cleanup_client_call_ ClientCall *call = open_command(&box, "one", 1, &timeout);
                exec_box_wait_for(&box, EXEC_HAPPENED_START);
                /* A timer for 0 seconds would have expired by then. */
                for (unsigned j = 0; j < 3; j++)
                        exec_box_settle(&box);
                exec_box_end(&box, 0, 0);
                driver__exec_task_response__free_unpacked(answer(call), NULL);
        }
}

static void fill_up(ExecBox *box, ExecStream stream, size_t n) {
        _cleanup_free_ uint8_t *bytes = xcalloc(MIB, 1);

        memset(bytes, 'x', MIB);
        for (; n > 0; n -= n < MIB ? n : MIB)
                exec_box_write(box, stream, bytes, n < MIB ? n : MIB);
}

Test(driver_exec, both_streams_together_may_be_64_MiB) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        fill_up(&box, EXEC_ERROR, 10 * MIB);
        fill_up(&box, EXEC_OUTPUT, 54 * MIB);
        exec_box_end(&box, 0, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->stdout.len, 54 * MIB);
        cr_expect_eq(response->stderr.len, 10 * MIB);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, a_byte_more_than_64_MiB_is_the_end) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start(&box);

        fill_up(&box, EXEC_ERROR, 10 * MIB);
        fill_up(&box, EXEC_OUTPUT, 54 * MIB);
        exec_box_expect_none(&box, EXEC_HAPPENED_FREE);
        exec_box_say(&box, EXEC_ERROR, "!");
        expect_failure(
                call, GRPC_STATUS_RESOURCE_EXHAUSTED, "the command wrote more than 64 MiB and was killed");
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
}

Test(driver_exec, who_asked_and_went_away_leaves_nothing_running) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        ClientCall *call = start(&box);

        exec_box_say(&box, EXEC_OUTPUT, "for nobody");
        client_cancel(call);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
        client_call_free(call);
}

Test(driver_exec, the_end_of_the_plugin_is_that_of_its_commands) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        ClientCall *call = start(&box);

        exec_box_expect_none(&box, EXEC_HAPPENED_FREE);
        service_box_end(&box.service);
        box.service.server = server_free(box.service.server);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
        cr_expect_neq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        client_call_free(call);
        service_box_begin(&box.service);
}
