"""What Alembic runs: the revisions, on the connection and in the transaction of whoever opened the store."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="registry_version",
    transactional_ddl=True,
)
context.run_migrations()
