#!/bin/sh
# Builds an image of a Debian suite, once for each recipe: image.sh SUITE PACKAGE,PACKAGE,... [FURTHER,...]
# The first packages come with the suite; on top of what they make, apt installs the further ones, so that images of one
# suite share a base. Prints the image's name, and "built" before it if it had to be built. A package openssh-server
# makes it a host of the lab.
set -eu
folder=$(dirname "$0")
. "$folder/machine.sh"
suite=$1 packages=$2 further=${3:-}

recipe=$({
    cat "$folder/image.sh" "$folder/machine.sh" "$folder"/hosts/chrony-*
    echo "$suite $packages $further"
} | sha256sum | cut -c1-16)
content=$suite-$(printf '%s' "$packages${further:+ $further}" | sha256sum | cut -c1-8)
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

build=$(mktemp -d "$lab_state/images/build.XXXXXX")
container=weibao-lab-build-$content
trap 'rm -rf "$build"; remove_container "$container" 2>/dev/null || true' EXIT
trap 'exit 143' HUP INT TERM

# One at a time, for podman does not always survive that an image vanishes while it looks at them all.
lock_store() {
    exec 8>"$lab_state/images/store.lock"
    flock 8
}

# Makes the archive of a suite with its first packages.
bootstrap() {
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
        # Each host makes keys and an identity of its own when it first starts.
        rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
        : >"$root/etc/machine-id"
        # Without this file each login leaves an error in the journal.
        echo LANG=C.UTF-8 >"$root/etc/default/locale"
        install -D -m 0644 "$folder/hosts/chrony-client.conf" "$root/etc/chrony/chrony.conf"
        install -D -m 0644 "$folder/hosts/chrony-container.conf" \
            "$root/etc/systemd/system/chrony.service.d/container.conf"
        mkdir -p "$root/etc/weibao-lab"
        mkdir -p "$root/etc/systemd/system/ssh.service.d"
        printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
            >"$root/etc/systemd/system/ssh.service.d/host-keys.conf"
    fi
    tar -C "$root" -cf "$build/image.tar" .
    mv "$build/image.tar" "$archive"
}

if [ -z "$further" ]; then
    [ -f "$archive" ] || bootstrap
    lock_store
    podman import --quiet "$archive" "$image" >/dev/null
else
    base=$("$folder/image.sh" "$suite" "$packages" 9>&- | tail -n 1)
    remove_container "$container" 2>/dev/null || true
    podman_limit=1200
    # A service that apt would start has no systemd here; it starts with the host. The lists are the base's own.
    # shellcheck disable=SC2016,SC2046 # the container's shell expands it; one word a package
    podman --runtime runc run --quiet --name "$container" --network host --ulimit nofile=20000:20000 \
        --ulimit nproc=32768:32768 --env DEBIAN_FRONTEND=noninteractive "$base" sh -euc '
            printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
            chmod 0755 /usr/sbin/policy-rc.d
            apt-get --quiet --quiet --yes --no-install-recommends install "$@"
            apt-get clean
            rm -f /usr/sbin/policy-rc.d
            : >/etc/machine-id
            rm -f /var/lib/dbus/machine-id
        ' sh $(echo "$further" | tr , ' ') >"$build/log" 2>&1 9>&- || {
        tail -n 30 "$build/log" >&2
        exit 1
    }
    lock_store
    podman commit --quiet "$container" "$image" >/dev/null
fi

# Earlier recipes of the same image are of no more use, unless a container still runs on one.
podman images --format '{{.Repository}}:{{.Tag}}' "$repository" | grep -vxF "$image" |
    xargs --no-run-if-empty podman rmi >/dev/null 2>&1 || true
find "$lab_state/images" -name "$content-*.tar" ! -path "$archive" -delete
echo built
echo "$image"
