/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/string.h"
#include "nomad/handshake.h"

static void set(const char *name, const char *value) {
        cr_assert_eq(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

/* The environment that an agent gives. */
static void setup(void) {
        set("NOMAD_PLUGIN_MAGIC_COOKIE", "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255");
        set("PLUGIN_PROTOCOL_VERSIONS", "2");
        set("PLUGIN_MIN_PORT", "10000");
        set("PLUGIN_MAX_PORT", "25000");
        set("PLUGIN_CLIENT_CERT", NULL);
        set("PLUGIN_UNIX_SOCKET_DIR", NULL);
        set("PLUGIN_UNIX_SOCKET_GROUP", NULL);
        set("PLUGIN_MULTIPLEX_GRPC", NULL);
}

TestSuite(handshake, .init = setup, .timeout = 60);

static Handshake *accepted(void) {
        _cleanup_error_ Error *error = NULL;
        Handshake *handshake = NULL;

        cr_assert_eq(handshake_new(&handshake, &error), 0, "%s", error_message(error));
        return handshake;
}

static void refused(int code, const char *words) {
        _cleanup_error_ Error *error = NULL;
        Handshake *handshake = NULL;

        cr_assert_eq(handshake_new(&handshake, &error), -code);
        cr_assert_null(handshake);
        cr_assert(strstr(error->message, words), "%s", error->message);
}

Test(handshake, started_by_hand_says_what_to_do) {
        set("NOMAD_PLUGIN_MAGIC_COOKIE", NULL);
        refused(EPERM, "nspawnctl");
        set("NOMAD_PLUGIN_MAGIC_COOKIE", "another");
        refused(EPERM, "plugin_dir");
}

Test(handshake, protocol_version_is_looked_for_in_the_list) {
        static const char *const good[] = { "2", "1,2", "2,1", "12,2,22", "", NULL };
        static const char *const bad[] = { "1", "22", "1,3", "x", "-2" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                set("PLUGIN_PROTOCOL_VERSIONS", good[i]);
                handshake_free(accepted());
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                set("PLUGIN_PROTOCOL_VERSIONS", bad[i]);
                refused(EPROTONOSUPPORT, bad[i]);
        }
}

Test(handshake, tls_is_refused_in_words) {
        set("PLUGIN_CLIENT_CERT", "-----BEGIN CERTIFICATE-----");
        refused(EPROTONOSUPPORT, "TLS");
}

Test(handshake, directory_comes_from_the_environment) {
        _cleanup_free_ char *deep = xcalloc(200, 1);

        set("PLUGIN_UNIX_SOCKET_DIR", "/somewhere");
        Handshake *handshake = accepted();
        Handshake *other = accepted();
        cr_assert(string_after_prefix(handshake->socket_path, "/somewhere/"));
        cr_assert_str_neq(handshake->socket_path, other->socket_path);
        cr_assert_eq(handshake->group, (gid_t) -1);
        handshake_free(handshake);
        handshake_free(other);

        set("PLUGIN_UNIX_SOCKET_DIR", "some/where");
        refused(EINVAL, "not absolute");
        set("PLUGIN_UNIX_SOCKET_DIR", "/some|where");
        refused(EINVAL, "bar");
        set("PLUGIN_UNIX_SOCKET_DIR", "/some\nwhere");
        refused(EINVAL, "blank");
        memset(deep, 'x', 120);
        *deep = '/';
        set("PLUGIN_UNIX_SOCKET_DIR", deep);
        refused(ENAMETOOLONG, "107");
}

Test(handshake, root_has_a_directory_of_its_own) {
        struct stat st;

        if (geteuid() != 0)
                cr_skip_test("only root can write to /run");
        Handshake *handshake = accepted();
        cr_assert(string_after_prefix(handshake->socket_path, HANDSHAKE_DIRECTORY "/"));
        cr_assert_leq(strlen(handshake->socket_path), 107);
        cr_assert_eq(lstat(HANDSHAKE_DIRECTORY, &st), 0);
        cr_assert(S_ISDIR(st.st_mode));
        cr_assert_eq(st.st_mode & 07777, 0700);
        handshake_free(handshake);
}

Test(handshake, others_have_the_temporary_directory) {
        if (geteuid() == 0)
                cr_assert_eq(seteuid(65534), 0);
        set("TMPDIR", "/var/tmp");
        Handshake *handshake = accepted();
        cr_assert(string_after_prefix(handshake->socket_path, "/var/tmp/"));
        handshake_free(handshake);

        set("TMPDIR", NULL);
        handshake = accepted();
        cr_assert(string_after_prefix(handshake->socket_path, "/tmp/"));
        handshake_free(handshake);
}

Test(handshake, group_by_name_and_number) {
        set("PLUGIN_UNIX_SOCKET_GROUP", "root");
        set("TMPDIR", "/var/tmp");
        Handshake *handshake = accepted();
        cr_assert_eq(handshake->group, 0);
        cr_assert(string_after_prefix(handshake->socket_path, "/var/tmp/"), "not where the group can go");
        handshake_free(handshake);

        set("PLUGIN_UNIX_SOCKET_GROUP", "1234");
        handshake = accepted();
        cr_assert_eq(handshake->group, 1234);
        handshake_free(handshake);

        set("PLUGIN_UNIX_SOCKET_GROUP", "no-such-group");
        refused(ENOENT, "no-such-group");
}

static void expect_line(const Handshake *handshake, const char *expected) {
        char buffer[512];
        int fds[2];

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        cr_assert_eq(dup2(fds[1], STDOUT_FILENO), STDOUT_FILENO);
        (void) close(fds[1]);
        cr_assert_eq(handshake_print(handshake), 0);

        ssize_t n = read(fds[0], buffer, sizeof(buffer) - 1);
        cr_assert_gt(n, 0);
        buffer[n] = 0;
        cr_assert_str_eq(buffer, expected);
        cr_assert_eq(read(fds[0], buffer, sizeof(buffer)), 0, "the pipe is still open");
        cr_assert_eq(write(STDOUT_FILENO, "x", 1), 1, "stdout must stay valid");
        (void) close(fds[0]);
}

Test(handshake, line_says_where_the_socket_is) {
        Handshake handshake = { .socket_path = (char *) "/run/x.sock" };

        expect_line(&handshake, "1|2|unix|/run/x.sock|grpc|\n");
}

Test(handshake, line_has_a_seventh_field_for_those_who_ask) {
        set("PLUGIN_MULTIPLEX_GRPC", "true");
        set("PLUGIN_UNIX_SOCKET_DIR", "/d");
        Handshake *handshake = accepted();
        _cleanup_free_ char *line = xasprintf("1|2|unix|%s|grpc||false\n", handshake->socket_path);

        cr_assert(handshake->multiplex);
        expect_line(handshake, line);
        handshake_free(handshake);
}
