#!/bin/sh
# Gives a host the archives' lists of today: lists.sh NAME. Prints "changed" if its own were older.
# Figures about pending packages are of no use with an old list of them. Only a success leaves the stamp: apt itself
# touches its folders when it fails, too.
set -eu
. "$(dirname "$0")/machine.sh"
podman_limit=180
podman exec "weibao-lab-$1" sh -euc '
    stamp=/var/lib/apt/periodic/update-success-stamp
    [ -z "$(find "$stamp" -mtime -1 2>/dev/null)" ] || exit 0
    apt-get --quiet --quiet --error-on=any update >&2
    touch "$stamp"
    echo changed
'
