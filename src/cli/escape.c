/* SPDX-License-Identifier: Apache-2.0 */

#include "cli/escape.h"

#define ESCAPE_KEY 0x1d
#define ESCAPE_TIMES 3

bool escape_look(Escape *escape, const void *bytes, size_t n, uint64_t now_usec) {
        const unsigned char *p = bytes;

        for (size_t i = 0; i < n; i++) {
                if (p[i] != ESCAPE_KEY) {
                        escape->n = 0;
                        continue;
                }

                if (escape->n == 0 || now_usec > escape->since_usec + USEC_PER_SEC) {
                        escape->n = 0;
                        escape->since_usec = now_usec;
                }
                if (++escape->n == ESCAPE_TIMES)
                        return true;
        }
        return false;
}
