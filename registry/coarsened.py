"""A registry as the public may see it: every position blurred before anything is drawn, counted or measured from it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from registry.model.vocabulary import SITE_KINDS, Kind
from registry.registry import Registry
from registry.services.coarsening import Grid, coarsened
from registry.store.identity import uid_of_code, uuid5
from registry.store.stream import of_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd

    from registry.store.stream import FeatureStream

# What a site's uid is made from, beside its position.
_OF_UIDS = ("code", "name", "operator")
_DERIVED = "5"  # version of a UUID that is made from a text


class CoarsenedRegistry(Registry):
    """The same store, of which sites and plants are read at the centres of the cells of a fixed grid.

    Distances, coverage and hexagons that are computed through it start from the blurred positions. Were they computed
    from the true ones, the distances to three plants would give a site's place away.

    The uid of a site without a code is made from its name, operator and position, so that whoever tries all positions in
    a cell finds the true one. Here it is made from the blurred position instead, and is another than in the store.

    Parameters
    ----------
    reg : the registry that is opened; it stays open, and closing it is its owner's
    least_m : least height and width of a cell, metres

    Attributes
    ----------
    grid : see `services.coarsening`

    Raises
    ------
    BadParameterError : the size is not from 1 to 100,000 m.
    """

    def __init__(self, reg: Registry, least_m: float) -> None:
        super().__init__(reg.store)
        self.grid = Grid.of(least_m)
        self._public: dict[str, str] = {}
        self._like: Counter[str] = Counter()

    def sites(self, kind: str | None = None, **asked: Any) -> gpd.GeoDataFrame:
        """Sites as `Registry.sites` gives them, blurred; a ``bbox`` is one of true positions."""
        columns = asked.pop("columns", None)
        read = None if columns is None else {*columns, *_OF_UIDS}
        return self._blurred(super().sites(kind, columns=read, **asked), columns)

    def plants(self, accepts: str | None = None, **asked: Any) -> gpd.GeoDataFrame:
        """Plants as `Registry.plants` gives them, blurred."""
        return self._blurred(super().plants(accepts, **asked), None)

    @contextmanager
    def streamed(
        self, kinds: Sequence[Kind] = tuple(Kind), *, province: str | None = None, status: str | None = None
    ) -> Iterator[list[FeatureStream]]:
        """Streams as `Registry.streamed` gives them, of the blurred frames: a cell's centre is no row of the store."""
        asked = {"province": province, "status": status}
        yield [
            of_frame(kind, self.sites(kind, **asked) if kind in SITE_KINDS else self.plants(**asked)) for kind in kinds
        ]

    def streams(self, **asked: Any) -> pd.DataFrame:
        """What sites hold and add, under the uids that they have here."""
        self._learn(coarsened(super().sites(columns=_OF_UIDS, **asked), self.grid))
        return self._renamed(super().streams(**asked), "site_uid")

    def intakes(self) -> pd.DataFrame:
        """What plants accept, under the uids that they have here."""
        self._learn(coarsened(super().plants(), self.grid))
        return self._renamed(super().intakes(), "plant_uid")

    @property
    def note(self) -> tuple[str, str]:
        """What a page or a file says of its positions, in Chinese and English."""
        return blur_note(self.grid)

    def _blurred(self, layer: gpd.GeoDataFrame, columns: Any) -> gpd.GeoDataFrame:
        blurred = coarsened(layer, self.grid)
        self._learn(blurred)
        blurred.index = pd.Index(blurred.index.astype(str).map(self._public.__getitem__), name=layer.index.name)
        wanted = set(layer.columns) if columns is None else {*columns, "kind", "geometry"}
        return blurred[[name for name in blurred if name in wanted]]

    def _learn(self, blurred: gpd.GeoDataFrame) -> None:
        """Settle the uids of a layer; one that is settled stays, whatever its site was called on another day."""
        new = blurred[~blurred.index.isin(self._public)]
        kinds, codes = new["kind"].astype(str), new["code"]
        kept = [
            uid[14] != _DERIVED or (pd.notna(code) and uid == uid_of_code(kind, code))
            for uid, kind, code in zip(new.index, kinds, codes, strict=True)
        ]
        self._public |= {uid: uid for uid, stays in zip(new.index, kept, strict=True) if stays}
        rest = new[[not stays for stays in kept]]
        if rest.empty:
            return
        place = rest.geometry.x.map("{:.7f}".format) + "," + rest.geometry.y.map("{:.7f}".format)
        described = (
            rest["kind"].astype(str) + "|blurred:" + rest["name"] + "|" + rest["operator"].fillna("") + "|" + place
        )
        # Sites of one name in one cell are told apart by their order in the store.
        number = described.groupby(described).cumcount() + described.map(self._like).fillna(0).astype("int64")
        made = uuid5(described + "|" + number.astype(str)).to_pylist()
        self._public.update(zip(rest.index, made, strict=True))
        self._like.update(described)

    def _renamed(self, table: pd.DataFrame, column: str) -> pd.DataFrame:
        # A row whose site is not there on that day names none that is published.
        known = table[table[column].isin(self._public)]
        return known.assign(**{column: known[column].map(self._public)})


def blur_note(grid: Grid) -> tuple[str, str]:
    """What is said of positions on a grid, in Chinese and English; the size to two digits."""
    metres = float(f"{grid.height_m:.2g}")
    size = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    return (
        f"位置已作模糊化处理，仅精确到约 {size} 网格",
        f"Positions are blurred to a grid of about {size}",
    )
