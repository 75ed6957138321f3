/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/limits.h"
#include "task/spec.h"

static bool is_volatile(const TaskSpec *spec) {
        return spec->volatile_mode != VOLATILE_NO;
}

static bool chowns_image(const TaskSpec *spec) {
        return task_spec_has_user_namespace(spec) && spec->private_users_ownership == OWNERSHIP_CHOWN;
}

static bool boots_second_process(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->boot && spec->process_two;
}

static bool boots_without_init(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->boot && !spec->init;
}

static bool chowns_volatile(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return chowns_image(spec) && is_volatile(spec);
}

static bool chowns_read_only(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return chowns_image(spec) && spec->read_only;
}

static bool runs_host_root_in_place(const TaskSpec *spec, const Diagnostics *d _unused_) {
        bool spared = spec->ephemeral || spec->volatile_mode == VOLATILE_YES ||
                spec->volatile_mode == VOLATILE_STATE;

        return streq_null(spec->image, "/") && !spared;
}

static bool boots_as_user(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->boot && spec->user;
}

static bool boots_with_terminal(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->tty && spec->boot;
}

static bool leaves_terminal_to_stub(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->tty && spec->process_two;
}

static bool leaves_terminal_to_nobody(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->tty && !spec->init;
}

static bool has_two_terminals(const TaskSpec *spec, const Diagnostics *d) {
        return spec->tty && diagnostics_is_given(d, "console") && spec->console != CONSOLE_PIPE;
}

static bool has_nothing_to_run(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return !spec->boot && strv_is_empty(spec->command);
}

static bool reserves_over_limit(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->memory_low > spec->memory_max && spec->memory_max > 0;
}

static bool starves(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->memory_max > 0 && spec->memory_max < TASK_MEMORY_MIN && spec->memory_low == 0;
}

static bool starves_beside_memory(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->memory_max > 0 && spec->memory_max < TASK_MEMORY_MIN && spec->memory_low > 0;
}

static bool asks_for_no_restart(const TaskSpec *spec, const Diagnostics *d) {
        bool delays = diagnostics_is_given(d, "restart.delay") && !diagnostics_is_unread(d, "restart.delay");

        return !diagnostics_is_given(d, "restart.policy") &&
                (delays || spec->restart.max_attempts > 0 || spec->restart.interval_usec > 0);
}

static bool counts_nothing(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return task_spec_restarts(spec) && spec->restart.interval_usec > 0 &&
                spec->restart.max_attempts == 0;
}

/* systemd counts starts in 32 bits, and the first start counts too. */
static bool counts_too_far(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->restart.max_attempts >= UINT32_MAX;
}

/* max_attempts restarts take longer than the interval, so the limit would never be reached. */
static bool never_gives_up(const TaskSpec *spec, const Diagnostics *d _unused_) {
        const TaskRestart *restart = &spec->restart;
        uint64_t least;

        return task_spec_restarts(spec) && restart->interval_usec > 0 &&
                (__builtin_mul_overflow(restart->delay_usec, restart->max_attempts, &least) ||
                        least >= restart->interval_usec);
}

static bool limits_no_rate(const TaskSpec *spec, const Diagnostics *d) {
        return diagnostics_is_given(d, "log_rate_limit.interval") && spec->log_rate_limit.burst == 0;
}

static bool limits_rate_too_far(const TaskSpec *spec, const Diagnostics *d _unused_) {
        return spec->log_rate_limit.burst > LOG_RATE_LIMIT_BURST_MAX;
}

/* One row per forbidden combination. */
static const struct {
        bool (*applies)(const TaskSpec *spec, const Diagnostics *d);
        const char *option;    /* the option that the message is about */
        const char *others[3]; /* other options that the rule reads */
        const char *text;
} rules[] = {
        { boots_second_process, "process_two", { "boot" },
                "cannot be combined with boot = true (boot is the default); set boot = false" },
        { boots_without_init, "init", { "boot" },
                "false cannot be combined with boot = true (boot is the default), which runs the image's own init system; set boot = false" },
        { boots_as_user, "user", { "boot" },
                "cannot be combined with boot = true: an init system must be root" },
        { boots_with_terminal, "tty", { "boot" },
                "true cannot be combined with boot = true (boot is the default): a booted system has its console, and `nspawnctl shell` opens a terminal in it; set boot = false" },
        { leaves_terminal_to_stub, "tty", { "process_two" },
                "true cannot be combined with process_two = true, for nspawn's init cannot hold the terminal; set process_two = false" },
        { leaves_terminal_to_nobody, "tty", { "init" },
                "true cannot be combined with init = false, for it is the small init that holds the terminal; set init = true" },
        { has_two_terminals, "tty", { "console" },
                "true cannot be combined with console = \"interactive\", \"read-only\" or \"passive\", which are nspawn's own terminal; use \"pipe\" or leave console out" },
        { has_nothing_to_run, "command", { "boot" }, "needed when boot = false; say which program to run" },
        { chowns_volatile, "private_users_ownership", { "volatile", "user_namespacing", "private_users" },
                "\"chown\" cannot be combined with volatile = \"yes\", \"state\" or \"overlay\"; use \"map\" or \"auto\"" },
        { chowns_read_only, "private_users_ownership", { "read_only", "user_namespacing", "private_users" },
                "\"chown\" cannot be combined with read_only = true; use \"map\" or \"auto\"" },
        { runs_host_root_in_place, "image", { "ephemeral", "volatile" },
                "\"/\" is the host's own root and needs ephemeral = true, or volatile = \"yes\" or \"state\"" },
        { asks_for_no_restart, "restart.policy", { NULL },
                "needed when anything else of restart is given; say on-failure, on-success or always" },
        { counts_too_far, "restart.max_attempts", { NULL }, "must be less than 4294967295; 0 is no limit" },
        { counts_nothing, "restart.interval", { "restart.max_attempts" },
                "needs restart.max_attempts, which it limits" },
        { never_gives_up, "restart.interval", { "restart.max_attempts", "restart.delay" },
                "must be longer than restart.max_attempts times restart.delay, or the limit is never reached" },
        { limits_no_rate, "log_rate_limit.burst", { "log_rate_limit.interval" },
                "needed when log_rate_limit.interval is given; say how many lines" },
        { limits_rate_too_far, "log_rate_limit.burst", { NULL },
                "must not be more than 90000000; 0 is no limit" },
        { starves, "memory", { NULL },
                "must be at least 4M (4194304 bytes), which a container needs to start" },
        { starves_beside_memory, "memory_max", { NULL },
                "must be at least 4M (4194304 bytes), which a container needs to start" },
        { reserves_over_limit, "memory_max", { "memory" }, "must not be less than memory" },
};

static bool is_readable(size_t rule, const Diagnostics *d) {
        if (diagnostics_is_unread(d, rules[rule].option))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(rules[0].others) && rules[rule].others[i]; i++)
                if (diagnostics_is_unread(d, rules[rule].others[i]))
                        return false;
        return true;
}

int task_spec_validate(const TaskSpec *spec, Diagnostics *d) {
        _cleanup_strv_ char **environment = string_map_to_strv(&spec->environment);
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (is_readable(i, d) && rules[i].applies(spec, d))
                        r = diagnostics_add(d, rules[i].option, EINVAL, "%s", rules[i].text);

        int k = arguments_diagnose(spec->command, environment, d);
        return r < 0 ? r : k;
}
