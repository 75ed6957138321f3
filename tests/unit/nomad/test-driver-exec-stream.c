/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "box/exec-box.h"
#include "box/exec-stream.h"
#include "box/service-box.h"
#include "client.h"

/* ExecTaskStreaming, with a peer that reads and sends input. */
TestSuite(driver_exec_stream, .timeout = 60);

Test(driver_exec_stream, output_comes_in_order_and_the_exit_last_and_alone) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        cr_expect_str_eq(box.command, "/bin/sh|-i|");
        cr_expect_str_eq(box.environment, "");
        cr_expect_not(box.terminal);
        exec_box_say(&box, EXEC_OUTPUT, "one");
        exec_box_say(&box, EXEC_ERROR, "two");
        exec_box_say(&box, EXEC_OUTPUT, "three");
        exec_box_end(&box, 43, 0);

        exec_stream_expect_output(call, EXEC_OUTPUT, "one");
        exec_stream_expect_output(call, EXEC_ERROR, "two");
        exec_stream_expect_output(call, EXEC_OUTPUT, "three");
        exec_stream_expect_end(&box, call, 43);
}

Test(driver_exec_stream, a_signal_is_told_beside_the_code) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        exec_box_end(&box, 139, 11);
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_close(call, EXEC_ERROR);
        exec_stream_expect_exit(&box, call, 139, 11);
}

Test(driver_exec_stream, output_comes_while_the_command_runs) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        exec_box_say(&box, EXEC_OUTPUT, "$ ");
        exec_stream_expect_output(call, EXEC_OUTPUT, "$ ");
        exec_stream_type(call, "exit\n");
        exec_box_expect_input(&box, "exit\n");
        exec_box_end(&box, 0, 0);
        exec_stream_expect_end(&box, call, 0);
}

Test(driver_exec_stream, of_a_terminal_all_is_output) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, true);

        cr_expect(box.terminal);
        cr_expect_str_eq(box.environment, "TERM=xterm|");
        exec_box_say(&box, EXEC_OUTPUT, "one\r\n");
        exec_box_end(&box, 1, 0);
        exec_stream_expect_output(call, EXEC_OUTPUT, "one\r\n");
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_exit(&box, call, 1, 0);
}

Test(driver_exec_stream, input_counts_from_the_first_message_on) {
        _cleanup_exec_box_ ExecBox box;
        Driver__ExecTaskStreamingRequest__TerminalSize size =
                DRIVER__EXEC_TASK_STREAMING_REQUEST__TERMINAL_SIZE__INIT;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_open(&box);

        size.height = 24;
        size.width = 80;
        exec_stream_send(call, .id = "one", .terminal = true, .size = &size, .bytes = "a\0b", .n = 3);
        exec_box_wait_for(&box, EXEC_HAPPENED_INPUT);
        exec_box_settle(&box);
        cr_expect_eq(box.input.length, 3);
        cr_expect_arr_eq(box.input.text, "a\0b", 3);
        cr_expect(box.rows == 24 && box.columns == 80);
        exec_box_end(&box, 0, 0);
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_exit(&box, call, 0, 0);
}

Test(driver_exec_stream, empty_messages_mean_nothing) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        for (unsigned i = 0; i < 3; i++)
                exec_stream_send(call, 0);
        /* Nor does input without bytes. */
        exec_stream_send(call, .bytes = "", .n = 0);
        exec_stream_type(call, "x");
        exec_box_expect_input(&box, "x");
        cr_expect_eq(box.n_writes, 1);
        cr_expect_eq(box.n_input_ends, 0);
        cr_expect_eq(box.n_resizes, 0);
        exec_box_end(&box, 0, 0);
        exec_stream_expect_end(&box, call, 0);
}

Test(driver_exec_stream, a_size_that_no_terminal_has_becomes_the_nearest) {
        _cleanup_exec_box_ ExecBox box;
        static const struct {
                int32_t height, width;
                uint16_t rows, columns;
        } sizes[] = {
                { 50, 40, 50, 40 },
                { 0, 0, 0, 0 },
                { -1, INT32_MIN, 0, 0 },
                { 65535, 65536, 65535, 65535 },
                { INT32_MAX, 1, 65535, 1 },
        };

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, true);

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Driver__ExecTaskStreamingRequest__TerminalSize size =
                        DRIVER__EXEC_TASK_STREAMING_REQUEST__TERMINAL_SIZE__INIT;

                size.height = sizes[i].height;
                size.width = sizes[i].width;
                exec_stream_send(call, .size = &size);
                exec_box_wait_for(&box, EXEC_HAPPENED_RESIZE);
                exec_box_settle(&box);
                cr_expect_eq(box.rows, sizes[i].rows, "row %zu", i);
                cr_expect_eq(box.columns, sizes[i].columns, "row %zu", i);
        }
        exec_box_end(&box, 0, 0);
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_exit(&box, call, 0, 0);
}

Test(driver_exec_stream, input_ends_behind_what_came_with_its_end) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        exec_stream_send(call, .bytes = "last", .n = 4, .close = true);
        exec_box_wait_for(&box, EXEC_HAPPENED_INPUT_END);
        exec_box_expect_input(&box, "last");
        exec_box_end(&box, 0, 0);
        exec_stream_expect_end(&box, call, 0);
}

Test(driver_exec_stream, a_peer_that_says_no_more_ends_the_input) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        exec_box_wait_for(&box, EXEC_HAPPENED_INPUT_END);
        exec_box_say(&box, EXEC_OUTPUT, "still here");
        exec_box_end(&box, 0, 0);
        exec_stream_expect_output(call, EXEC_OUTPUT, "still here");
        exec_stream_expect_end(&box, call, 0);
}

Test(driver_exec_stream, a_terminal_stays_when_the_peer_says_no_more) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, true);

        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        exec_box_say(&box, EXEC_OUTPUT, "still here");
        exec_stream_expect_output(call, EXEC_OUTPUT, "still here");
        exec_box_end(&box, 0, 0);
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_exit(&box, call, 0, 0);
        cr_expect_eq(box.n_input_ends, 0);
}

/* Ends a command after so much output that the peer may still have to read it. */
static ClientCall *start_and_end_with_much(ExecBox *box) {
        char line[64 * 1024] = {};
        ClientCall *call = exec_stream_start(box, false);

        memset(line, 'x', sizeof(line) - 1);
        for (unsigned i = 0; i < 2; i++) {
                exec_box_say(box, EXEC_OUTPUT, line);
                exec_stream_expect_output(call, EXEC_OUTPUT, line);
        }
        exec_stream_send(call, .close = true);
        exec_box_wait_for(box, EXEC_HAPPENED_INPUT_END);
        exec_box_end(box, 9, 0);
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_close(call, EXEC_ERROR);
        exec_stream_expect_code(call, 9, 0);
        return call;
}

/* An agent that sends a message to a stream that has ended drops the output that it has not read. */
Test(driver_exec_stream, a_stream_with_much_output_stays_until_the_peer_says_no_more) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start_and_end_with_much(&box);
        _cleanup_free_ char *text = NULL;

        exec_stream_send(call, 0);
        cr_expect_eq(client_status(call, 300, &text, NULL), -ETIMEDOUT, "%s", text);
        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        exec_stream_expect_status(call, GRPC_STATUS_OK, "");
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
}

Test(driver_exec_stream, a_stream_with_much_output_ends_when_nothing_comes_any_more) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = start_and_end_with_much(&box);
        _cleanup_free_ char *text = NULL;

        cr_expect_eq(client_status(call, 40000, &text, NULL), GRPC_STATUS_OK, "%s", text);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
}

Test(driver_exec_stream, what_could_not_be_run_has_a_code_and_words) {
        _cleanup_exec_box_ ExecBox box;
        const ExecResult result = { 126, 0 };

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *plain = exec_stream_start(&box, false);

        exec_box_fail(&box, &result, EACCES, "/data cannot be executed");
        exec_stream_expect_output(plain, EXEC_ERROR, "/data cannot be executed\n");
        exec_stream_expect_end(&box, plain, 126);

        _cleanup_client_call_ ClientCall *terminal = exec_stream_start(&box, true);
        exec_box_fail(&box, &result, EACCES, "/data cannot be executed");
        exec_stream_expect_output(terminal, EXEC_OUTPUT, "/data cannot be executed\r\n");
        exec_stream_expect_close(terminal, EXEC_OUTPUT);
        exec_stream_expect_exit(&box, terminal, 126, 0);
}

Test(driver_exec_stream, what_was_not_run_fails_in_words) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *late = exec_stream_start(&box, false);
        exec_box_fail(&box, NULL, EINVAL, "there is no user nosuch");
        exec_stream_expect_status(late, GRPC_STATUS_INVALID_ARGUMENT, "there is no user nosuch");
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);

        box.refusal = ESRCH;
        box.refusal_words = "the task does not run";
        _cleanup_client_call_ ClientCall *refused = exec_stream_open(&box);
        exec_stream_send(refused, .id = "one", .bytes = "x", .n = 1);
        exec_stream_expect_status(refused, GRPC_STATUS_FAILED_PRECONDITION, "the task does not run");
        exec_box_expect_none(&box, EXEC_HAPPENED_INPUT);
}

Test(driver_exec_stream, what_makes_no_sense_is_refused) {
        _cleanup_exec_box_ ExecBox box;
        static const struct {
                ExecStreamRequest request;
                grpc_status_code code;
                const char *words;
        } rows[] = {
                { { .bytes = "x", .n = 1 }, GRPC_STATUS_INVALID_ARGUMENT,
                        "the first message does not say what to run" },
                { {}, GRPC_STATUS_INVALID_ARGUMENT, "the first message does not say what to run" },
                { { .id = "one", .no_command = true }, GRPC_STATUS_INVALID_ARGUMENT,
                        "there is no command to run" },
                { { .id = "another" }, GRPC_STATUS_NOT_FOUND, "task not found for given id" },
        };

        exec_box_open(&box);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_client_call_ ClientCall *call = exec_stream_open(&box);

                cr_assert_eq(exec_stream_try_send(call, &rows[i].request, SERVICE_BOX_LIMIT_MSEC), 0);
                exec_stream_expect_status(call, rows[i].code, rows[i].words);
        }

        _cleanup_client_call_ ClientCall *silent = exec_stream_open(&box);
        cr_assert_eq(client_half_close(silent, SERVICE_BOX_LIMIT_MSEC), 0);
        exec_stream_expect_status(silent, GRPC_STATUS_INVALID_ARGUMENT, "no message says what to run");
        exec_box_expect_none(&box, EXEC_HAPPENED_START);
}

Test(driver_exec_stream, a_second_command_in_a_stream_ends_it) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        exec_stream_send(call, .id = "one");
        exec_stream_expect_status(call, GRPC_STATUS_INVALID_ARGUMENT, "the command was given already");
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
        exec_box_expect_none(&box, EXEC_HAPPENED_START);
}
