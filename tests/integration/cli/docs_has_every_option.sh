#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

docs=$("$CTL" docs)
for option in image boot command read_only ephemeral volatile process_two user working_directory environment bind \
	bind_read_only capability console pivot_root resolv_conf user_namespacing private_users private_users_ownership \
	network_veth memory memory_max cpu_shares cpus; do
	grep -qw "$option" <<<"$docs"
done
