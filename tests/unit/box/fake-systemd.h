/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/macro.h"

/*
 * A stand-in for org.freedesktop.systemd1 on a dbus-daemon of its own. It lives in the test's own event
 * loop: what is under test never waits for an answer, so both take turns and no lock is needed. Every call
 * is recorded in order. Members may be changed at any time between two runs of the loop.
 */

/* What StartTransientUnit leads to. A name that is taken is answered with UnitExists in any case. */
typedef enum FakeStart {
        FAKE_START_SUCCEED,   /* activating, active, then the job is done */
        FAKE_START_JOB_FIRST, /* as before, but the job is told of first */
        FAKE_START_FAIL,      /* the process ends with exit_status, the job fails */
        FAKE_START_HANG,      /* activating until fake_unit_up() or fake_unit_exit() */
        FAKE_START_REFUSE,    /* answered with refuse_name and refuse_words */
        FAKE_START_SILENT,    /* activating, and the call is not answered */
        FAKE_START_LOST,      /* nothing happens, and the call is not answered */
} FakeStart;

typedef struct FakeUnit {
        char *name; /* NULL: none here */
        const char *active_state;
        const char *sub_state;
        const char *result;
        uint32_t job_id;
        uint32_t main_pid;
        uint32_t n_restarts;
        uint8_t invocation; /* the last byte of its id */
        int32_t exec_main_code;
        int32_t exec_main_status;
        uint64_t exit_usec;
        bool pinned;
        const char *output;  /* NULL for the journal */
        const char *console; /* argument of nspawn's, NULL for --console=pipe */
        const char *command; /* argument of the payload's, NULL for "true" */
        char *control_group; /* NULL for one that is nowhere */
} FakeUnit;

#define FAKE_UNITS_MAX 8

typedef struct FakeSystemd {
        FakeStart start;
        const char *refuse_name;
        const char *refuse_words;
        int exit_status;
        const char *fail_result; /* Result of a unit that fails to start; NULL for that of its exit */
        uint32_t main_pid;
        const char *version;
        const char *ignore;       /* calls of this method are recorded and not answered */
        const char *no_read;      /* name of the error that GetAll and Get of units are answered with */
        const char *strange;      /* GetAll of units is answered with this string alone */
        unsigned n_reads_refused; /* so many more times; 0 for always */
        bool stop_is_slow;        /* StopUnit is answered and does nothing else */
        bool reset_is_vain;       /* ResetFailedUnit leaves the unit */
        const char *no_thaw;      /* why ThawUnit is refused */
        bool ignore_machined;     /* calls of machined are recorded and not answered */
        const char *image;        /* what machined knows: name, path, type */
        const char *image_path;
        const char *image_type;

        char **calls; /* "Method argument ..." */
        FakeUnit units[FAKE_UNITS_MAX];
        sd_bus_message *started; /* the last StartTransientUnit */

        sd_event *event;
        sd_bus *bus;
        char *directory;         /* for whatever the test likes; removed at the end */
        char *runtime_directory; /* whose tasks' directories go with their units; NULL for the host's */
        char *address;
        pid_t daemon;
        uint32_t n_jobs;
} FakeSystemd;

FakeSystemd *fake_systemd_new(sd_event *event);
FakeSystemd *fake_systemd_free(FakeSystemd *fake);
DEFINE_CLEANUP(FakeSystemd *, fake_systemd_free)

/* The dbus-daemon dies, and with it all connections: no unit is pinned any more and the dead are collected.
 */
void fake_systemd_drop(FakeSystemd *fake);
/* It is back at the same address. */
void fake_systemd_return(FakeSystemd *fake);

/* Return: the unit, or NULL. */
FakeUnit *fake_unit_find(FakeSystemd *fake, const char *name);
/* Return: a new unit that is there without anybody's call. */
FakeUnit *fake_unit_add(FakeSystemd *fake, const char *name, const char *active_state);
/* This directory is the control group of the unit. */
void fake_unit_place(FakeUnit *unit, const char *path);
/* Signals of a unit's properties: the service's first, the unit's second. */
void fake_unit_emit(FakeSystemd *fake, const FakeUnit *unit);
/* An activating unit becomes active; its job is done. */
void fake_unit_up(FakeSystemd *fake, FakeUnit *unit);
/* The main process ends (CLD_EXITED or CLD_KILLED, status), and so the unit, and its job if there is one. */
void fake_unit_exit(FakeSystemd *fake, FakeUnit *unit, int code, int status);

/* A start that failed, of a unit that systemd then restarts by itself. */
void fake_unit_fail_job(FakeSystemd *fake, FakeUnit *unit);

/* Return: how many recorded calls begin with @prefix. */
size_t fake_systemd_count(const FakeSystemd *fake, const char *prefix);
/* Return: where the first call that begins with @prefix is in the record; SIZE_MAX when there is none. */
size_t fake_systemd_position(const FakeSystemd *fake, const char *prefix);

/* Runs the loop until whatever @client sent was seen and answered, and what that led to as well. */
void fake_systemd_settle(FakeSystemd *fake, sd_bus *client);

uint64_t fake_now(void);

#define FAKE_LIMIT_USEC (20 * USEC_PER_SEC)

/* Runs the loop until @condition holds; the test fails when it does not in time. */
#define RUN_UNTIL(event, condition) \
        do { \
                uint64_t _end = fake_now() + FAKE_LIMIT_USEC; \
                while (!(condition)) { \
                        cr_assert(fake_now() < _end, "in vain waited for: %s", #condition); \
                        cr_assert_geq(sd_event_run(event, 100 * USEC_PER_MSEC), 0); \
                } \
        } while (false)
