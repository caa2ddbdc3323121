from __future__ import annotations

from pathlib import Path

import pytest

from reports.catalogue import LANGUAGES, load_catalogue
from runner.errors import BadInput
from runner.operations.documents import DOCUMENTS
from runner.procedures import find_procedure, load_procedures
from runner.site import PROJECT

PLAY = """- hosts: all
  vars:
    weibao_procedure:
      changes_hosts: false
      repeatable: true
      observations: {}
"""


def test_inspect_reads_only_and_owes_observations() -> None:
    inspect = find_procedure(PROJECT, "inspect")
    assert (inspect.changes_hosts, inspect.repeatable, inspect.observations) == (False, True, True)
    assert inspect.documents == ("inspection-record",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_procedure_is_worded_and_writes_known_documents(language: str) -> None:
    catalogue = load_catalogue(language)
    for name, procedure in load_procedures(PROJECT).items():
        assert catalogue.word("procedures", name, "title") != name
        assert catalogue.word("procedures", name, "needs") != name
        assert set(procedure.documents) <= set(DOCUMENTS)


def test_every_state_of_a_verdict_is_worded() -> None:
    for language in LANGUAGES:
        catalogue = load_catalogue(language)
        assert all(catalogue.find("states", state) for state in ("complete", "partial", "failed", "incomplete"))


def test_a_wrong_declaration_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "odd.yml").write_text(PLAY.format("perhaps"))
    with pytest.raises(BadInput, match=r"odd.yml:6: 0.vars.weibao_procedure.observations: "):
        load_procedures(tmp_path)


def test_a_playbook_that_declares_nothing_is_no_procedure(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "plain.yml").write_text("- hosts: all\n")
    (tmp_path / "playbooks" / "good.yml").write_text(PLAY.format("true"))
    assert list(load_procedures(tmp_path)) == ["good"]
    with pytest.raises(BadInput, match="no procedure named 'plain'; procedures: good"):
        find_procedure(tmp_path, "plain")
