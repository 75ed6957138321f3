/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/limits.h"
#include "task/spec.h"

static bool is_volatile(const TaskSpec *spec) {
        return spec->volatile_mode && !streq(spec->volatile_mode, "no");
}

static bool chowns_image(const TaskSpec *spec) {
        return task_spec_has_user_namespace(spec) && streq_null(spec->private_users_ownership, "chown");
}

static bool boots_second_process(const TaskSpec *spec) {
        return spec->boot && spec->process_two;
}

static bool boots_without_init(const TaskSpec *spec) {
        return spec->boot && !spec->init;
}

static bool chowns_volatile(const TaskSpec *spec) {
        return chowns_image(spec) && is_volatile(spec);
}

static bool chowns_read_only(const TaskSpec *spec) {
        return chowns_image(spec) && spec->read_only;
}

static bool runs_host_root_in_place(const TaskSpec *spec) {
        bool spared = spec->ephemeral || streq_null(spec->volatile_mode, "yes") ||
                streq_null(spec->volatile_mode, "state");

        return streq_null(spec->image, "/") && !spared;
}

static bool boots_as_user(const TaskSpec *spec) {
        return spec->boot && spec->user;
}

static bool boots_with_terminal(const TaskSpec *spec) {
        return spec->tty && spec->boot;
}

static bool leaves_terminal_to_stub(const TaskSpec *spec) {
        return spec->tty && spec->process_two;
}

static bool leaves_terminal_to_nobody(const TaskSpec *spec) {
        return spec->tty && !spec->init;
}

static bool has_two_terminals(const TaskSpec *spec) {
        return spec->tty && spec->console && !streq(spec->console, "pipe");
}

static bool has_nothing_to_run(const TaskSpec *spec) {
        return !spec->boot && strv_is_empty(spec->command);
}

static bool reserves_over_limit(const TaskSpec *spec) {
        return spec->memory_low > spec->memory_max && spec->memory_max > 0;
}

static bool starves(const TaskSpec *spec) {
        return spec->memory_max > 0 && spec->memory_max < TASK_MEMORY_MIN && spec->memory_low == 0;
}

static bool starves_beside_memory(const TaskSpec *spec) {
        return spec->memory_max > 0 && spec->memory_max < TASK_MEMORY_MIN && spec->memory_low > 0;
}

static bool asks_for_no_restart(const TaskSpec *spec) {
        const TaskRestart *restart = &spec->restart;

        return !restart->policy &&
                (restart->delay_usec > 0 || restart->max_attempts > 0 || restart->interval_usec > 0);
}

static bool counts_nothing(const TaskSpec *spec) {
        return task_spec_restarts(spec) && spec->restart.interval_usec > 0 &&
                spec->restart.max_attempts == 0;
}

/* systemd counts starts in 32 bits, and the first is one. */
static bool counts_too_far(const TaskSpec *spec) {
        return spec->restart.max_attempts >= UINT32_MAX;
}

/* So many restarts never fit in, and the limit would never be reached. */
static bool never_gives_up(const TaskSpec *spec) {
        const TaskRestart *restart = &spec->restart;
        uint64_t delay = restart->delay_usec > 0 ? restart->delay_usec : RESTART_DELAY_MIN_USEC, least;

        return task_spec_restarts(spec) && restart->interval_usec > 0 &&
                (__builtin_mul_overflow(delay, restart->max_attempts, &least) ||
                        least >= restart->interval_usec);
}

static bool limits_no_rate(const TaskSpec *spec) {
        return spec->log_rate_limit.interval_usec > 0 && spec->log_rate_limit.burst == 0;
}

static bool limits_rate_too_far(const TaskSpec *spec) {
        return spec->log_rate_limit.burst > LOG_RATE_LIMIT_BURST_MAX;
}

/* One row per forbidden combination. */
static const struct {
        bool (*applies)(const TaskSpec *spec);
        const char *options[4]; /* that it depends on */
        const char *words;
} rules[] = {
        { boots_second_process, { "process_two", "boot" },
                "process_two: cannot be combined with boot = true (boot is the default); set boot = false" },
        { boots_without_init, { "init", "boot" },
                "init: false cannot be combined with boot = true (boot is the default), which runs the "
                "image's own init system; set boot = false" },
        { boots_as_user, { "user", "boot" },
                "user: cannot be combined with boot = true: an init system must be root" },
        { boots_with_terminal, { "tty", "boot" },
                "tty: true cannot be combined with boot = true (boot is the default): a booted system has "
                "its console, and `nspawnctl shell` opens a terminal in it; set boot = false" },
        { leaves_terminal_to_stub, { "tty", "process_two" },
                "tty: true cannot be combined with process_two = true, for nspawn's init cannot hold the "
                "terminal; set process_two = false" },
        { leaves_terminal_to_nobody, { "tty", "init" },
                "tty: true cannot be combined with init = false, for it is the small init that holds the "
                "terminal; set init = true" },
        { has_two_terminals, { "tty", "console" },
                "tty: true cannot be combined with console = \"interactive\", \"read-only\" or "
                "\"passive\", which are nspawn's own terminal; use \"pipe\" or leave console out" },
        { has_nothing_to_run, { "command", "boot" },
                "command: needed when boot = false; say which program to run" },
        { chowns_volatile, { "private_users_ownership", "volatile", "user_namespacing", "private_users" },
                "private_users_ownership: \"chown\" cannot be combined with volatile = \"yes\", "
                "\"state\" or \"overlay\"; use \"map\" or \"auto\"" },
        { chowns_read_only, { "private_users_ownership", "read_only", "user_namespacing", "private_users" },
                "private_users_ownership: \"chown\" cannot be combined with read_only = true; use "
                "\"map\" or \"auto\"" },
        { runs_host_root_in_place, { "image", "ephemeral", "volatile" },
                "image: \"/\" is the host's own root and needs ephemeral = true, or volatile = \"yes\" "
                "or \"state\"" },
        { asks_for_no_restart, { "restart.policy" },
                "restart.policy: needed when anything else of restart is given; say on-failure, on-success "
                "or always" },
        { counts_too_far, { "restart.max_attempts" },
                "restart.max_attempts: must be less than 4294967295; 0 is no limit" },
        { counts_nothing, { "restart.interval", "restart.max_attempts" },
                "restart.interval: needs restart.max_attempts, which it limits" },
        { never_gives_up, { "restart.interval", "restart.max_attempts", "restart.delay" },
                "restart.interval: must be longer than restart.max_attempts times restart.delay, or the "
                "limit is never reached" },
        { limits_no_rate, { "log_rate_limit.burst", "log_rate_limit.interval" },
                "log_rate_limit.burst: needed when log_rate_limit.interval is given; say how many lines" },
        { limits_rate_too_far, { "log_rate_limit.burst" },
                "log_rate_limit.burst: must not be more than 90000000; 0 is no limit" },
        { starves, { "memory" },
                "memory: must be at least 4M (4194304 bytes), which a container needs to start" },
        { starves_beside_memory, { "memory_max" },
                "memory_max: must be at least 4M (4194304 bytes), which a container needs to start" },
        { reserves_over_limit, { "memory_max", "memory" }, "memory_max: must not be less than memory" },
};

static bool depends_on_refused(const TaskSpec *spec, const char *const *options) {
        for (size_t i = 0; i < ELEMENTSOF(rules[0].options) && options[i]; i++)
                if (strv_contains(spec->refused, options[i]))
                        return true;
        return false;
}

int task_spec_validate(const TaskSpec *spec, Error **ret_error) {
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (!depends_on_refused(spec, rules[i].options) && rules[i].applies(spec))
                        r = error_set(ret_error, EINVAL, "%s", rules[i].words);

        int k = arguments_check(spec->command, spec->environment, ret_error);
        return r < 0 ? r : k;
}
