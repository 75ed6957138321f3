/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>

#include "base/string.h"
#include "task/cpus.h"

static bool parse_number(const char **text, unsigned long *ret) {
        char *end;

        if (!isdigit((unsigned char) **text))
                return false;
        *ret = strtoul(*text, &end, 10);
        *text = end;
        return *ret < CPU_LIST_MAX;
}

bool cpu_list_parse(const char *text, CpuList *ret) {
        CpuList list = {};

        for (;;) {
                unsigned long first, last;

                if (!parse_number(&text, &first))
                        return false;
                last = first;
                if (*text == '-') {
                        text++;
                        if (!parse_number(&text, &last) || last < first)
                                return false;
                }

                for (unsigned long cpu = first; cpu <= last; cpu++)
                        list.mask[cpu / 8] |= (uint8_t) (1U << (cpu % 8));
                if (last / 8 + 1 > list.n_bytes)
                        list.n_bytes = last / 8 + 1;

                if (*text == 0)
                        break;
                if (*text++ != ',')
                        return false;
        }

        *ret = list;
        return true;
}
