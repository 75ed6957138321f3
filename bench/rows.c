/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench.h"

#define ROWS_MAX_BYTES (1 << 20)

#define NO_BUDGET NAN

/* The budgets are the design's; those that speak of hardware are compared all the same. */
static const struct {
        const char *name, *what, *unit;
        double budget;
        bool hardware; /* the budget is for bare hardware */
} rows[] = {
        { "calibration.unit", "systemd-run --wait /bin/true", "s", NO_BUDGET },
        { "calibration.process", "posix_spawn() of /bin/true until it ended", "ms", NO_BUDGET },
        { "calibration.processor", "jansson reading 1 MB of JSON", "ms", NO_BUDGET },
        { "start.ours", "StartTask until the payload runs", "s", NO_BUDGET },
        { "start.bare", "bare StartTransientUnit of the same nspawn", "s", NO_BUDGET },
        { "start.ratio", "StartTask to bare start", "", 1.15 },
        { "refused", "end of nspawn until StartTask failed", "s", 0.25 },
        { "stop.ours", "StopTask, payload ends at once", "s", NO_BUDGET },
        { "stop.bare", "bare StopUnit of the same nspawn", "s", NO_BUDGET },
        { "stop.ratio", "StopTask to bare stop", "", NO_BUDGET },
        { "exec.ours", "ExecTask of /bin/true, not booted", "ms", NO_BUDGET },
        { "exec.bare", "clone, setns, clone, execve of the same", "ms", NO_BUDGET },
        { "exec.more", "what ExecTask takes more", "ms", 10 },
        { "many.start", "start of 100 tasks, 10 at a time", "s", NO_BUDGET },
        { "many.stop", "stop of 100 tasks at once", "s", NO_BUDGET },
        { "recovery.at_once", "RecoverTask of 100 tasks, asked for at once", "s", 0.2, .hardware = true },
        { "recovery.in_turn", "RecoverTask of 100 tasks, one after another", "s", 0.2, .hardware = true },
        { "recovery.cpu", "driver's processor time for these 100", "s", 0.2, .hardware = true },
        { "recovery.bus", "messages on the bus for each of these", "", NO_BUDGET },
        { "stats.cpu", "driver's processor time for a sample", "us", 100, .hardware = true },
        { "stats.bus", "messages on the bus for these samples", "", 0 },
        { "memory.idle", "driver, idle, RSS", "MB", 14 },
        { "memory.idle_pss", "driver, idle, PSS", "MB", NO_BUDGET },
        { "memory.10", "driver, 10 tasks with streams, RSS", "MB", NO_BUDGET },
        { "memory.100", "driver, 100 tasks with streams, RSS", "MB", NO_BUDGET },
        { "memory.100_pss", "driver, 100 tasks with streams, PSS", "MB", NO_BUDGET },
        { "memory.task", "driver, for each of 100 tasks", "KiB", 32 },
        { "memory.recovered", "the same after RecoverTask in a new driver", "KiB", 32 },
        { "memory.after", "driver, when all tasks are gone again, RSS", "MB", 14 },
        { "processes", "processes of ours for a task, on the host", "", 0 },
        { "init.memory", "init in the container, private", "KiB", 100 },
};

static char *rows_path(void) {
        return xasprintf("%s/bench.rows", test_directory());
}

void bench_begin(void) {
        _cleanup_free_ char *path = rows_path();

        (void) unlink(path);
}

/* A line of its own for each, so that processes share nothing but the file. */
void bench_measured(const char *row, double value, const char *note, ...) {
        _cleanup_free_ char *path = rows_path(), *text = NULL;
        json_t *line = json_pack("{s:s, s:f}", "row", row, "value", value);
        va_list ap;

        if (note) {
                va_start(ap, note);
                text = xvasprintf(note, ap);
                va_end(ap);
                (void) json_object_set_new(line, "note", json_string(text));
        }
        FILE *file = fopen(path, "ae");
        cr_assert_not_null(file, "%s: %s", path, strerror(errno));
        (void) json_dumpf(line, file, JSON_COMPACT);
        (void) fputc('\n', file);
        (void) fclose(file);
        json_decref(line);
        (void) fprintf(stderr, "%s: %.3f %s\n", row, value, text ? text : "");
}

/* Return: row name to what was kept. */
static json_t *rows_read(void) {
        _cleanup_free_ char *path = rows_path(), *text = NULL;
        json_t *all = json_object();

        if (file_read(AT_FDCWD, path, ROWS_MAX_BYTES, &text) < 0)
                return all;

        char *rest = text, *line;
        while ((line = strsep(&rest, "\n"))) {
                json_t *row = json_loads(line, 0, NULL);

                if (row)
                        (void) json_object_set_new(all, json_string_value(json_object_get(row, "row")), row);
        }
        return all;
}

static char *number(double value, const char *unit) {
        if (isnan(value))
                return xstrdup("");
        return xasprintf("%.*f%s%s",
                value >= 1000          ? 0
                        : value >= 100 ? 1
                        : value >= 10  ? 2
                                       : 3,
                value, *unit ? " " : "", unit);
}

static char *ratio_of(double value, double budget) {
        if (isnan(value) || isnan(budget))
                return xstrdup("");
        if (budget > 0)
                return xasprintf("%.2f", value / budget);
        return xstrdup(value > 0 ? "over" : "0.00");
}

static json_t *json_number(double value) {
        return isnan(value) ? json_null() : json_real(value);
}

/* Return: whether it was measured. */
static bool print_row(size_t i, json_t *kept, json_t *report) {
        json_t *value_json = json_object_get(kept, "value");
        double value = value_json ? json_number_value(value_json) : NAN;
        const char *note = json_string_value(json_object_get(kept, "note"));
        static const char state[] = "not measured";
        _cleanup_free_ char *measured_text = number(value, rows[i].unit),
                            *budget = number(rows[i].budget, rows[i].unit),
                            *ratio = ratio_of(value, rows[i].budget);

        (void) printf("%-45s %14s %12s%s %7s  %s\n", rows[i].what, value_json ? measured_text : "n/a",
                budget, rows[i].hardware ? "*" : " ", ratio,
                note                 ? note
                        : value_json ? ""
                                     : state);
        (void) json_array_append_new(report,
                json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:s?}", "name", rows[i].name, "what",
                        rows[i].what, "unit", rows[i].unit, "value", json_number(value), "budget",
                        json_number(rows[i].budget), "budget_is_for_hardware", rows[i].hardware, "ratio",
                        json_number(rows[i].budget > 0 ? value / rows[i].budget : NAN), "note",
                        note                 ? note
                                : value_json ? NULL
                                             : state));
        return value_json;
}

static json_t *describe_host(void) {
        static const char *const facts[][2] = {
                { "kernel", "uname -r" },
                { "systemd", "systemctl --version | head -n 1" },
                { "virtualisation", "systemd-detect-virt || true" },
                { "processors", "nproc" },
        };
        json_t *host = json_object();

        for (size_t i = 0; i < ELEMENTSOF(facts); i++) {
                _cleanup_free_ char *text = shell(NULL, "%s", facts[i][1]);

                (void) json_object_set_new(host, facts[i][0], json_string(text));
        }
        return host;
}

bool bench_print(const char *path) {
        json_t *all = rows_read(), *report = json_array();
        bool complete = true;

        (void) printf("\n%-45s %14s %12s  %7s  %s\n", "what", "measured", "budget", "ratio", "note");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                complete = print_row(i, json_object_get(all, rows[i].name), report) && complete;
        (void) printf(
                "* is for bare hardware. An emulated machine is some ten times slower: compare the first rows "
                "with your own.\n");

        json_t *whole = json_pack(
                "{s:s, s:o, s:o}", "version", PROJECT_VERSION, "host", describe_host(), "rows", report);
        if (json_dump_file(whole, path, JSON_INDENT(2)) < 0) {
                (void) fprintf(stderr, "cannot write %s\n", path);
                complete = false;
        }
        json_decref(whole);
        json_decref(all);
        return complete;
}
