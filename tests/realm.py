"""A registry on a server as a bureau has it: three provinces, rows in every table, a login for every role."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import psycopg
import shapely
from cluster import Cluster
from psycopg import sql

import registry
from registry.model.tables import Base

# Squares with codes and names of the standard: what lies left of 110°E is Hebei's, what lies right of it Shanxi's.
PROVINCES = {
    "130000": ("河北省", shapely.box(100, 30, 110, 40)),
    "140000": ("山西省", shapely.box(110, 30, 120, 40)),
    "150000": ("内蒙古自治区", shapely.box(100, 40, 120, 50)),
}
HEBEI, SHANXI, NOWHERE = ("ST_SetSRID(ST_Point({}, {}), 4490)".format(*at) for at in ((105, 35), (115, 35), (60, 10)))
PLACES = {"HB": "101.5,31.5", "SX": "115.5,35.5", "NM": "105.5,45.5"}
# A code ends in the letter of its kind: SX-H is Shanxi's heap.
LETTERS = {"tailings_pond": "P", "gangue_heap": "H", "smelting_site": "S", "utilization_plant": "U"}

# Login → the roles that it is a member of, and its provinces. One has its province by a group that it belongs to.
LOGINS: dict[str, tuple[list[str], list[str]]] = {
    "reader": (["registry_reader"], []),
    "hebei": (["registry_inspector"], ["130000"]),
    "two_provinces": (["registry_inspector"], ["130000", "140000"]),
    "no_province": (["registry_inspector"], []),
    "clerk": (["hebei_bureau"], []),
    "admin": (["registry_admin"], []),
    "stranger": ([], []),
}


# Logins belong to the server, and several realms on it may want one of them at a time.
_KEPT: dict[str, str] = {}


@dataclass
class Realm:
    """The server, the database to copy, and the logins' passwords."""

    cluster: Cluster
    template: str
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    # Code → uid of every site and plant.
    uids: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def made(cls, cluster: Cluster, folder: Path) -> Realm:
        """Fill a store, and make the logins; they belong to the server, so once for all databases."""
        realm = cls(cluster, cluster.create_database(), {cluster.superuser: cluster.password})
        with registry.open(cluster.url(realm.template), create=True) as reg:
            _fill(reg, folder)
            for rows in (reg.sites(), reg.plants()):
                realm.uids |= {code: str(uid) for uid, code in rows["code"].items()}
        for kind in LETTERS:
            realm.execute(f"INSERT INTO inspection (site_uid, inspected_on) SELECT uid, '2026-01-31' FROM {kind}")
        realm.execute(
            "INSERT INTO supervision_decision (pond_uid, level, decided_on, authority) "
            "SELECT uid, 1, '2026-01-31', '厅' FROM tailings_pond"
        )
        if not cluster.execute("SELECT 1 FROM pg_roles WHERE rolname = 'hebei_bureau'"):
            cluster.execute("CREATE ROLE hebei_bureau NOLOGIN IN ROLE registry_inspector")
        realm.execute("INSERT INTO inspector_province VALUES ('hebei_bureau', '130000')")
        for login, (roles, provinces) in LOGINS.items():
            realm.login(login, *roles)
            for province in provinces:
                realm.execute("INSERT INTO inspector_province VALUES (%s, %s)", login, province)
        return realm

    def login(self, name: str, *roles: str) -> None:
        """Make a login with a password that nobody knows, or give the one that is there a new one."""
        self.passwords[name] = _KEPT.setdefault(name, secrets.token_urlsafe(12))
        known = self.cluster.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", name)
        made = sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
            sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(name), sql.Literal(self.passwords[name])
        )
        self.cluster.execute(made.as_string())
        for role in roles:
            self.cluster.execute(f"GRANT {role} TO {name}")

    @contextlib.contextmanager
    def copy(self) -> Iterator[str]:
        """The name of a database with the same rows that a test may change."""
        name = self.cluster.create_database(template=self.template)
        try:
            yield name
        finally:
            self.cluster.drop_database(name)

    def execute(self, statement: str, *parameters: object, database: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement that the superuser runs."""
        return self.cluster.execute(statement, *parameters, database=database or self.template)

    def url(self, login: str, database: str | None = None) -> str:
        """Where a login finds the store."""
        return self.cluster.url(database or self.template, login, self.passwords[login])

    def opened(self, login: str, database: str | None = None) -> registry.Registry:
        """The store as a login opens it."""
        return registry.open(self.url(login, database))

    @contextlib.contextmanager
    def connected(self, login: str, database: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A login's own connection, on which every statement is a transaction."""
        with psycopg.connect(
            host=self.cluster.host, port=self.cluster.port, user=login, password=self.passwords[login],
            dbname=database or self.template, autocommit=True,
        ) as connection:  # fmt: skip
            yield connection

    def contents(self, database: str | None = None) -> dict[str, tuple[int, str]]:
        """Number of rows and a digest of them, for every table of the store."""
        tables = [*Base.metadata.tables, "inspector_province", "registry_version"]
        each = (
            f"SELECT '{name}', count(*), md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM {name} t"
            for name in tables
        )
        return {
            name: (count, digest) for name, count, digest in self.execute(" UNION ALL ".join(each), database=database)
        }


def line(code: str, place: str, *, name: str | None = None, holds: str | None = None) -> str:
    """A line of a table: tonnes a year in 10 000 t for a site, the waste code that it takes for a plant."""
    return f"{code},{name or code + '号'},{holds or ('SW05' if code.endswith('U') else '10')},{place}"


def table(path: Path, *lines: str) -> Path:
    """A table as a bureau sends it, of plants or of sites."""
    holds = "利用废物代码" if lines[0].split(",")[0].endswith("U") else "年产生量(万吨)"
    path.write_text("\n".join([f"编码,名称,{holds},经度,纬度", *lines]), encoding="utf-8")
    return path


def load_provinces(reg: registry.Registry, folder: Path) -> None:
    """Load the three provinces, by way of a file in a folder."""
    provinces = gpd.GeoDataFrame(
        {"code": list(PROVINCES), "name": [name for name, _ in PROVINCES.values()]},
        geometry=[shape for _, shape in PROVINCES.values()],
        crs=4326,
    )
    provinces.to_file(folder / "provinces.geojson")
    reg.load_regions(folder / "provinces.geojson", level="province")


def _fill(reg: registry.Registry, folder: Path) -> None:
    load_provinces(reg, folder)
    for kind, letter in LETTERS.items():
        rows = (line(f"{code}-{letter}", place) for code, place in PLACES.items())
        reg.import_file(table(folder / f"{kind}.csv", *rows), kind)
