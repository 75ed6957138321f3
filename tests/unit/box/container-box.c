/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "box/container-box.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"

static void on_output(void *userdata, ExecStream stream, const void *bytes, size_t n) {
        ContainerBox *box = userdata;

        cr_assert_gt(n, 0);
        cr_assert_eq(box->n_ended, 0);
        string_buffer_append_bytes(&box->outputs[stream], bytes, n);
}

static void on_drain(void *userdata) {
        ContainerBox *box = userdata;

        box->n_drained++;
}

static void on_end(void *userdata, const ExecResult *result, const Error *error) {
        ContainerBox *box = userdata;

        cr_assert(result || error);
        box->n_ended++;
        box->has_result = result;
        box->result = result ? *result : (ExecResult){};
        string_replace(&box->words, error ? error->message : NULL);
}

const ExecCallbacks container_box_callbacks = { on_output, on_drain, on_end };

/* Sets two filters, one of which takes sethostname(2) away, and one more if given. */
static int set_filters(const struct sock_fprog *more) {
        struct sock_filter denies[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sethostname, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog first = { .len = ELEMENTSOF(denies), .filter = denies };
        struct sock_fprog second = { .len = 1, .filter = denies + 3 };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &first) < 0 ||
                        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &second) < 0 ||
                        (more && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, more) < 0)
                ? -errno
                : 0;
}

/* Is the first process of the container. */
static _Noreturn void lead(int ready, bool with_users, int go, const struct sock_fprog *filter) {
        char byte;

        /* A test that fails leaves nothing that goes on running. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(go, &byte, 1) != 1 ||
                (with_users && (setgid(0) < 0 || setuid(0) < 0)) ||
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("proc", "/proc", "proc", 0, NULL) < 0 ||
                mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620") < 0 ||
                sethostname("box", 3) < 0 || set_filters(filter) < 0 || chdir("/usr") < 0 ||
                prctl(PR_CAPBSET_DROP, 25 /* SYS_TIME */) < 0)
                _exit(91);
        (void) !write(ready, "r", 1);
        for (;;)
                (void) pause();
}

/* Return: the path of the helper, which was built beside the init; owned by the caller. */
static char *helper_path(void) {
        const char *init = getenv("TEST_INIT");
        _cleanup_free_ char *directory = xstrdup(init ? init : "build/release/nspawn-units-init");

        *strrchr(directory, '/') = 0;
        return xasprintf("%s/nspawn-units-helper", directory);
}

static void map_users(pid_t pid) {
        static const char *const files[] = { "uid_map", "gid_map" };

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *name = xasprintf("/proc/%d/%s", pid, files[i]);
                _cleanup_fd_ int fd = open(name, O_WRONLY | O_CLOEXEC);
                cr_assert_eq(fd_write_all(fd, "0 100000 65536", 14), 0);
        }
}

void container_box_open_filtered(ContainerBox *box, unsigned long more, const struct sock_fprog *filter) {
        unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                CLONE_NEWCGROUP | more;
        int go[2], ready[2];
        char byte;

        if (geteuid() != 0)
                cr_skip_test("makes containers: needs root");

        *box = (ContainerBox){ .directory = xasprintf("/tmp/container-%08x", own_number()),
                .leader_fd = -1 };
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->helper = helper_path();

        cr_assert_eq(pipe2(go, O_CLOEXEC), 0);
        cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
        box->leader = (pid_t) syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
        if (box->leader < 0 && errno == EPERM)
                cr_skip_test("no namespaces here");
        if (box->leader == 0)
                lead(ready[1], more & CLONE_NEWUSER, go[0], filter);

        if (more & CLONE_NEWUSER)
                map_users(box->leader);
        cr_assert_eq(fd_write_all(go[1], "g", 1), 0);
        close(go[0]);
        close(go[1]);
        close(ready[1]);
        cr_assert_eq(read(ready[0], &byte, 1), 1, "the container did not come up");
        close(ready[0]);
        box->leader_fd = (int) syscall(SYS_pidfd_open, box->leader, 0);
        cr_assert_geq(box->leader_fd, 0);
}

void container_box_open(ContainerBox *box, unsigned long more) {
        container_box_open_filtered(box, more, NULL);
}

void container_box_close(ContainerBox *box) {
        exec_free(box->exec);
        if (box->leader > 0) {
                (void) kill(box->leader, SIGKILL);
                (void) waitpid(box->leader, NULL, 0);
        }
        fd_close(box->leader_fd);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                string_buffer_clear(&box->outputs[i]);
        sd_event_unref(box->event);
        free(box->words);
        free(box->directory);
        free(box->helper);
}

void container_box_begin(ContainerBox *box, const ExecSpec *spec) {
        _cleanup_error_ Error *error = NULL;
        const ExecPlace place = {
                .helper = box->helper,
                .directory = box->directory,
                .secrets = "/no/such/file",
                .leader = box->leader,
                .leader_fd = box->leader_fd,
        };

        box->exec = exec_free(box->exec);
        box->n_ended = 0;
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                string_buffer_clear(&box->outputs[i]);
        int r = exec_new(box->event, &place, spec, &container_box_callbacks, box, &box->exec, &error);
        cr_assert_eq(r, 0, "%s", error_message(error));
}

void container_box_wait(ContainerBox *box) {
        RUN_UNTIL(box->event, box->n_ended > 0);
        cr_assert_eq(box->n_ended, 1);
}

int container_box_shell(ContainerBox *box, const char *line) {
        char shell[] = "/bin/sh", option[] = "-c";
        char *command[] = { shell, option, (char *) (uintptr_t) line, NULL };

        container_box_begin(box, &(ExecSpec){ .command = command });
        exec_close_input(box->exec);
        container_box_wait(box);
        cr_assert(box->has_result, "%s", box->words);
        return box->result.code;
}

const char *container_box_output(const ContainerBox *box) {
        return box->outputs[EXEC_OUTPUT].text ? box->outputs[EXEC_OUTPUT].text : "";
}

const char *container_box_error(const ContainerBox *box) {
        return box->outputs[EXEC_ERROR].text ? box->outputs[EXEC_ERROR].text : "";
}
