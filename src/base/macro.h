/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/* Small macros everything uses: cleanup attributes, ownership hand-over, sizes. */

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))
#define _noreturn_ __attribute__((noreturn))

/* Defines fnp(T *p), which frees what *p points to; for use with _cleanup_(). */
#define DEFINE_CLEANUP(type, fn) \
        static inline void fn##p(type *p) { \
                if (*p) \
                        fn(*p); \
        }

/* Evaluates to the pointer and sets the variable to NULL, so that its cleanup attribute frees nothing. */
#define TAKE_PTR(p) \
        ({ \
                __typeof__(p) *_pp = &(p); \
                __typeof__(p) _p = *_pp; \
                *_pp = NULL; \
                _p; \
        })

#define TAKE_FD(fd) \
        ({ \
                int *_fdp = &(fd); \
                int _fd = *_fdp; \
                *_fdp = -1; \
                _fd; \
        })

#define CONTAINER_OF(ptr, type, member) ((type *) (void *) ((char *) (ptr) -offsetof(type, member)))

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

static inline void freep(void *p) {
        free(*(void **) p);
}

#define _cleanup_free_ _cleanup_(freep)
