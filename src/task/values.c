/* SPDX-License-Identifier: Apache-2.0 */

#include "task/values.h"

const OptionValue volatile_values[] = {
        { VOLATILE_YES, "yes", "all but /usr" },
        { VOLATILE_STATE, "state", "only /var, and the rest is read-only" },
        { VOLATILE_OVERLAY, "overlay", "all changes, which an overlay takes" },
        { VOLATILE_NO, "no", "nothing" },
        {},
};

const OptionValue console_values[] = {
        { CONSOLE_INTERACTIVE, "interactive", "a terminal of systemd-nspawn, with input" },
        { CONSOLE_READ_ONLY, "read-only", "a terminal of systemd-nspawn, without input" },
        { CONSOLE_PASSIVE, "passive", "a terminal of systemd-nspawn that nothing is connected to" },
        { CONSOLE_PIPE, "pipe", "stdout and stderr, each by itself" },
        {},
};

const OptionValue resolv_conf_values[] = {
        { RESOLV_CONF_OFF, "off", "the image's own, as it is" },
        { RESOLV_CONF_COPY_HOST, "copy-host", "a copy of the host's" },
        { RESOLV_CONF_COPY_STATIC, "copy-static", "a copy of systemd-resolved's static file" },
        { RESOLV_CONF_COPY_UPLINK, "copy-uplink", "a copy of the file with the host's upstream servers" },
        { RESOLV_CONF_COPY_STUB, "copy-stub", "a copy of systemd-resolved's file for its stub" },
        { RESOLV_CONF_REPLACE_HOST, "replace-host", "as copy-host, also in place of a link" },
        { RESOLV_CONF_REPLACE_STATIC, "replace-static", "as copy-static, also in place of a link" },
        { RESOLV_CONF_REPLACE_UPLINK, "replace-uplink", "as copy-uplink, also in place of a link" },
        { RESOLV_CONF_REPLACE_STUB, "replace-stub", "as copy-stub, also in place of a link" },
        { RESOLV_CONF_BIND_HOST, "bind-host", "the host's, mounted" },
        { RESOLV_CONF_BIND_STATIC, "bind-static", "systemd-resolved's static file, mounted" },
        { RESOLV_CONF_BIND_UPLINK, "bind-uplink", "the file with the host's upstream servers, mounted" },
        { RESOLV_CONF_BIND_STUB, "bind-stub", "systemd-resolved's file for its stub, mounted" },
        { RESOLV_CONF_DELETE, "delete", "there is none" },
        { RESOLV_CONF_AUTO, "auto", "by the network and the image" },
        {},
};

const OptionValue ownership_values[] = {
        { OWNERSHIP_AUTO, "auto", "map where the image's file system can, else chown" },
        { OWNERSHIP_MAP, "map", "by an id-mapped mount; the image stays as it is" },
        { OWNERSHIP_CHOWN, "chown", "by changing the owner of each file in the image" },
        {},
};

const OptionValue restart_policy_values[] = {
        { RESTART_NO, "no", "after none" },
        { RESTART_ON_FAILURE, "on-failure", "after a code that is not 0, or a signal" },
        { RESTART_ON_SUCCESS, "on-success", "after the code 0" },
        { RESTART_ALWAYS, "always", "after each" },
        {},
};

const OptionValue oom_policy_values[] = {
        { OOM_CONTINUE, "continue", "the other processes go on" },
        { OOM_STOP, "stop", "the task is stopped orderly" },
        { OOM_KILL, "kill", "all of the task is killed at once" },
        {},
};
