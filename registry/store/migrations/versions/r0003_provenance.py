"""Every row knows where it came from, and what was settled of two sites that may be one is kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, Double, ForeignKey, Integer, Text, UniqueConstraint

from registry.model.types import instant, key_text
from registry.store.geopackage import standard
from registry.store.postgis import access

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create ``source_row`` and ``match_decision``; an import run says its sheet, and whether it is a whole edition."""
    connection = op.get_bind()
    op.add_column("import_run", Column("sheet", Text))
    op.add_column("import_run", Column("supplement", Boolean))
    op.create_table(
        "source_row",
        Column("id", Integer, primary_key=True),
        Column(
            "import_run_id",
            Integer,
            ForeignKey("import_run.id", name="fk_source_row_import_run_id"),
            nullable=False,
        ),
        Column("uid", key_text(), nullable=False),
        Column("row", Integer, nullable=False),
    )
    op.create_index("ix_source_row_import_run_id", "source_row", ["import_run_id"])
    op.create_index("ix_source_row_uid", "source_row", ["uid"])
    op.create_table(
        "match_decision",
        Column("id", Integer, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("uid", key_text(), nullable=False),
        Column("other_uid", key_text(), nullable=False),
        Column("decision", Text, nullable=False),
        Column("score", Double),
        Column("at", instant(), nullable=False),
        Column("by", Text, nullable=False),
        UniqueConstraint("uid", "other_uid", name="uq_match_decision_uid_other_uid"),
        CheckConstraint("decision = 'same' OR decision = 'different'", name="ck_match_decision_decision_code"),
        CheckConstraint("score BETWEEN 0 AND 1", name="ck_match_decision_score_range"),
    )
    for table in ("source_row", "match_decision"):
        if connection.dialect.name == "sqlite":
            standard.register_table(connection, table)
        else:
            access.show(connection, table)
    if connection.dialect.name != "sqlite":
        access.let_inspectors_add(connection, "import_run", ["sheet", "supplement"])
        # A row of somebody else's import cannot be claimed; what is one site is settled by administrators.
        own = "import_run_id IN (SELECT id FROM import_run WHERE by = registry_who())"
        access.let_inspectors_add(connection, "source_row", ["import_run_id", "uid", "row"], allowed=own)
