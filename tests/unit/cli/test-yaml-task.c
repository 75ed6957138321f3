/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "cli/yaml-task.h"

TestSuite(task_file, .timeout = 30);

static TaskRequest *parse(const char *path, const char *text) {
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request = NULL;
        int r = yaml_task_parse(path, text, strlen(text), &request, &error);

        cr_assert_eq(r, 0, "%s: %s", text, error_message(error));
        cr_assert_not_null(request);
        return request;
}

static void expect_refused(const char *text, const char *message) {
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request = NULL;

        cr_assert_eq(
                yaml_task_parse("dir/t.yaml", text, strlen(text), &request, &error), -EINVAL, "%s", text);
        cr_assert_null(request);
        cr_assert_str_eq(error->message, message, "%s\n%s", text, error->message);
        cr_assert_eq(yaml_task_parse("dir/t.yaml", text, strlen(text), &request, NULL), -EINVAL);
}

static void expect_name(const char *path, const char *text, const char *name, const char *machine) {
        _cleanup_task_request_ TaskRequest *request = parse(path, text);

        cr_assert_str_eq(request->identity.name, name);
        if (machine)
                cr_assert_str_eq(request->identity.machine, machine);
        cr_assert_leq(strlen(request->identity.machine), 64);
}

Test(task_file, a_task_is_named_by_its_file) {
        expect_name("web.yaml", "image: /i\n", "web", "web");
        expect_name("/etc/tasks/web.yml", "image: /i\n", "web", "web");
        expect_name("a.dir/web", "image: /i\n", "web", "web");
        expect_name("web.v2.yaml", "image: /i\n", "web.v2", NULL);
        expect_name(".hidden", "image: /i\n", ".hidden", NULL);
}

Test(task_file, unless_it_says_otherwise) {
        expect_name("web.yaml", "image: /i\nname: api\n", "api", "api");
        expect_name("web.yaml", "image: /i\nname: null\n", "web", "web");
}

Test(task_file, what_the_unit_needs_is_filled_in) {
        _cleanup_task_request_ TaskRequest *request = parse("/etc/web.yaml", "image: /i\n");

        cr_assert_str_eq(request->identity.slice, "nspawn-local.slice");
        cr_assert_not_null(strstr(request->identity.description, "web"));
        cr_assert_not_null(strstr(request->identity.description, "/etc/web.yaml"));
        cr_assert(request->spec.boot);
}

Test(task_file, memory_alone_is_the_limit) {
        _cleanup_task_request_ TaskRequest *request = parse("t.yaml", "image: /i\nmemory: 64M\n");

        cr_assert_eq(request->spec.memory_max, UINT64_C(64) << 20);
        cr_assert_eq(request->spec.memory_low, 0);
}

Test(task_file, memory_beside_a_limit_is_kept_for_the_task) {
        _cleanup_task_request_ TaskRequest *both = parse(
                "t.yaml", "image: /i\nmemory: 64M\nmemory_max: 128M\n");
        _cleanup_task_request_ TaskRequest *equal = parse(
                "t.yaml", "image: /i\nmemory: 64M\nmemory_max: 64M\n");

        cr_assert_eq(both->spec.memory_max, UINT64_C(128) << 20);
        cr_assert_eq(both->spec.memory_low, UINT64_C(64) << 20);
        cr_assert_eq(equal->spec.memory_low, UINT64_C(64) << 20);
}

Test(task_file, memory_max_alone_is_the_limit_too) {
        _cleanup_task_request_ TaskRequest *request = parse("t.yaml", "image: /i\nmemory_max: 128M\n");
        _cleanup_task_request_ TaskRequest *none = parse("t.yaml", "image: /i\n");

        cr_assert_eq(request->spec.memory_max, UINT64_C(128) << 20);
        cr_assert_eq(request->spec.memory_low, 0);
        cr_assert(none->spec.memory_max == 0 && none->spec.memory_low == 0);
}

Test(task_file, bad_yaml_is_told_with_its_place) {
        expect_refused("image: /i\nboot: true\nboot: true\n",
                "dir/t.yaml:3:1: the key \"boot\" is already in line 2");
}

Test(task_file, single_options_are_told_with_their_place) {
        expect_refused(
                "image: /i\nboto: true\n", "dir/t.yaml:2:1: boto: no such option; did you mean boot?");
        expect_refused("image: /i\nboot: 'no'\n",
                "dir/t.yaml:2:7: boot: must be true or false, not a string (\"no\")");
        expect_refused("image: /i\nconsole: tty\n",
                "dir/t.yaml:2:10: console: \"tty\" is not allowed: must be one of interactive, read-only, passive, pipe");
        expect_refused("image: /i\ncommand:\n  - a\n  - [ b ]\n",
                "dir/t.yaml:4:5: command: must be a string, not a list");
        expect_refused("boot: true\n", "dir/t.yaml:1:1: image: missing, it must be given");
        expect_refused("# nothing\n\nboot: true\n", "dir/t.yaml:3:1: image: missing, it must be given");
        expect_refused("- 1\n", "dir/t.yaml:1:1: must be a map of options, not a list");
}

Test(task_file, combinations_are_told_where_the_option_stands) {
        expect_refused("image: /i\nread_only: true\nprivate_users_ownership: chown\n",
                "dir/t.yaml:3:1: private_users_ownership: \"chown\" cannot be combined with read_only = true; use "
                "\"map\" or \"auto\"");
        expect_refused("  image: /i\n  memory: 20M\n  memory_max: 10M\n",
                "dir/t.yaml:3:3: memory_max: must not be less than memory");
}

Test(task_file, members_of_a_block_are_told_where_they_stand) {
        static const char *const words = "restart.interval: needs restart.max_attempts, which it limits";
        _cleanup_free_ char *map = xasprintf("dir/t.yaml:4:3: %s", words);
        _cleanup_free_ char *list = xasprintf("dir/t.yaml:2:30: %s", words);

        expect_refused("image: /i\nrestart:\n  policy: always\n  interval: 5s\n", map);
        expect_refused("image: /i\nrestart: [ { policy: always, interval: 5s } ]\n", list);
        expect_refused("image: /i\nrestart:\n  delay: 5s\n",
                "dir/t.yaml:2:1: restart.policy: needed when anything else of restart is given; say on-failure, "
                "on-success or always");
        expect_refused("image: /i\nrestart:\n  dalay: 5s\n",
                "dir/t.yaml:3:3: restart.dalay: no such option; did you mean restart.delay?");
        expect_refused("image: /i\nrestart:\n  delay: soon\n",
                "dir/t.yaml:3:10: restart.delay: \"soon\" is not allowed: must be a duration such as 500ms, 5s "
                "or 1m30s, or a number of seconds");
        expect_refused("image: /i\nrestart.delay: 5s\n", "dir/t.yaml:2:1: restart.delay: no such option");
}

Test(task_file, a_combination_without_its_option_is_told_at_the_top) {
        expect_refused("image: /i\nboot: false\n",
                "dir/t.yaml:1:1: command: needed when boot = false; say which program to run");
}

Test(task_file, all_mistakes_are_told_at_once) {
        expect_refused("imgae: /i\n"
                       "user: app\n"
                       "read_only: perhaps\n"
                       "capability: [ CAP_NET_ADMN, NET_ADMIN, CAP_SYSLG ]\n"
                       "bind: { a: /b, /c: d }\n"
                       "restart: { policy: never, delay: 5 }\n",
                "dir/t.yaml:1:1: imgae: no such option; did you mean image?\n"
                "dir/t.yaml:3:12: read_only: must be true or false, not a string (\"perhaps\")\n"
                "dir/t.yaml:4:15: capability: \"CAP_NET_ADMN\" is not allowed: must be the name of a capability "
                "(capabilities(7)), or all; did you mean CAP_NET_ADMIN?\n"
                "dir/t.yaml:4:40: capability: \"CAP_SYSLG\" is not allowed: must be the name of a capability "
                "(capabilities(7)), or all; did you mean CAP_SYSLOG?\n"
                "dir/t.yaml:5:12: bind: \"a\" is not allowed: must be an absolute path\n"
                "dir/t.yaml:5:20: bind: \"d\" is not allowed: must be an absolute path\n"
                "dir/t.yaml:6:20: restart.policy: \"never\" is not allowed: must be one of no, on-failure, "
                "on-success, always\n"
                "dir/t.yaml:1:1: image: missing, it must be given\n"
                "dir/t.yaml:2:1: user: cannot be combined with boot = true: an init system must be root");
}

Test(task_file, a_mistake_is_one_line_whatever_the_value_is) {
        expect_refused("image: /i\nuser: \"a\\nb/\"\n",
                "dir/t.yaml:2:7: user: \"a b/\" is not allowed: must be a user name or id, with :GROUP if wanted");
        expect_refused("image: /i\n\"a\\nb\": 1\n", "dir/t.yaml:2:1: a b: no such option");
        expect_refused("image: /i\nbind: { \"/a\": \"b\\ncommand: c\" }\n",
                "dir/t.yaml:2:15: bind: \"b command: c\" is not allowed: must be an absolute path");
}

Test(task_file, a_rule_says_nothing_of_what_could_not_be_read) {
        expect_refused("image: /i\nboot: 'false'\ninit: false\nprocess_two: true\nuser: app\n",
                "dir/t.yaml:2:7: boot: must be true or false, not a string (\"false\")");
        expect_refused("image: /i\nboot: false\ncommand: true\n",
                "dir/t.yaml:3:10: command: must be a list of strings, not true or false (true)");
}

Test(task_file, an_empty_file_is_told) {
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request = NULL;

        cr_assert_eq(yaml_task_parse("t.yaml", "", 0, &request, &error), -EINVAL);
        cr_assert_not_null(string_after_prefix(error->message, "t.yaml:"), "%s", error->message);
        cr_assert_not_null(strstr(error->message, "must be a map of options"), "%s", error->message);
}

Test(task_file, files_are_loaded) {
        char directory[] = "/tmp/test-task-file-XXXXXX";
        static const char text[] = "image: /i\ncommand: [ a ]\nboot: false\n";
        _cleanup_task_request_ TaskRequest *request = NULL;
        _cleanup_error_ Error *error = NULL;

        cr_assert_not_null(mkdtemp(directory));
        _cleanup_free_ char *path = xasprintf("%s/job.yaml", directory);
        cr_assert_eq(file_write_private(path, text, strlen(text)), 0);
        cr_assert_eq(yaml_task_load(path, &request, &error), 0, "%s", error_message(error));
        cr_assert_str_eq(request->identity.name, "job");
        cr_assert(strv_contains(request->spec.command, "a"));
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(rmdir(directory), 0);
}

static void expect_unreadable(const char *path, int code) {
        _cleanup_free_ char *prefix = xasprintf("%s:1:1: cannot be read: ", path);
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request = NULL;

        cr_assert_eq(yaml_task_load(path, &request, &error), -code);
        cr_assert_not_null(string_after_prefix(error->message, prefix), "%s", error->message);
}

Test(task_file, files_that_cannot_be_read_are_told) {
        expect_unreadable("/does/not/exist.yaml", ENOENT);
        expect_unreadable("/tmp", EISDIR);
        expect_unreadable("/dev/zero", E2BIG);
}
