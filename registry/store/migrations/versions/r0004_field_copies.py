"""A part of a store can be edited elsewhere and be taken back: rows get uids of their own, files can be attached."""

from __future__ import annotations

from uuid import uuid4

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, Text, text

from registry.model.types import UUID_EXPRESSIONS, instant, json_text, key_text, new_uuid
from registry.store.geopackage import history as file_history
from registry.store.geopackage import standard
from registry.store.postgis import access
from registry.store.postgis import history as server_history

revision = "0004"
down_revision = "0003"

_FEATURES = ("tailings_pond", "gangue_heap", "smelting_site", "utilization_plant")
_FOLLOWERS = dict.fromkeys(("tailings_pond", "gangue_heap", "smelting_site"), ("waste_stream", "site_uid"))
# Tables whose rows were told by their id alone, and the column that says to what they belong.
_ANONYMOUS = {"inspection": "site_uid", "supervision_decision": "pond_uid"}


def upgrade() -> None:
    """Create ``attachment`` and ``merged_row``; a new row that brings no uid is given one."""
    connection = op.get_bind()
    connection.execute(
        text("INSERT INTO registry_property (key, value) VALUES ('store_uid', :uid)"), {"uid": str(uuid4())}
    )
    on_sqlite = connection.dialect.name == "sqlite"
    for table in _FEATURES:
        if on_sqlite:
            standard.let_uid_be_filled(connection, table)
        else:
            op.alter_column(table, "uid", server_default=new_uuid())
    for table in _ANONYMOUS:
        _give_uids(table)
    op.create_table(
        "attachment",
        Column("id", Integer, primary_key=True),
        Column("uid", key_text(), server_default=new_uuid(), nullable=False),
        Column("site_uid", key_text(), nullable=False),
        Column("file_name", Text, nullable=False),
        Column("media_type", Text),
        Column("sha256", Text),
        Column("taken_at", instant()),
        Column("note", Text),
        Column("content", LargeBinary),
    )
    op.create_index("ix_attachment_uid", "attachment", ["uid"], unique=True)
    op.create_index("ix_attachment_site_uid", "attachment", ["site_uid"])
    op.create_table(
        "merged_row",
        Column("id", Integer, primary_key=True),
        Column("package_uid", key_text(), nullable=False),
        Column("table_name", key_text(), nullable=False),
        Column("key", key_text(), nullable=False),
        Column("document", json_text()),
        Column("at", instant(), nullable=False),
        Column("by", Text, nullable=False),
    )
    op.create_index("ix_merged_row_package_uid", "merged_row", ["package_uid"])
    changed = {**_ANONYMOUS, "attachment": "site_uid"}
    if on_sqlite:
        standard.renew(connection)
        standard.let_uid_be_filled(connection, "attachment")
        for table in ("attachment", "merged_row"):
            standard.register_table(connection, table)
        for table, subject in (changed | dict.fromkeys(_FEATURES, "uid")).items():
            file_history.install(connection, table, subject, followers=_FOLLOWERS.get(table), siblings=_FOLLOWERS)
        return
    server_history.fill_uids(connection, [*_FEATURES, *changed])
    for table, subject in changed.items():
        server_history.install(connection, table, subject)
    access.let_inspectors_work(connection, "attachment", "site_uid")
    for table in _ANONYMOUS:
        access.let_inspectors_add(connection, table, ["uid"])
    access.show(connection, "merged_row")
    # What one inspector merged is no other's to say.
    noted = ["package_uid", "table_name", "key", "document", "at", "by"]
    access.let_inspectors_add(connection, "merged_row", noted, allowed="by = registry_who()")
    access.own_functions(connection)


def _give_uids(table: str) -> None:
    """Rows that are there get uids, and so does every later one."""
    connection = op.get_bind()
    op.add_column(table, Column("uid", key_text()))
    connection.exec_driver_sql(f"UPDATE {table} SET uid = {UUID_EXPRESSIONS[connection.dialect.name]}")
    if connection.dialect.name == "sqlite":
        standard.let_uid_be_filled(connection, table)
    else:
        op.alter_column(table, "uid", server_default=new_uuid(), nullable=False)
    op.create_index(f"ix_{table}_uid", table, ["uid"], unique=True)
