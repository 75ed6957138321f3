/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <signal.h>

#include "base/signal.h"
#include "base/string.h"
#include "task/capability.h"
#include "task/cpus.h"
#include "task/duration.h"
#include "task/driver-config.h"
#include "task/spec.h"

static const char *check_empty(const char *value) {
        return *value ? NULL : "a path or a name";
}

static const char *check_relative(const char *value) {
        return *value == '/' ? NULL : "an absolute path";
}

/* One or two absolute paths: the new root, and the directory that the old root is moved to. */
static const char *check_pivot(const char *value) {
        const char *colon = strchr(value, ':');
        bool good = *value == '/' && (!colon || (colon[1] == '/' && !strchr(colon + 1, ':')));

        return good ? NULL : "an absolute path, or two of them with a colon between";
}

static bool is_uid(const char *value, size_t n) {
        _cleanup_free_ char *digits = xstrndup(value, n);
        uint64_t number;

        return string_parse_u64(digits, &number) && number <= UINT32_MAX - 1;
}

static const char *check_private_users(const char *value) {
        const char *colon = strchr(value, ':');
        bool named = streq(value, "yes") || streq(value, "no") || streq(value, "pick") ||
                streq(value, "identity");
        bool range = colon ? is_uid(value, (size_t) (colon - value)) && is_uid(colon + 1, strlen(colon + 1))
                           : is_uid(value, strlen(value));

        return named || range ? NULL : "yes, no, pick, identity, a first user id, or FIRST:COUNT";
}

static char *spell_capability(char **value) {
        char *name = NULL, *wanted = capability_spell(*value, capability_last(), &name);

        if (wanted)
                return wanted;
        free(*value);
        *value = name;
        return NULL;
}

static const char *check_user(const char *value) {
        return *value && !strpbrk(value, "\n/") ? NULL : "a user name or id, with :GROUP if wanted";
}

static const char *check_reload_signal(const char *value) {
        int signal = signal_from_string(value);

        return signal > 0 && signal != SIGKILL && signal != SIGSTOP
                ? NULL
                : "a signal such as SIGHUP or SIGUSR1, and not SIGKILL or SIGSTOP";
}

static const char *check_cpus(const char *value) {
        CpuList list;

        return cpu_list_parse(value, &list) ? NULL : "a list such as 0-3,5";
}

static const char *check_delay(const char *value) {
        uint64_t usec;

        return duration_parse(value, &usec) && usec >= RESTART_DELAY_MIN_USEC
                ? NULL
                : "a duration such as 500ms, 5s or 1m30s, at least 100ms";
}

static const char *check_interval(const char *value) {
        uint64_t usec;

        return duration_parse(value, &usec) && usec > 0 ? NULL : "a duration longer than nothing";
}

static const char *check_name(const char *value) {
        return *value && strlen(value) <= 64 && !strpbrk(value, "/\n")
                ? NULL
                : "1 to 64 characters without a slash";
}

static const char *check_variable(const char *name) {
        return environment_name_is_valid(name) ? NULL : ENVIRONMENT_NAME_WANTED;
}

static const char *default_console(const void *target) {
        const TaskSpec *spec = target;

        return spec->boot ? "read-only" : "pipe";
}

#define AT(member) .offset = offsetof(TaskSpec, member)
#define COUNT(member) .count_offset = offsetof(TaskSpec, member)
#define AT_RESTART(member) .offset = offsetof(TaskRestart, member)
#define AT_LOG(member) .offset = offsetof(TaskLogRateLimit, member)
#define AT_DRIVER(member) .offset = offsetof(DriverConfig, member)

/* One row per option reads best as a table. */
/* clang-format off */
static const Option restart_rows[] = {
        { "policy", OPTION_ENUM, OPTION_ANYWHERE, AT_RESTART(policy), .values = restart_policy_values, .default_text = "no",
          .doc = "After which ends of the task. With no, Nomad's own restart block decides." },
        { "delay", OPTION_DURATION, OPTION_ANYWHERE, AT_RESTART(delay_usec), .default_text = "100ms",
          .check = check_delay,
          .doc = "Time between an end and the next start: 500ms, 5s, 1m30s, or a number of seconds; at least "
                 "100ms." },
        { "max_attempts", OPTION_NUMBER, OPTION_ANYWHERE, AT_RESTART(max_attempts),
          .doc = "How many restarts there are before the task counts as ended; 0, the default, is no limit." },
        { "interval", OPTION_DURATION, OPTION_ANYWHERE, AT_RESTART(interval_usec),
          .check = check_interval,
          .doc = "Period for max_attempts: it begins with the first start, and when it is over another begins, with the "
                 "count at 0. Without it the task's whole life is one period." },
};
static const OptionTable restart_table = { restart_rows, ELEMENTSOF(restart_rows), sizeof(TaskRestart) };

static const Option log_rate_limit_rows[] = {
        { "burst", OPTION_NUMBER, OPTION_ANYWHERE, AT_LOG(burst),
          .doc = "How many lines are taken in an interval; journald drops more. On a disk with much free space it "
                 "takes several times as many. 0, the default, is no limit." },
        { "interval", OPTION_DURATION, OPTION_ANYWHERE, AT_LOG(interval_usec),
          .default_text = "30s", .check = check_interval,
          .doc = "Time in which the lines are counted." },
};
static const OptionTable log_rate_limit_table = {
        log_rate_limit_rows, ELEMENTSOF(log_rate_limit_rows), sizeof(TaskLogRateLimit)
};

static const Option task_rows[] = {
        { "name", OPTION_STRING, OPTION_IN_YAML, AT(name), .check = check_name,
          .doc = "Name of the task; the file's name when not given." },
        { "image", OPTION_STRING, OPTION_ANYWHERE, AT(image), .required = true, .check = check_empty,
          .doc = "Root of the container: a directory, a file system image or block device, or the name of an image "
                 "known to systemd-machined. A relative path starts at the plugin directory (in YAML: at the file)." },
        { "boot", OPTION_BOOL, OPTION_ANYWHERE, AT(boot), .default_text = "true",
          .doc = "Run the image's init system as PID 1; command is then the list of its arguments." },
        { "command", OPTION_STRING_LIST, OPTION_ANYWHERE, AT(command),
          .doc = "Program to run and its arguments." },
        { "read_only", OPTION_BOOL, OPTION_ANYWHERE, AT(read_only), .default_text = "false",
          .doc = "Mount the image read-only, so that tasks may share it. The image must have a directory or file for each "
                 "mount." },
        { "ephemeral", OPTION_BOOL, OPTION_ANYWHERE, AT(ephemeral), .default_text = "false",
          .doc = "Run a copy of the image that is thrown away at the end. Each restart in place begins with a new copy, and so "
                 "does each reboot of a booted system." },
        { "volatile", OPTION_ENUM, OPTION_ANYWHERE, AT(volatile_mode), .values = volatile_values, .default_text = "no",
          .doc = "Which changes of the files are lost when the task ends." },
        { "process_two", OPTION_BOOL, OPTION_ANYWHERE, AT(process_two), .default_text = "false",
          .doc = "Run command as PID 2 below the small init of systemd-nspawn." },
        { "init", OPTION_BOOL, OPTION_ANYWHERE, AT(init), .default_text = "true",
          .doc = "Run command below a small init, which reaps, passes signals on and reports how command ended. With "
                 "false command itself is PID 1; with process_two this changes nothing." },
        { "user", OPTION_STRING, OPTION_ANYWHERE, AT(user), .check = check_user,
          .doc = "User of the image that command runs as, a name or an id; :GROUP may follow." },
        { "working_directory", OPTION_STRING, OPTION_ANYWHERE, AT(working_directory), .check = check_relative,
          .doc = "Directory of the container that command starts in." },
        { "environment", OPTION_STRING_MAP, OPTION_ANYWHERE, AT(environment), .check_key = check_variable,
          .secret = true,
          .doc = "Environment variables; those of the job's env win. A name may be anything without = in it." },
        { "bind", OPTION_BIND, OPTION_ANYWHERE, AT(binds), COUNT(n_binds),
          .doc = "Files and directories of the host to mount: host path to path in the container." },
        { "bind_read_only", OPTION_BIND_READ_ONLY, OPTION_ANYWHERE, AT(binds), COUNT(n_binds),
          .doc = "As bind, read-only." },
        { "capability", OPTION_STRING_LIST, OPTION_ANYWHERE, AT(capability), .spell = spell_capability,
          .doc = "Capabilities to grant beyond those of systemd-nspawn, also in Docker's spelling (net_admin). A user "
                 "who is not root gets these and no others; all grants every capability there is." },
        { "console", OPTION_ENUM, OPTION_ANYWHERE, AT(console), .values = console_values, .default_from = default_console,
          .default_doc = "pipe; read-only with boot = true",
          .doc = "How output leaves the container." },
        { "reload_signal", OPTION_STRING, OPTION_ANYWHERE, AT(reload_signal), .check = check_reload_signal,
          .doc = "Signal that command, or the booted init system, gets once when its unit is reloaded: systemctl reload "
                 "UNIT. Without it systemd refuses to reload." },
        { "tty", OPTION_BOOL, OPTION_ANYWHERE, AT(tty), .default_text = "false",
          .doc = "Give command a terminal, which nspawnctl attach connects to. stdout and stderr are then one stream, whose "
                 "lines end in CR LF, and command reads what people type there. Needs boot = false." },
        { "pivot_root", OPTION_STRING, OPTION_ANYWHERE, AT(pivot_root), .check = check_pivot,
          .doc = "Directory of the image to make the root; after a colon where to put the old one." },
        { "resolv_conf", OPTION_ENUM, OPTION_ANYWHERE, AT(resolv_conf), .values = resolv_conf_values,
          .doc = "How /etc/resolv.conf of the container is made." },
        { "user_namespacing", OPTION_BOOL, OPTION_ANYWHERE, AT(user_namespacing), .default_text = "true",
          .doc = "Give the container user ids of its own. With false its root is root of the host, and with network_veth = "
                 "false also has the host's interfaces, ports and abstract sockets." },
        { "private_users", OPTION_STRING, OPTION_ANYWHERE, AT(private_users), .default_text = "pick", .check = check_private_users,
          .doc = "Which user ids: pick (free ones), yes (those that own the image), identity (those of the host), a first id, "
                 "FIRST:COUNT, or no for none. Takes effect with user_namespacing." },
        { "private_users_ownership", OPTION_ENUM, OPTION_ANYWHERE, AT(private_users_ownership), .values = ownership_values, .default_text = "auto",
          .doc = "How the image's files get those ids. Takes effect with user_namespacing." },
        { "network_veth", OPTION_BOOL, OPTION_ANYWHERE, AT(network_veth), .default_text = "true",
          .doc = "Give the container a network of its own with a virtual cable to the host." },
        { "restart", OPTION_BLOCK, OPTION_ANYWHERE, AT(restart), .block = &restart_table,
          .doc = "When systemd starts the container again in place, in the same unit." },
        { "log_rate_limit", OPTION_BLOCK, OPTION_ANYWHERE, AT(log_rate_limit), .block = &log_rate_limit_table,
          .doc = "Limit for output that goes to the journal. Without it journald takes every line, whatever journald.conf "
                 "says." },
        { "oom_policy", OPTION_ENUM, OPTION_ANYWHERE, AT(oom_policy), .default_text = "continue", .values = oom_policy_values,
          .doc = "What follows when a process is killed because memory ran out." },
        { "memory", OPTION_SIZE, OPTION_IN_YAML, AT(memory_low),
          .doc = "Memory limit, or with memory_max the amount kept for the task; bytes or with K, M, G, T. A limit is at "
                 "least 4M, which a container needs to start." },
        { "memory_max", OPTION_SIZE, OPTION_IN_YAML, AT(memory_max),
          .doc = "Memory limit; memory is then the amount kept for the task." },
        { "cpu_shares", OPTION_NUMBER, OPTION_IN_YAML, AT(cpu_shares),
          .doc = "Share of the processors where all of them are busy; other units have 1024." },
        { "cpus", OPTION_STRING, OPTION_IN_YAML, AT(cpus), .check = check_cpus,
          .doc = "Processors the task may use." },
        { "volume_mount", OPTION_BIND, OPTION_FROM_NOMAD, AT(binds), COUNT(n_binds), .gate = GATE_VOLUMES,
          .doc = "A volume of the job's group in the container; private and host-to-task propagation are possible." },
};

static const Option driver_rows[] = {
        { "enabled", OPTION_BOOL, OPTION_IN_DRIVER, AT_DRIVER(enabled), .default_text = "true",
          .doc = "Whether this client runs tasks of this driver." },
        { "volumes", OPTION_BOOL, OPTION_IN_DRIVER, AT_DRIVER(volumes), .default_text = "true",
          .doc = "Whether volume_mount blocks of jobs are allowed." },
        { "disable_log_collection", OPTION_BOOL, OPTION_IN_DRIVER, AT_DRIVER(disable_log_collection), .default_text = "false",
          .doc = "Leave the output of tasks to the journal instead of Nomad, which then runs no log collector." },
        { "orphan_timeout", OPTION_DURATION, OPTION_IN_DRIVER, AT_DRIVER(orphan_timeout_usec),
          .doc = "Time after which the driver ends tasks of a Nomad node whose client state is lost; it begins when the driver reports the tasks. 0, the default, is never." },
};
/* clang-format on */

const OptionTable task_options = { task_rows, ELEMENTSOF(task_rows), sizeof(TaskSpec) };
const OptionTable driver_options = { driver_rows, ELEMENTSOF(driver_rows), sizeof(DriverConfig) };

const OptionTable *option_table_of(OptionUse use) {
        return use == OPTION_IN_DRIVER ? &driver_options : &task_options;
}
