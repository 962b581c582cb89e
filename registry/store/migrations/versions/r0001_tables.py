"""The tables of the first store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, Date, Double, ForeignKey, Integer, Text, UniqueConstraint

from registry.model.types import geometry, instant, json_text, key_text
from registry.store.geopackage import standard
from registry.store.migrations.target import srid

if TYPE_CHECKING:
    from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None

_STATUSES = ("approved", "under_construction", "in_use", "idle", "to_be_closed", "closed", "reused", "deregistered")


def upgrade() -> None:
    """Create every table; on SQLite also what GeoPackage asks for beside them."""
    on_sqlite = op.get_context().dialect.name == "sqlite"
    if on_sqlite:
        standard.create_system_tables(op.get_bind(), srid())
    _plain_tables()
    _feature_tables()
    _dependent_tables()
    for name in ("inspection", "registry_property", "source", "import_run", "waste_stream", "plant_intake",
                 "supervision_decision", "change"):  # fmt: skip
        if on_sqlite:
            standard.register_table(op.get_bind(), name)
    spatial = {"region": "MULTIPOLYGON"} | dict.fromkeys(
        ("tailings_pond", "gangue_heap", "smelting_site", "utilization_plant"), "POINT"
    )
    for name, geometry_type in spatial.items():
        if on_sqlite:
            standard.register_layer(op.get_bind(), name, geometry_type, srid())
        else:
            op.create_index(f"ix_{name}_geom", name, ["geom"], postgresql_using="gist")


def _plain_tables() -> None:
    _table("registry_property", Column("key", Text, primary_key=True), _needed("value"), key=False)
    _table("source", _needed("name"), Column("licence", Text), UniqueConstraint("name", name="uq_source_name"))
    _table(
        "inspection", _needed("site_uid"), _needed("inspected_on", Date), *_texts("inspector", "topic", "finding"),
        Column("severity", Text), Column("due_on", Date), Column("closed_on", Date),
    )  # fmt: skip
    op.create_index("ix_inspection_site_uid", "inspection", ["site_uid"])
    _table(
        "region", _needed("code"), _needed("level"), _needed("name"), *_texts("name_en", "parent_code"),
        _needed("area_km2", Double), _needed("geom", geometry("MULTIPOLYGON", srid())),
        UniqueConstraint("level", "code", name="uq_region_level_code"),
        _one_of("region", "level", "province", "city", "county"),
        CheckConstraint("area_km2 >= 0", name="ck_region_area_km2_range"),
    )  # fmt: skip
    _table(
        "import_run", Column("source_id", Integer, ForeignKey("source.id", name="fk_import_run_source_id"), nullable=False),
        _needed("kind"), _needed("file_name"), _needed("sha256"), _needed("at", instant()), _needed("by"),
        *(_needed(f"rows_{what}", Integer) for what in ("read", "new", "changed", "unchanged", "rejected")),
    )  # fmt: skip
    _table(
        "waste_stream", _needed("site_uid"), _needed("waste_code"), Column("annual_t", Double),
        Column("stock_t", Double),
        UniqueConstraint("site_uid", "waste_code", name="uq_waste_stream_site_uid_waste_code"),
        _between("waste_stream", "annual_t", 0, 1e10), _between("waste_stream", "stock_t", 0, 1e12),
    )  # fmt: skip


def _feature_tables() -> None:
    pond = "tailings_pond"
    _feature(
        pond, Column("supervision_level", Integer), *_texts("mineral", "storage_form"), Column("dam_class", Integer),
        *(Column(name, Double) for name in ("dam_height_m", "design_height_m", "storage_m3", "design_storage_m3")),
        Column("above_people", Boolean), *_texts("hazard_scheme", "hazard_class"),
        _between(pond, "supervision_level", 1, 3), _between(pond, "dam_class", 1, 5),
        _one_of(pond, "mineral", "iron", "copper", "gold", "other_metal", "non_metal"),
        _one_of(pond, "storage_form", "wet", "dry"),
        _between(pond, "dam_height_m", 0, 500), _between(pond, "design_height_m", 0, 500),
        _between(pond, "storage_m3", 0, 1e11), _between(pond, "design_storage_m3", 0, 1e11),
    )  # fmt: skip
    heap = "gangue_heap"
    _feature(
        heap, Column("area_m2", Double), Column("height_m", Double), *_texts("burning", "mine_name"),
        _between(heap, "area_m2", 0, 1e9), _between(heap, "height_m", 0, 500),
        _one_of(heap, "burning", "none", "smouldering", "burning", "extinguished"),
    )  # fmt: skip
    _feature("smelting_site", *_texts("metal", "process"), Column("hazardous", Boolean))
    plant = "utilization_plant"
    _feature(
        plant, Column("products", Text), Column("capacity_t_per_year", Double), Column("opened_year", Integer),
        _between(plant, "capacity_t_per_year", 0, 1e9), _between(plant, "opened_year", 1800, 2100),
    )  # fmt: skip


def _dependent_tables() -> None:
    plant = ForeignKey("utilization_plant.uid", name="fk_plant_intake_plant_uid", ondelete="CASCADE")
    _table(
        "plant_intake", Column("plant_uid", key_text(), plant, nullable=False), _needed("waste_code"),
        Column("capacity_t_per_year", Double), Column("gate_fee_yuan_per_t", Double),
        UniqueConstraint("plant_uid", "waste_code", name="uq_plant_intake_plant_uid_waste_code"),
        _between("plant_intake", "capacity_t_per_year", 0, 1e9),
        _between("plant_intake", "gate_fee_yuan_per_t", -10000, 10000),
    )  # fmt: skip
    pond = ForeignKey("tailings_pond.uid", name="fk_supervision_decision_pond_uid", ondelete="CASCADE")
    _table(
        "supervision_decision", Column("pond_uid", key_text(), pond, nullable=False), _needed("level", Integer),
        _needed("decided_on", Date), _needed("authority"), *_texts("document", "note"),
        _between("supervision_decision", "level", 1, 3),
    )  # fmt: skip
    _table(
        "change", _needed("at", instant()), Column("by", Text), _needed("table_name"), _needed("uid"),
        _needed("action"), Column("before", json_text()), Column("after", json_text()),
        Column("import_run_id", Integer, ForeignKey("import_run.id", name="fk_change_import_run_id")),
    )  # fmt: skip
    op.create_index("ix_change_uid", "change", ["uid"])


def _feature(name: str, *own: SchemaItem) -> None:
    _table(
        name, _needed("uid"), *_texts("code"), _needed("name"),
        *_texts("name_en", "operator", "credit_code", "status", "province_code", "city_code", "county_code"),
        *_texts("declared_province", "address", "basin"), Column("ownerless", Boolean),
        Column("position_accuracy_m", Double), *(item for item in own if isinstance(item, Column)), Column("warnings", Text),
        Column("extra", json_text()), Column("source_id", Integer, ForeignKey("source.id", name=f"fk_{name}_source_id")),
        _needed("geom", geometry("POINT", srid())),
        *(item for item in own if not isinstance(item, Column)),
        _one_of(name, "status", *_STATUSES), _between(name, "position_accuracy_m", 0, 1e6),
    )  # fmt: skip
    op.create_index(f"ix_{name}_uid", name, ["uid"], unique=True)
    op.create_index(f"ix_{name}_code", name, ["code"], unique=True)
    op.create_index(f"ix_{name}_province_code", name, ["province_code"])


def _table(name: str, *items: SchemaItem, key: bool = True) -> None:
    identity = [Column("id", Integer, primary_key=True)] if key else []
    op.create_table(name, *identity, *items)


def _needed(name: str, kind: Any = None) -> Column[Any]:
    return Column(name, kind or _text(name), nullable=False)


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, _text(name)) for name in names]


def _text(name: str) -> Any:
    """What is looked up is compared by code points, what is read as the database's language has it."""
    return key_text() if name.endswith(("uid", "code")) or name in {"level", "table_name"} else Text()


def _one_of(table: str, column: str, *codes: str) -> CheckConstraint:
    # A chain of OR: SQLite would build a lookup for IN anew at every row of a bulk load.
    return CheckConstraint(" OR ".join(f"{column} = '{code}'" for code in codes), name=f"ck_{table}_{column}_code")


def _between(table: str, column: str, low: float, high: float) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=f"ck_{table}_{column}_range")
