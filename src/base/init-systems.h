/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Paths of an image's init system in the order in which they are tried, as nspawn's --boot has it
 * (systemd-nspawn(1)); members of an array. Our init runs the first that is there, and a start whose image
 * has none is refused before. Shared with the static programs.
 */
#define INIT_SYSTEMS "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init"
