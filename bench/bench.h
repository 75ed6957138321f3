/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/*
 * Measurements, and the budgets of the design beside them. Every measurement is a Criterion test: it runs in
 * a process of its own, and one that goes wrong leaves its rows unmeasured and the others alone.
 */

/* Keeps the value of a row of the table in rows.c; @note goes beside it and may be NULL. */
void bench_measured(const char *row, double value, const char *note, ...) _printf_(3, 4);

/* Of a process, in KiB. */
typedef struct Memory {
        double rss;
        double pss;
        double own; /* shared with nobody */
} Memory;

Memory bench_memory(pid_t pid);

/* Return: microseconds of processor time that the threads a process has now used so far. */
double bench_cpu_usec(pid_t pid);

/* As above, of the first thread alone. */
double bench_loop_usec(pid_t pid);

/**
 * bench_print() - print all rows as one table, and write them as JSON
 * @path: of the JSON file
 *
 * Return: whether every row was measured.
 */
bool bench_print(const char *path);

/* Forgets what earlier runs kept. */
void bench_begin(void);
