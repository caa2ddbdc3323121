"""Documents on the disk: one file for each format, and what this machine could not make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reports.render import RenderingUnavailable
from runner.errors import MachineError
from runner.evidence.canonical import replace_by_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Written:
    """The files that were written, and why others were not."""

    paths: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def save_documents(parts: Callable[[str], Iterable[bytes]], folder: Path, name: str, formats: Sequence[str]) -> Written:
    """Write a document in each format, as ``name.html`` and so on; ``parts`` gives the file of a format.

    Raises MachineError where the disk does not take a file; what lacks on the machine is told in ``problems``.
    """
    written = Written()
    for form in formats:
        path = folder / f"{name}.{form}"
        try:
            made = parts(form)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_by_parts(path, made)
        except RenderingUnavailable as error:
            written.problems.append(f"{form.upper()} was not written: {error}")
        except OSError as error:
            raise MachineError(f"{path}: cannot be written: {error.strerror}") from error
        else:
            written.paths.append(path)
    return written
