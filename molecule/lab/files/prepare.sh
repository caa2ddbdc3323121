#!/bin/sh
# Makes this machine able to run the lab; prints what it changed, so nothing the second time.
set -eu
. "$(dirname "$0")/machine.sh"

mkdir -p "$lab_state"
chmod 0700 "$lab_state"

missing=
for package in podman runc debootstrap debian-archive-keyring uidmap netavark aardvark-dns iptables openssh-client openssl; do
    dpkg-query --show --showformat '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' ||
        missing="$missing $package"
done
if [ -n "$missing" ] || [ -z "$(debian_archive Debian)" ]; then
    apt-get --quiet --quiet update >&2
fi
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet --yes --no-install-recommends install $missing >&2
    echo "installed:$missing"
fi
if [ -z "$(debian_archive Debian)" ]; then
    echo "apt has no source of Debian packages, which the lab's images are built from" >&2
    exit 1
fi

# systemd in a container needs its own hierarchy where the machine's control groups are of version 1.
if [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ] && ! mountpoint -q /sys/fs/cgroup/systemd; then
    mkdir -p /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd systemd /sys/fs/cgroup/systemd
    echo "mounted: /sys/fs/cgroup/systemd"
fi

if [ ! -f "$lab_state/ssh/id_ed25519" ] || [ ! -f "$lab_state/ssh/id_ed25519.pub" ]; then
    mkdir -p "$lab_state/ssh"
    rm -f "$lab_state"/ssh/id_ed25519*
    ssh-keygen -q -t ed25519 -N '' -C weibao-lab -f "$lab_state/ssh/id_ed25519"
    echo "made: $lab_state/ssh/id_ed25519"
fi

if ! podman network exists weibao-lab; then
    podman network create weibao-lab >/dev/null || podman network exists weibao-lab
    echo "made: network weibao-lab"
fi
