/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/init-systems.h"
#include "base/string.h"
#include "base/strv.h"
#include "image/local.h"

static const char *const inits[] = { INIT_SYSTEMS };

int image_resolve(const char *image, const char *directory, Root *ret, Error **ret_error) {
        bool absolute = *image == '/';
        _cleanup_free_ char *path = absolute ? xstrdup(image) : xasprintf("%s/%s", directory, image);
        _cleanup_free_ char *real = realpath(path, NULL);
        struct stat st;

        if (!real && (errno == ENOENT || errno == ENOTDIR)) {
                if (!absolute && !strchr(image, '/'))
                        return 0;
                return error_set(ret_error, ENOENT, "image: \"%s\" does not exist%s%s", image,
                        absolute ? "" : "; a relative path starts at ", absolute ? "" : directory);
        }
        if (!real || stat(real, &st) < 0)
                return error_set(
                        ret_error, errno, "image: \"%s\" cannot be used: %s", image, strerror(errno));

        /* Another spelling of "/" ("//", or a link): the rules of validate.c check the plain one only. */
        if (streq(real, "/") && !streq(image, "/"))
                return error_set(
                        ret_error, EINVAL, "image: \"%s\" is the host's own root: say \"/\"", image);

        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return error_set(ret_error, EINVAL,
                        "image: \"%s\" must be a directory, a file system image or a block device", image);

        root_clear(ret);
        ret->path = TAKE_PTR(real);
        ret->kind = S_ISDIR(st.st_mode) ? ROOT_DIRECTORY : ROOT_RAW;
        return 1;
}

void image_from_machined(const char *path, const char *type, Root *ret) {
        bool raw = streq(type, "raw") || streq(type, "block");

        root_clear(ret);
        ret->path = xstrdup(path);
        ret->kind = raw ? ROOT_RAW : ROOT_DIRECTORY;
}

static bool is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        while (n > 0 && directory[n - 1] == '/')
                n--;
        return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/*
 * Return: whether @path is below a mount that nspawn makes, or below one of the task's mounts other than
 * @but.
 */
static bool is_mounted_into(const TaskSpec *spec, const char *path, const TaskBind *but) {
        static const char *const made_by_nspawn[] = { "/dev", "/proc", "/run", "/sys", "/tmp" };

        for (size_t i = 0; i < ELEMENTSOF(made_by_nspawn); i++)
                if (is_below(path, made_by_nspawn[i]))
                        return true;
        for (size_t i = 0; i < spec->n_binds; i++)
                if (&spec->binds[i] != but && is_below(path, spec->binds[i].target))
                        return true;
        return false;
}

/* Follows links inside the image. Return: a descriptor, or -1 with errno set. */
static int image_open(int image, const char *path, int flags) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC | (unsigned) flags,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

        return (int) syscall(SYS_openat2, image, path, &how, sizeof(how));
}

/* Return: whether @path is in the image; true when that cannot be found out. */
static bool image_has(int image, const char *path) {
        _cleanup_fd_ int fd = image_open(image, path, 0);

        return fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Return: whether a link on the way to @path leads to a place where something is mounted. */
static bool leads_to_mount(const TaskSpec *spec, int image, const char *path, const TaskBind *but) {
        for (const char *end = path; *end;) {
                end += 1 + strcspn(end + 1, "/");

                _cleanup_free_ char *head = xstrndup(path, (size_t) (end - path)), *whole = NULL;
                _cleanup_fd_ int fd = image_open(image, head, O_NOFOLLOW);
                char target[PATH_MAX];
                ssize_t n = fd >= 0 ? readlinkat(fd, "", target, sizeof(target) - 1) : -1;

                if (n <= 0)
                        continue;
                target[n] = 0;
                whole = xasprintf("%s%s", target, end);
                /*
                 * A relative link is not followed here. With @but, it is taken to lead to a mount, such as
                 * /run.
                 */
                if (*whole == '/' ? is_mounted_into(spec, whole, but) : but != NULL)
                        return true;
        }
        return false;
}

static int check_init(const TaskSpec *spec, int image, Error **ret_error) {
        for (size_t i = 0; i < ELEMENTSOF(inits); i++)
                if (image_has(image, inits[i]))
                        return 0;

        return error_set(ret_error, ENOENT,
                "boot: image \"%s\" has no init system (/usr/lib/systemd/systemd or /sbin/init); set boot = false to "
                "run command",
                spec->image);
}

int image_check_command(const TaskRequest *request, const Root *root, Error **ret_error) {
        const TaskSpec *spec = &request->spec;
        const char *command = strv_is_empty(spec->command) ? NULL : spec->command[0];

        if (spec->pivot_root || root->kind != ROOT_DIRECTORY)
                return 0;

        _cleanup_fd_ int image = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (image < 0)
                return 0;

        if (request->launch == TASK_LAUNCH_BOOT)
                return check_init(spec, image, ret_error);
        if (!command || *command != '/' || is_mounted_into(spec, command, NULL) ||
                image_has(image, command) || leads_to_mount(spec, image, command, NULL))
                return 0;
        return error_set(
                ret_error, ENOENT, "command: \"%s\" does not exist in image \"%s\"", command, spec->image);
}

int image_check_mounts(const TaskSpec *spec, const Root *root, Error **ret_error) {
        bool state = spec->volatile_mode == VOLATILE_STATE;
        _cleanup_strv_ char **missing = NULL;

        if (!task_spec_keeps_root_read_only(spec) || spec->pivot_root || root->kind != ROOT_DIRECTORY)
                return 0;

        _cleanup_fd_ int image = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (image < 0)
                return 0;

        for (size_t i = 0; i < spec->n_binds; i++) {
                const TaskBind *bind = &spec->binds[i];

                if ((state && is_below(bind->target, "/var")) || is_mounted_into(spec, bind->target, bind) ||
                        image_has(image, bind->target) || leads_to_mount(spec, image, bind->target, bind))
                        continue;
                strv_append(&missing, bind->target);
        }
        if (strv_is_empty(missing))
                return 0;

        _cleanup_free_ char *joined = strv_join(missing, ", ");
        return error_set(ret_error, EROFS,
                "%s: image \"%s\" has no %s to mount something on, and it cannot be made there; " IMAGE_READ_ONLY_HINT,
                state ? "volatile" : "read_only", spec->image, joined);
}

int image_check(const TaskRequest *request, const Root *root, Error **ret_error) {
        int r = image_check_command(request, root, ret_error);
        int k = image_check_mounts(&request->spec, root, ret_error);

        return r < 0 ? r : k;
}
