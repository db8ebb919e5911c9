#!/usr/bin/env bash
# Installs what is missing to build, run and test Honk on Debian and Ubuntu;
# with the argument ci also what the checks need. Does nothing, and asks for
# nothing, when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v go >/dev/null; then
	echo "setup: Go is missing. Install Go 1.26 or newer from https://go.dev/dl/ and put it on the PATH." >&2
	exit 1
fi
# Inside the module go fetches the toolchain go.mod asks for, if it may.
if ! version=$(go version 2>&1); then
	echo "setup: Go 1.26 or newer is needed. go says: $version" >&2
	exit 1
fi

packages=()
# need PROGRAM PACKAGE notes the package when the program is not there.
need() {
	if ! command -v "$1" >/dev/null; then
		packages+=("$2")
	fi
}
need git git
need bwrap bubblewrap
# The private database of honk serve and honk demo, and that of the tests. The
# server's programs are off the PATH on Debian, as on most systems.
postgres=
if ! { command -v initdb && command -v postgres; } >/dev/null &&
	! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null &&
	! compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null &&
	! compgen -G '/home/linuxbrew/.linuxbrew/opt/postgresql*/bin/initdb' >/dev/null &&
	[ ! -x /usr/local/pgsql/bin/initdb ]; then
	postgres=postgresql
	packages+=(postgresql)
fi
if [ "${1:-}" = ci ]; then
	need make make
	# The race detector links against C.
	need gcc gcc
	[ -e /usr/include/stdlib.h ] || packages+=(libc6-dev)
	# The verifiers are tested on real projects of these languages.
	need node nodejs
	need npm npm
	need python3 python3
	# For whichever python3 comes first, or for the system's.
	if ! python3 -c 'import pytest' 2>/dev/null && ! /usr/bin/python3 -c 'import pytest' 2>/dev/null; then
		packages+=(python3-pytest)
	fi
fi

if [ "${#packages[@]}" -gt 0 ]; then
	if ! command -v apt-get >/dev/null; then
		echo "setup: missing here: ${packages[*]}. Install them with this system's package manager." >&2
		exit 1
	fi
	sudo=()
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "setup: as root, run: apt-get update && apt-get install -y ${packages[*]}" >&2
			exit 1
		fi
		sudo=(sudo)
	fi
	echo "setup: installing ${packages[*]}"
	"${sudo[@]}" apt-get update -q
	# The programs are wanted, not a server that runs from now on.
	no_cluster=/etc/postgresql-common/createcluster.d/honk-setup.conf
	if [ -n "$postgres" ]; then
		"${sudo[@]}" mkdir -p "${no_cluster%/*}"
		echo 'create_main_cluster = false' | "${sudo[@]}" tee "$no_cluster" >/dev/null
		trap '"${sudo[@]}" rm -f "$no_cluster"' EXIT
	fi
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

[ "${1:-}" = ci ] || exit 0

# npm ci starts anew each time, so only when the lock file is the newer one.
npm=tools/npm/node_modules
if [ tools/npm/package-lock.json -nt $npm/.package-lock.json ]; then
	npm ci --prefix tools/npm --ignore-scripts --no-audit --no-fund
fi

# The programs of tools/npm need a newer Node than Debian 12 and Ubuntu 24.04
# have. The registry has the program itself; make ci puts it on the PATH.
new_enough='const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2015 ? 1 : 0)'
if ! node -e "$new_enough" && ! $npm/.bin/node -e "$new_enough" 2>/dev/null; then
	case $(uname -m) in
	x86_64) arch=x64 ;;
	aarch64) arch=arm64 ;;
	*)
		echo "setup: Node 20.15 or newer is needed. Install it from https://nodejs.org" >&2
		exit 1
		;;
	esac
	npm install --prefix tools/npm --no-save --ignore-scripts --no-audit --no-fund "node-linux-$arch@20.19.6"
fi
