# What the lab takes over from the machine that it runs on. Sourced by the other scripts.
# shellcheck shell=sh disable=SC2016,SC2034 # apt expands $(...) itself; the variables are for the other scripts

# Where the lab keeps its images, its SSH key and its known hosts; private to the user. The home folder is the one
# that ssh means by "~" in the inventory, whatever HOME says.
lab_state=$(getent passwd "$(id -u)" | cut -d: -f6)/.cache/weibao-lab

# What podman asks of a container that is gone, or of one that starts at the same moment as another, may never be
# answered: each command has an end, after $podman_limit seconds.
podman() {
    timeout --kill-after=5 "${podman_limit:-120}" podman "$@"
}

# Removes a container. One whose processes went with the machine that they ran on is stopped by the first command and
# removed by the second.
remove_container() {
    podman rm --force --time 0 "$1" >/dev/null 2>&1 || podman rm --force "$1" >/dev/null
}

# Prints the address of one of Debian's archives ("Debian" or "Debian-Security"), as apt knows it here.
debian_archive() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label { print $3; exit }'
}

# Lets apt and TLS inside the root folder $1, a Debian of suite $2, reach the archives as this machine does.
grant_archives() (
    root=$1 suite=$2 archive=$(debian_archive Debian) security=$(debian_archive Debian-Security)
    {
        echo "deb $archive $suite main"
        echo "deb $archive $suite-updates main"
        if [ -n "$security" ]; then echo "deb $security $suite-security main"; fi
    } >"$root/etc/apt/sources.list"
    apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::(http|https|Check|Retries)' \
        >"$root/etc/apt/apt.conf.d/90machine" || true
    mkdir -p "$root/usr/local/share/ca-certificates" "$root/etc/ssl/certs"
    find /usr/local/share/ca-certificates -name '*.crt' \
        -exec cp -f '{}' "$root/usr/local/share/ca-certificates/" ';' 2>/dev/null || true
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        cp -f /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    fi
)
