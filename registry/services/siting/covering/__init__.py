"""Covering: most demand within reach of so many hubs, all of it with the fewest, and what stays if a source is lost.

``maximal`` is the door. Models are made small (``cover_model``), searched (``cover_start``), bounded by prices
(``cover_bounds``), and what is left is solved: ``cover_exact`` (maximal), ``cover_all`` (fewest), ``cover_worst``.
"""
