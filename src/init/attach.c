/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach.h"

/*
 * A client that reads slowly slows the program on the terminal down. One that reads nothing for so long
 * counts as gone.
 */
#define BEHIND_MSEC 5000

/*
 * The send buffer of a client: room for some messages. With more, much output would still come after Ctrl-C.
 */
#define CLIENT_BUFFER (16 * 1024)

typedef struct Client {
        int fd;
        bool behind; /* the last message is not sent to it yet */
        uint64_t since_msec;
} Client;

static int listener_fd = -1;
static int master_fd = -1;
static size_t n_clients;
static Client clients[ATTACH_CLIENTS_MAX];

/* The last message for all clients. */
static const char *shown;
static size_t n_shown;

/* The last input message of a client, and how much of it the terminal has taken. */
static char *typed;
static size_t n_typed, n_fed;

void attach_open(int listener, int master, char *buffer) {
        typed = buffer;
        listener_fd = listener;
        master_fd = master;
}

static void client_drop(size_t i) {
        (void) close(clients[i].fd);
        clients[i] = clients[--n_clients];
}

/* Sends the last message to a client. Return: false when the client is gone. */
static bool client_show(Client *client) {
        bool was_behind = client->behind;

        client->behind = send(client->fd, shown, n_shown, MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
        if (client->behind && !was_behind)
                client->since_msec = clock_msec();
        return !client->behind || errno == EAGAIN;
}

/* Accepts or refuses a client that waits. Return: whether there was one. */
static bool client_accept(void) {
        static char full[] = " nspawn-units: too many are attached to this terminal\r\n";
        const int size = CLIENT_BUFFER;
        int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
                return false;

        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        if (n_clients < ATTACH_CLIENTS_MAX) {
                clients[n_clients++] = (Client){ .fd = fd };
                return true;
        }

        full[0] = ATTACH_OUTPUT;
        (void) send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void) close(fd);
        return true;
}

/*
 * Sets the size of the terminal. The kernel sends SIGWINCH if it has changed. If it has not, this function
 * sends SIGWINCH, so that programs redraw for a client that has just attached.
 */
static void size_apply(const char *bytes) {
        const unsigned char *b = (const unsigned char *) bytes;
        struct winsize old = {},
                       size = {
                               .ws_row = (unsigned short) (b[0] << 8 | b[1]),
                               .ws_col = (unsigned short) (b[2] << 8 | b[3]),
                       };
        pid_t group;

        (void) ioctl(master_fd, TIOCGWINSZ, &old);
        (void) ioctl(master_fd, TIOCSWINSZ, &size);
        if (old.ws_row != size.ws_row || old.ws_col != size.ws_col)
                return;

        /* kill(-1) would signal every process of the container. */
        group = tcgetpgrp(master_fd);
        if (group > 1)
                (void) kill(-group, SIGWINCH);
}

/* Handles the message in the input buffer. Return: whether it is valid. */
static bool message_take(size_t n) {
        switch (typed[0]) {
        case ATTACH_INPUT:
                n_fed = 1;
                n_typed = n;
                return true;
        case ATTACH_SIZE:
                if (n == 5)
                        size_apply(typed + 1);
                return n == 5;
        default:
                return false;
        }
}

/* Return: false when the client is gone or sent an invalid message. */
static bool client_receive(const Client *client) {
        ssize_t n = recv(client->fd, typed, ATTACH_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        return n > 0 && (size_t) n <= ATTACH_MESSAGE_MAX && message_take((size_t) n);
}

size_t attach_poll(struct pollfd *fds) {
        short wanted = attach_has_input() ? 0 : POLLIN;

        for (size_t i = 0; i < n_clients; i++) {
                short events = (short) (wanted | (clients[i].behind ? POLLOUT : 0));

                /* poll() reports a hangup even without events, which would wake us again and again. */
                fds[i] = (struct pollfd){ .fd = events ? clients[i].fd : -1, .events = events };
        }
        fds[n_clients] = (struct pollfd){ .fd = listener_fd, .events = POLLIN };
        return n_clients + 1;
}

int attach_timeout(void) {
        uint64_t now, first = UINT64_MAX;

        for (size_t i = 0; i < n_clients; i++)
                if (clients[i].behind && clients[i].since_msec < first)
                        first = clients[i].since_msec;
        if (first == UINT64_MAX)
                return -1;

        now = clock_msec();
        return now >= first + BEHIND_MSEC ? 0 : (int) (first + BEHIND_MSEC - now);
}

static bool client_serve(Client *client, short events) {
        if (client->behind && (events & (POLLOUT | POLLHUP | POLLERR)) && !client_show(client))
                return false;
        if (client->behind && clock_msec() >= client->since_msec + BEHIND_MSEC)
                return false;

        /* The buffer may still have another client's input. */
        bool asks = events & (POLLIN | POLLHUP | POLLERR);
        return !asks || attach_has_input() || client_receive(client);
}

/*
 * Moves a client to the front of the list, which is served last: so a client that types without end leaves
 * the others a turn.
 */
static void client_put_first(int fd) {
        for (size_t i = 0; i < n_clients; i++)
                if (clients[i].fd == fd) {
                        Client client = clients[i];

                        memmove(clients + 1, clients, i * sizeof(*clients));
                        clients[0] = client;
                        return;
                }
}

void attach_serve(const struct pollfd *fds, size_t n) {
        int typist = -1;

        /* Downwards, since client_drop() fills the gap with the last client, which is served already. */
        for (size_t i = n - 1; i-- > 0;) {
                bool was_typed = attach_has_input();

                if (!client_serve(&clients[i], fds[i].revents))
                        client_drop(i);
                else if (!was_typed && attach_has_input())
                        typist = clients[i].fd;
        }
        client_put_first(typist);
        if (fds[n - 1].revents)
                for (int i = 0; i < ATTACH_CLIENTS_MAX && client_accept(); i++)
                        continue;
}

bool attach_has_input(void) {
        return n_fed < n_typed;
}

void attach_feed(void) {
        if (!attach_has_input())
                return;

        ssize_t n = write(master_fd, typed + n_fed, n_typed - n_fed);

        if (n > 0)
                n_fed += (size_t) n;
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
                n_fed = n_typed; /* the terminal will never take it */
}

void attach_show(const char *message, size_t n) {
        shown = message;
        n_shown = n;
        for (size_t i = n_clients; i-- > 0;)
                if (!client_show(&clients[i]))
                        client_drop(i);
}

bool attach_is_behind(void) {
        for (size_t i = 0; i < n_clients; i++)
                if (clients[i].behind)
                        return true;
        return false;
}
