/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "nomad/handshake.h"

/* Nomad sets this variable for the plugins that it starts; name and value are the same in all versions. */
#define COOKIE_NAME "NOMAD_PLUGIN_MAGIC_COOKIE"
#define COOKIE "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255"

#define PROTOCOL_VERSION 2

/* Unset and empty are the same to go-plugin. */
static const char *environment_get(const char *name) {
        const char *value = getenv(name);

        return string_is_empty(value) ? NULL : value;
}

static bool versions_have(const char *list, uint64_t wanted) {
        while (*list) {
                size_t n = strcspn(list, ",");
                _cleanup_free_ char *item = xstrndup(list, n);
                uint64_t version;

                if (string_parse_u64(item, &version) && version == wanted)
                        return true;
                list += n + (list[n] == ',' ? 1 : 0);
        }

        return false;
}

static int check_environment(Error **ret_error) {
        const char *cookie = environment_get(COOKIE_NAME);
        const char *versions = environment_get("PLUGIN_PROTOCOL_VERSIONS");

        if (!cookie || !streq(cookie, COOKIE))
                return error_set(ret_error, EPERM,
                        "This program is a task driver for Nomad, and the Nomad agent starts it: put it "
                        "into the agent's plugin_dir and name it in a plugin block. To run a container by "
                        "hand there is nspawnctl.");

        if (versions && !versions_have(versions, PROTOCOL_VERSION))
                return error_set(ret_error, EPROTONOSUPPORT,
                        "The Nomad agent speaks version %s of the plugin protocol, this driver speaks "
                        "version %d.",
                        versions, PROTOCOL_VERSION);

        if (environment_get("PLUGIN_CLIENT_CERT"))
                return error_set(ret_error, EPROTONOSUPPORT,
                        "PLUGIN_CLIENT_CERT is set: the agent wants TLS between itself and its plugins, "
                        "which this driver does not speak. Turn AutoMTLS off; the socket is open to the "
                        "agent's user only.");
        return 0;
}

static int find_group(gid_t *ret_group, Error **ret_error) {
        const char *name = environment_get("PLUGIN_UNIX_SOCKET_GROUP");
        uint64_t number;

        *ret_group = (gid_t) -1;
        if (!name)
                return 0;

        if (string_parse_u64(name, &number) && number < (gid_t) -1) {
                *ret_group = (gid_t) number;
                return 0;
        }

        /* getgrnam() is not safe with threads, but this process has no other thread yet. */
        errno = 0;
        const struct group *group = getgrnam(name);
        if (!group)
                return error_set(ret_error, errno ? errno : ENOENT,
                        "PLUGIN_UNIX_SOCKET_GROUP names the group %s, which does not exist here.", name);
        *ret_group = group->gr_gid;
        return 0;
}

/* Makes root's directory for sockets. It is below /run, where only root can make one. Return: whether it can
 * be used. */
static bool prepare_directory(void) {
        struct stat st;

        (void) mkdir(RUNTIME_DIRECTORY, 0755);
        (void) mkdir(HANDSHAKE_DIRECTORY, 0700);
        if (lstat(HANDSHAKE_DIRECTORY, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
                return false;

        return (st.st_mode & 07777) == 0700 || chmod(HANDSHAKE_DIRECTORY, 0700) >= 0;
}

static const char *choose_directory(gid_t group) {
        const char *directory = environment_get("PLUGIN_UNIX_SOCKET_DIR");

        if (directory)
                return directory;
        /* The members of a group could not reach a socket in a directory that only root may enter. */
        if (geteuid() == 0 && group == (gid_t) -1 && prepare_directory())
                return HANDSHAKE_DIRECTORY;

        directory = environment_get("TMPDIR");
        return directory && *directory == '/' ? directory : "/tmp";
}

static int choose_path(gid_t group, char **ret_path, Error **ret_error) {
        const char *directory = choose_directory(group);
        _cleanup_free_ char *path = NULL;
        uint64_t number;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return error_set(ret_error, EIO, "Cannot get random bytes from the kernel.");
        path = xasprintf("%s/plugin-%016" PRIx64 ".sock", directory, number);

        if (*path != '/')
                return error_set(
                        ret_error, EINVAL, "The directory for the socket, %s, is not absolute.", directory);
        for (const char *p = path; *p; p++)
                if (*p == '|' || (unsigned char) *p <= ' ')
                        return error_set(ret_error, EINVAL,
                                "The directory for the socket has a blank or a bar in its name, which the "
                                "plugin protocol cannot say.");
        if (strlen(path) >= sizeof((struct sockaddr_un){}.sun_path))
                return error_set(ret_error, ENAMETOOLONG,
                        "The path of the socket, %s, is longer than the %zu bytes a socket's path can "
                        "have: set TMPDIR to a shorter directory.",
                        path, sizeof((struct sockaddr_un){}.sun_path) - 1);

        *ret_path = TAKE_PTR(path);
        return 0;
}

int handshake_new(Handshake **ret_handshake, Error **ret_error) {
        _cleanup_handshake_ Handshake *handshake = xnew(Handshake, 1);
        int r;

        r = check_environment(ret_error);
        if (r < 0)
                return r;
        r = find_group(&handshake->group, ret_error);
        if (r < 0)
                return r;
        r = choose_path(handshake->group, &handshake->socket_path, ret_error);
        if (r < 0)
                return r;
        handshake->multiplex = environment_get("PLUGIN_MULTIPLEX_GRPC");

        *ret_handshake = TAKE_PTR(handshake);
        return 0;
}

Handshake *handshake_free(Handshake *handshake) {
        if (!handshake)
                return NULL;

        free(handshake->socket_path);
        free(handshake);
        return NULL;
}

/* Return: whether nobody listens at a socket any more. */
static bool is_abandoned(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
                return false;
        memcpy(address.sun_path, path, strlen(path) + 1);
        return connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0 && errno == ECONNREFUSED;
}

void handshake_sweep(const char *sockets) {
        DIR *directory = opendir(sockets);
        const struct dirent *entry;

        while (directory && (entry = readdir(directory))) {
                _cleanup_free_ char *path = xasprintf("%s/%s", sockets, entry->d_name);

                if (entry->d_type == DT_SOCK && is_abandoned(path))
                        (void) unlink(path);
        }
        if (directory)
                (void) closedir(directory);
}

int handshake_print(const Handshake *handshake) {
        /* Older agents read a seventh field as part of the sixth, so only agents that ask for it get one. */
        _cleanup_free_ char *line = xasprintf("1|%d|unix|%s|grpc|%s\n", PROTOCOL_VERSION,
                handshake->socket_path, handshake->multiplex ? "|false" : "");
        int r;

        _cleanup_fd_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null < 0)
                return -errno;

        r = fd_write_all(STDOUT_FILENO, line, strlen(line));
        if (r < 0)
                return r;
        return dup2(null, STDOUT_FILENO) < 0 ? -errno : 0;
}
