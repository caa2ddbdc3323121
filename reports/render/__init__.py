"""Renderers: a Document in, bytes out. Each format's libraries are imported when that format is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from runner.errors import BadInput, MachineError

if TYPE_CHECKING:
    from reports.document import Document

#: The formats by their file name's ending.
FORMATS = ("html", "docx", "pdf", "xlsx")


class RenderingUnavailable(MachineError):
    """This machine lacks something that a format needs; the message names what to install."""


def render(document: Document, form: str) -> bytes:
    """Return the document as a file of one of FORMATS.

    Raises BadInput for another format, and RenderingUnavailable where the machine lacks what the format needs.
    """
    if form not in FORMATS:
        raise BadInput(f"no format {form!r}; formats: {', '.join(FORMATS)}")
    return cast("bytes", import_module(f"reports.render.{form}").render(document))
