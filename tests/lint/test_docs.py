"""The guides stay true: each command that they show is one that the program has, each link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from runner.cli import cli

PROJECT = Path(__file__).resolve().parents[2]
GUIDES = [PROJECT / "README.md", PROJECT / "README.zh-CN.md", *sorted((PROJECT / "docs").rglob("*.md"))]
#: A call stands behind a prompt, with its continued lines, alone on an indented line, or in backticks.
CALLS = re.compile(r"^\$ (weibao (?:[^\n]*\\\n)*[^\n]*)|^    (weibao [^\n]*)|`(weibao [^`\n]*)`", re.MULTILINE)


def calls(guide: Path) -> list[tuple[str, bool]]:
    """Return each call without what becomes of its output, and whether it is one to be typed or only named."""
    found = CALLS.findall(guide.read_text(encoding="utf-8"))
    return [(re.sub(r"\s+[|>].*|\\\n", " ", typed or indented or named), not named) for typed, indented, named in found]


def parse(command: click.Command, arguments: list[str]) -> None:
    """Read arguments as the program would, without doing anything; raises UsageError where it would refuse them."""
    context = command.make_context("weibao", arguments)
    if isinstance(command, click.Group):
        _, chosen, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert chosen is not None
        parse(chosen, rest)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(PROJECT)))
def test_every_command_of_a_guide_is_one_of_the_program(guide: Path) -> None:
    wrong = []
    for call, whole in calls(guide):
        try:
            parse(cli, shlex.split(call, comments=True)[1:])
        except click.exceptions.Exit:
            continue  # --help
        except click.UsageError as error:
            incomplete = isinstance(error, (click.MissingParameter, click.exceptions.NoArgsIsHelpError))
            if whole or not incomplete:
                wrong.append(f"{call}: {error.format_message()}")
    assert wrong == []


def test_the_guides_show_what_people_do() -> None:
    shown = " ".join(call for guide in GUIDES for call, _ in calls(guide))
    missing = [name for name, command in cli.commands.items() if f" {name}" not in shown]
    assert missing == []
    for group in ("site", "schedule", "record", "document"):
        command = cli.commands[group]
        assert isinstance(command, click.Group)
        assert [name for name in command.commands if f" {group} {name}" not in shown] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(PROJECT)))
def test_links_of_the_guides_lead_somewhere(guide: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", guide.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (guide.parent / link).exists()] == []
