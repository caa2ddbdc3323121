from __future__ import annotations

import pytest
from ansible.module_utils.databases import settings
from ansible.module_utils.databases.settings import SOCKETS, Instance, account, parse_options
from ansible.module_utils.measuring.errors import Unmeasurable
from hypothesis import given
from hypothesis import strategies as st

OPTIONS = r"""
# our own
!includedir /etc/mysql/conf.d/
[mysqld]
port = 1
[client]
user=weibao
password = "Sonne#Mond 7"   # quoted
port=3307
ssl_ca = /etc/ca.pem
host = db1
[mysql]
user = other
"""


def test_an_option_file_as_mysql_s_own_programs_read_it():
    assert parse_options(OPTIONS) == {
        "user": "weibao",
        "password": "Sonne#Mond 7",
        "port": "3307",
        "ssl-ca": "/etc/ca.pem",
        "host": "db1",
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("password=plain", "plain"),
        ("password=a#b", "a#b"),
        ("password=a # comment", "a"),
        ("password='it''s'", "it''s"),
        (r"password=tab\tback\\slash\s", "tab\tback\\slash "),
        ("password", ""),
        ("password==", "="),
    ],
)
def test_values_with_quotes_comments_and_escapes(line, value):
    assert parse_options("[client]\n" + line)["password"] == value


@given(st.text())
def test_no_text_breaks_the_reader(text):
    try:
        found = parse_options(text)
    except ValueError:
        return
    assert all(isinstance(value, str) for value in found.values())


def declared(**inputs):
    return account(Instance("his", "mariadb", **inputs))


def test_inputs_come_before_the_option_file(tmp_path):
    path = tmp_path / "client.cnf"
    path.write_text(OPTIONS)
    assert declared(config_file=str(path)).place == "db1:3307"
    found = declared(config_file=str(path), host="db2", user="root", password="")
    assert (found.place, found.user, found.password) == ("db2:3307", "root", "")
    assert found.tls == {"ca": "/etc/ca.pem", "check_hostname": True}
    assert declared(config_file=str(path), socket="/run/db.sock").place == "/run/db.sock"


def test_what_nobody_says_is_the_usual_socket(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "SOCKETS", (str(tmp_path / "none"), str(tmp_path)))
    assert declared().socket == declared(host="localhost").socket == str(tmp_path)
    assert declared(host="localhost", port=3307).place == "localhost:3307"
    monkeypatch.setattr(settings, "SOCKETS", SOCKETS[-1:])
    assert declared().socket == SOCKETS[-1]


@pytest.mark.parametrize(
    ("inputs", "local"),
    [({}, True), ({"host": "127.0.0.1"}, True), ({"host": "::1"}, True), ({"host": "10.0.8.14"}, False)],
)
def test_which_servers_are_on_this_host(inputs, local):
    assert declared(**inputs).local is local


@pytest.mark.parametrize(("text", "code"), [(None, "source_missing"), ("user=weibao\n", "unparsable")])
def test_an_option_file_that_cannot_be_read_says_so(tmp_path, text, code):
    path = tmp_path / "client.cnf"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Unmeasurable) as raised:
        declared(config_file=str(path))
    assert (raised.value.code, raised.value.parameters) == (code, {"source": str(path)})
