#!/bin/sh
# Sets up what a make target needs: setup.sh runtime|test [documents]
# As root on a Debian-like system it installs missing packages; otherwise it names them and goes on without.
# Safe to repeat; when everything is in place it takes a moment.
set -eu
cd "$(dirname "$0")"

goal=$1
documents=${2:-}
venv=.venv

say() { printf '%s\n' "$*" >&2; }

# Each package by what shows that it is missing: on systems without dpkg nothing is known, so nothing is said.
missing_packages() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    command -v dpkg-query >/dev/null || return 0
    wanted=openssh-client
    [ -z "$documents" ] || wanted="$wanted libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk"
    [ "$goal" != test ] || wanted="$wanted git faketime busybox dash shellcheck"
    for package in $wanted; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
    # The auditor's pages are tested in a browser; any Chromium will do.
    [ "$goal" != test ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo chromium
}

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed (packages python3, python3-venv)."
    exit 2
}

python=$(find_python)
missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing packages: $missing"
        export DEBIAN_FRONTEND=noninteractive
        log=$(mktemp)
        install_packages() { apt-get -q install -y --no-install-recommends "$@" >"$log" 2>&1; }
        apt-get -q update >"$log" 2>&1 || tail -n 5 "$log" >&2
        # shellcheck disable=SC2086 # one word a package
        if ! install_packages $missing; then
            # One that this system does not have must not keep the others away.
            for package in $missing; do
                install_packages "$package" || { tail -n 5 "$log" >&2; say "could not be installed: $package"; }
            done
        fi
        rm -f "$log"
    else
        say "missing packages, to be installed by root: $missing"
    fi
fi

# One at a time; a second call waits, then finds everything in place.
exec 9>.venv.lock
flock 9

# An environment once made for the tests stays one, and holds all that the program needs.
[ ! -e "$venv/test.stamp" ] || goal=test

# What an environment was made from: a change of any of it brings it up to date.
stamp() {
    { cat "requirements/$goal.txt" pyproject.toml; "$python" -V; pwd; } | sha256sum
}

if [ "$(cat "$venv/$goal.stamp" 2>/dev/null)" = "$(stamp)" ] && "$venv/bin/weibao" --version >/dev/null 2>&1; then
    exit 0
fi

say "preparing the environment in $venv"
# Another Python, or a folder that was moved: begin anew.
if [ "$("$venv/bin/pip" -V 2>/dev/null)" = "" ] || [ "$("$venv/bin/python" -V)" != "$("$python" -V)" ]; then
    "$python" -m venv --clear "$venv" || { say "no environment without the package python3-venv"; exit 2; }
fi
"$venv/bin/python" -m pip install -qq --require-hashes --requirement "requirements/$goal.txt"
"$venv/bin/python" -m pip install -qq --no-deps --no-build-isolation --editable .
stamp >"$venv/$goal.stamp"
