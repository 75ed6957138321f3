#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make bench: builds what the test host gets, measures there, keeps the numbers in build/bench.json.
# Environment: BUILD (release), SUITE (this machine's own)
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-release}
cd "$top"
out=$(tests/suite build)
payload=$out/bench-payload
results=$out/bench-results

NOMAD_VERSIONS='' DEBIAN_IMAGE=/nonexistent NSPAWN_TEST_NO_DEBIAN=1 BUILD=$build tests/integration/payload.sh "$payload"
cp -- "$out/$build/bench/bench" "$payload/bench"
cp -- bench/run.sh "$payload/bench.sh"

rm -rf -- "$results"
code=0
VM_RESULTS=$results tests/vm/vm run "$payload" bench.sh || code=$?
if [[ -f "$results/bench.json" ]]; then
	cp -- "$results/bench.json" "$out/bench.json"
	echo "$out/bench.json has the numbers"
fi
exit "$code"
