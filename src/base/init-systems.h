/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Paths of an image's init system, as members of an array, in the order of nspawn's --boot
 * (systemd-nspawn(1)). Our init runs the first one that exists; the engine refuses to start an image that
 * has none of them. Shared with the static programs.
 */
#define INIT_SYSTEMS "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init"
