#!/bin/sh
# Makes one host of the lab be there, running and ready for SSH:
#   host.sh NAME SUITE IMAGE ADDRESS PORT USER [PODMAN OPTION ...]
# ADDRESS and PORT are where its sshd is known: a port of 127.0.0.1 is published, any other address is one inside the
# lab. USER is who logs in; one that is not root gets what hosts/sudoers-USER* grant. Prints "changed" if anything had
# to be done. The host's public keys, read inside it, become the lab's known hosts.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/machine.sh"
name=$1 suite=$2 image=$3 address=$4 port=$5 user=$6
shift 6
container=weibao-lab-$name
recipe=$(printf '%s\n' "$image" "$address" "$port" "$user" "$@" "$(cat "$0")" | sha256sum | cut -c1-16)

case $address:$port in
127.0.0.1:*) known="[127.0.0.1]:$port" published="--publish=127.0.0.1:$port:22" ;;
*:22) known=$address published= ;;
*) echo "host $name: only a port of 127.0.0.1 can be published, and sshd listens on port 22" >&2 && exit 2 ;;
esac

# What looks after a container leaves a file where it was started, should the container run out of memory.
cd "$lab_state"
exec 9>"$lab_state/$name.lock"
flock 9

state() {
    podman container inspect --format '{{index .Config.Labels "weibao-lab-recipe"}} {{.State.Status}}' \
        "$container" 2>/dev/null || true
}

make() {
    remove_container "$container" 2>/dev/null || true
    # Root on a host may look into every process. The container outlives this script and must not inherit its lock.
    podman --runtime runc run --detach --quiet --name "$container" --hostname "$name" \
        --label weibao-lab=host --label "weibao-lab-recipe=$recipe" --network weibao-lab --network-alias "$name" \
        ${published:+"$published"} --systemd=always --cap-add SYS_PTRACE \
        --ulimit nofile=20000:20000 --ulimit nproc=32768:32768 "$@" "$image" /sbin/init >/dev/null 9>&-
}

changed=
case $(state) in
"$recipe running")
    # A host whose control process was killed still claims to run.
    "$folder/ready.sh" "$container" 5 || { changed=yes && make "$@"; } ;;
"$recipe paused")
    changed=yes
    podman unpause "$container" >/dev/null || make "$@" ;;
"$recipe exited" | "$recipe created" | "$recipe stopped")
    changed=yes
    podman --runtime runc start "$container" >/dev/null 9>&- || make "$@" ;;
*)
    changed=yes
    make "$@" ;;
esac
"$folder/ready.sh" "$container" 60 || {
    echo "host $name does not start; its last words:" >&2
    podman exec "$container" journalctl --no-pager --lines 30 >&2 || podman logs --tail 30 "$container" >&2 || true
    exit 1
}

root=$(podman mount "$container")
# Leaves a file in the host as it stands here, with this mode and owner.
place() {
    cmp -s "$1" "$root$2" || {
        changed=yes
        podman exec --interactive "$container" install -D -m "$3" -o "$4" -g "$4" /dev/stdin "$2" <"$1"
    }
}

grant_archives "$root" "$suite"
home=/root
if [ "$user" != root ]; then
    home=/home/$user
    grep -q "^$user:" "$root/etc/passwd" || {
        changed=yes
        podman exec "$container" useradd --create-home --shell /bin/bash --groups adm,systemd-journal "$user"
    }
    for granted in "$folder/hosts/sudoers-$user"*; do
        place "$granted" "/etc/sudoers.d/${granted##*/sudoers-}" 0440 root
    done
fi
[ -d "$root$home/.ssh" ] || podman exec "$container" install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
place "$lab_state/ssh/id_ed25519.pub" "$home/.ssh/authorized_keys" 0600 "$user"
# Only the lines of this host are replaced, one host at a time.
exec 8>"$lab_state/ssh/known_hosts.lock"
flock 8
touch "$lab_state/ssh/known_hosts"
{
    awk -v name="$known" '$1 != name' "$lab_state/ssh/known_hosts"
    cut -d' ' -f1,2 "$root"/etc/ssh/ssh_host_*_key.pub | sed "s/^/$known /"
} | sort >"$lab_state/ssh/known_hosts.new"
cmp -s "$lab_state/ssh/known_hosts.new" "$lab_state/ssh/known_hosts" || changed=yes
mv "$lab_state/ssh/known_hosts.new" "$lab_state/ssh/known_hosts"

if [ -n "$changed" ]; then echo changed; fi
podman unmount "$container" >/dev/null
