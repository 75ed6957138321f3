/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/string.h"
#include "engine/record.h"

Test(record, what_is_written_is_read) {
        for (TaskLaunch launch = 0; launch < _TASK_LAUNCH_MAX; launch++) {
                TaskRecord record = { .launch = launch, .started_usec = UINT64_C(1700000000123456) };
                _cleanup_task_record_ TaskRecord read = {}, copy = {};
                _cleanup_error_ Error *error = NULL;

                record.id = xstrdup("alloc/web/12345678");
                record.machine = xstrdup("web");
                record.owner = xstrdup("8eeb9876-1111-2222-3333-444444444444");
                _cleanup_free_ char *text = task_record_write(&record);
                cr_assert_eq(
                        task_record_read(text, strlen(text), &read, &error), 0, "%s", error_message(error));
                cr_assert_str_eq(read.id, record.id);
                cr_assert_str_eq(read.unit, "nspawn-web.service");
                cr_assert_str_eq(read.machine, "web");
                cr_assert_str_eq(read.owner, record.owner);
                cr_assert_eq(read.launch, launch);
                cr_assert_eq(read.started_usec, UINT64_C(1700000000123456));

                task_record_copy(&copy, &read);
                cr_assert_neq(copy.unit, read.unit);
                cr_assert_str_eq(copy.id, read.id);
                cr_assert_str_eq(copy.unit, read.unit);
                cr_assert_str_eq(copy.machine, read.machine);
                cr_assert_str_eq(copy.owner, read.owner);
                cr_assert_eq(copy.launch, launch);
                cr_assert_eq(copy.started_usec, read.started_usec);
                task_record_clear(&record);
                cr_assert_null(record.machine);
        }
}

#define GOOD \
        "{\"version\":1,\"unit\":\"nspawn-m.service\",\"machine\":\"m\",\"launch\":\"stub\",\"started_usec\":5}"

/* There are records with exactly this text, which must stay readable. */
Test(record, version_1_is_read_for_ever) {
        _cleanup_task_record_ TaskRecord record = {};

        cr_assert_eq(task_record_read(GOOD, strlen(GOOD), &record, NULL), 0);
        cr_assert_null(record.id);
        cr_assert_str_eq(record.unit, "nspawn-m.service");
        cr_assert_str_eq(record.machine, "m");
        cr_assert_null(record.owner);
        cr_assert_eq(record.launch, TASK_LAUNCH_STUB);
        cr_assert_eq(record.started_usec, 5);
}

Test(record, members_that_are_not_known_do_no_harm) {
        static const char text[] =
                "{\"new\":[1],\"version\":1,\"unit\":\"nspawn-m.service\",\"machine\":\"m\",\"launch\":\"boot\","
                "\"started_usec\":0}";
        _cleanup_task_record_ TaskRecord record = {};

        cr_assert_eq(task_record_read(text, strlen(text), &record, NULL), 0);
        cr_assert_eq(record.launch, TASK_LAUNCH_BOOT);
}

Test(record, a_newer_version_is_refused_in_words) {
        static const char text[] = "{\"version\":3,\"unit\":5}";
        TaskRecord record = {};
        _cleanup_error_ Error *error = NULL;

        cr_assert_eq(task_record_read(text, strlen(text), &record, &error), -EPROTONOSUPPORT);
        cr_assert_not_null(strstr(error->message, "version 3"), "%s", error->message);
        cr_assert_not_null(strstr(error->message, "knows 2"), "%s", error->message);
        cr_assert_not_null(strstr(error->message, "newer program"), "%s", error->message);
        cr_assert_null(record.unit);
        cr_assert_eq(task_record_read(text, strlen(text), &record, NULL), -EPROTONOSUPPORT);
}

Test(record, an_isolation_that_is_not_known_is_refused_in_words) {
        static const char text[] =
                "{\"version\":2,\"machine\":\"m\",\"isolation\":\"other\",\"launch\":\"boot\",\"started_usec\":0}";
        TaskRecord record = {};
        _cleanup_error_ Error *error = NULL;

        cr_assert_eq(task_record_read(text, strlen(text), &record, &error), -EPROTONOSUPPORT);
        cr_assert_not_null(strstr(error->message, "\"other\""), "%s", error->message);
}

Test(record, garbage_is_refused_in_words) {
        static const char *const bad[] = {
                "",
                "{",
                "null",
                "[]",
                "[1]",
                "1",
                "\"text\"",
                "{}",
                "{\"version\":\"1\"}",
                "{\"version\":1.5}",
                "{\"version\":1}",
                "{\"version\":1,\"unit\":\"nspawn-m.service\",\"machine\":\"m\",\"launch\":\"boot\"}",
                "{\"version\":1,\"unit\":\"nspawn-m.service\",\"machine\":\"m\",\"launch\":\"other\",\"started_usec\":0}",
                "{\"version\":1,\"unit\":7,\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":0}",
                "{\"version\":1,\"unit\":\"nspawn-m.service\",\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":\"0\"}",
                "{\"version\":1,\"unit\":\"a\\u0000b\",\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":0}",
                "{\"version\":1,\"unit\":\"\xff\",\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":0}",
                GOOD "x",
                /* no unit in version 1, no isolation in version 2 */
                "{\"version\":1,\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":0}",
                "{\"version\":2,\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":0}",
                /* a unit that is not the machine's */
                "{\"version\":1,\"unit\":\"ssh.service\",\"machine\":\"m\",\"launch\":\"boot\",\"started_usec\":0}",
                /* no machine name that is safe in a path */
                "{\"version\":1,\"unit\":\"nspawn-../m.service\",\"machine\":\"../m\",\"launch\":\"boot\",\"started_usec\":0}",
                "{\"version\":1,\"unit\":\"nspawn-.service\",\"machine\":\"\",\"launch\":\"boot\",\"started_usec\":0}",
                "\xff\xfe",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                TaskRecord record = {};
                _cleanup_error_ Error *error = NULL;

                cr_assert_eq(
                        task_record_read(bad[i], strlen(bad[i]), &record, &error), -EBADMSG, "%s", bad[i]);
                cr_assert_not(string_is_empty(error_message(error)));
                cr_assert_null(record.unit, "%s", bad[i]);
                cr_assert_eq(task_record_read(bad[i], strlen(bad[i]), &record, NULL), -EBADMSG);
        }
}

Test(record, a_cut_text_is_refused_wherever_it_ends) {
        for (size_t n = 0; n < strlen(GOOD); n++) {
                TaskRecord record = {};
                _cleanup_free_ char *exact = xmemdup(GOOD, n ? n : 1);

                cr_assert_eq(task_record_read(exact, n, &record, NULL), -EBADMSG, "%zu", n);
        }
}
