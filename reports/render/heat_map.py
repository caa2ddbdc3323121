"""A heat map on a worksheet: squares that a person can filter, freeze and print in colour or grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.render import palette

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.document import HeatMap

_HEAD: dict[str, Any] = {"border": 1, "border_color": f"#{palette.LINE}", "bg_color": f"#{palette.HEAD}"}
_LABEL_WIDTH = 44
_SQUARE_WIDTH = 4


def write(sheet: Any, block: HeatMap, look: Callable[..., Any]) -> None:
    """Write a heat map on an empty worksheet; ``look`` gives the format of properties."""
    head, middle = look(**_HEAD), look(**_HEAD, align="center")
    sheet.set_column(0, 0, _LABEL_WIDTH)
    sheet.set_column(1, len(block.columns), _SQUARE_WIDTH)
    place = 1
    for title, count in block.groups:
        if count > 1:
            sheet.merge_range(0, place, 0, place + count - 1, title, middle)
        else:
            sheet.write_string(0, place, title, middle)
        place += count
    sheet.write_string(1, 0, block.label_title, head)
    for place, title in enumerate(block.columns, 1):
        sheet.write_string(1, place, title, middle)
    for number, line in enumerate(block.lines, 2):
        sheet.write_string(number, 0, line.label, look(border=1, border_color=f"#{palette.LINE}", text_wrap=False))
        for place, one in enumerate(line.squares, 1):
            behind, ink = palette.square(one)
            square = {"align": "center", "font_color": f"#{ink}", "bg_color": f"#{behind}"}
            sheet.write_string(number, place, one.letter, look(border=1, border_color=f"#{palette.LINE}", **square))
    for number, (one, word) in enumerate(block.legend, len(block.lines) + 3):
        behind, ink = palette.square(one)
        sheet.write_string(number, 0, word, look(align="right"))
        sheet.write_string(number, 1, one.letter, look(align="center", font_color=f"#{ink}", bg_color=f"#{behind}"))
    sheet.freeze_panes(2, 1)
    sheet.repeat_rows(0, 1)
