"""The whole job on the synthetic inventory: store, services, maps, tables, exports."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pandas as pd

import registry
from registry import export, render
from registry.answers import hub_outputs, hubs
from registry.answers.concentration import concentration
from registry.answers.coverage import coverage, write_coverage
from registry.answers.exports import write_export
from registry.answers.maps import PlateOptions, write_map
from registry.answers.notes import SYNTHETIC, synthetic_note
from registry.answers.overlays import Overlays
from registry.answers.proximity import proximity
from registry.demo.inventory import Inventory, synthesise
from registry.errors import StoreError, UnwritableFileError
from registry.model.records import Batch, findings
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from registry.registry import Registry

RADII_KM = (50.0, 100.0, 150.0)
HUBS, HUB_RADIUS_KM = 10, 150.0
# The search for hubs takes a second or two; a slow machine shows the best plan of these many.
_HUB_SECONDS = 10.0
LICENCE = f"{SYNTHETIC}: made up for demonstration, no real site; CC0-1.0"

# Source and licence of the plants that the demo does not make up.
_NAMED = ("Plants named in public, gis_data/named_plants.csv", "published facts; accuracy of a county or a city")
_MADE_UP = "合成示范数据 synthetic inventory, seed "

# File, layers, title and question of each map, in Chinese and English.
_MAPS: tuple[tuple[str, tuple[str, ...], dict[str, str], dict[str, str]], ...] = (
    (
        "sites.html", ("sites", "plants"),
        {"zh": "尾矿库、煤矸石堆场与冶炼场地分布", "en": "Tailings ponds, gangue heaps and smelting sites"},
        {"zh": "固体废物堆在哪里，各尾矿库的环境监管等级是几级？", "en": "Where does the waste lie, and at which supervision level is each pond?"},
    ),
    (
        "concentration.html", ("sites", "concentration"),
        {"zh": "各省集中度", "en": "Concentration by province"},
        {"zh": "哪些省份最集中？", "en": "Which provinces hold most of it?"},
    ),
    (
        "coverage.html", ("sites", "plants", "coverage"),
        {"zh": "综合利用企业的物流半径覆盖", "en": "What plants reach within the logistics radius"},
        {"zh": "50、100、150 公里内企业够得着哪些场地，哪些够不着？", "en": "Which sites do plants reach within 50, 100 and 150 km, and which not?"},
    ),
    (
        "proximity.html", ("sites", "plants", "nearest"),
        {"zh": "最近的对口企业", "en": "Nearest plant that takes the material"},
        {"zh": "每个场地最近的、能接收其废物的企业在哪里，有多远？", "en": "Where is the nearest plant that accepts each site's waste, and how far?"},
    ),
    (
        "hubs.html", (),
        {"zh": "综合利用枢纽选址方案", "en": "Where to build recycling hubs"},
        {"zh": "建 10 处枢纽、半径 150 公里，建在哪里接收的废物最多？", "en": "Ten hubs that reach 150 km: where do they take the most waste?"},
    ),
    (
        "atlas.pdf", ("sites", "plants", "concentration"),
        {"zh": "大宗固体废物堆场分布图", "en": "Sites of bulk solid waste, for print"},
        {"zh": "报告里放哪张图？A4 全国图，含南海诸岛，可直接打印。", "en": "Which map goes into a report? The national plate on A4, ready for print."},
    ),
)  # fmt: skip


def run_demo(out: Path, *, seed: int, lang: str, say: Callable[[str], None]) -> list[str]:
    """Make the demo in a folder; what was made, one line each.

    Raises
    ------
    StoreError : the folder holds a store with rows that are not synthetic; it is left alone.
    """
    for folder in (out / "maps", out / "tables", out / "exports"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableFileError(
                f"{folder}: cannot be created ({error.strerror}). Name another folder with --out."
            ) from None
    place = out / "registry.gpkg"
    _clear(place)
    with registry.open(place, create=True) as reg:
        reg.load_regions(say=say)
        say("making the inventory")
        inventory = synthesise(reg.regions("province"), reg.regions("city"), reg.regions("county"), seed=seed)
        lines = [f"{place}: " + _fill(reg, inventory, say)]
        plan = hubs.plan(reg, hubs.Wishes(hubs=HUBS, radius_km=HUB_RADIUS_KM, time_limit_s=_HUB_SECONDS), say)
        lines += _tables(reg, plan, out / "tables", say)
        lines += _maps(reg, plan, out / "maps", lang, say)
        lines += _exports(reg, out / "exports", lang, say)
    return [*lines, f"Open {out / 'maps' / 'index.html'} in a browser.", *analysis_note(lang)]


def analysis_note(lang: str) -> list[str]:
    """The sentence that every output of the demo carries."""
    return ["以上均为合成示范数据。" if lang == "zh" else "All of it is synthetic demonstration data."]


def _clear(place: Path) -> None:
    """Take away the store of an earlier demo; anything else stays and stops the demo."""
    if not place.exists():
        return
    with registry.open(place) as reg:
        names = reg.sources()["name"]
    if not (names.str.startswith(_MADE_UP) | (names == _NAMED[0])).all():
        raise StoreError(
            f"{place}: there is a store with rows of your own here. Run the demo in another folder with --out."
        )
    for file in (place, place.with_name(place.name + "-wal"), place.with_name(place.name + "-shm")):
        file.unlink(missing_ok=True)


def _fill(reg: Registry, inventory: Inventory, say: Callable[[str], None]) -> str:
    counts = []
    for kind in Kind:
        say(f"storing {kind}")
        records = inventory.records[kind]
        made_up = records["extra"].map(lambda extra: bool(json.loads(extra)["synthetic"]))
        new = _store(reg, kind, records[made_up], f"{_MADE_UP}{inventory.seed}", LICENCE)
        if not made_up.all():
            new += _store(reg, kind, records[~made_up], *_NAMED)
        counts.append(f"{new} {kind}")
    return ", ".join(counts)


def _store(reg: Registry, kind: Kind, records: pd.DataFrame, source: str, licence: str) -> int:
    digest = hashlib.sha256(pd.util.hash_pandas_object(records, index=False).to_numpy().tobytes()).hexdigest()
    batch = Batch(kind, records, findings(), findings(), len(records), file_name=source, sha256=digest)
    return reg.import_batch(batch, source=source, licence=licence).new


def _tables(reg: Registry, plan: hubs.Answer, folder: Path, say: Callable[[str], None]) -> list[str]:
    table, _, _ = concentration(reg, say=say)
    export.write_table(table, folder / "synthetic_concentration.csv")
    nearest, _, _ = proximity(reg, nearest=3, say=say)
    export.write_table(nearest, folder / "synthetic_proximity.csv")
    covered, _ = coverage(reg, radius_km=RADII_KM, say=say)
    write_coverage(covered, folder / "synthetic_coverage.xlsx")
    hub_outputs.write(plan, folder / "synthetic_hubs.xlsx", note=synthetic_note(reg)[0])
    return [
        f"{folder}: synthetic_concentration.csv, synthetic_proximity.csv, synthetic_coverage.xlsx, synthetic_hubs.xlsx"
    ]


def _maps(reg: Registry, plan: hubs.Answer, folder: Path, lang: str, say: Callable[[str], None]) -> list[str]:
    entries = []
    pictures = render.Pictures(reg.regions("province"))
    for file, layers, title, question in _MAPS:
        if not layers:
            say("drawing the plan of hubs")
            hub_outputs.write_map(reg, plan, folder / file, lang=lang, title=title[lang])
            pictures.take(file, plan.sites, plan=plan.plan, symbols=False, lang=lang)
            entries.append(render.GalleryEntry(file=file, title=title, question=question, picture=pictures.taken[file]))
            continue
        write_map(
            reg, folder / file, lang=lang, layers=layers, asked=Overlays(radius_km=RADII_KM), title=title[lang], say=say,
            plates=PlateOptions(pages="national"), pictures=pictures,
        )  # fmt: skip
        entries.append(render.GalleryEntry(file=file, title=title, question=question, picture=pictures.taken[file]))
    render.gallery(entries, folder, note=synthetic_note(reg)[0])
    return [f"{folder}: index.html and {len(entries)} maps"]


def _exports(reg: Registry, folder: Path, lang: str, say: Callable[[str], None]) -> list[str]:
    names = tuple(f"synthetic_sites.{suffix}" for suffix in ("gpkg", "geojson", "xlsx", "csv"))
    for name in names:
        write_export(reg, folder / name, lang=lang, say=say)
    return [f"{folder}: {', '.join(names)}"]
