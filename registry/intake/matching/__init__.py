"""Pairs of rows that may be one site, with a score and what speaks for it. Needs no other part of intake."""
