"""Whom a site tells of what went wrong, and over which channels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from runner.contract.base import Record, Text

#: What a channel can be told of: exceptions that are newly critical, runs that did not look at everything, and changes
#: that were to begin by themselves and did not.
Event = Literal["critical", "failed_run", "change_waits"]

#: The longest time after which the same failure is told again: a year.
LONGEST_HOURS = 8760


class Channel(Record):
    """One way to tell somebody; its URL is a secret, kept in a vault, in a file or in the environment.

    The URL is of the form that apprise documents for each service: mailtos://, wecombot://, dingtalk://, feishu://,
    json:// for a webhook, and others.
    """

    name: Text
    url: Text | None = None
    url_file: Text | None = None
    url_environment: Text | None = None
    events: Annotated[tuple[Event, ...], Field(strict=False, min_length=1)] = (
        *("critical", "failed_run", "change_waits"),
    )

    @model_validator(mode="after")
    def _one_source(self) -> Channel:
        given = [one for one in (self.url, self.url_file, self.url_environment) if one]
        if len(given) != 1:
            raise ValueError("a channel has one of url, url_file, url_environment")
        return self


class Notifications(Record):
    """The file notify.yml: its channels, and after how many hours the same failure is told again."""

    schema_version: Literal[1]
    repeat_hours: Annotated[float, Field(gt=0, le=LONGEST_HOURS, strict=False)] = 24
    channels: Annotated[tuple[Channel, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Notifications:
        names = [channel.name for channel in self.channels]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"channels with the same name: {', '.join(twice)}")
        return self
