#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ldd "$CTL" | not grep -qi -e grpc -e protobuf
