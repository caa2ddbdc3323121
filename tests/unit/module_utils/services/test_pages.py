from __future__ import annotations

import gzip
import json
import socket
import socketserver
import ssl
import time

import pytest
from ansible.module_utils.services import tls

from .conftest import look


def http(url, **entry):
    """Look at one page called HIS; return its observations by check."""
    timeout = entry.pop("timeout", 5.0)
    return {
        check: seen for (check, _), seen in look(http=[{"name": "HIS", "url": url, **entry}], timeout=timeout).items()
    }


def levels(seen):
    return {check.partition(".")[2]: observation.level for check, observation in seen.items()}


def test_a_page_as_it_should_be(page):
    url = page("<title>门诊</title>门诊登录".encode(), headers=["Content-Type: text/html; charset=utf-8"])
    seen = http(url, contains="门诊登录")
    assert levels(seen) == {"answer": "ok", "text": "ok", "time": "ok"}
    assert seen["http.answer"].detail == {"url": url, "address": "127.0.0.1", "status": 200}
    assert 0 < seen["http.time"].value < 1000


def test_what_is_sent_is_what_was_declared(page, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    url = page().replace("//", "//user:ge%3Aheim@") + "门诊?q=1&r=a%20b"
    seen = http(url, host_header="his.example", method="HEAD")
    assert seen["http.answer"].level == "ok"
    (request,) = page.requests
    lines = request.split("\r\n")
    assert lines[0] == "HEAD /%E9%97%A8%E8%AF%8A?q=1&r=a%20b HTTP/1.1"
    assert {"Host: his.example", "Authorization: Basic dXNlcjpnZTpoZWlt", "Connection: close"} <= set(lines)
    said = json.dumps([observation._asdict() for observation in seen.values()])
    assert not any(secret in said for secret in ("heim", "q=1", "user", "dXNlcjpnZTpoZWlt"))


def test_a_wrong_status_is_told_with_what_came(page):
    seen = http(page("<title>网关错误</title>".encode(), status="502 Bad Gateway"), contains="门诊")
    assert levels(seen) == {"answer": "critical", "text": "unknown", "time": "ok"}
    detail = seen["http.answer"].detail
    assert (detail["status"], detail["expected"], detail["title"]) == (502, [200], "网关错误")
    assert seen["http.text"].reason["code"] == "no_answer"


def test_any_of_the_expected_statuses_will_do(page):
    assert http(page(status="401 Unauthorized"), status=[200, 401])["http.answer"].level == "ok"


def test_a_redirect_is_a_status_and_not_followed(page):
    url = page(status="302 Found", headers=["Location: https://u:p@sso.example/login;jsessionid=1?ticket=geheim"])
    seen = http(url)
    assert seen["http.answer"].level == "critical"
    assert seen["http.answer"].detail["location"] == "https://sso.example/login"
    assert http(url, status=[302])["http.answer"].level == "ok"
    assert len(page.requests) == 2


def test_the_wrong_text(page):
    seen = http(page("<title>系统维护</title>".encode("gbk")), contains="门诊登录")
    assert levels(seen) == {"answer": "ok", "text": "critical", "time": "ok"}
    detail = seen["http.text"].detail
    assert (detail["contains"], detail["title"], detail["charset"]) == ("门诊登录", "系统维护", "gb18030")


@pytest.mark.parametrize("header", ["Content-Type: text/html; charset=GBK", "Content-Type: text/html"])
def test_a_page_in_gbk(page, header):
    assert http(page("住院登记".encode("gbk"), headers=[header]), contains="住院登记")["http.text"].level == "ok"


def test_chunks_and_compression(page):
    chunked = page(b"4\r\nHosp\r\n4\r\nital\r\n0\r\n\r\n", headers=["Transfer-Encoding: chunked"])
    assert http(chunked, contains="Hospital")["http.text"].level == "ok"
    packed = page(gzip.compress(b"Hospital"), headers=["Content-Encoding: gzip"])
    assert http(packed, contains="Hospital")["http.text"].level == "ok"
    strange = http(page(b"\x01", headers=["Content-Encoding: br"]), contains="Hospital")
    assert levels(strange) == {"answer": "ok", "text": "unknown", "time": "ok"}


def test_of_a_large_page_only_the_beginning_is_looked_at(page):
    url = page(b"beginning" + b" " * (2 << 20) + b"end")
    assert http(url, contains="beginning")["http.text"].level == "ok"
    seen = http(url, contains="end")
    assert seen["http.text"].reason == {"code": "too_large", "parameters": {"bytes": 1 << 20}}
    assert seen["http.answer"].level == "ok"


def test_a_slow_page_is_as_slow_as_its_last_byte(serve):
    def slowly(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for byte in b"slowly":
            time.sleep(0.2)
            connection.sendall(bytes([byte]))

    seen = http(f"http://127.0.0.1:{serve(slowly)}/", contains="slowly")
    assert levels(seen) == {"answer": "ok", "text": "ok", "time": "warning"}
    assert 1200 <= seen["http.time"].value < 4000


def drip(pieces, forever):
    def answer(connection, _):
        connection.sendall(pieces)
        while True:
            connection.sendall(forever)
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda *_: time.sleep(30), "no answer in time"),
        (drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"), "no answer in time"),
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"), "answer not complete in time"),
        (drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "answer not complete in time"),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "answer not complete in time"),
        (lambda *_: None, "connection closed without an answer"),
        (lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"), "not an HTTP answer"),
        (lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200), "not an HTTP answer"),
        (
            lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
            "answer cut short",
        ),
        (
            lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx"),
            "answer cut short",
        ),
    ],
)
def test_a_server_that_does_not_answer_is_told_within_its_deadline(serve, answer, problem):
    started = time.monotonic()
    seen = http(f"http://127.0.0.1:{serve(answer)}/", contains="x", timeout=0.6)
    assert time.monotonic() - started < 10
    assert levels(seen) == {"answer": "critical", "text": "unknown", "time": "unknown"}
    assert seen["http.answer"].detail["problem"] == problem
    assert {seen[check].reason["code"] for check in ("http.text", "http.time")} == {"no_answer"}


def test_nobody_listens(dead_ports):
    seen = http(f"https://127.0.0.1:{dead_ports()[0]}/")
    assert seen["http.answer"].detail["problem"] == "connection refused"
    assert "expected" not in seen["http.answer"].detail, "that is about a status, and there was none"
    assert levels(seen) == {
        "answer": "critical", "time": "unknown", "certificate": "unknown", "certificate_trusted": "unknown"
    }  # fmt: skip


# -- https ------------------------------------------------------------------------------------------------------


def test_a_good_certificate(page, authority):
    url = page(b"x", tls=authority.context("good"))
    seen = http(url.replace("127.0.0.1", "localhost"), ca_file=authority.file)
    assert levels(seen) == {"answer": "ok", "time": "ok", "certificate": "ok", "certificate_trusted": "ok"}
    assert 364 < seen["http.certificate"].value <= 365
    assert seen["http.certificate"].detail["common_name"] == "good"
    assert http(url, ca_file=authority.file)["http.certificate_trusted"].level == "ok", "by address"


@pytest.mark.parametrize(("days", "level"), [(20, "warning"), (3, "critical")])
def test_a_certificate_that_will_expire(page, authority, days, level):
    seen = http(page(tls=authority.context(f"days{days}", days=days)), ca_file=authority.file)
    assert levels(seen) == {"answer": "ok", "time": "ok", "certificate": level, "certificate_trusted": "ok"}


def test_an_expired_certificate_is_one_finding(page, authority):
    url = page(b"Hospital", tls=authority.context("expired", days=-1))
    seen = http(url + "?token=t", ca_file=authority.file, contains="Hospital")
    assert levels(seen) == {
        "answer": "ok", "text": "ok", "time": "ok", "certificate": "critical", "certificate_trusted": "ok"
    }  # fmt: skip
    assert -1.1 < seen["http.certificate"].value < -0.9


def test_a_server_that_serves_one_at_a_time_is_not_kept_waiting(serve, authority):
    def answer(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    port = serve(answer, authority.context("single", days=-1), socketserver.TCPServer)
    seen = http(f"https://127.0.0.1:{port}/", ca_file=authority.file)
    assert levels(seen) == {"answer": "ok", "time": "ok", "certificate": "critical", "certificate_trusted": "ok"}


@pytest.mark.parametrize(
    ("days", "problem"),
    [(365, "issued for another name"), (-1, "issued for another name")],
    ids=["valid", "expired too"],
)
def test_a_certificate_for_another_name(page, authority, days, problem):
    context = authority.context(f"other{days}", days=days, names="DNS:other.example")
    seen = http(page(tls=context), ca_file=authority.file)
    assert seen["http.answer"].level == "ok"
    assert seen["http.certificate_trusted"].level == "critical"
    assert seen["http.certificate_trusted"].detail == {"problem": problem, "name": "127.0.0.1"}


def test_a_virtual_host_behind_its_address(page, authority):
    url = page(tls=authority.context("virtual", names="DNS:his.example"))
    seen = http(url, ca_file=authority.file, host_header="his.example")
    assert seen["http.certificate_trusted"].level == "ok"
    assert "Host: his.example\r\n" in page.requests[0]


def test_trust_is_the_same_on_every_python(authority):
    flags = tls.verifying(authority.file).verify_flags
    assert not flags & ssl.VERIFY_X509_STRICT
    assert flags & ssl.VERIFY_X509_PARTIAL_CHAIN


def test_an_issuer_that_is_not_trusted(page, authority, monkeypatch):
    url = page(b"x", tls=authority.context("untrusted"))
    monkeypatch.setattr(tls, "knows_authorities", lambda: True)
    seen = http(url)
    assert levels(seen) == {"answer": "ok", "time": "ok", "certificate": "ok", "certificate_trusted": "critical"}
    assert seen["http.certificate_trusted"].detail["problem"] == "issuer is not trusted"
    assert levels(http(url, verify=False)) == {"answer": "ok", "time": "ok", "certificate": "ok"}


def test_a_host_without_authorities_cannot_tell(page, authority, monkeypatch):
    monkeypatch.setattr(tls, "knows_authorities", lambda: False)
    seen = http(page(tls=authority.context("unknown")))
    assert seen["http.certificate_trusted"].reason["code"] == "source_missing"
    assert seen["http.answer"].level == "ok"


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("secret", ["//u:geheim@127.0.0.1:{port}/", "//127.0.0.1:{port}/?token=geheim"])
def test_secrets_are_not_told_to_a_server_that_is_not_trusted(page, authority, monkeypatch, secret, knows):
    url = page(tls=authority.context("thief"))
    monkeypatch.setattr(tls, "knows_authorities", lambda: knows)
    declared = "https:" + secret.format(port=url.rstrip("/").rpartition(":")[2])
    seen = http(declared, contains="x")
    assert page.requests == []
    for check in ("http.answer", "http.text", "http.time"):
        assert seen[check].reason["code"] == "not_trusted"
    assert seen["http.certificate"].level == "ok"
    assert http(declared, verify=False)["http.answer"].level == "ok"
    assert len(page.requests) == 1


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _path: None, "source_missing"),
        (lambda path: path.write_text("no certificate"), "unparsable"),
        (lambda path: path.mkdir(), "not_supported"),
    ],
)
def test_a_list_of_authorities_that_cannot_be_read_is_our_own_fault(page, authority, tmp_path, make, code):
    path = tmp_path / "ca.pem"
    make(path)
    seen = http(page(tls=authority.context("ours")), ca_file=str(path))
    assert {observation.reason["code"] for observation in seen.values()} == {code}


def test_a_port_without_tls(page):
    seen = http(page().replace("http:", "https:"), timeout=2.0)
    assert (seen["http.answer"].level, seen["http.answer"].detail["problem"]) == ("critical", "no TLS connection")


def test_a_handshake_that_never_ends():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connection, nobody else does
        seen = http(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.5)
    assert (seen["http.answer"].level, seen["http.answer"].detail["problem"]) == ("critical", "no answer in time")


def test_a_server_that_is_too_old_for_browsers_answers_all_the_same(page, authority):
    context = authority.context("old")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA")
    seen = http(page(tls=context), ca_file=authority.file)
    assert seen["http.answer"].level == "ok"
    assert seen["http.certificate_trusted"].level == "critical"
    assert seen["http.certificate_trusted"].detail["problem"].startswith("too old for today's clients")


def test_bytes_that_are_no_certificate():
    assert tls.described(b"\x30\x03nothing") == {}
