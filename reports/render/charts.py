"""Charts as pictures, for Word: HTML and PDF draw theirs as text and rectangles, which need no font search."""

from __future__ import annotations

import io
import logging
from functools import cache
from typing import TYPE_CHECKING

from reports.render import RenderingUnavailable, palette
from reports.render.fonts import MISSING, chinese_families

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

    from reports.document import Chart

_WIDTH_INCHES = 6.0
_BAR_INCHES = 0.24
_LONGEST_LABEL = 44


def png(chart: Chart, language: str) -> bytes:
    """Return a chart as PNG at 200 dots per inch; raises RenderingUnavailable where no font has its characters."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second that only Word with charts needs

    font = _font(language)
    figure = Figure(figsize=(_WIDTH_INCHES, 0.12 + _BAR_INCHES * len(chart.bars)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(chart.bars))
    fills = [_colour(bar.tone) for bar in chart.bars]
    top = chart.maximum or 1
    axes.barh(places, [top] * len(chart.bars), color=f"#{palette.TRACK}", height=0.62)
    axes.barh(places, [max(0, min(bar.value, top)) for bar in chart.bars], color=fills, height=0.62)
    for value, tone in chart.marks:
        axes.axvline(value, color=_colour(tone), linewidth=1, linestyle=(0, (3, 2)))
    labels = [
        bar.label if len(bar.label) <= _LONGEST_LABEL else f"{bar.label[: _LONGEST_LABEL - 1]}…" for bar in chart.bars
    ]
    axes.set_yticks(places, [_literal(label) for label in labels], fontproperties=font, fontsize=8.5)
    for place, bar in enumerate(chart.bars):
        axes.text(top * 1.015, place, _literal(bar.text), va="center", fontproperties=font, fontsize=8.5)
    axes.set_xlim(0, top * 1.12)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=200, metadata={"Software": None})
    return picture.getvalue()


def _colour(tone: str) -> str:
    return f"#{palette.BAR.get(tone, palette.PLAIN)}"


def _literal(text: str) -> str:
    """Return a text that matplotlib does not take for a formula, on one line."""
    return " ".join(text.replace("$", r"\$").split())


@cache
def _font(language: str) -> FontProperties:
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib import font_manager  # noqa: PLC0415 - it reads every font of the machine

    known = {font.name for font in font_manager.fontManager.ttflist}
    families = sorted(
        chinese_families(), key=lambda name: ("Sans" not in name, " SC" not in name, "Mono" in name, name)
    )
    chinese = [name for name in families if name in known]
    if language == "zh" and not chinese:
        raise RenderingUnavailable(f"charts: {MISSING}")
    return font_manager.FontProperties(family=[*chinese[:1], "DejaVu Sans"])
