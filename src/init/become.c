/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secrets-file.h"
#include "become.h"
#include "words.h"

#define GROUPS_MAX 65536
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void descriptors_close_from(unsigned first) {
        if (syscall(SYS_close_range, first, ~0U, 0U) == 0)
                return;

        /* Before Linux 5.9. No caller passes us higher descriptors. */
        for (int fd = (int) first; fd < 1024; fd++)
                (void) close(fd);
}

void signals_reset(void) {
        static const struct { uintptr_t handler, flags, restorer, mask; } by_default = {};

        /* Uses the system call: sigaction(3) refuses the two signals that the C library keeps for itself. */
        for (int sig = 1; sig < NSIG; sig++)
                (void) syscall(SYS_rt_sigaction, sig, &by_default, NULL, sizeof(by_default.mask));
}

void *allocate(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                fail(EXIT_SETUP, "out of memory", NULL);
        return p;
}

Span text_read_fd(int fd, const char *name, size_t limit) {
        char *text = allocate(limit + 1);
        size_t n = 0;

        for (;;) {
                ssize_t k = read(fd, text + n, limit + 1 - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        fail(EXIT_SETUP, "cannot read ", name, ": ", strerrordesc_np(errno), NULL);
                n += (size_t) k;
                if (n > limit)
                        fail(EXIT_SETUP, "cannot read ", name, ": it is too large", NULL);
                if (k == 0)
                        break;
        }

        (void) close(fd);
        return (Span){ text, n };
}

bool text_read(const char *path, size_t limit, Span *ret) {
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return false;
        if (fd < 0 || fstat(fd, &st) < 0)
                fail(EXIT_SETUP, "cannot read ", path, ": ", strerrordesc_np(errno), NULL);
        if (!S_ISREG(st.st_mode))
                fail(EXIT_SETUP, "cannot read ", path, ": it is not a regular file", NULL);

        *ret = text_read_fd(fd, path, limit);
        return true;
}

/* Return: a string of both. */
static const char *concatenate(const char *prefix, Span text) {
        char *s = allocate(strlen(prefix) + text.length + 1);

        memcpy(stpcpy(s, prefix), text.text, text.length);
        return s;
}

bool task_next(const char **cursor, Span task, SecretsRecord *ret) {
        int r = secrets_record_next(cursor, task.text + task.length, ret);

        if (r == -ENOTSUP)
                fail(EXIT_SETUP, "the task file has a record of a newer version of nspawn-units", NULL);
        if (r < 0)
                fail(EXIT_SETUP, "the task file is damaged", NULL);
        return r > 0;
}

/*
 * Return: whether there is such a user; a uid without a line in @passwd counts, and then @ret has no name.
 */
static bool user_find(Span passwd, const char *text, PasswdEntry *ret) {
        Span user, group;

        user_split(text, &user, &group);
        *ret = (PasswdEntry){};
        return passwd_find(passwd, user, ret) || id_parse(user, &ret->uid);
}

/*
 * Looks up the last user that the task file names, and sets HOME, USER and LOGNAME. @holder is the user that
 * the capabilities were granted to: another user does not get them.
 */
static void user_apply(Setup *setup, const char *holder) {
        Span passwd = {}, user, group;
        PasswdEntry granted;

        user_split(setup->user, &user, &group);
        (void) text_read("/etc/passwd", DATABASE_SIZE_MAX, &passwd);
        if (!user_find(passwd, setup->user, &setup->entry))
                fail(EXIT_SETUP, "no such user \"", concatenate("", user), "\" in the image", NULL);

        setup->known = setup->entry.name.text;
        if (!holder || !user_find(passwd, holder, &granted) || granted.uid != setup->entry.uid)
                setup->capabilities = 0;

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

static bool is_hidden(const char *assignment, const char *const *hidden) {
        for (; *hidden; hidden++) {
                size_t n = strlen(*hidden);

                if (strncmp(assignment, *hidden, n) == 0 && assignment[n] == '=')
                        return true;
        }
        return false;
}

void setup_build(Setup *setup, const char *const *base, const char *const *hidden, Span task) {
        const char *cursor = task.text, *holder = NULL;
        SecretsRecord record;
        size_t n = 0, n_records = 0;

        while (base[n])
                n++;
        while (task_next(&cursor, task, &record)) {
                n_records++;
                if (record.letter == TASK_USER)
                        setup->user = record.text;
                else if (record.letter == TASK_CAPABILITIES) {
                        setup->capabilities = strtoull(record.text, NULL, 16);
                        holder = setup->user;
                }
        }

        /* Room for three variables of the user, and the NULL. */
        setup->environment = allocate((n + n_records + 4) * sizeof(char *));
        for (; *base; base++)
                if (!is_hidden(*base, hidden))
                        setup->environment[setup->n_environment++] = *base;
        if (setup->user)
                user_apply(setup, holder);

        cursor = task.text;
        while (task_next(&cursor, task, &record))
                if (record.letter == TASK_ENVIRONMENT)
                        environment_put(setup->environment, &setup->n_environment, record.text);
        setup->environment[setup->n_environment] = NULL;
}

/* Finds the primary group and the groups of /etc/group that list the user. Return: how many. */
static size_t groups_find(Setup *setup, gid_t **ret) {
        Span user, group, database = {};

        (void) text_read("/etc/group", DATABASE_SIZE_MAX, &database);
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

/*
 * Drops all capabilities but those of @wanted. Raises these in the ambient set, from which a program without
 * file capabilities gets them (capabilities(7)); the change of the user has emptied that set.
 */
static void capabilities_limit(uint64_t wanted) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
        long r = syscall(SYS_capget, &header, data);

        for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
                data[i].permitted &= (uint32_t) (wanted >> (32 * i));
                data[i].effective = data[i].inheritable = data[i].permitted;
        }
        if (r >= 0)
                r = syscall(SYS_capset, &header, data);
        for (unsigned long i = 0; i < 64 && r >= 0; i++)
                if (data[i / 32].permitted & UINT32_C(1) << i % 32)
                        r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
        if (r < 0)
                fail(EXIT_SETUP, "cannot set capabilities: ", strerrordesc_np(errno), NULL);
}

void user_become(Setup *setup) {
        gid_t *gids;
        size_t n = groups_find(setup, &gids);
        uid_t uid = setup->entry.uid;
        gid_t gid = setup->entry.gid;

        /* Otherwise setresuid() would drop all capabilities. */
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                fail(EXIT_SETUP, "cannot keep capabilities: ", strerrordesc_np(errno), NULL);
        if (setgroups(n, gids) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                fail(EXIT_SETUP, "cannot become user \"", setup->user, "\": ", strerrordesc_np(errno), NULL);
        if (uid != 0)
                capabilities_limit(setup->capabilities);
}

/* Tries every directory of PATH. Return: the errno that explains best why no program was executed. */
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
                        error = EACCES; /* a later directory may have a program that we can execute */
                else if (errno != ENOENT && errno != ENOTDIR && errno != ENODEV && errno != ESTALE)
                        return errno;
        }

        return error;
}

void command_run(char **argv, const Setup *setup) {
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
