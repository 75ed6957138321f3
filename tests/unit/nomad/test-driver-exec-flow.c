/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "box/exec-box.h"
#include "box/exec-stream.h"
#include "client.h"

/* ExecTaskStreaming with a peer or a command that is slow or goes away. */
TestSuite(driver_exec_flow, .timeout = 60);

#define MIB ((size_t) 1024 * 1024)

/* More than a stream can hold unread in the driver, the transport and the client together. */
#define UNREAD_MAX (24 * MIB)

Test(driver_exec_flow, what_is_written_at_once_comes_in_pieces) {
        _cleanup_exec_box_ ExecBox box;
        static uint8_t bytes[3 * 65536 + 1];

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);
        size_t sum = 0;

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) (i % EXEC_BOX_MODULUS);
        exec_box_write(&box, EXEC_ERROR, bytes, sizeof(bytes));
        for (unsigned n = 0; n < 4; n++) {
                Driver__ExecTaskStreamingResponse *response = exec_stream_next(call);
                const Driver__ExecIO *io = exec_stream_io(response, EXEC_ERROR);

                cr_assert_eq(io->data.len, n < 3 ? 65536 : 1);
                cr_expect_eq(memcmp(io->data.data, bytes + sum, io->data.len), 0);
                sum += io->data.len;
                exec_stream_free(response);
        }
        exec_box_end(&box, 0, 0);
        exec_stream_expect_end_of_much(&box, call, 0);
}

/* Waits a while: a stream without messages lasts that long. */
static void expect_silence(ExecBox *box) {
        _cleanup_client_call_ ClientCall *call = exec_stream_open(box);
        ProtobufCMessage *nothing = NULL;

        cr_assert_eq(client_next(call, &driver__exec_task_streaming_response__descriptor, 200, &nothing),
                -ETIMEDOUT);
}

Test(driver_exec_flow, a_command_waits_for_a_reader_that_does_not_read) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);
        const size_t all = 4 * UNREAD_MAX;
        size_t before, after, sum = 0;

        exec_box_produce(&box, all);
        /* The transport takes some of it, piece by piece; then nothing moves any more. */
        do {
                exec_box_wait_for(&box, EXEC_HAPPENED_PAUSE);
                before = exec_box_produced(&box);
                expect_silence(&box);
                after = exec_box_produced(&box);
        } while (after != before);
        cr_expect_lt(after, UNREAD_MAX);

        while (sum < all) {
                Driver__ExecTaskStreamingResponse *response = exec_stream_next(call);
                const Driver__ExecIO *io = exec_stream_io(response, EXEC_OUTPUT);

                cr_assert_gt(io->data.len, 0);
                for (size_t i = 0; i < io->data.len; i++)
                        if (io->data.data[i] != (sum + i) % EXEC_BOX_MODULUS)
                                cr_assert_fail("byte %zu is wrong", sum + i);
                sum += io->data.len;
                exec_stream_free(response);
        }
        cr_expect_eq(sum, all);
        exec_box_end(&box, 0, 0);
        exec_stream_expect_end_of_much(&box, call, 0);
}

Test(driver_exec_flow, output_that_waits_comes_before_the_exit) {
        _cleanup_exec_box_ ExecBox box;

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);
        static uint8_t bytes[65536];

        /* More than the transport holds unread. */
        for (unsigned i = 0; i < 200; i++)
                exec_box_write(&box, EXEC_OUTPUT, bytes, sizeof(bytes));
        exec_box_end(&box, 3, 0);
        for (unsigned i = 0; i < 200; i++) {
                Driver__ExecTaskStreamingResponse *response = exec_stream_next(call);

                cr_assert_eq(exec_stream_io(response, EXEC_OUTPUT)->data.len, sizeof(bytes));
                exec_stream_free(response);
        }
        exec_stream_expect_end_of_much(&box, call, 3);
}

/* Sends until a send times out. Return: how much was sent, with the piece that waits. */
static size_t send_until_stuck(ClientCall *call, const uint8_t *bytes, size_t n) {
        size_t sum = 0;
        int r = 0;

        while (r == 0 && sum < UNREAD_MAX) {
                r = exec_stream_try_send(call, &(ExecStreamRequest){ .bytes = bytes, .n = n }, 500);
                sum += n;
        }
        cr_assert_eq(r, -ETIMEDOUT, "after %zu bytes", sum);
        return sum;
}

Test(driver_exec_flow, who_types_waits_for_a_command_that_does_not_read) {
        _cleanup_exec_box_ ExecBox box;
        static uint8_t bytes[65536];

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);
        _cleanup_client_call_ ClientCall *other = NULL;

        exec_box_fill(&box);
        size_t sum = send_until_stuck(call, bytes, sizeof(bytes));
        exec_box_settle(&box);
        cr_expect_eq(box.n_writes, 1, "%u messages were taken", box.n_writes);
        cr_expect_lt(sum, MIB, "%zu bytes wait", sum);

        /* Other streams do not wait, not even on the same connection. */
        other = exec_stream_open(&box);
        exec_stream_send(other, .id = "none");
        exec_stream_expect_status(other, GRPC_STATUS_NOT_FOUND, "task not found for given id");

        exec_box_drain(&box);
        exec_stream_send(call, .close = true);
        exec_box_wait_for(&box, EXEC_HAPPENED_INPUT_END);
        exec_box_settle(&box);
        /* The send that timed out has arrived as well. */
        cr_expect_eq(box.input.length, sum);
        exec_box_end(&box, 0, 0);
        exec_stream_expect_end(&box, call, 0);
}

Test(driver_exec_flow, a_command_may_end_without_reading) {
        _cleanup_exec_box_ ExecBox box;
        static uint8_t bytes[65536];

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        exec_box_fill(&box);
        (void) send_until_stuck(call, bytes, sizeof(bytes));
        exec_box_end(&box, 7, 0);
        exec_stream_expect_end(&box, call, 7);
}

Test(driver_exec_flow, who_sends_before_he_reads_gets_rid_of_it_at_the_end) {
        _cleanup_exec_box_ ExecBox box;
        static uint8_t bytes[65536];

        exec_box_open(&box);
        _cleanup_client_call_ ClientCall *call = exec_stream_start(&box, false);

        /* The end comes after more output than the transport holds unread. */
        for (unsigned i = 0; i < 200; i++)
                exec_box_write(&box, EXEC_OUTPUT, bytes, sizeof(bytes));
        exec_box_fill(&box);
        size_t sum = send_until_stuck(call, bytes, sizeof(bytes));
        exec_box_end(&box, 0, 0);
        for (size_t n = 0; n < sum; n += sizeof(bytes))
                exec_stream_send(call, .bytes = bytes, .n = sizeof(bytes));
        exec_box_settle(&box);
        cr_expect_eq(box.n_writes, 1, "what comes behind the end is dropped");
}

Test(driver_exec_flow, who_goes_away_leaves_nothing_running) {
        _cleanup_exec_box_ ExecBox box;
        static uint8_t bytes[65536];

        exec_box_open(&box);
        ClientCall *idle = exec_stream_start(&box, true);
        client_cancel(idle);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
        client_call_free(idle);

        ClientCall *early = exec_stream_open(&box);
        client_cancel(early);
        client_call_free(early);

        /* The same when both directions are blocked. */
        ClientCall *stuck = exec_stream_start(&box, false);
        exec_box_fill(&box);
        (void) send_until_stuck(stuck, bytes, sizeof(bytes));
        exec_box_produce(&box, 4 * UNREAD_MAX);
        exec_box_wait_for(&box, EXEC_HAPPENED_PAUSE);
        client_cancel(stuck);
        exec_box_wait_for(&box, EXEC_HAPPENED_FREE);
        client_call_free(stuck);
}
