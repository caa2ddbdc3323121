#!/bin/sh
# Removes every host of the lab and its network; prints what it removed, so nothing the second time.
# A test run that uses the lab holds a lock on the file in-use; only that run (WEIBAO_LAB_OWNER) may remove the lab then.
set -eu
command -v podman >/dev/null || exit 0
. "$(dirname "$0")/machine.sh"

[ -d "$lab_state" ] || exit 0
exec 9>>"$lab_state/in-use"
owner=$(cut -d' ' -f1 "$lab_state/in-use")
if [ "${WEIBAO_LAB_OWNER:-nobody}" != "$owner" ]; then
    flock --nonblock 9 || {
        echo "the lab is in use by the test run with process id $owner; it removes the lab when it ends" >&2
        exit 1
    }
fi

for container in $(podman ps --all --quiet --filter label=weibao-lab); do
    podman container inspect --format 'removed: {{.Name}}' "$container"
    remove_container "$container"
done
rm -f "$lab_state/ssh/known_hosts"
if podman network exists weibao-lab; then
    podman network rm --force weibao-lab >/dev/null
    echo "removed: network weibao-lab"
fi
