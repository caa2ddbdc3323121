from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runner.errors import BadInput, MachineError
from runner.site import Site, find_site, site_names


def test_sites_are_found_in_the_clone_and_in_further_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hosts.yml").write_text("all:\n")
    (tmp_path / "no-site").mkdir()
    monkeypatch.setenv("WEIBAO_SITES", f"{tmp_path}{os.pathsep}/nowhere")
    assert {"lab", "local", "one", "two"} <= set(site_names())
    assert "no-site" not in site_names()
    assert find_site("two", tmp_path / "home").state == tmp_path / "home" / "two"


def test_two_sites_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "hosts.yml").write_text("all:\n")
    monkeypatch.setenv("WEIBAO_SITES", str(tmp_path))
    with pytest.raises(BadInput, match="would share their state"):
        find_site("local", tmp_path / "home")


@pytest.mark.parametrize("name", ["", ".", "..", "../local", "local/", "/etc", "LOCAL", ".hidden"])
def test_a_name_that_is_no_site_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no site named"):
        find_site(name, tmp_path)


def test_state_is_for_this_user_alone(site: Site) -> None:
    for folder in (site.state, site.runs_folder, site.ledger_folder, site.documents_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_state_folder_that_cannot_be_made_is_a_machine_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot keep state here"):
        Site("x", tmp_path, tmp_path / "file" / "x").prepare()


def test_variable_files_are_the_inventory_and_all_below_its_variables(site: Site) -> None:
    for name in ("group_vars/all/a.yml", "group_vars/all/.swap", "host_vars/web.yml"):
        path = site.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")
    found = [str(path.relative_to(site.folder)) for path in site.variable_files]
    assert found == ["hosts.yml", "group_vars/all/a.yml", "host_vars/web.yml"]


def test_variables_of_hosts_whose_names_have_dots_are_found_and_notes_beside_them_are_not(site: Site) -> None:
    for name in ("host_vars/10.0.0.5", "host_vars/db.example.com", "host_vars/README.md", "host_vars/web/notes.txt"):
        path = site.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")
    found = [str(path.relative_to(site.folder)) for path in site.variable_files]
    assert found == ["hosts.yml", "host_vars/10.0.0.5", "host_vars/db.example.com"]


def test_variables_that_cannot_be_read_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.folder / "group_vars" / "all").mkdir(parents=True)
    real = os.scandir
    # Root reads every folder.
    refused = PermissionError(13, "Permission denied", str(site.folder / "group_vars" / "all"))

    def scandir(path: str) -> object:
        if str(path).endswith("all"):
            raise refused
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BadInput, match="group_vars/all: cannot be read: Permission denied"):
        _ = site.variable_files
