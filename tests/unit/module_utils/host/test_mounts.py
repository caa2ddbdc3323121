from __future__ import annotations

import pytest
from ansible.module_utils.host import mounts

LINE = "30 25 {number} {root} {point} {options} shared:1 - {type} {source} {super}"


def line(point, options="rw,relatime", type="ext4", source="/dev/vda1", super="rw", number="254:1", root="/"):  # noqa: A002
    return LINE.format(**locals()) + "\n"


def table(*lines):
    return mounts.parse_mountinfo("".join(lines))


def chosen(lines, ignored=()):
    return mounts.distinct(mounts.storage(lines, ignored))


def test_a_real_machine_with_containers_has_its_own_disk_and_memory_only(captured):
    found = chosen(mounts.parse_mountinfo(captured("vm/mountinfo")))
    assert [(mount.point, mount.type) for mount in found] == [("/", "ext4"), ("/dev/shm", "tmpfs")]


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_a_real_container_has_its_root_and_what_was_mounted_for_it(captured, suite):
    candidates = mounts.storage(mounts.parse_mountinfo(captured(suite + "/mountinfo")), ())
    points = [mount.point for mount in candidates]
    assert points[0] == "/"
    assert not [point for point in points if point.startswith(("/sys", "/proc"))]
    assert "/etc/hosts" in points  # only asking tells that it is a file
    assert ("/data" in points) is (suite != "debian11")


def test_octal_escapes_are_undone():
    (mount,) = table(line(r"/mnt/my\040disk\011a\012b\134c"))
    assert mount.point == "/mnt/my disk\ta\nb\\c"


def test_lines_that_do_not_follow_the_format_are_left_out():
    assert table("\n", "garbage\n", "1 2 3 - ext4\n", line("/")) == table(line("/"))


def test_one_file_system_counts_once_by_its_shortest_mount_point():
    found = chosen(
        table(
            line("/srv/www/data", root="/data"),
            line("/data"),
            line("/var", source="/dev/vdb", number="254:16", type="btrfs", root="/@var"),
            line("/home", source="/dev/vdb", number="0:44", type="btrfs", root="/@home"),
        )
    )
    assert [mount.point for mount in found] == ["/data", "/var"]


def test_a_later_mount_hides_an_earlier_one():
    (mount,) = chosen(table(line("/data"), line("/data", source="/dev/vdc", number="254:32")))
    assert mount.source == "/dev/vdc"


def test_views_of_the_kernel_images_and_ignored_mounts_are_no_storage():
    lines = table(
        line("/proc", type="proc", source="proc", number="0:1"),
        line("/snap/core/1", type="squashfs", source="/dev/loop1", number="7:1"),
        line("/media/cdrom", type="iso9660", source="/dev/sr0", number="11:0"),
        line("/run/user/1000", type="tmpfs", source="tmpfs", number="0:50"),
        line("/mnt/ro", type="tmpfs", source="tmpfs", number="0:51", options="ro"),
        line("/backup/2026", source="/dev/vdd", number="254:48"),
    )
    assert mounts.storage(lines, ["/backup/*"]) == []


@pytest.mark.parametrize(
    ("options", "super_options", "fstab", "unexpected"),
    [
        ("rw", "rw", "", False),
        ("rw", "ro", "", True),  # the kernel did that after an error
        ("rw", "ro,errors=remount-ro", "/dev/vda1 /data ext4 errors=remount-ro 0 1", True),
        ("ro", "ro", "", False),  # mounted so, and nobody says otherwise
        ("ro", "ro", "/dev/vda1 /data ext4 defaults 0 1", True),
        ("ro", "ro", "/dev/vda1 /data ext4 ro,noatime 0 1", False),
        ("ro", "rw", "/dev/vda1 /data ext4 defaults", True),
    ],
)
def test_read_only_is_wrong_where_nobody_asked_for_it(options, super_options, fstab, unexpected):
    (mount,) = table(line("/data", options=options, super=super_options))
    assert mounts.unexpectedly_read_only(mount, mounts.parse_fstab(fstab)) is unexpected


def test_fstab_has_comments_short_lines_and_spaces_in_names():
    text = "# UNCONFIGURED FSTAB\n\nUUID=1 / ext4 rw,noatime 0 1\n/dev/b /my\\040disk ext4\nbroken\n"
    assert mounts.parse_fstab(text) == {"/": ("rw", "noatime"), "/my disk": ("defaults",)}


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse.glusterfs", "ceph"])
def test_what_others_serve_is_asked_with_care(kind):
    (mount,) = table(line("/mnt", type=kind, source="server:/x", number="0:60"))
    assert mounts.is_network(mount)
    assert mounts.storage([mount], ()) == [mount]


def test_an_open_file_is_on_the_mount_that_the_kernel_names_or_else_on_the_deepest_above_it():
    lines = [
        "24 1 254:0 / / rw - ext4 /dev/vda rw\n",
        "31 24 0:60 / /mnt/nas rw - nfs4 nas:/x rw\n",
        "32 24 254:9 / /mnt/nas2 rw - ext4 /dev/vdb rw\n",
    ]
    read = mounts.parse_mountinfo("".join(lines))
    assert mounts.holding(read, 31, "/any/where").type == "nfs4"
    assert mounts.holding(read, 99, "/mnt/nas/x") is None  # a mount of another namespace
    assert mounts.holding(read, None, "/mnt/nas/x (deleted)").type == "nfs4"
    assert mounts.holding(read, None, "/mnt/nas2/x (deleted)").source == "/dev/vdb"
    assert mounts.holding(read, None, "/var/log/x (deleted)").source == "/dev/vda"
