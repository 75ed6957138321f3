/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/fd.h"
#include "box.h"

/* Tasks with a terminal, and clients that attach to it. */
TestSuite(tty, .timeout = TEST_SEC);

static int attach(const Job *job) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const struct timeval limit = { .tv_sec = LIMIT_MSEC / 1000 };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path),
                "/run/nspawn-units/tasks/%s/unit/" ATTACH_SOCKET, job->machine);
        cr_assert_eq(connect(fd, (const struct sockaddr *) &address, sizeof(address)), 0, "%m");
        cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
        return fd;
}

static void attach_send(int fd, const char *message, size_t n) {
        cr_assert_eq(send(fd, message, n, MSG_NOSIGNAL), (ssize_t) n, "%m");
}
#define attach_type(fd, text) attach_send(fd, "I" text, sizeof("I" text) - 1)

/* Return: the whole output until the connection ends. */
static char *attach_read(int fd) {
        StringBuffer buffer = {};
        char message[ATTACH_MESSAGE_MAX];
        ssize_t n;

        /* If the peer closed with input unread, recv() reports that first, before the rest of the output. */
        while ((n = recv(fd, message, sizeof(message), 0)) > 0 || (n < 0 && errno == ECONNRESET)) {
                if (n < 0)
                        continue;
                cr_assert_eq(message[0], ATTACH_OUTPUT);
                string_buffer_append_bytes(&buffer, message + 1, (size_t) n - 1);
        }
        cr_assert_eq(n, 0, "the connection does not end: %m");
        return string_buffer_take(&buffer);
}

Test(tty, several_clients_attach_to_the_terminal_of_a_task) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new(
                "tty; stat -c %u $(tty); stty size; echo $TERM; stty -echo; echo err >&2; "
                "read x; echo got $x; stty size; exit 133",
                "{'tty': true, 'user': 'app'}");
        static const char size[] = { ATTACH_SIZE, 0, 50, 0, 100 };

        job_start(&agent, job);
        stream_wait_text(job->out, "/dev/pts/0\r\n1000\r\n24 80\r\nxterm\r\nerr\r\n");
        free(shell_good("test \"$(stat -c %%a:%%u /run/nspawn-units/tasks/%1$s/unit/attach)\" = 600:0 && "
                        "test \"$(stat -c %%a:%%u /run/nspawn-units/tasks/%1$s)\" = 700:0",
                job->machine));

        _cleanup_fd_ int client = attach(job), other = attach(job);
        attach_send(client, size, sizeof(size));
        attach_type(client, "this\n");
        _cleanup_free_ char *shown = attach_read(client), *too = attach_read(other);
        cr_expect_str_eq(shown, "got this\r\n50 100\r\n", "%s", shown);
        cr_expect_str_eq(too, "got this\r\n50 100\r\n", "%s", too);

        int code = job_wait(&agent, job);
        cr_expect_eq(code, 133, "%d", code);
        _cleanup_free_ char *out = stream_wait_end(job->out, NULL), *err = stream_wait_end(job->err, NULL);
        cr_expect_str_eq(
                out, "/dev/pts/0\r\n1000\r\n24 80\r\nxterm\r\nerr\r\ngot this\r\n50 100\r\n", "%s", out);
        cr_expect_str_eq(err, "");
        shell_until("! test -e /run/nspawn-units/tasks/%s/unit", job->machine);
        job_destroy(&agent, job);
}

Test(tty, attach_works_again_after_a_restart_in_place) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new("stty -echo; echo up; read x; echo $x; exit 5",
                "{'tty': true, 'restart': {'policy': 'on-failure', 'delay': '200ms', 'max_attempts': 1}}");

        job_start(&agent, job);
        stream_wait_text(job->out, "up\r\n");
        _cleanup_fd_ int first = attach(job);
        attach_type(first, "one\n");
        free(attach_read(first));

        /* The first run may have ended and the second not begun yet. */
        _cleanup_fd_ int second = attach(job);
        stream_wait_text(job->out, "up\r\none\r\nup\r\n");
        attach_type(second, "two\n");
        _cleanup_free_ char *shown = attach_read(second);
        expect_text(shown, "two\r\n");
        int code = job_wait(&agent, job);
        cr_expect_eq(code, 5, "%d", code);
        job_destroy(&agent, job);
}
