# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Whose checkout is it? What root does here on somebody's behalf must stay that person's: run as the owner what
# needs no root, and hand back what root wrote. Sourced; `top` is the top of the checkout.
# shellcheck shell=bash disable=SC2154

owner_uid=$(stat -c %u "$top")
owner_gid=$(stat -c %g "$top")

# True for root in a checkout that belongs to somebody else.
acting_for_owner() {
	[ "$(id -u)" = 0 ] && [ "$owner_uid" != 0 ]
}

_run_as_owner() {
	local entry name=$owner_uid home=/ groups=--clear-groups
	if entry=$(getent passwd "$owner_uid"); then
		name=$(cut -d: -f1 <<<"$entry")
		home=$(cut -d: -f6 <<<"$entry")
		groups=--init-groups
	fi
	setpriv --reuid "$owner_uid" --regid "$owner_gid" "$groups" \
		env -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR -u TMPDIR \
		HOME="$home" USER="$name" LOGNAME="$name" "$@"
}

# Run a command as the owner of the checkout. Where the owner cannot reach it (an archive that root unpacked in
# its own home, keeping the packer's uid), root does it; give_back mends that afterwards.
as_owner() {
	if ! acting_for_owner; then
		"$@"
	elif _run_as_owner test -w "$top" -a -x "$top" 2>/dev/null; then
		_run_as_owner "$@"
	else
		"$@"
	fi
}

# Hand to the owner what root wrote in the checkout. Files with a second name elsewhere are left alone, and chown
# runs beside each file: nobody can swap a folder under it for a link to somewhere else.
give_back() {
	acting_for_owner || return 0
	find "$top" -xdev -uid 0 \( -type d -o -links 1 \) -execdir chown -h "$owner_uid:$owner_gid" {} +
}
