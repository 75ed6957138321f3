/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>

#include "base/string.h"
#include "engine/explain.h"
#include "engine/task.h"

TestSuite(explain, .timeout = 30);

static char nspawn[] = "/usr/bin/systemd-nspawn";

/* Return: the message about a failed start, by the unit's status or by nspawn's output. */
static char *explain(TaskSpec *spec, const UnitStatus *status, const char *words, bool *ret_enough) {
        Engine engine = { .nspawn = nspawn };
        char path[] = "/no/such/image";
        const Root root = { .path = path, .kind = ROOT_DIRECTORY };
        const Task task = { .engine = &engine, .state = TASK_STARTING };

        return status ? start_explain_status(&task, spec, status, ret_enough)
                      : start_explain_words(isolation_find("nspawn"), spec, &root, words);
}

Test(explain, a_kill_by_nobody_is_told_with_what_helps) {
        const UnitStatus status = { .exec_main_code = CLD_KILLED, .exec_main_status = SIGKILL };
        TaskSpec spec = { .memory_max = 8 << 20 };
        bool enough = true;
        _cleanup_free_ char *text = explain(&spec, &status, NULL, &enough);

        cr_assert_not_null(strstr(text, "SIGKILL"), "%s", text);
        cr_assert_not_null(strstr(text, "want of memory (limit 8 MiB)"), "%s", text);
        cr_assert_not(enough, "nspawn may have said more");
}

Test(explain, another_signal_is_named) {
        const UnitStatus status = { .exec_main_code = CLD_DUMPED, .exec_main_status = SIGSEGV };
        bool enough;
        _cleanup_free_ char *text = explain(NULL, &status, NULL, &enough);

        cr_assert_str_eq(text, "/usr/bin/systemd-nspawn was killed by SIGSEGV");
}

Test(explain, what_a_read_only_image_lacks_is_told_with_what_helps) {
        static const char words[] = "Failed to create mount point /x: Read-only file system";
        TaskSpec spec = { .read_only = true };
        _cleanup_free_ char *text = explain(&spec, NULL, words, NULL);

        cr_assert_not_null(string_after_prefix(text, words), "%s", text);
        cr_assert_not_null(strstr(text, "read_only = true"), "%s", text);
        cr_assert_not_null(strstr(text, "volatile = \"overlay\""), "%s", text);

        spec.read_only = false;
        _cleanup_free_ char *same = explain(&spec, NULL, words, NULL);
        cr_assert_str_eq(same, words, "it is another's file system");
}

Test(explain, a_busy_image_of_nobody_we_know_names_nobody) {
        static const char *const remedies[] = { "read_only", "volatile", "ephemeral" };
        char image[] = "web";
        TaskSpec spec = { .image = image };
        _cleanup_free_ char *text = explain(&spec, NULL, "Directory tree /x is currently busy.", NULL);

        cr_assert_not_null(
                string_after_prefix(text, "image: \"web\" is in use by somebody else"), "%s", text);
        for (size_t i = 0; i < ELEMENTSOF(remedies); i++)
                cr_assert_not_null(strstr(text, remedies[i]), "%s", text);
}

Test(explain, other_words_stay_as_they_are) {
        _cleanup_free_ char *text = explain(&(TaskSpec){ .read_only = true }, NULL, "no such user", NULL);

        cr_assert_str_eq(text, "no such user");
}
