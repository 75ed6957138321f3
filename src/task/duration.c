/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>

#include "base/string.h"
#include "task/duration.h"

/* The longest unit first, which is also their order in a text. */
static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        { "d", 86400 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },
        { "s", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },
};

/* Looks for the unit that @text begins with, from row @i on. Return: its row, or the number of rows. */
static size_t unit_find(const char *text, size_t length, size_t i) {
        while (i < ELEMENTSOF(units) &&
                (strlen(units[i].name) != length || strncmp(text, units[i].name, length) != 0))
                i++;
        return i;
}

/* Adds number * unit. Return: false when the result is too large. */
static bool add_usec(uint64_t *usec, uint64_t number, uint64_t unit) {
        uint64_t product;

        return !__builtin_mul_overflow(number, unit, &product) &&
                !__builtin_add_overflow(*usec, product, usec);
}

bool duration_parse(const char *text, uint64_t *ret_usec) {
        uint64_t usec = 0, number;
        size_t next = 0;

        if (string_parse_u64(text, &number)) {
                if (!add_usec(&usec, number, USEC_PER_SEC))
                        return false;
                *ret_usec = usec;
                return true;
        }

        if (!*text)
                return false;

        while (*text) {
                size_t digits = strspn(text, "0123456789");
                _cleanup_free_ char *word = xstrndup(text, digits);

                text += digits;
                size_t letters = 0;
                while (isalpha((unsigned char) text[letters]))
                        letters++;

                size_t row = unit_find(text, letters, next);
                if (row == ELEMENTSOF(units) || !string_parse_u64(word, &number) ||
                        !add_usec(&usec, number, units[row].usec))
                        return false;
                text += letters;
                next = row + 1;
        }

        *ret_usec = usec;
        return true;
}
