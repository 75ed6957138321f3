/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/string.h"
#include "task/capability.h"

TestSuite(capability, .timeout = 30);

Test(capability, one_that_the_kernel_does_not_have_is_refused) {
        _cleanup_free_ char *name = NULL, *words = capability_spell("checkpoint_restore", CAP_BPF, &name);

        cr_assert_not_null(words);
        cr_assert_not_null(strstr(words, "kernel of this host"), "%s", words);
        cr_assert_null(name);
        cr_assert_null(capability_spell("BPF", CAP_BPF, &name));
        cr_assert_str_eq(name, "CAP_BPF");
}

Test(capability, the_last_one_is_that_of_the_kernel) {
        _cleanup_free_ char *text = NULL;

        cr_assert_gt(file_read(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", 64, &text), 0);
        cr_assert_eq(capability_last(), atoi(text));
}
