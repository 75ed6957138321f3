/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/string-map.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/golden.h"
#include "task/option.h"

void golden_compare(const char *name, const char *text) {
        const char *directory = getenv("TEST_GOLDEN_DIR");
        _cleanup_free_ char *path = xasprintf("%s/%s", directory ? directory : "tests/unit/golden", name),
                            *wanted = NULL;

        if (streq_null(getenv("GOLDEN_UPDATE"), "1")) {
                FILE *f = fopen(path, "we");

                cr_assert_not_null(f, "%s cannot be written", path);
                (void) fputs(text, f);
                cr_assert_eq(fclose(f), 0);
                return;
        }

        cr_assert_geq(file_read(AT_FDCWD, path, 1 << 20, &wanted), 0,
                "%s cannot be read (tests run from the repository's root; GOLDEN_UPDATE=1 writes it)", path);

        size_t line = 1;
        for (size_t i = 0; text[i] && text[i] == wanted[i]; i++)
                line += text[i] == '\n';
        cr_assert_str_eq(text, wanted, "%s differs from line %zu on; it is now:\n%s", path, line, text);
}

static char golden_directory[] = "/srv/images/debian", golden_file[] = "/srv/images/debian.raw";

const Root golden_root = { .path = golden_directory, .kind = ROOT_DIRECTORY };
const Root golden_root_raw = { .path = golden_file, .kind = ROOT_RAW };

TaskRequest *golden_request(void) {
        TaskRequest *request = task_request_new();
        TaskSpec *spec = &request->spec;

        option_set_defaults(&task_options, spec, OPTION_IN_JOB);
        request->identity.name = xstrdup("web");
        request->identity.machine = xstrdup("web-1");
        request->identity.slice = xstrdup("nspawn-nomad.slice");
        request->launch = TASK_LAUNCH_BOOT;
        spec->image = xstrdup("debian");
        string_map_set(&spec->environment, "TOKEN", GOLDEN_SECRET);
        string_map_set(&spec->environment, "EMPTY", "");
        return request;
}

void golden_command(TaskRequest *request) {
        TaskSpec *spec = &request->spec;

        request->launch = TASK_LAUNCH_SUPERVISE;
        spec->boot = false;
        spec->console = CONSOLE_PIPE;
        strv_append(&spec->command, "/bin/sh");
        strv_append(&spec->command, "-c");
        strv_append(&spec->command, "echo \"$HOME\" %n ${X}; exit 1");
}

TaskRequest *golden_request_off(void) {
        TaskRequest *request = golden_request();

        golden_command(request);
        request->spec.user_namespacing = request->spec.network_veth = false;
        return request;
}

TaskRequest *golden_request_everything(void) {
        TaskRequest *request = golden_request();
        TaskIdentity *identity = &request->identity;
        TaskSpec *spec = &request->spec;

        golden_command(request);
        identity->description = xstrdup("Task web of job \"site\"");
        strv_append(&identity->journal_fields, "NOMAD_TASK=web");
        strv_append(&identity->journal_fields, "NOMAD_JOB=a=b c");
        identity->machine_id = xstrdup("0123456789abcdef0123456789abcdef");
        spec->read_only = spec->ephemeral = true;
        spec->volatile_mode = VOLATILE_OVERLAY;
        spec->pivot_root = xstrdup("/new:/old");
        spec->user = xstrdup("nobody:nogroup");
        spec->working_directory = xstrdup("/srv/a b");
        spec->tty = true;
        strv_append(&spec->capability, "CAP_NET_ADMIN");
        strv_append(&spec->capability, "CAP_SYS_PTRACE");
        string_replace(&spec->private_users, "65536:131072");
        spec->private_users_ownership = OWNERSHIP_MAP;
        task_spec_add_bind(spec, "/srv/data", "/data", false);
        task_spec_add_bind(spec, "/etc/ssl", "/etc/ssl", true);
        spec->resolv_conf = RESOLV_CONF_COPY_HOST;
        spec->oom_policy = OOM_KILL;
        spec->reload_signal = xstrdup("SIGUSR1");
        spec->restart.policy = RESTART_ON_FAILURE;
        spec->restart.delay_usec = 5 * USEC_PER_SEC;
        spec->restart.max_attempts = 3;
        spec->restart.interval_usec = 600 * USEC_PER_SEC;
        spec->memory_low = UINT64_C(256) << 20;
        spec->memory_max = UINT64_C(1) << 30;
        spec->cpu_shares = 512;
        spec->cpus = xstrdup("0-3,5,9");
        return request;
}

TaskRequest *golden_request_namespace(void) {
        TaskRequest *request = golden_request();

        golden_command(request);
        request->network.namespace_path = xstrdup("/run/netns/alloc");
        return request;
}
