"""PDF: the HTML on A4 paper. Nothing is fetched: the file depends on the document alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

from reports.render import RenderingUnavailable
from reports.render.fonts import missing_chinese
from reports.render.html import html

if TYPE_CHECKING:
    from reports.document import Document

_SYSTEM_LIBRARIES = (
    "PDF needs system libraries that are missing here: on Debian and Ubuntu "
    "`apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0` ({error})"
)


def render(document: Document) -> bytes:
    """Return the document as PDF; raises RenderingUnavailable without Pango or a font for its language."""
    problem = missing_chinese() if document.language == "zh" else None
    if problem:
        raise RenderingUnavailable(f"PDF: {problem}")
    try:
        import weasyprint  # noqa: PLC0415 - half a second, and it fails where its system libraries are missing
    except OSError as error:
        raise RenderingUnavailable(_SYSTEM_LIBRARIES.format(error=str(error).splitlines()[0])) from error
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    logging.getLogger("weasyprint").setLevel(logging.ERROR)

    class Refusing(weasyprint.urls.URLFetcher):  # type: ignore[misc] # weasyprint has no types
        def fetch(self, url: str, headers: Any = None) -> NoReturn:  # noqa: ARG002 - the signature is WeasyPrint's
            raise ValueError(f"documents fetch nothing: {url}")

    page = weasyprint.HTML(string=html(document, paper=True), url_fetcher=Refusing(), base_url=None)
    pdf: bytes = page.write_pdf(pdf_identifier=document.number.encode())
    return pdf
