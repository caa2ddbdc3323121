"""Reads pages as text, whatever their charset and compression, and no more of them than is needed."""

import codecs
import re
import zlib
from html import unescape
from typing import NamedTuple

from ..masking import mask
from ..measuring.errors import Unmeasurable

#: What is read of a page at most, in bytes; compressed or not.
LARGEST = 1 << 20

TITLE_LENGTH = 80

_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)|<\?xml[^>]{0,100}?encoding=[\"']([\w.:-]+)", re.IGNORECASE
)
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,1000}?)</title", re.IGNORECASE | re.DOTALL)


class Text(NamedTuple):
    """A page's text, the charset it was read in, and whether there was more of it."""

    text: str
    charset: str
    cut: bool


def read_text(data: bytes, content_type: str, encoding: str) -> Text:
    """Return a page's body as text; ``encoding`` is its Content-Encoding. Raises Unmeasurable."""
    whole = decompressed(data, encoding)
    body = whole[:LARGEST]
    charset = charset_of(content_type, body)
    return Text(body.decode(charset, "replace"), charset, len(whole) > LARGEST)


def decompressed(data: bytes, encoding: str) -> bytes:
    """Return a body without its compression, at most one byte more than LARGEST. Raises Unmeasurable."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return data[: LARGEST + 1]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Unmeasurable("not_supported", feature="Content-Encoding " + encoding[:20])
    for bits in (47, -15) if encoding == "deflate" else (47,):  # either frame; some send deflate without one
        try:
            return zlib.decompressobj(bits).decompress(data, LARGEST + 1)
        except zlib.error:
            continue
    raise Unmeasurable("unparsable", source="page")


def charset_of(content_type: str, body: bytes) -> str:
    """Return the charset that a browser would take: the header's, the mark's, the page's own, else UTF-8 or GB 18030.

    GB 18030 stands for its subsets GBK and GB 2312, of which pages use more than they declare.
    """
    for mark, charset in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return charset
    header, declared = _CHARSET.search(content_type), _DECLARED.search(body[:2048])
    named = header.group(1) if header else (declared.group(1) or declared.group(2)).decode("ascii") if declared else ""
    if named.lower() in ("gbk", "gb2312", "gb_2312-80", "x-gbk", "cp936"):
        return "gb18030"
    try:
        b"four".decode(named)  # of no bytes it would not look
    except (LookupError, ValueError):
        return _guessed(body)
    return named.lower()


def _guessed(body: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)  # the end may have cut a character in two
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def title(text: str) -> str:
    """Return a page's title on one line, masked; empty where it has none."""
    match = _TITLE.search(text)
    return mask(" ".join(unescape(match.group(1)).split()))[:TITLE_LENGTH] if match else ""
