#!/bin/sh
# Waits until a container's systemd has started what it starts and its sshd answers; fails after so many seconds, or at
# once where the container does not run: ready.sh CONTAINER SECONDS
set -eu
. "$(dirname "$0")/machine.sh"
podman_limit=20
container=$1
end=$(($(date +%s) + $2))

until podman exec "$container" systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)$' &&
    podman exec "$container" systemctl is-active --quiet ssh.service; do
    [ "$(podman container inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ]
    [ "$(date +%s)" -lt "$end" ]
    sleep 0.5
done
