/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/group-box.h"
#include "box/tree.h"

char *group_box_path(const GroupBox *box, const char *name) {
        return xasprintf("%s" GROUP_BOX_NAME "%s%s", box->root, name ? "/" : "", name ? name : "");
}

void group_box_make(const GroupBox *box) {
        _cleanup_free_ char *slice = xasprintf("%s/test.slice", box->root);
        _cleanup_free_ char *path = group_box_path(box, NULL);

        (void) mkdir(slice, 0755);
        cr_assert_eq(mkdir(path, 0755), 0);
}

void group_box_remove(const GroupBox *box) {
        _cleanup_free_ char *path = group_box_path(box, NULL);

        cr_assert_eq(tree_remove(path), 0);
}

void group_box_open(GroupBox *box) {
        (void) strcpy(box->root, "/tmp/test-groups-XXXXXX");
        cr_assert_not_null(mkdtemp(box->root));
        group_box_make(box);
}

void group_box_close(GroupBox *box) {
        (void) tree_remove(box->root);
}

void group_box_write(const GroupBox *box, const char *name, const char *text) {
        _cleanup_free_ char *path = group_box_path(box, name);
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        cr_assert_geq(fd, 0, "%s", path);
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(fd_write_all(fd, text, strlen(text)), 0);
}
