"""What the commands answer where workers do the work on partitions of the sites."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from registry.answers import concentration as concentration_answers
from registry.answers import coverage as coverage_answers
from registry.answers.areas import HEX, areas_of
from registry.answers.notes import synthetic_note
from registry.answers.partition import partition
from registry.answers.references import referred
from registry.answers.selection import Selection, equal, operated_by
from registry.errors import BadParameterError, UnknownKindError
from registry.model.fields import feature_table
from registry.model.vocabulary import MINERALS, SITE_KINDS, STATUSES, Kind, kind_of
from registry.partitioned import cluster, frames, uids
from registry.partitioned import concentration as concentration_work
from registry.partitioned import coverage as coverage_work
from registry.partitioned import proximity as proximity_work
from registry.partitioned.dataset import COLUMNS, Dataset, open_dataset, staged
from registry.services import concentration as concentration_service
from registry.services import spatial_statistics
from registry.settings import settings
from registry.store.read import HOLDINGS, with_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd
    from distributed import Client

    from registry.answers.concentration import Question
    from registry.answers.coverage import Wishes
    from registry.partitioned.work import Choose
    from registry.registry import Registry

    Say = Callable[[str], None]

_LAYERS = {".gpkg", ".geojson", ".fgb"}
_LEVELS = (1, 2, 3)
_CHOSEN_BY = ("kind", "supervision_level", "status", "mineral", "operator", "province_code")


class Place(NamedTuple):
    """Where the work is done: address of the workers, and the folder of the sites; without, those of the store."""

    dask: str
    sites: Path | None


def concentration(reg: Registry, asked: Question, place: Place, say: Say) -> concentration_answers.Answer:
    """Answer how sites are spread over regions; see `answers.concentration.answer`.

    Raises
    ------
    BadParameterError : hexagons, which need all sites on one machine; and as there.
    EmptyLayerError, UnknownColumnError, UnreadableFileError, CrsError, ClusterError : as there, and as in
        `registry.partitioned`.
    """
    if asked.by == HEX:
        raise BadParameterError("--by hex and --dask: it needs all sites on one machine. Leave one out.")
    if any(n < 1 for n in asked.largest):
        raise BadParameterError(f"--cr {min(asked.largest)}: give whole numbers of regions, 1 or more.")
    areas = areas_of(
        reg, asked.by, [], file=asked.regions, code_field=asked.code_field, name_field=asked.name_field, cover=False,
        past=False,
    )  # fmt: skip
    put = referred(areas.layer, asked.reference)
    choose = _choice(asked.selection)
    code = None if areas.level is None else f"{areas.level}_code"
    with _workers(reg, place, say) as (client, dataset):
        place_of = code if code is not None and code in dataset.like.columns else "geometry"
        wanted = {*concentration_work.COLUMNS, *_CHOSEN_BY, place_of}
        table = concentration_work.by_region(
            client, frames.sites_of(dataset, wanted), put.layer, measure=asked.measure, reference=put.column,
            tolerance_m=settings().locate_tolerance_m, code=code, choose=choose, say=say,
        )  # fmt: skip
    totals = dict(table.attrs["totals"])
    amount = table["sites" if asked.measure == "count" else asked.measure].to_numpy(dtype=float)
    totals |= {f"cr{n}": concentration_service.concentration_ratio(amount, n) for n in asked.largest}
    if put.told is not None:
        totals["reference"] = put.told
    outside = [f"{totals['outside']} sites lie in no {areas.name}."] if totals["outside"] else []
    notes = [*outside, *put.warnings, *_unchecked(unchecked=table.attrs["unchecked"]), *synthetic_note(reg)]
    return concentration_answers.Answer(table, totals, notes, areas, {"lorenz": spatial_statistics.lorenz(amount)})


def proximity(
    reg: Registry, place: Place, say: Say, *, nearest: int, same_material: bool, kind: str | None, level: int | None,
    province: str | None, out: Path | None,
) -> tuple[pd.DataFrame, dict[str, Any], list[str]]:  # fmt: skip
    """The nearest plants of the sites: table, totals, warnings; see `answers.proximity.proximity`.

    Parameters
    ----------
    out : where it is a folder (`is_folder`), a new one for the rows, which the workers write, a file a partition; the
        table has none then, and the totals tell how many

    Raises
    ------
    BadParameterError, EmptyLayerError, UnknownKindError, ClusterError, UnwritableFileError : as there, and as in
        `registry.partitioned`.
    """
    if out is not None and out.suffix.lower() in _LAYERS:
        raise BadParameterError(f"--out {out} and --dask: lines are not drawn. Name a folder, or a csv or xlsx file.")
    choose = _choice(Selection(kind=kind, level=level), _province(reg, province))
    with _workers(reg, place, say) as (client, dataset), _folder(client, dataset, out) as home:
        found = proximity_work.nearest_plants(
            client, frames.sites_of(dataset, {*proximity_work.COLUMNS, *_CHOSEN_BY}), reg.plants(), k=nearest,
            same_material=same_material, choose=choose, out=home, say=say,
        )  # fmt: skip
        if home is not None:
            _hoist(home / proximity_work.TABLE, home)
    totals = found.totals if home is None else {"rows": found.written, **found.totals}
    alone = found.totals["sites"] - found.totals["sites_with_plant"]
    notes = [f"{alone} sites have no plant that accepts their waste."] if alone else []
    return found.rows, totals, [*notes, *_unchecked(unchecked=found.unchecked), *synthetic_note(reg)]


def coverage(
    reg: Registry, wishes: Wishes, place: Place, say: Say, *, out: Path | None, all_rows: bool
) -> coverage_answers.Answer:
    """What the plants reach; see `answers.coverage.survey`.

    Parameters
    ----------
    out : where it is a folder (`is_folder`), a new one for all tables, of which the workers write those with a row a site
    all_rows : whether these are wanted anyway; else a workbook wants them

    Raises
    ------
    BadParameterError, EmptyLayerError, UnknownColumnError, ClusterError, UnwritableFileError : as there, and as in
        `registry.partitioned`.
    """
    provinces = coverage_answers.provinces_of(reg, wishes)
    choose = _choice(Selection(kind=wishes.kind, level=wishes.level))
    rows = all_rows or (out is not None and out.suffix.lower() == ".xlsx")
    with _workers(reg, place, say) as (client, dataset), _folder(client, dataset, out) as home:
        found = coverage_work.within_radius(
            client, frames.sites_of(dataset, {*coverage_work.COLUMNS, *_CHOSEN_BY}), reg.plants(), wishes.radius_km,
            same_material=wishes.same_material, streams=frames.streams_of(dataset), choose=choose, out=home, rows=rows,
            say=say,
        )  # fmt: skip
        answer = coverage_answers.told(found.result, provinces, wishes, say)
        if home is not None:
            for name, table in answer.tables.items():
                if name not in found.written:
                    table.to_parquet(home / f"{name}.parquet", index=False)
            found.result.areas.to_parquet(home / "areas.parquet", index=False)
    answer.warnings += [*_unchecked(unchecked=found.unchecked), *synthetic_note(reg)]
    return answer


def is_folder(out: Path) -> bool:
    """Whether a result goes into a folder, a file a partition: one without a suffix, or ``.parquet``."""
    return out.suffix.lower() in {"", ".parquet"}


# ------------------------------------------------------------------------------------------------ inside


@contextmanager
def _workers(reg: Registry, place: Place, say: Say) -> Iterator[tuple[Client, Dataset]]:
    """Workers, and a dataset that they see."""
    with tempfile.TemporaryDirectory(prefix="registry-") as passing:
        if place.sites is not None:
            dataset = open_dataset(place.sites)
        elif place.dask == cluster.LOCAL:
            folder = Path(passing) / "sites"
            partition(reg, folder, partitions=None, say=say)
            dataset = open_dataset(folder)
        else:
            raise BadParameterError(
                f"--dask {place.dask}: say where the workers find the sites. Write them with `registry partition FOLDER` "
                "to a place that all of them see, and give --sites FOLDER."
            )
        say("starting workers" if place.dask == cluster.LOCAL else "connecting")
        with cluster.connected(place.dask) as client:
            cluster.check_sight(client, dataset)
            say("computing")
            yield client, dataset


@contextmanager
def _folder(client: Client, dataset: Dataset, out: Path | None) -> Iterator[Path | None]:
    """A folder to write to, which takes the place of ``out`` when all went well."""
    if out is None or not is_folder(out):
        yield None
        return
    with staged(out) as home:
        cluster.check_sight(client, dataset, home)
        yield home


def _hoist(folder: Path, home: Path) -> None:
    """Move the files of a folder to the one that it lies in."""
    for file in folder.iterdir():
        file.rename(home / file.name)
    folder.rmdir()


def _choice(selection: Selection, province: str | None = None) -> Choose | None:
    """What leaves the sites of a partition that are asked about; None where all are."""
    kind = None if selection.kind is None else kind_of(selection.kind).value
    if selection.level is not None and selection.level not in _LEVELS:
        raise BadParameterError(f"supervision level {selection.level}: there are levels 1, 2 and 3.")
    if selection.status is not None and selection.status not in STATUSES:
        raise UnknownKindError(f"'{selection.status}' is not a status. Known: {', '.join(STATUSES)}.")
    if selection.mineral is not None and selection.mineral not in MINERALS:
        raise UnknownKindError(f"'{selection.mineral}' is not a mineral. Known: {', '.join(MINERALS)}.")
    asked = {
        "kind": kind, "supervision_level": selection.level, "status": selection.status, "mineral": selection.mineral,
        "province_code": province,
    }  # fmt: skip
    given = {column: value for column, value in asked.items() if value is not None}
    if not given and selection.operator is None:
        return None
    kinds = with_level(SITE_KINDS if kind is None else [Kind(kind)], selection.level)
    theirs = {column.name for one in kinds for column in feature_table(one).columns} | {*HOLDINGS, "kind"}
    foreign = [name for name in COLUMNS if name not in theirs]
    return partial(_chosen, given=given, operator=selection.operator, foreign=foreign)


def _chosen(
    sites: pd.DataFrame, *, given: Mapping[str, object], operator: str | None, foreign: Sequence[str]
) -> pd.DataFrame:
    """The sites that fit, without the columns that no site of their kinds can have, as a store answers."""
    for column, value in given.items():
        sites = sites[equal(sites, column, value)]
    sites = sites if operator is None else operated_by(sites, operator)
    return sites.drop(columns=[name for name in foreign if name in sites.columns])


def _province(reg: Registry, province: str | None) -> str | None:
    """The code of a province that is named by code or name."""
    if province is None:
        return None
    known = reg.regions("province")
    fits = (known[["code", "name", "name_en"]] == province).any(axis=1)
    if not fits.any():
        raise UnknownKindError(
            f"'{province}' is no province of the store. Give the code or the name of one that is loaded."
        )
    return str(known.loc[fits, "code"].iloc[0])


def _unchecked(*, unchecked: bool) -> list[str]:
    return (
        [f"More than {uids.MOST_CHECKED:,} sites: whether a uid occurs twice was not looked at."] if unchecked else []
    )
