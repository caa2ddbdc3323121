#!/bin/sh
# Tells whether the lab can run on this machine: silence, or the reason why not and exit code 1.
set -eu
. "$(dirname "$0")/machine.sh"

refuse() {
    echo "$1"
    exit 1
}

[ "$(uname -s)" = Linux ] || refuse "the lab needs Linux"
[ "$(id -u)" = 0 ] || refuse "the lab needs root (systemd in containers, debootstrap)"
for tool in apt-get dpkg-query; do
    command -v "$tool" >/dev/null || refuse "the lab needs a Debian or Ubuntu machine: there is no $tool"
done
[ -d /sys/fs/cgroup ] || refuse "the lab needs control groups: there is no /sys/fs/cgroup"
# A Debian whose lists were never fetched still knows its archives after the first update.
grep -qx 'ID=debian' /etc/os-release || [ -n "$(debian_archive Debian)" ] ||
    refuse "the lab builds Debian images from the machine's own apt sources, and none of them is Debian's"
