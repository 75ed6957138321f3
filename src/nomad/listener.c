/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "nomad/listener.h"

/* How long to pause accepting when file descriptors have run out; without a pause the loop would spin. */
#define PAUSE_USEC (100 * USEC_PER_MSEC)

/* Most connections that one iteration of the loop accepts. */
#define ACCEPT_MAX 16

struct Listener {
        int fd;
        char *path;
        struct stat identity;
        sd_event_source *io;
        sd_event_source *pause;
        ListenerHandler handler;
        void *userdata;
};

static int on_pause_over(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Listener *listener = userdata;

        return sd_event_source_set_enabled(listener->io, SD_EVENT_ON);
}

static int listener_pause(Listener *listener) {
        int r;

        r = sd_event_source_set_time_relative(listener->pause, PAUSE_USEC);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(listener->pause, SD_EVENT_ONESHOT);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(listener->io, SD_EVENT_OFF);
}

static int on_connection(
        sd_event_source *source _unused_, int fd, uint32_t revents _unused_, void *userdata) {
        Listener *listener = userdata;

        for (unsigned i = 0; i < ACCEPT_MAX; i++) {
                int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (connection >= 0) {
                        listener->handler(connection, listener->userdata);
                        continue;
                }
                if (errno == EAGAIN)
                        break;
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                        return listener_pause(listener);
                /* After another error only this connection is lost; go on with the next. */
        }

        return 0;
}

static int listener_bind(Listener *listener, gid_t group, Error **ret_error) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = listener->path;
        size_t n = strlen(path);

        if (n >= sizeof(address.sun_path))
                return error_set(ret_error, ENAMETOOLONG, "socket path %s is longer than %zu bytes", path,
                        sizeof(address.sun_path) - 1);
        memcpy(address.sun_path, path, n);

        listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (listener->fd < 0)
                return error_set(ret_error, errno, "cannot make a socket: %m");

        /* Before bind(), which gives the socket file this mode: at no time can others connect. */
        if (fchmod(listener->fd, 0600) < 0)
                return error_set(ret_error, errno, "cannot set the mode of socket %s: %m", path);
        if (bind(listener->fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return error_set(ret_error, errno, "cannot bind socket %s: %m", path);
        if (lstat(path, &listener->identity) < 0)
                return error_set(ret_error, errno, "cannot look at socket %s: %m", path);

        if (group != (gid_t) -1 && (lchown(path, (uid_t) -1, group) < 0 || chmod(path, 0660) < 0))
                return error_set(ret_error, errno, "cannot give socket %s to group %u: %m", path, group);
        if (listen(listener->fd, SOMAXCONN) < 0)
                return error_set(ret_error, errno, "cannot listen at %s: %m", path);
        return 0;
}

int listener_new(sd_event *event, const char *path, gid_t group, ListenerHandler handler, void *userdata,
        Listener **ret_listener, Error **ret_error) {

        _cleanup_listener_ Listener *listener = xnew(Listener, 1);
        int r;

        *listener = (Listener){ .fd = -1, .path = xstrdup(path), .handler = handler, .userdata = userdata };

        r = listener_bind(listener, group, ret_error);
        if (r < 0)
                return r;

        r = sd_event_add_io(event, &listener->io, listener->fd, EPOLLIN, on_connection, listener);
        if (r < 0)
                return error_set(ret_error, r, "cannot watch socket %s: %s", path, strerror(-r));
        (void) sd_event_source_set_description(listener->io, "listener");

        r = sd_event_add_time(event, &listener->pause, CLOCK_MONOTONIC, 0, 0, on_pause_over, listener);
        if (r >= 0)
                r = sd_event_source_set_enabled(listener->pause, SD_EVENT_OFF);
        if (r < 0)
                return error_set(ret_error, r, "cannot set up a timer: %s", strerror(-r));

        *ret_listener = TAKE_PTR(listener);
        return 0;
}

Listener *listener_free(Listener *listener) {
        struct stat now;

        if (!listener)
                return NULL;

        /* Compare the inodes: by name alone this might remove the socket of a successor. */
        if (listener->identity.st_ino != 0 && lstat(listener->path, &now) >= 0 &&
                now.st_dev == listener->identity.st_dev && now.st_ino == listener->identity.st_ino)
                (void) unlink(listener->path);

        (void) sd_event_source_disable_unref(listener->io);
        (void) sd_event_source_disable_unref(listener->pause);
        (void) fd_close(listener->fd);
        free(listener->path);
        free(listener);
        return NULL;
}
