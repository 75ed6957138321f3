#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the booted Debian example from Debian's packages: build.sh DIRECTORY [SUITE [OPTION...]]
# SUITE is bookworm, trixie or any newer one (trixie); the options are mmdebstrap's.
set -euo pipefail

if [[ $# -lt 1 || -e "$1" ]]; then
	echo "usage: $0 DIRECTORY [SUITE [OPTION of mmdebstrap...]]; DIRECTORY must not exist yet" >&2
	exit 2
fi
command -v mmdebstrap >/dev/null || {
	echo "mmdebstrap is missing: apt-get install mmdebstrap" >&2
	exit 1
}

target=$1
suite=${2:-trixie}
work=$(mktemp -d -- "$(dirname -- "$target")/.debian.XXXXXX")
trap 'rm -rf -- "$work"' EXIT

# A container needs systemd and a bus, no kernel and no boot loader. The network needs a client for the
# address that systemd-networkd on the host hands out over the virtual cable.
# The hooks are for a shell that knows "$1".
# shellcheck disable=SC2016
mmdebstrap --quiet --variant=minbase \
	--include=systemd,systemd-sysv,dbus,iproute2 \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook='chroot "$1" passwd --delete root >/dev/null' \
	--customize-hook='chroot "$1" systemctl --quiet enable systemd-networkd' \
	--customize-hook='echo debian > "$1/etc/hostname"; : > "$1/etc/machine-id"' \
	--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
	--customize-hook='mkdir -p "$1/alloc" "$1/local" "$1/secrets"' \
	"${@:3}" "$suite" "$work/root"

mv -- "$work/root" "$target"
