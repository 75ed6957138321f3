/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/string.h"
#include "engine/ledger.h"
#include "unit/nspawn.h"
#include "tree.h"

/*
 * Return: a number that no other test has or had. A pid does not do: it is given again, and a test that
 * failed may have left something below /run that bears it.
 */
static inline unsigned own_number(void) {
        unsigned number;

        cr_assert_eq(getrandom(&number, sizeof(number), 0), (ssize_t) sizeof(number));
        return number;
}

/* Return: the name of a container of this test's own. */
static inline char *own_name_new(void) {
        return xasprintf("unit-test-%08x", own_number());
}

/* Removes what the host has of the container: a fake systemd does not. */
static inline char *own_name_free(char *name) {
        _cleanup_free_ char *directory = name ? nspawn_runtime_directory(name) : NULL;

        if (!name)
                return NULL;
        (void) tree_remove(directory);
        ledger_remove(name);
        free(name);
        return NULL;
}
DEFINE_CLEANUP(char *, own_name_free)
#define _cleanup_own_name_ _cleanup_(own_name_freep)
