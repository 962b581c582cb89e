"""Settings: defaults that the environment can change, one variable each with the prefix ``REGISTRY_``."""

from __future__ import annotations

import getpass
from functools import cache
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry.errors import BadParameterError


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


class Settings(BaseSettings):
    """What a user can set once for all commands (``REGISTRY_STORE``, ``REGISTRY_LANG`` …)."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")

    store: str = Field(
        "registry.gpkg", description="The store: a path ending in .gpkg, or the URL of a PostGIS database."
    )
    lang: Literal["zh", "en"] = Field("zh", description="Language of maps and exports.")
    tianditu_key: str | None = Field(
        None, description="Your key for the base maps of Tianditu; it stands in the pages."
    )
    user: str = Field(default_factory=_login, description="Who is recorded as the importer.")
    locate_tolerance_m: float = Field(
        1000.0,
        ge=0,
        description="How far outside every region a site may lie and still get the nearest one, metres.",
    )
    busy_timeout_s: float = Field(30.0, ge=0, description="How long a writer waits for another one, seconds.")
    attachment_mb: float = Field(
        50.0, gt=0, description="Largest photograph or document that a merge takes in, MB (1,000,000 bytes)."
    )
    road_timeout_s: float = Field(60.0, gt=0, description="How long a road server may take for one answer, seconds.")
    road_pairs: int = Field(
        2_500, ge=1, description="Pairs in one question to Valhalla: its service limit max_matrix_location_pairs."
    )
    road_table_size: int = Field(
        100, ge=2, description="Coordinates in one question to OSRM: its option --max-table-size."
    )
    road_most_km: float = Field(
        400.0,
        gt=0,
        description="Straight line between a site and a plant that Valhalla is asked for: its max_matrix_distance.",
    )
    road_snap_m: float = Field(
        5_000.0, ge=0, le=35_000, description="How far from a road a site or plant may lie and still use it, metres."
    )
    road_cache_days: float = Field(90.0, ge=0, description="How long a road distance is kept before it is asked again.")

    @property
    def stated_user(self) -> str:
        """The user that the environment names; empty where it is only the login of the operating system."""
        return self.user if "user" in self.model_fields_set else ""


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises
    ------
    BadParameterError : an environment variable has a value that the setting does not allow.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise BadParameterError(
            f"REGISTRY_{name}={first['input']!r}: {first['msg']}. Change or unset the variable."
        ) from None
