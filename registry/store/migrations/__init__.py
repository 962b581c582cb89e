"""How a store's schema came to be: one Alembic revision for each change, on both engines.

A revision is history. It spells out what it does and never reads the models, which go on changing.
"""
