/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include "base/string.h"
#include "base/strv.h"
#include "unit/journal-fields.h"

TestSuite(journal_fields, .timeout = 30);

Test(journal_fields, only_a_space_keeps_one_from_the_bus) {
        static const struct {
                const char *field;
                bool survives;
        } rows[] = { { "A=b", true }, { "A=", true }, { "A=\"'\\%n$X\t\303\251", true }, { "A=b c", false },
                { "A= ", false } };

        cr_expect(journal_fields_survive(NULL));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_strv_ char **fields = NULL;

                strv_append(&fields, "FIRST=1");
                strv_append(&fields, rows[i].field);
                cr_expect_eq(journal_fields_survive(fields), rows[i].survives, "%s", rows[i].field);
        }
}

Test(journal_fields, the_file_is_quoted_as_systemd_reads_it) {
        _cleanup_strv_ char **fields = NULL;

        strv_append(&fields, "A=b c");
        strv_append(&fields, "B=\"'\\ %n 100% $X\t\303\251\n");
        _cleanup_free_ char *text = journal_fields_text(fields);
        cr_expect_str_eq(text,
                "[Service]\nLogExtraFields=\"A=b c\"\n"
                "LogExtraFields=\"B=\\\"'\\\\ %%n 100%% $X\\x09\303\251\\x0a\"\n");
}
