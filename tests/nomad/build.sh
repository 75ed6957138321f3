#!/usr/bin/env bash
# build.sh [1.6|1.11]: builds the Nomad agent that the tests run and prints where it is. Go fetches it as a module,
# pinned by go.mod and go.sum here (1.6.1) and in 1.11/ (1.11.1). It is for testing only and never handed on.
# build.sh go: prints where the Go is that builds it, for the tests in Go.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NSPAWN_UNITS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nspawn-units}
# What the newest of the modules asks for, and what is fetched where Go is missing or older.
go_least=1.25.3
go_fetched=1.25.5

say() {
	printf 'nomad: %4ds %s\n' "$SECONDS" "$*" >&2
}

die() {
	printf 'nomad: %s\n' "$*" >&2
	exit 1
}

at_least() {
	[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# Debian 12 has Go 1.19. That is enough to fetch a newer one, for its releases are modules too.
find_go() {
	local version dir scratch
	command -v go >/dev/null || die "go is missing: apt-get install golang-go (any version)"
	version=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
	if at_least "$go_least" "${version#go}"; then
		command -v go
		return
	fi
	say "$version is too old: fetching $go_fetched"
	scratch=$(mktemp -d)
	dir=$(cd "$scratch" && GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=mod \
		go mod download -json "golang.org/toolchain@v0.0.1-go$go_fetched.linux-$(go env GOARCH)" |
		sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
	rm -r "$scratch"
	[ -n "$dir" ] || die "cannot fetch Go $go_fetched from the module proxy with $version"
	[ -x "$dir/bin/go" ] || chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
	echo "$dir/bin/go"
}

case ${1:-1.6} in
1.6) module=$here ;;
1.11) module=$here/1.11 ;;
go)
	find_go
	exit
	;;
*) die "usage: build.sh [1.6|1.11|go]" ;;
esac
version=$(sed -n 's,^.*github.com/hashicorp/nomad v\([0-9.]*\).*$,\1,p' "$module/go.mod")
key=$(cat "$here/build.sh" "$module/go.mod" "$module/go.sum" | sha256sum | cut -c1-12)
out=$cache/nomad-$version-$key
if [ ! -x "$out/nomad" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/nomad-$version.lock"
	flock 9
fi
if [ ! -x "$out/nomad" ]; then
	command -v gcc >/dev/null || die "gcc is missing: apt-get install gcc libc6-dev"
	go=$(find_go) || exit 1
	work=$(mktemp -d "$cache/.nomad.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	chmod 755 "$work"
	say "building Nomad $version with $("$go" env GOVERSION) (some minutes)"
	# GOROOT of an older Go must not reach the fetched one.
	(cd "$module" && env -u GOROOT GOTOOLCHAIN=local GOWORK=off GOFLAGS= CGO_ENABLED=1 \
		"$go" build -mod=readonly -buildvcs=false -p 2 -trimpath -ldflags '-s -w' -o "$work/nomad" github.com/hashicorp/nomad)
	mv -T "$work" "$out"
	say "done: $(du -h "$out/nomad" | cut -f1)"
fi
printf '%s\n' "$out/nomad"
