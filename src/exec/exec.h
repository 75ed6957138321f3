/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * A command that runs inside a running container, beside what runs there already.
 *
 * nspawn-units-helper joins the container and becomes the command; no process of ours stays. The command is
 * a child of this process, in a control group of its own below the container's, so that its end is known
 * exactly and all that it started can be ended together.
 */
typedef struct Exec Exec;

/*
 * What an Exec does: the exec_...() functions below call it. exec_new() makes one with the functions of this
 * module; tests of programs that run commands make one of their own (EngineConfig.exec_new).
 */
typedef struct ExecMethods {
        void (*free)(Exec *exec);
        bool (*write)(Exec *exec, const void *bytes, size_t n);
        void (*close_input)(Exec *exec);
        void (*set_reading)(Exec *exec, bool reading);
        void (*resize)(Exec *exec, uint16_t rows, uint16_t columns);
        void (*kill)(Exec *exec);
} ExecMethods;

/* The first member of what implements it. */
struct Exec {
        const ExecMethods *methods;
};

/* What to run. Everything is borrowed until exec_new() returns. */
typedef struct ExecSpec {
        char *const *command;     /* NULL or empty for the login shell of the user */
        char *const *environment; /* NAME=value, over what the container's own command has; NULL for none */
        const char *user;         /* NAME or ID, with :GROUP if wanted; NULL for the container's own */
        const char *directory;    /* absolute, in the container; NULL for the container's own */
        bool terminal;            /* a new terminal is its input, output and error */
} ExecSpec;

/* The container. Everything is borrowed until exec_new() returns. */
typedef struct ExecPlace {
        const char *helper;        /* path of nspawn-units-helper */
        const char *directory;     /* that goes with its unit, for locks */
        const char *secrets;       /* file with the environment and user of its own command */
        const char *control_group; /* of its unit; NULL: the command stays in that of this process */
        const char *cgroup_root;   /* where control groups are; NULL for the host's */
        pid_t leader;              /* its first process */
        int leader_fd;             /* a pidfd of that */
} ExecPlace;

typedef enum ExecStream {
        EXEC_OUTPUT, /* with a terminal all of it */
        EXEC_ERROR,
        _EXEC_STREAM_MAX,
} ExecStream;

/* How a command ended. */
typedef struct ExecResult {
        int code;   /* 128 + signal when a signal ended it; 127 when there was no such program, 126 when it
                       could not be executed */
        int signal; /* 0 when none */
} ExecResult;

/* None may be NULL. exec_free() may be called in any of them. */
typedef struct ExecCallbacks {
        /* Some output, never nothing. Is not called after exec_set_reading(exec, false). */
        void (*on_output)(void *userdata, ExecStream stream, const void *bytes, size_t n);
        /* All input that was given is written. Is not called once the command reads no more. */
        void (*on_drain)(void *userdata);
        /*
         * It is over, and all of its output was told; the last callback. Without @result it was not run, and
         * @error says why. With both there was nothing to run (code 126 or 127), and @error says what.
         */
        void (*on_end)(void *userdata, const ExecResult *result, const Error *error);
} ExecCallbacks;

/**
 * exec_new() - run a command in a container
 * @callbacks: must live as long as the Exec; none is called from within this call
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int exec_new(sd_event *event, const ExecPlace *place, const ExecSpec *spec, const ExecCallbacks *callbacks,
        void *userdata, Exec **ret, Error **ret_error);

/* A function that does as exec_new() does. */
typedef int (*ExecNew)(sd_event *event, const ExecPlace *place, const ExecSpec *spec,
        const ExecCallbacks *callbacks, void *userdata, Exec **ret, Error **ret_error);

/* Kills the command and all it started, unless it has ended. */
Exec *exec_free(Exec *exec);
DEFINE_CLEANUP(Exec *, exec_free)

/* Input that waits to be read by the command; who gives more is expected to wait for on_drain(). */
#define EXEC_INPUT_LIMIT (256 * 1024)

/**
 * exec_write() - give the command input
 *
 * The bytes are copied, however many there are; those for a command that reads no more are dropped.
 *
 * Return: whether there is room for more; otherwise on_drain() tells when there is, if there ever is.
 */
bool exec_write(Exec *exec, const void *bytes, size_t n);

/* The input ends behind what was given: the end of the file; on a terminal its character for that. */
void exec_close_input(Exec *exec);

/* False leaves output where it is, and the command has to wait; true goes on. */
void exec_set_reading(Exec *exec, bool reading);

/* Sets the size of the terminal, also before there is one. Does nothing without one. */
void exec_resize(Exec *exec, uint16_t rows, uint16_t columns);

/* Kills the command and all it started. on_end() tells of it. */
void exec_kill(Exec *exec);
