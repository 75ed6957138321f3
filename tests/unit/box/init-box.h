/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

typedef enum InitBoxOutput { INIT_BOX_PIPE, INIT_BOX_SOCKET, INIT_BOX_TERMINAL } InitBoxOutput;

/*
 * A container of sorts: the built init as PID 1 of a pid namespace, with privileges, or in a user namespace
 * without. Its stdout is a pipe or the like, which also tells when something happened.
 */
typedef struct InitBox {
        pid_t pid;
        int in, out, err;
        char *directory; /* CREDENTIALS_DIRECTORY */
        char **environment;
        const char *passwd, *group; /* mounted over those of the machine */
        const char *root;
        bool ignores_signals; /* when it starts */
        InitBoxOutput output;
        bool err_is_out;   /* stderr is the same as stdout */
        bool keeps_writer; /* the end of the output that the init has */
        int writer;
} InitBox;

/* Return: a box in which nothing runs yet. */
InitBox init_box_new(void);
void init_box_free(InitBox *box);
#define _cleanup_init_box_ _cleanup_(init_box_free)

/* Return: the path of the init that was built; not to be freed. */
const char *init_box_program(void);

/* Two arguments: the bytes of a literal without its last null, and their number. */
#define INIT_BOX_BYTES(text) text, sizeof(text) - 1

/* Makes the box's directory, which goes with it. */
void init_box_make_directory(InitBox *box);

/* Makes the box's directory, with these bytes as the file of the task. */
void init_box_task(InitBox *box, const char *bytes, size_t n);

/* Hands the init a stderr and an eventfd for the result as the engine does, which the two get. */
void init_box_hand_over(InitBox *box, int *ret_error, int *ret_result);

/* Starts the init with these arguments. Skips the test where there are no pid namespaces. */
void init_box_start_list(InitBox *box, const char *const *argv);
#define init_box_start(box, ...) init_box_start_list(box, (const char *[]){ "init", __VA_ARGS__, NULL })

/* Return: the exit code; the test fails when a signal was the end. */
int init_box_wait(InitBox *box);

/* The test fails unless these bytes come next on stdout. */
void init_box_expect(InitBox *box, const char *text);

/* The test fails when anything more comes on stdout before its end. */
void init_box_expect_end(InitBox *box);

/* The test fails unless this is all that was written to stderr. */
void init_box_expect_err(InitBox *box, const char *text);

/* Return: all there is in a file, or comes from a pipe until its end; owned by the caller. */
char *init_box_read(int fd);

/* Return: how the init says that its command ended, "CODE SIGNAL", or ""; owned by the caller. */
char *init_box_result(int fd);

/* Writes a file that may be a program. */
void init_box_write_file(const char *path, const char *bytes, size_t n);
