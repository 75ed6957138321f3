/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdio.h>

#include "base/signal.h"
#include "base/string.h"
#include "engine/run-end.h"

static void set_code(RunEnd *end, const char *value) {
        static const struct {
                const char *word;
                int code;
        } codes[] = { { "exited", CLD_EXITED }, { "killed", CLD_KILLED }, { "dumped", CLD_DUMPED } };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (streq(value, codes[i].word))
                        end->code = codes[i].code;
}

/* $EXIT_STATUS is a number after an exit, and a signal's name otherwise (systemd.exec(5)). */
static void set_status(RunEnd *end, const char *value) {
        uint64_t number;

        if (string_parse_u64(value, &number) && number < 256)
                end->status = (int) number;
        else
                end->status = signal_from_string(value);
}

static void parse_unit(char *words, RunEnd *end) {
        const struct {
                const char *key;
                uint64_t *number;
        } numbers[] = {
                { "oom_kill=", &end->oom_kills },
                { "peak=", &end->memory_peak },
                { "limit=", &end->memory_limit },
                { "usec=", &end->usec },
        };
        char *rest;

        for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                const char *value;

                if ((value = string_after_prefix(word, "result=")))
                        (void) snprintf(end->result, sizeof(end->result), "%s", value);
                else if ((value = string_after_prefix(word, "code=")))
                        set_code(end, value);
                else if ((value = string_after_prefix(word, "status=")))
                        set_status(end, value);
                else if ((value = string_after_prefix(word, "invocation=")) && !streq(value, "-"))
                        (void) snprintf(end->invocation, sizeof(end->invocation), "%s", value);
                for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                        if ((value = string_after_prefix(word, numbers[i].key)))
                                (void) string_parse_u64(value, numbers[i].number);
        }

        end->has_unit = true;
        if (end->code == 0 || end->status < 0)
                end->code = end->status = 0;
}

/* Parses "CODE SIGNAL". Return: whether the text has this form. */
static bool parse_payload(const char *text, int *ret_code, int *ret_signal) {
        const char *space = strchr(text, ' ');
        _cleanup_free_ char *first = space ? xstrndup(text, (size_t) (space - text)) : NULL;
        uint64_t code, signal;

        if (!first || !string_parse_u64(first, &code) || !string_parse_u64(space + 1, &signal) ||
                code > 255 || signal >= NSIG)
                return false;
        *ret_code = (int) code;
        *ret_signal = (int) signal;
        return true;
}

static void parse_line(char *line, RunEnds *ends) {
        bool before = string_after_prefix(line, "before ") != NULL;
        RunEnd *end = before ? &ends->before : &ends->last;
        const char *payload;

        line += before ? strlen("before ") : 0;
        payload = string_after_prefix(line, "payload ");

        /* A payload line after a unit line is of the next run. */
        if (payload && end->has_unit)
                *end = (RunEnd){};

        if (payload)
                end->has_payload = parse_payload(payload, &end->payload_code, &end->payload_signal);
        else if (string_after_prefix(line, "unit "))
                parse_unit(line + strlen("unit "), end);
}

void run_ends_parse(const char *text, RunEnds *ret) {
        *ret = (RunEnds){};

        for (const char *newline; (newline = strchr(text, '\n')); text = newline + 1) {
                _cleanup_free_ char *line = xstrndup(text, (size_t) (newline - text));

                parse_line(line, ret);
        }
}

void run_end_parse(const char *text, RunEnd *ret) {
        RunEnds ends;

        run_ends_parse(text, &ends);
        *ret = ends.last;
}
