# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Which Python, and the virtual environment made with it. Needs owner.sh. Sourced; `top` is the top of the checkout.
# shellcheck shell=bash disable=SC2154

venv=$top/.venv
constraints=$top/constraints.txt

# The first Python new enough that can make a virtual environment, $PYTHON before the PATH's. The fixed places come
# last for sudo's short PATH. Asked as the owner: root's own Python may lie where the owner cannot follow.
choose_python() {
	local name
	for name in ${PYTHON:+"$PYTHON"} python3 python3.{14,13,12,11} /usr{,/local}/bin/python3{,.14,.13,.12,.11}; do
		if as_owner "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			echo "$name"
			return
		fi
	done
}

pip() {
	as_owner "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"
}

# What an environment is made for; each includes those before it.
levels_up_to() {
	case $1 in
	run) echo run ;;
	test) echo run test ;;
	lint) echo run test lint ;;
	esac
}

# The modules that show an environment to be whole.
modules_of() {
	case $1 in
	run) echo workbench cffi msgspec tomli tomlkit tree_sitter tree_sitter_c ;;
	test) echo "$(modules_of run)" pytest pytest_timeout jsonschema hatchling ;;
	lint) echo "$(modules_of test)" ruff mypy importlinter clang_format clang_tidy ;;
	esac
}

# Prints the version of the environment's Python if it runs and has the modules named.
venv_python_version() {
	"$venv/bin/python" - "$@" 2>/dev/null <<-'END' || true
		import importlib.util, sys
		if all(importlib.util.find_spec(name) for name in sys.argv[1:]):
		    print("%d.%d" % sys.version_info[:2])
	END
}

make_venv() {
	local python
	if as_owner "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
		return
	fi
	python=$(choose_python)
	[ -n "$python" ] || die "no Python 3.11 or newer with its venv module was found; PYTHON=/path/to/one makes set-up use it"
	say "making .venv with $("$python" --version)"
	as_owner rm -rf "$venv"
	quietly as_owner "$python" -m venv "$venv" || die "no virtual environment could be made"
	# Whoever runs this Python as root in a checkout of somebody else's, by make or by hand, leaves no bytecode there.
	as_owner tee "$(echo "$venv"/lib/python3.*/site-packages)/no_bytecode_of_root.pth" >/dev/null <<-'END'
		import os, sys; sys.dont_write_bytecode |= os.geteuid() == 0 and os.stat(sys.prefix).st_uid != 0
	END
}

# install_package LEVEL: the package as it lies in the checkout, and what it needs, at the versions pinned.
install_package() {
	local extras
	extras=$(levels_up_to "$1" | sed 's/^run *//; s/ /,/g')
	say "installing the Python packages to $1 with"
	quietly pip install -c "$constraints" hatchling editables &&
		quietly pip install -c "$constraints" --no-build-isolation -e "${top}${extras:+[$extras]}" ||
		die "the Python packages could not be installed; set-up goes on from here when it is run again"
	# So that root, which writes none, finds the bytecode made.
	as_owner "$venv/bin/python" -m compileall -q "$top/workbench"
}
