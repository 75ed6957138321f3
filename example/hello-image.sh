#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the smallest image there is, busybox alone: hello-image.sh DIRECTORY
set -euo pipefail

if [[ $# -ne 1 || -e "$1" ]]; then
	echo "usage: $0 DIRECTORY (which must not exist yet)" >&2
	exit 2
fi

busybox=$(command -v busybox) || {
	echo "busybox is missing: apt-get install busybox-static" >&2
	exit 1
}

target=$1
mkdir -p -- "$target"/{alloc,bin,dev,etc,home,local,proc,root,run,secrets,sys,tmp,usr,var}
cp -- "$busybox" "$target/bin/busybox"
for applet in $("$busybox" --list); do
	[[ "$applet" == busybox ]] || ln -s busybox "$target/bin/$applet"
done

printf 'ID=hello\nPRETTY_NAME="hello, from busybox"\n' >"$target/etc/os-release"
printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home:/bin/sh\n' >"$target/etc/passwd"
printf 'root:x:0:\napp:x:1000:\n' >"$target/etc/group"
