/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <locale.h>
#include <math.h>

#include "base/string.h"
#include "cli/yaml-scalar.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

YamlWanted yaml_wanted_from_tag(const char *tag) {
        static const char *const names[_YAML_WANTED_MAX] = {
                [YAML_WANT_NULL] = "null",
                [YAML_WANT_BOOL] = "bool",
                [YAML_WANT_INTEGER] = "int",
                [YAML_WANT_FLOAT] = "float",
                [YAML_WANT_STRING] = "str",
                [YAML_WANT_LIST] = "seq",
                [YAML_WANT_MAP] = "map",
        };
        const char *name = string_after_prefix(tag, TAG_PREFIX);

        for (YamlWanted i = YAML_WANT_NULL; name && i < _YAML_WANTED_MAX; i++)
                if (streq(name, names[i]))
                        return i;
        return _YAML_WANTED_INVALID;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c) {
        return streq(text, a) || streq(text, b) || streq(text, c);
}

static bool is_null(const char *text) {
        return !*text || streq(text, "~") || is_one_of(text, "null", "Null", "NULL");
}

static bool parse_bool(const char *text, bool *ret) {
        *ret = is_one_of(text, "true", "True", "TRUE");
        return *ret || is_one_of(text, "false", "False", "FALSE");
}

/* Return: 1 for an integer, 0 for something else, -ERANGE for one that does not fit. */
static int parse_integer(const char *text, int64_t *ret) {
        const char *digits = text, *allowed = "0123456789";
        bool negative = false, overflow = false;
        int64_t base = 10, value = 0;

        if (string_after_prefix(text, "0x")) {
                allowed = "0123456789abcdefABCDEF";
                base = 16;
                digits += 2;
        } else if (string_after_prefix(text, "0o")) {
                allowed = "01234567";
                base = 8;
                digits += 2;
        } else if (*text == '-' || *text == '+') {
                negative = *text == '-';
                digits++;
        }

        if (!*digits || digits[strspn(digits, allowed)])
                return 0;
        if (base == 10 && digits[0] == '0' && digits[1])
                return 0;

        for (; *digits; digits++) {
                int64_t digit = *digits <= '9' ? *digits - '0' : (*digits | 0x20) - 'a' + 10;

                overflow |= __builtin_mul_overflow(value, base, &value);
                overflow |= __builtin_add_overflow(value, negative ? -digit : digit, &value);
        }

        if (overflow)
                return -ERANGE;
        *ret = value;
        return 1;
}

/* Return: whether the text is a number of YAML's core schema that has no leading zeros. */
static bool is_float(const char *text) {
        size_t before, after = 0;

        text += *text == '-' || *text == '+';
        before = strspn(text, "0123456789");
        if (before > 1 && *text == '0')
                return false;
        text += before;
        if (*text == '.') {
                after = strspn(text + 1, "0123456789");
                text += 1 + after;
        }
        if (before + after == 0)
                return false;
        if (*text == 'e' || *text == 'E') {
                text++;
                text += *text == '-' || *text == '+';
                if (!*text)
                        return false;
                text += strspn(text, "0123456789");
        }

        return !*text;
}

/* Return: 1 for a number, 0 for something else, -ERANGE for one that does not fit. */
static int parse_float(const char *text, double *ret) {
        const char *word = text + (*text == '-' || *text == '+');

        if (is_one_of(word, ".inf", ".Inf", ".INF")) {
                *ret = *text == '-' ? -INFINITY : INFINITY;
                return 1;
        }
        if (is_one_of(text, ".nan", ".NaN", ".NAN")) {
                *ret = NAN;
                return 1;
        }
        if (!is_float(text))
                return 0;

        /* The user's locale may write a comma where YAML writes a point. */
        locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
        *ret = strtod_l(text, NULL, c);
        freelocale(c);
        return isinf(*ret) ? -ERANGE : 1;
}

int yaml_scalar_resolve(const char *text, YamlWanted wanted, Value **ret) {
        bool any = wanted == YAML_WANT_ANY, boolean;
        int64_t integer;
        double real;
        int r = 0;

        if (wanted == YAML_WANT_STRING)
                *ret = value_new_string(text);
        else if ((any || wanted == YAML_WANT_NULL) && is_null(text))
                *ret = value_new_null();
        else if ((any || wanted == YAML_WANT_BOOL) && parse_bool(text, &boolean))
                *ret = value_new_bool(boolean);
        else if ((any || wanted == YAML_WANT_INTEGER) && (r = parse_integer(text, &integer)) != 0)
                *ret = r > 0 ? value_new_integer(integer) : NULL;
        else if ((any || wanted == YAML_WANT_FLOAT) && (r = parse_float(text, &real)) != 0)
                *ret = r > 0 ? value_new_float(real) : NULL;
        else if (any)
                *ret = value_new_string(text);
        else
                return -EINVAL;

        return r < 0 ? r : 0;
}
