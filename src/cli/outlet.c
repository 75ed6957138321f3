/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/stream-mode.h"
#include "base/string.h"
#include "cli/outlet.h"
#include "loop/must.h"
#include "loop/reader.h"
#include "loop/writer.h"

/* How many bytes may wait to be written before the outlet stops reading the task's output. */
#define PENDING_MAX (256 * 1024)

/* One of the task's two output streams. */
typedef struct Way {
        Outlet *outlet;
        int task_fd;    /* the task's side, -1 once it is closed here */
        Reader *reader; /* NULL once its output cannot be written any more */
        Writer *writer;
} Way;

struct Outlet {
        Way ways[2]; /* to standard output and error; one for both if they are the same, to keep the order */
        bool one;
        bool lost; /* output, since it could not be written */
        bool finishing;
        sd_event_source *over;
        OutletDone done;
        void *userdata;
};

static bool way_is_over(const Way *way) {
        bool is_read = !way->reader || reader_has_ended(way->reader);

        return is_read && (!way->writer || writer_pending(way->writer) == 0);
}

static int on_over(sd_event_source *source _unused_, void *userdata) {
        Outlet *outlet = userdata;

        outlet->done(outlet->userdata);
        return 0;
}

static void outlet_look(const Outlet *outlet) {
        if (outlet->finishing && way_is_over(&outlet->ways[0]) && way_is_over(&outlet->ways[1]))
                (void) sd_event_source_set_enabled(outlet->over, SD_EVENT_ONESHOT);
}

static void on_data(void *userdata, const void *bytes, size_t n) {
        Way *way = userdata;

        /* After an error the writer drops them. */
        writer_write(way->writer, bytes, n);
        if (writer_pending(way->writer) > PENDING_MAX)
                reader_set_enabled(way->reader, false);
        outlet_look(way->outlet);
}

static void on_end(void *userdata, int error _unused_) {
        const Way *way = userdata;

        outlet_look(way->outlet);
}

/*
 * The task hears that nobody reads any more (EPIPE). That a disk is full, say, is not the task's affair: it
 * goes on, and its output is lost.
 */
static void on_drained(void *userdata, int error) {
        Way *way = userdata;

        if (error == -EPIPE || error == -ECONNRESET)
                way->reader = reader_free(way->reader);
        else if (error < 0) {
                app_print(
                        "cannot write the task's output, which is lost from here on: %s", strerror(-error));
                way->outlet->lost = true;
        }
        if (way->reader)
                reader_set_enabled(way->reader, true);
        outlet_look(way->outlet);
}

bool outlet_has_lost(const Outlet *outlet) {
        return outlet->lost;
}

static int way_open(Way *way, App *app, int fd) {
        static const ReaderCallbacks callbacks = { on_data, on_end };
        int pipe_fds[2];

        way->writer = writer_new(app->event, on_drained, way);
        int copy = fd_open_again(fd, O_WRONLY);
        int r = copy < 0 ? copy : writer_open(way->writer, copy);

        if (r < 0)
                return r;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        way->task_fd = pipe_fds[1];
        /* Root of a container without user namespace may read from it, too: nothing may wait for bytes. */
        if (fchmod(way->task_fd, STREAM_MODE) < 0 || fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) < 0) {
                r = -errno;
                fd_close(pipe_fds[0]);
                return r;
        }
        return reader_new(app->event, pipe_fds[0], &callbacks, way, &way->reader);
}

static bool is_same(int a, int b) {
        struct stat of_a, of_b;

        return fstat(a, &of_a) >= 0 && fstat(b, &of_b) >= 0 && of_a.st_dev == of_b.st_dev &&
                of_a.st_ino == of_b.st_ino;
}

int outlet_new(App *app, OutletDone done, void *userdata, Outlet **ret, Error **ret_error) {
        static const int fds[] = { STDOUT_FILENO, STDERR_FILENO };
        _cleanup_(outlet_freep) Outlet *outlet = xnew(Outlet, 1);
        int r = 0;

        outlet->done = done;
        outlet->userdata = userdata;
        /* A write to a closed pipe then fails with EPIPE. */
        (void) signal(SIGPIPE, SIG_IGN);
        event_must(sd_event_add_defer(app->event, &outlet->over, on_over, outlet));
        (void) sd_event_source_set_enabled(outlet->over, SD_EVENT_OFF);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                outlet->ways[i] = (Way){ .outlet = outlet, .task_fd = -1 };
        outlet->one = is_same(fds[0], fds[1]);
        for (size_t i = 0; i < (outlet->one ? 1 : ELEMENTSOF(fds)) && r >= 0; i++)
                r = way_open(&outlet->ways[i], app, fds[i]);
        if (r < 0)
                return error_set(ret_error, r, "cannot pass the task's output on: %s", strerror(-r));

        *ret = TAKE_PTR(outlet);
        return 0;
}

Outlet *outlet_free(Outlet *outlet) {
        if (!outlet)
                return NULL;

        outlet_close_streams(outlet);
        for (size_t i = 0; i < ELEMENTSOF(outlet->ways); i++) {
                reader_free(outlet->ways[i].reader);
                writer_free(outlet->ways[i].writer);
        }
        sd_event_source_disable_unref(outlet->over);
        free(outlet);
        return NULL;
}

TaskStreams outlet_streams(const Outlet *outlet) {
        return (TaskStreams){ outlet->ways[0].task_fd, outlet->ways[outlet->one ? 0 : 1].task_fd };
}

void outlet_close_streams(Outlet *outlet) {
        for (size_t i = 0; i < ELEMENTSOF(outlet->ways); i++)
                outlet->ways[i].task_fd = fd_close(outlet->ways[i].task_fd);
}

void outlet_finish(Outlet *outlet) {
        outlet->finishing = true;
        outlet_close_streams(outlet);
        for (size_t i = 0; i < ELEMENTSOF(outlet->ways); i++)
                if (outlet->ways[i].reader)
                        reader_finish(outlet->ways[i].reader);
        outlet_look(outlet);
}
