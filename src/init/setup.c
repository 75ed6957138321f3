/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handed.h"
#include "parse.h"
#include "setup.h"

#define TASK_FILE "/nspawn-units.task"
#define TASK_SIZE_MAX (1024 * 1024)
#define DATABASE_SIZE_MAX (4 * 1024 * 1024)
#define GROUPS_MAX 65536
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What the command gets. */
typedef struct Setup {
        const char **environment;
        size_t n_environment;
        const char *user; /* of the task file, NULL when it names none */
        PasswdEntry entry;
        bool known; /* the user has a line in /etc/passwd */
} Setup;

void descriptors_close_others(void) {
        if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
                return;

        /* Before Linux 5.9. nspawn hands none on there that would be higher. */
        for (int fd = 3; fd < 1024; fd++)
                (void) close(fd);
}

void descriptors_receive(Options *options) {
        Handed handed;
        int r = handed_peek(STDIN_FILENO, &handed);

        if (r < 0)
                fail(EXIT_SETUP, "the descriptors of the task did not arrive: ", strerrordesc_np(-r), NULL);
        options->error_fd = handed_find(&handed, HANDED_ERROR);
        options->ledger_fd = handed_find(&handed, HANDED_LEDGER);
        (void) close(handed_find(&handed, HANDED_OUTPUT)); /* is stdout already */
}

void descriptors_nullify(void) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; fd < 3; fd++)
                if (null < 0 || dup2(null, fd) < 0)
                        (void) close(fd);
        if (null > 2)
                (void) close(null);
}

/* Memory that execve gives back; it starts as zeros. */
static void *allocate(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                fail(EXIT_SETUP, "out of memory", NULL);
        return p;
}

/*
 * Reads a whole file, which must be a regular one: a FIFO in an image must not stop us.
 * Return: false when there is none.
 */
static bool file_read(const char *path, size_t limit, Span *ret) {
        struct stat st;
        size_t n = 0;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return false;
        if (fd < 0 || fstat(fd, &st) < 0)
                fail(EXIT_SETUP, "cannot read ", path, ": ", strerrordesc_np(errno), NULL);
        if (!S_ISREG(st.st_mode))
                fail(EXIT_SETUP, "cannot read ", path, ": it is not a regular file", NULL);

        char *text = allocate(limit + 1);
        for (;;) {
                ssize_t k = read(fd, text + n, limit + 1 - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        fail(EXIT_SETUP, "cannot read ", path, ": ", strerrordesc_np(errno), NULL);
                n += (size_t) k;
                if (n > limit)
                        fail(EXIT_SETUP, "cannot read ", path, ": it is too large", NULL);
                if (k == 0)
                        break;
        }

        (void) close(fd);
        *ret = (Span){ text, n };
        return true;
}

/* Return: a string of both. */
static const char *concatenate(const char *prefix, Span text) {
        char *s = allocate(strlen(prefix) + text.length + 1);

        memcpy(stpcpy(s, prefix), text.text, text.length);
        return s;
}

static int task_next(const char **cursor, Span task, TaskRecord *ret) {
        int r = task_record_next(cursor, task.text + task.length, ret);

        if (r == -ENOTSUP)
                fail(EXIT_SETUP, "the task file has a record of a newer version of nspawn-units", NULL);
        if (r < 0)
                fail(EXIT_SETUP, "the task file is damaged", NULL);
        return r;
}

/* Reads the task file as nspawn put it into the container; there may be none. */
static Span task_read(void) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char path[PATH_MAX];
        Span task = {};

        if (!directory || !*directory)
                return task;
        if (strlen(directory) + sizeof(TASK_FILE) > sizeof(path))
                fail(EXIT_SETUP, "CREDENTIALS_DIRECTORY is too long", NULL);

        (void) stpcpy(stpcpy(path, directory), TASK_FILE);
        (void) file_read(path, TASK_SIZE_MAX, &task);
        return task;
}

/* Looks up the last user that the task file names, and says who that is in the environment. */
static void user_apply(Setup *setup) {
        Span passwd = {}, user, group;

        user_split(setup->user, &user, &group);
        (void) file_read("/etc/passwd", DATABASE_SIZE_MAX, &passwd);
        setup->known = passwd_find(passwd, user, &setup->entry);

        if (!setup->known && !id_parse(user, &setup->entry.uid))
                fail(EXIT_SETUP, "no such user \"", concatenate("", user), "\" in the image", NULL);

        environment_remove(setup->environment, &setup->n_environment, "USER");
        environment_remove(setup->environment, &setup->n_environment, "LOGNAME");
        if (!setup->known || setup->entry.home.length == 0)
                setup->entry.home = (Span){ "/", 1 };
        environment_put(setup->environment, &setup->n_environment, concatenate("HOME=", setup->entry.home));
        if (!setup->known)
                return;

        environment_put(setup->environment, &setup->n_environment, concatenate("USER=", setup->entry.name));
        environment_put(
                setup->environment, &setup->n_environment, concatenate("LOGNAME=", setup->entry.name));
}

/* What nspawn gave, over it what the user implies, over that what the task says. */
static void environment_build(const Options *options, Span task, Setup *setup) {
        const char *cursor = task.text;
        TaskRecord record;
        size_t n = 0, n_records = 0;

        while (environ[n])
                n++;
        while (task_next(&cursor, task, &record) > 0) {
                n_records++;
                if (record.letter == 'U')
                        setup->user = record.text;
        }

        /* Three for the user, one for the NULL. */
        setup->environment = allocate((n + n_records + 4) * sizeof(char *));
        memcpy(setup->environment, environ, n * sizeof(char *));
        setup->n_environment = n;

        if (options->mode != MODE_BOOT)
                environment_remove(setup->environment, &setup->n_environment, "CREDENTIALS_DIRECTORY");
        if (options->mode == MODE_SUPERVISE)
                environment_remove(setup->environment, &setup->n_environment, "NOTIFY_SOCKET");
        if (setup->user)
                user_apply(setup);

        cursor = task.text;
        while (task_next(&cursor, task, &record) > 0)
                if (record.letter == 'E')
                        environment_put(setup->environment, &setup->n_environment, record.text);
        setup->environment[setup->n_environment] = NULL;
}

/* The primary group and those of /etc/group that list the user. Return: how many. */
static size_t groups_find(Setup *setup, gid_t **ret) {
        Span user, group, database = {};

        (void) file_read("/etc/group", DATABASE_SIZE_MAX, &database);
        user_split(setup->user, &user, &group);
        if (group.text && !id_parse(group, &setup->entry.gid) &&
                !group_find(database, group, &setup->entry.gid))
                fail(EXIT_SETUP, "no such group \"", group.text, "\" in the image", NULL);

        gid_t *gids = allocate(GROUPS_MAX * sizeof(gid_t));
        gids[0] = setup->entry.gid;
        size_t n = 1;
        if (setup->known)
                n += group_memberships(database, setup->entry.name, gids + 1, GROUPS_MAX - 1);
        if (n > GROUPS_MAX)
                fail(EXIT_SETUP, "user \"", setup->user, "\" is in too many groups", NULL);

        *ret = gids;
        return n;
}

/* Becomes the user. An ordinary one keeps no capability, whatever nspawn left. */
static void user_become(Setup *setup) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
        gid_t *gids;
        size_t n = groups_find(setup, &gids);
        uid_t uid = setup->entry.uid;
        gid_t gid = setup->entry.gid;

        if (setgroups(n, gids) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                fail(EXIT_SETUP, "cannot become user \"", setup->user, "\": ", strerrordesc_np(errno), NULL);
        if (uid == 0)
                return;

        if ((prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL) ||
                syscall(SYS_capset, &header, none) < 0)
                fail(EXIT_SETUP, "cannot drop capabilities: ", strerrordesc_np(errno), NULL);
}

/* Descriptor 0 was the way in of the others; there is no input then. */
static void streams_restore(int error_fd) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || (error_fd >= 0 && dup2(error_fd, STDERR_FILENO) < 0))
                fail(EXIT_SETUP, "cannot set up /dev/null: ", strerrordesc_np(errno), NULL);
}

/* Runs the image's own init. */
static _Noreturn void boot(const Options *options, const Setup *setup) {
        static const char *const inits[] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd",
                "/sbin/init" };
        const char *tried = NULL;
        size_t n = 0;
        int error = 0;

        while (options->command[n])
                n++;
        const char **argv = allocate((n + 2) * sizeof(char *));
        memcpy(argv + 1, options->command, n * sizeof(char *));

        for (size_t i = 0; i < sizeof(inits) / sizeof(inits[0]); i++) {
                argv[0] = inits[i];
                (void) execve(inits[i], (char **) argv, (char **) setup->environment);
                if (exit_code_of_exec(errno) == 127)
                        continue;
                /* The first one that is there says best what is wrong. */
                if (!tried) {
                        tried = inits[i];
                        error = errno;
                }
        }

        if (tried)
                fail(exit_code_of_exec(error), "cannot boot \"", tried, "\": ", strerrordesc_np(error),
                        NULL);
        fail(127,
                "cannot boot: the image has no /usr/lib/systemd/systemd, /lib/systemd/systemd or /sbin/init",
                NULL);
}

/* Tries every place of PATH. Return: the errno that says best why there was nothing to run. */
static int path_exec(char **argv, const Setup *setup, const char *path) {
        char candidate[PATH_MAX];
        int r, error = ENOENT;

        if (!*argv[0])
                return ENOENT;

        while ((r = path_candidate(&path, argv[0], candidate, sizeof(candidate))) != 0) {
                if (r < 0)
                        continue;

                (void) execve(candidate, argv, (char **) setup->environment);
                if (errno == EACCES)
                        error = EACCES; /* a later place may do */
                else if (errno != ENOENT && errno != ENOTDIR && errno != ENODEV && errno != ESTALE)
                        return errno;
        }

        return error;
}

static _Noreturn void command_run(char **argv, const Setup *setup) {
        const char *path = environment_get(setup->environment, setup->n_environment, "PATH");
        const char *reason;
        int error;

        path = path ? path : PATH_DEFAULT;
        if (strchr(argv[0], '/')) {
                (void) execve(argv[0], argv, (char **) setup->environment);
                error = errno;
                reason = strerrordesc_np(error);
                if (error == ENOENT && access(argv[0], F_OK) == 0)
                        reason = "it is there, but not the interpreter or loader that it names";
        } else {
                error = path_exec(argv, setup, path);
                reason = strerrordesc_np(error);
                if (error == ENOENT)
                        fail(127, "command \"", argv[0], "\": not found in PATH (", path, ")", NULL);
        }

        fail(exit_code_of_exec(error), "command \"", argv[0], "\": ", reason, NULL);
}

void command_exec(const Options *options) {
        Setup setup = {};

        environment_build(options, task_read(), &setup);
        if (setup.user && options->mode == MODE_BOOT)
                fail(EXIT_SETUP, "a task that is booted cannot have a user", NULL);

        if (options->descriptors_on_stdin)
                streams_restore(options->error_fd);
        if (setup.user)
                user_become(&setup);

        if (options->mode == MODE_BOOT)
                boot(options, &setup);
        command_run(options->command, &setup);
}
