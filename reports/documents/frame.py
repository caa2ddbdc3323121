"""What every document has around its own parts: numbered sections, the block to sign, the ledger's head."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from reports.document import Anchor, Document, Labels, Section, Signatory, Signatures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reports.document import LedgerHead, Sheet
    from reports.documents.inspection_record import Issue, Parties
    from reports.wording import Wording


class Framed(Protocol):
    """What a document is made of, as far as every document needs it."""

    @property
    def issue(self) -> Issue:
        """Return number, version, and whether it is a draft."""

    @property
    def parties(self) -> Parties:
        """Return whom it binds."""

    @property
    def ledger(self) -> LedgerHead | None:
        """Return the head of the ledger that it rests on."""


def framed(
    record: Framed,
    words: Wording,
    *,
    title: str,
    created: datetime,
    facts: tuple[tuple[str, str], ...],
    parts: Sequence[Section],
    sheets: tuple[Sheet, ...],
) -> Document:
    """Return a document of these parts, with what every document has around them."""
    return Document(
        language=words.catalogue.language,
        title=title,
        subtitle=record.parties.system or "",
        number=record.issue.number,
        version=version_of(record.issue, words),
        draft=record.issue.draft,
        created=created,
        author=record.parties.inspector or "",
        facts=facts,
        sections=numbered(parts, words),
        footer=footer_of(record.ledger, words),
        labels=labels_of(words),
        sheets=sheets,
    )


def version_of(issue: Issue, words: Wording) -> str:
    """Return the version as documents print it."""
    return words.term("draft" if issue.draft else "issued", version=issue.version)


def footer_of(ledger: LedgerHead | None, words: Wording) -> str:
    """Return what stands at the foot of each page: the ledger's head."""
    return words.term("ledger", head=ledger.printed) if ledger else words.term("ledger_none")


def labels_of(words: Wording) -> Labels:
    """Return the words that renderers add."""
    return Labels(
        page=words.catalogue.word("terms", "page"), overview=words.term("overview"), chart=words.term("chart")
    )


def numbered(sections: Sequence[Section], words: Wording) -> tuple[Section, ...]:
    """Return the sections that are not empty, each with its number and anchor."""
    numerals = words.term("numerals").split()
    kept = [one for one in sections if one.blocks or one.sections]
    return tuple(
        replace(
            section,
            numbered=words.term("heading", numeral=numeral, title=section.title),
            anchor=f"section-{place}",
        )
        for place, (numeral, section) in enumerate(zip(numerals, kept, strict=False), 1)
    )


def signature_section(
    signatories: Sequence[Signatory], parties: Parties, ledger: LedgerHead | None, note: str, words: Wording
) -> Section:
    """Return the block that both parties sign and seal, and the ledger's head as a QR code."""
    block = Signatures(
        titles=(
            words.term("step"),
            words.term("organisation"),
            words.term("name"),
            words.term("signature"),
            words.term("date"),
        ),
        signatories=tuple(signatories),
        seals=tuple(
            words.term("seal", party=name or words.term(side))
            for name, side in ((parties.provider, "provider"), (parties.purchaser, "purchaser"))
        ),
        date_blank=words.term("date_blank"),
        note=note,
    )
    anchor = (Anchor(ledger, words.term("made_ledger"), words.term("ledger_note")),) if ledger else ()
    return Section(words.term("signatures"), (block, *anchor))
