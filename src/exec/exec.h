/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * A command that runs inside a running container, beside the task's own command.
 *
 * nspawn-units-helper joins the container, makes the command there as a child of this process (CLONE_PARENT)
 * and exits. So no process of ours stays in the container, and we learn the command's exit status. The
 * command has a control group of its own below the container's, so that we can kill all processes that it
 * started.
 */
typedef struct Exec Exec;

/*
 * The methods of an Exec, which the exec_...() functions below call. exec_new() uses those of this module;
 * tests of programs that run commands have their own (EngineConfig.exec_new).
 */
typedef struct ExecMethods {
        void (*free)(Exec *exec);
        bool (*write)(Exec *exec, const void *bytes, size_t n);
        void (*close_input)(Exec *exec);
        void (*set_reading)(Exec *exec, bool reading);
        void (*resize)(Exec *exec, uint16_t rows, uint16_t columns);
        void (*kill)(Exec *exec);
} ExecMethods;

/* The first member of the structure that implements an Exec. */
struct Exec {
        const ExecMethods *methods;
};

/* What to run. Everything is borrowed until exec_new() returns. */
typedef struct ExecSpec {
        char *const *command;     /* NULL or empty for the login shell of the user */
        char *const *environment; /* NAME=value, overrides that of the task's command; NULL for none */
        const char *user;         /* NAME or ID, with :GROUP if wanted; NULL for the user of the task */
        const char *directory;    /* absolute, in the container; NULL for that of its first process */
        bool terminal;            /* a new terminal is its input, output and error */
} ExecSpec;

/* The container. Everything is borrowed until exec_new() returns. */
typedef struct ExecPlace {
        const char *helper;        /* path of nspawn-units-helper */
        const char *directory;     /* directory of the unit, for locks */
        const char *secrets;       /* file with the environment and user of the task's command */
        const char *control_group; /* of its unit; NULL: the command stays in that of this process */
        const char *cgroup_root;   /* where control groups are; NULL for the host's */
        pid_t leader;              /* the container's first process */
        int leader_fd;             /* a pidfd of the leader */
} ExecPlace;

typedef enum ExecStream {
        EXEC_OUTPUT, /* with a terminal, the errors too */
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
        /* Some output, at least one byte. Not called after exec_set_reading(exec, false). */
        void (*on_output)(void *userdata, ExecStream stream, const void *bytes, size_t n);
        /* All input is written. Not called once the command has closed its input. */
        void (*on_drain)(void *userdata);
        /*
         * The command has ended and all its output was delivered; the last callback. Only @result: the
         * command ran. Only @error: it could not be started. Both: it was not found (code 127) or could not
         * be executed (126), and @error has the message.
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

/* The type of exec_new(), for its replacements in tests. */
typedef int (*ExecNew)(sd_event *event, const ExecPlace *place, const ExecSpec *spec,
        const ExecCallbacks *callbacks, void *userdata, Exec **ret, Error **ret_error);

/* Kills the command and all processes that it started, unless it has ended. */
Exec *exec_free(Exec *exec);
DEFINE_CLEANUP(Exec *, exec_free)

/*
 * Once this many bytes of input are not written yet, the caller of exec_write() should wait for on_drain().
 */
#define EXEC_INPUT_LIMIT (256 * 1024)

/**
 * exec_write() - give the command input
 *
 * Copies all bytes, even beyond EXEC_INPUT_LIMIT; drops them if the command has closed its input.
 *
 * Return: whether there is room for more. If not, on_drain() comes when there is room again; it never comes
 * if the command has closed its input.
 */
bool exec_write(Exec *exec, const void *bytes, size_t n);

/*
 * Ends the input behind the bytes written so far: the command reads the end of the file. On a terminal,
 * sends its end-of-file character.
 */
void exec_close_input(Exec *exec);

/* With false, reads no more output, so that the command blocks when its pipe is full; with true, goes on. */
void exec_set_reading(Exec *exec, bool reading);

/* Sets the size of the terminal; may be called before the helper has made it. Does nothing for a command
 * without a terminal. */
void exec_resize(Exec *exec, uint16_t rows, uint16_t columns);

/* Kills the command and all processes that it started; on_end() is called when they are gone. */
void exec_kill(Exec *exec);
