/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "base/strv.h"
#include "unit/plan-private.h"
#include "unit/unit-file.h"

/* The characters of a word that needs no quotes. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:=@+,*-"

static void append_characters(StringBuffer *buffer, const char *word, UnitFileWord kind) {
        bool is_text = utf8_is_valid(word, strlen(word));

        for (const char *p = word; *p; p++) {
                unsigned char c = (unsigned char) *p;

                /* systemd ignores a line that is not UTF-8. */
                if (c < ' ' || c == 0x7f || (c > 0x7f && !is_text)) {
                        string_buffer_append(buffer, "\\x%02x", c);
                        continue;
                }
                if (c == '"' || c == '\\')
                        string_buffer_append(buffer, "\\");
                else if (c == '%' || (c == '$' && kind == UNIT_FILE_ARGUMENT))
                        string_buffer_append_bytes(buffer, p, 1);
                string_buffer_append_bytes(buffer, p, 1);
        }
}

void unit_file_append_quoted(StringBuffer *buffer, const char *word) {
        string_buffer_append(buffer, "\"");
        append_characters(buffer, word, UNIT_FILE_PLAIN);
        string_buffer_append(buffer, "\"");
}

void unit_file_append_word(StringBuffer *buffer, const char *word, UnitFileWord kind) {
        const char *quote = *word && strspn(word, PLAIN) == strlen(word) ? "" : "\"";

        string_buffer_append(buffer, "%s", quote);
        append_characters(buffer, word, kind);
        string_buffer_append(buffer, "%s", quote);
}

/*
 * systemd does not unquote a text: it reads the rest of the line without the spaces at both ends. Return: 0,
 * or -EINVAL when systemd would read another text.
 */
static int append_text(StringBuffer *buffer, const PlanProperty *property) {
        const char *text = property->words[0];
        size_t n = strlen(text);

        for (const char *p = text; *p; p++) {
                if (iscntrl((unsigned char) *p))
                        return -EINVAL;
                string_buffer_append(buffer, *p == '%' ? "%%%c" : "%c", *p);
        }
        return n > 0 && (*text == ' ' || text[n - 1] == ' ' || text[n - 1] == '\\') ? -EINVAL : 0;
}

static int append_words(StringBuffer *buffer, const PlanProperty *property) {
        const char *space = "";

        STRV_FOREACH (word, property->words) {
                string_buffer_append(buffer, "%s", space);
                unit_file_append_word(buffer, *word, UNIT_FILE_PLAIN);
                space = " ";
        }
        return 0;
}

static int append_command(StringBuffer *buffer, const PlanProperty *property) {
        const char *space = property->ignore_failure ? "-" : "";

        STRV_FOREACH (word, property->words) {
                string_buffer_append(buffer, "%s", space);
                unit_file_append_word(
                        buffer, *word, word == property->words ? UNIT_FILE_PLAIN : UNIT_FILE_ARGUMENT);
                space = " ";
        }
        return 0;
}

static int append_flag(StringBuffer *buffer, const PlanProperty *property) {
        string_buffer_append(buffer, "%s", property->number ? "yes" : "no");
        return 0;
}

static int append_number(StringBuffer *buffer, const PlanProperty *property) {
        if (property->number == UINT64_MAX)
                string_buffer_append(buffer, "infinity");
        else
                string_buffer_append(buffer, "%" PRIu64, property->number);
        return 0;
}

static int append_mode(StringBuffer *buffer, const PlanProperty *property) {
        string_buffer_append(buffer, "%04" PRIo64, property->number);
        return 0;
}

static int append_usec(StringBuffer *buffer, const PlanProperty *property) {
        uint64_t usec = property->number;

        if (usec == UINT64_MAX || usec == 0)
                return append_number(buffer, property);
        if (usec % USEC_PER_SEC == 0)
                string_buffer_append(buffer, "%" PRIu64 "s", usec / USEC_PER_SEC);
        else if (usec % USEC_PER_MSEC == 0)
                string_buffer_append(buffer, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
        else
                string_buffer_append(buffer, "%" PRIu64 "us", usec);
        return 0;
}

static bool has_processor(const PlanProperty *property, size_t n) {
        return n / 8 < property->n_bytes && (property->bytes[n / 8] >> n % 8) & 1;
}

static int append_processors(StringBuffer *buffer, const PlanProperty *property) {
        const char *space = "";

        for (size_t n = 0; n < property->n_bytes * 8; n++) {
                size_t last = n;

                if (!has_processor(property, n))
                        continue;
                while (has_processor(property, last + 1))
                        last++;
                string_buffer_append(buffer, last > n ? "%s%zu-%zu" : "%s%zu", space, n, last);
                space = " ";
                n = last;
        }
        return 0;
}

typedef int (*AppendValue)(StringBuffer *buffer, const PlanProperty *property);

/* There is no row for devices, which have a line each, nor for types that a unit file cannot contain. */
static const AppendValue values[_PROPERTY_TYPE_MAX] = {
        [PROPERTY_FLAG] = append_flag,
        [PROPERTY_COUNT] = append_number,
        [PROPERTY_MODE] = append_mode,
        [PROPERTY_NUMBER] = append_number,
        [PROPERTY_USEC] = append_usec,
        [PROPERTY_TEXT] = append_text,
        [PROPERTY_WORDS] = append_words,
        [PROPERTY_FIELDS] = append_words,
        [PROPERTY_PROCESSORS] = append_processors,
        [PROPERTY_COMMAND] = append_command,
        [PROPERTY_STATUS] = append_number,
};

static const char *key_of(const Property *row) {
        return row->key ? row->key : row->name;
}

static void append_devices(StringBuffer *buffer, const PlanProperty *property) {
        for (char *const *word = property->words; word && word[0]; word += 2) {
                string_buffer_append(buffer, "%s=", key_of(property->row));
                unit_file_append_word(buffer, word[0], UNIT_FILE_PLAIN);
                string_buffer_append(buffer, " %s\n", word[1]);
        }
}

/* Appends the line or lines of a property. */
static int append_property(StringBuffer *buffer, const PlanProperty *property, Error **ret_error) {
        const Property *row = property->row;

        if (row->type == PROPERTY_DEVICES) {
                append_devices(buffer, property);
                return 0;
        }

        string_buffer_append(buffer, "%s=", key_of(row));
        int r = values[row->type](buffer, property);
        string_buffer_append(buffer, "\n");
        return r < 0 ? error_set(ret_error, r, "%s=: a unit file cannot hold its value \"%s\"", key_of(row),
                               property->words[0])
                     : 0;
}

static int append_section(StringBuffer *buffer, const UnitPlan *plan, PropertySection section,
        unsigned version, Error **ret_error) {
        const PlanProperty *property;

        TAILQ_FOREACH(property, &plan->properties, properties) {
                int r = plan_property_is_known(property, version, ret_error);

                if (r > 0 && property->row->section == section)
                        r = append_property(buffer, property, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int plan_to_unit_file(const UnitPlan *plan, unsigned version, char **ret, Error **ret_error) {
        static const char *const headings[_SECTION_MAX] = {
                [SECTION_UNIT] = "[Unit]",
                [SECTION_SERVICE] = "\n[Service]",
        };
        _cleanup_string_buffer_ StringBuffer buffer = {};
        const PlanProperty *property;

        string_buffer_append(&buffer, "# %s\n", plan->unit);
        for (PropertySection section = SECTION_UNIT; section < _SECTION_MAX; section++) {
                string_buffer_append(&buffer, "%s\n", headings[section]);
                int r = append_section(&buffer, plan, section, version, ret_error);
                if (r < 0)
                        return r;
        }

        TAILQ_FOREACH(property, &plan->properties, properties)
        if (property->row->type == PROPERTY_DESCRIPTOR)
                string_buffer_append(
                        &buffer, "# %s= is set when the unit is started\n", property->row->name);
        *ret = string_buffer_take(&buffer);
        return 0;
}
