#!/bin/sh
# Makes one host of the lab be there, running and ready for SSH: host.sh NAME SUITE IMAGE PORT [PODMAN OPTION ...]
# Prints "changed" if anything had to be done. The host's public keys, read inside it, become the lab's known hosts.
set -eu
. "$(dirname "$0")/machine.sh"
name=$1 suite=$2 image=$3 port=$4
shift 4
container=weibao-lab-$name
recipe=$(printf '%s\n' "$image" "$port" "$@" "$(cat "$0")" | sha256sum | cut -c1-16)

exec 9>"$lab_state/$name.lock"
flock 9

state() {
    podman container inspect --format '{{index .Config.Labels "weibao-lab-recipe"}} {{.State.Status}}' \
        "$container" 2>/dev/null || true
}

make() {
    podman rm --force --time 0 "$container" >/dev/null 2>&1 || true
    # Root on a host may look into every process. The container outlives this script and must not inherit its lock.
    podman --runtime runc run --detach --quiet --name "$container" --hostname "$name" \
        --label weibao-lab=host --label "weibao-lab-recipe=$recipe" --network weibao-lab --publish "127.0.0.1:$port:22" \
        --systemd=always --cap-add SYS_PTRACE --ulimit nofile=20000:20000 --ulimit nproc=32768:32768 \
        "$@" "$image" /sbin/init >/dev/null 9>&-
}

# Waits until systemd has started what it starts and sshd has made its keys; fails after a minute.
ready() {
    attempts=0
    until podman exec "$container" systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)$' &&
        podman exec "$container" systemctl is-active --quiet ssh.service; do
        [ "$(podman container inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ] || return 1
        attempts=$((attempts + 1))
        [ $attempts -lt "$1" ] || return 1
        sleep 0.5
    done
}

changed=
case $(state) in
"$recipe running")
    # A host whose control process was killed still claims to run.
    ready 10 || { changed=yes && make "$@"; } ;;
"$recipe exited" | "$recipe created" | "$recipe stopped")
    changed=yes
    podman --runtime runc start "$container" >/dev/null 9>&- || make "$@" ;;
*)
    changed=yes
    make "$@" ;;
esac
ready 120 || {
    echo "host $name does not start; its last words:" >&2
    podman exec "$container" journalctl --no-pager --lines 30 >&2 || podman logs --tail 30 "$container" >&2 || true
    exit 1
}

root=$(podman mount "$container")
grant_archives "$root" "$suite"
install -d -m 0700 "$root/root/.ssh"
cmp -s "$lab_state/ssh/id_ed25519.pub" "$root/root/.ssh/authorized_keys" || {
    changed=yes
    install -m 0600 "$lab_state/ssh/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
}
# Figures about pending packages are of no use with an old list of them. Only a success leaves this stamp: apt itself
# touches its folders when it fails, too.
stamp=/var/lib/apt/periodic/update-success-stamp
if [ -z "$(find "$root$stamp" -mtime -1 2>/dev/null)" ]; then
    changed=yes
    podman exec "$container" sh -c "apt-get --quiet --quiet --error-on=any update && touch $stamp" >&2
fi
# Known by address and port; only the lines of this host are replaced, one host at a time.
exec 8>"$lab_state/ssh/known_hosts.lock"
flock 8
touch "$lab_state/ssh/known_hosts"
{
    grep -vF "[127.0.0.1]:$port " "$lab_state/ssh/known_hosts" || true
    cut -d' ' -f1,2 "$root"/etc/ssh/ssh_host_*_key.pub | sed "s/^/[127.0.0.1]:$port /"
} | sort >"$lab_state/ssh/known_hosts.new"
cmp -s "$lab_state/ssh/known_hosts.new" "$lab_state/ssh/known_hosts" || changed=yes
mv "$lab_state/ssh/known_hosts.new" "$lab_state/ssh/known_hosts"

if [ -n "$changed" ]; then echo changed; fi
podman unmount "$container" >/dev/null
