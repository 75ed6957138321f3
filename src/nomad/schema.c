/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "nomad/schema.h"

static const char *const types[_OPTION_KIND_MAX] = {
        [OPTION_BOOL] = "bool",
        [OPTION_STRING] = "string",
        [OPTION_STRING_LIST] = "list(string)",
        [OPTION_STRING_MAP] = "any",
        [OPTION_ENUM] = "string",
        [OPTION_BIND] = "any",
        [OPTION_BIND_READ_ONLY] = "any",
        [OPTION_SIZE] = "string",
        [OPTION_NUMBER] = "number",
        [OPTION_DURATION] = "string",
        [OPTION_BLOCK] = "any",
        [OPTION_BLOCKS] = "any",
};

static Hcl__Spec *spec_new(Hcl__Spec__BlockCase which) {
        Hcl__Spec *spec = xnew(Hcl__Spec, 1);

        hcl__spec__init(spec);
        spec->block_case = which;
        return spec;
}

static Hcl__Spec *attribute_new(const Option *option) {
        Hcl__Spec *spec = spec_new(HCL__SPEC__BLOCK_ATTR);

        spec->attr = xnew(Hcl__Attr, 1);
        hcl__attr__init(spec->attr);
        spec->attr->name = xstrdup(option->name);
        spec->attr->type = xstrdup(types[option->kind]);
        spec->attr->required = option->required;
        return spec;
}

/* A literal is an expression of HCL, so a string needs quotes. */
static Hcl__Spec *literal_new(const Option *option) {
        Hcl__Spec *spec = spec_new(HCL__SPEC__BLOCK_LITERAL);

        spec->literal = xnew(Hcl__Literal, 1);
        hcl__literal__init(spec->literal);
        spec->literal->value = option_kind_is_text(option->kind) ? xasprintf("\"%s\"", option->default_text)
                                                                 : xstrdup(option->default_text);
        return spec;
}

static Hcl__Spec *option_spec_new(const Option *option) {
        if (!option->default_text || streq(types[option->kind], "any") || option->kind == OPTION_STRING_LIST)
                return attribute_new(option);

        Hcl__Spec *spec = spec_new(HCL__SPEC__BLOCK_DEFAULT);
        spec->default_ = xnew(Hcl__Default, 1);
        hcl__default__init(spec->default_);
        spec->default_->primary = attribute_new(option);
        spec->default_->default_ = literal_new(option);
        return spec;
}

Hcl__Spec *schema_new_of(const OptionTable *table, OptionUse use) {
        Hcl__Spec *spec = spec_new(HCL__SPEC__BLOCK_OBJECT);
        Hcl__Object *object = xnew(Hcl__Object, 1);

        hcl__object__init(object);
        spec->object = object;
        object->attributes = xnew(Hcl__Object__AttributesEntry *, table->n_rows);

        OPTION_FOREACH (option, table) {
                if (!(option->use & use))
                        continue;

                Hcl__Object__AttributesEntry *entry = xnew(Hcl__Object__AttributesEntry, 1);
                hcl__object__attributes_entry__init(entry);
                entry->key = xstrdup(option->name);
                entry->value = option_spec_new(option);
                object->attributes[object->n_attributes++] = entry;
        }

        return spec;
}

Hcl__Spec *schema_new(OptionUse use) {
        return schema_new_of(option_table_of(use), use);
}
