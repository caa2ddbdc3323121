"""Which file systems a host has: reads the mount table and keeps what a person would call a disk."""

import fnmatch
import os
import re
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

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
    """A line of /proc/self/mountinfo; options are the mount's own, super_options the file system's."""

    device_number: str
    root: str
    point: str
    options: Tuple[str, ...]
    type: str
    source: str
    super_options: Tuple[str, ...]


def unescape(text: str) -> str:
    """Return a mount table's field with its octal escapes (space, tab, newline, backslash) undone."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def parse_mountinfo(text: str) -> List[Mount]:
    """Return /proc/self/mountinfo (proc(5)); lines that don't follow the format are left out."""
    mounts = []
    for line in text.split("\n"):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(kind) < 3:
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
    """Return the mounts worth measuring, sorted by mount point, each file system once by its shortest mount point.

    A later mount hides an earlier one at the same point. Bind mounts and Btrfs subvolumes are the same file system.
    """
    visible = {mount.point: mount for mount in mounts}
    chosen: List[Mount] = []
    seen: Set[Tuple[str, str]] = set()
    for mount in sorted(visible.values(), key=lambda mount: (len(mount.point), mount.point)):
        identity = (mount.type, mount.source) if mount.source.startswith("/dev/") else ("", mount.device_number)
        if not _is_storage(mount) or identity in seen:
            continue
        if any(fnmatch.fnmatchcase(mount.point, pattern) for pattern in ignored):
            continue
        seen.add(identity)
        chosen.append(mount)
    return sorted(chosen, key=lambda mount: mount.point)


def _is_storage(mount: Mount) -> bool:
    if mount.type in PSEUDO or mount.type in IMAGES:
        return False
    if is_memory(mount):
        if is_read_only(mount):
            return False
        return not any(fnmatch.fnmatchcase(mount.point, pattern) for pattern in SYSTEM_MEMORY)
    if mount.type == "overlay":
        return mount.point == "/"  # elsewhere it is a container's view of a disk that is measured itself
    if is_network(mount):
        return True  # even asking for its kind could hang
    return os.path.isdir(mount.point)  # containers have single files mounted over /etc/hosts and others
