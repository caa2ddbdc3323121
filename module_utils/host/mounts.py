"""Which file systems a host has: reads the mount table and keeps what a person would call a disk."""

import fnmatch
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

#: Views of the kernel, not storage.
PSEUDO = frozenset(
    {
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "fuse.lxcfs",
        "fuse.gvfsd-fuse",
        "fuse.portal",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "ramfs",
        "rootfs",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    }
)
#: Images that are full by nature.
IMAGES = frozenset({"squashfs", "iso9660", "udf", "cramfs", "erofs", "romfs"})
#: Another host answers, or another process; either may never do so.
NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "ceph",
        "glusterfs",
        "gfs",
        "gfs2",
        "lustre",
        "ocfs2",
        "9p",
        "beegfs",
        "gpfs",
        "fuse",
        "fuseblk",
    }
)
#: Small memory file systems that the system itself or a container engine keeps.
SYSTEM_MEMORY = (
    "/sys/*",
    "/proc/*",
    "/dev",
    "/run/lock",
    "/run/user/*",
    "/run/credentials/*",
    "/run/container*",
    "/var/lib/container*",
    "/var/lib/docker/*",
    "/var/lib/kubelet/*",
)


class Mount(NamedTuple):
    """A line of /proc/PID/mountinfo; options are the mount's own, super_options the file system's."""

    device_number: str
    root: str
    point: str
    options: Tuple[str, ...]
    type: str
    source: str
    super_options: Tuple[str, ...]
    number: int = 0


def unescape(text: str) -> str:
    """Return a mount table's field with its octal escapes (space, tab, newline, backslash) undone."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def parse_mountinfo(text: str) -> List[Mount]:
    """Return /proc/PID/mountinfo (proc(5)); lines that don't follow the format are left out."""
    mounts = []
    for line in text.split("\n"):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(kind) < 3 or not fields[0].isdigit():
            continue
        mounts.append(
            Mount(
                fields[2],
                unescape(fields[3]),
                unescape(fields[4]),
                tuple(fields[5].split(",")),
                kind[0],
                unescape(kind[1]),
                tuple(kind[2].split(",")),
                int(fields[0]),
            )
        )
    return mounts


def parse_fstab(text: str) -> Dict[str, Tuple[str, ...]]:
    """Return fstab(5) as mount point → options."""
    table = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3 and not fields[0].startswith("#"):
            options = fields[3] if len(fields) > 3 else "defaults"
            table[unescape(fields[1])] = tuple(options.split(","))
    return table


def is_network(mount: Mount) -> bool:
    """Return whether another host or a process of the user's serves the file system."""
    return mount.type in NETWORK or mount.type.startswith("fuse.")


def is_memory(mount: Mount) -> bool:
    """Return whether the file system lives in memory."""
    return mount.type == "tmpfs"


def is_read_only(mount: Mount) -> bool:
    """Return whether nothing can be written there now."""
    return "ro" in mount.options or "ro" in mount.super_options


def unexpectedly_read_only(mount: Mount, fstab: Dict[str, Tuple[str, ...]]) -> bool:
    """Return whether a file system is read-only although nobody asked for that.

    After an error the kernel turns the file system read-only below a mount that still says rw; a mount that
    fstab wants writable should be.
    """
    if not is_read_only(mount):
        return False
    if "ro" not in mount.options:
        return True
    return mount.point in fstab and "ro" not in fstab[mount.point]


def storage(mounts: Sequence[Mount], ignored: Sequence[str]) -> List[Mount]:
    """Return the mounts worth measuring, those with the shortest mount point first.

    A later mount hides an earlier one at the same point. Only the table is read: nothing here can hang.
    """
    visible = {mount.point: mount for mount in mounts}
    return sorted(
        (
            mount
            for mount in visible.values()
            if _is_storage(mount) and not any(fnmatch.fnmatchcase(mount.point, pattern) for pattern in ignored)
        ),
        key=lambda mount: (len(mount.point), mount.point),
    )


def distinct(mounts: Sequence[Mount]) -> List[Mount]:
    """Return the mounts by mount point, each file system once, by the first of its mounts.

    Bind mounts and Btrfs subvolumes are the same file system.
    """
    chosen: Dict[Tuple[str, str], Mount] = {}
    for mount in mounts:
        identity = (mount.type, mount.source) if mount.source.startswith("/dev/") else ("", mount.device_number)
        chosen.setdefault(identity, mount)
    return sorted(chosen.values(), key=lambda mount: mount.point)


def holding(mounts: Sequence[Mount], number: Optional[int], path: str) -> Optional[Mount]:
    """Return the mount that holds an open file: by its number where the kernel tells it, else by the file's path."""
    if number is not None:
        return next((mount for mount in mounts if mount.number == number), None)
    above = [mount for mount in mounts if (path + "/").startswith(mount.point.rstrip("/") + "/")]
    return max(above, key=lambda mount: len(mount.point)) if above else None


def _is_storage(mount: Mount) -> bool:
    if mount.type in PSEUDO or mount.type in IMAGES:
        return False
    if is_memory(mount):
        if is_read_only(mount):
            return False
        return not any(fnmatch.fnmatchcase(mount.point, pattern) for pattern in SYSTEM_MEMORY)
    # An overlay elsewhere is a container's view of a disk that is measured itself.
    return mount.type != "overlay" or mount.point == "/"
