/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "nomad/schema.h"

TestSuite(schema, .timeout = 30);

static const OptionUse uses[] = { OPTION_IN_JOB, OPTION_IN_DRIVER };

/* Return: the entry of an option, or NULL. */
static const Hcl__Spec *row_of(const Hcl__Spec *schema, const char *name) {
        for (size_t i = 0; i < schema->object->n_attributes; i++)
                if (streq(schema->object->attributes[i]->key, name))
                        return schema->object->attributes[i]->value;
        return NULL;
}

static const Hcl__Attr *attribute_of(const Hcl__Spec *row) {
        return row->block_case == HCL__SPEC__BLOCK_DEFAULT ? row->default_->primary->attr : row->attr;
}

Test(schema, has_every_option_of_its_users_and_no_other) {
        for (size_t i = 0; i < ELEMENTSOF(uses); i++) {
                Hcl__Spec *schema = schema_new(uses[i]);
                size_t n = 0;

                OPTION_FOREACH (option, option_table_of(uses[i])) {
                        const Hcl__Spec *row = row_of(schema, option->name);
                        bool wanted = option->use & uses[i];

                        cr_assert_eq(row != NULL, wanted, "%s", option->name);
                        if (!row)
                                continue;
                        n++;
                        cr_assert_str_eq(attribute_of(row)->name, option->name);
                        cr_assert_eq(attribute_of(row)->required, option->required, "%s", option->name);
                        cr_assert_eq(
                                row->block_case == HCL__SPEC__BLOCK_DEFAULT, option->default_text != NULL);
                }
                cr_assert_eq(schema->object->n_attributes, n);
                hcl__spec__free_unpacked(schema, NULL);
        }
}

Test(schema, a_default_that_is_a_string_is_quoted) {
        Hcl__Spec *schema = schema_new(OPTION_IN_JOB);
        const Hcl__Spec *row = row_of(schema, "oom_policy");

        cr_assert(row && streq(row->default_->default_->literal->value, "\"continue\""));
        hcl__spec__free_unpacked(schema, NULL);
}

/* Nomad accepts a block, an assigned map and a list of maps for it. */
Test(schema, a_block_is_of_any_type) {
        Hcl__Spec *schema = schema_new(OPTION_IN_JOB);

        const Hcl__Spec *row = row_of(schema, "restart");

        cr_assert(row && streq(row->attr->type, "any"));
        cr_assert(row && !row->attr->required);
        hcl__spec__free_unpacked(schema, NULL);
}

/* A literal is an expression of HCL: texts have quotes, and numbers none. */
Test(schema, defaults_of_every_kind_are_written_as_nomad_reads_them) {
        static const OptionValue values[] = { { 1, "one", NULL }, {} };
        static const Option rows[] = {
                { "flag", OPTION_BOOL, OPTION_IN_JOB, .default_text = "true" },
                { "number", OPTION_NUMBER, OPTION_IN_JOB, .default_text = "7" },
                { "text", OPTION_STRING, OPTION_IN_JOB, .default_text = "t" },
                { "word", OPTION_ENUM, OPTION_IN_JOB, .default_text = "one", .values = values },
                { "wait", OPTION_DURATION, OPTION_IN_JOB, .default_text = "5s" },
                { "room", OPTION_SIZE, OPTION_IN_JOB, .default_text = "4K" },
                { "list", OPTION_STRING_LIST, OPTION_IN_JOB, .default_text = "a,b" },
                { "map", OPTION_STRING_MAP, OPTION_IN_JOB, .default_text = "A=1" },
                { "blocks", OPTION_BLOCKS, OPTION_IN_JOB },
        };
        static const char *const wanted[] = { "true", "7", "\"t\"", "\"one\"", "\"5s\"", "\"4K\"", NULL,
                NULL, NULL };
        static const OptionTable table = { rows, ELEMENTSOF(rows), 8 };
        Hcl__Spec *schema = schema_new_of(&table, OPTION_IN_JOB);

        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                const Hcl__Spec *row = row_of(schema, rows[i].name);

                cr_assert_not_null(row, "%s", rows[i].name);
                cr_assert_eq(
                        row->block_case == HCL__SPEC__BLOCK_DEFAULT, wanted[i] != NULL, "%s", rows[i].name);
                if (wanted[i])
                        cr_assert_str_eq(row->default_->default_->literal->value, wanted[i]);
        }
        hcl__spec__free_unpacked(schema, NULL);
}
