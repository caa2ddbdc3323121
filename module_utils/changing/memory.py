"""What the gate remembers between the batches of a run: a file beside the token, which no variable of a play changes.

FOLDER/gate.json    {started, monotonic, batches: [[seconds, hosts], ...], last, open}
"""

import json
import os
import time
from typing import Any, Dict, List, Optional, Tuple

from .token import Refused, Token, private_content

NAME = "gate.json"

#: Bytes, at the most: the hosts of the open batch and of those to come are named in it.
LARGEST = 1 << 26


class Memory:
    """The run's batches so far: how long each took, what was decided of the last, and the one that is open."""

    def __init__(self, token: Token) -> None:
        """Raises Refused where what lies there cannot be read."""
        self._path = os.path.join(token.folder, NAME)
        self.started, self.monotonic = time.time(), time.monotonic()
        #: (seconds, hosts that were worked on) of each batch.
        self.batches: List[Tuple[float, int]] = []
        self.last: Optional[str] = None
        #: What the gate said when the batch began that has not been decided yet.
        self.open: Optional[Dict[str, Any]] = None
        if os.path.lexists(self._path):
            self._recall()

    def _recall(self) -> None:
        try:
            told = json.loads(private_content(self._path, LARGEST).decode("utf-8"))
            self.started, self.monotonic = float(told["started"]), float(told["monotonic"])
            self.batches = [(float(seconds), int(hosts)) for seconds, hosts in told["batches"]]
            self.last, self.open = told["last"], told["open"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("%s cannot be read: %s" % (self._path, error)) from error

    def now(self) -> float:
        """Return seconds of the epoch; a clock that is set back while the run goes on does not lengthen its window."""
        return max(time.time(), self.started + time.monotonic() - self.monotonic)

    def begin(self, batch: Dict[str, Any]) -> None:
        """Remember a batch that begins, with its hosts and when. Raises OSError."""
        self.open = batch
        self._save()

    def end(self, word: str, took: Optional[Tuple[float, int]] = None) -> None:
        """Remember what was decided, of the open batch or instead of one. Raises OSError; then the batch stays open."""
        self.last, self.open = word, None
        self.batches += [took] if took else []
        self._save()

    def _save(self) -> None:
        new = self._path + ".new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            told = {"started": self.started, "monotonic": self.monotonic, "batches": self.batches}
            json.dump(dict(told, last=self.last, open=self.open), file)
        os.replace(new, self._path)
