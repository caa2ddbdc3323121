"""The catalogue: every word that a document uses, by key and language, with a site's own words laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.errors import BadInput

LANGUAGES = ("zh", "en")

_FOLDER = Path(__file__).parent / "catalog"
#: One file for each inspecting role, in the order of the record.
_CHECKS = ("checks.yml", "checks-services.yml", "checks-backups.yml", "checks-databases.yml", "checks-changes.yml")
#: What contracts, their schedule, their records and their reports are worded with.
_CONTRACT = ("contract.yml", "schedule.yml", "records.yml", "compliance.yml")
#: What the auditor's pack is worded with.
_PACK = ("audit.yml", "audit-pack.yml", "audit-evidence.yml")
#: What changes are worded with.
_CHANGES = ("changes.yml", "change-documents.yml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Catalogue:
    """The words of one language: ``tables`` maps checks, reasons, verdicts, levels, sections, units and terms."""

    language: str
    tables: Mapping[str, Mapping[str, Any]]

    def find(self, *path: Any) -> Any:
        """Return what stands at a path of keys, in this language where it has one, or None."""
        node: Any = self.tables
        for key in path:
            if not isinstance(node, dict):
                return None
            node = node.get(key)
        if isinstance(node, dict) and any(language in node for language in LANGUAGES):
            return node[self.language] if self.language in node else next(iter(node.values()))
        return node

    def word(self, table: str, key: str, *path: Any) -> str:
        """Return a text, or the key itself where the catalogue has none: a missing word stops no document."""
        found = self.find(table, key, *path)
        return found if isinstance(found, str) else key

    def keys(self, table: str) -> tuple[str, ...]:
        """Return the keys of a table."""
        return tuple(self.tables.get(table, ()))

    def section_of(self, check: str) -> str:
        """Return the section that a check stands in; checks unknown to the catalogue stand in ``other``."""
        section = self.find("checks", check, "section")
        return section if isinstance(section, str) else "other"

    def order_of(self, check: str) -> int:
        """Return the place of a check in the catalogue; those unknown to it come last."""
        return _places(tuple(self.tables["checks"])).get(check, len(self.tables["checks"]))


def load_catalogue(language: str, overlay: Path | None = None) -> Catalogue:
    """Return the catalogue of a language, zh or en.

    ``overlay`` is a site's YAML file of the same tables, merged key by key; a missing file changes nothing.
    Raises BadInput for an unknown language, and for an overlay that is no mapping of tables.
    """
    if language not in LANGUAGES:
        raise BadInput(f"no language {language!r}; languages: {', '.join(LANGUAGES)}")
    tables: Mapping[str, Any] = _shipped()
    if overlay is not None and overlay.exists():
        tables = _merged(tables, _read_overlay(overlay))
    return Catalogue(language, tables)


@cache
def _shipped() -> dict[str, Any]:
    checks: dict[str, Any] = {}
    for path in _CHECKS:
        checks |= yaml.load((_FOLDER / path).read_bytes(), _LOADER)  # noqa: S506 - the loader is a safe one
    tables: dict[str, Any] = {"checks": checks}
    for name in ("reasons.yml", "terms.yml", "program.yml", "notices.yml", *_CONTRACT, *_PACK, *_CHANGES):
        tables |= yaml.load((_FOLDER / name).read_bytes(), _LOADER)  # noqa: S506 - the loader is a safe one
    return tables


@cache
def _places(checks: tuple[str, ...]) -> dict[str, int]:
    return {check: place for place, check in enumerate(checks)}


def _read_overlay(path: Path) -> Mapping[str, Any]:
    try:
        overlay = yaml.load(path.read_bytes(), _LOADER)  # noqa: S506 - the loader is a safe one
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: {error}") from error
    if overlay is None:
        return {}
    if not isinstance(overlay, Mapping):
        raise BadInput(f"{path}: must map tables to words")
    unknown = [str(table) for table in overlay if table not in _shipped()]
    if unknown:
        raise BadInput(f"{path}: no such table: {', '.join(unknown)}; tables: {', '.join(_shipped())}")
    wrong = [str(table) for table, words in overlay.items() if not isinstance(words, Mapping)]
    if wrong:
        raise BadInput(f"{path}: {', '.join(wrong)}: must map keys to words")
    return overlay


def _merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
