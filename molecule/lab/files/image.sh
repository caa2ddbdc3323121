#!/bin/sh
# Builds the image of a Debian suite with some packages, once for each recipe: image.sh SUITE PACKAGE,PACKAGE,...
# Prints the image's name, and "built" before it if it had to be built. A package openssh-server makes it a host of the lab.
set -eu
folder=$(dirname "$0")
. "$folder/machine.sh"
suite=$1 packages=$2

recipe=$({
    cat "$folder/image.sh" "$folder/machine.sh"
    echo "$suite $packages"
} | sha256sum | cut -c1-16)
content=$suite-$(printf '%s' "$packages" | sha256sum | cut -c1-8)
repository=localhost/weibao-lab/$content
image=$repository:$recipe
archive=$lab_state/images/$content-$recipe.tar

mkdir -p "$lab_state/images" "$lab_state/debs/$suite"
exec 9>"$lab_state/images/$content.lock"
flock 9
if podman image exists "$image"; then
    echo "$image"
    exit
fi

if [ ! -f "$archive" ]; then
    build=$(mktemp -d "$lab_state/images/build.XXXXXX")
    trap 'rm -rf "$build"' EXIT
    trap 'exit 143' HUP INT TERM
    root=$build/root
    debootstrap --variant=minbase --include="$packages" --cache-dir="$lab_state/debs/$suite" \
        "$suite" "$root" "$(debian_archive Debian)" >"$build/log" 2>&1 || {
        tail -n 30 "$build/log" "$root/debootstrap/debootstrap.log" >&2 || true
        exit 1
    }
    grant_archives "$root" "$suite"
    chroot "$root" apt-get --quiet --quiet update >&2
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/log/*.log "$root/etc/hostname"
    if [ -d "$root/etc/ssh" ]; then
        # Each host makes keys of its own when it first starts.
        rm -f "$root"/etc/ssh/ssh_host_*
        : >"$root/etc/machine-id"
        mkdir -p "$root/etc/systemd/system/ssh.service.d"
        printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
            >"$root/etc/systemd/system/ssh.service.d/host-keys.conf"
    fi
    tar -C "$root" -cf "$build/image.tar" .
    mv "$build/image.tar" "$archive"
fi

podman import --quiet "$archive" "$image" >/dev/null
# Earlier recipes of the same image are of no more use, unless a container still runs on one.
podman images --format '{{.Repository}}:{{.Tag}}' "$repository" | grep -vxF "$image" |
    xargs --no-run-if-empty podman rmi >/dev/null 2>&1 || true
find "$lab_state/images" -name "$content-*.tar" ! -path "$archive" -delete
echo built
echo "$image"
