"""The index of a folder of maps: each with the question that it answers."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from registry.render.page import write_page

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class GalleryEntry:
    """One map of a folder: its file's name, its title and the question it answers, each by language (zh, en).

    ``picture`` is a small picture of it, PNG or WebP, which the index holds in itself.
    """

    file: str
    title: Mapping[str, str]
    question: Mapping[str, str]
    picture: bytes | None = None


_STYLE = """
body { margin: 0 auto; max-width: 860px; padding: 24px 20px 48px; color: #222; background: #f6f6f3;
  font: 15px/1.6 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; }
h1 { font-size: 24px; line-height: 1.3; margin: 0 0 4px; }
.note { display: inline-block; margin: 6px 0 0; padding: 2px 10px; font-weight: 600; background: #fff3c4;
  border: 1px solid #b58900; border-radius: 3px; }
ul { list-style: none; margin: 20px 0 0; padding: 0; display: grid; gap: 12px; }
a { display: flex; gap: 18px; align-items: center; padding: 14px 18px; background: #fff; border: 1px solid #c9ccc8; border-radius: 6px;
  color: inherit; text-decoration: none; }
a:hover, a:focus-visible { border-color: #1f5f99; box-shadow: 0 1px 6px rgb(0 0 0 / 15%); }
h2 { font-size: 17px; margin: 0; color: #17497a; }
p { margin: 4px 0 0; overflow-wrap: anywhere; }
img { flex: none; width: 240px; height: auto; aspect-ratio: 297 / 210; border: 1px solid #d8dad6; border-radius: 3px; }
a > div { min-width: 0; }
.kind { display: inline-block; margin-left: 6px; padding: 0 7px; font-size: 12px; font-weight: 600; color: #555;
  border: 1px solid #c9ccc8; border-radius: 9px; vertical-align: 2px; }
@media (max-width: 560px) { a { display: block; } img { width: 100%; margin-bottom: 8px; } }
[lang=en] { color: #555; font-weight: 400; }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def gallery(
    entries: Sequence[GalleryEntry],
    folder: str | os.PathLike[str],
    *,
    title: str = "大宗固体废物登记地图",
    title_en: str = "Maps of the registry of bulk solid waste",
    note: str | None = None,
) -> Path:
    """Write ``index.html`` into a folder of maps.

    Parameters
    ----------
    entries : the maps, in the order in which they are shown
    folder : where the maps lie
    note : a sentence under the title, such as that the data is synthetic

    Returns
    -------
    the file written.

    Raises
    ------
    UnwritableFileError : the folder cannot be written.
    """
    said = html.escape
    items = "\n".join(_item(entry) for entry in entries)
    warning = f'<p class="note">{said(note)}</p>' if note else ""
    text = (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{said(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{said(title)}</h1>\n<div lang="en">{said(title_en)}</div>\n{warning}\n'
        f"<ul>\n{items}\n</ul>\n</body>\n</html>\n"
    )
    target = Path(folder) / "index.html"
    write_page(target, text)
    return target


def _item(entry: GalleryEntry) -> str:
    title = "".join(_said(lang, text, "span") for lang, text in _chinese_first(entry.title))
    question = "".join(_said(lang, text, "p") for lang, text in _chinese_first(entry.question))
    suffix = Path(entry.file).suffix.lower()
    kind = f'<span class="kind">{html.escape(suffix[1:].upper())}</span>' if suffix in {".pdf", ".png", ".svg"} else ""
    said = f"<div><h2>{title}{kind}</h2>{question}</div>"
    return f'<li><a href="{html.escape(quote(entry.file))}">{_picture(entry)}{said}</a></li>'


def _picture(entry: GalleryEntry) -> str:
    """The small picture, told to who cannot see it in the words of its title."""
    if entry.picture is None:
        return ""
    kind = "png" if entry.picture.startswith(b"\x89PNG") else "webp"
    shown = " · ".join(text for _, text in _chinese_first(entry.title))
    alt = html.escape(f"缩略图 Thumbnail: {shown}")
    return f'<img alt="{alt}" src="data:image/{kind};base64,{base64.b64encode(entry.picture).decode()}">'


def _chinese_first(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(texts.items(), key=lambda item: item[0] != "zh")


def _said(lang: str, text: str, tag: str) -> str:
    return f'<{tag} lang="{html.escape(lang)}">{html.escape(text)}</{tag}> '
