"""YAML files whose values remember the line they stand on.

Site files are written by hand, so an error must name file, line and key. Ansible's own tags
(``!vault``, ``!unsafe``) are kept as opaque text: this program never needs their content here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from runner.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A site file with more nodes than this is an error or an attack (nested aliases), not a site file.
MAXIMUM_NODES = 200_000
#: Nor is one that is nested deeper than this; composing a very deep one would end the process.
MAXIMUM_DEPTH = 100

VAULT_HEADER = "$ANSIBLE_VAULT;"

#: So much of a value that is none stands in the message, and what its kind is called.
_SHOWN = 40
_TAGS = {"timestamp": "date", "int": "number", "float": "number"}

KeyPath = tuple[str | int, ...]


class Vaulted(str):
    """The ciphertext of a ``!vault`` value."""

    __slots__ = ()


@dataclass(frozen=True)
class YamlSource:
    """One parsed file: ``data`` for the program, ``lines`` from key path to line number (from 1).

    ``problems`` are lines and errors of what could not be read, though the rest of the file could; ``unread`` its keys.
    """

    path: Path
    data: Any
    lines: dict[KeyPath, int]
    vaulted: bool = False
    problems: tuple[tuple[int, str], ...] = ()
    unread: frozenset[KeyPath] = frozenset()

    def line(self, key: KeyPath = ()) -> int:
        """Return the line of a key, or of its nearest parent that stands in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def where(self, key: KeyPath = ()) -> str:
        """Return ``file:line`` of a key."""
        return f"{self.path}:{self.line(key)}"

    def problem(self, key: KeyPath, message: str) -> str:
        """Return one error line: file, line, key, and what is wrong."""
        name = ".".join(str(part) for part in key)
        return f"{self.where(key)}: {name}: {message}" if name else f"{self.where(key)}: {message}"


class _Reader:
    """Walks the nodes of one document, noting lines and what cannot be meant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[tuple[int, str]] = []
        self.unread: set[KeyPath] = set()
        self.count = 0
        self.constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, key: KeyPath) -> Any:
        self.count += 1
        if self.count > MAXIMUM_NODES:
            raise BadInput(f"{self.path}: more than {MAXIMUM_NODES} values; not a site file")
        self.lines.setdefault(key, node.start_mark.line + 1)
        if node.tag in ("!vault", "!vault-encrypted"):
            return Vaulted(node.value)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*key, index)) for index, child in enumerate(node.value)]
        if node.tag.startswith("!"):
            return node.value
        try:
            return self.constructor.construct_object(node)
        except (yaml.YAMLError, ValueError, KeyError, IndexError, AttributeError, TypeError):
            self.unread.add(key)
            kind = node.tag.rpartition(":")[2]
            shown = node.value if len(node.value) <= _SHOWN else f"{node.value[:_SHOWN]}…"
            self._problem(node, key, f"{shown!r} is no {_TAGS.get(kind, kind)}")
            return node.value

    def _mapping(self, node: yaml.MappingNode, key: KeyPath) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if name_node.tag == "tag:yaml.org,2002:merge":
                sources = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                for source in reversed(sources):
                    if not isinstance(source, yaml.MappingNode):
                        raise BadInput(f"{self.path}:{line}: only a mapping can be merged with <<")
                    merged.update(self.read(source, key))
                continue
            name = self.read(name_node, (*key, "(key)"))
            self.lines.pop((*key, "(key)"), None)
            if isinstance(name, (list, dict)):
                raise BadInput(f"{self.path}:{line}: a key must be a plain value")
            if name in result:
                self._problem(name_node, (*key, name), "this key stands here twice")
                continue
            self.lines[(*key, name)] = line
            result[name] = self.read(value_node, (*key, name))
        return {**merged, **result}

    def _problem(self, node: yaml.Node, key: KeyPath, message: str) -> None:
        line = node.start_mark.line + 1
        name = ".".join(str(part) for part in key)
        self.problems.append((line, f"{self.path}:{line}: {name}: {message}"))


def read_yaml(path: Path, *, lenient: bool = False) -> YamlSource:
    """Return the content of one YAML file; ``lenient``: also where single values cannot be read, as text.

    Raises BadInput naming file and line where it cannot be read or parsed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise BadInput(f"{path}: {reason}") from error
    if text.startswith(VAULT_HEADER):
        return YamlSource(path, {}, {}, vaulted=True)
    return parse_yaml(path, text, lenient=lenient)


def parse_yaml(path: Path, text: str, *, lenient: bool = False) -> YamlSource:
    """Return the content of a file whose text is already at hand; raises as read_yaml does."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(path, text, loader)
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{path}:{line}: {error.problem or 'is not YAML'}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"{path}: is not YAML: {str(error).splitlines()[0]}") from error
    reader = _Reader(path)
    try:
        data = reader.read(node, ()) if node is not None else {}
    except RecursionError as error:
        raise BadInput(f"{path}: is nested too deeply") from error
    if reader.problems and not lenient:
        raise BadInput("\n".join(message for _, message in reader.problems))
    return YamlSource(path, data, reader.lines, problems=tuple(reader.problems), unread=frozenset(reader.unread))


def _refuse_depth(path: Path, text: str, loader: Any) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAXIMUM_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise BadInput(f"{path}:{line}: is nested deeper than {MAXIMUM_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def leaves(value: Any, key: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every scalar below a value with its key path."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(child, (*key, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*key, index))
    else:
        yield key, value
