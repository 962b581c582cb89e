"""The services applied to an opened registry: what the commands and the demo ask.

A module a question: `concentration`, `proximity`, `coverage`; `pages` draws maps and writes exports, `history` tells
what changed. An answer is a table, its totals, and lines that whoever reads it must know (`notes`).
"""
