#!/bin/sh
# Plants two installed packages, planted-waiting and planted-held, and a repository with a security update of each.
set -eu
repository=/var/tmp/planted-repository
rm -rf "$repository"
mkdir -p "$repository"
cd "$repository"

for package in planted-waiting planted-held; do
    for version in 1 2; do
        mkdir -p "$package/DEBIAN"
        printf '%s\n' "Package: $package" "Version: $version" "Architecture: all" \
            "Maintainer: Nobody <nobody@localhost>" "Description: planted" >"$package/DEBIAN/control"
        dpkg-deb --build "$package" "${package}_$version.deb" >/dev/null
        rm -r "$package"
    done
    {
        dpkg-deb --field "${package}_2.deb"
        echo "Filename: ./${package}_2.deb"
        echo "Size: $(stat --format %s "${package}_2.deb")"
        echo "SHA256: $(sha256sum "${package}_2.deb" | cut -d' ' -f1)"
        echo
    } >>Packages
done
{
    echo "Label: Planted-Security"
    echo "Suite: planted-security"
    echo "Date: $(LC_ALL=C date --utc '+%a, %d %b %Y %H:%M:%S UTC')"
    echo "SHA256:"
    echo " $(sha256sum Packages | cut -d' ' -f1) $(stat --format %s Packages) Packages"
} >Release

dpkg --install planted-waiting_1.deb planted-held_1.deb >/dev/null
apt-mark hold planted-held >/dev/null
echo "deb [trusted=yes] file:$repository ./" >/etc/apt/sources.list.d/planted.list
apt-get --quiet --quiet update --error-on=any -o Dir::Etc::sourcelist=sources.list.d/planted.list \
    -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=false
