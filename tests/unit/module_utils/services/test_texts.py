from __future__ import annotations

import gzip
import zlib

import pytest
from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.services import texts
from hypothesis import given
from hypothesis import strategies as st

TEXT = "<title>门诊 登录</title>门诊登录系统"


@pytest.mark.parametrize(
    ("content_type", "before", "charset", "found"),
    [
        ("text/html; charset=utf-8", "", "utf-8", "utf-8"),
        ('text/html; charset="GBK"', "", "gbk", "gb18030"),
        ("text/html;Charset=gb2312", "", "gbk", "gb18030"),
        ("text/html", '<meta charset="gbk">', "gbk", "gb18030"),
        ("text/html", "<META http-equiv=Content-Type content='text/html; charset=gb2312'>", "gbk", "gb18030"),
        ("text/xml", '<?xml version="1.0" encoding="big5hkscs"?>', "big5hkscs", "big5hkscs"),
        ("text/html", "", "gbk", "gb18030"),
        ("text/html", "", "utf-8", "utf-8"),
        ("", "", "utf-16", "utf-16"),
        ("text/html; charset=none-such", "", "gbk", "gb18030"),
        ("text/html; charset=hex", "", "utf-8", "utf-8"),
        ("text/html", "\ufeff", "utf-8", "utf-8-sig"),
    ],
)
def test_a_page_is_read_in_its_charset(content_type, before, charset, found):
    text = TEXT.replace("门诊", "門診") if charset == "big5hkscs" else TEXT
    text = text.replace("系统", "") if charset == "big5hkscs" else text
    text = text.replace("录", "錄") if charset == "big5hkscs" else text
    seen = texts.read_text((before + text).encode(charset), content_type, "")
    assert (seen.charset, seen.cut) == (found, False)
    assert text in seen.text


def test_a_header_goes_before_the_page():
    seen = texts.read_text('<meta charset="utf-8">门诊'.encode("gbk"), "text/html; charset=GBK", "")
    assert "门诊" in seen.text


def test_a_character_cut_in_two_does_not_change_the_charset():
    body = ("x" * (texts.LARGEST - 1) + "门").encode()
    assert texts.read_text(body, "", "")[1:] == ("utf-8", True)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        (" GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
    ],
)
def test_a_server_that_compresses_unasked_is_understood(encoding, compress):
    assert TEXT in texts.read_text(compress(TEXT.encode()), "", encoding).text


def test_a_bomb_is_not_unpacked():
    seen = texts.read_text(gzip.compress(b"0" * 50_000_000), "", "gzip")
    assert (len(seen.text), seen.cut) == (texts.LARGEST, True)


@pytest.mark.parametrize(("encoding", "code"), [("br", "not_supported"), ("gzip", "unparsable")])
def test_what_cannot_be_unpacked_is_told(encoding, code):
    with pytest.raises(Unmeasurable) as raised:
        texts.read_text(b"\x01\x02\x03", "", encoding)
    assert raised.value.code == code


def test_titles_stand_on_one_line_without_personal_data():
    assert texts.title("<TITLE lang=zh>\n 系统 &amp; \n维护 13912345678 </TITLE>") == "系统 & 维护 [phone]"
    assert texts.title("no title") == ""
    assert len(texts.title("<title>" + "长" * 500 + "</title>")) == texts.TITLE_LENGTH


@given(st.binary(), st.text(), st.sampled_from(["", "gzip", "deflate"]))
def test_no_body_crashes(body, content_type, encoding):
    try:
        texts.title(texts.read_text(body, content_type, encoding).text)
    except Unmeasurable:
        assert encoding
