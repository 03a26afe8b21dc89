# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the scripts say: a line for each thing done, and a command's own words only when it fails. Sourced.
# shellcheck shell=bash

say() { echo "${0##*/}: $*" >&2; }

die() {
	say "$*"
	exit 1
}

# Run one command with its output kept, and shown only if it fails.
quietly() {
	local log status=0
	log=$(mktemp)
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$status" != 0 ]; then
		say "this failed: $*"
		tail -n 20 "$log" >&2
	fi
	rm -f "$log"
	return "$status"
}
