/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hold.h"
#include "base/string.h"
#include "base/strv.h"
#include "unit/journal-fields.h"
#include "unit/unit-file.h"

bool journal_fields_survive(char *const *fields) {
        STRV_FOREACH (field, fields)
                if (strchr(*field, ' '))
                        return false;
        return true;
}

char *journal_fields_directory(const char *unit) {
        return xasprintf(JOURNAL_FIELDS_DIRECTORY, unit);
}

char *journal_fields_text(char *const *fields) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        string_buffer_append(&buffer, "[Service]\n");
        STRV_FOREACH (field, fields) {
                string_buffer_append(&buffer, "LogExtraFields=");
                unit_file_append_quoted(&buffer, *field);
                string_buffer_append(&buffer, "\n");
        }
        return string_buffer_take(&buffer);
}

int journal_fields_write(const char *unit, char *const *fields) {
        _cleanup_free_ char *directory = journal_fields_directory(unit),
                            *path = xasprintf("%s/" JOURNAL_FIELDS_FILE, directory),
                            *text = journal_fields_text(fields);

        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;

        /* systemd complains about a file that not everybody may read. */
        int r = file_write_private(path, text, strlen(text));
        return r >= 0 && chmod(path, 0644) < 0 ? -errno : r;
}
