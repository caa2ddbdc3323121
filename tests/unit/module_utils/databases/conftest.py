"""Servers that answer as real ones did: recorded from MariaDB 10.11 and 11.8 and MySQL 9.7 (Debian's packages)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible.module_utils.databases import dialect
from ansible.module_utils.databases.connecting import Refused
from ansible.module_utils.databases.releases import parse_version
from ansible.module_utils.databases.server import Server, Settings
from ansible.module_utils.databases.settings import Instance
from ansible.module_utils.databases.thresholds import DEFAULT_THRESHOLDS

FIXTURES = Path(__file__).parents[3] / "fixtures" / "database"

#: 2026-11-22 08:00 UTC, some hours after the recordings.
NOW = 1_795_334_400

DENIED = Refused(1227, "not_permitted", command="PROCESS")
UNKNOWN_STATEMENT = Refused(1064, "command_failed", command="SHOW ...", message="syntax")


class Recording:
    """A server's recorded answers; ``asked`` are the statements that were put to it."""

    def __init__(self, name, answers):
        recorded = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
        self.version = parse_version(recorded["version"])
        self.answers = {**recorded["answers"], **answers}
        self.asked = []

    def __call__(self, statement):
        self.asked.append(statement)
        key = {
            "SHOW GLOBAL STATUS": "status",
            "SHOW GLOBAL VARIABLES": "variables",
            dialect.GRANTS: "grants",
            dialect.TRANSACTIONS: "transactions",
            dialect.INCREMENTS: "increments",
        }.get(statement, "replication" if statement in dialect.replication(self.version) else "session")
        answer = self.answers.get(key, [])
        if isinstance(answer, list) and answer and isinstance(answer[0], str):  # the name of another answer
            answer = self.answers[answer[0]]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(statement)
        if isinstance(answer, dict):
            return [{"Variable_name": name, "Value": value} for name, value in answer.items()]
        return answer


@pytest.fixture
def server():
    """Return a server that answers as a recorded one, but for the answers and single figures that a test gives."""

    def make(name="mariadb-10.11", instance=None, local=True, thresholds=None, figures=None, since=None, **answers):
        recording = Recording(name, answers)
        own = {"hostname": os.uname()[1], **(figures or {})}
        for table in ("status", "variables"):
            if isinstance(recording.answers.get(table), dict):
                recorded = {key.lower(): value for key, value in recording.answers[table].items()}
                recording.answers[table] = {**recorded, **own}
        declared = Instance(**{"name": "his", "engine": recording.version.engine, **(instance or {})})
        made = Server(Settings(thresholds or DEFAULT_THRESHOLDS, 5.0, since), declared, local)
        made.now = NOW
        if since is None:
            made.since = NOW - 31 * 86400
        made.query, made.version = recording, recording.version
        return made

    return make
