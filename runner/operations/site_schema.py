"""Use case: the JSON Schema of a site's files, with which an editor completes and checks them while they are written.

``weibao site check`` finds more: what holds between entries no schema of this kind can say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from runner.contract.channels import Notifications
from runner.contract.descriptions import DESCRIPTIONS
from runner.contract.model import Contract
from runner.contract.people import People
from runner.contract.working_time import OwnCalendar

if TYPE_CHECKING:
    from pydantic import BaseModel

#: The files that have a schema, by name.
FILES: dict[str, type[BaseModel]] = {
    "contract": Contract,
    "people": People,
    "calendar": OwnCalendar,
    "notify": Notifications,
}


class _Schema(GenerateJsonSchema):
    """Leaves out titles that repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file, with a sentence on each key."""
    found = FILES[name].model_json_schema(by_alias=True, schema_generator=_Schema)
    for part in (found, *found.get("$defs", {}).values()):
        part["description"] = " ".join(part["description"].replace("``", "`").split())
        for key, content in part["properties"].items():
            part["properties"][key] = {"description": DESCRIPTIONS[part["title"]][key], **_plain(content)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """Return what may stand at a key, with its default where that is one plain value, as a file would have it."""
    default = content.get("default")
    plain = {name: value for name, value in content.items() if name != "default"}
    if isinstance(default, str) and "pattern" in content:
        default = default.removesuffix(":00")  # a time of day
    return {**plain, "default": default} if isinstance(default, str | int | float) else plain
