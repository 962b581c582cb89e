"""The region codes of a row that is edited in the database: where it lies decides, not what the editor writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.store.postgis.history import search_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

# Set for one transaction by an import that has located its rows itself; believed of administrators only.
LOCATED_SETTING = "registry.located"

# A point in no region gets the nearest within 1000 m, as an import gives it unless told otherwise.
_REGION_AT = """
CREATE OR REPLACE FUNCTION registry_region_at(wanted text, place geometry, tolerance_m double precision DEFAULT 1000)
RETURNS text LANGUAGE plpgsql STABLE {path} AS $$
DECLARE found text; margin double precision := tolerance_m / 110000;
BEGIN
  SELECT code INTO found FROM region WHERE level = wanted AND ST_Covers(geom, place) ORDER BY code LIMIT 1;
  IF found IS NULL THEN
    SELECT code INTO found FROM region
    WHERE level = wanted
      AND geom && ST_Expand(place, margin / greatest(cos(radians(ST_Y(place))), 0.01), margin)
      AND ST_DWithin(geom::geography, place::geography, tolerance_m)
    ORDER BY ST_Distance(geom::geography, place::geography), code LIMIT 1;
  END IF;
  RETURN found;
END $$
"""

_LOCATE = """
CREATE OR REPLACE FUNCTION registry_locate() RETURNS trigger LANGUAGE plpgsql {path} AS $$
BEGIN
  NEW.province_code := registry_region_at('province', NEW.geom);
  NEW.city_code := registry_region_at('city', NEW.geom);
  NEW.county_code := registry_region_at('county', NEW.geom);
  RETURN NEW;
END $$
"""

TRIGGER = "registry_locate"


def install(connection: Connection, tables: Iterable[str]) -> None:
    """Make every table locate the rows that are written to it."""
    path = search_path(connection)
    for body in (_REGION_AT, _LOCATE):
        connection.exec_driver_sql(body.format(path=path))
    trusted = (
        f"current_setting('{LOCATED_SETTING}', true) = 'on' AND pg_has_role(current_user, 'registry_admin', 'MEMBER')"
    )
    for table in tables:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {TRIGGER} ON {table}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OF geom, province_code, city_code, county_code "
            f"ON {table} FOR EACH ROW WHEN (({trusted}) IS NOT TRUE) EXECUTE FUNCTION registry_locate()"
        )
