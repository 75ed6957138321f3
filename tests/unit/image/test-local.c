/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "image/local.h"
#include "box/tree.h"

TestSuite(local, .timeout = 30);

/* A directory with images. It is not in /tmp, where the driver does not look for commands. */
typedef struct Box {
        char *directory;
        TaskRequest *request;
        TaskSpec *spec; /* of the request */
        Root root;
} Box;

static void make_directory(const Box *box, const char *path) {
        _cleanup_free_ char *whole = xasprintf("%s/%s", box->directory, path);

        cr_assert_eq(mkdir(whole, 0755), 0, "%s", whole);
}

static void make_file(const Box *box, const char *path) {
        _cleanup_free_ char *whole = xasprintf("%s/%s", box->directory, path);
        _cleanup_fd_ int fd = open(whole, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

        cr_assert_geq(fd, 0, "%s", whole);
}

static void make_link(const Box *box, const char *target, const char *path) {
        _cleanup_free_ char *whole = xasprintf("%s/%s", box->directory, path);

        cr_assert_eq(symlink(target, whole), 0, "%s", whole);
}

static void box_open(Box *box) {
        char directory[] = "/var/tmp/test-local-XXXXXX";

        cr_assert_not_null(mkdtemp(directory));
        box->directory = realpath(directory, NULL);
        box->request = task_request_new();
        box->request->launch = TASK_LAUNCH_SUPERVISE;
        box->spec = &box->request->spec;
        box->root = (Root){};
        make_directory(box, "image");
        make_directory(box, "image/bin");
        make_directory(box, "image/usr");
        make_directory(box, "image/usr/bin");
        make_file(box, "image/usr/bin/tool");
        make_file(box, "disk.raw");
}

static void box_close(Box *box) {
        (void) tree_remove(box->directory);
        free(box->directory);
        task_request_free(box->request);
        root_clear(&box->root);
}
#define _cleanup_box_ _cleanup_(box_close)

static void expect_image(Box *box, const char *image, RootKind kind, const char *path) {
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *wanted = xasprintf("%s/%s", box->directory, path);

        string_replace(&box->spec->image, image);
        cr_assert_eq(image_resolve(box->spec->image, box->directory, &box->root, &error), 1, "%s: %s", image,
                error_message(error));
        cr_assert_eq(box->root.kind, kind, "%s", image);
        cr_assert_str_eq(box->root.path, wanted);
}

static void expect_no_image(Box *box, const char *image, int code, const char *part) {
        _cleanup_error_ Error *error = NULL;

        string_replace(&box->spec->image, image);
        cr_assert_eq(
                image_resolve(box->spec->image, box->directory, &box->root, &error), -code, "%s", image);
        cr_assert_not_null(string_after_prefix(error->message, "image: "), "%s", error->message);
        cr_assert_not_null(strstr(error->message, part), "%s", error->message);
        cr_assert_null(box->root.path);
}

Test(local, directories_and_file_systems_are_told_apart) {
        _cleanup_box_ Box box;

        box_open(&box);
        _cleanup_free_ char *image = xasprintf("%s/image", box.directory),
                            *raw = xasprintf("%s/disk.raw", box.directory);
        expect_image(&box, image, ROOT_DIRECTORY, "image");
        expect_image(&box, raw, ROOT_RAW, "disk.raw");
}

Test(local, relative_paths_start_at_the_directory) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_image(&box, "image", ROOT_DIRECTORY, "image");
        expect_image(&box, "./image/", ROOT_DIRECTORY, "image");
        expect_image(&box, "image/usr/../../disk.raw", ROOT_RAW, "disk.raw");
}

Test(local, links_are_resolved) {
        _cleanup_box_ Box box;

        box_open(&box);
        make_link(&box, "image", "current");
        expect_image(&box, "current", ROOT_DIRECTORY, "image");
}

Test(local, a_block_device_is_a_file_system_and_another_device_is_not) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_no_image(&box, "/dev/null", EINVAL, "must be a directory");

        _cleanup_free_ char *path = xasprintf("%s/device", box.directory);
        if (mknod(path, S_IFBLK | 0600, makedev(7, 0)) < 0)
                cr_skip_test("makes a block device: needs root");
        expect_image(&box, "device", ROOT_RAW, "device");
}

Test(local, a_bare_name_that_is_no_path_may_be_machineds) {
        _cleanup_box_ Box box;
        _cleanup_error_ Error *error = NULL;

        box_open(&box);
        box.spec->image = xstrdup("debian-12");
        cr_assert_eq(image_resolve(box.spec->image, box.directory, &box.root, &error), 0);
        cr_assert_null(error);
        cr_assert_null(box.root.path);
        cr_assert_eq(box.root.kind, ROOT_UNRESOLVED);
}

Test(local, a_missing_path_is_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_no_image(&box, "/does/not/exist", ENOENT, "\"/does/not/exist\" does not exist");
        expect_no_image(&box, "images/debian", ENOENT, "\"images/debian\" does not exist");
        expect_no_image(&box, "images/debian", ENOENT, box.directory);
        expect_no_image(&box, "disk.raw/below", ENOENT, "does not exist");
        cr_assert_eq(image_resolve(box.spec->image, box.directory, &box.root, NULL), -ENOENT);
}

Test(local, links_in_a_circle_are_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        make_link(&box, "circle", "circle");
        expect_no_image(&box, "circle", ELOOP, "cannot be used");
}

Test(local, machineds_types) {
        Root root = {};
        static const struct {
                const char *name;
                RootKind kind;
        } rows[] = { { "directory", ROOT_DIRECTORY }, { "subvolume", ROOT_DIRECTORY }, { "raw", ROOT_RAW },
                { "block", ROOT_RAW } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                image_from_machined("/var/lib/machines/x", rows[i].name, &root);
                cr_assert_eq(root.kind, rows[i].kind, "%s", rows[i].name);
                cr_assert_str_eq(root.path, "/var/lib/machines/x");
        }
        root_clear(&root);
}

/* ---- the command ---- */

static int check(Box *box, const char *command, Error **error) {
        expect_image(box, "image", ROOT_DIRECTORY, "image");
        box->spec->command = strv_free(box->spec->command);
        strv_append(&box->spec->command, command);
        return image_check_command(box->request, &box->root, error);
}

static void expect_command(Box *box, const char *command) {
        _cleanup_error_ Error *error = NULL;

        cr_assert_eq(check(box, command, &error), 0, "%s: %s", command, error_message(error));
}

static void expect_no_command(Box *box, const char *command) {
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *quoted = xasprintf("command: \"%s\"", command);

        cr_assert_eq(check(box, command, &error), -ENOENT, "%s", command);
        cr_assert_not_null(string_after_prefix(error->message, quoted), "%s", error->message);
        cr_assert_not_null(strstr(error->message, "\"image\""), "%s", error->message);
}

Test(local, a_command_that_is_there_or_not) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_command(&box, "/usr/bin/tool");
        expect_command(&box, "/usr/../usr/bin//tool");
        expect_no_command(&box, "/usr/bin/tol");
        expect_no_command(&box, "/nowhere/tool");
        expect_no_command(&box, "/usr/bin/tool/below");
        cr_assert_eq(check(&box, "/usr/bin/tol", NULL), -ENOENT);
}

Test(local, a_command_without_a_slash_first_is_found_out_later) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_command(&box, "tol");
        expect_command(&box, "bin/tol");
}

Test(local, links_are_followed_inside_the_image) {
        _cleanup_box_ Box box;

        box_open(&box);
        make_link(&box, "/usr/bin/tool", "image/bin/absolute");
        make_link(&box, "../usr/bin/tool", "image/bin/relative");
        make_link(&box, "/usr/bin", "image/sbin");
        make_link(&box, "../../../../../usr/bin/tool", "image/bin/climbing");
        expect_command(&box, "/bin/absolute");
        expect_command(&box, "/bin/relative");
        expect_command(&box, "/sbin/tool");
        expect_command(&box, "/bin/climbing");
        expect_no_command(&box, "/sbin/tol");
}

/* On the host there is a file at the path that the link names. */
Test(local, a_link_does_not_lead_out_to_the_host) {
        _cleanup_box_ Box box;

        box_open(&box);
        _cleanup_free_ char *outside = xasprintf("%s/disk.raw", box.directory);
        make_link(&box, outside, "image/bin/escape");
        make_link(&box, "../../disk.raw", "image/bin/climb");
        make_directory(&box, "image/srv");
        _cleanup_free_ char *bin = xasprintf("%s/image/usr/bin", box.directory);
        make_link(&box, bin, "image/srv/bin");
        expect_no_command(&box, "/srv/bin/tool");
        expect_no_command(&box, "/../disk.raw");
        expect_no_command(&box, "/bin/climb");
        expect_no_command(&box, "/bin/escape");
}

Test(local, what_a_mount_may_bring_is_not_looked_for) {
        _cleanup_box_ Box box;

        box_open(&box);
        task_spec_add_bind(box.spec, "/srv/tools", "/opt/tools", true);
        task_spec_add_bind(box.spec, "/srv/one", "/usr/bin/one", false);
        task_spec_add_bind(box.spec, "/srv/slash", "/local/", false);
        expect_command(&box, "/opt/tools/a/b");
        expect_command(&box, "/opt/tools");
        expect_command(&box, "/usr/bin/one");
        expect_command(&box, "/local/start.sh");
        expect_no_command(&box, "/opt/toolsmith");
        expect_no_command(&box, "/opt/other");
        expect_no_command(&box, "/usr/bin/two");
}

Test(local, what_nspawn_mounts_is_not_looked_for) {
        static const char *const places[] = { "/dev/x", "/proc/self/exe", "/run/x", "/sys/x", "/tmp/x" };
        _cleanup_box_ Box box;

        box_open(&box);
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                expect_command(&box, places[i]);
        expect_no_command(&box, "/tmpx");
}

Test(local, what_cannot_be_told_for_sure_is_not_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_no_command(&box, "/nowhere");
        box.spec->pivot_root = xstrdup("/new");
        cr_assert_eq(image_check_command(box.request, &box.root, NULL), 0);
        box.spec->pivot_root = (free(box.spec->pivot_root), NULL);
        box.root.kind = ROOT_RAW;
        cr_assert_eq(image_check_command(box.request, &box.root, NULL), 0);
        box.root.kind = ROOT_DIRECTORY;
        string_replace(&box.root.path, "/gone");
        cr_assert_eq(image_check_command(box.request, &box.root, NULL), 0);
}

Test(local, a_link_into_what_is_mounted_is_not_looked_behind) {
        _cleanup_box_ Box box;

        box_open(&box);
        task_spec_add_bind(box.spec, "/srv/tools", "/opt/tools", true);
        make_link(&box, "/opt/tools/a", "image/bin/a");
        make_link(&box, "/opt/tools", "image/tools");
        make_link(&box, "/run/wrappers", "image/wrappers");
        expect_command(&box, "/bin/a");
        expect_command(&box, "/tools/a");
        expect_command(&box, "/wrappers/b");
}

/* ---- the init ---- */

Test(local, a_system_that_boots_needs_an_init) {
        _cleanup_box_ Box box;
        _cleanup_error_ Error *error = NULL;

        box_open(&box);
        expect_image(&box, "image", ROOT_DIRECTORY, "image");
        box.request->launch = TASK_LAUNCH_BOOT;
        cr_assert_eq(image_check_command(box.request, &box.root, &error), -ENOENT);
        cr_assert_not_null(string_after_prefix(error->message, "boot: "), "%s", error->message);
        cr_assert_not_null(strstr(error->message, "boot = false"), "%s", error->message);

        strv_append(&box.spec->command, "/no/such/argument");
        make_directory(&box, "image/sbin");
        make_link(&box, "/usr/bin/tool", "image/sbin/init");
        cr_assert_eq(image_check_command(box.request, &box.root, NULL), 0);
}

/* ---- places for mounts ---- */

static void expect_mounts(const Box *box, const char *missing) {
        _cleanup_error_ Error *error = NULL;
        int r = image_check_mounts(box->spec, &box->root, &error);

        cr_assert_eq(r, missing ? -EROFS : 0, "%s", error_message(error));
        if (missing)
                cr_assert_not_null(strstr(error->message, missing), "%s", error->message);
}

Test(local, an_image_that_is_read_only_needs_a_place_for_each_mount) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_image(&box, "image", ROOT_DIRECTORY, "image");
        task_spec_add_bind(box.spec, "/srv", "/alloc", false);
        task_spec_add_bind(box.spec, "/srv", "/usr/bin", false);
        task_spec_add_bind(box.spec, "/srv", "/run/there", false);
        task_spec_add_bind(box.spec, "/srv", "/alloc/below", false);
        task_spec_add_bind(box.spec, "/srv", "/var/data", false);
        expect_mounts(&box, NULL);
        box.spec->read_only = true;
        expect_mounts(&box, "read_only: image \"image\" has no /alloc, /var/data to mount something on");
        expect_mounts(&box, "volatile = \"overlay\"");

        box.spec->volatile_mode = VOLATILE_OVERLAY;
        expect_mounts(&box, NULL);
        box.spec->volatile_mode = VOLATILE_STATE;
        expect_mounts(&box, "volatile: image \"image\" has no /alloc to mount something on");
        make_directory(&box, "image/alloc");
        expect_mounts(&box, NULL);
        box.spec->volatile_mode = VOLATILE_NO;
        make_link(&box, "/run", "image/var");
        expect_mounts(&box, NULL);
        task_spec_add_bind(box.spec, "/srv", "/usr/resolv.conf", false);
        expect_mounts(&box, "/usr/resolv.conf");
        make_link(&box, "../run/resolve/stub", "image/usr/resolv.conf");
        expect_mounts(&box, NULL);
}

Test(local, places_for_mounts_that_cannot_be_seen_are_not_looked_for) {
        _cleanup_box_ Box box;

        box_open(&box);
        expect_image(&box, "image", ROOT_DIRECTORY, "image");
        task_spec_add_bind(box.spec, "/srv", "/alloc", false);
        box.spec->read_only = true;
        expect_mounts(&box, "/alloc");
        box.spec->pivot_root = xstrdup("/new");
        expect_mounts(&box, NULL);
        box.spec->pivot_root = (free(box.spec->pivot_root), NULL);
        box.root.kind = ROOT_RAW;
        expect_mounts(&box, NULL);
}
