"""The typeface of a plate: the characters it needs, taken from Noto Sans CJK and embedded in what is written.

Noto Sans CJK comes as OpenType with PostScript outlines, which matplotlib puts into a PDF under the wrong label:
some readers then show nothing. The few hundred characters of a plate are therefore drawn anew with TrueType
outlines, into a font of their own that every reader shows and that weighs some kilobytes. A character that Noto
lacks comes from DejaVu Sans; one that both lack is an empty box, so that a reader sees that something stands there.
"""

from __future__ import annotations

import tempfile
import unicodedata
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import mplfonts
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.filterPen import DecomposingFilterPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_UNITS_PER_EM = 1000
# How far a TrueType curve may run beside the PostScript curve it stands for, in units of the font.
_CURVE_ERROR = 1.0
_BOX = "□"
_ALWAYS = "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100)))) + "…–—·′″°×²³−→№（）：，。、" + _BOX
# No text on a plate is longer; a name of thousands of characters is cut here before anyone measures it.
_LONGEST = 400


def plain(text: object) -> str:
    """A text as one line of characters that can be seen: controls and line ends are blanks, marks of direction go."""
    out = []
    for character in str(text)[:_LONGEST]:
        category = unicodedata.category(character)
        if category in {"Cc", "Zl", "Zp"}:
            out.append(" ")
        elif category == "Cs":
            out.append(_BOX)
        elif category != "Cf" and not 0xFE00 <= ord(character) <= 0xFE0F:
            out.append(character)
    return " ".join("".join(out).split())


@dataclass(frozen=True)
class Typeface:
    """A font file with the characters of one set of plates, and how wide each is in thousandths of its size."""

    file: Path
    advances: Mapping[str, int]

    def font(self, size_pt: float) -> FontProperties:
        """The font at a size, as matplotlib wants it."""
        return FontProperties(fname=str(self.file), size=size_pt)

    def shown(self, text: object) -> str:
        """The text as it can be drawn: a character that the font was not made for is a box."""
        return "".join(character if character in self.advances else _BOX for character in plain(text))

    def width(self, text: str, size_pt: float) -> float:
        """How wide a text is, in points."""
        box = self.advances[_BOX]
        return sum(self.advances.get(character, box) for character in text) * size_pt / _UNITS_PER_EM

    def fitted(self, text: object, size_pt: float, width_pt: float) -> str:
        """The text, cut with an ellipsis where it is wider than there is room."""
        shown = self.shown(text)
        if self.width(shown, size_pt) <= width_pt:
            return shown
        room = width_pt - self.width("…", size_pt)
        end = 0
        while end < len(shown) and (room := room - self.width(shown[end], size_pt)) >= 0:
            end += 1
        return shown[:end].rstrip() + "…"

    def lines(self, text: object, size_pt: float, width_pt: float, most: int) -> list[str]:
        """The text broken into at most so many lines; the last is cut where there is more."""
        rest = self.shown(text)
        lines: list[str] = []
        while rest and len(lines) < most - 1 and self.width(rest, size_pt) > width_pt:
            end, room = 0, width_pt
            while end < len(rest) and (room := room - self.width(rest[end], size_pt)) >= 0:
                end += 1
            # A Latin word stays whole where that costs less than half the line.
            blank = rest.rfind(" ", 0, end + 1)
            if end < len(rest) and rest[end].isascii() and blank > end // 2:
                end = blank
            lines.append(rest[: max(end, 1)].strip())
            rest = rest[max(end, 1) :].strip()
        return [*lines, self.fitted(rest, size_pt, width_pt)] if rest else lines


class _Source(NamedTuple):
    """An open font with its glyphs, and their names by code point."""

    font: Any
    glyphs: Any
    names: dict[int, str]


class _Outline(NamedTuple):
    """A glyph and its advance width, in units of the font."""

    shape: Any
    advance: int


@contextmanager
def typeface(texts: Iterable[object]) -> Iterator[Typeface]:
    """A typeface for these texts, with Latin letters and digits besides; its file lasts as long as the block."""
    characters = sorted({character for text in texts for character in plain(text)} | set(_ALWAYS))
    with tempfile.TemporaryDirectory(prefix="registry-plates-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "plates.ttf"
        yield Typeface(file, _build(characters, file))


@contextmanager
def _sources() -> Iterator[tuple[_Source, ...]]:
    """Noto Sans CJK SC, then DejaVu Sans."""
    files = (
        Path(str(mplfonts.__file__)).parent / "fonts/NotoSansCJKsc-Regular.otf",
        Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf",
    )
    with ExitStack() as opened:
        fonts = [opened.enter_context(closing(TTFont(file, lazy=True))) for file in files]
        yield tuple(_Source(font, font.getGlyphSet(), font.getBestCmap()) for font in fonts)


def _build(characters: list[str], file: Path) -> dict[str, int]:
    """Write the font; the advance width of every character."""
    with _sources() as sources:
        drawn = {f"u{ord(character):05X}": _glyph(character, sources) for character in characters}
        noto = sources[0].font
        says = {
            "copyright": noto["name"].getDebugName(0) or "",
            "familyName": "Noto Sans CJK SC",
            "styleName": "Regular",
            "psName": "NotoSansCJKsc-Regular",
            "licenseDescription": noto["name"].getDebugName(13) or "",
            "licenseInfoURL": noto["name"].getDebugName(14) or "",
        }
        rises = {"ascent": noto["hhea"].ascent, "descent": noto["hhea"].descent}
        made = noto["head"].created
    box = drawn[f"u{ord(_BOX):05X}"]
    # Glyph 0 is taken by matplotlib for a mistake, so what is missing has a box of its own.
    outlines = {".notdef": box, **{name: glyph or box for name, glyph in drawn.items()}}
    glyphs = {name: outline.shape for name, outline in outlines.items() if outline}
    builder = FontBuilder(_UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(character): f"u{ord(character):05X}" for character in characters})
    builder.setupGlyf(glyphs)
    for shape in glyphs.values():
        shape.recalcBounds(builder.font["glyf"])
    metrics = {name: (outline.advance, outline.shape.xMin) for name, outline in outlines.items() if outline}
    builder.setupHorizontalMetrics(metrics)
    builder.setupHorizontalHeader(**rises)
    builder.setupNameTable(says)
    builder.setupOS2(sTypoAscender=rises["ascent"], sTypoDescender=rises["descent"])
    builder.setupPost()
    # The same characters give the same file, whatever the clock says.
    builder.font.recalcTimestamp = False
    builder.font["head"].created = builder.font["head"].modified = made
    builder.save(file)
    return {character: metrics[f"u{ord(character):05X}"][0] for character in characters}


def _glyph(character: str, sources: tuple[_Source, ...]) -> _Outline | None:
    """A character's TrueType outline; nothing where no font has it."""
    for font, glyph_set, names in sources:
        name = names.get(ord(character))
        if name is None:
            continue
        scale = _UNITS_PER_EM / font["head"].unitsPerEm
        drawing = TTGlyphPen(None)
        # PostScript outlines run the other way round; TrueType's are quadratic already.
        pen = Cu2QuPen(drawing, _CURVE_ERROR, reverse_direction=True) if "CFF " in font else drawing
        glyph_set[name].draw(DecomposingFilterPen(TransformPen(pen, (scale, 0, 0, scale, 0, 0)), glyph_set))
        return _Outline(drawing.glyph(), round(font["hmtx"][name][0] * scale))
    return None
