/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd-letters.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/secrets-file.h"
#include "exec/spawn.h"
#include "unit/fd-message.h"
#include "unit/nspawn.h"

/*
 * Says that the memfd will be executed. Since Linux 6.3; older kernels refuse the flag and do not need it.
 */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* Return: a sealed copy of the program, which nobody can write to, or a negative errno. */
static int program_seal(const char *path) {
        static const char name[] = "nspawn-units-helper";
        const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        _cleanup_fd_ int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;

        _cleanup_fd_ int copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
        struct stat st;

        if (copy < 0 && errno == EINVAL)
                copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (copy < 0 || fstat(file, &st) < 0)
                return -errno;

        for (off_t rest = st.st_size; rest > 0;) {
                ssize_t n = sendfile(copy, file, NULL, (size_t) rest);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                rest -= n;
        }
        if (fchmod(copy, 0700) < 0 || fcntl(copy, F_ADD_SEALS, seals) < 0)
                return -errno;

        return TAKE_FD(copy);
}

/* Writes the records of the task's own command, then those of this command, which override them. */
static int request_write(const ExecPlace *place, const ExecSpec *spec, bool manager) {
        _cleanup_free_ char *own = NULL;
        _cleanup_string_buffer_ StringBuffer buffer = {};
        _cleanup_fd_ int fd = memfd_create("request", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;

        ssize_t n = file_read(AT_FDCWD, place->secrets, SECRETS_FILE_MAX, &own);
        if (n < 0 && n != -ENOENT)
                return (int) n;
        if (n > 0)
                string_buffer_append_bytes(&buffer, own, (size_t) n);

        STRV_FOREACH (variable, spec->environment)
                nspawn_append_record(&buffer, TASK_ENVIRONMENT, *variable);
        STRV_FOREACH (word, spec->command)
                nspawn_append_record(&buffer, TASK_ARGUMENT, *word);
        if (spec->user)
                nspawn_append_record(&buffer, TASK_USER, spec->user);
        if (spec->directory)
                nspawn_append_record(&buffer, TASK_DIRECTORY, spec->directory);
        if (spec->terminal)
                nspawn_append_record(&buffer, TASK_TERMINAL, "");
        if (manager)
                nspawn_append_record(&buffer, TASK_MANAGER, "");

        int r = fd_write_all(fd, buffer.text ? buffer.text : "", buffer.length);
        if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        return r < 0 ? r : TAKE_FD(fd);
}

/* Starts the program with @control as stdin and no other descriptor of ours. Return: its pid or a negative
 * errno. */
static pid_t program_spawn(int program, int control, pid_t leader, char *process_name) {
        _cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", program),
                            *number = xasprintf("%d", leader);
        char name[] = "nspawn-units-helper", verb[] = "exec";
        char *argv[] = { name, verb, number, process_name, NULL }, *environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t signals;
        pid_t pid;

        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawn_file_actions_adddup2(&actions, control, STDIN_FILENO);
        (void) posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        (void) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        (void) posix_spawnattr_init(&attributes);
        (void) posix_spawnattr_setflags(
                &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
        (void) sigemptyset(&signals);
        (void) posix_spawnattr_setsigmask(&attributes, &signals);
        (void) sigfillset(&signals);
        (void) posix_spawnattr_setsigdefault(&attributes, &signals);

        int r = posix_spawn(&pid, path, &actions, &attributes, argv, environment);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) posix_spawnattr_destroy(&attributes);
        return r > 0 ? -r : pid;
}

/*
 * Makes a pipe; our end of it does not block. Its mode is 0666, since the command may open /dev/stdin,
 * /dev/stdout or /dev/stderr by name, which are links to its descriptors: the pipe belongs to the host's
 * root, and the command may run as another user.
 */
static int pipe_open(int *ret_ours, int *ret_theirs, bool we_read) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        if (fchmod(fds[0], 0666) < 0) {
                int r = -errno;
                fd_close(fds[0]);
                fd_close(fds[1]);
                return r;
        }
        *ret_ours = fds[we_read ? 0 : 1];
        *ret_theirs = fds[we_read ? 1 : 0];
        return fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static void spawn_close(ExecSpawn *spawn) {
        fd_close(spawn->helper);
        free(spawn->name);
        fd_close(spawn->control);
        fd_close(spawn->input);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                fd_close(spawn->outputs[i]);
}

/* The helper's ends of all descriptors that we send to it; we close them afterwards. */
typedef struct CommandEnds {
        int control, request, lock, input, outputs[_EXEC_STREAM_MAX];
} CommandEnds;

static void command_ends_close(CommandEnds *theirs) {
        fd_close(theirs->control);
        fd_close(theirs->request);
        fd_close(theirs->lock);
        fd_close(theirs->input);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                fd_close(theirs->outputs[i]);
}

static int streams_open(ExecSpawn *ours, CommandEnds *theirs) {
        int r = pipe_open(&ours->input, &theirs->input, false);

        for (size_t i = 0; i < _EXEC_STREAM_MAX && r >= 0; i++)
                r = pipe_open(&ours->outputs[i], &theirs->outputs[i], true);
        return r;
}

static int spawn(const ExecPlace *place, const ExecSpec *spec, int processes, bool manager, ExecSpawn *ours,
        CommandEnds *theirs) {
        static unsigned number;
        _cleanup_fd_ int program = program_seal(place->helper);
        int pair[2], r;

        if (program < 0)
                return program;
        if (!spec->terminal) {
                r = streams_open(ours, theirs);
                if (r < 0)
                        return r;
        }

        /* Commands that begin at the same time take turns with this lock. The directory is gone if the unit
         * has just ended, and the container with it. */
        theirs->lock = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (theirs->lock < 0 && errno != ENOENT)
                return -errno;
        theirs->request = request_write(place, spec, manager);
        if (theirs->request < 0)
                return theirs->request;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        ours->control = pair[0];
        theirs->control = pair[1];

        const FdMessageRow rows[] = {
                { LETTER_REQUEST, theirs->request },
                { LETTER_LOCK, theirs->lock },
                { LETTER_LEADER, place->leader_fd },
                { LETTER_GROUP, processes },
                { LETTER_INPUT, theirs->input },
                { LETTER_OUTPUT, theirs->outputs[EXEC_OUTPUT] },
                { LETTER_ERROR, theirs->outputs[EXEC_ERROR] },
        };
        r = fd_message_send(ours->control, rows, ELEMENTSOF(rows));
        if (r < 0)
                return r;

        /* The kernel keeps 15 bytes (PR_SET_NAME, prctl(2)). */
        ours->name = xasprintf("exec-%08x", ++number);
        pid_t pid = program_spawn(program, theirs->control, place->leader, ours->name);
        if (pid < 0)
                return pid;
        ours->helper = (int) syscall(SYS_pidfd_open, pid, 0);
        if (ours->helper < 0) {
                r = -errno;
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                return r;
        }
        return 0;
}

int exec_spawn(const ExecPlace *place, const ExecSpec *spec, int processes, bool manager, ExecSpawn *ret,
        Error **ret_error) {
        ExecSpawn ours = { .helper = -1, .control = -1, .input = -1, .outputs = { -1, -1 } };
        CommandEnds theirs = { -1, -1, -1, -1, { -1, -1 } };
        int r = spawn(place, spec, processes, manager, &ours, &theirs);

        command_ends_close(&theirs);
        if (r < 0) {
                spawn_close(&ours);
                return error_set(ret_error, r, "cannot start %s: %s", place->helper, strerror(-r));
        }

        *ret = ours;
        return 0;
}
