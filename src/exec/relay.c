/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/string.h"
#include "loop/priority.h"
#include "exec/relay.h"

#define PIECE_MAX (64 * 1024)

/* The two sides: an index for a socket, and for the bytes that come from it. */
enum {
        PEER,
        OURS,
        _SIDE_MAX,
};

typedef struct Piece {
        char bytes[PIECE_MAX];
        size_t n;
        size_t n_sent;
        bool last; /* this side sends no more */
} Piece;

struct Relay {
        int fds[_SIDE_MAX];
        sd_event_source *sources[_SIDE_MAX];
        Piece pieces[_SIDE_MAX];
        size_t n_left;
        bool exceeded;
};

static void piece_end(Relay *relay, int side) {
        relay->pieces[side].n = 0;
        relay->pieces[side].last = true;
        (void) shutdown(relay->fds[!side], SHUT_WR);
}

static void piece_receive(Relay *relay, int side) {
        Piece *piece = &relay->pieces[side];
        ssize_t n;

        if (piece->n > 0 || piece->last)
                return;

        n = recv(relay->fds[side], piece->bytes, sizeof(piece->bytes), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;

        relay->exceeded = relay->exceeded || (side == PEER && n > 0 && (size_t) n > relay->n_left);
        if (n <= 0 || relay->exceeded) {
                piece_end(relay, side);
                return;
        }
        if (side == PEER)
                relay->n_left -= (size_t) n;
        piece->n = (size_t) n;
        piece->n_sent = 0;
}

static void piece_send(Relay *relay, int side) {
        Piece *piece = &relay->pieces[side];
        ssize_t n;

        if (piece->n == 0)
                return;

        n = send(relay->fds[!side], piece->bytes + piece->n_sent, piece->n - piece->n_sent,
                MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
                piece_end(relay, side);
        if (n <= 0)
                return;
        piece->n_sent += (size_t) n;
        if (piece->n_sent == piece->n)
                piece->n = 0;
}

/*
 * A source that waits for no event must be disabled: with an empty set of events, epoll would still report a
 * closed connection. A source that is always ready keeps sd-bus from all that it does by its timer (systemd
 * 252: its prepare_callback() sets the time again in each turn, which puts the timer behind such a source).
 */
static int relay_watch(Relay *relay) {
        for (int side = 0; side < _SIDE_MAX; side++) {
                const Piece *from = &relay->pieces[side], *to = &relay->pieces[!side];
                uint32_t events = (from->n == 0 && !from->last ? (uint32_t) EPOLLIN : 0) |
                        (to->n > 0 ? (uint32_t) EPOLLOUT : 0);
                int r = sd_event_source_set_io_events(relay->sources[side], events);

                if (r >= 0)
                        r = sd_event_source_set_enabled(
                                relay->sources[side], events ? SD_EVENT_ON : SD_EVENT_OFF);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int on_ready(
        sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        Relay *relay = userdata;

        for (int side = 0; side < _SIDE_MAX; side++) {
                piece_receive(relay, side);
                piece_send(relay, side);
        }
        return relay_watch(relay);
}

int relay_new(sd_event *event, int fd, size_t limit, Relay **ret, int *ret_fd) {
        _cleanup_(relay_freep) Relay *relay = xnew(Relay, 1);
        _cleanup_fd_ int other = -1;
        int pair[2];

        relay->fds[PEER] = fd;
        relay->fds[OURS] = -1;
        relay->n_left = limit;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        relay->fds[OURS] = pair[0];
        other = pair[1];

        for (int side = 0; side < _SIDE_MAX; side++) {
                int r = sd_event_add_io(
                        event, &relay->sources[side], relay->fds[side], EPOLLIN, on_ready, relay);
                if (r >= 0)
                        r = sd_event_source_set_priority(relay->sources[side], LOOP_PRIORITY_STREAM);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(relay);
        *ret_fd = TAKE_FD(other);
        return 0;
}

Relay *relay_free(Relay *relay) {
        if (!relay)
                return NULL;

        for (int side = 0; side < _SIDE_MAX; side++) {
                sd_event_source_disable_unref(relay->sources[side]);
                (void) fd_close(relay->fds[side]);
        }
        free(relay);
        return NULL;
}

bool relay_is_exceeded(const Relay *relay) {
        return relay->exceeded;
}
