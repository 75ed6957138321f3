/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "base/macro.h"
#include "base/signal.h"

Test(signal, names_are_known_with_and_without_sig_in_any_case) {
        cr_assert_eq(signal_from_string("SIGTERM"), SIGTERM);
        cr_assert_eq(signal_from_string("TERM"), SIGTERM);
        cr_assert_eq(signal_from_string("sigterm"), SIGTERM);
        cr_assert_eq(signal_from_string("Hup"), SIGHUP);
        cr_assert_eq(signal_from_string("SIGUSR2"), SIGUSR2);
        cr_assert_eq(signal_from_string("WINCH"), SIGWINCH);
        cr_assert_eq(signal_from_string("SIGKILL"), SIGKILL);
}

Test(signal, numbers_are_taken_as_they_are) {
        cr_assert_eq(signal_from_string("1"), 1);
        cr_assert_eq(signal_from_string("15"), 15);
        cr_assert_eq(signal_from_string("64"), 64);
}

Test(signal, realtime_signals_count_from_the_first) {
        cr_assert_eq(signal_from_string("SIGRTMIN"), SIGRTMIN);
        cr_assert_eq(signal_from_string("SIGRTMIN+3"), SIGRTMIN + 3);
        cr_assert_eq(signal_from_string("rtmin+0"), SIGRTMIN);
        cr_assert_eq(signal_from_string("RTMIN+30"), SIGRTMAX);
}

Test(signal, anything_else_is_refused) {
        static const char *const bad[] = {
                "",
                "0",
                "65",
                "-1",
                "+1",
                " 15",
                "15 ",
                "99999999999999999999",
                "SIG",
                "SIGSIGTERM",
                "TERMX",
                "TER",
                "SIG15",
                "RTMIN+",
                "RTMIN+31",
                "RTMIN-1",
                "RTMIN3",
                "RTMIN+3x",
                "RTMAX+1",
                "term\n",
                "NONE",
                "RTMIN+18446744073709551615",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                cr_assert_eq(signal_from_string(bad[i]), -EINVAL, "\"%s\"", bad[i]);
}
