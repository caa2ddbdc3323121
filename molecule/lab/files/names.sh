#!/bin/sh
# Makes the hosts find each other by name: names.sh HOST NAME asks NAME's address inside HOST. Prints "changed" if the
# network's name server had to be started again: containers started at the same moment can end it (its signal to look
# again comes while it still starts), and so does whatever stops the processes of a machine but not its containers.
set -eu
. "$(dirname "$0")/machine.sh"
found() {
    for _ in 1 2 3 4 5; do
        podman exec "weibao-lab-$1" getent hosts "$2" >/dev/null 2>&1 && return
        sleep 1
    done
    return 1
}
if ! podman exec "weibao-lab-$1" getent hosts "$2" >/dev/null 2>&1; then
    podman ps --quiet --filter label=weibao-lab=host | xargs timeout --kill-after=5 60 podman network reload >/dev/null
    found "$1" "$2" || {
        echo "$1 does not find $2: the name server of the network weibao-lab does not answer" >&2
        exit 1
    }
    echo changed
fi
