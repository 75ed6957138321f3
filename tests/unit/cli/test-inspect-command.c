/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/cli-box.h"

TestSuite(inspect_command, .timeout = 60);

/* Return: the directory of a file "web.yaml", owned by the caller. */
static char *file_new(const char *image) {
        char *directory = xstrdup("/tmp/inspect-XXXXXX");
        cr_assert_not_null(mkdtemp(directory));
        _cleanup_free_ char *path = xasprintf("%s/web.yaml", directory),
                            *root = xasprintf("%s/image", directory),
                            *text = xasprintf(
                                    "image: %s\nboot: false\ncommand: [run, a%%b]\nmemory: 96M\n"
                                    "restart: {policy: on-failure}\nenvironment: {PASSWORD: hunter2}\n",
                                    image);

        cr_assert_eq(mkdir(root, 0755), 0);
        cr_assert_eq(file_write_private(path, text, strlen(text)), 0);
        return directory;
}

static int inspect(CliBox *box, const char *directory, const char *options) {
        _cleanup_free_ char *text = xasprintf("inspect|%s%s/web.yaml|", options, directory);
        _cleanup_free_ char *remove = xasprintf("rm -r %s", directory);
        box->config.nspawn = "/usr/bin/systemd-nspawn";
        box->config.init = "/usr/libexec/nspawn-units-init";
        box->config.helper = "/usr/libexec/nspawn-units-helper";
        int status = cli_box_run(box, text);

        cr_assert_eq(system(remove), 0);
        return status;
}

Test(inspect_command, the_unit_of_a_file_is_shown_without_secrets_and_nothing_is_started) {
        static const char *const lines[] = { "# nspawn-web.service\n", "\n[Service]\n",
                "\nMemoryMax=100663296\n", "\nRestart=on-failure\n",
                "/nspawn-units-helper start /run/nspawn-units/tasks/web/unit\n",
                "\n# ExecStart= becomes:\n#   /usr/bin/systemd-nspawn\n", "\n#       --machine=web\n",
                "/image\n", "\n#       run\n#       \"a%%b\"\n" };
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        _cleanup_free_ char *directory = file_new("image");
        cr_expect_eq(inspect(&box, directory, "--unit|"), EXIT_SUCCESS, "%s", box.message);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                cr_expect_not_null(strstr(box.shown, lines[i]), "%s is not in\n%s", lines[i], box.shown);
        cr_expect_null(strstr(box.shown, "hunter2"), "%s", box.shown);
        cr_expect_null(strstr(box.shown, "PASSWORD"), "%s", box.shown);
        cli_box_expect_untouched(&box);
        cr_expect_eq(access("/run/nspawn-units/tasks/web", F_OK), -1);
}

Test(inspect_command, a_terminal_is_shown_with_its_descriptor) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        _cleanup_free_ char *directory = file_new("image\ntty: true");
        cr_expect_eq(inspect(&box, directory, "--unit|"), EXIT_SUCCESS, "%s", box.message);
        cr_expect_not_null(strstr(box.shown, "# StandardInputFileDescriptor= "), "%s", box.shown);
        cr_expect_not_null(strstr(box.shown, "--descriptors-on-stdin\n"), "%s", box.shown);
}

Test(inspect_command, what_cannot_be_shown_is_told) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        _cleanup_free_ char *missing = file_new("/no/such/image");
        cr_expect_eq(inspect(&box, missing, "--unit|"), EXIT_OWN_FAILURE);
        cr_expect_not_null(
                strstr(box.message, "image: \"/no/such/image\" does not exist"), "%s", box.message);
        cr_expect_str_eq(box.shown, "");
}

Test(inspect_command, nothing_is_shown_where_nobody_says_what) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        _cleanup_free_ char *directory = file_new("image");
        cr_expect_eq(inspect(&box, directory, ""), EXIT_USAGE);
        cr_expect_not_null(strstr(box.message, "--unit"), "%s", box.message);
}
