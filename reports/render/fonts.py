"""Whether this machine can draw Chinese, asked of fontconfig, which also chooses the fonts of a PDF."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache

_WANTED = b":lang=zh-cn"
MISSING = (
    "no font on this machine can draw Chinese: install one, on Debian and Ubuntu "
    "`apt-get install fonts-noto-cjk`, on openEuler and Kylin `dnf install google-noto-sans-cjk-fonts`"
)


@cache
def chinese_families() -> tuple[str, ...]:
    """Return the families of installed fonts that hold simplified Chinese, sorted; empty where there is none."""
    name = ctypes.util.find_library("fontconfig") or "libfontconfig.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return ()
    library.FcNameParse.restype = ctypes.c_void_p
    library.FcObjectSetCreate.restype = ctypes.c_void_p
    library.FcFontList.restype = ctypes.POINTER(_FontSet)
    pattern = library.FcNameParse(_WANTED)
    objects = ctypes.c_void_p(library.FcObjectSetCreate())
    library.FcObjectSetAdd(objects, b"family")
    found = library.FcFontList(None, ctypes.c_void_p(pattern), objects)
    families = set()
    for index in range(found.contents.count):
        family = ctypes.c_char_p()
        library.FcPatternGetString(ctypes.c_void_p(found.contents.fonts[index]), b"family", 0, ctypes.byref(family))
        if family.value:
            families.add(family.value.decode(errors="replace"))
    library.FcFontSetDestroy(found)
    library.FcObjectSetDestroy(objects)
    library.FcPatternDestroy(ctypes.c_void_p(pattern))
    return tuple(sorted(families))


def missing_chinese() -> str | None:
    """Return what to tell the user where no installed font can draw Chinese, else None."""
    return None if chinese_families() else MISSING


class _FontSet(ctypes.Structure):
    """FcFontSet of fontconfig.h."""

    _fields_ = (
        ("count", ctypes.c_int),
        ("size", ctypes.c_int),
        ("fonts", ctypes.POINTER(ctypes.c_void_p)),
    )
