"""What all other rooms speak of: code lists, tables with the description of every field, and records.

``vocabulary`` holds the closed lists (kinds, statuses, levels …) in Chinese and English, ``tables`` the SQLAlchemy
tables whose ``Column.info`` describes each field, ``fields`` the reading of those descriptions. Nothing here imports
another room.
"""
