#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs in the test host, in the payload's directory, as root: measures, and leaves bench.json in /results.
set -uo pipefail

payload=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export NSPAWN_TEST_DIR=/var/lib/nspawn-test
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mkdir -p "$NSPAWN_TEST_DIR"/{images,plugins,alloc} /results
cp -a "$payload/images/hello" "$NSPAWN_TEST_DIR/images/hello"
for name in nomad-driver-nspawn nspawn-units-init nspawn-units-helper; do
	install -m 0755 "$payload/$name" "$NSPAWN_TEST_DIR/plugins/$name"
done
cp "$payload"/units/*.slice /run/systemd/system/
systemctl daemon-reload
ulimit -n 65536

"$payload/bench" /results/bench.json
