/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "box/exec-box.h"
#include "box/exec-stream.h"
#include "box/service-box.h"
#include "client.h"

/* ExecTaskStreaming, with a peer that reads and sends input. */
TestSuite(driver_exec_stream, .init = exec_box_open, .fini = exec_box_close, .timeout = 60);

Test(driver_exec_stream, output_comes_in_order_and_the_exit_last_and_alone) {
        _cleanup_client_call_ ClientCall *call = start(false);

        cr_expect_str_eq(fake.command, "/bin/sh|-i|");
        cr_expect_str_eq(fake.environment, "");
        cr_expect_not(fake.terminal);
        say(EXEC_OUTPUT, "one");
        say(EXEC_ERROR, "two");
        say(EXEC_OUTPUT, "three");
        end_with(43, 0);

        expect_output(call, EXEC_OUTPUT, "one");
        expect_output(call, EXEC_ERROR, "two");
        expect_output(call, EXEC_OUTPUT, "three");
        expect_end(call, 43);
}

Test(driver_exec_stream, a_signal_is_told_beside_the_code) {
        _cleanup_client_call_ ClientCall *call = start(false);

        end_with(139, 11);
        expect_close(call, EXEC_OUTPUT);
        expect_close(call, EXEC_ERROR);
        expect_exit(call, 139, 11);
}

Test(driver_exec_stream, output_comes_while_the_command_runs) {
        _cleanup_client_call_ ClientCall *call = start(false);

        say(EXEC_OUTPUT, "$ ");
        expect_output(call, EXEC_OUTPUT, "$ ");
        type(call, "exit\n");
        expect_input("exit\n");
        end_with(0, 0);
        expect_end(call, 0);
}

Test(driver_exec_stream, of_a_terminal_all_is_output) {
        _cleanup_client_call_ ClientCall *call = start(true);

        cr_expect(fake.terminal);
        cr_expect_str_eq(fake.environment, "TERM=xterm|");
        say(EXEC_OUTPUT, "one\r\n");
        end_with(1, 0);
        expect_output(call, EXEC_OUTPUT, "one\r\n");
        expect_close(call, EXEC_OUTPUT);
        expect_exit(call, 1, 0);
}

Test(driver_exec_stream, input_counts_from_the_first_message_on) {
        Driver__ExecTaskStreamingRequest__TerminalSize size =
                DRIVER__EXEC_TASK_STREAMING_REQUEST__TERMINAL_SIZE__INIT;
        _cleanup_client_call_ ClientCall *call = open_stream();

        size.height = 24;
        size.width = 80;
        send_request(call, .id = "one", .terminal = true, .size = &size, .bytes = "a\0b", .n = 3);
        wait_for(HAPPENED_INPUT);
        in_loop(do_nothing, NULL);
        cr_expect_eq(fake.input.length, 3);
        cr_expect_arr_eq(fake.input.text, "a\0b", 3);
        cr_expect(fake.rows == 24 && fake.columns == 80);
        end_with(0, 0);
        expect_close(call, EXEC_OUTPUT);
        expect_exit(call, 0, 0);
}

Test(driver_exec_stream, empty_messages_mean_nothing) {
        _cleanup_client_call_ ClientCall *call = start(false);

        for (unsigned i = 0; i < 3; i++)
                send_request(call, 0);
        /* Nor does input without bytes. */
        send_request(call, .bytes = "", .n = 0);
        type(call, "x");
        expect_input("x");
        cr_expect_eq(fake.n_writes, 1);
        cr_expect_eq(fake.n_input_ends, 0);
        cr_expect_eq(fake.n_resizes, 0);
        end_with(0, 0);
        expect_end(call, 0);
}

Test(driver_exec_stream, a_size_that_no_terminal_has_becomes_the_nearest) {
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
        _cleanup_client_call_ ClientCall *call = start(true);

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Driver__ExecTaskStreamingRequest__TerminalSize size =
                        DRIVER__EXEC_TASK_STREAMING_REQUEST__TERMINAL_SIZE__INIT;

                size.height = sizes[i].height;
                size.width = sizes[i].width;
                send_request(call, .size = &size);
                wait_for(HAPPENED_RESIZE);
                in_loop(do_nothing, NULL);
                cr_expect_eq(fake.rows, sizes[i].rows, "row %zu", i);
                cr_expect_eq(fake.columns, sizes[i].columns, "row %zu", i);
        }
        end_with(0, 0);
        expect_close(call, EXEC_OUTPUT);
        expect_exit(call, 0, 0);
}

Test(driver_exec_stream, input_ends_behind_what_came_with_its_end) {
        _cleanup_client_call_ ClientCall *call = start(false);

        send_request(call, .bytes = "last", .n = 4, .close = true);
        wait_for(HAPPENED_INPUT_END);
        expect_input("last");
        end_with(0, 0);
        expect_end(call, 0);
}

Test(driver_exec_stream, a_peer_that_says_no_more_ends_the_input) {
        _cleanup_client_call_ ClientCall *call = start(false);

        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        wait_for(HAPPENED_INPUT_END);
        say(EXEC_OUTPUT, "still here");
        end_with(0, 0);
        expect_output(call, EXEC_OUTPUT, "still here");
        expect_end(call, 0);
}

Test(driver_exec_stream, a_terminal_stays_when_the_peer_says_no_more) {
        _cleanup_client_call_ ClientCall *call = start(true);

        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        say(EXEC_OUTPUT, "still here");
        expect_output(call, EXEC_OUTPUT, "still here");
        end_with(0, 0);
        expect_close(call, EXEC_OUTPUT);
        expect_exit(call, 0, 0);
        cr_expect_eq(fake.n_input_ends, 0);
}

/* Ends a command after so much output that the peer may still have to read it. */
static ClientCall *start_and_end_with_much(void) {
        char line[64 * 1024] = {};
        ClientCall *call = start(false);

        memset(line, 'x', sizeof(line) - 1);
        for (unsigned i = 0; i < 2; i++) {
                say(EXEC_OUTPUT, line);
                expect_output(call, EXEC_OUTPUT, line);
        }
        send_request(call, .close = true);
        wait_for(HAPPENED_INPUT_END);
        end_with(9, 0);
        expect_close(call, EXEC_OUTPUT);
        expect_close(call, EXEC_ERROR);
        expect_code(call, 9, 0);
        return call;
}

/* An agent that sends a message to a stream that has ended drops the output that it has not read. */
Test(driver_exec_stream, a_stream_with_much_output_stays_until_the_peer_says_no_more) {
        _cleanup_client_call_ ClientCall *call = start_and_end_with_much();
        _cleanup_free_ char *text = NULL;

        send_request(call, 0);
        cr_expect_eq(client_status(call, 300, &text, NULL), -ETIMEDOUT, "%s", text);
        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        expect_status(call, GRPC_STATUS_OK, "");
        wait_for(HAPPENED_FREE);
}

Test(driver_exec_stream, a_stream_with_much_output_ends_when_nothing_comes_any_more) {
        _cleanup_client_call_ ClientCall *call = start_and_end_with_much();
        _cleanup_free_ char *text = NULL;

        cr_expect_eq(client_status(call, 40000, &text, NULL), GRPC_STATUS_OK, "%s", text);
        wait_for(HAPPENED_FREE);
}

Test(driver_exec_stream, what_could_not_be_run_has_a_code_and_words) {
        const End end = { &(ExecResult){ 126, 0 }, EACCES, "/data cannot be executed" };
        _cleanup_client_call_ ClientCall *plain = start(false);

        in_loop(do_end, (void *) (uintptr_t) &end);
        expect_output(plain, EXEC_ERROR, "/data cannot be executed\n");
        expect_end(plain, 126);

        _cleanup_client_call_ ClientCall *terminal = start(true);
        in_loop(do_end, (void *) (uintptr_t) &end);
        expect_output(terminal, EXEC_OUTPUT, "/data cannot be executed\r\n");
        expect_close(terminal, EXEC_OUTPUT);
        expect_exit(terminal, 126, 0);
}

Test(driver_exec_stream, what_was_not_run_fails_in_words) {
        _cleanup_client_call_ ClientCall *late = start(false);
        in_loop(do_end, &(End){ .error = EINVAL, .words = "there is no user nosuch" });
        expect_status(late, GRPC_STATUS_INVALID_ARGUMENT, "there is no user nosuch");
        wait_for(HAPPENED_FREE);

        fake.refusal = ESRCH;
        fake.refusal_words = "the task does not run";
        _cleanup_client_call_ ClientCall *refused = open_stream();
        send_request(refused, .id = "one", .bytes = "x", .n = 1);
        expect_status(refused, GRPC_STATUS_FAILED_PRECONDITION, "the task does not run");
        expect_none(HAPPENED_INPUT);
}

Test(driver_exec_stream, what_makes_no_sense_is_refused) {
        static const struct {
                Request request;
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

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_client_call_ ClientCall *call = open_stream();

                cr_assert_eq(try_send(call, &rows[i].request, SERVICE_BOX_LIMIT_MSEC), 0);
                expect_status(call, rows[i].code, rows[i].words);
        }

        _cleanup_client_call_ ClientCall *silent = open_stream();
        cr_assert_eq(client_half_close(silent, SERVICE_BOX_LIMIT_MSEC), 0);
        expect_status(silent, GRPC_STATUS_INVALID_ARGUMENT, "no message says what to run");
        expect_none(HAPPENED_START);
}

Test(driver_exec_stream, a_second_command_in_a_stream_ends_it) {
        _cleanup_client_call_ ClientCall *call = start(false);

        send_request(call, .id = "one");
        expect_status(call, GRPC_STATUS_INVALID_ARGUMENT, "the command was given already");
        wait_for(HAPPENED_FREE);
        expect_none(HAPPENED_START);
}
