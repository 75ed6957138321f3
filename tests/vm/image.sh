#!/usr/bin/env bash
# Builds the test host that ./vm boots and prints where it is: vmlinuz, initrd, root.img and the key to log in with.
# It is built once for each suite and each version of the files it is made of. Environment: SUITE (this machine's own)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NSPAWN_UNITS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nspawn-units}
suite=$("$here/../suite")
disk=8G

say() {
	printf 'image: %4ds %s\n' "$SECONDS" "$*" >&2
}

die() {
	printf 'image: %s\n' "$*" >&2
	exit 1
}

# Of contents and names, never of times, owners or where the checkout is.
definition() {
	cd "$here"
	{
		find image.sh init packages masked guest -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
		# As old as the programs for it, see ../suite.
		[ "$suite" != sid ] || date +%G-%V
	} | sha256sum | cut -c1-12
}

# A line is "package", or "package [suite...]" or "package [!suite...]" as in Debian's control files.
packages() {
	awk -v suite="$suite" '
		/^#/ { next }
		{
			list = $0; sub(/^[^ ]* */, "", list); gsub(/[][!]/, "", list)
			named = index(" " list " ", " " suite " ") > 0
			if (NF == 1 || (index($0, "[!") ? !named : named)) print $1
		}' "$here/packages" | paste -sd,
}

# The initramfs of Debian finds its disk anywhere and takes seconds over it; this one knows where the disk is.
make_initrd() {
	local root=$1 out=$2 tree=$3 kernel module
	kernel=$(basename "$root"/lib/modules/*)
	mkdir -p "$tree"/{bin,dev,proc,root,modules}
	cp "$root/bin/busybox" "$tree/bin/"
	install -m 755 "$here/init" "$tree/init"
	for module in virtio_pci virtio_blk ext4; do
		chroot "$root" modprobe --set-version "$kernel" --show-depends --ignore-install "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tree/paths"
	while read -r module; do
		cp "$root$module" "$tree/modules/"
		basename "$module" >>"$tree/modules/order"
	done <"$tree/paths"
	rm "$tree/paths"
	mkdir "$root/initrd"
	cp -r "$tree/." "$root/initrd/"
	chroot "$root" sh -c 'cd /initrd && find . | busybox cpio -o -H newc 2>/dev/null' >"$out"
	rm -r "$root/initrd"
}

configure() {
	local root=$1 work=$2 generator
	cp -r --no-preserve=mode,ownership "$here/guest/." "$root/"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/key"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$root/etc/ssh/agent_host_key"
	printf 'test-host %s\n' "$(cat "$root/etc/ssh/agent_host_key.pub")" >"$work/known_hosts"
	cp "$work/key.pub" "$root/etc/ssh/agent_authorized_keys"
	chmod 644 "$root/etc/ssh/agent_authorized_keys"
	mkdir -p "$root/results" "$root/mnt"
	echo test-host >"$root/etc/hostname"
	printf '127.0.0.1 localhost test-host\n::1 localhost\n' >"$root/etc/hosts"
	: >"$root/etc/resolv.conf"
	chroot "$root" passwd --quiet --delete root
	# An empty one would make every boot a first boot, with all presets applied.
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
	# systemctl of 262 warns of every call without /proc.
	export SYSTEMD_LOG_LEVEL=err
	chroot "$root" systemctl --quiet enable test-agent.service test-uplink.service tmp.mount
	chroot "$root" systemctl --quiet set-default graphical.target
	grep -v '^#' "$here/masked" | xargs chroot "$root" systemctl --quiet mask
	# Generators are a process each, and here is nothing for them to find.
	mkdir -p "$root/etc/systemd/system-generators"
	for generator in "$root"/lib/systemd/system-generators/*; do
		ln -s /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
	done
}

build() {
	local out=$1 work=$2 root=$2/root begin=$SECONDS options
	mapfile -t options < <("$here/../suite" apt)
	mkdir -p "$work"
	say "installing Debian $suite"
	# INITRD=No keeps the kernel package from building the initramfs that is not used.
	INITRD=No mmdebstrap --quiet --mode=root --variant=minbase \
		--include="$(packages)" "${options[@]}" \
		--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$root" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; die "mmdebstrap cannot install $suite"; }
	say "configuring"
	configure "$root" "$work"
	mkdir "$work/done"
	cp "$root"/boot/vmlinuz-* "$work/done/vmlinuz"
	make_initrd "$root" "$work/done/initrd" "$work/initrd"
	rm -rf "${root:?}"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
	say "making the disk"
	# No journal: the disk is thrown away with the machine. Inode tables now, or the kernel would write them at every boot.
	truncate -s "$disk" "$work/done/root.img"
	mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 -m 0 -L root -d "$root" "$work/done/root.img"
	mv "$work/key" "$work/known_hosts" "$work/done/"
	mv -T "$work/done" "$out"
	say "done after $((SECONDS - begin)) s: $(du -sh "$out" | cut -f1)"
}

[ "$(id -u)" = 0 ] || die "must be run as root: it makes a tree with owners and devices"
for tool in mmdebstrap mkfs.ext4 ssh-keygen; do
	command -v "$tool" >/dev/null || die "$tool is missing: apt-get install mmdebstrap e2fsprogs openssh-client"
done
image=$cache/vm-$suite-$(definition)
mkdir -p "$cache"
if [ ! -d "$image" ]; then
	exec 9>"$cache/vm-$suite.lock"
	flock 9
	if [ ! -d "$image" ]; then
		work=$(mktemp -d "$cache/.vm.XXXXXX")
		trap 'rm -rf "$work"' EXIT
		trap 'exit 130' INT TERM HUP
		chmod 755 "$work"
		build "$image" "$work"
	fi
	# Images of definitions that are long gone.
	find "$cache" -maxdepth 1 -name 'vm-*-????????????' -mtime +14 -exec rm -rf {} +
fi
touch "$image"
printf '%s\n' "$image"
