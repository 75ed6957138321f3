/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/init-box.h"
#include "unit/fd-message.h"

const char *init_box_program(void) {
        const char *path = getenv("TEST_INIT");

        return path ? path : "build/release/nspawn-units-init";
}

void init_box_write_file(const char *path, const char *bytes, size_t n) {
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

        cr_assert_geq(fd, 0, "%s", path);
        cr_assert_eq(fd_write_all(fd, bytes, n), 0);
}

void init_box_make_directory(InitBox *box) {
        box->directory = xstrdup("/tmp/test-init.XXXXXX");
        cr_assert_not_null(mkdtemp(box->directory));
        cr_assert_eq(chmod(box->directory, 0755), 0);
}

void init_box_free(InitBox *box) {
        if (box->directory) {
                _cleanup_free_ char *command = xasprintf("rm -r %s", box->directory);
                cr_assert_eq(system(command), 0);
        }
        free(box->directory);
        strv_free(box->environment);
        fd_close(box->in);
        fd_close(box->out);
        fd_close(box->err);
        fd_close(box->writer);
}

InitBox init_box_new(void) {
        InitBox box = { .in = memfd_create("in", MFD_CLOEXEC),
                .err = memfd_create("err", MFD_CLOEXEC),
                .out = -1,
                .writer = -1 };

        strv_append(&box.environment, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
        strv_append(&box.environment, "HOME=/root");
        return box;
}

void init_box_task(InitBox *box, const char *bytes, size_t n) {
        init_box_make_directory(box);
        _cleanup_free_ char *path = xasprintf("%s/nspawn-units.task", box->directory);
        init_box_write_file(path, bytes, n);
        strv_appendf(&box->environment, "CREDENTIALS_DIRECTORY=%s", box->directory);
}

/* Runs in the child until the init takes over. */
static _Noreturn void enter(InitBox *box, int go, int out, const char *const *argv) {
        int binary = open(init_box_program(), O_PATH | O_CLOEXEC);
        char byte;

        /* A test that fails leaves nothing that goes on running. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                _exit(89);
        /* A descriptor that nobody below may see. */
        if (dup2(out, 50) < 0 || read(go, &byte, 1) != 1 || binary < 0)
                _exit(90);
        if (box->passwd &&
                (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount(box->passwd, "/etc/passwd", NULL, MS_BIND, NULL) < 0 ||
                        mount(box->group, "/etc/group", NULL, MS_BIND, NULL) < 0))
                _exit(91);
        if (box->root && chroot(box->root) < 0)
                _exit(92);
        if (dup2(box->in, 0) < 0 || dup2(out, 1) < 0 || dup2(box->err_is_out ? out : box->err, 2) < 0)
                _exit(93);
        if (box->ignores_signals &&
                (signal(SIGTERM, SIG_IGN) == SIG_ERR || signal(SIGCHLD, SIG_IGN) == SIG_ERR))
                _exit(95);
        (void) syscall(SYS_execveat, binary, "", argv, box->environment, AT_EMPTY_PATH);
        _exit(94);
}

static void map_user(pid_t pid) {
        _cleanup_free_ char *uid_map = xasprintf("/proc/%d/uid_map", pid),
                            *ids = xasprintf("0 %u 1", geteuid());
        _cleanup_fd_ int fd = open(uid_map, O_WRONLY | O_CLOEXEC);

        cr_assert_eq(fd_write_all(fd, ids, strlen(ids)), 0);
}

static void open_output(const InitBox *box, int out[2]) {
        if (box->output == INIT_BOX_PIPE)
                cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
        else if (box->output == INIT_BOX_SOCKET)
                cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), 0);
        else {
                out[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
                cr_assert(out[0] >= 0 && unlockpt(out[0]) == 0);
                out[1] = ioctl(out[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
                cr_assert_geq(out[1], 0);
        }
}

void init_box_start_list(InitBox *box, const char *const *argv) {
        int go[2], out[2];
        unsigned long flags = CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER);

        cr_assert_eq(access(init_box_program(), X_OK), 0, "no %s: build it first", init_box_program());
        cr_assert_eq(pipe2(go, O_CLOEXEC), 0);
        open_output(box, out);

        box->pid = (pid_t) syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
        if (box->pid < 0 && errno == EPERM)
                cr_skip_test("no pid namespaces here");
        if (box->pid == 0)
                enter(box, go[0], out[1], argv);

        if (flags & CLONE_NEWUSER)
                map_user(box->pid);
        cr_assert_eq(fd_write_all(go[1], "", 1), 0);
        close(go[0]);
        close(go[1]);
        box->writer = box->keeps_writer ? out[1] : fd_close(out[1]);
        box->out = out[0];
}

void init_box_hand_over(InitBox *box, int *ret_error, int *ret_result) {
        *ret_error = memfd_create("stderr", MFD_CLOEXEC);
        *ret_result = run_result_new();
        fd_close(box->in);
        box->in = fd_message_new(STDOUT_FILENO, *ret_error, *ret_result, -1);
        cr_assert_geq(box->in, 0);
}

int init_box_wait(InitBox *box) {
        int status;

        cr_assert_eq(waitpid(box->pid, &status, 0), box->pid);
        cr_assert(WIFEXITED(status), "ended by a signal");
        return WEXITSTATUS(status);
}

char *init_box_read(int fd) {
        StringBuffer buffer = {};
        char chunk[4096];
        ssize_t n;

        (void) lseek(fd, 0, SEEK_SET);
        while ((n = read(fd, chunk, sizeof(chunk))) > 0)
                string_buffer_append_bytes(&buffer, chunk, (size_t) n);
        return string_buffer_take(&buffer);
}

char *init_box_result(int fd) {
        int code, signal;

        return run_result_read(fd, &code, &signal) ? xasprintf("%d %d", code, signal) : xstrdup("");
}

void init_box_expect(InitBox *box, const char *text) {
        for (; *text; text++) {
                char byte;

                cr_assert_eq(read(box->out, &byte, 1), 1, "stdout ended before: %s", text);
                cr_assert_eq(byte, *text, "stdout has '%c', expected: %s", byte, text);
        }
}

void init_box_expect_end(InitBox *box) {
        _cleanup_free_ char *rest = init_box_read(box->out);

        cr_assert_str_eq(rest, "");
}

void init_box_expect_err(InitBox *box, const char *text) {
        _cleanup_free_ char *err = init_box_read(box->err);

        cr_assert_str_eq(err, text);
}
