from __future__ import annotations

import pytest
from ansible.module_utils.services import probes
from hypothesis import given
from hypothesis import strategies as st

NONE = {"units": [], "tcp": [], "http": [], "dns": [], "timeout": 10.0}


def parse(**parameters):
    return probes.parse({**NONE, **parameters})


def only(**parameters):
    declared, problems = parse(**parameters)
    assert problems == []
    (probe,) = declared.probes
    return probe


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "shown"),
    [
        ("http://his", "his", 80, "/", "http://his"),
        ("https://his:8443/a/b?c=d#e", "his", 8443, "/a/b?c=d", "https://his:8443/a/b"),
        ("https://u:p@his/?token=t", "his", 443, "/?token=t", "https://his/"),
        ("http://[::1]:80/x", "::1", 80, "/x", "http://[::1]:80/x"),
        (
            "http://医院.example/门诊?q=中",
            "医院.example",
            80,
            "/%E9%97%A8%E8%AF%8A?q=%E4%B8%AD",
            "http://医院.example/门诊",
        ),
        ("http://his/a%20b", "his", 80, "/a%20b", "http://his/a%20b"),
    ],
)
def test_urls(url, host, port, target, shown):
    page = only(http=[{"url": url}])
    assert (page.host, page.port, page.target, page.shown, page.subject) == (host, port, target, shown, shown)


def test_users_and_passwords_of_urls_are_decoded_and_never_shown():
    page = only(http=[{"url": "https://us%40er:p%3Ass%2F@his/x?token=geheim", "name": "HIS"}])
    assert page.secret == "us@er:p:ss/"
    assert not any("p:ss" in str(value) or "geheim" in str(value) for value in (page.subject, page.shown))


def test_what_is_not_said_is_usual():
    page = only(http=[{"url": "http://his", "status": None, "verify": None, "timeout": None}])
    assert (page.status, page.method, page.verify, page.timeout) == ((200,), "GET", True, 10.0)
    assert only(tcp=[{"host": "db1", "port": 3306}]).subject == "db1:3306"
    assert only(dns=[{"query": "his.example"}]).subject == "his.example"


def test_addresses_are_compared_in_their_usual_form():
    assert only(dns=[{"query": "his", "addresses": ["2001:DB8::0:1", "10.1.2.3"]}]).addresses == (
        "2001:db8::1",
        "10.1.2.3",
    )


@pytest.mark.parametrize(
    ("given_", "named"),
    [("ssh", "ssh.service"), ("a.timer", "a.timer"), ("x@1", "x@1.service"), ("v1.2", "v1.2.service")],
)
def test_units_without_a_suffix_are_services(given_, named):
    assert parse(units=[given_]) == (probes.Declared([named], []), [])


@pytest.mark.parametrize("unit", ["", "a b", "-H", "x@.service", "x@", "a/b", "*.service"])
def test_what_is_no_unit(unit):
    assert parse(units=[unit])[1] == [f"units: {unit!r} is not the name of a unit"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"url": "ftp://his/"}, "url: is not like"),
        ({"url": "his/login"}, "url: is not like"),
        ({"url": "http://"}, "url: is not like"),
        ({"url": "http://his:port/"}, "url: is not like"),
        ({"url": "http://his:99999/"}, "url: is not like"),
        ({"url": "http://his:0/"}, "url: has no port 0"),
        ({"url": "http://his/a b"}, "url: is not like"),
        ({"url": "http://his/\r\nX: y"}, "url: is not like"),
        ({"url": "http://h is/"}, "url: is not like"),
        ({"url": "http://" + "a" * 64 + "/"}, "url: is not like"),
        ({"url": "http://[::1/"}, "url: is not like"),
        ({"url": "http://his", "status": [99]}, "status: must be"),
        ({"url": "http://his", "method": "DELETE"}, "method: must be one of"),
        ({"url": "http://his", "method": "HEAD", "contains": "x"}, "contains: only GET"),
        ({"url": "http://his", "host_header": "a\r\nb"}, "host_header: is not"),
        ({"url": "http://his", "ca_file": "ca.pem"}, "ca_file: is not an absolute path"),
        ({"url": "http://his", "timeout": 0}, "timeout: must be above 0"),
        ({"url": "http://his", "timeout": float("nan")}, "timeout: must be above 0"),
    ],
)
def test_what_is_wrong_with_a_page_is_told_without_its_url(entry, problem):
    secret = {**entry, "url": entry["url"].replace("://", "://user:geheim@"), "name": "HIS"}
    for one in (entry, secret):
        _, problems = parse(http=[one])
        assert any(f".{problem}" in each for each in problems), problems
        assert "geheim" not in str(problems)


def test_everything_that_is_wrong_is_named_at_once():
    _, problems = parse(
        timeout=1e9,
        units=["ssh", "ssh.service"],
        tcp=[{"host": "a b", "port": 1}, {"name": "DB", "host": "db", "port": 0}],
        http=[{"url": "http://his/?a=1"}, {"url": "http://his/?a=2"}],
        dns=[{"query": "10.1.1.1"}, {"query": "his", "addresses": ["10.1"]}],
    )
    assert problems == [
        "timeout: must be above 0 and at most 120",
        "units: ssh.service is declared twice",
        "tcp[0].host: 'a b' is neither an address nor a host's name",
        "tcp[1] (DB).port: 0 is not between 1 and 65535",
        "http: 'http://his/' is declared twice; give each a name",
        "dns[0].query: '10.1.1.1' is not a host's name",
        "dns[1].addresses: '10.1' is not an address",
    ]


def test_there_is_an_end_to_how_many_are_asked():
    assert parse(tcp=[{"host": "a", "port": port} for port in range(1, 202)])[1] == [
        "units, tcp, http, dns: at most 200 in all"
    ]


def test_secrets_are_taken_out_of_what_ansible_returns():
    parameters = {**NONE, "http": [{"url": "https://u:p@his/a?t=1"}, {"url": "http://[broken?t=1"}, {"url": "u:p@his"}]}
    probes.hide_secrets(parameters)
    assert parameters["http"] == [{"url": "https://his/a"}, {"url": ""}, {"url": ""}]


@given(st.text())
def test_no_url_crashes_and_what_is_taken_can_be_sent(url):
    declared, problems = parse(http=[{"url": url}])
    assert bool(declared.probes) != bool(problems)
    for page in declared.probes:
        assert page.target.isascii()
        assert page.target.startswith("/")


@given(st.text(max_size=30).map(lambda rest: "http://" + rest))
def test_whatever_follows_http_can_be_sent(url):
    for page in parse(http=[{"url": url}])[0].probes:
        assert page.target.isascii()
        assert page.host.encode("idna") or page.host
