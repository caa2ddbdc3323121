"""Decides, from what lies in a folder, which backup is the newest finished one and how it compares."""

from typing import List, NamedTuple, Optional, Sequence

from .looking import Backup, Seen

#: Seconds by which a file may be ahead of this host's clock, as on a server of its own.
AHEAD = 300.0
#: How many earlier backups to compare with: at least, and the newest of them at most.
FEWEST_EARLIER = 3
MOST_EARLIER = 10


class Standing(NamedTuple):
    """The newest finished backup and the earlier ones, what is being written, and what lies in the future.

    ``newest`` is None where none is finished, or where none can be told to be the newest.
    """

    newest: Optional[Backup]
    earlier: List[Backup]
    writing: List[Backup]
    abandoned: List[Backup]
    future: Optional[Backup]


def stand(seen: Seen, now: float, settle: float) -> Standing:
    """Return how a set stands at ``now`` (seconds of the epoch).

    What changed within the last ``settle`` seconds is still being written, so the one before is judged: a job that
    never ends leaves that one to grow old. What bears an unfinished name never counts as a backup.
    """
    future = next((backup for backup in seen.backups if backup.changed > now + AHEAD), None)
    settled = now - settle if settle else now + AHEAD
    finished = [backup for backup in seen.backups if backup.changed <= settled]
    writing = [backup for backup in seen.backups if settled < backup.changed <= now + AHEAD]
    fresh = [backup for backup in seen.unfinished if now - max(settle, AHEAD) < backup.changed <= now + AHEAD]
    abandoned = [backup for backup in seen.unfinished if backup not in fresh]
    newest = finished[0] if finished and future is None else None
    return Standing(newest, finished[1:] if newest else [], writing + fresh, abandoned, future)


def median_size(earlier: Sequence[Backup]) -> Optional[float]:
    """Return the median size of the newest earlier backups, or None of too few; empty ones tell nothing."""
    sizes = sorted(backup.size for backup in [one for one in earlier if not one.is_empty][:MOST_EARLIER])
    if len(sizes) < FEWEST_EARLIER:
        return None
    middle = len(sizes) // 2
    return float(sizes[middle]) if len(sizes) % 2 else (sizes[middle - 1] + sizes[middle]) / 2.0
