/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "box/exec-box.h"
#include "box/service-box.h"
#include "client.h"
#include "driver.pb-c.h"

/* ExecTask: the answer comes when the command has ended. */
TestSuite(driver_exec, .init = exec_box_open, .fini = exec_box_close, .timeout = 60);

#define MIB ((size_t) 1024 * 1024)

static ClientCall *open_command(
        const char *id, size_t n_command, const Google__Protobuf__Duration *timeout) {
        Driver__ExecTaskRequest request = DRIVER__EXEC_TASK_REQUEST__INIT;
        char *command[] = { (char *) (uintptr_t) "sh", (char *) (uintptr_t) "-c" };

        cr_assert_leq(n_command, ELEMENTSOF(command));
        request.task_id = (char *) (uintptr_t) id;
        request.command = command;
        request.n_command = n_command;
        request.timeout = (Google__Protobuf__Duration *) (uintptr_t) timeout;
        return client_open(fake.service.client, SERVICE_BOX_DRIVER "ExecTask", &request.base);
}

static ClientCall *start(void) {
        ClientCall *call = open_command("one", 2, NULL);

        wait_for(HAPPENED_START);
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
        _cleanup_client_call_ ClientCall *call = start();

        cr_expect_str_eq(fake.command, "sh|-c|");
        cr_expect_str_eq(fake.environment, "", "there is no terminal");
        cr_expect_not(fake.terminal);
        say(EXEC_OUTPUT, "one ");
        say(EXEC_ERROR, "bad ");
        say(EXEC_OUTPUT, "two");
        say(EXEC_ERROR, "luck");
        end_with(43, 0);

        Driver__ExecTaskResponse *response = answer(call);
        cr_expect(has_text(&response->stdout, "one two"));
        cr_expect(has_text(&response->stderr, "bad luck"));
        cr_expect_eq(response->result->exit_code, 43);
        cr_expect_eq(response->result->signal, 0);
        driver__exec_task_response__free_unpacked(response, NULL);
        wait_for(HAPPENED_FREE);
}

Test(driver_exec, there_is_a_result_also_when_there_is_nothing_to_tell) {
        _cleanup_client_call_ ClientCall *call = start();

        end_with(0, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 0);
        cr_expect_eq(response->stdout.len + response->stderr.len, 0);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, a_signal_is_told_beside_the_code) {
        _cleanup_client_call_ ClientCall *call = start();

        end_with(137, 9);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 137);
        cr_expect_eq(response->result->signal, 9);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, input_is_at_its_end_from_the_first) {
        _cleanup_client_call_ ClientCall *call = start();

        in_loop(do_nothing, NULL);
        cr_expect_eq(fake.n_input_ends, 1);
        cr_expect_eq(fake.n_writes, 0);
        end_with(0, 0);
        driver__exec_task_response__free_unpacked(answer(call), NULL);
}

Test(driver_exec, bytes_of_any_kind_pass) {
        _cleanup_client_call_ ClientCall *call = start();
        uint8_t bytes[256];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) i;
        in_loop(do_output, &(Output){ EXEC_OUTPUT, bytes, sizeof(bytes) });
        end_with(0, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->stdout.len, sizeof(bytes));
        cr_expect_arr_eq(response->stdout.data, bytes, sizeof(bytes));
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, what_could_not_be_run_has_a_code_and_words_among_the_errors) {
        _cleanup_client_call_ ClientCall *call = start();

        in_loop(do_end, &(End){ &(ExecResult){ 127, 0 }, ENOENT, "no program nosuch in the task" });
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 127);
        cr_expect(has_text(&response->stderr, "no program nosuch in the task\n"));
        cr_expect_eq(response->stdout.len, 0);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, what_was_not_run_fails_in_words) {
        static const struct {
                int error;
                grpc_status_code code;
        } rows[] = {
                { ESRCH, GRPC_STATUS_FAILED_PRECONDITION },
                { EINVAL, GRPC_STATUS_INVALID_ARGUMENT },
                { EIO, GRPC_STATUS_UNKNOWN },
                { ECANCELED, GRPC_STATUS_UNKNOWN },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_client_call_ ClientCall *call = start();

                in_loop(do_end, &(End){ .error = rows[i].error, .words = "it was not to be" });
                expect_failure(call, rows[i].code, "it was not to be");
                wait_for(HAPPENED_FREE);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fake.refusal = rows[i].error;
                fake.refusal_words = "the task does not run";
                _cleanup_client_call_ ClientCall *call = open_command("one", 2, NULL);
                expect_failure(call, rows[i].code, "the task does not run");
        }
}

Test(driver_exec, neither_an_unknown_task_nor_no_command_is_run) {
        _cleanup_client_call_ ClientCall *unknown = open_command("another", 2, NULL);
        expect_failure(unknown, GRPC_STATUS_NOT_FOUND, "task not found for given id");
        _cleanup_client_call_ ClientCall *none = open_command("one", 0, NULL);
        expect_failure(none, GRPC_STATUS_INVALID_ARGUMENT, "there is no command to run");
        expect_none(HAPPENED_START);
}

Test(driver_exec, the_timeout_ends_it) {
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

        timeout.nanos = 50000000;
        _cleanup_client_call_ ClientCall *call = open_command("one", 1, &timeout);
        expect_failure(
                call, GRPC_STATUS_DEADLINE_EXCEEDED, "the command did not end within 0.05s and was killed");
        wait_for(HAPPENED_FREE);
}

Test(driver_exec, the_least_timeout_is_one) {
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

        timeout.nanos = 1;
        _cleanup_client_call_ ClientCall *call = open_command("one", 1, &timeout);
        cr_expect_eq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_DEADLINE_EXCEEDED);
        wait_for(HAPPENED_FREE);
}

Test(driver_exec, who_ends_within_the_timeout_is_answered) {
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

        timeout.seconds = INT64_MAX;
        timeout.nanos = 999999999;
        _cleanup_client_call_ ClientCall *call = open_command("one", 1, &timeout);
        wait_for(HAPPENED_START);
        end_with(5, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->result->exit_code, 5);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, no_time_or_less_is_no_timeout) {
        static const int64_t seconds[] = { 0, -1, INT64_MIN };

        for (size_t i = 0; i < ELEMENTSOF(seconds); i++) {
                Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;

                timeout.seconds = seconds[i];
                timeout.nanos = seconds[i] < 0 ? -1 : 0;
                _cleanup_client_call_ ClientCall *call = open_command("one", 1, &timeout);
                wait_for(HAPPENED_START);
                /* A timer for 0 seconds would have expired by then. */
                for (unsigned j = 0; j < 3; j++)
                        in_loop(do_nothing, NULL);
                end_with(0, 0);
                driver__exec_task_response__free_unpacked(answer(call), NULL);
        }
}

static void fill_up(ExecStream stream, size_t n) {
        _cleanup_free_ uint8_t *bytes = xcalloc(MIB, 1);

        memset(bytes, 'x', MIB);
        for (; n > 0; n -= n < MIB ? n : MIB)
                in_loop(do_output, &(Output){ stream, bytes, n < MIB ? n : MIB });
}

Test(driver_exec, both_streams_together_may_be_64_MiB) {
        _cleanup_client_call_ ClientCall *call = start();

        fill_up(EXEC_ERROR, 10 * MIB);
        fill_up(EXEC_OUTPUT, 54 * MIB);
        end_with(0, 0);
        Driver__ExecTaskResponse *response = answer(call);
        cr_expect_eq(response->stdout.len, 54 * MIB);
        cr_expect_eq(response->stderr.len, 10 * MIB);
        driver__exec_task_response__free_unpacked(response, NULL);
}

Test(driver_exec, a_byte_more_than_64_MiB_is_the_end) {
        _cleanup_client_call_ ClientCall *call = start();

        fill_up(EXEC_ERROR, 10 * MIB);
        fill_up(EXEC_OUTPUT, 54 * MIB);
        expect_none(HAPPENED_FREE);
        say(EXEC_ERROR, "!");
        expect_failure(
                call, GRPC_STATUS_RESOURCE_EXHAUSTED, "the command wrote more than 64 MiB and was killed");
        wait_for(HAPPENED_FREE);
}

Test(driver_exec, who_asked_and_went_away_leaves_nothing_running) {
        ClientCall *call = start();

        say(EXEC_OUTPUT, "for nobody");
        client_cancel(call);
        wait_for(HAPPENED_FREE);
        client_call_free(call);
}

Test(driver_exec, the_end_of_the_plugin_is_that_of_its_commands) {
        ClientCall *call = start();

        expect_none(HAPPENED_FREE);
        service_box_end(&fake.service);
        fake.service.server = server_free(fake.service.server);
        wait_for(HAPPENED_FREE);
        cr_expect_neq(client_status(call, SERVICE_BOX_LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        client_call_free(call);
        service_box_begin(&fake.service);
}
