/* SPDX-License-Identifier: Apache-2.0 */

/*
 * escape [WORD...]
 *
 * Runs as root of a container and attacks each process that appears in it, from its first moment until it
 * executes a program of the container. It prints "ready"; then a line "ESCAPE ..." for each attack that
 * worked; and at SIGTERM "seen N, early N": how many processes it saw, and how many of them before they
 * executed a program of the container. No process may have a WORD in its environment.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"

/* How long a process is attacked, and how long its directory in /proc may take to appear. */
#define TRY_MSEC 3000
#define APPEAR_MSEC 100

/* What was reported about a process already, and is not reported again. */
enum { ROOT, CWD, DESCRIPTOR, TAKEN, ENVIRONMENT, PROGRAM, TRACED, CAPS, EARLY, _KNOWN_MAX };

static const char *const cap_names[] = { "CapPrm:", "CapEff:", "CapBnd:" };
typedef uint64_t Caps[ELEMENTSOF(cap_names)];

typedef struct Process {
        pid_t pid;   /* 0: this entry is free */
        int dir;     /* in /proc; or -1 */
        int program; /* a program from outside, to write to when no process executes it; or -1 */
        int64_t begin_msec;
        bool known[_KNOWN_MAX];
} Process;

static Process processes[64];
static Caps own_caps;
static char **words;
static unsigned n_seen, n_early;
static volatile sig_atomic_t stopped;

static void on_signal(int signal) {
        stopped = signal;
}

static int64_t now_msec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void _printf_(3, 4) tell(Process *p, int what, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        if (p->known[what])
                return;
        p->known[what] = true;
        va_start(ap, format);
        text = xvasprintf(format, ap);
        va_end(ap);
        printf("ESCAPE process %d: %s\n", p->pid, text);
}

/* Return: the pid of the process (not of a thread), 0 when it is gone. */
static pid_t read_status(int dir, Caps caps) {
        _cleanup_free_ char *status = NULL;
        const char *tgid;

        if (file_read(dir, "status", 65536, &status) <= 0 || !(tgid = strstr(status, "\nTgid:")))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(cap_names); i++) {
                const char *set = strstr(status, cap_names[i]);
                caps[i] = set ? strtoull(set + strlen(cap_names[i]), NULL, 16) : 0;
        }
        return (pid_t) strtol(tgid + 6, NULL, 10);
}

/* Opens the file of a descriptor again, with other flags. */
static int reopen(int fd, int flags) {
        _cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

        return open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Return: whether the file of a descriptor is outside of this container; @ret_name gets its name. */
static bool is_foreign(int fd, char ret_name[static 512]) {
        static const char *const harmless[] = { "pipe:[", "socket:[", "anon_inode:", "pidfd:[" };
        _cleanup_free_ char *link = xasprintf("/proc/self/fd/%d", fd), *own = NULL;
        ssize_t n = readlink(link, ret_name, 511);
        struct stat ours, theirs;

        if (n <= 0 || fstat(fd, &theirs) < 0)
                return false;
        ret_name[n] = 0;
        for (size_t i = 0; i < ELEMENTSOF(harmless); i++)
                if (string_after_prefix(ret_name, harmless[i]))
                        return false;

        /* A path, or a namespace such as "net:[NUMBER]", which is compared with the one that we are in. */
        own = *ret_name == '/' ? xstrdup(ret_name)
                               : xasprintf("/proc/self/ns/%.*s", (int) strcspn(ret_name, ":"), ret_name);
        return stat(own, &ours) < 0 || ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino;
}

/* Return: whether the descriptor is a file in memory that is sealed against writing. */
static bool is_sealed(int fd) {
        _cleanup_fd_ int file = reopen(fd, O_RDONLY);
        int seals = file >= 0 ? fcntl(file, F_GET_SEALS) : -1;

        return seals >= 0 && seals & F_SEAL_WRITE;
}

/* Reports @fd, which @p gave us as @name, if it leads out of the container. Closes it. */
static void check(Process *p, int fd, int what, const char *name) {
        _cleanup_fd_ int own = fd;
        char target[512];

        if (own >= 0 && is_foreign(own, target) && !is_sealed(own))
                tell(p, what, "%s leads to %s", name, target);
}

/* Return: whether the process executes a program of the container. */
static bool try_program(Process *p) {
        _cleanup_fd_ int fd = openat(p->dir, "exe", O_PATH | O_CLOEXEC);
        char name[512];

        if (fd < 0)
                return false;
        if (!is_foreign(fd, name))
                return true;
        if (p->program < 0 && !p->known[PROGRAM])
                p->program = TAKE_FD(fd);
        return false;
}

/* Nobody can write to a program while it is executed, so this is tried until it is not. */
static void try_to_write(Process *p) {
        _cleanup_fd_ int fd = reopen(p->program, O_WRONLY);

        if (fd < 0 && errno == ETXTBSY)
                return;
        /* To do no damage, an unsealed program is not written to: that it can be opened is enough. */
        if (fd >= 0 && (!is_sealed(fd) || write(fd, "", 1) >= 0))
                tell(p, PROGRAM, "the program it began as can be written to");
        p->known[PROGRAM] = true;
        p->program = fd_close(p->program);
}

static void try_descriptors(Process *p) {
        int fd = openat(p->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;

        for (struct dirent *entry; directory && (entry = readdir(directory));) {
                _cleanup_free_ char *path = xasprintf("fd/%s", entry->d_name), *info = NULL;
                _cleanup_free_ char *info_path = xasprintf("fdinfo/%s", entry->d_name);

                if (atoi(entry->d_name) < 3)
                        continue;
                check(p, openat(p->dir, path, O_PATH | O_CLOEXEC), DESCRIPTOR, path);
                /* A pidfd shows pid 0 for a process outside of this pid namespace. */
                if (file_read(p->dir, info_path, 65536, &info) > 0 && strstr(info, "\nPid:\t0\n"))
                        tell(p, DESCRIPTOR, "%s is a process outside", path);
        }
        if (directory)
                (void) closedir(directory);
}

/* Descriptors 0 to 2 may be character devices: a terminal, or /dev/null. */
static void try_to_take(Process *p) {
        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, p->pid, 0);

        for (int i = 0; pidfd >= 0 && i < 10; i++) {
                _cleanup_free_ char *name = xasprintf("descriptor %d, which can be taken,", i);
                _cleanup_fd_ int fd = (int) syscall(SYS_pidfd_getfd, pidfd, i, 0);
                struct stat st;

                if (fd >= 0 && fstat(fd, &st) == 0 && (i >= 3 || !S_ISCHR(st.st_mode)))
                        check(p, TAKE_FD(fd), TAKEN, name);
        }
}

/* A traced process stops, which leaves time for all other attacks. */
static void try_to_trace(Process *p) {
        Caps caps;

        if (p->known[TRACED] || ptrace(PTRACE_SEIZE, p->pid, NULL, NULL) < 0)
                return;
        p->known[TRACED] = true;
        for (size_t i = 0; i < ELEMENTSOF(cap_names) && read_status(p->dir, caps) > 0; i++)
                if (caps[i] & ~own_caps[i])
                        tell(p, CAPS, "can be traced, has %s %jx and we %jx", cap_names[i],
                                (uintmax_t) caps[i], (uintmax_t) own_caps[i]);
        (void) ptrace(PTRACE_INTERRUPT, p->pid, NULL, NULL);
}

/* Detaches from traced processes that have stopped. */
static void end_traces(void) {
        int status;

        for (pid_t pid; (pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0;)
                if (WIFSTOPPED(status))
                        (void) ptrace(PTRACE_DETACH, pid, NULL, status >> 16 ? 0L : (long) WSTOPSIG(status));
}

static void try_environment(Process *p) {
        _cleanup_free_ char *environment = NULL;
        ssize_t n = file_read(p->dir, "environ", 4194304, &environment);

        for (char **word = words; n > 0 && *word; word++)
                if (memmem(environment, (size_t) n, *word, strlen(*word)))
                        tell(p, ENVIRONMENT, "its environment has %s", *word);
}

/* Return: whether the process has to be attacked again. */
static bool try_all(Process *p) {
        int64_t age_msec = now_msec() - p->begin_msec;
        Caps caps;

        if (p->dir < 0) {
                _cleanup_free_ char *path = xasprintf("/proc/%d", p->pid);
                p->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (p->dir < 0)
                        return age_msec < APPEAR_MSEC;
                if (read_status(p->dir, caps) != p->pid)
                        return false;
                n_seen++;
        }

        try_to_trace(p);
        bool ours = try_program(p);
        n_early += !ours && !p->known[EARLY];
        p->known[EARLY] = true;
        check(p, openat(p->dir, "root", O_PATH | O_CLOEXEC), ROOT, "its root directory");
        check(p, openat(p->dir, "cwd", O_PATH | O_CLOEXEC), CWD, "its working directory");
        try_descriptors(p);
        try_to_take(p);
        try_environment(p);
        if (p->program >= 0)
                try_to_write(p);
        return age_msec < TRY_MSEC && (p->program >= 0 || (!ours && read_status(p->dir, caps) > 0));
}

static void forget(Process *p) {
        (void) fd_close(p->dir);
        (void) fd_close(p->program);
        p->pid = 0;
}

static void add(pid_t pid) {
        for (size_t i = 0; i < ELEMENTSOF(processes); i++)
                if (processes[i].pid == 0) {
                        processes[i] = (Process){ pid, -1, -1, now_msec(), {} };
                        return;
                }
}

/* Return: the newest pid in our namespace, which is the fastest way to notice a new process. */
static pid_t last_pid(void) {
        _cleanup_free_ char *text = NULL;

        if (file_read(AT_FDCWD, "/proc/loadavg", 4096, &text) <= 0 || !strchr(text, ' '))
                return 0;
        return (pid_t) strtol(strrchr(text, ' '), NULL, 10);
}

int main(int argc, char **argv) {
        struct sigaction action = { .sa_handler = on_signal };
        pid_t last = last_pid();

        words = argv + (argc > 0);
        (void) setpriority(PRIO_PROCESS, 0, -20);
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        (void) sigaction(SIGTERM, &action, NULL);
        if (last <= 0 || read_status(open("/proc/self", O_PATH | O_CLOEXEC), own_caps) != getpid())
                return 1;
        printf("ready\n");

        for (; !stopped; end_traces()) {
                for (pid_t newest = last_pid(); last < newest;)
                        add(++last);
                for (size_t i = 0; i < ELEMENTSOF(processes); i++)
                        if (processes[i].pid > 0 && !try_all(&processes[i]))
                                forget(&processes[i]);
        }
        printf("seen %u, early %u\n", n_seen, n_early);
        return 0;
}
