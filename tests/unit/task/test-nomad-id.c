/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "task/nomad-id.h"

TestSuite(nomad_id, .timeout = 30);

#define ALLOCATION "8eeb9876-1111-2222-3333-444444444444"
#define ID ALLOCATION "/web/0a1b2c3d"

Test(nomad_id, has_three_parts) {
        static const char *const others[] = { "", "web", ALLOCATION, ALLOCATION "/web" };

        cr_expect(nomad_id_is_valid(ID));
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                cr_expect_not(nomad_id_is_valid(others[i]), "%s", others[i]);
                cr_expect_not(nomad_id_has_name(others[i], "8eeb9876"), "%s", others[i]);
                cr_expect_null(nomad_id_logs_command(others[i]), "%s", others[i]);
        }
}

Test(nomad_id, is_named_by_its_allocation_long_or_short_and_its_task) {
        static const char *const good[] = { ALLOCATION, "8eeb9876", "8eeb9876-1", ALLOCATION "/web",
                "8eeb9876/web" };
        static const char *const bad[] = { "", "8eeb987", "8eeb9877", ALLOCATION "0", ALLOCATION "/", "/web",
                "8eeb987/web", "8eeb9876/we", "8eeb9876/webs", "8eeb9876/web/", "8eeb9876/log" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                cr_expect(nomad_id_has_name(ID, good[i]), "%s", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                cr_expect_not(nomad_id_has_name(ID, bad[i]), "%s", bad[i]);
}

Test(nomad_id, tells_the_command_that_shows_the_output) {
        _cleanup_free_ char *command = nomad_id_logs_command(ID);

        cr_expect_str_eq(command, "nomad alloc logs -f " ALLOCATION " web");
}
