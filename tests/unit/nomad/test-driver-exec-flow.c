/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "box/exec-box.h"
#include "box/exec-stream.h"
#include "client.h"

/* ExecTaskStreaming with a peer or a command that is slow or goes away. */
TestSuite(driver_exec_flow, .init = exec_box_open, .fini = exec_box_close, .timeout = 60);

#define MIB ((size_t) 1024 * 1024)

/* More than a stream can hold unread in the driver, the transport and the client together. */
#define UNREAD_MAX (24 * MIB)

Test(driver_exec_flow, what_is_written_at_once_comes_in_pieces) {
        static uint8_t bytes[3 * 65536 + 1];
        _cleanup_client_call_ ClientCall *call = start(false);
        size_t sum = 0;

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) (i % PRODUCED_MODULUS);
        in_loop(do_output, &(Output){ EXEC_ERROR, bytes, sizeof(bytes) });
        for (unsigned n = 0; n < 4; n++) {
                Driver__ExecTaskStreamingResponse *response = next(call);
                const Driver__ExecIO *io = io_of(response, EXEC_ERROR);

                cr_assert_eq(io->data.len, n < 3 ? 65536 : 1);
                cr_expect_eq(memcmp(io->data.data, bytes + sum, io->data.len), 0);
                sum += io->data.len;
                done(response);
        }
        end_with(0, 0);
        expect_end_of_much(call, 0);
}

/* Waits a while: a stream without messages lasts that long. */
static void expect_silence(void) {
        _cleanup_client_call_ ClientCall *call = open_stream();
        ProtobufCMessage *nothing = NULL;

        cr_assert_eq(client_next(call, &driver__exec_task_streaming_response__descriptor, 200, &nothing),
                -ETIMEDOUT);
}

static void copy_produced(void *argument) {
        *(size_t *) argument = fake.produced;
}

Test(driver_exec_flow, a_command_waits_for_a_reader_that_does_not_read) {
        _cleanup_client_call_ ClientCall *call = start(false);
        const size_t all = 4 * UNREAD_MAX;
        size_t before, after, sum = 0;

        produce(all);
        /* The transport takes some of it, piece by piece; then nothing moves any more. */
        do {
                wait_for(HAPPENED_PAUSE);
                in_loop(copy_produced, &before);
                expect_silence();
                in_loop(copy_produced, &after);
        } while (after != before);
        cr_expect_lt(after, UNREAD_MAX);

        while (sum < all) {
                Driver__ExecTaskStreamingResponse *response = next(call);
                const Driver__ExecIO *io = io_of(response, EXEC_OUTPUT);

                cr_assert_gt(io->data.len, 0);
                for (size_t i = 0; i < io->data.len; i++)
                        if (io->data.data[i] != (sum + i) % PRODUCED_MODULUS)
                                cr_assert_fail("byte %zu is wrong", sum + i);
                sum += io->data.len;
                done(response);
        }
        cr_expect_eq(sum, all);
        end_with(0, 0);
        expect_end_of_much(call, 0);
}

Test(driver_exec_flow, output_that_waits_comes_before_the_exit) {
        _cleanup_client_call_ ClientCall *call = start(false);
        static uint8_t bytes[65536];

        /* More than the transport holds unread. */
        for (unsigned i = 0; i < 200; i++)
                in_loop(do_output, &(Output){ EXEC_OUTPUT, bytes, sizeof(bytes) });
        end_with(3, 0);
        for (unsigned i = 0; i < 200; i++) {
                Driver__ExecTaskStreamingResponse *response = next(call);

                cr_assert_eq(io_of(response, EXEC_OUTPUT)->data.len, sizeof(bytes));
                done(response);
        }
        expect_end_of_much(call, 3);
}

/* Sends until a send times out. Return: how much was sent, with the piece that waits. */
static size_t send_until_stuck(ClientCall *call, const uint8_t *bytes, size_t n) {
        size_t sum = 0;
        int r = 0;

        while (r == 0 && sum < UNREAD_MAX) {
                r = try_send(call, &(Request){ .bytes = bytes, .n = n }, 500);
                sum += n;
        }
        cr_assert_eq(r, -ETIMEDOUT, "after %zu bytes", sum);
        return sum;
}

Test(driver_exec_flow, who_types_waits_for_a_command_that_does_not_read) {
        static uint8_t bytes[65536];
        _cleanup_client_call_ ClientCall *call = start(false);
        _cleanup_client_call_ ClientCall *other = NULL;

        in_loop(do_fill, NULL);
        size_t sum = send_until_stuck(call, bytes, sizeof(bytes));
        in_loop(do_nothing, NULL);
        cr_expect_eq(fake.n_writes, 1, "%u messages were taken", fake.n_writes);
        cr_expect_lt(sum, MIB, "%zu bytes wait", sum);

        /* Other streams do not wait, not even on the same connection. */
        other = open_stream();
        send_request(other, .id = "none");
        expect_status(other, GRPC_STATUS_NOT_FOUND, "task not found for given id");

        in_loop(do_drain, NULL);
        send_request(call, .close = true);
        wait_for(HAPPENED_INPUT_END);
        in_loop(do_nothing, NULL);
        /* The send that timed out has arrived as well. */
        cr_expect_eq(fake.input.length, sum);
        end_with(0, 0);
        expect_end(call, 0);
}

Test(driver_exec_flow, a_command_may_end_without_reading) {
        static uint8_t bytes[65536];
        _cleanup_client_call_ ClientCall *call = start(false);

        in_loop(do_fill, NULL);
        (void) send_until_stuck(call, bytes, sizeof(bytes));
        end_with(7, 0);
        expect_end(call, 7);
}

Test(driver_exec_flow, who_sends_before_he_reads_gets_rid_of_it_at_the_end) {
        static uint8_t bytes[65536];
        _cleanup_client_call_ ClientCall *call = start(false);

        /* The end comes after more output than the transport holds unread. */
        for (unsigned i = 0; i < 200; i++)
                in_loop(do_output, &(Output){ EXEC_OUTPUT, bytes, sizeof(bytes) });
        in_loop(do_fill, NULL);
        size_t sum = send_until_stuck(call, bytes, sizeof(bytes));
        end_with(0, 0);
        for (size_t n = 0; n < sum; n += sizeof(bytes))
                send_request(call, .bytes = bytes, .n = sizeof(bytes));
        in_loop(do_nothing, NULL);
        cr_expect_eq(fake.n_writes, 1, "what comes behind the end is dropped");
}

Test(driver_exec_flow, who_goes_away_leaves_nothing_running) {
        static uint8_t bytes[65536];

        ClientCall *idle = start(true);
        client_cancel(idle);
        wait_for(HAPPENED_FREE);
        client_call_free(idle);

        ClientCall *early = open_stream();
        client_cancel(early);
        client_call_free(early);

        /* The same when both directions are blocked. */
        ClientCall *stuck = start(false);
        in_loop(do_fill, NULL);
        (void) send_until_stuck(stuck, bytes, sizeof(bytes));
        produce(4 * UNREAD_MAX);
        wait_for(HAPPENED_PAUSE);
        client_cancel(stuck);
        wait_for(HAPPENED_FREE);
        client_call_free(stuck);
}
