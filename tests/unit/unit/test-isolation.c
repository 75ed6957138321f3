/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>

#include "base/string.h"
#include "unit/isolation.h"

TestSuite(isolation, .timeout = 30);

Test(isolation, is_found_by_its_name_only) {
        const Isolation *isolation = isolation_find(ISOLATION_DEFAULT);

        cr_assert_not_null(isolation);
        cr_expect_str_eq(isolation->name, "nspawn");
        cr_expect_null(isolation_find("chroot"));
        cr_expect_null(isolation_find(""));
}

Test(isolation, the_end_of_nspawn_tells_how_the_payload_ended) {
        static const struct {
                int code, status;
                ExitResult result;
                bool needs_message;
        } rows[] = {
                { CLD_EXITED, 0, { .known = true }, false },
                { CLD_EXITED, 7, { .known = true, .code = 7 }, false },
                { CLD_EXITED, 1, { .known = true, .code = 1 }, true },
                { CLD_KILLED, SIGTERM, { .known = true, .code = 143, .signal = SIGTERM }, false },
                { CLD_DUMPED, SIGABRT, { .known = true, .code = 134, .signal = SIGABRT }, false },
                { 0, 0, {}, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                bool needs_message;
                ExitResult result = isolation_find("nspawn")->result(
                        rows[i].code, rows[i].status, &needs_message);

                cr_expect_eq(result.known, rows[i].result.known, "row %zu", i);
                cr_expect_eq(result.code, rows[i].result.code, "row %zu", i);
                cr_expect_eq(result.signal, rows[i].result.signal, "row %zu", i);
                cr_expect_eq(needs_message, rows[i].needs_message, "row %zu", i);
        }
}

Test(isolation, nspawn_names_the_signal_in_its_message) {
        const Isolation *nspawn = isolation_find("nspawn");

        cr_expect_eq(nspawn->signal_of_message("Container a terminated by signal TERM."), SIGTERM);
        cr_expect_eq(nspawn->signal_of_message("Container a terminated by signal KILL"), SIGKILL);
        cr_expect_lt(nspawn->signal_of_message("Container a terminated by signal NONSENSE."), 0);
        cr_expect_lt(nspawn->signal_of_message("Container a failed with error code 1."), 0);
        cr_expect_lt(nspawn->signal_of_message(NULL), 0);
}

Test(isolation, only_a_booted_system_reboots) {
        const Isolation *nspawn = isolation_find("nspawn");
        const ExitResult reboot = exit_result_of_code(133), other = exit_result_of_code(0);

        cr_expect(nspawn->is_reboot(TASK_LAUNCH_BOOT, &reboot));
        cr_expect_not(nspawn->is_reboot(TASK_LAUNCH_BOOT, &other));
        cr_expect_not(nspawn->is_reboot(TASK_LAUNCH_SUPERVISE, &reboot));
}

Test(isolation, a_booted_system_is_asked_to_shut_down) {
        static const struct {
                TaskLaunch launch;
                int wanted, signal;
        } rows[] = {
                { TASK_LAUNCH_SUPERVISE, 0, SIGTERM },
                { TASK_LAUNCH_SUPERVISE, SIGINT, SIGINT },
                { TASK_LAUNCH_DIRECT, 0, SIGTERM },
                { TASK_LAUNCH_STUB, SIGUSR1, SIGUSR1 },
                { TASK_LAUNCH_BOOT, SIGUSR1, SIGUSR1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(isolation_find("nspawn")->stop_signal(rows[i].launch, rows[i].wanted),
                        rows[i].signal, "row %zu", i);
        for (size_t i = 0; i < 3; i++)
                cr_expect_eq(isolation_find("nspawn")->stop_signal(
                                     TASK_LAUNCH_BOOT, (const int[]){ 0, SIGTERM, SIGINT }[i]),
                        SIGRTMIN + 3);
}

Test(isolation, a_message_of_nspawns_tells_what_a_job_can_do_about) {
        const Isolation *nspawn = isolation_find("nspawn");

        cr_expect_eq(nspawn->failure("Directory tree /x is currently busy."), ISOLATION_FAILURE_IMAGE_BUSY);
        cr_expect_eq(nspawn->failure("Failed to create mount point /x: Read-only file system"),
                ISOLATION_FAILURE_IMAGE_READ_ONLY);
        cr_expect_eq(nspawn->failure("Failed to mount /x"), ISOLATION_FAILURE_OTHER);
}
