"""The purchaser's own Word form: a template whose fields are filled in, and nothing else happens.

A form is a .docx with ``{{ number }}`` where a field goes, and ``{%tr for host in hosts %}`` where the rows of a table
repeat; docs/forms.md lists the fields. It runs in Jinja's sandbox: it reaches the fields, and nothing of the program.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any, ClassVar

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reports.render.dated import dated
from reports.text import printable
from runner.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

#: A form that unpacks to more than this is none.
MAXIMUM_BYTES = 64 * 1024 * 1024

#: What a template may raise while it is read or filled in, beside Jinja's own errors.
_FAILURES = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError, AssertionError),
    *(OSError, zipfile.BadZipFile, SyntaxError),
)

_TAG = re.compile(r"<[^>]+>")


class _Group:
    """Fields that stand together, such as those of one host. A form reaches them as ``host.name``."""

    def __init__(self, name: str, fields: Mapping[str, Any]) -> None:
        self._name, self._fields = name, {key: _wrapped(f"{name}.{key}", value) for key, value in fields.items()}

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __str__(self) -> str:
        raise _NotAField(f"{self._name} is a group of fields, such as {self._name}.{next(iter(self._fields), '')}")


class _List:
    """A list of groups. A form repeats a row or paragraph for each."""

    def __init__(self, name: str, members: Sequence[Any]) -> None:
        self._name, self._members = name, [_wrapped(f"{name}[]", one) for one in members]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, place: int) -> Any:
        return self._members[place]

    def __str__(self) -> str:
        raise _NotAField(f"{self._name} is a list; repeat a row for each of it")


class _NotAField(TemplateError):
    """A form shows what is no single field."""


class _UnknownField(StrictUndefined):
    """Tells which field a form names that does not exist."""

    @property
    def _undefined_message(self) -> str:
        owner = self._undefined_obj
        if isinstance(owner, _Group | _List):
            return f"there is no field {owner._name}.{self._undefined_name}"  # noqa: SLF001 - both are of this module
        return f"there is no field {self._undefined_name}"


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox: fields are reached by name, unknown ones are errors, and text never becomes markup."""

    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"**", "*", "%"})  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__(undefined=_UnknownField, autoescape=True)
        self.filters.pop("safe")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse the operations that make much of little: a page of text needs neither."""
        if operator == "**" or isinstance(left, str) or isinstance(right, str):
            raise _NotAField(f"{operator} has no place in a form")
        return super().call_binop(context, operator, left, right)


def render_form(form: Path, fields: Mapping[str, Any], moment: datetime) -> bytes:
    """Return the form with its fields filled in, every part of the file dated alike.

    ``fields`` maps names to text, figures and flags, to such mappings, and to lists of them.
    Raises BadInput naming the file and the field, or the place, that is wrong.
    """
    try:
        content = form.read_bytes()
        _check_size(form, content)
        template = DocxTemplate(io.BytesIO(content))
        template.render({name: _wrapped(name, value) for name, value in fields.items()}, _Environment())
        written = io.BytesIO()
        template.save(written)
    except TemplateError as error:
        raise BadInput(f"{form}: {error.message or error}{_place(error)}") from error
    except _FAILURES as error:
        what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise BadInput(f"{form}: cannot be filled in as a Word form: {what}") from error
    return dated(written.getvalue(), moment)


def _wrapped(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _Group(name, value)
    if isinstance(value, (list, tuple)):
        return _List(name, value)
    return printable(value) if isinstance(value, str) else value


def _check_size(form: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if sum(part.file_size for part in file.infolist()) > MAXIMUM_BYTES:
            raise BadInput(f"{form}: unpacks to more than {MAXIMUM_BYTES >> 20} MiB")


def _place(error: TemplateError) -> str:
    """Return the words near a place where a form's own markup is wrong."""
    lines = [_TAG.sub("", line).strip() for line in getattr(error, "docx_context", ())]
    found = next((line for line in lines if "{" in line), "")
    return f", near “{printable(found)[:80]}”" if found else ""
