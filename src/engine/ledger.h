/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "engine/record.h"

/*
 * A file on the host for each task, that outlives its unit: who the task is, and then how it ended. Our init
 * writes to it through a descriptor, nspawn-units-helper (src/helper) when systemd says that the unit ended.
 * So an end is known although nobody watched, and a unit found later can be told to belong to a task.
 *
 * It is gone with the task, or with the host's next start.
 */

/* How the last run of a task ended, as far as it is noted. */
typedef struct LedgerEnd {
        bool has_payload; /* our init saw the command end */
        int payload_code; /* 128 + signal when a signal ended it */
        int payload_signal;

        bool has_unit;   /* systemd told of the unit's end */
        char result[32]; /* systemd.exec(5), $SERVICE_RESULT */
        int code;        /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0 when nspawn never ran */
        int status;      /* of nspawn: exit status or signal */
        uint64_t oom_kills;
        uint64_t memory_peak;  /* bytes; 0 when unknown */
        uint64_t memory_limit; /* bytes; 0 for none */
        uint64_t usec;         /* realtime */
} LedgerEnd;

/* Return: where the ledger of a container's task is, owned by the caller. */
char *ledger_path(const char *machine);

/**
 * ledger_create() - begin the ledger of a task that is about to start
 *
 * One that is there already is replaced: the name can be had, so its unit is gone.
 *
 * Return: a descriptor to append to, close-on-exec, or a negative errno.
 */
int ledger_create(const TaskRecord *record);

void ledger_remove(const char *machine);

/* Return: whether there is a ledger of this container and it is of the task @id; @ret_end may be NULL. */
bool ledger_is_of(const char *machine, const char *id, LedgerEnd *ret_end);

/**
 * ledger_read() - read a ledger
 * @ret_record: who the task is; may be NULL
 * @ret_end:    how its last run ended; may be NULL
 *
 * Return: 0; -ENOENT when there is none; or another negative errno.
 */
int ledger_read(const char *machine, TaskRecord *ret_record, LedgerEnd *ret_end);

/**
 * ledger_parse_end() - read the lines behind the first
 *
 * Lines that are cut off or unknown are passed over.
 */
void ledger_parse_end(const char *text, LedgerEnd *ret);

/**
 * ledger_find() - look through all ledgers for a task
 * @id: what its owner calls it
 *
 * Return: 0; -ENOENT when no ledger is this task's; or another negative errno.
 */
int ledger_find(const char *id, TaskRecord *ret);

/* Return: whether it is the one that is looked for. */
typedef bool (*LedgerMatch)(void *userdata, const TaskRecord *record);

/* As ledger_find(), of the first task that @match takes; it is shown those with an id only. */
int ledger_search(LedgerMatch match, void *userdata, TaskRecord *ret);
