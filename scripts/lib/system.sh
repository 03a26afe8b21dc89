# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the workbench needs of the system, whether it is there, and the commands that would install what is not.
# The commands are lines of text: root runs the very lines that everybody else is shown. Needs owner.sh
# and python.sh. Sourced.
# shellcheck shell=bash disable=SC2154

os_release=${SETUP_OS_RELEASE:-/etc/os-release}
apt_dir=${SETUP_APT_DIR:-/etc/apt}

describe_tool() {
	case $1 in
	python) echo "Python 3.11 or newer with its venv module" ;;
	cc) echo "a C compiler with the C library's headers" ;;
	clang) echo "clang 19 or newer with the BPF target" ;;
	libbpf) echo "libbpf 1.4 or newer, libelf and zlib with their headers, and those of Linux 6.9 or newer" ;;
	esac
}

# A tool counts as there when it does its work, whoever installed it.
have_python() { as_owner "$venv/bin/python" -c '' 2>/dev/null || [ -n "$(choose_python)" ]; }

c_compiler() {
	local name
	for name in ${CC:+"$CC"} cc gcc clang; do
		if command -v "$name" >/dev/null; then
			echo "$name"
			return
		fi
	done
	return 1
}

have_cc() {
	local cc
	cc=$(c_compiler) || return 1
	"$cc" -x c -fsyntax-only - <<<'#include <pthread.h>' 2>/dev/null
}

have_clang() {
	local name macros
	for name in clang $(compgen -c clang- | grep -xE 'clang-[0-9]+' | sort -Vru); do
		macros=$("$name" -target bpf -mcpu=v4 -dM -E -x c /dev/null 2>/dev/null) || continue
		[[ $macros != *__BPF_FEATURE_ADDR_SPACE_CAST* ]] || return 0
	done
	return 1
}

have_libbpf() {
	local cc lib
	cc=$(c_compiler) || return 1
	"$cc" -x c -fsyntax-only - 2>/dev/null <<-'END' || return 1
		#include <linux/bpf.h>
		#include <bpf/libbpf.h>
		#include <gelf.h>
		#include <zlib.h>
		#if LIBBPF_MAJOR_VERSION < 1 || (LIBBPF_MAJOR_VERSION == 1 && LIBBPF_MINOR_VERSION < 4)
		#error "no arenas"
		#endif
		int arena = BPF_MAP_TYPE_ARENA;
	END
	for lib in libbpf.so libelf.so libz.so; do
		# A library that the compiler cannot find is answered with the bare name.
		[ "$("$cc" -print-file-name="$lib")" != "$lib" ] || return 1
	done
}

# The tools that are not there, in the order in which they matter.
missing_tools() {
	local tool
	for tool in python cc clang libbpf; do
		"have_$tool" || echo "$tool"
	done
}

os_field() {
	# shellcheck disable=SC1090
	(. "$os_release" 2>/dev/null && eval "echo \"\${$1:-}\"")
}

# debian, fedora or unknown: whose packages' names and whose package manager.
os_family() {
	local word
	for word in $(os_field ID) $(os_field ID_LIKE); do
		case $word in
		debian | ubuntu)
			echo debian
			return
			;;
		fedora)
			echo fedora
			return
			;;
		esac
	done
	echo unknown
}

# Debian 12 has clang 19 under its number only, and its own libbpf is too old.
on_bookworm() { [ "$(os_field ID)/$(os_field VERSION_CODENAME)" = debian/bookworm ]; }

packages_for() {
	local tool
	for tool; do
		case $(os_family)/$tool in
		debian/python) echo python3 python3-venv ;;
		debian/cc) echo gcc libc6-dev ;;
		debian/clang) if on_bookworm; then echo clang-19; else echo clang; fi ;;
		debian/libbpf) echo libbpf-dev libelf-dev zlib1g-dev linux-libc-dev ;;
		fedora/python) echo python3 ;;
		fedora/cc) echo gcc glibc-devel ;;
		fedora/clang) echo clang ;;
		fedora/libbpf) echo libbpf-devel elfutils-libelf-devel zlib-devel kernel-headers ;;
		esac
	done
}

# "SUITE URI" for each suite that this machine's apt gets the main component of, from both forms of its sources.
apt_sources() {
	local file
	for file in "$apt_dir/sources.list" "$apt_dir"/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		sed -E 's/#.*//; s/\[[^]]*\]//' "$file" |
			awk '$1 == "deb" { for (i = 4; i <= NF; i++) if ($i == "main") print $3, $2 }'
	done
	for file in "$apt_dir"/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		grep -v '^#' "$file" | awk '
			function flush(  i, n, suite) {
				n = split(field["suites"], suite)
				if (tolower(field["enabled"]) !~ /no|false/ && field["types"] ~ /deb( |$)/ && field["components"] ~ /main/)
					for (i = 1; i <= n; i++) print suite[i], field["uris"]
				delete field
			}
			/^[ \t]*$/ { flush() }
			/^[A-Za-z-]+:/ { name = tolower($1); sub(":", "", name); sub(/^[^:]*:[ \t]*/, ""); field[name] = $0 }
			END { flush() }'
	done
}

# The mirror that this machine gets one of the suites named from.
mirror_of() {
	apt_sources | awk -v suites=" $* " 'index(suites, " " $1 " ") { print $2; exit }'
}

# The commands that install the tools named, one a line; none where this script does not know the system.
install_plan() {
	local packages from_backports="" get
	# shellcheck disable=SC2046
	packages=$(echo $(packages_for "$@"))
	case $(os_family) in
	debian)
		get="DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install"
		if on_bookworm && [[ " $packages " == *" libbpf-dev "* ]]; then
			from_backports="libbpf-dev linux-libc-dev"
			packages=$(tr ' ' '\n' <<<"$packages" | grep -vxE 'libbpf-dev|linux-libc-dev' | paste -sd' ')
			if [ -z "$(mirror_of bookworm-backports)" ]; then
				# Some machines name their suite by its state instead of its name.
				echo "echo deb $(mirror_of bookworm stable oldstable) bookworm-backports main" \
					">$apt_dir/sources.list.d/arena-workbench-backports.list"
			fi
		fi
		echo "apt-get -q update"
		[ -z "$packages" ] || echo "$get $packages"
		[ -z "$from_backports" ] || echo "$get -t bookworm-backports $from_backports"
		;;
	fedora)
		echo "dnf -q -y install $packages"
		;;
	esac
}
